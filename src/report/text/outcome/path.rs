//! The path of a try that failed: every spot that its first packet passed, and where it was seen last.

use std::collections::BTreeSet;

use super::super::layout::{columns, padded};
use super::super::page::Page;
use super::RED;
use super::wording::{listed, short};
use crate::model::connection::{Path, PathHop, Sighting};
use crate::model::observed::PathSeen;
use crate::model::outcome::Outcome;
use crate::model::packet::Passage;
use crate::model::text::one_line;

/// Fewer lines show no path.
const LEAST: usize = 3;

/// The columns of the places, of which a pod's may take more.
const PLACES: usize = 24;
/// The columns of the times.
const TIMES: usize = 9;

/// Writes it in so many lines at most; nothing where no failing try was followed.
pub(super) fn write(page: &mut Page, outcome: &Outcome, most: usize) {
    let Some(seen) = failing(outcome) else { return };
    for room in (LEAST..=most).rev() {
        let mut part = Page::new(page.style);
        draw(&mut part, &seen.path, outcome, room);
        if part.text.lines().count() <= most {
            page.text.push_str(&part.text);
            return;
        }
    }
}

fn draw(page: &mut Page, path: &Path, outcome: &Outcome, most: usize) {
    let title = page.style.bold("Path of a failing try");
    page.line(0, &format!("{title} ({})", one_line(short(&path.from))));
    let hops: Vec<&PathHop> = path.request.iter().chain(&path.answer).collect();
    let end = end(path, outcome);
    // Title and end stand besides.
    let room = most.saturating_sub(2);
    let shown = shown(&hops, path.last_seen.as_ref(), room);
    let width = hops.iter().map(|hop| columns(&page.style.spelled(&one_line(&hop.at)))).max().unwrap_or(0).min(PLACES);
    let mut before: Option<&PathHop> = None;
    let mut left_out = 0;
    for (at, hop) in hops.iter().enumerate() {
        if shown.contains(&at) {
            if left_out > 0 {
                page.line(2, &format!("… {left_out} more spots (-v tells)"));
            }
            left_out = 0;
            let line = spot(page, hop, before, width);
            page.line(2, &line);
        } else {
            left_out += 1;
        }
        before = Some(hop);
    }
    if left_out > 0 {
        page.line(2, &format!("… {left_out} more spots (-v tells)"));
    }
    let mark = page.dressed(&page.style.spelled("✗"), RED);
    page.item(&format!("  {mark}"), 4, 0, &end);
}

/// Which spots are shown where there is no room for all: the ends, where it was seen last, each place that it came to, and then as many from both
/// ends as fit. What is left out between two that are shown takes a line.
fn shown(hops: &[&PathHop], last_seen: Option<&PathHop>, room: usize) -> BTreeSet<usize> {
    let count = hops.len();
    let ends = [0, count.saturating_sub(1)];
    let seen = |hop: &PathHop| last_seen.is_some_and(|last| last.at == hop.at);
    let places = (1..count).filter(|at| hops[*at].place != hops[at - 1].place);
    let both = (0..count).flat_map(|at| [at, count - 1 - at]);
    let wanted = ends.into_iter().chain(hops.iter().rposition(|hop| seen(hop))).chain(places).chain(both);
    let mut shown = BTreeSet::new();
    for at in wanted.filter(|at| *at < count) {
        let fresh = shown.insert(at);
        if fresh && lines(&shown, count) > room {
            shown.remove(&at);
        }
    }
    shown
}

/// The spots that are shown, and a line for each hole between them.
fn lines(shown: &BTreeSet<usize>, count: usize) -> usize {
    let holes = (0..count).filter(|at| !shown.contains(at) && (*at == 0 || shown.contains(&(at - 1)))).count();
    shown.len() + holes
}

/// Of the paths of failing tries the one that most took, and of these the one that was seen best.
fn failing(outcome: &Outcome) -> Option<&PathSeen> {
    let seen = &outcome.observed;
    let silent = |path: &PathSeen| seen.silent().any(|tries| tries.from == path.path.from);
    let is_seen = |path: &Path| !path.request.is_empty() || !path.answer.is_empty();
    let known = |path: &&PathSeen| !path.path.answered && is_seen(&path.path);
    let weight = |path: &&PathSeen| (silent(path), path.tries, path.path.request.len() + path.path.answer.len());
    // Of equals the first: `max_by_key` gives the last.
    seen.paths.iter().rev().filter(known).max_by_key(weight)
}

/// `n2/mlb in  +0.03 ms  10.0.0.9:4711 → 10.0.0.1:443`
fn spot(page: &Page, hop: &PathHop, before: Option<&PathHop>, width: usize) -> String {
    let at = padded(&page.style.spelled(&one_line(&hop.at)), width);
    let same = before.is_some_and(|before| (&before.source, &before.destination) == (&hop.source, &hop.destination));
    let ends = if same { String::new() } else { page.style.spelled(&format!("{} → {}", hop.source, hop.destination)) };
    let moved = before.is_none_or(|before| before.place != hop.place);
    let after = if moved { offset(hop) } else { String::new() };
    format!("{at}  {}  {ends}", padded(&after, TIMES))
}

/// `+0.05 ms`, or nothing where the clocks compare no better than that.
pub(in crate::report) fn offset(hop: &PathHop) -> String {
    hop.after_us.filter(|after| after.saturating_abs() >= hop.error_us.unwrap_or_default()).map_or_else(String::new, |us| {
        let sign = if us < 0 { '-' } else { '+' };
        let us = us.unsigned_abs();
        if us < 1_000_000 {
            format!("{sign}{}.{:02} ms", us / 1000, us % 1000 / 10)
        } else {
            format!("{sign}{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000)
        }
    })
}

/// Where it vanished, as far as complete captures tell.
pub(in crate::report) fn end(path: &Path, outcome: &Outcome) -> String {
    let client = short(&path.from);
    let data = path.last_seen.as_ref().filter(|last| last.what == Sighting::Data && !path.answer.is_empty());
    if let Some(last) = data.filter(|last| last.passage == Passage::In && (last.place == client || last.place.contains('/'))) {
        // What came to its end is not what failed: nothing came after it.
        return format!(
            "nothing followed the data that came in at {}{}; the try ended with {}",
            last.at,
            space(&offset(last)),
            path.ending.text()
        );
    }
    if let Some(last) = data {
        return format!("data of {} bytes was seen last at {}{}", last.length, last.at, space(&offset(last)));
    }
    if let Some(last) = path.answer.last() {
        let first = path.answer.first().unwrap_or(last);
        return match (first.what, last.place == client) {
            (Sighting::Reset, true) => format!("refused: the reset was seen first at {}", first.at),
            (_, true) => format!("{} came back, and the try ended with {}", packet(last), path.ending.text()),
            (Sighting::Reset, false) => format!("refused: the reset was seen first at {} and last at {}", first.at, last.at),
            (_, false) => format!("the answer was seen last at {}", last.at),
        };
    }
    let Some(last) = path.request.last() else { return "nothing was seen of it".to_owned() };
    let taken = path.request.iter().any(|hop| hop.place == last.place && hop.passage == Passage::In);
    let complete = |place: &str| {
        let mut own = outcome.captures.iter().filter(|capture| capture.place == place).peekable();
        own.peek().is_some() && own.all(|capture| capture.complete)
    };
    // A frame that a switch floods comes to several.
    let mut came: Vec<&str> = path.request.iter().filter(|hop| hop.passage == Passage::In).map(|hop| hop.place.as_str()).collect();
    came.dedup();
    let went_on = path.request.iter().any(|hop| hop.passage == Passage::Out && hop.place != client);
    if came.len() > 1 && !went_on && came.iter().all(|place| complete(place)) {
        return format!("came in on {}, and left none of them", listed(&came, came.len()));
    }
    match last.passage {
        Passage::Other if !taken => format!("passing {}, for another host", last.place),
        Passage::In if last.place.contains('/') => format!("reached {}, and nothing came back", last.place),
        // Captures are of the address and the endpoints: whether it left for anybody else is not in them.
        Passage::In if complete(&last.place) => format!("left {} towards no endpoint", last.place),
        _ if !outcome.captures.is_empty() && outcome.captures.iter().all(|capture| capture.place == last.place) => {
            format!("nobody looked after {}", last.at)
        }
        _ => format!("seen nowhere after {}", last.at),
    }
}

fn packet(hop: &PathHop) -> &'static str {
    match hop.what {
        Sighting::SynAck => "the answer to the first packet",
        _ => "an answer",
    }
}

fn space(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}
