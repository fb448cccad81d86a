//! The paths that tries took, drawn for each place and direction: what passed where, and where it vanished.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::drawing::{LETTER, shortened};
use super::ladder;
use crate::model::connection::{Path, PathHop};
use crate::model::observed::{Observed, PathSeen};
use crate::model::outcome::Outcome;
use crate::model::packet::Passage;
use crate::model::text::one_line;
use crate::report::text::told;

/// Ports of tries that are named.
const MOST_PORTS: usize = 16;

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let seen = &outcome.observed;
    html! {
        section #paths {
            h2 { "Paths" }
            @if seen.paths.is_empty() { p.quiet { "No try was followed." } }
            @for from in places(seen) {
                h3 { "From " (one_line(from)) }
                @for (index, path) in of(seen, from).into_iter().enumerate() { (one(path, outcome, index)) }
            }
        }
    }
}

/// The places that paths begin at, in the order of the tries; those of which a try failed first.
fn places(seen: &Observed) -> Vec<&str> {
    let named = seen.tries.iter().map(|tries| &tries.from).chain(seen.paths.iter().map(|path| &path.path.from));
    let mut all: Vec<&str> = Vec::new();
    for from in named.filter(|from| seen.paths.iter().any(|path| path.path.from == **from)) {
        if !all.contains(&from.as_str()) {
            all.push(from);
        }
    }
    all.sort_by_key(|from| seen.paths.iter().all(|path| path.path.from != *from || path.path.answered));
    all
}

/// A place's paths, the failing ones first.
fn of<'a>(seen: &'a Observed, from: &str) -> Vec<&'a PathSeen> {
    let mut all: Vec<&PathSeen> = seen.paths.iter().filter(|path| path.path.from == from).collect();
    all.sort_by_key(|path| (path.path.answered, std::cmp::Reverse(path.tries)));
    all
}

/// A path with its drawings; those behind a place's first are folded.
fn one(seen: &PathSeen, outcome: &Outcome, index: usize) -> Markup {
    let path = &seen.path;
    let tries = if seen.tries == 1 { "1 try".to_owned() } else { format!("{} tries", seen.tries) };
    let class = if path.answered { "pass" } else { "fail" };
    // A port that was tried again is one.
    let once: BTreeSet<u16> = seen.source_ports.iter().copied().collect();
    let ports: Vec<String> = once.iter().take(MOST_PORTS).map(u16::to_string).collect();
    let more = if once.len() > MOST_PORTS { ", …" } else { "" };
    html! {
        details.path open[index == 0] {
            summary {
                span.(class) { (path.ending.text()) } " · " (tries)
                @if let Some(pod) = &path.pod { " · to " (one_line(pod)) }
                @if !path.answered { " · " (one_line(&told::end(path, outcome))) }
            }
            @if let Some(why) = &path.not_joined { p { "Not followed: " (one_line(why)) } }
            @if !path.request.is_empty() { (direction(path, outcome, true)) }
            @if !path.answer.is_empty() { (direction(path, outcome, false)) }
            @if !path.request.is_empty() || !path.answer.is_empty() {
                details open[index == 0] { summary { "In time, with addresses before and after translation" } (ladder::draw(path)) }
            }
            @if !ports.is_empty() { p.quiet { "Source ports: " (ports.join(", ")) (more) } }
        }
    }
}

/// What is drawn as one box: hops of one place that stand behind each other.
struct Stop<'a> {
    place: &'a str,
    hops: Vec<&'a PathHop>,
}

fn stops(hops: &[PathHop]) -> Vec<Stop<'_>> {
    let mut all: Vec<Stop<'_>> = Vec::new();
    for hop in hops {
        match all.last_mut().filter(|stop| stop.place == hop.place) {
            Some(stop) => stop.hops.push(hop),
            None => all.push(Stop { place: &hop.place, hops: vec![hop] }),
        }
    }
    all
}

/// Measures of the drawing.
const BOX: usize = 204;
const GAP: usize = 76;
const LINE: usize = 17;
const TOP: usize = 26;
/// Letters that a box has room for.
const ROOM: usize = (BOX - 16) / LETTER;

fn direction(path: &Path, outcome: &Outcome, request: bool) -> Markup {
    let hops = if request { &path.request } else { &path.answer };
    let stops = stops(hops);
    let ends = !path.answered && (!request || path.answer.is_empty());
    // What came back to the client did not vanish, whatever it said.
    let vanishes = ends && (request || path.answer.last().is_some_and(|last| last.place != told::short(&path.from)));
    let missed = if vanishes { missed(path, &stops, request) } else { None };
    let title = if request { "Request" } else { "Answer" };
    let drawn = stops.len() + usize::from(missed.is_some());
    let wide = drawn * (BOX + GAP) + if vanishes && missed.is_none() { 0 } else { 8 };
    let mut before: Option<&PathHop> = None;
    let mut boxes: Vec<Markup> = Vec::new();
    let mut tall = TOP + 66;
    for (index, stop) in stops.iter().enumerate() {
        let (drawn, bottom) = boxed(stop, index, before);
        tall = tall.max(bottom + 4);
        boxes.push(drawn);
        before = stop.hops.last().copied().or(before);
    }
    let label = if ends {
        format!("{title}: {}", one_line(&told::end(path, outcome)))
    } else {
        format!("{title}: passes {}", stops.iter().map(|stop| one_line(stop.place)).collect::<Vec<_>>().join(", "))
    };
    html! {
        figure.direction data-direction=(if request { "request" } else { "answer" }) {
            figcaption { (title) @if ends { ": " span.fail { (one_line(&told::end(path, outcome))) } } }
            div.wide {
                svg role="img" aria-label=(label) width=(wide) height=(tall) viewBox={ "0 0 " (wide) " " (tall) } {
                    @for one in boxes { (one) }
                    @if vanishes { (cross(stops.len(), missed.as_deref(), tall)) }
                }
            }
        }
    }
}

/// Who should have seen it and did not.
fn missed(path: &Path, stops: &[Stop<'_>], request: bool) -> Option<String> {
    let last = stops.last()?.place;
    let client = told::short(&path.from);
    match request {
        true if last.contains('/') => None,
        true => Some(path.pod.clone().unwrap_or_else(|| "the endpoints".to_owned())),
        false if last == client => None,
        false => Some(client.to_owned()),
    }
}

/// A stop's box, with its lower edge.
fn boxed<'a>(stop: &Stop<'a>, index: usize, mut before: Option<&'a PathHop>) -> (Markup, usize) {
    let left = index * (BOX + GAP);
    let mut lines: Vec<Markup> = Vec::new();
    let mut y = TOP + 20 + LINE;
    for hop in &stop.hops {
        let same = before.is_some_and(|before| (&before.source, &before.destination) == (&hop.source, &hop.destination));
        let tunnel = hop.tunnel.as_ref().map(|tunnel| format!(" {tunnel}")).unwrap_or_default();
        let passage = match hop.passage {
            Passage::In => "in",
            Passage::Out => "out",
            Passage::Other => "seen",
        };
        let packets = if hop.packets == 1 { String::new() } else { format!(" ×{}", hop.packets) };
        lines.push(html! { text.spot x=(left + 8) y=(y) { (shortened(&format!("{passage} {}{tunnel}{packets}", hop.interface), ROOM)) } });
        y += LINE;
        if !same {
            let class = if before.is_some() { "translated" } else { "ends" };
            for (mark, end) in [("", &hop.source), ("→ ", &hop.destination)] {
                let (end, mark) = (shortened(end, ROOM - 2), mark);
                lines.push(html! { text.(class) x=(left + 16) y=(y) { (mark) (end) } });
                y += LINE;
            }
        }
        before = Some(hop);
    }
    let tall = y - TOP - 8;
    let arrives = stop.hops.first().map(|hop| told::offset(hop)).unwrap_or_default();
    let drawn = html! {
        @if index > 0 { (arrow(left, &arrives, false)) }
        g {
            title { (one_line(stop.place)) }
            rect.place x=(left + 1) y=(TOP) width=(BOX - 2) height=(tall) rx="6" {}
            text.name x=(left + 8) y=(TOP + 18) { (shortened(stop.place, ROOM)) }
            @for line in lines { (line) }
        }
    };
    (drawn, TOP + tall)
}

/// An arrow to what begins at a place of the drawing.
fn arrow(to: usize, label: &str, lost: bool) -> Markup {
    let (from, y, middle) = (to - GAP + 2, TOP + 14, to - GAP / 2);
    let class = if lost { "lost" } else { "passes" };
    html! {
        line.(class) x1=(from) y1=(y) x2=(to - 8) y2=(y) {}
        path.(class) d={ "M" (to - 10) " " (y - 5) " L" (to - 1) " " (y) " L" (to - 10) " " (y + 5) " Z" } {}
        text.after x=(middle) y=(TOP - 8) text-anchor="middle" { (label) }
    }
}

/// Where packets vanish, and who waits for them.
fn cross(stops: usize, missed: Option<&str>, tall: usize) -> Markup {
    let left = stops * (BOX + GAP);
    let (middle, y) = (left - GAP / 2, TOP + 14);
    html! {
        line.lost x1=(left - GAP + 2) y1=(y) x2=(middle - 12) y2=(y) {}
        text.cross x=(middle) y=(y + 8) text-anchor="middle" { "✗" }
        @if let Some(missed) = missed {
            g {
                title { "no packet came to " (one_line(missed)) }
                rect.missed x=(left + 1) y=(TOP) width=(BOX - 2) height=(tall.min(TOP + 60) - TOP) rx="6" {}
                text.name.missed x=(left + 8) y=(TOP + 18) { (shortened(missed, ROOM)) }
                text.spot.missed x=(left + 8) y=(TOP + 18 + LINE) { "no packet came here" }
            }
        }
    }
}
