//! Places to ask from that were written as a bare name: a host of `ssh_config`, or a node. Which it was taken for is told.

use std::path::{Path, PathBuf};

use super::arguments::Given;
use super::streams;
use crate::engine::{Header, ParamKind};
use crate::evidence::host::ssh_entries;
use crate::evidence::site::Site;
use crate::evidence::text_file;
use crate::model::text::one_line;

/// What a person's SSH reads, and the machine's.
const USUAL: [&str; 2] = ["~/.ssh/config", "/etc/ssh/ssh_config"];

/// The parameters that were given, with every bare name made one of a place.
///
/// # Errors
/// When the site file cannot be read, which says where SSH's configuration is.
pub(super) fn named(given: &Given, header: &Header) -> Result<Vec<(String, String)>, String> {
    let takes = |name: &str| header.params.iter().any(|param| param.name == name && param.kind == ParamKind::Vantages);
    let bare = |value: &str| value.split(',').map(str::trim).any(is_bare);
    if !given.set.iter().any(|(name, value)| takes(name) && bare(value)) {
        return Ok(given.set.clone());
    }
    let files = configurations(given)?;
    let texts: Vec<(PathBuf, String)> = files.into_iter().filter_map(|file| text_file::read(&file).ok().map(|text| (file, text))).collect();
    let settled = |(name, value): &(String, String)| {
        if !takes(name) {
            return (name.clone(), value.clone());
        }
        let parts: Vec<String> = value.split(',').map(|part| place(part.trim(), &texts, given.quiet)).collect();
        (name.clone(), parts.join(","))
    };
    Ok(given.set.iter().map(settled).collect())
}

fn is_bare(part: &str) -> bool {
    !part.is_empty() && part != "local" && !part.contains(':')
}

fn place(part: &str, texts: &[(PathBuf, String)], quiet: bool) -> String {
    if !is_bare(part) {
        return part.to_owned();
    }
    let (place, why) = match texts.iter().find(|(_, text)| ssh_entries::names(text, part)) {
        Some((file, _)) => (format!("ssh:{part}"), format!("{} has a Host of that name", file.display())),
        None => (format!("node:{part}"), "no Host of ssh_config has that name, so that a node is meant".to_owned()),
    };
    if !quiet {
        streams::say(&format!("lbdiag: {} is taken for {}: {why}", one_line(part), one_line(&place)));
    }
    place
}

/// The site's own configuration, or the usual ones.
fn configurations(given: &Given) -> Result<Vec<PathBuf>, String> {
    let site = given.site.as_deref().filter(|_| given.replay.is_none()).map(|file| Site::read(file).map_err(|error| error.to_string()));
    let own = site.transpose()?.and_then(|site| site.ssh.config);
    let usual = || USUAL.iter().map(PathBuf::from).collect();
    Ok(own.map_or_else(usual, |file| vec![file]).iter().map(|file| at_home(file)).collect())
}

fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_a_host_of_ssh_or_a_node() {
        let texts = [(PathBuf::from("config"), "Host c1\n".to_owned())];
        for (part, expected) in [("c1", "ssh:c1"), ("n2", "node:n2"), ("local", "local"), ("ssh:x", "ssh:x"), ("pod:a/b", "pod:a/b")] {
            assert_eq!(place(part, &texts, true), expected);
        }
    }
}
