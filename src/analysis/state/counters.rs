//! The kernel's counters, as /proc/net/snmp and /proc/net/netstat print them: a line of names, a line of values.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counting::{self, count};

/// What an interface counted since it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    pub rx_bytes: u64,
    pub rx_packets: u64,
    pub rx_errors: u64,
    pub rx_dropped: u64,
    pub tx_bytes: u64,
    pub tx_packets: u64,
    pub tx_errors: u64,
    pub tx_dropped: u64,
}

/// The kernel's counters, by group and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters(BTreeMap<(String, String), u64>);

impl Counters {
    pub(super) fn read(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let mut all = BTreeMap::new();
        for pair in lines.chunks(2) {
            let [names, values] = pair else { continue };
            let (Some((group, names)), Some((same, values))) = (names.split_once(':'), values.split_once(':')) else { continue };
            if group != same {
                continue;
            }
            for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
                all.insert((group.to_owned(), name.to_owned()), count(value).unwrap_or_default());
            }
        }
        Self(all)
    }

    /// By how much a counter grew since another read.
    pub(super) fn grown_since(&self, before: &Self, group: &str, name: &str) -> u64 {
        let key = (group.to_owned(), name.to_owned());
        counting::grown(before.0.get(&key).copied(), self.0.get(&key).copied().unwrap_or_default())
    }

    /// Every counter under the name that `nstat` gives it, with those of IPv6, which stand in a file of their own.
    pub(super) fn nstat(&self, six: &str) -> BTreeMap<String, u64> {
        let six = six.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), count(words.next()?)?))
        });
        self.0.iter().map(|((group, name), value)| (format!("{group}{name}"), *value)).chain(six).collect()
    }
}

/// What each interface counted, as /proc/net/dev prints it.
pub(super) fn interfaces(text: &str) -> BTreeMap<String, Traffic> {
    text.lines()
        .filter_map(|line| {
            let (name, values) = line.split_once(':')?;
            let values: Vec<u64> = values.split_whitespace().map_while(count).collect();
            let [rx_bytes, rx_packets, rx_errors, rx_dropped, _, _, _, _, tx_bytes, tx_packets, tx_errors, tx_dropped, ..] = values[..]
            else {
                return None;
            };
            let traffic = Traffic { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
            Some((name.trim().to_owned(), traffic))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, Place};

    #[test]
    fn counters_have_the_names_of_nstat() {
        let text = "=== counters\nIp: Forwarding InReceives\nIp: 1 24\nTcp: MaxConn\nTcp: -1\nTcpExt: ListenDrops IPReversePathFilter\nTcpExt: 3 7\n=== end 0\n\
            === counters6\nIp6InReceives   \t12\n=== end 0\n\
            === devices\nInter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
              mlb: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n=== end 0\n";
        let state = place_state(Place::Host(Host::local()), text);
        let kernel = state.nstat().unwrap();
        assert_eq!(
            (kernel["IpInReceives"], kernel["TcpExtListenDrops"], kernel["TcpExtIPReversePathFilter"], kernel["Ip6InReceives"]),
            (24, 3, 7, 12)
        );
        let traffic = state.traffic().unwrap()["mlb"];
        assert_eq!((traffic.rx_packets, traffic.rx_dropped, traffic.tx_bytes, traffic.tx_dropped), (10, 2, 2000, 4));
        assert_eq!(state.traffic().unwrap().len(), 1);
    }
}
