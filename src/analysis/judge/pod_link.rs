//! Between a node and a pod of its own: the way that the node takes to it, the link, and the neighbour entry.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::node::Packets;
use super::overlay::pod_network;
use super::road::Road;
use super::{Case, found};
use crate::analysis::state::network;
use crate::model::culprit::Culprit;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::state::StatePair;

/// The packet left the node for its pod and did not arrive in it.
pub(super) fn lost(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let pair = case.node_state(node);
    pair.and_then(|pair| astray(case, pair, node, roads).or_else(|| of(case, pair, node, &packets.endpoints))).ok_or_else(|| {
        Gap::new(
            "evidence/undecided",
            Culprit::node(node).to_string(),
            format!("the packet left {node} towards the pod and did not arrive in it"),
            "what is wrong between the node and its pod",
        )
        .decisive()
    })
}

/// The packet left by an interface that does not lead to the pod: neither the other end of the pod's own, nor the bridge of that.
fn astray(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let state = &pair.after;
    let vip = case.address();
    let leaves = |hop: &crate::model::connection::Hop| {
        hop.request && hop.passage == Passage::Out && hop.place == node && hop.tunnel.is_none() && Some(hop.destination.0) != vip
    };
    let (ip, out) = roads.iter().find_map(|road| road.hops(leaves).last()).map(|hop| (hop.destination.0, hop.interface.clone()))?;
    let here = case.target?.endpoints.iter().any(|endpoint| endpoint.ip == ip && endpoint.node.as_deref() == Some(node));
    let pod = case.pod_at(ip).filter(|_| here)?;
    let peers: BTreeSet<u32> = network::links(&case.pod_state(pod)?.after).iter().filter_map(|link| link.peer).collect();
    let near = network::links(state).into_iter().find(|link| peers.contains(&link.index))?;
    if near.name == out || near.master.as_deref() == Some(&out) {
        return None;
    }
    let way = network::way(state, &format!("{ip},,"));
    let mut evidence = vec![
        format!("packets for {ip} leave {node}/{out}"),
        format!(
            "the pod's link on {node} is {}{}",
            near.name,
            near.master.as_ref().map(|bridge| format!(" of {bridge}")).unwrap_or_default()
        ),
    ];
    if let Some(way) = &way {
        evidence.push(format!(
            "`ip route get {ip}` on {node}: by {}{}",
            way.device.as_deref().unwrap_or_default(),
            way.via.map(|via| format!(" via {via}")).unwrap_or_default()
        ));
    }
    let bridge = near.master.as_deref().and_then(|name| network::link_named(state, name)).filter(|bridge| !bridge.up);
    if let Some(bridge) = bridge {
        evidence.push(format!("`ip link` on {node}: {} is not up", bridge.name));
        return Some(found(
            "pod/disconnected",
            vec![Culprit::node_part(node, &format!("interface/{}", bridge.name)), Culprit::pod(&case.service.namespace, pod)],
            format!("{node}'s bridge {} to its pods is down, and what is for {ip} leaves by {out}", bridge.name),
            evidence,
        ));
    }
    if way.as_ref().and_then(|way| way.device.as_deref()) != Some(&out) {
        return None;
    }
    if let Some(route) = network::specific_route(state, ip) {
        let network =
            route.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_hexdigit())).unwrap_or_default().to_owned();
        evidence.push(format!("route on {node}: {route}"));
        return Some(found(
            "route/pod-network-wrong",
            vec![Culprit::node_part(node, &format!("route/{network}"))],
            format!("{node}'s route to its own pod {ip} leads by {out}, where the pod is not"),
            evidence,
        ));
    }
    Some(found(
        "route/pod-network-missing",
        vec![Culprit::node_part(node, &format!("route/{}", pod_network(case, ip)))],
        format!("{node} has no route to the network of its own pods: what is for {ip} leaves by its default route, on {out}"),
        evidence,
    ))
}

/// The link between a node and a pod of its own: neighbour entry, veth, bridge.
pub(super) fn of(case: &Case, pair: &StatePair, node: &str, endpoints: &BTreeSet<(IpAddr, u16)>) -> Option<Finding> {
    for (ip, _) in endpoints {
        let Some(pod) = case.pod_at(*ip) else { continue };
        let here = case.target?.endpoints.iter().any(|endpoint| endpoint.ip == *ip && endpoint.node.as_deref() == Some(node));
        if !here {
            continue;
        }
        let pod_links = case.pod_state(pod).map(|pair| network::links(&pair.after)).unwrap_or_default();
        let own: Vec<&network::Link> = pod_links.iter().filter(|link| link.name != "lo" && !link.mac.is_empty()).collect();
        if let Some(down) = own.iter().find(|link| !link.up || !link.lower_up) {
            return Some(found(
                "pod/disconnected",
                vec![Culprit::pod(&case.service.namespace, pod)],
                format!("the pod's interface {} is {}", down.name, if down.up { "without carrier: its other end is down" } else { "down" }),
                vec![format!("`ip link` in {pod}: {} is not up", down.name)],
            ));
        }
        let entry = network::neighbours(&pair.after).into_iter().find(|entry| entry.address == *ip);
        if let Some(entry) = entry {
            let wrong = entry.mac.as_ref().is_some_and(|mac| !own.is_empty() && own.iter().all(|link| link.mac.to_lowercase() != *mac));
            if wrong {
                return Some(found(
                    "pod/wrong-neighbour",
                    vec![Culprit::pod(&case.service.namespace, pod), Culprit::node(node)],
                    format!("{node} has a wrong MAC for the pod address {ip}"),
                    vec![
                        format!("`ip neigh` on {node}: {ip} is at {}", entry.mac.unwrap_or_default()),
                        format!("{pod} has {}", own.iter().map(|link| link.mac.clone()).collect::<Vec<_>>().join(", ")),
                    ],
                ));
            }
            if matches!(entry.state.as_str(), "FAILED" | "INCOMPLETE") {
                return Some(found(
                    "pod/disconnected",
                    vec![Culprit::pod(&case.service.namespace, pod)],
                    format!("{node} cannot resolve the pod address {ip} on its own link"),
                    vec![format!("`ip neigh` on {node}: {ip} is {}", entry.state)],
                ));
            }
        }
    }
    None
}
