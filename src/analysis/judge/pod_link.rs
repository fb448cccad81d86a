//! Between a node and a pod of its own: the way that the node takes to it, the link, and the neighbour entry.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::state::routes::Routes;
use crate::analysis::state::ways::RouteQuestion;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::pod_network::pod_network;
use crate::analysis::state::network;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// What is wrong between a node and one of these endpoints that is a pod of its own: the way, the link, the neighbour entry.
pub(super) fn of(case: &Case, pair: &StatePair, node: &str, endpoints: &BTreeSet<(IpAddr, u16)>) -> Option<Finding> {
    let own = |ip: IpAddr| {
        case.target?.endpoints.iter().any(|endpoint| endpoint.ip == ip && endpoint.node.as_deref() == Some(node)).then_some(ip)
    };
    endpoints.iter().filter_map(|(ip, _)| own(*ip)).find_map(|ip| {
        let pod = case.pod_at(ip)?;
        astray(case, pair, node, ip, pod).or_else(|| link(case, pair, node, ip, pod))
    })
}

/// Whether an endpoint is a pod of the node itself whose link is down, or may be: routes go with their interface, so that one that is missing
/// tells nothing then. Where the pod could not be looked at, any link of the node to a pod that is down may be its own.
pub(super) fn may_be_down(case: &Case, pair: &StatePair, node: &str, ip: IpAddr) -> bool {
    let here = case.target.is_some_and(|target| target.endpoints.iter().any(|end| end.ip == ip && end.node.as_deref() == Some(node)));
    let down = |link: &network::Link| !link.up || !link.lower_up;
    match case.pod_at(ip).and_then(|pod| case.pod_state(pod)) {
        Some(pod) => {
            here && pod.after.links().unwrap_or_default().iter().any(|link| link.name != "lo" && !link.mac.is_empty() && down(link))
        }
        None => here && pair.after.links().unwrap_or_default().iter().any(|link| link.kind.as_deref() == Some("veth") && down(link)),
    }
}

/// A node's end of the link of the pod with that address, where the pod is on that node and both were read.
pub(super) fn near<'p>(case: &Case, pair: &'p StatePair, ip: IpAddr) -> Option<&'p network::Link> {
    let endpoint = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == ip)?;
    let here = endpoint.node.as_deref().is_some_and(|node| pair.after.place.to_string() == node);
    peer_of(case, pair, endpoint.pod.as_deref().filter(|_| here)?)
}

fn peer_of<'p>(case: &Case, pair: &'p StatePair, pod: &str) -> Option<&'p network::Link> {
    let peers: BTreeSet<u32> = case.pod_state(pod)?.after.links().unwrap_or_default().iter().filter_map(|link| link.peer).collect();
    pair.after.links().unwrap_or_default().iter().find(|link| peers.contains(&link.index))
}

/// The node's way to the pod leads by an interface behind which the pod is not: neither the other end of the pod's own, nor the bridge of
/// that.
fn astray(case: &Case, pair: &StatePair, node: &str, ip: IpAddr, pod: &str) -> Option<Finding> {
    let state = &pair.after;
    let way = state.way(&RouteQuestion::to(ip))?;
    let out = way.device.clone()?;
    let near = peer_of(case, pair, pod)?;
    if near.name == out || near.master.as_deref() == Some(&out) || !leads_off(case, state, &out) {
        return None;
    }
    let mut evidence = vec![
        format!("`ip route get {ip}` on {node}: by {out}{}", way.via.map(|via| format!(" via {via}")).unwrap_or_default()),
        format!(
            "the pod's link on {node} is {}{}",
            near.name,
            near.master.as_ref().map(|bridge| format!(" of {bridge}")).unwrap_or_default()
        ),
    ];
    let bridge = near.master.as_deref().and_then(|name| state.link(name)).filter(|bridge| !bridge.up);
    if let Some(bridge) = bridge {
        evidence.push(format!("`ip link` on {node}: {} is not up", bridge.name));
        return Some(found(
            names::POD_DISCONNECTED,
            vec![Subject::interface(node, &bridge.name), Subject::pod(&case.service.namespace, pod)],
            format!("{node}'s bridge {} to its pods is down, and what is for {ip} leaves by {out}", bridge.name),
            evidence,
        ));
    }
    if let Some(route) = state.routes().and_then(|routes| routes.specific(ip)) {
        let network = route.dst.clone();
        evidence.push(format!("route on {node}: {}", route.text));
        return Some(found(
            names::ROUTE_POD_NETWORK_WRONG,
            vec![Subject::route(node, network)],
            format!("{node}'s route to its own pod {ip} leads by {out}, where the pod is not"),
            evidence,
        ));
    }
    Some(found(
        names::ROUTE_POD_NETWORK_MISSING,
        vec![Subject::route(node, pod_network(case, ip))],
        format!("{node} has no route to the network of its own pods: what is for {ip} leaves by its default route, on {out}"),
        evidence,
    ))
}

/// Whether an interface leads to other nodes or out of the cluster. What a CNI of its own kind puts between a node and its pods, such as a
/// host interface of eBPF programs, does neither, and its routes say nothing of where packets go.
fn leads_off(case: &Case, state: &PlaceState, interface: &str) -> bool {
    state.routes().and_then(Routes::default).is_some_and(|(_, device)| device == interface)
        || state.link(interface).is_some_and(network::Link::is_tunnel)
        || state.addresses().unwrap_or_default().iter().any(|(name, net)| {
            let of_a_node =
                case.announcement.is_some_and(|found| found.nodes_seen.iter().any(|node| node.internal_ips.contains(&net.addr())));
            name == interface && (of_a_node || case.address().is_some_and(|vip| net.contains(&vip)))
        })
}

/// The answer left the pod for a MAC that its node does not have: the pod's own neighbour entry is wrong.
pub(super) fn answers_astray(case: &Case, pair: &StatePair, node: &str, packets: &Packets) -> Option<Finding> {
    let own: BTreeSet<String> =
        pair.after.links().unwrap_or_default().iter().map(|link| link.mac.to_lowercase()).filter(|mac| !mac.is_empty()).collect();
    let here =
        |ip: IpAddr| case.target.is_some_and(|target| target.endpoints.iter().any(|end| end.ip == ip && end.node.as_deref() == Some(node)));
    packets.endpoints.iter().filter(|(ip, _)| here(*ip)).find_map(|(ip, _)| {
        let pod = case.pod_at(*ip)?;
        let state = &case.pod_state(pod)?.after;
        packets.seen_sources.iter().find_map(|to| {
            let way = state.way(&RouteQuestion::to(*to))?;
            let next = way.via?;
            let entry = state
                .neighbours()
                .unwrap_or_default()
                .iter()
                .find(|entry| entry.address == next && Some(&entry.device) == way.device.as_ref())?;
            let mac = entry.mac.as_ref().filter(|mac| !own.is_empty() && !own.contains(*mac))?;
            let mut finding = found(
                names::POD_NO_WAY_BACK,
                vec![Subject::pod(&case.service.namespace, pod)],
                format!("the pod sends its answers to {mac}, which is no interface of its node"),
                vec![format!("`ip neigh` in {pod}: {next} is at {mac} ({})", entry.state), format!("no interface of {node} has that MAC")],
            );
            finding.next = format!(
                "In the network of {pod}: ip neigh del {next} dev {}; or recreate the pod. See what wrote the entry: a permanent one is somebody's.",
                entry.device
            );
            Some(finding)
        })
    })
}

/// An interface of a pod is down, or its other end on the node is: that is what has to be brought up.
fn link_down(case: &Case, pair: &StatePair, node: &str, pod: &str, down: &network::Link) -> Finding {
    let near = pair.after.links().unwrap_or_default().iter().find(|link| Some(link.index) == down.peer);
    let other = near.filter(|near| down.up && !near.up);
    let mut culprits = vec![Subject::pod(&case.service.namespace, pod)];
    let mut evidence = vec![format!("`ip link` in {pod}: {} is not up", down.name)];
    let mut finding = found(names::POD_DISCONNECTED, Vec::new(), String::new(), Vec::new());
    finding.summary = match &other {
        Some(other) => {
            culprits.push(Subject::interface(node, &other.name));
            evidence.push(format!("`ip link` on {node}: {}, its other end, is down", other.name));
            finding.next = format!("Bring it up on {node}: ip link set {} up; or recreate the pod.", other.name);
            format!("the other end of the pod's interface {}, {} on {node}, is down", down.name, other.name)
        }
        None => format!("the pod's interface {} is {}", down.name, if down.up { "without carrier: its other end is down" } else { "down" }),
    };
    Finding { culprits, evidence, ..finding }
}

/// The port of a bridge at which a MAC was learned from frames: what somebody wrote there, or what the bridge has itself, is none.
fn learned_at(pair: &StatePair, mac: &str) -> Option<String> {
    let fixed = |text: &str| text.split_whitespace().any(|word| matches!(word, "permanent" | "static" | "self"));
    let entries = pair.after.forwarding().unwrap_or_default().iter();
    entries.filter(|entry| entry.mac == mac && !fixed(&entry.text)).map(|entry| entry.device.clone()).next()
}

/// The link between a node and a pod of its own, and its neighbour entry.
fn link(case: &Case, pair: &StatePair, node: &str, ip: IpAddr, pod: &str) -> Option<Finding> {
    let pod_links = case.pod_state(pod).and_then(|pair| pair.after.links()).unwrap_or_default();
    let own: Vec<&network::Link> = pod_links.iter().filter(|link| link.name != "lo" && !link.mac.is_empty()).collect();
    if let Some(down) = own.iter().find(|link| !link.up || !link.lower_up) {
        return Some(link_down(case, pair, node, pod, down));
    }
    let entry = pair.after.neighbours().unwrap_or_default().iter().find(|entry| entry.address == ip);
    if let Some(entry) = entry {
        let wrong = entry.mac.as_ref().is_some_and(|mac| !own.is_empty() && own.iter().all(|link| link.mac.to_lowercase() != *mac));
        if wrong {
            let mac = entry.mac.clone().unwrap_or_default();
            let mut finding = found(
                names::POD_WRONG_NEIGHBOUR,
                vec![Subject::pod(&case.service.namespace, pod), Subject::node(node)],
                format!("{node} has a wrong MAC for the pod address {ip}"),
                vec![
                    format!("`ip neigh` on {node}: {ip} is at {mac}"),
                    format!("{pod} has {}", own.iter().map(|link| link.mac.clone()).collect::<Vec<_>>().join(", ")),
                ],
            );
            if let Some(port) = learned_at(pair, &mac) {
                finding
                    .evidence
                    .push(format!("`bridge fdb` on {node}: {mac} was learned at the port {port}: somebody behind it has that MAC"));
                finding.culprits.insert(1, Subject::interface(node, &port));
                finding.summary = format!("{node} sends what is for the pod address {ip} to somebody else, behind its port {port}");
                finding.next = format!(
                    "Find who is behind {port} on {node} (ip -d link show {port} tells the other end's namespace; ip netns list) and take the \
                     address {ip} away from it; then delete the entry: ip neigh del {ip} dev {}.",
                    entry.device
                );
            }
            return Some(finding);
        }
        if entry.unresolved() {
            return Some(found(
                names::POD_DISCONNECTED,
                vec![Subject::pod(&case.service.namespace, pod)],
                format!("{node} cannot resolve the pod address {ip} on its own link"),
                vec![format!("`ip neigh` on {node}: {ip} is {}", entry.state)],
            ));
        }
    }
    None
}
