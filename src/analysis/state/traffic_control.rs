//! What the kernel's traffic control drops, as `tc -s qdisc show` counts it.

use std::collections::BTreeMap;

use super::counting::{self, count};

/// A queueing discipline that dropped packets between two reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    pub interface: String,
    /// `clsact`, `ingress`, `netem`, `fq_codel`, …
    pub kind: String,
    pub grown: u64,
}

/// Packets that each discipline dropped, by interface, kind and handle.
pub type Queues = BTreeMap<(String, String, String), u64>;

pub(super) fn queues(text: &str) -> Queues {
    let mut all = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
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
pub(super) fn dropping(before: &Queues, after: &Queues) -> Vec<Dropping> {
    let mut all: Vec<Dropping> = after
        .iter()
        .map(|(key, now)| {
            let grown = counting::grown(before.get(key).copied(), *now);
            Dropping { interface: key.0.clone(), kind: key.1.clone(), grown }
        })
        .filter(|dropping| dropping.grown > 0)
        .collect();
    all.sort_by_key(|dropping| std::cmp::Reverse(dropping.grown));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grew_is_told() {
        let read = |ingress: u64| {
            queues(&format!(
                "qdisc noqueue 0: dev lo root refcnt 2 \n Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0) \n backlog 0b 0p \
                 requeues 0\nqdisc clsact ffff: dev mlb parent ffff:fff1 \n Sent 900 bytes 9 pkt (dropped {ingress}, overlimits 0 \
                 requeues 0) \n"
            ))
        };
        assert_eq!(dropping(&read(3), &read(11)), [Dropping { interface: "mlb".into(), kind: "clsact".into(), grown: 8 }]);
    }
}
