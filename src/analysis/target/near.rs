//! Pods and workloads that a selector misses by one label.

use std::collections::BTreeMap;

use crate::model::kubernetes::Pod;

/// Near misses that are kept.
const MOST: usize = 20;

/// How alike two words have to be to pass for one with a typing error.
const ALIKE: f64 = 0.8;

/// The longest words that are compared, in bytes: no label's key is longer, and the comparison's cost grows with the square of the length.
const LONGEST: usize = 253 + 1 + 63;

/// The pods that the selector nearly matches, with what differs. Where it does match `some`, only a word that looks mistyped counts:
/// a neighbour that shares all labels but one is then most likely another part of the same application.
pub(super) fn misses(selector: &BTreeMap<String, String>, pods: &[Pod], some: bool) -> BTreeMap<String, String> {
    pods.iter()
        .filter(|pod| !pod.finished())
        .filter_map(|pod| Some((pod.name.clone(), miss(selector, &pod.labels, some)?)))
        .take(MOST)
        .collect()
}

/// What differs in the one label by which the selector misses; `None` when it matches, or misses by more.
pub(super) fn miss(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>, some: bool) -> Option<String> {
    let mut differing = selector.iter().filter(|(key, value)| labels.get(*key) != Some(value));
    let (key, wanted) = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    // The value under another key: a mistyped key, or another convention for the same thing.
    let moved = labels.iter().find(|(other, value)| *value == wanted && *other != key && (!some || alike(other, key)));
    let has = match (labels.get(key), moved) {
        (Some(has), _) if alike(has, wanted) => format!("{key}={has}"),
        (_, Some((other, value))) if selector.len() == 1 || alike(other, key) => format!("{other}={value}"),
        // With a single label every pod differs in one label only: it must also look alike.
        _ if selector.len() == 1 || some => return None,
        (Some(has), _) => format!("{key}={has}"),
        (None, _) => format!("no label {key}"),
    };
    Some(format!("it has {has}, the selector wants {key}={wanted}"))
}

fn alike(one: &str, other: &str) -> bool {
    if one.len().max(other.len()) > LONGEST {
        return false;
    }
    // Two letters changed round in a short word leave it little likeness.
    let one_slip = one.len() > 2 && strsim::osa_distance(one, other) == 1;
    one_slip || strsim::jaro_winkler(one, other) > ALIKE
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::miss;

    fn labels(text: &str) -> BTreeMap<String, String> {
        text.split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn check(selector: &str, has: &str, some: bool, expected: Option<&str>) {
        assert_eq!(miss(&labels(selector), &labels(has), some).as_deref(), expected, "{selector} against {has}");
    }

    #[test]
    fn a_mistyped_value_or_key_is_near() {
        check("app=web-server", "app=web-servr", false, Some("it has app=web-servr, the selector wants app=web-server"));
        check("app=web-server", "app=web-servr", true, Some("it has app=web-servr, the selector wants app=web-server"));
        check("app=web-server", "aap=web-server", false, Some("it has aap=web-server, the selector wants app=web-server"));
        check("app=web", "app=wbe", false, Some("it has app=wbe, the selector wants app=web"));
        check("app=web,tier=front", "app=web", false, Some("it has no label tier, the selector wants tier=front"));
    }

    /// Two words of a megabyte take hours to compare.
    #[test]
    fn what_is_no_label_is_near_to_none() {
        let long = |end: &str| format!("app={}{end}", "ab".repeat(1 << 20));
        check(&long("x"), &long("y"), true, None);
    }

    #[test]
    fn another_convention_for_the_same_thing_is_near() {
        let expected = "it has app.kubernetes.io/name=web, the selector wants app=web";
        check("app=web", "app.kubernetes.io/name=web", false, Some(expected));
        check("app=web", "app.kubernetes.io/name=web", true, None);
    }

    #[test]
    fn a_neighbour_is_not_near_while_the_selector_matches_others() {
        check(
            "app=shop,component=server",
            "app=shop,component=worker",
            false,
            Some("it has component=worker, the selector wants component=server"),
        );
        check("app=shop,component=server", "app=shop,component=worker", true, None);
        check(
            "app=shop,component=server",
            "app=shop,component=servre",
            true,
            Some("it has component=servre, the selector wants component=server"),
        );
    }

    #[test]
    fn what_matches_or_is_far_off_is_not_near() {
        check("app=web", "app=web,tier=front", false, None);
        check("app=web-server", "app=database", false, None);
        check("app=web,tier=front", "role=other", false, None);
        check("", "app=web", false, None);
    }
}
