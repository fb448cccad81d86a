//! Findings that a playbook declares itself, as `lbdiag show` and `lbdiag explain` print them.

use std::fmt::Write;
use std::path::Path;

use crate::engine::{self, Declaration};
use crate::model::declared::Declared;
use crate::model::nearest::nearest;
use crate::model::text::one_line;

/// A line for each.
pub(super) fn list(findings: &[Declared]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "  {:width$}  {:4}  {}", finding.name, finding.severity.word(), one_line(&finding.meaning));
    }
    text
}

/// Everything that a playbook says of its findings, when that is what the name names. A word that is no playbook is left to whoever asks.
pub(super) fn explained(name: &str) -> Option<String> {
    let playbook = engine::open(Path::new(name)).ok()?;
    let header = &playbook.header;
    if header.findings.is_empty() {
        return Some(format!("{} declares no findings of its own; `lbdiag explain` lists the catalogue's\n", one_line(&header.name)));
    }
    let mut text = String::new();
    for finding in &header.findings {
        whole(&mut text, finding);
        text.push('\n');
    }
    text.pop();
    Some(text)
}

/// The finding of that name with everybody who declares it; those who say the same of it stand together.
pub(super) fn found(name: &str, all: &[Declaration]) -> Option<String> {
    let mut told: Vec<(&Declared, Vec<&Declaration>)> = Vec::new();
    for one in all.iter().filter(|one| one.finding.name == name) {
        match told.iter_mut().find(|(finding, _)| **finding == one.finding) {
            Some((_, by)) => by.push(one),
            None => told.push((&one.finding, vec![one])),
        }
    }
    let mut texts = told.into_iter().map(|(finding, by)| {
        let mut text = String::new();
        whole(&mut text, finding);
        text.push_str("Declared by\n");
        for one in by {
            let _ = writeln!(text, "    {}", place(one));
        }
        text
    });
    let first = texts.next()?;
    Some(texts.fold(first, |all, text| format!("{all}\n{text}")))
}

/// A line for each finding whose name begins with the area, with who declares it.
pub(super) fn of_area(area: &str, all: &[Declaration]) -> Option<String> {
    let area = area.trim_end_matches('/');
    let of = |one: &&Declaration| one.finding.name.split_once('/').is_some_and(|(of, _)| of == area);
    let mut lines: Vec<(&Declared, String)> = all.iter().filter(of).map(|one| (&one.finding, place(one))).collect();
    lines.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let width = lines.iter().map(|(finding, _)| finding.name.chars().count()).max()?;
    let line = |(finding, place): (&Declared, String)| {
        format!("{:width$}  {:4}  {}  ({place})\n", finding.name, finding.severity.word(), one_line(&finding.meaning))
    };
    Some(lines.into_iter().map(line).collect())
}

/// What to say of a name that only lies near one that is declared.
pub(super) fn nearest_of(name: &str, all: &[Declaration]) -> Option<String> {
    let near = nearest(name, all.iter().map(|one| one.finding.name.as_str()))?;
    let by = all.iter().find(|one| one.finding.name == near)?;
    Some(format!("there is no finding `{}`; did you mean `{near}`, which is declared by {}?", one_line(name), place(by)))
}

/// `announcer-in-rack 1.0.0, playbooks/announcer-in-rack.rhai`
fn place(one: &Declaration) -> String {
    let path = one.path.as_ref().map(|path| path.strip_prefix(".").unwrap_or(path).display().to_string());
    one_line(&format!("{} {}, {}", one.playbook, one.version, path.as_deref().unwrap_or("shipped")))
}

fn whole(text: &mut String, finding: &Declared) {
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "{}  ({})\n\nMeaning", finding.name, finding.severity.word());
    indented(text, &finding.meaning);
    if !finding.next.is_empty() {
        text.push_str("Next\n");
        indented(text, &finding.next);
    }
}

fn indented(text: &mut String, words: &str) {
    for line in crate::report::wrapped(&one_line(words), 96) {
        let _ = writeln!(text, "    {line}");
    }
}
