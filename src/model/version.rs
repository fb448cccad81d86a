//! Versions as programs tell theirs.

/// Major, minor, patch.
pub type Version = (u32, u32, u32);

/// A version as (major, minor, patch); parts that do not parse are 0.
#[must_use]
pub fn version(text: &str) -> Version {
    let mut parts = text.trim_start_matches('v').split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_with_and_without_v() {
        assert_eq!(version("v0.14.9"), (0, 14, 9));
        assert_eq!(version("0.16.1-rc1"), (0, 16, 1));
        assert_eq!(version("main"), (0, 0, 0));
    }
}
