//! The nearest name to a mistyped one.

/// The longest names that are compared, in bytes: Kubernetes has none longer, and the comparison's cost grows with the square of the length.
const LONGEST: usize = 2 * 253 + 1;

/// The candidate most like `wanted`, when one is like enough to be worth suggesting.
#[must_use]
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = candidates.into_iter().filter(|candidate| wanted.len().max(candidate.len()) <= LONGEST);
    candidates
        .map(|candidate| (likeness(wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// How like two names are. In short ones two letters in the wrong order weigh more than they should: `itn` is meant for `int`.
fn likeness(wanted: &str, candidate: &str) -> f64 {
    let likeness = strsim::jaro_winkler(wanted, candidate);
    let short = (3..=6).contains(&wanted.len()) && wanted.len() == candidate.len();
    if short && strsim::osa_distance(wanted, candidate) == 1 { likeness.max(0.9) } else { likeness }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_the_nearest_or_nothing() {
        assert_eq!(nearest("iam-proxy-alertmanger", ["iam-proxy-alertmanager", "web"]), Some("iam-proxy-alertmanager"));
        assert_eq!(nearest("itn", ["string", "int", "list<int>", "list<name>"]), Some("int"));
        assert_eq!(nearest("zzz", ["iam-proxy-alertmanager", "web"]), None);
    }

    /// Two names of a megabyte take hours to compare.
    #[test]
    fn what_is_no_name_is_like_none() {
        let long = "ab".repeat(1 << 20);
        assert_eq!(nearest(&long, [long.as_str(), "web"]), None);
        assert_eq!(nearest("wep", [long.as_str(), "web"]), Some("web"));
    }
}
