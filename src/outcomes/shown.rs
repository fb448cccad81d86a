//! A comparison for people, for programs, and for a ticket.

use std::fmt::Write;

use super::compare::{Change, Comparison, Result, Weight};
use crate::model::text::{escaped_json, markdown as inline, one_line};

/// Lines for a terminal.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", headline(comparison));
    let width = comparison.changes.iter().map(|change| what(change).chars().count()).max().unwrap_or(0);
    for change in &comparison.changes {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "  {} {:width$}  {}", mark(change), what(change), arrow(change));
    }
    text
}

/// JSON.
#[must_use]
pub fn json(comparison: &Comparison) -> String {
    // It is made of strings alone: serialising it has no way to fail.
    let plain = serde_json::to_string_pretty(comparison).unwrap_or_default();
    format!("{}\n", escaped_json(&plain))
}

/// A table of Markdown.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("**{}**\n", inline(&headline(comparison)));
    if comparison.changes.is_empty() {
        return text;
    }
    text.push_str("\n| | what | was | is |\n|---|---|---|---|\n");
    for change in &comparison.changes {
        let side = |side: &Option<String>| side.as_ref().map_or_else(|| "–".to_owned(), |side| inline(side));
        let _ = writeln!(text, "| {} | {} | {} | {} |", mark(change), inline(&what(change)), side(&change.was), side(&change.is));
    }
    text
}

fn headline(comparison: &Comparison) -> String {
    let between = format!("{} → {}", one_line(&comparison.before), one_line(&comparison.after));
    match comparison.result {
        Result::Same => format!("SAME {between}: nothing changed that means anything"),
        Result::Worse => format!("WORSE {between}"),
        Result::Changed => format!("CHANGED {between}"),
    }
}

fn mark(change: &Change) -> char {
    match change.weight {
        Weight::Worse => '-',
        Weight::Better => '+',
        Weight::Other => ' ',
    }
}

fn what(change: &Change) -> String {
    one_line(format!("{} {}", change.about.word(), change.of).trim_end())
}

fn arrow(change: &Change) -> String {
    match (&change.was, &change.is) {
        (Some(was), Some(is)) => format!("{} → {}", one_line(was), one_line(is)),
        (Some(was), None) => format!("no more: {}", one_line(was)),
        (None, Some(is)) => format!("new: {}", one_line(is)),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::compare::About;

    fn comparison() -> Comparison {
        let change = |about, was: Option<&str>, is: Option<&str>, weight| Change {
            about,
            of: "ssh:c2".to_owned(),
            was: was.map(str::to_owned),
            is: is.map(str::to_owned),
            weight,
        };
        Comparison {
            format: "lbdiag-diff/1",
            lbdiag: "0",
            result: Result::Worse,
            before: "then".to_owned(),
            after: "now".to_owned(),
            changes: vec![
                change(About::Tries, Some("16/16"), Some("0/16"), Weight::Worse),
                change(About::Finding, None, Some("fail <b>|x\u{1b}[2J\ny"), Weight::Worse),
            ],
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let text = text(&comparison());
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.starts_with("WORSE then → now\n  - tries ssh:c2    16/16 → 0/16\n"), "{text}");
        let markdown = markdown(&comparison());
        assert_eq!(markdown.lines().count(), 6, "{markdown}");
        assert!(markdown.contains("&lt;b>\\|x") && !markdown.contains('\u{1b}'), "{markdown}");
        assert!(serde_json::from_str::<serde_json::Value>(&json(&comparison())).is_ok());
    }
}
