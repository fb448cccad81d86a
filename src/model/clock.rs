//! The difference between the clocks of two machines, as it was measured.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;

/// How far a host's clock is ahead of the one of the machine that lbdiag runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    pub host: String,
    /// Microseconds; negative when the host's clock is behind.
    pub ahead_us: i64,
    /// How far the true value may lie from `ahead_us`, microseconds.
    pub error_us: u64,
    /// How long the comparison took, milliseconds.
    pub took_ms: u64,
}

impl ClockOffset {
    /// The offset in nanoseconds, 0 where the clocks are not known to differ: hosts keep time to less than a connection to them can tell,
    /// and what was measured there is the connection's jitter, by which a packet would come in before it was sent.
    #[must_use]
    pub fn ahead_ns(&self) -> i64 {
        if self.differs() { self.ahead_us.saturating_mul(1000) } else { 0 }
    }

    /// `+0.31 ms ± 0.95 ms`
    #[must_use]
    pub fn shown(&self) -> String {
        let sign = if self.ahead_us < 0 { '-' } else { '+' };
        format!("{sign}{} ± {}", duration(self.ahead_us.unsigned_abs()), duration(self.error_us))
    }

    /// Whether the clocks are known to differ at all.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.ahead_us.unsigned_abs() > self.error_us
    }
}

impl fmt::Display for ClockOffset {
    /// `n2 +0.31 ms ± 0.95 ms`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.host, self.shown())
    }
}

/// Microseconds as people read them.
fn duration(us: u64) -> String {
    if us < 1_000_000 {
        format!("{}.{:02} ms", us / 1000, us % 1000 / 10)
    } else {
        format!("{}.{:03} s", us / 1_000_000, us % 1_000_000 / 1000)
    }
}

/// Every offset that was measured in a run, by the host's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offsets(pub BTreeMap<String, ClockOffset>);

impl Offsets {
    /// Whether none was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has to be taken from a time of a place to have it by our clock, nanoseconds; 0 where it was not measured.
    #[must_use]
    pub fn ahead_ns(&self, place: &Place) -> i64 {
        self.0.get(&place.host().name).map_or(0, ClockOffset::ahead_ns)
    }

    /// How far two hosts' clocks may be apart at most, microseconds; `None` when one of them was not measured.
    #[must_use]
    pub fn apart_us(&self, one: &str, other: &str) -> Option<u64> {
        let (one, other) = (self.0.get(one)?, self.0.get(other)?);
        let between = one.ahead_us.abs_diff(other.ahead_us);
        Some(between.saturating_add(one.error_us).saturating_add(other.error_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(host: &str, ahead_us: i64, error_us: u64) -> ClockOffset {
        ClockOffset { host: host.to_owned(), ahead_us, error_us, took_ms: 40 }
    }

    #[test]
    fn an_offset_is_told_with_its_error() {
        assert_eq!(offset("n2", 310, 950).to_string(), "n2 +0.31 ms ± 0.95 ms");
        assert_eq!(offset("n2", -61_250_000, 1_200).to_string(), "n2 -61.250 s ± 1.20 ms");
        assert!(!offset("n2", 310, 950).differs());
        assert_eq!([offset("n2", 310, 950), offset("n2", -2_000, 950)].map(|one| one.ahead_ns()), [0, -2_000_000]);
        assert!(offset("n2", -61_250_000, 1_200).differs());
    }

    #[test]
    fn two_clocks_may_be_apart_by_their_difference_and_both_errors() {
        let all = Offsets([offset("n1", -400, 100), offset("n2", 600, 200)].map(|one| (one.host.clone(), one)).into());
        assert_eq!(all.apart_us("n1", "n2"), Some(1300));
        assert_eq!(all.apart_us("n1", "n3"), None);
    }
}
