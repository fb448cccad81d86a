//! What a thing is, whichever name it has this time: pods get new names, ports and links with each start, and mean the same.

use crate::model::subject::{Part, Subject};

/// The letters of which Kubernetes makes the ends of names.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// How the links to pods begin, by whoever made them.
const POD_LINKS: [&str; 4] = ["veth", "cali", "lxc", "nic"];

/// A pod's name without the ends that its workload gave it.
pub(super) fn pod(name: &str) -> String {
    let made =
        |part: &str, lengths: std::ops::RangeInclusive<usize>| lengths.contains(&part.len()) && part.chars().all(|c| LETTERS.contains(c));
    let Some((rest, _)) = name.rsplit_once('-').filter(|(_, end)| made(end, 5..=5)) else { return name.to_owned() };
    match rest.rsplit_once('-') {
        Some((workload, hash)) if made(hash, 6..=10) => workload.to_owned(),
        _ => rest.to_owned(),
    }
}

/// A place of a path: a host's name, or a pod's with its namespace.
pub(super) fn place(name: &str) -> String {
    match name.split_once('/') {
        Some((namespace, name)) => format!("{namespace}/{}", pod(name)),
        None => name.to_owned(),
    }
}

/// An interface of a place.
pub(super) fn interface(name: &str) -> &str {
    if POD_LINKS.iter().any(|begin| name.starts_with(begin) && name.len() > begin.len()) { "a pod's link" } else { name }
}

/// What a finding blames or a gap is about.
pub(super) fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Pod { namespace, name } => format!("pod/{namespace}/{}", pod(name)),
        Subject::Container { namespace, pod: name, name: container } => format!("pod/{namespace}/{}/container/{container}", pod(name)),
        Subject::NodePart(node, Part::Interface(name)) => format!("node/{node}/interface/{}", interface(name)),
        // A rule is named by its text, wherever it stands.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_keeps_its_role_whatever_it_is_called() {
        for (name, role) in [
            ("iam-proxy-alertmanager-79cb5df4b5-svmfd", "iam-proxy-alertmanager"),
            ("iam-proxy-alertmanager-997d68dcb-8b9gf", "iam-proxy-alertmanager"),
            ("speaker-2htzc", "speaker"),
            ("web-0", "web-0"),
            ("web", "web"),
            ("my-shop-front", "my-shop-front"),
        ] {
            assert_eq!(pod(name), role);
        }
        assert_eq!(place("stacklight/web-79cb5df4b5-svmfd"), "stacklight/web");
        assert_eq!(
            (interface("vethaaeabfb0"), interface("cali0"), interface("mlb"), interface("veth")),
            ("a pod's link", "a pod's link", "mlb", "veth")
        );
        assert_eq!(subject(&Subject::pod("a", "web-79cb5df4b5-svmfd")), "pod/a/web");
    }
}
