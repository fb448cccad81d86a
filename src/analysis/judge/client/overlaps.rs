//! A client whose address lies in a network that a node takes for its own: answers to it go to a link, or a pod network, where it is not.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::state::ways::RouteQuestion;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::analysis::judge::road::Road;
use crate::analysis::state::network::Neighbour;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::ways::Way;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::kubernetes::Node;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;

/// The pod network that a client's address lies in, with the node that has it.
pub(in crate::analysis::judge) fn pod_network(nodes: &[Node], client: IpAddr) -> Option<(String, String)> {
    nodes.iter().find_map(|node| {
        let cidr = node.pod_cidrs.iter().find(|cidr| cidr.parse::<IpNet>().is_ok_and(|net| net.contains(&client)))?;
        Some((cidr.clone(), node.name.clone()))
    })
}

/// The protocols of routes by which Calico writes that the rest of a block of pod addresses is nowhere: Felix's default, and its BIRD's.
const CALICOS: [&str; 2] = ["80", "bird"];

/// The client lies in a block of pod addresses that the node holds: what no pod of it has leads into the blackhole of the block.
pub(in crate::analysis::judge) fn block_of_pods(pair: &StatePair, node: &str, clients: &BTreeSet<IpAddr>) -> Option<Finding> {
    clients.iter().find_map(|client| {
        let refused = pair.after.refusal(&RouteQuestion::to(*client))?;
        let of_calico = |protocol: &String| CALICOS.contains(&protocol.as_str());
        let route = pair.after.routes()?.specific(*client)?;
        if route.kind != "blackhole" || !route.protocol.as_ref().is_some_and(of_calico) {
            return None;
        }
        let mut finding = found(
            names::CLIENT_OVERLAPS_CLUSTER,
            vec![Subject::route(node, &route.dst)],
            format!("{client} lies in {}, which {node} holds as a block of pod addresses: the answers to it end there", route.dst),
            vec![
                format!("route on {node}: {}", route.text.trim()),
                format!("`ip route get {client}` on {node}: {refused}"),
                "Calico writes such a route for each of its blocks, so that it comes back when it is deleted".to_owned(),
            ],
        );
        finding.next = format!(
            "Take the pool of pod addresses that holds {client} out of use (kubectl get ippools.crd.projectcalico.org), or give the clients another network; the route goes with the pool."
        );
        Some(finding)
    })
}

/// The client lies inside a pod network, and the node's way to it leads there, or is refused there.
pub(in crate::analysis::judge) fn pods(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let state = &case.node_state(node)?.after;
    let (_, arrived) = roads.iter().find_map(|road| road.entry())?;
    let outside = roads.iter().filter(|road| !road.connection.vantage.is_inside());
    outside.filter_map(|road| road.connection.attempt.source).find_map(|client| {
        let route = route_to(state, client);
        let (range, proof) = pods_around(case, client, route.as_deref())?;
        let way = state.way(&RouteQuestion::to(client))?;
        // By whichever way the request came, the answer would leave by it too: then nothing is wrong with the address.
        let inward = way.refused.is_some() || way.device.as_deref().is_some_and(|device| device != arrived);
        inward.then(|| {
            let mut culprits = vec![Subject::client(&client.to_string())];
            culprits.extend(route.iter().map(|route| Subject::route(node, route)));
            found(
                names::CLIENT_OVERLAPS_CLUSTER,
                culprits,
                format!("{client} lies inside the pod network {range}: the answers of {node} to it stay in the cluster"),
                vec![proof, told(node, client, way), format!("requests from {client} come in on {node}/{arrived}")],
            )
        })
    })
}

/// The pod network around a client, and what shows that it is one: an object, an endpoint of the Service, or a node's bridge of pods.
fn pods_around(case: &Case, client: IpAddr, route: Option<&str>) -> Option<(String, String)> {
    if let Some((cidr, node)) = pod_network(case.announcement.map_or(&[], |announcement| &announcement.nodes_seen), client) {
        return Some((cidr.clone(), format!("podCIDRs of {node}: {cidr}")));
    }
    let range = network_of(route?).filter(|range| range.prefix_len() > 0)?;
    let endpoints = || case.target.into_iter().flat_map(|target| &target.endpoints);
    if let Some((ip, pod)) =
        endpoints().find_map(|endpoint| Some((endpoint.ip, endpoint.pod.as_ref()?)).filter(|(ip, _)| range.contains(ip)))
    {
        return Some((range.to_string(), format!("the route {range} is that of the pod {pod} at {ip}")));
    }
    let states = case.closer.iter().flat_map(|closer| &closer.states).map(|pair| &pair.after);
    let nodes = states.filter(|state| matches!(&state.place, Place::Host(host) if host.kind == HostKind::Node));
    nodes.flat_map(|state| state.addresses().unwrap_or_default().iter().map(move |(name, net)| (state, name, net))).find_map(
        |(state, name, net)| {
            let inner = net.trunc() == range && state.is_inner_bridge(name);
            inner.then(|| (range.to_string(), format!("{name} of {}, a bridge of pods, has {net}", state.place)))
        },
    )
}

/// The node has the client's own address on an interface: its kernel takes the requests for forged, and what is answered to them for its
/// own.
pub(in crate::analysis::judge) fn on_the_node(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let (state, vip) = (&case.node_state(node)?.after, case.address()?);
    let sources: BTreeSet<IpAddr> = roads
        .iter()
        .map(|road| {
            let here = node.to_owned();
            let came =
                road.hops(move |hop| hop.request && hop.passage == Passage::In && hop.place == here && hop.destination.0 == vip).next();
            came.map(|hop| hop.source.0)
        })
        .collect::<Option<_>>()?;
    let held = |client: &IpAddr| state.addresses()?.iter().find(|(_, net)| net.addr() == *client);
    let client = *sources.first()?;
    let (interface, net) = held(&client)?;
    let outward = |client: &IpAddr| state.way(&RouteQuestion::to(*client)).is_some_and(|way| way.kind.as_deref() != Some("local"));
    if sources.iter().any(|client| held(client).is_none() || outward(client)) || roads.iter().any(|road| road.client() == node) {
        return None;
    }
    Some(Finding {
        next: format!("On {node}: ip addr del {net} dev {interface}; and see what put it there."),
        ..found(
            names::CLIENT_OVERLAPS_CLUSTER,
            vec![Subject::interface(node, interface), Subject::client(&client.to_string())],
            format!("{node} has the client's address {client} itself, on {interface}"),
            vec![
                format!("`ip addr` on {node}: {interface} has {net}"),
                format!("its requests come in on {node} from outside: a kernel drops what comes from an address of its own"),
            ],
        )
    })
}

/// The node takes the client for a neighbour and asks for it in vain, while the client's requests come through a router.
pub(in crate::analysis::judge) fn on_link(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let state = &case.node_state(node)?.after;
    let vip = case.address()?;
    roads.iter().filter(|road| !road.connection.vantage.is_inside()).find_map(|road| {
        let came = road
            .hops(|hop| hop.request && hop.passage == Passage::In && hop.tunnel.is_none() && hop.destination.0 == vip)
            .find(|hop| hop.place == node)?;
        let client = came.source.0;
        let way = state.way(&RouteQuestion::to(client))?;
        let device = way.device.as_deref().filter(|_| way.via.is_none() && way.refused.is_none() && way.kind.is_none())?;
        let unanswered = unanswered(case.node_state(node)?, client, device)?;
        let through = router(case, road, came.source_mac.as_deref()?)?;
        let evidence = vec![
            told(node, client, way),
            format!("`ip neigh` on {node}: nobody tells the MAC of {client} on {device} ({unanswered})"),
            format!("requests from {client} come in on {node}/{} from {through}", came.interface),
        ];
        let route = route_to(state, client)?;
        let range: IpNet = network_of(&route)?;
        let own =
            state.addresses().unwrap_or_default().iter().find(|(name, net)| name == device && net.trunc() == range).map(|(_, net)| net);
        let announcing = own.is_some() && range.contains(&vip);
        if !announcing && inhabited(state, range, device) {
            return None;
        }
        Some(match own {
            // The announcing network itself is this wide: whether node or client has the wrong mask, the other nodes tell.
            Some(net) if announcing => {
                let narrower = narrower(case, node, vip, client)?;
                let mut finding = found(
                    names::ROUTE_RETURN_MISSING,
                    vec![Subject::interface(node, device)],
                    format!("the netmask of {node} on {device} takes {client} for a neighbour, which it is not"),
                    evidence,
                );
                finding.evidence.push(format!("{device} of {node} has {net}, {narrower}"));
                finding
            }
            Some(net) => {
                let mut finding = found(
                    names::CLIENT_OVERLAPS_CLUSTER,
                    vec![Subject::client(&client.to_string()), Subject::interface(node, device)],
                    format!(
                        "{client} lies inside {range}, which {node} has on {device}, and is not on that link: {node} asks there in vain"
                    ),
                    evidence,
                );
                finding.evidence.push(format!("`ip addr` on {node}: {device} has {net}"));
                finding
            }
            None => found(
                names::ROUTE_RETURN_MISSING,
                vec![Subject::route(node, &route)],
                format!("the route {route} of {node} has no gateway and takes {client} for a neighbour on {device}, where it is not"),
                evidence,
            ),
        })
    })
}

/// Whether anybody of a network is known behind an interface: then the network is there, and who does not answer may be there, too. Behind
/// a bridge of pods or containers alone there is none but these.
fn inhabited(state: &PlaceState, range: IpNet, device: &str) -> bool {
    if state.is_inner_bridge(device) {
        return false;
    }
    // Those of the interface's own other networks are at home there, and tell nothing of this one.
    let of_others = |(name, net): &&(String, IpNet)| name == device && net.trunc() != range;
    let others: Vec<_> = state.addresses().unwrap_or_default().iter().filter(of_others).collect();
    state.neighbours().unwrap_or_default().iter().any(|entry| {
        let at_home = others.iter().any(|(_, net)| net.contains(&entry.address));
        entry.device == device && range.contains(&entry.address) && entry.mac.is_some() && !at_home
    })
}

/// A node whose network with the address is narrower, so that it does not hold the client.
fn narrower(case: &Case, node: &str, vip: IpAddr, client: IpAddr) -> Option<String> {
    let others = case.announcement?.candidates.iter().filter(|other| *other != node);
    others.filter_map(|other| Some((other, case.node_state(other)?))).find_map(|(other, pair)| {
        let (name, net) = pair
            .after
            .addresses()
            .unwrap_or_default()
            .iter()
            .find(|(_, net)| net.contains(&vip) && net.prefix_len() < net.max_prefix_len() && !net.contains(&client))?;
        Some(format!("{name} of {other} has {net}"))
    })
}

/// The state of the node's entry for the client, when nobody told it the client's MAC.
fn unanswered(pair: &StatePair, client: IpAddr, device: &str) -> Option<String> {
    // One that failed is soon forgotten.
    let mut entries: Vec<&Neighbour> =
        pair.after.neighbours().unwrap_or_default().iter().chain(pair.before.neighbours().unwrap_or_default()).collect();
    entries.retain(|entry| entry.address == client && entry.device == device);
    let silent = |entry: &&Neighbour| entry.mac.is_none() && entry.unresolved();
    let first = entries.first()?.state.clone();
    entries.iter().all(silent).then_some(first)
}

/// Who sent the client's requests on, when it was not the client itself: the MAC is none of the client's, or somebody else's by its address.
fn router(case: &Case, road: &Road, mac: &str) -> Option<String> {
    let mac = mac.to_lowercase();
    let states = || case.closer.iter().flat_map(|closer| &closer.states).map(|pair| &pair.after);
    let entry = states()
        .flat_map(|state| state.neighbours().unwrap_or_default())
        .find(|entry| entry.mac.as_deref() == Some(mac.as_str()) && Some(entry.address) != road.connection.attempt.source);
    // Of a client that was read it is known which MACs it has.
    let own: Vec<String> = case
        .node_state(&road.client())
        .map(|pair| {
            pair.after.links().unwrap_or_default().iter().map(|link| link.mac.to_lowercase()).filter(|mac| !mac.is_empty()).collect()
        })
        .unwrap_or_default();
    if own.contains(&mac) {
        return None;
    }
    match entry {
        Some(entry) => Some(format!("{mac}, which is {}", entry.address)),
        None => (!own.is_empty()).then(|| format!("{mac}, which the client does not have")),
    }
}

/// The network of the route that the kernel takes to an address in its main table, as the kernel writes it.
fn route_to(state: &PlaceState, address: IpAddr) -> Option<String> {
    state.routes()?.specific(address).map(|route| route.dst.clone())
}

fn network_of(dst: &str) -> Option<IpNet> {
    dst.parse::<IpNet>().ok().or_else(|| dst.parse::<IpAddr>().ok().map(IpNet::from))
}

fn told(node: &str, client: IpAddr, way: &Way) -> String {
    let way = way.refused.clone().unwrap_or_else(|| {
        let via = way.via.map_or_else(|| ", without a gateway".to_owned(), |via| format!(" via {via}"));
        format!("by {}{via}", way.device.as_deref().unwrap_or_default())
    });
    format!("`ip route get {client}` on {node}: {way}")
}
