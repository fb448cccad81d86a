//! What the kernel's traffic control drops, as `tc -s qdisc show` counts it.

use std::collections::BTreeMap;

use super::counting::{self, count};
use crate::model::state::{PlaceState, StatePair};

/// A queueing discipline that dropped packets between two reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    pub interface: String,
    /// `clsact`, `ingress`, `netem`, `fq_codel`, …
    pub kind: String,
    pub grown: u64,
}

/// Packets that each discipline dropped, by interface, kind and handle.
fn read(state: &PlaceState) -> BTreeMap<(String, String, String), u64> {
    let mut all = BTreeMap::new();
    let mut current = None;
    for line in state.section("traffic-control").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["qdisc", kind, handle, "dev", interface, ..] = words.as_slice() {
            current = Some(((*interface).to_owned(), (*kind).to_owned(), (*handle).to_owned()));
        } else if let Some(at) = words.iter().position(|word| *word == "(dropped")
            && let Some(number) = words.get(at + 1).and_then(|number| count(number.trim_end_matches(',')))
            && let Some(key) = current.take()
        {
            all.insert(key, number);
        }
    }
    all
}

/// The disciplines whose count of dropped packets grew, the most first.
#[must_use]
pub fn dropping(pair: &StatePair) -> Vec<Dropping> {
    let before = read(&pair.before);
    let mut all: Vec<Dropping> = read(&pair.after)
        .into_iter()
        .map(|(key, now)| {
            let grown = counting::grown(before.get(&key).copied(), now);
            Dropping { interface: key.0, kind: key.1, grown }
        })
        .filter(|dropping| dropping.grown > 0)
        .collect();
    all.sort_by_key(|dropping| std::cmp::Reverse(dropping.grown));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::{Host, HostKind, Place};

    #[test]
    fn what_grew_is_told() {
        let state = |ingress: u64| PlaceState {
            place: Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node }),
            sections: [(
                "traffic-control".to_owned(),
                format!(
                    "qdisc noqueue 0: dev lo root refcnt 2 \n Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0) \n backlog 0b 0p \
                     requeues 0\nqdisc clsact ffff: dev mlb parent ffff:fff1 \n Sent 900 bytes 9 pkt (dropped {ingress}, overlimits 0 \
                     requeues 0) \n"
                ),
            )]
            .into(),
            missing: BTreeMap::new(),
        };
        let pair = StatePair { before: state(3), after: state(11) };
        assert_eq!(dropping(&pair), [Dropping { interface: "mlb".into(), kind: "clsact".into(), grown: 8 }]);
    }
}
