//! `lbdiag show`: what a playbook is, what it may be given, and how far it reaches.

use std::fmt::Write;
use std::path::Path;

use super::declared;
use super::exit::Exit;
use super::refusal::tell;
use super::{print, refuse, streams};
use crate::engine::{self, Playbook};
use crate::evidence::site::Site;
use crate::language::header::{Header, Param};
use crate::model::text::{hanging, harmless, one_line};

/// Prints a playbook's header as help, with the hooks of a site; with its text, that alone goes to standard output, as it is.
pub(super) fn show(name: &Path, source: bool, site: Option<&Path>) -> Exit {
    let playbook = match engine::open(name) {
        Ok(playbook) => playbook,
        Err(refusal) => return tell(refusal, &[]),
    };
    let mut told = text(&playbook.header);
    if let Some(file) = site {
        match Site::read(file) {
            Ok(site) => told.push_str(&hooks(&playbook, &site)),
            Err(error) => return refuse(Exit::Usage, &error.to_string()),
        }
    }
    if !source {
        return print(&told);
    }
    streams::say(&format!("{told}\nText, of {}:\n", one_line(&playbook.path)));
    match streams::show(&harmless(&playbook.source)) {
        Ok(()) => Exit::Good,
        Err(error) => refuse(Exit::CouldNotWork, &error),
    }
}

fn text(header: &Header) -> String {
    let mut text = format!("{} {}\n{}\n\n", one_line(&header.name), one_line(&header.version), hanging(&header.about));
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "Kind: {}\nUses: {}", header.kind.word(), one_line(&header.uses.join(" ")));
    for (name, reach) in REACH.iter().filter(|(name, _)| header.uses.iter().any(|used| used == name)) {
        let _ = writeln!(text, "  {name:16}  {reach}");
    }
    text.push_str("\nParameters:\n");
    let names: Vec<String> = header.params.iter().map(|param| format!("{} ({})", one_line(&param.name), param.kind.word())).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, param) in names.iter().zip(&header.params) {
        let _ = writeln!(text, "  {name:width$}  {}", one_line(&format!("{}{}", param.help, supplement(param))));
    }
    if !header.findings.is_empty() {
        text.push_str("\nFindings of its own:\n");
        text.push_str(&declared::list(&header.findings));
    }
    text
}

/// The playbook's steps that have a title, each with what the site runs there.
fn hooks(playbook: &Playbook, site: &Site) -> String {
    let mut text = "\nSteps, with the site's hooks:\n".to_owned();
    for title in engine::steps(playbook) {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "  {}", one_line(&title));
        for hook in site.fragments.iter().filter(|hook| hook.playbook == playbook.header.name && hook.step == title) {
            let _ = writeln!(text, "    {:6}  {}", hook.when.word(), one_line(&hook.path));
        }
    }
    text
}

/// What each capability lets a playbook do.
const REACH: [(&str, &str); 7] = [
    ("cluster.read", "reads the API's objects, and logs and metrics of MetalLB's pods"),
    ("node.read", "logs in to hosts and reads the state of their networks; as root, by fixed scripts"),
    ("node.capture", "captures packets on hosts, within bounds"),
    ("pod.capture", "captures packets in the network namespaces of pods, within bounds"),
    ("probe", "asks the Service as its users would, and who has its address"),
    ("node.capture.any", "captures what no Service's flow is: with filters or addresses of its own"),
    ("capture.payload", "keeps what packets carry, beside their headers"),
];

fn supplement(param: &Param) -> String {
    match &param.default {
        Some(serde_json::Value::String(default)) => format!(" [default: {default}]"),
        Some(default) if !default.is_null() => format!(" [default: {default}]"),
        _ if param.required => " [required]".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capability::CAPABILITIES;

    #[test]
    fn what_each_capability_reaches_is_told() {
        assert_eq!(REACH.map(|(name, _)| name), CAPABILITIES);
    }
}
