//! What several answers have in common: what HTTP said, and how long they took.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What several measurements have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    pub least: u64,
    /// The middle one; of an even number the lower of both.
    pub median: u64,
    pub most: u64,
}

impl Spread {
    /// The spread of some measurements; `None` when there is none.
    #[must_use]
    pub fn of(measured: impl Iterator<Item = u64>) -> Option<Self> {
        let mut all: Vec<u64> = measured.collect();
        all.sort_unstable();
        let middle = all.len().checked_sub(1)? / 2;
        Some(Self { least: *all.first()?, median: *all.get(middle)?, most: *all.last()? })
    }
}

/// Statuses for a person, such as `200 (14), 503 (2)`.
#[must_use]
pub fn listed(statuses: &BTreeMap<u16, usize>) -> String {
    statuses.iter().map(|(status, count)| format!("{status} ({count})")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_that_was_measured() {
        assert_eq!(Spread::of([9, 1, 4].into_iter()), Some(Spread { least: 1, median: 4, most: 9 }));
        assert_eq!(Spread::of([9, 1, 4, 2].into_iter()), Some(Spread { least: 1, median: 2, most: 9 }));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
