//! The catalogue itself, one file an area, in the order of a packet's path.

use super::Entry;

/// An area's entries, each with the constant that code names it by: a name that is misspelt does not compile.
macro_rules! entries {
    ($($constant:ident = $name:literal {
        severity: $severity:expr,
        culprit: $culprit:expr,
        meaning: $meaning:expr,
        decided_by: $decided_by:expr,
        seen: $seen:expr,
        next: $next:expr,
        alike: $alike:expr,
        references: $references:expr,
        $(properties: $properties:expr,)?
    },)*) => {
        pub(super) mod names {
            $(pub const $constant: &str = $name;)*
        }

        pub(super) const ENTRIES: &[crate::model::catalogue::Entry] = &[$(crate::model::catalogue::Entry {
            name: names::$constant,
            severity: $severity,
            culprit: $culprit,
            meaning: $meaning,
            decided_by: $decided_by,
            seen: $seen,
            next: $next,
            alike: $alike,
            references: $references,
            properties: entries!(@or $($properties)?),
        },)*];
    };
    (@or $properties:expr) => { $properties };
    (@or) => { &[] };
}

mod address;
mod announce;
mod bgp;
mod client;
mod endpoints;
mod evidence;
mod node;
mod pages;
mod pod;
mod route;
mod wire;

const AREAS: [&[Entry]; 10] = [
    address::ENTRIES,
    announce::ENTRIES,
    wire::ENTRIES,
    client::ENTRIES,
    node::ENTRIES,
    route::ENTRIES,
    endpoints::ENTRIES,
    pod::ENTRIES,
    bgp::ENTRIES,
    evidence::ENTRIES,
];

/// The names of all entries, as code says them.
pub mod names {
    pub use super::address::names::*;
    pub use super::announce::names::*;
    pub use super::bgp::names::*;
    pub use super::client::names::*;
    pub use super::endpoints::names::*;
    pub use super::evidence::names::*;
    pub use super::node::names::*;
    pub use super::pod::names::*;
    pub use super::route::names::*;
    pub use super::wire::names::*;
}

const COUNT: usize = {
    let mut count = 0;
    let mut area = 0;
    while area < AREAS.len() {
        count += AREAS[area].len();
        area += 1;
    }
    count
};

static JOINED: [Entry; COUNT] = {
    let mut joined = [AREAS[0][0]; COUNT];
    let mut at = 0;
    let mut area = 0;
    while area < AREAS.len() {
        let mut index = 0;
        while index < AREAS[area].len() {
            joined[at] = AREAS[area][index];
            at += 1;
            index += 1;
        }
        area += 1;
    }
    joined
};

/// Every finding and gap, in the order of a packet's path.
pub const ENTRIES: &[Entry] = &JOINED;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::entry;
    use super::*;
    use crate::model::finding::Severity;

    /// The vocabulary as it was first given out; a name may be added, never lost.
    const NAMES: &str = "
        address/pool-missing address/pool-exhausted address/pool-not-automatic address/request-refused address/class-unserved
        address/config-invalid address/controller-down address/controller-unhealthy address/last-octet address/competing-controller address/not-a-load-balancer
        address/off-link
        announce/no-advertisement announce/no-candidate announce/no-local-endpoint announce/speaker-missing announce/interface-missing
        announce/interface-off-link announce/speaker-unhealthy announce/split-brain announce/nobody announce/unexpected-node
        announce/flapping announce/stale-source
        wire/no-answer wire/request-lost wire/reply-lost wire/mtu wire/duplicate-address wire/wrong-interface wire/stale-neighbour
        wire/client-address-duplicate wire/interface-down wire/wrong-port
        client/no-route client/overlaps-cluster client/source-range client/wrong-port client/firewall client/translated
        node/proxy-down node/not-programmed node/proxy-stale node/forwarding-off node/firewall-drop node/reverse-path-filter
        node/conntrack-full node/conntrack-stale node/lost-inside node/unreachable node/control-plane-cut-off
        route/return-asymmetric route/return-missing route/pod-network-missing route/pod-network-wrong
        overlay/lost-between overlay/wrong-endpoint overlay/interface-down overlay/mtu overlay/checksum
        policy/denied
        endpoints/selector-matches-nothing endpoints/none-ready endpoints/port-name-missing endpoints/port-name-differs
        endpoints/address-of-no-pod endpoints/protocol-mismatch endpoints/some-not-ready endpoints/slice-stale
        pod/not-listening pod/listens-on-loopback pod/firewall-drop pod/no-way-back pod/wrong-neighbour pod/disconnected pod/silent
        app/no-answer app/resets app/closes app/protocol-mismatch
        app/answers-with-errors app/certificate-expired app/certificate-other-name
        bgp/session-down bgp/session-stalled bgp/no-peer-for-node bgp/not-advertised bgp/filtered bgp/next-hop-fails bgp/single-announcer
        evidence/node-unreachable evidence/forbidden evidence/log-unreadable evidence/log-rotated evidence/capture-lost-packets
        evidence/capture-refused evidence/tool-missing evidence/netns-unproven evidence/clock-skew evidence/no-vantage
        evidence/time-ran-out evidence/not-recorded evidence/unreadable evidence/undecided evidence/bounded
        evidence/metrics-unreadable evidence/no-root evidence/address-not-asked evidence/endpoint-not-reached
        evidence/next-hop-not-reached evidence/cleanup-unproven";

    #[test]
    fn every_name_has_its_entry() {
        for name in NAMES.split_whitespace() {
            assert!(entry(name).is_some(), "{name} has no entry");
        }
        assert!(entry("announce/no-such-thing").is_none());
    }

    #[test]
    fn names_are_unique_and_have_the_form_area_slash_name() {
        let mut seen = BTreeSet::new();
        for entry in ENTRIES {
            assert!(seen.insert(entry.name), "{} is there twice", entry.name);
            let (area, short) = entry.name.split_once('/').expect("an area");
            assert!([area, short].iter().all(|part| part.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !part.is_empty()));
        }
    }

    #[test]
    fn texts_are_sentences() {
        for entry in ENTRIES {
            assert!(!entry.culprit.is_empty(), "{}", entry.name);
            let apart = entry.alike.iter().map(|(_, apart)| *apart);
            for text in [entry.meaning, entry.decided_by, entry.seen, entry.next].into_iter().chain(apart) {
                assert!(text.len() > 10 && text.ends_with('.') && text.trim() == text, "{}: {text:?}", entry.name);
                assert!(!text.contains("TODO") && !text.contains("  "), "{}", entry.name);
                assert!(text.matches('`').count() % 2 == 0, "{}: a backtick stands alone in {text:?}", entry.name);
            }
        }
    }

    #[test]
    fn what_is_called_alike_is_another_entry() {
        for one in ENTRIES {
            let mut seen = BTreeSet::new();
            for (name, _) in one.alike {
                assert!(entry(name).is_some(), "{} calls {name} alike, which is no entry", one.name);
                assert!(*name != one.name, "{name} calls itself alike");
                assert!(seen.insert(name), "{} calls {name} alike twice", one.name);
            }
        }
    }

    #[test]
    fn whoever_is_called_alike_says_by_whom() {
        let named_by = |name| entry(name).map(|entry| entry.called_alike_by().collect::<Vec<_>>()).unwrap_or_default();
        assert!(named_by("announce/nobody").contains(&"address/class-unserved"));
        for one in ENTRIES {
            for (name, _) in one.alike {
                let other = entry(name).expect("an entry");
                let mutual = other.alike.iter().any(|(back, _)| *back == one.name);
                assert!(mutual != named_by(name).contains(&one.name), "{} and {name}", one.name);
            }
        }
    }

    #[test]
    fn findings_are_told_apart_and_rest_on_something() {
        for entry in ENTRIES.iter().filter(|entry| !entry.is_gap()) {
            assert!(!entry.alike.is_empty(), "{} looks like nothing else", entry.name);
            assert!(!entry.references.is_empty(), "{} has no reference", entry.name);
        }
    }

    #[test]
    fn references_have_one_of_four_forms() {
        let known = |reference: &str| {
            reference.starts_with("https://")
                || reference.starts_with("RFC ")
                || reference.ends_with(')')
                || reference.split_once('#').is_some_and(|(project, number)| {
                    project.split('/').filter(|part| !part.is_empty()).count() == 2 && number.parse::<u32>().is_ok()
                })
        };
        for entry in ENTRIES {
            let once: BTreeSet<&str> = entry.references.iter().copied().collect();
            assert_eq!(once.len(), entry.references.len(), "{} refers to one thing twice", entry.name);
            for reference in entry.references {
                assert!(known(reference) && reference.trim() == *reference, "{}: {reference}", entry.name);
            }
        }
    }

    #[test]
    fn gaps_weigh_nothing() {
        for entry in ENTRIES.iter().filter(|entry| entry.is_gap()) {
            assert_eq!(entry.severity, Severity::Info, "{}", entry.name);
        }
    }
}
