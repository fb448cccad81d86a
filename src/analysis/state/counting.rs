//! Counters of kernels and tools: read without losing what is too large, and compared without losing that one began anew.

/// A count as it is written; the largest there is when it is larger than that. `None` for what is no count.
#[must_use]
pub fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Only too many digits are left to fail.
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// By how much a counter grew between two reads. One that is smaller than before began anew, because what counts was replaced or its
/// number ran over: what it has counted since is the least by which it grew.
#[must_use]
pub fn grown(before: Option<u64>, now: u64) -> u64 {
    now.checked_sub(before.unwrap_or(0)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_no_nothing() {
        assert_eq!(["0", "12", "18446744073709551616", "9".repeat(400).as_str()].map(count), [0, 12, u64::MAX, u64::MAX].map(Some));
        assert_eq!(["", "-1", "+1", "1.5", "x"].map(count), [None; 5]);
    }

    #[test]
    fn a_counter_that_began_anew_has_grown() {
        assert_eq!((grown(None, 7), grown(Some(3), 7), grown(Some(7), 7)), (7, 4, 0));
        assert_eq!((grown(Some(u64::MAX), 5), grown(Some(4_294_967_290), 2), grown(Some(9), 0)), (5, 2, 0));
        assert_eq!(grown(Some(0), u64::MAX), u64::MAX);
    }
}
