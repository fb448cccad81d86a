//! One page for a browser: the whole outcome in one file that asks for nothing, readable without its script, by light and in the dark.
//!
//! Every text is escaped where it is written (maud); style and script are the only ones that are not, and they are constants. The page's
//! own policy allows nothing but these two, by their hashes: whatever a stranger's text holds, nothing of it runs.

mod announced;
mod drawing;
mod findings;
mod ladder;
mod ledger;
mod paths;
mod places;
mod questions;
mod rests_on;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::format::Format;
use super::style::Style;
use super::text::{diagnostic, told};
use crate::model::outcome::{Outcome, Table, Verdict};
use crate::model::text::{harmless, one_line};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "html",
    outcome: Some(|outcome: &Outcome, _style: Style| page(outcome)),
    shows_answers: true,
    plan: None,
    trace: None,
    mistakes: None,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The parts of the page: where they are, and how the links to them are called.
const PARTS: [(&str, &str); 6] = [
    ("places", "Places"),
    ("findings", "Findings"),
    ("paths", "Paths"),
    ("announcement", "Announcement"),
    ("open", "What is open"),
    ("run", "The run"),
];

/// The page, with a line end.
#[must_use]
pub fn page(outcome: &Outcome) -> String {
    let headline = one_line(&told::headline(outcome));
    let word = outcome.verdict.word().to_uppercase();
    let answers = questions::Answers::of(outcome);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content={ "lbdiag " (env!("CARGO_PKG_VERSION")) };
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (word) " " (headline) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    (answer(outcome, &word, &headline))
                    nav { @for (id, name) in PARTS { a href={ "#" (id) } { (name) } } }
                    // Shown by the script alone: without it there is nothing that searches.
                    p #search hidden { label { "Search this page " input #sought type="search" autocomplete="off"; } " " span #hits {} }
                }
                main {
                    (places::section(outcome))
                    @for table in &outcome.tables { (own_table(table)) }
                    (findings::section(outcome, &answers))
                    (paths::section(outcome))
                    (announced::section(outcome))
                    (findings::open(outcome))
                    (ledger::section(outcome, &answers))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

/// What the page may do: show its own style and run its own script, and nothing else.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!("default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'", hash(STYLE), hash(SCRIPT))
}

/// The verdict, with what was asked and when.
fn answer(outcome: &Outcome, word: &str, headline: &str) -> Markup {
    let class = match outcome.verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "open",
    };
    html! {
        h1 #verdict data-verdict=(outcome.verdict.word()) { span.word.(class) { (word) } " " (headline) }
        @if let Some(ended) = outcome.ended.as_ref().filter(|ended| **ended != outcome.summary) {
            p { "Ended early: " (one_line(ended)) }
        }
        @for one in &outcome.diagnostics { pre { (harmless(&diagnostic(one, Style::PLAIN))) } }
        p.facts {
            @if let Some(seen) = &outcome.observed.announcement { span { (one_line(&told::announced(seen))) } }
            @if let Some(target) = &outcome.observed.target { span { (told::counted(target)) } }
            span { (told::times(outcome)) }
            span { (one_line(&told::left_behind(&outcome.cleanup))) }
            span { "began " (one_line(&outcome.started)) }
        }
        @if !outcome.again.is_empty() { p { "To ask the same again: " code { (one_line(&outcome.again)) } } }
    }
}

/// A table of the playbook's own.
fn own_table(table: &Table) -> Markup {
    html! {
        section.own {
            h2 { (one_line(&table.title)) }
            div.wide { table {
                thead { tr { @for column in &table.columns { th { (one_line(column)) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td { (one_line(cell)) } } } } }
            } }
        }
    }
}
