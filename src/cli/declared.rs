//! Findings that a playbook declares itself, as `lbdiag show` and `lbdiag explain` print them.

use std::fmt::Write;
use std::path::Path;

use crate::engine;
use crate::model::declared::Declared;
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
        let _ = writeln!(text, "{}  ({})\n\nMeaning", finding.name, finding.severity.word());
        indented(&mut text, &finding.meaning);
        if !finding.next.is_empty() {
            text.push_str("Next\n");
            indented(&mut text, &finding.next);
        }
        text.push('\n');
    }
    text.pop();
    Some(text)
}

fn indented(text: &mut String, words: &str) {
    for line in crate::report::wrapped(&one_line(words), 96) {
        let _ = writeln!(text, "    {line}");
    }
}
