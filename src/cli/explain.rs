//! `lbdiag explain`: the catalogue of findings and gaps, and the codes of mistakes, offline.

use std::fmt::Write;
use std::path::Path;

use super::declared;
use super::exit::Exit;
use super::markdown::weight;
use super::{markdown, print, refuse};
use crate::engine;
use crate::evidence::site::Site;
use crate::model::catalogue::{ENTRIES, Entry, entry};
use crate::model::diagnostic::codes::{self, CODES, Code};
use crate::model::nearest::nearest;

/// Prints one entry, the entries of an area, or the whole list.
pub(super) fn explain(name: Option<&str>, site: Option<&Path>) -> Exit {
    let text = match name {
        Some(name) if codes::looks_like_one(name) => match codes::code(name) {
            Some(code) => of_code(code),
            None => return refuse(Exit::Usage, &format!("there is no code {name}; `lbdiag explain codes` lists them all")),
        },
        Some("codes") => CODES.iter().flat_map(|code| [code.code, "  ", code.title, "\n"]).collect(),
        None => list(ENTRIES),
        Some(name) => match (entry(name), area(name)) {
            (Some(entry), _) => whole(entry),
            (None, entries) if !entries.is_empty() => list(&entries),
            _ => match of_playbooks(name, site) {
                Ok(text) => text,
                Err(why) => return refuse(Exit::Usage, &why),
            },
        },
    };
    print(&text)
}

/// What playbooks declare themselves: the finding of that name, those of the area, or all of the playbook.
fn of_playbooks(name: &str, site: Option<&Path>) -> Result<String, String> {
    let site = site.map_or_else(|| Ok(Site::default()), Site::read).map_err(|error| error.to_string())?;
    let all = engine::declarations(Path::new("."), &site.library).map_err(|error| error.to_string())?;
    declared::found(name, &all)
        .or_else(|| declared::explained(name))
        .or_else(|| declared::of_area(name, &all))
        .ok_or_else(|| suggested(name).or_else(|| declared::nearest_of(name, &all)).unwrap_or_else(|| unknown(name)))
}

/// Prints every entry in full, as the Markdown that `docs/findings.md` holds.
pub(super) fn document() -> Exit {
    print(&markdown::findings(ENTRIES))
}

fn area(name: &str) -> Vec<Entry> {
    ENTRIES.iter().filter(|entry| entry.area() == name.trim_end_matches('/')).copied().collect()
}

fn unknown(name: &str) -> String {
    format!("there is no finding `{}`; `lbdiag explain` lists them all", crate::model::text::one_line(name))
}

/// What to say of a name that lies near one of the catalogue.
fn suggested(name: &str) -> Option<String> {
    let name = crate::model::text::one_line(name);
    // People remember the second part; `split-brian` should find `announce/split-brain`.
    let short = |entry: &Entry| entry.name.split('/').nth(1).unwrap_or_default();
    let within: Vec<&str> =
        ENTRIES.iter().map(|entry| entry.name).filter(|known| name.len() > 2 && known.contains(name.as_str())).collect();
    if within.len() > 1 {
        return Some(format!("there is no finding `{name}`; these names hold it: {}", within.join(", ")));
    }
    let suggestion = ENTRIES
        .iter()
        .find(|entry| short(entry) == name)
        .map(|entry| entry.name)
        .or_else(|| within.first().copied())
        .or_else(|| nearest(&name, ENTRIES.iter().map(|entry| entry.name)));
    let suggestion = suggestion.or_else(|| {
        nearest(&name, ENTRIES.iter().map(short)).and_then(|near| ENTRIES.iter().find(|entry| short(entry) == near)).map(|entry| entry.name)
    });
    // A name that shares its beginning alone, such as `client/c1`, means something else.
    let near = |known: &str| {
        let second = known.split('/').nth(1).unwrap_or_default();
        [known, second].iter().map(|form| strsim::osa_distance(&name, form)).min().is_some_and(|apart| apart <= (name.len() / 3).max(2))
    };
    let suggestion = suggestion.filter(|known| within.len() == 1 || near(known));
    suggestion.map(|suggestion| format!("there is no finding `{name}`; did you mean `{suggestion}`?"))
}

fn list(entries: &[Entry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "{:width$}  {:4}  {}", entry.name, weight(entry), first_sentence(entry.meaning));
    }
    text
}

fn whole(entry: &Entry) -> String {
    let mut text = format!("{}  ({})\n\n", entry.name, weight(entry));
    for (title, words) in [
        ("Meaning", entry.meaning),
        ("Culprit", entry.culprit),
        ("Decided by", entry.decided_by),
        ("What it looks like", entry.seen),
        ("Next", entry.next),
    ] {
        let _ = writeln!(text, "{title}");
        indented(&mut text, 4, words);
    }
    let others: Vec<&str> = entry.called_alike_by().collect();
    if !entry.alike.is_empty() || !others.is_empty() {
        let _ = writeln!(text, "What else looks like it");
        for (name, apart) in entry.alike {
            let _ = writeln!(text, "    {name}");
            indented(&mut text, 8, apart);
        }
        if !others.is_empty() {
            indented(&mut text, 4, &format!("See also: {}", others.join(", ")));
        }
    }
    if !entry.references.is_empty() {
        let _ = writeln!(text, "References");
        for reference in entry.references {
            let _ = writeln!(text, "    {reference}");
        }
    }
    text
}

/// A code of mistakes: what it means, and a text that has it.
fn of_code(code: &Code) -> String {
    let mut text = format!("{}  {}\n\n", code.code, code.title);
    indented(&mut text, 4, code.meaning);
    let _ = writeln!(text, "\nExample\n");
    for line in code.example.text().lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}

fn indented(text: &mut String, by: usize, words: &str) {
    for line in crate::report::wrapped(words, 100 - by) {
        let _ = writeln!(text, "{:by$}{line}", "");
    }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_shown_whole() {
        let text = entry("announce/split-brain").map(whole).unwrap_or_default();
        assert!(text.starts_with("announce/split-brain  (fail)\n\nMeaning\n    Two nodes announce"), "{text}");
        assert!(text.contains("\nCulprit\n") && text.contains("\nDecided by\n") && text.contains("\nNext\n    Open port 7946"));
        assert!(text.contains("\nWhat it looks like\n    Connections break now and then"));
        assert!(text.contains("\nWhat else looks like it\n    wire/duplicate-address\n        There the second MAC belongs to no node"));
        assert!(text.contains("\n    See also: ") && text.contains("\nReferences\n    https://metallb.io/concepts/layer2/\n"));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn a_code_is_explained_with_an_example() {
        let text = codes::code("E0103").map(of_code).unwrap_or_default();
        assert!(text.starts_with("E0103  the header has an unknown key\n\n    A header may hold"), "{text}");
        assert!(text.contains("\nExample\n\n    //! ---\n") && text.contains("usess"), "{text}");
    }

    #[test]
    fn a_gap_without_references_has_no_such_title() {
        let text = entry("evidence/time-ran-out").map(whole).unwrap_or_default();
        assert!(!text.contains("References") && text.contains("What else looks like it"), "{text}");
    }

    #[test]
    fn the_list_has_a_line_for_each() {
        assert_eq!(list(ENTRIES).lines().count(), ENTRIES.len());
        assert!(area("bgp").iter().all(|entry| entry.name.starts_with("bgp/")) && !area("bgp").is_empty());
        assert!(list(&area("evidence/")).contains("evidence/forbidden"));
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        let told = |name: &str| suggested(name).unwrap_or_default();
        assert!(told("announce/split-brian").contains("`announce/split-brain`"));
        assert!(told("split-brain").contains("`announce/split-brain`"));
        assert!(told("listens-on-lopback").contains("`pod/listens-on-loopback`"));
        assert!(told("firewall").contains("node/firewall-drop") && told("firewall").contains("pod/firewall-drop"));
        assert!(suggested("zzzz").is_none() && unknown("zzzz").contains("lists them all"));
        assert!(!unknown("a\u{1b}[2Jb").contains('\u{1b}'));
    }
}
