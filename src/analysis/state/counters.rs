//! The kernel's counters, as /proc/net/snmp and /proc/net/netstat print them: a line of names, a line of values.

use std::collections::BTreeMap;

use crate::model::state::{PlaceState, StatePair};

fn read(state: &PlaceState) -> BTreeMap<(String, String), u64> {
    let lines: Vec<&str> = state.section("counters").lines().filter(|line| !line.is_empty()).collect();
    let mut all = BTreeMap::new();
    for pair in lines.chunks(2) {
        let [names, values] = pair else { continue };
        let (Some((group, names)), Some((same, values))) = (names.split_once(':'), values.split_once(':')) else { continue };
        if group != same {
            continue;
        }
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            all.insert((group.to_owned(), name.to_owned()), value.parse().unwrap_or_default());
        }
    }
    all
}

/// By how much a counter such as (`TcpExt`, `IPReversePathFilter`) grew between two reads.
#[must_use]
pub fn grown(pair: &StatePair, group: &str, name: &str) -> u64 {
    let key = (group.to_owned(), name.to_owned());
    let before = read(&pair.before).get(&key).copied().unwrap_or_default();
    read(&pair.after).get(&key).copied().unwrap_or_default().saturating_sub(before)
}
