//! The nearest name to a mistyped one.

/// The candidate most like `wanted`, when one is like enough to be worth suggesting.
#[must_use]
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_the_nearest_or_nothing() {
        assert_eq!(nearest("iam-proxy-alertmanger", ["iam-proxy-alertmanager", "web"]), Some("iam-proxy-alertmanager"));
        assert_eq!(nearest("zzz", ["iam-proxy-alertmanager", "web"]), None);
    }
}
