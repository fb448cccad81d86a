//! What the person's own surroundings add to the settings: home, agent, and the tokens in paths and commands.

use std::path::{Path, PathBuf};

/// What the process that runs us has set.
pub(super) struct Surroundings {
    pub(super) home: PathBuf,
    pub(super) user: String,
    pub(super) agent: Option<PathBuf>,
}

impl Surroundings {
    pub(super) fn of_this_process() -> Self {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned());
        let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
        Self { home, user, agent: std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from) }
    }

    pub(super) fn expand_home(&self, path: &Path) -> PathBuf {
        path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| self.home.join(rest))
    }
}

/// What the tokens of a path or a command mean.
pub(super) struct Tokens<'a> {
    pub(super) hostname: &'a str,
    pub(super) asked: &'a str,
    pub(super) user: &'a str,
    pub(super) port: u16,
    /// `HostKeyAlias`, or else the name that was asked for.
    pub(super) key_name: &'a str,
    pub(super) place: &'a Surroundings,
}

impl Tokens<'_> {
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let text = text.trim_matches('"');
        let expanded = self.expand(&environment(text), false).unwrap_or_else(|_| text.to_owned());
        self.place.expand_home(Path::new(&expanded))
    }

    /// The text of a `ProxyCommand`, which the user's own shell is to read, as OpenSSH has it. What replaces a token there
    /// may come from a cluster's API, so it has to be a plain word.
    ///
    /// # Errors
    /// When a value is none, or a token is not known.
    pub(super) fn command(&self, text: &str) -> Result<String, String> {
        self.expand(text, true)
    }

    fn expand(&self, text: &str, plain_words_only: bool) -> Result<String, String> {
        let mut expanded = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                expanded.push(letter);
                continue;
            }
            let token = letters.next();
            let value = match token {
                Some('d') => self.place.home.to_string_lossy().into_owned(),
                Some('h') => self.hostname.to_owned(),
                Some('i') => own_number(),
                Some('k') => self.key_name.to_owned(),
                Some('L') => own_name().split('.').next().unwrap_or_default().to_owned(),
                Some('l') => own_name(),
                Some('n') => self.asked.to_owned(),
                Some('p') => self.port.to_string(),
                Some('r') => self.user.to_owned(),
                Some('u') => self.place.user.clone(),
                Some('%') | None => {
                    expanded.push('%');
                    continue;
                }
                Some(other) => return Err(format!("the token %{other} is not known here")),
            };
            if plain_words_only && !plain(&value) {
                let token = token.unwrap_or('%');
                return Err(format!("its ProxyCommand would put `{value}` for %{token} before a shell, which is not a plain word"));
            }
            expanded.push_str(&value);
        }
        Ok(expanded)
    }
}

fn plain(word: &str) -> bool {
    !word.starts_with('-') && !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-:@%/+=,[]".contains(c))
}

/// `${NAME}` by the environment, as OpenSSH replaces it in paths; what is not set stays.
fn environment(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, (name, after))) = rest.split_once("${").and_then(|(before, after)| Some((before, after.split_once('}')?))) {
        expanded.push_str(before);
        match std::env::var(name) {
            Ok(value) => expanded.push_str(&value.replace('%', "%%")),
            // As OpenSSH, which leaves what is not set to fail where it is used.
            Err(_) => expanded.extend(["${", name, "}"]),
        }
        rest = after;
    }
    expanded + rest
}

fn own_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// The number of the user that runs us.
fn own_number() -> String {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map(|own| own.uid().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Surroundings {
        Surroundings { home: PathBuf::from("/home/me"), user: "me".to_owned(), agent: None }
    }

    fn tokens<'a>(hostname: &'a str, place: &'a Surroundings) -> Tokens<'a> {
        Tokens { hostname, asked: "n2", user: "root", port: 2222, key_name: "rack-7", place }
    }

    #[test]
    fn tokens_of_paths_are_openssh_s() {
        let place = place();
        let path = |text: &str| tokens("10.0.0.2", &place).path(text).to_str().unwrap().to_owned();
        assert_eq!(path("~/.ssh/%r@%h:%p"), "/home/me/.ssh/root@10.0.0.2:2222");
        assert_eq!(path("%d/%n/%k/%u/100%%"), "/home/me/n2/rack-7/me/100%");
        assert_eq!(path("\"/a b\""), "/a b");
        assert_eq!(path("${LBDIAG_NOT_SET}/x"), "${LBDIAG_NOT_SET}/x");
        assert_eq!(path("${CARGO_PKG_NAME}/x"), "lbdiag/x");
    }

    #[test]
    fn what_would_meet_a_shell_has_to_be_a_plain_word() {
        let place = place();
        assert_eq!(tokens("10.0.0.2", &place).command("nc %h %p"), Ok("nc 10.0.0.2 2222".to_owned()));
        for hostile in ["a;id", "$(id)", "a b", "-oProxyCommand=id", "`id`", "a'b", "a\nb", ""] {
            let refused = tokens(hostile, &place).command("nc %h %p").unwrap_err();
            assert!(refused.contains("not a plain word"), "{refused}");
        }
        assert!(tokens("a", &place).command("nc %T").is_err());
    }
}
