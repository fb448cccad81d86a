//! Where a host is and how to log in to it: what OpenSSH's own client says (`ssh -G`, which reads Include, Match and
//! every other rule of `ssh_config`), with the site file on top. Without that client: the site file and the usual places.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::known_hosts::Lookup;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::site::Site;
use crate::model::place::{Host, HostKind};

/// Jump hosts one behind another; more is a loop.
const MOST_HOPS: usize = 8;
/// How long `ssh -G` may take: `Match exec` runs the user's own commands.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// One machine to log in to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) hostname: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// Keys that the site file names: tried first, and an error when they are not there.
    pub(super) site_keys: Vec<PathBuf>,
    pub(super) identity_files: Vec<PathBuf>,
    pub(super) certificate_files: Vec<PathBuf>,
    pub(super) identities_only: bool,
    /// The agent's socket.
    pub(super) agent: Option<PathBuf>,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) host_key_alias: Option<String>,
}

impl Target {
    /// Under which name its key is looked for.
    pub(super) fn lookup(&self) -> Lookup {
        Lookup { host: self.hostname.clone(), port: self.port, alias: self.host_key_alias.clone() }
    }
}

/// The machines to go through, the host itself last.
///
/// # Errors
/// When `ssh_config` cannot be used, names a `ProxyCommand`, or its jump hosts form a loop.
pub(super) async fn route(host: &Host, site: &Site) -> Result<Vec<Target>, EvidenceError> {
    let place = Surroundings::of_this_process();
    let mapped = site.nodes.addresses.get(&host.name);
    let answer = match mapped {
        Some(address) => ask(address, site, true).await?,
        None => ask_for(host, site).await?,
    };
    let address = mapped.unwrap_or(&host.address);
    let Some(answer) = answer else {
        return Ok(vec![usual(address, site, &place)]);
    };
    let mut hops = Vec::new();
    let mut jump = answer.one("proxyjump").map(str::to_owned);
    refuse_proxy_command(&host.name, &answer)?;
    let target = answer.target(address, site, &place);
    // The last of several jump hosts is nearest to the host; only the first is reached by its own rules.
    while let Some(list) = jump.take() {
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        for (index, name) in names.iter().enumerate().rev() {
            if hops.len() >= MOST_HOPS {
                return Err(settings_error(&host.name, format!("its jump hosts do not end ({MOST_HOPS} at most)")));
            }
            let name = name.strip_prefix("ssh://").unwrap_or(name);
            let (asked, port) = split_port(name);
            let Some(mut answer) = ask(asked, site, false).await? else { continue };
            if let Some(port) = port {
                answer.set("port", &port.to_string());
            }
            refuse_proxy_command(asked, &answer)?;
            hops.push(answer.target(asked, site, &place));
            if index == 0 {
                jump = answer.one("proxyjump").map(str::to_owned);
            }
        }
    }
    hops.reverse();
    hops.push(target);
    Ok(hops)
}

fn settings_error(name: &str, reason: impl std::fmt::Display) -> EvidenceError {
    EvidenceError::new(ErrorKind::HostUnreachable, format!("read the ssh settings of {name}"), reason)
}

fn refuse_proxy_command(name: &str, answer: &Answer) -> Result<(), EvidenceError> {
    match answer.one("proxycommand") {
        Some(_) => Err(settings_error(name, "ssh_config names a ProxyCommand, which is not supported")
            .hint("use ProxyJump, or an address in the site file's nodes.addresses")),
        None => Ok(()),
    }
}

/// A node is asked for by name first, because people write `Host` blocks by name; a name that means nothing to
/// `ssh_config` comes back as it is, and then its address is asked for. Other hosts are named by a person.
async fn ask_for(host: &Host, site: &Site) -> Result<Option<Answer>, EvidenceError> {
    if host.kind == HostKind::Node && host.name != host.address {
        match ask(&host.name, site, true).await {
            Ok(None) => return Ok(None),
            Ok(Some(answer)) if answer.one("hostname").is_some_and(|found| !found.eq_ignore_ascii_case(&host.name)) => {
                return Ok(Some(answer));
            }
            // Whatever is wrong with the name, the address may still do.
            Ok(Some(_)) | Err(_) => {}
        }
    }
    ask(&host.address, site, true).await
}

/// What `ssh -G` says about a name, or `None` when there is no such client.
async fn ask(name: &str, site: &Site, is_host: bool) -> Result<Option<Answer>, EvidenceError> {
    let mut command = tokio::process::Command::new("ssh");
    command.arg("-G");
    if let Some(config) = &site.ssh.config {
        command.arg("-F").arg(config);
    }
    if is_host && let Some(user) = &site.ssh.user {
        command.arg("-l").arg(user);
    }
    if is_host && let Some(port) = site.ssh.port {
        command.arg("-p").arg(port.to_string());
    }
    command.arg("--").arg(name).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(ASK_LIMIT, command.output()).await {
        Err(_) => return Err(settings_error(name, format!("`ssh -G` gave no answer within {} s", ASK_LIMIT.as_secs()))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(Err(error)) => return Err(settings_error(name, error)),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(settings_error(name, said.trim()).hint("try `ssh -G` by hand"));
    }
    Ok(Some(Answer::parse(&String::from_utf8_lossy(&output.stdout))))
}

/// What `ssh -G` printed: values by key, in order.
struct Answer {
    values: BTreeMap<String, Vec<String>>,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            if let Some((key, value)) = line.split_once(' ') {
                values.entry(key.to_lowercase()).or_default().push(value.trim().to_owned());
            }
        }
        Self { values }
    }

    /// The value, unless it is `none`.
    fn one(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.first().map(String::as_str).filter(|value| !value.is_empty() && *value != "none")
    }

    fn set(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_owned(), vec![value.to_owned()]);
    }

    fn target(&self, asked: &str, site: &Site, place: &Surroundings) -> Target {
        let hostname = self.one("hostname").unwrap_or(asked).to_owned();
        let port = self.one("port").and_then(|port| port.parse().ok()).unwrap_or(22);
        let user = self.one("user").map_or_else(|| place.user.clone(), str::to_owned);
        let tokens = Tokens { hostname: &hostname, asked, user: &user, port, place };
        let each_line = |key: &str| -> Vec<PathBuf> {
            let values = self.values.get(key).into_iter().flatten();
            values.filter(|value| *value != "none").map(|value| tokens.path(value)).collect()
        };
        let each_word = |key: &str| -> Vec<PathBuf> {
            let words = self.one(key).into_iter().flat_map(str::split_ascii_whitespace);
            words.map(|value| tokens.path(value)).collect()
        };
        let mut known_hosts = site.ssh.known_hosts.iter().map(|path| place.expand_home(path)).collect::<Vec<_>>();
        if known_hosts.is_empty() {
            known_hosts = each_word("userknownhostsfile");
            known_hosts.extend(each_word("globalknownhostsfile"));
        }
        let agent = match self.values.get("identityagent").and_then(|values| values.first()).map(String::as_str) {
            Some("none") => None,
            None | Some("SSH_AUTH_SOCK") => place.agent.clone(),
            Some(named) => match named.strip_prefix('$') {
                Some(variable) => std::env::var_os(variable.trim_matches(['{', '}'])).map(PathBuf::from),
                None => Some(tokens.path(named)),
            },
        };
        Target {
            port,
            site_keys: site.ssh.keys.iter().map(|path| place.expand_home(path)).collect(),
            identity_files: each_line("identityfile"),
            certificate_files: each_line("certificatefile"),
            identities_only: self.one("identitiesonly") == Some("yes"),
            agent,
            known_hosts,
            host_key_alias: self.one("hostkeyalias").map(str::to_owned),
            hostname,
            user,
        }
    }
}

/// The settings when no ssh client is there to be asked.
fn usual(address: &str, site: &Site, place: &Surroundings) -> Target {
    let (named_user, address) = address.rsplit_once('@').map_or((None, address), |(user, rest)| (Some(user), rest));
    let home = |name: &str| place.home.join(".ssh").join(name);
    let known_hosts = if site.ssh.known_hosts.is_empty() {
        vec![home("known_hosts"), home("known_hosts2"), PathBuf::from("/etc/ssh/ssh_known_hosts")]
    } else {
        site.ssh.known_hosts.iter().map(|path| place.expand_home(path)).collect()
    };
    Target {
        hostname: address.to_owned(),
        port: site.ssh.port.unwrap_or(22),
        user: site.ssh.user.clone().or(named_user.map(str::to_owned)).unwrap_or_else(|| place.user.clone()),
        site_keys: site.ssh.keys.iter().map(|path| place.expand_home(path)).collect(),
        identity_files: ["id_ed25519", "id_ecdsa", "id_rsa"].map(home).to_vec(),
        certificate_files: Vec::new(),
        identities_only: false,
        agent: place.agent.clone(),
        known_hosts,
        host_key_alias: None,
    }
}

/// What the process that runs us has set.
struct Surroundings {
    home: PathBuf,
    user: String,
    agent: Option<PathBuf>,
}

impl Surroundings {
    fn of_this_process() -> Self {
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned());
        let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
        Self { home, user, agent: std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from) }
    }

    fn expand_home(&self, path: &Path) -> PathBuf {
        path.strip_prefix("~").map_or_else(|_| path.to_owned(), |rest| self.home.join(rest))
    }
}

/// What the tokens of a path mean.
struct Tokens<'a> {
    hostname: &'a str,
    asked: &'a str,
    user: &'a str,
    port: u16,
    place: &'a Surroundings,
}

impl Tokens<'_> {
    fn path(&self, text: &str) -> PathBuf {
        let mut expanded = String::new();
        let mut letters = text.trim_matches('"').chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                expanded.push(letter);
                continue;
            }
            match letters.next() {
                Some('d') => expanded.push_str(&self.place.home.to_string_lossy()),
                Some('h') => expanded.push_str(self.hostname),
                Some('n') => expanded.push_str(self.asked),
                Some('r') => expanded.push_str(self.user),
                Some('u') => expanded.push_str(&self.place.user),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('%') | None => expanded.push('%'),
                Some(other) => expanded.extend(['%', other]),
            }
        }
        self.place.expand_home(Path::new(&expanded))
    }
}

/// `host:port` and `[v6]:port` of a jump host; a bare IPv6 address has no port.
fn split_port(name: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match name.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Surroundings {
        Surroundings { home: PathBuf::from("/home/me"), user: "me".to_owned(), agent: Some(PathBuf::from("/run/agent")) }
    }

    const SAID: &str = "user root\nhostname 10.88.0.12\nport 2222\nidentitiesonly yes\nidentityfile ~/.ssh/lab\nidentityfile %d/.ssh/%r@%h\n\
                        userknownhostsfile /a ~/b\nglobalknownhostsfile /c\nproxyjump none\nhostkeyalias rack-7\nidentityagent none\n";

    #[test]
    fn what_ssh_says_becomes_a_target() {
        let target = Answer::parse(SAID).target("n2", &Site::default(), &place());
        assert_eq!((target.hostname.as_str(), target.port, target.user.as_str()), ("10.88.0.12", 2222, "root"));
        assert_eq!(target.identity_files, [PathBuf::from("/home/me/.ssh/lab"), PathBuf::from("/home/me/.ssh/root@10.88.0.12")]);
        assert_eq!(target.known_hosts, ["/a", "/home/me/b", "/c"].map(PathBuf::from));
        assert_eq!((target.host_key_alias.as_deref(), target.agent, target.identities_only), (Some("rack-7"), None, true));
    }

    #[test]
    fn the_agent_of_the_environment_is_the_default() {
        for text in ["user x\n", "identityagent SSH_AUTH_SOCK\n"] {
            let target = Answer::parse(text).target("n2", &Site::default(), &place());
            assert_eq!(target.agent, Some(PathBuf::from("/run/agent")));
        }
        let target = Answer::parse("identityagent ~/agent\n").target("n2", &Site::default(), &place());
        assert_eq!(target.agent, Some(PathBuf::from("/home/me/agent")));
    }

    #[test]
    fn the_site_names_keys_and_known_hosts() {
        let mut site = Site::default();
        site.ssh.keys = vec![PathBuf::from("~/k")];
        site.ssh.known_hosts = vec![PathBuf::from("/site")];
        let target = Answer::parse(SAID).target("n2", &site, &place());
        assert_eq!(target.site_keys, [PathBuf::from("/home/me/k")]);
        assert_eq!(target.known_hosts, [PathBuf::from("/site")]);
    }

    #[test]
    fn without_a_client_the_usual_places_do() {
        let target = usual("admin@n2", &Site::default(), &place());
        assert_eq!((target.user.as_str(), target.hostname.as_str(), target.port), ("admin", "n2", 22));
        assert_eq!(target.identity_files[0], PathBuf::from("/home/me/.ssh/id_ed25519"));
    }

    #[test]
    fn jump_hosts_may_have_ports() {
        assert_eq!(split_port("bastion"), ("bastion", None));
        assert_eq!(split_port("me@bastion:2222"), ("me@bastion", Some(2222)));
        assert_eq!(split_port("[fd10::1]:22"), ("fd10::1", Some(22)));
        assert_eq!(split_port("fd10::1"), ("fd10::1", None));
    }

    fn routed(config: &str, host: &Host) -> Option<Result<Vec<Target>, EvidenceError>> {
        std::process::Command::new("ssh").arg("-V").output().ok()?;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        std::fs::write(&file, config).unwrap();
        let mut site = Site::default();
        site.ssh.config = Some(file);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Some(runtime.block_on(route(host, &site)))
    }

    fn node(name: &str, address: &str) -> Host {
        Host { name: name.to_owned(), address: address.to_owned(), kind: HostKind::Node }
    }

    #[test]
    fn a_node_is_found_by_name_or_else_by_address() {
        let config = "Host n2\n HostName 192.0.2.2\nHost 192.0.2.3\n User three\n";
        let Some(Ok(route)) = routed(config, &node("n2", "10.0.0.2")) else { return };
        assert_eq!(route[0].hostname, "192.0.2.2");
        let Some(Ok(route)) = routed(config, &node("n3", "192.0.2.3")) else { return };
        assert_eq!((route[0].hostname.as_str(), route[0].user.as_str()), ("192.0.2.3", "three"));
    }

    #[test]
    fn jump_hosts_come_in_the_order_of_the_way() {
        let config = "Host n2\n HostName 192.0.2.2\n ProxyJump a,me@b:2222\nHost a\n HostName 192.0.2.10\n ProxyJump z\nHost b\n HostName 192.0.2.11\n ProxyJump y\n";
        let Some(Ok(route)) = routed(config, &node("n2", "10.0.0.2")) else { return };
        let way: Vec<(&str, u16)> = route.iter().map(|hop| (hop.hostname.as_str(), hop.port)).collect();
        assert_eq!(way, [("z", 22), ("192.0.2.10", 22), ("192.0.2.11", 2222), ("192.0.2.2", 22)]);
        assert_eq!(route[2].user, "me");
    }

    #[test]
    fn a_loop_of_jump_hosts_ends_and_a_proxy_command_is_named() {
        let Some(looped) =
            routed("Host n2\n HostName 192.0.2.2\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n", &node("n2", "x"))
        else {
            return;
        };
        assert!(looped.unwrap_err().reason.contains("do not end"));
        let Some(command) = routed("Host n2\n HostName 192.0.2.2\n ProxyCommand nc %h %p\n", &node("n2", "x")) else { return };
        assert!(command.unwrap_err().reason.contains("ProxyCommand"));
    }

    #[test]
    fn a_name_that_looks_like_an_option_is_no_option() {
        let Some(result) = routed("", &node("-oProxyCommand=touch /tmp/x", "-V")) else { return };
        assert!(result.is_err());
    }
}
