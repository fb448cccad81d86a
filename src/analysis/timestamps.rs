//! Times as sources write them, RFC 3339.

use jiff::Timestamp;

/// Seconds since the epoch; `None` when it is no time.
#[must_use]
pub fn second(at: &str) -> Option<i64> {
    at.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// A time in RFC 3339; `None` beyond the years that it can write.
#[must_use]
pub fn written(second: i64) -> Option<String> {
    Timestamp::from_second(second).ok().map(|time| time.to_string())
}

/// Seconds between a time of the sources and the beginning of the run; `None` when one of them is no time. A time that lies in the
/// future by a skewed clock is no age.
#[must_use]
pub fn age_s(at: Option<&str>, now: &str) -> Option<u64> {
    u64::try_from(second(now)?.saturating_sub(second(at?)?)).ok()
}
