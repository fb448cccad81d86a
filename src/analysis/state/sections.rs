//! Cuts the answer of the `inspect` script into its sections.

use crate::model::place::Place;
use crate::model::state::PlaceState;

/// The sections of a script's output; a tool that was missing on the host is named in `missing`.
#[must_use]
pub fn place_state(place: Place, output: &str) -> PlaceState {
    let mut state = PlaceState { place, sections: std::collections::BTreeMap::new(), missing: std::collections::BTreeMap::new() };
    let mut current: Option<(String, String)> = None;
    for line in output.lines() {
        if let Some(status) = line.strip_prefix("=== end ") {
            if let Some((name, text)) = current.take() {
                close(&mut state, name, text, status);
            }
        } else if let Some(name) = line.strip_prefix("=== ") {
            current = Some((name.to_owned(), String::new()));
        } else if let Some((_, text)) = &mut current {
            text.push_str(line);
            text.push('\n');
        }
    }
    if let Some((name, _)) = current {
        state.missing.insert(name, "the answer ended in the middle".to_owned());
    }
    state
}

fn close(state: &mut PlaceState, name: String, text: String, status: &str) {
    match status {
        "missing" => {
            state.missing.insert(name, "the tool is not installed there".to_owned());
        }
        "0" => {
            state.sections.insert(name, text);
        }
        other => {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
            state.missing.insert(name, format!("status {other}: {first}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place_state;
    use crate::model::place::{Host, HostKind, Place};

    #[test]
    fn sections_and_what_is_missing() {
        let place = Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node });
        let state = place_state(
            place,
            "\n=== links\n1: lo\n\n=== end 0\n\n=== nft\n\n=== end missing\n=== conntrack\nsorry\n=== end 1\n=== cut\nhalf",
        );
        assert_eq!(state.section("links").trim(), "1: lo");
        assert_eq!(state.missing.keys().map(String::as_str).collect::<Vec<_>>(), ["conntrack", "cut", "nft"]);
    }
}
