//! Cuts the answer of the `inspect` script into its sections.

use std::collections::BTreeMap;

use super::place_state::PlaceState;
use crate::model::place::Place;

/// The sections of a script's output; a tool that was missing on the host is named in `missing`.
#[must_use]
pub fn place_state(place: Place, output: &str) -> PlaceState {
    let (mut sections, mut missing) = (BTreeMap::new(), BTreeMap::new());
    let mut current: Option<(String, String)> = None;
    for line in output.lines() {
        if let Some(status) = line.strip_prefix("=== end ") {
            if let Some((name, text)) = current.take() {
                match closed(&text, status) {
                    Ok(()) => sections.insert(name, text),
                    Err(why) => missing.insert(name, why),
                };
            }
        } else if let Some(name) = line.strip_prefix("=== ") {
            current = Some((name.to_owned(), String::new()));
        } else if let Some((_, text)) = &mut current {
            text.push_str(line);
            text.push('\n');
        }
    }
    if let Some((name, _)) = current {
        missing.insert(name, "the answer ended in the middle".to_owned());
    }
    PlaceState::new(place, sections, missing)
}

/// Why a section is missing, by the status with which its tool ended.
fn closed(text: &str, status: &str) -> Result<(), String> {
    match status {
        "missing" => Err("the tool is not installed there".to_owned()),
        "0" => Ok(()),
        other => Err(format!("status {other}: {}", text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::place_state;
    use crate::model::place::{HostKind, Place};

    #[test]
    fn sections_and_what_is_missing() {
        let place = Place::sample("n1", HostKind::Node);
        let state = place_state(
            place,
            "\n=== links\n1: lo\n\n=== end 0\n\n=== nft\n\n=== end missing\n=== conntrack\nsorry\n=== end 1\n=== cut\nhalf",
        );
        assert_eq!(state.section("links").trim(), "1: lo");
        assert_eq!(["conntrack", "cut", "nft", "links"].map(|name| state.why_missing(name).is_some()), [true, true, true, false]);
    }
}
