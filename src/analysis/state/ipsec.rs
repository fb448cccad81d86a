//! What the kernel's IPsec drops, as `/proc/net/xfrm_stat` counts it, and the policies that block. Keys are in neither.

use std::collections::BTreeMap;

use super::counting::{self, count};
use crate::model::state::{PlaceState, StatePair};

/// The counters of packets that IPsec dropped, by the kernel's name for the reason, such as `XfrmInPolBlock`.
fn counted(state: &PlaceState) -> BTreeMap<String, u64> {
    let pairs = state.section("ipsec").lines().filter_map(|line| line.strip_prefix("Xfrm")?.split_once(char::is_whitespace));
    pairs.filter_map(|(name, value)| Some((format!("Xfrm{name}"), count(value.trim())?))).collect()
}

/// The reasons for which IPsec dropped packets between two reads, with how many, the most first.
#[must_use]
pub fn dropping(pair: &StatePair) -> Vec<(String, u64)> {
    let before = counted(&pair.before);
    let grown = |(name, now): (String, u64)| {
        let grown = counting::grown(before.get(&name).copied(), now);
        (grown > 0).then_some((name, grown))
    };
    let mut all: Vec<(String, u64)> = counted(&pair.after).into_iter().filter_map(grown).collect();
    all.sort_by_key(|(_, grown)| std::cmp::Reverse(*grown));
    all
}

/// Policies that block, each as `ip xfrm policy` writes its selector and direction.
#[must_use]
pub fn blocking(state: &PlaceState) -> Vec<String> {
    let mut all = Vec::new();
    let mut selector = "";
    for line in state.section("ipsec").lines() {
        if line.starts_with("src ") {
            selector = line.trim();
        } else if line.starts_with(char::is_whitespace) && line.contains("action block") {
            all.push(format!("{selector} {}", line.trim()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::{Host, HostKind, Place};

    /// As `cat /proc/net/xfrm_stat` and `ip xfrm policy` print it, iproute2 6.1 on Linux 6.18.
    fn state(blocked: u64) -> PlaceState {
        let place = Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node });
        let text = format!(
            "XfrmInError             \t0\nXfrmInNoPols            \t0\nXfrmInPolBlock          \t{blocked}\nXfrmOutPolBlock         \t2\n\
             src 203.0.113.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0 ptype main \nsrc 10.0.0.0/8 dst 0.0.0.0/0 \n\tdir out priority 0 \
             ptype main \n"
        );
        PlaceState { place, sections: [("ipsec".to_owned(), text)].into(), missing: BTreeMap::new() }
    }

    #[test]
    fn what_grew_is_told_with_the_policies_that_block() {
        let pair = StatePair { before: state(3), after: state(19) };
        assert_eq!(dropping(&pair), [("XfrmInPolBlock".to_owned(), 16)]);
        assert_eq!(blocking(&pair.after), ["src 203.0.113.0/24 dst 0.0.0.0/0 dir fwd action block priority 0 ptype main"]);
    }
}
