//! Cuts the answer of the `inspect` script into its sections.

use std::collections::BTreeMap;

use super::place_state::PlaceState;
use crate::model::place::Place;
use crate::model::sections::{Section, sections};

/// The sections of a script's output; a tool that was missing on the host is named in `missing`.
#[must_use]
pub fn place_state(place: Place, output: &str) -> PlaceState {
    let (mut read, mut missing) = (BTreeMap::new(), BTreeMap::new());
    for Section { name, text, status } in sections(output) {
        match status.map_or_else(|| Err("the answer ended in the middle".to_owned()), |status| closed(text, status)) {
            Ok(()) => drop(read.insert(name.to_owned(), text.replace("\r\n", "\n"))),
            Err(why) => drop(missing.insert(name.to_owned(), why)),
        }
    }
    PlaceState::new(place, read, missing)
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
