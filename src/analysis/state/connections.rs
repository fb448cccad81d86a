//! The connection table of a place, as `conntrack -L` prints it.

use std::net::IpAddr;

use crate::model::state::PlaceState;

/// Addresses and ports of one direction; a protocol without ports has 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: u16,
    pub destination_port: u16,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `tcp`, `udp`, …
    pub protocol: String,
    /// What began it.
    pub original: Tuple,
    /// The answer that is waited for: its source is where the request is translated to.
    pub reply: Tuple,
}

/// Every entry that could be read.
#[must_use]
pub fn entries(state: &PlaceState) -> Vec<Entry> {
    state.section("conntrack").lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let values = |key: &str| words.iter().filter_map(|word| word.strip_prefix(key)).collect::<Vec<_>>();
    let (sources, destinations) = (values("src="), values("dst="));
    let (source_ports, destination_ports) = (values("sport="), values("dport="));
    let port = |list: &[&str], at: usize| list.get(at).and_then(|port| port.parse().ok()).unwrap_or_default();
    let tuple = |at: usize| {
        Some(Tuple {
            source: sources.get(at)?.parse().ok()?,
            destination: destinations.get(at)?.parse().ok()?,
            source_port: port(&source_ports, at),
            destination_port: port(&destination_ports, at),
        })
    };
    Some(Entry { protocol: (*words.first()?).to_owned(), original: tuple(0)?, reply: tuple(1)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::place::{Host, HostKind, Place};

    #[test]
    fn entries_with_both_directions() {
        let text = "udp      17 29 src=10.88.192.50 dst=10.88.64.100 sport=20001 dport=53 [UNREPLIED] src=10.88.129.7 dst=10.88.128.0 \
                    sport=5353 dport=61000 mark=0 use=1\nconntrack v1.4.8 (conntrack-tools): 1 flow entries have been shown.\n";
        let host = Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node };
        let state = PlaceState {
            place: Place::Host(host),
            sections: [("conntrack".to_owned(), text.to_owned())].into(),
            missing: std::collections::BTreeMap::new(),
        };
        let all = entries(&state);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].protocol.as_str(), all[0].original.source_port, all[0].original.destination_port), ("udp", 20001, 53));
        assert_eq!(all[0].reply.source, "10.88.129.7".parse::<IpAddr>().unwrap());
        assert_eq!(all[0].reply.source_port, 5353);
    }
}
