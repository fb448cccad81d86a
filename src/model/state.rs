//! The network state of a place, as its own tools print it: text in, parsed by `analysis`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::place::Place;

/// What was read at one place at one time. Sections that a tool could not give are in `missing`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceState {
    pub place: Place,
    /// Section name (`links`, `addresses`, `routes`, `iptables`, …) to its text.
    pub sections: BTreeMap<String, String>,
    /// Section name to why it is missing.
    pub missing: BTreeMap<String, String>,
}

impl PlaceState {
    /// The section's text, empty when it could not be read.
    #[must_use]
    pub fn section(&self, name: &str) -> &str {
        self.sections.get(name).map_or("", String::as_str)
    }
}

/// The state of one place before and after a probe was repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePair {
    pub before: PlaceState,
    pub after: PlaceState,
}
