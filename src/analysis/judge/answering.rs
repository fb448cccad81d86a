//! Who answers for the address on the wire, and which nodes could have been seen to.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::road::Road;
use crate::model::place::{HostKind, Place};

/// MAC address to the node and interface that has it, from the nodes that were looked at.
pub(super) fn macs(case: &Case) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    for pair in case.closer.iter().flat_map(|closer| &closer.states) {
        if let Place::Host(host) = &pair.after.place
            && host.kind == HostKind::Node
        {
            for link in pair.after.links().unwrap_or_default() {
                if !link.mac.is_empty() {
                    all.entry(link.mac.to_lowercase()).or_insert((host.name.clone(), link.name.clone()));
                }
            }
        }
    }
    all
}

/// Every MAC that answered by ARP, in both rounds.
pub(super) fn answering(case: &Case) -> BTreeSet<String> {
    case.asks().flat_map(|ask| &ask.replies).map(|(_, mac)| mac.to_lowercase()).collect()
}

/// The nodes whose interfaces answer by ARP, with the interface and its MAC.
pub(super) fn answering_nodes(case: &Case) -> Vec<(String, String)> {
    let known = macs(case);
    answering(case)
        .iter()
        .filter_map(|mac| known.get(mac).map(|(node, interface)| (node.clone(), format!("{interface} ({mac})"))))
        .collect()
}

/// Whether the interfaces of every node are known that may announce.
pub(super) fn all_looked_at(case: &Case) -> bool {
    case.announcement.is_some_and(|announcement| {
        let may = announcement.may_announce();
        let mut nodes = announcement.nodes_seen.iter().filter(|node| may.contains(node.name.as_str()));
        // A state without its links is none here: whose MACs it would have told is not known.
        let told = |name: &str| case.node_state(name).is_some_and(|pair| pair.after.is_read("links"));
        !announcement.nodes_seen.is_empty() && nodes.all(|node| told(&node.name))
    })
}

/// Nodes that may have taken one of the requests and were not watched while it was sent.
pub(super) fn unwatched_nodes(case: &Case, roads: &[&Road]) -> Vec<String> {
    let Some(announcement) = case.announcement else { return vec!["the nodes".to_owned()] };
    let may = announcement.may_announce();
    if may.is_empty() {
        return vec!["the nodes".to_owned()];
    }
    may.into_iter().filter(|node| !roads.iter().all(|road| road.watched(node))).map(str::to_owned).collect()
}
