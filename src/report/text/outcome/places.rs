//! How each place was answered: a row a place, or one row for places that fared alike.

use std::collections::BTreeMap;

use super::super::layout::{columns, padded};
use super::super::page::Page;
use super::DIM;
use super::wording::{listed, short};
use crate::model::answers::{self, Spread};
use crate::model::observed::Tries;
use crate::model::text::one_line;

/// Rows that are shown one by one.
const MOST_ROWS: usize = 6;

/// Names in a row of several places.
const MOST_NAMES: usize = 3;

/// A row's cells.
type Row = [String; 6];

/// What stands above them.
const TITLES: [&str; 6] = ["from", "answered", "again", "first failure", "median", "HTTP"];
/// The columns that are left out where they hold nothing: how the repetition was answered, and HTTP's statuses.
const SPARED: [usize; 2] = [2, 5];

/// The table of a run in which something failed.
pub(super) fn table(page: &mut Page, tries: &[Tries]) {
    let mut rows: Vec<Row> = rows(tries).into_iter().map(|row| row.map(|cell| page.style.spelled(&one_line(&cell)))).collect();
    if rows.is_empty() {
        return;
    }
    let shown: Vec<usize> = (0..TITLES.len()).filter(|at| !SPARED.contains(at) || rows.iter().any(|row| !row[*at].is_empty())).collect();
    rows.insert(0, TITLES.map(str::to_owned));
    let widths: Vec<usize> = shown.iter().map(|at| rows.iter().map(|row| columns(&row[*at])).max().unwrap_or(0)).collect();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> = shown.iter().zip(&widths).map(|(at, width)| padded(&row[*at], *width)).collect();
        let line = cells.join("  ").trim_end().to_owned();
        let line = if index == 0 { page.dressed(&line, DIM) } else { line };
        page.line(2, &line);
    }
}

/// The same of a run in which all was answered: a line for each of two places, one for many.
pub(super) fn answered(page: &mut Page, tries: &[Tries]) {
    let told = |name: String, tries: &[&Tries]| {
        let (answered, tried): (usize, usize) = (tries.iter().map(|one| one.answered).sum(), tries.iter().map(|one| one.tried).sum());
        let mut parts = vec![format!("{answered}/{tried}")];
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for (status, count) in tries.iter().flat_map(|one| &one.statuses) {
            *statuses.entry(*status).or_default() += count;
        }
        if !statuses.is_empty() {
            parts.push(format!("HTTP {}", codes(&statuses)));
        }
        let spreads: Vec<Spread> = tries.iter().filter_map(|one| one.total_ms).collect();
        if let (Some(least), Some(most)) = (spreads.iter().map(|one| one.least).min(), spreads.iter().map(|one| one.most).max()) {
            let median = match spreads.as_slice() {
                [one] => format!("{} ms", one.median),
                several => {
                    let medians = || several.iter().map(|one| one.median);
                    format!("{} to {} ms", medians().min().unwrap_or_default(), medians().max().unwrap_or_default())
                }
            };
            parts.push(format!("median {median} ({least} to {most})"));
        }
        if let Some(bytes) = tries.iter().filter_map(|tries| tries.largest_answer).max() {
            parts.push(match bytes {
                0..1_024 => format!("answers of up to {bytes} bytes"),
                _ => format!("answers of up to {} KiB", bytes / 1_024),
            });
        }
        format!("{name}  {}", parts.join(", "))
    };
    let asked: Vec<&Tries> = tries.iter().filter(|one| one.tried > 0).collect();
    if asked.len() > 2 {
        let names: Vec<&str> = asked.iter().map(|one| short(&one.from)).collect();
        page.paragraph(2, &told(listed(&names, MOST_NAMES), &asked));
        return;
    }
    let width = asked.iter().map(|one| columns(&one_line(short(&one.from)))).max().unwrap_or(0);
    for one in asked {
        let line = told(padded(&one_line(short(&one.from)), width), &[one]);
        page.line(2, &line);
    }
}

fn rows(tries: &[Tries]) -> Vec<Row> {
    let each: Vec<(&str, Row)> = tries.iter().map(|one| (short(&one.from), row(one))).collect();
    if each.len() <= MOST_ROWS {
        return each.into_iter().map(|(_, row)| row).collect();
    }
    let mut alike: Vec<(Vec<&str>, Row)> = Vec::new();
    for (name, row) in each {
        // How fast it was is never quite the same.
        match alike.iter_mut().find(|(_, known)| known[1..4] == row[1..4] && known[5] == row[5]) {
            Some((names, known)) => {
                names.push(name);
                if known[4] != row[4] {
                    "…".clone_into(&mut known[4]);
                }
            }
            None => alike.push((vec![name], row)),
        }
    }
    let (shown, rest) = alike.split_at(alike.len().min(MOST_ROWS));
    let mut rows: Vec<Row> =
        shown.iter().map(|(names, row)| [&[listed(names, MOST_NAMES)], &row[1..]].concat().try_into().unwrap_or_default()).collect();
    if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        rows.push([&listed(&names, MOST_NAMES), "…", "", "-v tells", "", ""].map(str::to_owned));
    }
    rows
}

fn row(tries: &Tries) -> Row {
    let late = if tries.sent_again > 0 { format!(", {} late", tries.sent_again) } else { String::new() };
    let again = tries.again.as_ref().map(|again| format!("{}/{}", again.answered, again.tried)).unwrap_or_default();
    let failure = match (&tries.error, tries.first_failure) {
        (Some(error), _) => shortened(error),
        (None, Some(ending)) => ending.text().to_owned(),
        (None, None) => "–".to_owned(),
    };
    let median = tries.total_ms.map_or_else(|| "–".to_owned(), |spread| format!("{} ms", spread.median));
    let answered = format!("{}/{}{late}", tries.answered, tries.tried);
    [short(&tries.from).to_owned(), answered, again, failure, median, codes(&tries.statuses)]
}

/// `200`, or with their numbers where there are several.
fn codes(statuses: &BTreeMap<u16, usize>) -> String {
    match statuses.len() {
        1 => statuses.keys().map(u16::to_string).collect(),
        _ => answers::listed(statuses),
    }
}

/// As much of a reason as a cell holds.
fn shortened(reason: &str) -> String {
    const MOST: usize = 40;
    let reason = one_line(reason);
    match reason.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", reason[..at].trim_end()),
        None => reason,
    }
}
