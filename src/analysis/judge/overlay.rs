//! Between the announcing node and the pod's node: routes, tunnels, what lies between, and sizes.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::gone::unseen;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::checksum;
use super::pod_network::{far_node, network_of, pod_network};
use super::road::{Leg, Point, Road, Vanished};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::network;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::probe::Size;
use crate::model::subject::Subject;

/// Ports of the tunnels that are known.
const TUNNEL_PORTS: [u16; 3] = [4789, 8472, 6081];

/// A packet left one node's pod side or underlay and was not seen where it should arrive.
pub(super) fn lost(case: &Case, roads: &[&Road], gone: &Vanished) -> Result<Finding, Gap> {
    let (from, to) = (gone.last.place(), gone.next.place());
    match (&gone.last, &gone.next) {
        // Handed to the tunnel (or the wrong interface) and not encapsulated.
        (Point::NodePodSide(_), Point::NodeUnderlay(_) | Point::FarUnderlay(_) | Point::FarNetworkSide(_)) => {
            not_sent(case, roads, from, to)
        }
        (Point::NodeUnderlay(_), _) | (_, Point::NodeUnderlay(_)) => between(case, roads, from, to),
        (Point::FarUnderlay(_), _) => not_decapsulated(case, roads, from),
        _ => Err(unseen(to, &format!("a packet left {from} and was not seen at {to}"))),
    }
}

/// Hops of the request that leave a node towards a pod.
fn leaving<'a>(case: &Case, roads: &[&Road<'a>], node: &str) -> Vec<&'a Hop> {
    let vip = case.address();
    let name = node.to_owned();
    let wanted = move |hop: &Hop| hop.request && hop.passage == Passage::Out && hop.place == name && Some(hop.destination.0) != vip;
    roads.iter().flat_map(|road| road.hops(wanted.clone())).collect()
}

fn not_sent(case: &Case, roads: &[&Road], node: &str, _to: &str) -> Result<Finding, Gap> {
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let state = &pair.after;
    let out = leaving(case, roads, node);
    let Some(hop) = out.iter().find(|hop| hop.tunnel.is_none()) else {
        return Err(unseen(node, "the translated packet was not seen to leave"));
    };
    let (pod, interface) = (hop.destination.0, hop.interface.clone());
    let link = network::link_named(state, &interface);
    let is_tunnel = link.as_ref().is_some_and(|link| matches!(link.kind.as_deref(), Some("vxlan" | "geneve" | "ipip" | "wireguard")));
    let way = network::way(state, &format!("{pod},,"));
    if !is_tunnel && network::specific_route(state, pod).is_none() {
        let default = network::default_route(state);
        let same = default.as_ref().is_some_and(|(_, device)| *device == interface);
        if same {
            return Ok(found(
                names::ROUTE_POD_NETWORK_MISSING,
                vec![Subject::route(node, pod_network(case, pod))],
                format!("{node} has no route to the pod network of {pod}: it sends the packet by its default route, on {interface}"),
                vec![
                    format!("the translated packet for {pod} leaves {node}/{interface}"),
                    format!(
                        "`ip route get {pod}` on {node}: by {}{}",
                        way.as_ref().and_then(|way| way.device.clone()).unwrap_or_default(),
                        way.and_then(|way| way.via).map(|via| format!(" via {via}")).unwrap_or_default()
                    ),
                    "no other route of the main table holds the address".to_owned(),
                ],
            ));
        }
    }
    if let Some(link) = &link
        && is_tunnel
        && !link.up
    {
        return Ok(down(node, &link.name));
    }
    let tunnels = tunnel_fields(case, node, pod, None);
    if let Some(finding) = filters::firewall(pair, node, &tunnels) {
        return Ok(finding);
    }
    if !is_tunnel && let Some(finding) = wrong_route(case, state, node, pod, &interface) {
        return Ok(finding);
    }
    if is_tunnel && let Some(finding) = wrong_endpoint(case, state, node, pod) {
        return Ok(finding);
    }
    Err(unseen(node, &format!("the packet was handed to {interface} and nothing encapsulated left {node}")))
}

fn down(node: &str, interface: &str) -> Finding {
    found(
        names::OVERLAY_INTERFACE_DOWN,
        vec![Subject::interface(node, interface)],
        format!("the tunnel interface {interface} of {node} is down"),
        vec![format!("`ip link` on {node}: {interface} is not up")],
    )
}

/// The pod's route leads by another interface than other nodes' pod networks do.
fn wrong_route(case: &Case, state: &crate::model::state::PlaceState, node: &str, pod: IpAddr, interface: &str) -> Option<Finding> {
    let route = network::specific_route(state, pod)?;
    let tunnel = network::links(state).into_iter().find(|link| matches!(link.kind.as_deref(), Some("vxlan" | "geneve" | "ipip")))?;
    let others =
        state.section("routes").lines().filter(|line| line.contains(&format!("dev {}", tunnel.name)) && line.contains('/')).count();
    (others > 0 && !route.contains(&format!("dev {}", tunnel.name))).then(|| {
        found(
            names::ROUTE_POD_NETWORK_WRONG,
            vec![Subject::route(node, pod_network(case, pod))],
            format!("{node}'s route to the pod network of {pod} leads by {interface}, where other pod networks go by {}", tunnel.name),
            vec![format!("route on {node}: {route}")],
        )
    })
}

/// The tunnel's own tables: the neighbour entry of the route's gateway and the forwarding entry of its MAC.
fn wrong_endpoint(case: &Case, state: &crate::model::state::PlaceState, node: &str, pod: IpAddr) -> Option<Finding> {
    let way = network::way(state, &format!("{pod},,"))?;
    let device = way.device?;
    let gateway = way.via.unwrap_or(pod);
    let entry = network::neighbours(state).into_iter().find(|entry| entry.address == gateway && entry.device == device);
    let Some(mac) = entry.as_ref().and_then(|entry| entry.mac.clone()) else {
        return Some(found(
            names::OVERLAY_WRONG_ENDPOINT,
            vec![Subject::interface(node, &device)],
            format!("{node} has no neighbour entry for {gateway} on {device}, so that nothing can be encapsulated"),
            vec![format!("`ip neigh` on {node}: {gateway} is {}", entry.map_or_else(|| "missing".to_owned(), |entry| entry.state))],
        ));
    };
    let forwarding = state
        .section("fdb")
        .lines()
        .find(|line| line.to_lowercase().starts_with(&mac) && line.contains(&format!("dev {device}")))
        .map(str::to_owned);
    let far = far_node(case, pod)?;
    let ips: Vec<String> = case.node(&far)?.internal_ips.iter().map(ToString::to_string).collect();
    let right = forwarding.as_ref().is_some_and(|line| ips.iter().any(|ip| line.split_whitespace().any(|word| word == ip)));
    (!right).then(|| {
        found(
            names::OVERLAY_WRONG_ENDPOINT,
            vec![Subject::interface(node, &device)],
            format!("the tunnel's forwarding entry on {node} does not lead to {far}"),
            vec![
                forwarding.map_or_else(
                    || format!("`bridge fdb` on {node} has no entry for {mac}"),
                    |line| format!("`bridge fdb` on {node}: {line}"),
                ),
                format!("{far} has {}", ips.join(", ")),
            ],
        )
    })
}

/// The encapsulated packet as packet filters see it.
fn tunnel_fields(case: &Case, from: &str, pod: IpAddr, input: Option<&str>) -> Vec<Fields> {
    let ip = |node: &str| case.node(node).and_then(|node| node.internal_ips.first().copied());
    let far = far_node(case, pod);
    TUNNEL_PORTS
        .iter()
        .map(|port| Fields {
            source: ip(from),
            destination: far.as_deref().and_then(ip),
            protocol: "udp".to_owned(),
            destination_port: Some(*port),
            input: input.map(str::to_owned),
            ..Fields::default()
        })
        .collect()
}

/// It left one node's underlay and did not come in on the other's.
fn between(case: &Case, roads: &[&Road], from: &str, to: &str) -> Result<Finding, Gap> {
    let sent: Vec<&Hop> = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.tunnel.is_some() && hop.passage == Passage::Out))
        .filter(|hop| hop.place == from)
        .collect();
    let outer: BTreeSet<IpAddr> = sent.iter().filter_map(|hop| hop.outer).map(|(_, destination)| destination).collect();
    let right = case.node(to).map(|node| node.internal_ips.clone()).unwrap_or_default();
    if !outer.is_empty() && !right.is_empty() && outer.iter().all(|ip| !right.contains(ip)) {
        let pod = sent.first().map(|hop| hop.destination.0);
        let wrong: Vec<String> = outer.iter().map(ToString::to_string).collect();
        let state = case.node_state(from).map(|pair| &pair.after);
        let route = pod.zip(state).and_then(|(pod, state)| network::specific_route(state, pod)).unwrap_or_default();
        let by_route = pod.zip(state).is_some_and(|(pod, state)| {
            // The route's gateway belongs to the wrong node when another node's pod network holds it.
            let via = network::way(state, &format!("{pod},,")).and_then(|way| way.via);
            via.is_some_and(|via| network_of(case, via).is_some_and(|owner| owner != to))
        });
        let evidence = vec![
            format!("encapsulated packets for pods of {to} leave {from} for {}", wrong.join(", ")),
            format!("{to} has {}", right.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            format!("route on {from}: {route}"),
        ];
        return Ok(if by_route {
            let network = pod.map_or_else(String::new, |pod| pod_network(case, pod));
            found(
                names::ROUTE_POD_NETWORK_WRONG,
                vec![Subject::route(from, network)],
                format!("{from}'s route to the pod network of {to} leads to another node"),
                evidence,
            )
        } else {
            found(
                names::OVERLAY_WRONG_ENDPOINT,
                vec![Subject::node(from)],
                format!("the tunnel on {from} sends what is for {to} to {}", wrong.join(", ")),
                evidence,
            )
        });
    }
    if sent.is_empty() && roads.iter().all(|road| road.connection.hops.iter().all(|hop| hop.tunnel.is_none())) {
        return Err(unseen(from, &format!("a packet left {from} and was not seen at {to}")));
    }
    Ok(found(
        names::OVERLAY_LOST_BETWEEN,
        vec![Subject::network(from, to), Subject::node(to)],
        format!("what leaves {from}'s tunnel for {to} does not arrive there"),
        vec![format!("{} encapsulated packets left {from}, none came in on {to}", sent.len())],
    ))
}

/// It came in encapsulated and did not come out of the tunnel.
fn not_decapsulated(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let hop =
        roads.iter().flat_map(|road| road.hops(|hop| hop.tunnel.is_some() && hop.passage == Passage::In)).find(|hop| hop.place == node);
    let input = hop.map(|hop| hop.interface.clone());
    let (source, destination) = hop.and_then(|hop| hop.outer).unzip();
    let fields: Vec<Fields> = TUNNEL_PORTS
        .iter()
        .map(|port| Fields {
            source,
            destination,
            protocol: "udp".to_owned(),
            destination_port: Some(*port),
            input: input.clone(),
            ..Fields::default()
        })
        .collect();
    let came = format!(
        "encapsulated packets come in on {node}{}, none comes out of the tunnel",
        input.as_ref().map(|name| format!("/{name}")).unwrap_or_default()
    );
    if let Some(mut finding) = filters::firewall(pair, node, &fields) {
        finding.evidence.insert(0, came);
        return Ok(finding);
    }
    if let Some(link) =
        network::links(&pair.after).into_iter().find(|link| matches!(link.kind.as_deref(), Some("vxlan" | "geneve" | "ipip")) && !link.up)
    {
        return Ok(down(node, &link.name));
    }
    checksum::of_tunnel(pair, node, roads, &came).ok_or_else(|| unseen(node, &came))
}

/// Payload was lost between two points while smaller packets of the same direction pass, those without payload at least: no try with
/// less payload tells whether the size of the lost ones is why, or their content.
pub(super) fn size_or_content(roads: &[&Road], gone: &Vanished) -> Option<Gap> {
    let passes = roads.iter().any(|road| road.passed(if gone.leg == Leg::RequestData { Leg::Request } else { Leg::Reply }, &gone.next));
    let largest = roads.iter().map(|road| road.largest(gone.leg, &gone.next)).max().unwrap_or_default();
    let smallest_lost = roads.iter().filter_map(|road| road.smallest_payload(gone.leg, &gone.last)).min()?;
    (passes && largest < smallest_lost).then(|| {
        let (from, to) = (gone.last.place(), gone.next.place());
        let passed = if largest == 0 { "those without payload pass".to_owned() } else { format!("those of {largest} bytes pass") };
        Gap::new(
            names::EVIDENCE_UNDECIDED,
            Subject::network(from, to),
            format!("packets with {smallest_lost} bytes of payload and more leave {from} and do not come to {to}; {passed}"),
            format!(
                "whether their size is why (an MTU on the way, as ping -M do -s {smallest_lost} between the two would show), or their content \
                 (a filter that reads it)"
            ),
        )
        .decisive()
    })
}

/// Payload was lost between two points while small packets pass: a size problem. `None` when sizes do not matter.
pub(super) fn sizes(case: &Case, roads: &[&Road], gone: &Vanished) -> Option<Finding> {
    // Only the same endpoint compares: another pod's small requests take another road.
    let ends: BTreeSet<IpAddr> = roads.iter().filter_map(|road| road.endpoint()).map(|(ip, _)| ip).collect();
    let all = case.roads();
    let small = |answered: bool| {
        all.iter().any(|road| {
            let same = road.endpoint().is_some_and(|(ip, _)| ends.contains(&ip));
            same && road.connection.attempt.size == Size::Small && road.connection.attempt.answered() == answered
        })
    };
    if !small(true) || small(false) {
        return None;
    }
    let largest = |point: &Point| roads.iter().map(|road| road.largest(gone.leg, point)).max().unwrap_or_default();
    let (from, to) = (gone.last.place(), gone.next.place());
    let what = if gone.leg == Leg::RequestData { "requests" } else { "answers" };
    let evidence = vec![
        format!("the largest packet of these {what} that passed {} has {} bytes of payload", gone.last, largest(&gone.last)),
        match largest(&gone.next) {
            0 => format!("none with payload passed {}", gone.next),
            bytes => format!("the largest that passed {} has {bytes} bytes", gone.next),
        },
        "small requests of the same kind are answered".to_owned(),
    ];
    let summary = if from == to {
        format!("small packets pass {from}, large ones come as far as {} and not to {}", gone.last, gone.next)
    } else {
        format!("small packets pass between {from} and {to}, large ones vanish")
    };
    let client_side = matches!((&gone.last, &gone.next), (Point::Client(_), _) | (_, Point::Client(_)));
    Some(if client_side {
        found(names::WIRE_MTU, vec![Subject::network(from, to)], summary, evidence)
    } else {
        let mut culprits: Vec<Subject> = [from, to].iter().filter(|place| !place.contains('/')).map(|node| Subject::node(node)).collect();
        culprits.dedup();
        if culprits.is_empty() {
            culprits.push(Subject::network(from, to));
        }
        found(names::OVERLAY_MTU, culprits, summary, evidence)
    })
}
