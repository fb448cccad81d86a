//! The catalogue and the words as Markdown documents: the same texts as `lbdiag explain` and `lbdiag words` print, never others.

use std::fmt::Write;

use crate::model::catalogue::Entry;
use crate::model::finding::Severity;
use crate::words::all;
use crate::words::word::{Group, Kind, Word};

/// Every finding and gap: first a list of names by area, then each in full.
pub(super) fn findings(entries: &[Entry]) -> String {
    let mut text = heading("Findings and gaps", "lbdiag explain --markdown");
    text.push_str(
        "A name never changes its meaning. `lbdiag explain NAME` prints one of these entries, without a cluster and without a network. \
         *fail*, *warn* and *info* are the usual severity: a fault that hurts nobody who asked is a warning, and says when it will bite. \
         A *gap* is something that could not be looked at, and what that leaves undecided.\n",
    );
    text.push('\n');
    for area in areas(entries) {
        let names = entries.iter().filter(|entry| entry.area() == area).map(|entry| entry.name);
        let short: Vec<String> = names.map(|name| format!("[{}](#{})", &name[area.len() + 1..], anchor(name))).collect();
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "* **{area}**: {}", short.join(", "));
    }
    for area in areas(entries) {
        let _ = writeln!(text, "\n## {area}");
        entries.iter().filter(|entry| entry.area() == area).for_each(|entry| one(&mut text, entry));
    }
    text
}

fn one(text: &mut String, entry: &Entry) {
    let _ = writeln!(text, "\n### {}\n\n*{}* · culprit: {}\n\n{}\n", entry.name, weight(entry), prose(entry.culprit), prose(entry.meaning));
    for (title, words) in [("Decided by", entry.decided_by), ("What it looks like", entry.seen), ("Next", entry.next)] {
        let _ = writeln!(text, "**{title}.** {}\n", prose(words));
    }
    let others: Vec<&str> = entry.called_alike_by().collect();
    if !entry.alike.is_empty() || !others.is_empty() {
        text.push_str("**What else looks like it**\n\n");
        for (name, apart) in entry.alike {
            let _ = writeln!(text, "* {}: {}", link(name), prose(apart));
        }
        if !others.is_empty() {
            let _ = writeln!(text, "* See also {}", links(others));
        }
        text.push('\n');
    }
    if !entry.references.is_empty() {
        let _ = writeln!(text, "References: {}", entry.references.iter().map(|reference| cited(reference)).collect::<Vec<_>>().join(" · "));
    }
    // One blank line before the next heading, whatever came last.
    text.truncate(text.trim_end().len());
    text.push('\n');
}

/// Every word, by groups, and the records that they give, each once.
pub(super) fn words() -> String {
    let mut text = heading("The words of the language", "lbdiag words --markdown");
    text.push_str(
        "`lbdiag words WORD` prints one of these entries. A word that needs a *capability* runs only in a playbook whose header lists it under \
         `uses`, and whose site does not take it away. Options are given as a map behind the arguments: `probe(svc, #{ tries: 3 })`; one that is \
         `()` counts as left out. The records that words give stand at the end, field by field; a field always exists, and is `()` where nothing is known.\n",
    );
    let mut given = Vec::new();
    for group in Group::ALL {
        let _ = writeln!(text, "\n## {}\n\n{}", group.name(), group.about());
        for word in all::words().filter(|word| word.group == group) {
            one_word(&mut text, word);
            given.extend(word.returns.kind.records());
        }
    }
    given.sort_by_key(|record| record.name);
    given.dedup_by_key(|record| record.name);
    text.push_str("\n## Records\n");
    for record in given {
        let _ = writeln!(text, "\n### {}\n\n{}\n\n| field | type | meaning |\n|---|---|---|", record.name, prose(record.meaning));
        for field in record.fields {
            let unit = if field.unit.is_empty() { String::new() } else { format!(", {}", field.unit) };
            let nothing = if field.nothing_when.is_empty() { String::new() } else { format!(" `()` when {}.", prose(field.nothing_when)) };
            let _ = writeln!(text, "| `{}` | {}{unit} | {}{nothing} |", field.name, cell(field.kind), prose(field.meaning));
        }
    }
    text
}

/// A type as it stands in a table's cell.
fn cell(kind: Kind) -> String {
    prose(&kind.to_string()).replace('|', "\\|")
}

fn one_word(text: &mut String, word: &Word) {
    let _ = writeln!(text, "\n### {}\n\n    {}\n\n{}", word.name, word.signature(), prose(word.meaning));
    if !word.formerly.is_empty() {
        let _ = writeln!(text, "\nBefore it was called `{}`, which works until lbdiag 0.3.", word.formerly.join("`, `"));
    }
    if !word.capability.is_empty() {
        let _ = writeln!(text, "\nNeeds the capability `{}`.", word.capability);
    }
    for (title, params) in [("argument", word.params), ("option", word.options)] {
        if !params.is_empty() {
            let _ = writeln!(text, "\n| {title} | takes | meaning |\n|---|---|---|");
            for param in params {
                let _ = writeln!(text, "| `{}` | {} | {} |", param.name, prose(&param.taken()).replace('|', "\\|"), prose(param.meaning));
            }
        }
    }
    if !word.returns.nothing_when.is_empty() {
        let _ = writeln!(text, "\nIt gives `()` when {}.", prose(word.returns.nothing_when));
    }
    if !word.fails.is_empty() {
        let _ = writeln!(text, "\n{}", prose(&word.fails.join(" ")));
    }
    for example in word.examples {
        let _ = writeln!(text, "\nOn the recording `{}`:\n", example.recording);
        example.script.lines().chain([format!("// {}", example.gives).as_str()]).for_each(|line| {
            let _ = writeln!(text, "    {line}");
        });
    }
    if !word.no_example.is_empty() {
        let _ = writeln!(text, "\nNo example: {}", prose(word.no_example));
    }
}

/// How much an entry weighs, in a word.
pub(super) fn weight(entry: &Entry) -> &'static str {
    match entry.severity {
        _ if entry.is_gap() => "gap",
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Info => "info",
    }
}

fn heading(title: &str, command: &str) -> String {
    format!("# {title}\n\n<!-- Written by `{command}`; `make docs` renews it. Do not edit it by hand. -->\n\n")
}

fn areas(entries: &[Entry]) -> Vec<&'static str> {
    let mut areas: Vec<&str> = Vec::new();
    for entry in entries {
        if !areas.contains(&entry.area()) {
            areas.push(entry.area());
        }
    }
    areas
}

/// The anchor that an entry's heading gets: it has no slash.
fn anchor(name: &str) -> String {
    name.replace('/', "")
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", anchor(name))
}

fn links<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(link).collect::<Vec<_>>().join(", ")
}

/// Plain text in which nothing is taken for markup; what stands between backticks is code already.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(out, "`{part}`");
            continue;
        }
        for c in part.chars() {
            if matches!(c, '<' | '*' | '[' | ']') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// A reference as a link, where its form tells the address.
fn cited(reference: &str) -> String {
    if reference.starts_with("https://") {
        return format!("<{reference}>");
    }
    if let Some((project, number)) = reference.split_once('#') {
        return format!("[{reference}](https://github.com/{project}/issues/{number})");
    }
    match reference.strip_prefix("RFC ").and_then(|rest| rest.split(' ').next()) {
        Some(number) => format!("[{reference}](https://www.rfc-editor.org/rfc/rfc{number})"),
        None => prose(reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::ENTRIES;

    #[test]
    fn every_entry_stands_there_once_and_every_link_leads_to_one() {
        let text = findings(ENTRIES);
        let anchors: Vec<String> = ENTRIES.iter().map(|entry| anchor(entry.name)).collect();
        for entry in ENTRIES {
            assert_eq!(text.matches(&format!("\n### {}\n", entry.name)).count(), 1, "{}", entry.name);
        }
        let links: Vec<&str> = text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        assert!(links.len() > ENTRIES.len());
        assert!(links.iter().all(|link| anchors.iter().any(|anchor| anchor == link)));
        assert!(!text.contains("\n\n\n") && text.ends_with('\n'));
    }

    #[test]
    fn anchors_are_told_apart() {
        let mut anchors: Vec<String> = ENTRIES.iter().map(|entry| anchor(entry.name)).collect();
        anchors.sort();
        anchors.dedup();
        assert_eq!(anchors.len(), ENTRIES.len());
    }

    #[test]
    fn nothing_is_taken_for_markup() {
        assert_eq!(prose("stays <pending> [1] in `a<b>*c` and my_name"), "stays \\<pending> \\[1\\] in `a<b>*c` and my_name");
    }

    #[test]
    fn references_become_links() {
        assert_eq!(cited("metallb/metallb#610"), "[metallb/metallb#610](https://github.com/metallb/metallb/issues/610)");
        assert_eq!(cited("RFC 5227 §2.4"), "[RFC 5227 §2.4](https://www.rfc-editor.org/rfc/rfc5227)");
        assert_eq!(cited("https://metallb.io/usage/"), "<https://metallb.io/usage/>");
        assert_eq!(cited("ip-route(8)"), "ip-route(8)");
    }

    #[test]
    fn every_word_and_record_stands_there_once() {
        let text = words();
        for word in all::words() {
            assert_eq!(text.matches(&format!("\n### {}\n", word.name)).count(), 1, "{}", word.name);
        }
        assert_eq!(text.matches("\n### Service\n").count(), 1);
        assert!(!text.contains("\n\n\n") && text.ends_with('\n'));
    }
}
