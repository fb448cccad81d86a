//! Packets between a node and its own pods as frames: what the rules of the bridge between them see.

use std::net::IpAddr;

use crate::analysis::judge::case::Case;
use crate::analysis::judge::pod_link;
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::model::connection::{Hop, Sighting};
use crate::model::packet::Passage;
use crate::model::service::Protocol;

/// The frames of some connections, each once: requests that the node sends from its bridge to a pod's port, or answers that come from the port
/// to the bridge. Empty where a pod's port is not known, or is none of a bridge.
pub(in crate::analysis::judge) fn frames(case: &Case, node: &str, pair: &StatePair, roads: &[&Road], request: bool) -> Vec<Fields> {
    let mut all: Vec<Fields> = Vec::new();
    for road in roads {
        let Some((pod, port)) = road.endpoint() else { continue };
        let Some(link) = pod_link::near(case, pair, pod) else { continue };
        let Some(bridge) = link.master.as_deref().and_then(|name| pair.after.link(name)) else { continue };
        let neighbours = pair.after.neighbours().unwrap_or_default();
        let mac = neighbours.iter().find(|entry| entry.address == pod && entry.device == bridge.name).and_then(|entry| entry.mac.clone());
        let own = Some(bridge.mac.clone()).filter(|mac| !mac.is_empty());
        let udp = case.target.is_some_and(|target| target.port.protocol == Protocol::Udp);
        let frame = Fields { protocol: if udp { "udp" } else { "tcp" }.to_owned(), bridge: Some(bridge.name.clone()), ..Fields::default() };
        for (ip, number, first) in ends(road, node, pod, request) {
            let (here, there) = ((Some(ip), Some(number)), (Some(pod), Some(port)));
            let ((source, source_port), (destination, destination_port)) = if request { (here, there) } else { (there, here) };
            let (source_mac, destination_mac) = if request { (own.clone(), mac.clone()) } else { (mac.clone(), own.clone()) };
            let (input, output) = if request { (None, Some(link.name.clone())) } else { (Some(link.name.clone()), None) };
            // The node's own connection table knows the request; of an answer it knows nothing before the bridge has passed it on.
            let state = (request && first).then(|| "NEW".to_owned());
            let ports = Fields { source, destination, source_port, destination_port, ..frame.clone() };
            let whole = Fields { input, output, source_mac, destination_mac, state, ..ports };
            if !all.contains(&whole) {
                all.push(whole);
            }
        }
    }
    all
}

/// The other ends of what the pod gets from the node, or sends: address, port, and whether it opens a connection.
fn ends(road: &Road, node: &str, pod: IpAddr, request: bool) -> Vec<(IpAddr, u16, bool)> {
    let at_node = node.to_owned();
    let wanted = move |hop: &Hop| {
        let plain = hop.request == request && hop.passage == Passage::Out && hop.tunnel.is_none() && hop.what != Sighting::IcmpError;
        // The pod's own side, where its answers leave it.
        let in_pod = hop.place.contains('/') && hop.source.0 == pod;
        plain && if request { hop.place == at_node && hop.destination.0 == pod } else { in_pod }
    };
    let end = |hop: &Hop| {
        let (ip, port) = if request { hop.source } else { hop.destination };
        (ip, port, hop.what == Sighting::Syn)
    };
    road.hops(wanted).map(end).collect()
}
