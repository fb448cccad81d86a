//! Which questions of a run asked for what a finding rests on: a basis joined with the list of what was touched.

use super::basis::{Basis, BasisKind};
use super::finding::Finding;
use super::outcome::Touch;

/// Whether a question of the run asked for this. Of a state, any answer of the place's that may hold the section.
#[must_use]
pub fn asks_for(touch: &Touch, basis: &Basis) -> bool {
    let words: Vec<&str> = touch.what.split(' ').collect();
    let first = words.first().copied().unwrap_or_default();
    let here = touch.host == if basis.host.is_empty() { basis.place.as_str() } else { basis.host.as_str() };
    match basis.kind {
        BasisKind::State => touch.kind == "command" && here && matches!(first, "inspect" | "state") && is_of_place(&words, basis),
        BasisKind::Capture => touch.kind == "capture" && here && is_inside(&touch.what, basis),
        BasisKind::Probe => touch.kind == "probe" && here && first.starts_with("probe"),
        BasisKind::Arp => touch.kind == "probe" && here && first == "arping",
        BasisKind::Host => touch.kind != "api" && here,
        BasisKind::Objects => touch.kind == "api" && lists(&touch.what, basis),
        BasisKind::Log => touch.kind == "api" && words.starts_with(&["read", "log"]) && is_of_pod(words.get(2).copied(), '/', basis),
        BasisKind::Metrics => {
            touch.kind == "api" && words.starts_with(&["read", "metrics", "of"]) && is_of_pod(words.get(3).copied(), ':', basis)
        }
    }
}

/// Leaves out what of the API nobody asked for: of the objects and logs that a cause may be read from, a run asks for those that it needs.
pub fn leave_out_unasked(findings: &mut [Finding], touched: &[Touch]) {
    let of_api = |basis: &Basis| matches!(basis.kind, BasisKind::Objects | BasisKind::Log | BasisKind::Metrics);
    for finding in findings {
        finding.rests_on.retain(|basis| !of_api(basis) || touched.iter().any(|touch| asks_for(touch, basis)));
    }
}

/// Whether a script of a state was sent to the place itself: its words are its name, `host` or `pod`, the containers and the addresses.
fn is_of_place(words: &[&str], basis: &Basis) -> bool {
    let addresses = basis.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    match words.get(1) {
        Some(&"pod") => !basis.host.is_empty() && words.get(3).is_some_and(|word| word.trim_matches('\'') == addresses),
        Some(&"host") => basis.host.is_empty(),
        _ => false,
    }
}

fn is_inside(what: &str, basis: &Basis) -> bool {
    if basis.host.is_empty() { !what.contains(" in pod ") } else { what.contains(&format!(" in pod {} (", basis.place)) }
}

fn is_of_pod(named: Option<&str>, end: char, basis: &Basis) -> bool {
    named.and_then(|named| named.strip_prefix(basis.place.as_str())).is_some_and(|rest| rest.starts_with(end))
}

fn lists(what: &str, basis: &Basis) -> bool {
    let asked = what.split(" (").next().unwrap_or(what);
    if let Some((kind, name)) = asked.strip_prefix("get ").and_then(|rest| rest.split_once(' ')) {
        let named = !kind.is_empty() && basis.part.starts_with(kind);
        // One object is not all of its kind, which is what no namespace means.
        let within = name.strip_prefix(basis.place.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        return named && within && !basis.place.is_empty();
    }
    let Some(rest) = asked.strip_prefix("list ").and_then(|rest| rest.strip_prefix(&basis.part)) else { return false };
    matches!(rest, "" | " in all namespaces") || rest.strip_prefix(" in ").is_some_and(|namespace| namespace == basis.place)
}

#[cfg(test)]
mod tests;
