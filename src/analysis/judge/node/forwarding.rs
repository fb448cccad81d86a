//! Whether a node forwards: its settings, its reverse path filter, its routes to pods and back to clients.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::pod_network::network_of;
use crate::analysis::judge::road::Road;
use crate::analysis::state::network::Link;
use crate::analysis::state::network::Neighbour;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::routes::{NextHop, Routes};
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Forwarding of the address's family is off on a node that has to forward, or off for what comes in by one interface, which only IPv4
/// has.
pub(in crate::analysis::judge) fn forwarding_off(case: &Case, pair: &StatePair, node: &str, input: Option<&str>) -> Option<Finding> {
    let four = case.address()?.is_ipv4();
    let (setting, family) = if four { ("net/ipv4/ip_forward", "") } else { ("net/ipv6/conf/all/forwarding", " of IPv6") };
    let off = |name: String, what: String| {
        Some(found(
            names::NODE_FORWARDING_OFF,
            vec![Subject::sysctl(node, &name)],
            format!("{node} does not forward {what}"),
            vec![format!("{name} is 0 on {node}")],
        ))
    };
    if pair.after.settings().and_then(|settings| settings.number(setting)) == Some(0) {
        return off(setting.replace('/', "."), format!("packets{family}"));
    }
    let input = input
        .filter(|input| four && pair.after.settings().and_then(|settings| settings.of_interface("ipv4", input, "forwarding")) == Some(0))?;
    off(format!("net.ipv4.conf.{}.forwarding", input.replace('.', "/")), format!("packets that come in by {input}"))
}

/// The reverse path filter drops what came in by an interface that does not lead back.
pub(in crate::analysis::judge) fn reverse_path(
    pair: &StatePair,
    node: &str,
    input: Option<&str>,
    sources: &BTreeSet<IpAddr>,
) -> Option<Finding> {
    let input = input?;
    let mode = pair.after.settings()?.reverse_path_filter(input);
    if mode == 0 {
        return None;
    }
    for source in sources {
        let way = pair.after.way(&RouteQuestion::to(*source))?;
        let elsewhere = way.device.as_deref() != Some(input);
        let refuses = if mode == 1 { elsewhere } else { way.refused.is_some() };
        if refuses {
            let grown = pair.grown("TcpExt", "IPReversePathFilter").unwrap_or_default();
            return Some(found(
                names::NODE_REVERSE_PATH_FILTER,
                vec![Subject::interface(node, input)],
                format!("the reverse path filter of {node} drops packets from {source} that come in on {input}"),
                vec![
                    format!("rp_filter in force on {input} is {mode}"),
                    format!(
                        "the way from {node} to {source} is {}",
                        way.device.as_ref().map_or_else(|| way.refused.clone().unwrap_or_default(), |device| format!("by {device}"))
                    ),
                    format!("TcpExtIPReversePathFilter grew by {grown} while the probe was repeated"),
                ],
            ));
        }
    }
    None
}

/// The kernel refuses the way to an endpoint.
pub(in crate::analysis::judge) fn pod_route(pair: &StatePair, node: &str, endpoints: &BTreeSet<(IpAddr, u16)>) -> Option<Finding> {
    endpoints.iter().find_map(|(ip, _)| {
        let refused = pair.after.refusal(&RouteQuestion::to(*ip))?;
        Some(found(
            names::ROUTE_POD_NETWORK_MISSING,
            vec![Subject::route(node, ip)],
            format!("{node} has no way to the pod address {ip}"),
            vec![format!("`ip route get {ip}` on {node}: {refused}")],
        ))
    })
}

/// The node has the address of one of its pods itself, and takes what is for the pod.
pub(in crate::analysis::judge) fn pod_address_taken(
    case: &Case,
    pair: &StatePair,
    node: &str,
    endpoints: &BTreeSet<(IpAddr, u16)>,
) -> Option<Finding> {
    endpoints.iter().find_map(|(ip, _)| {
        let pod = case.pod_at(*ip)?;
        // A pod of the node's own network has the node's addresses, and rightly so.
        let of_node = case.node(node).is_some_and(|seen| seen.internal_ips.contains(ip));
        let local = pair.after.way(&RouteQuestion::to(*ip))?.kind.as_deref() == Some("local");
        let (interface, _) = pair.after.addresses()?.iter().find(|(_, net)| net.addr() == *ip)?;
        (local && !of_node).then(|| {
            let mut finding = found(
                names::NODE_DUPLICATE_ADDRESS,
                vec![Subject::interface(node, interface), Subject::pod(&case.service.namespace, pod)],
                format!("{node} has the pod address {ip} itself, on {interface}, and answers in the pod's place"),
                vec![
                    format!("`ip route get {ip}` on {node}: local"),
                    format!("`ip addr` on {node}: {interface} has {ip}"),
                    format!("the pod {pod} has {ip}"),
                ],
            );
            finding.next = format!(
                "Take one of the two away: delete the pod, so that it gets another address, or the address from {interface} where it does not belong; and see the network plugin's allocation, which gave it twice."
            );
            finding
        })
    })
}

/// The node takes another node's pod for a neighbour in a network of its own, such as one of a container engine.
pub(in crate::analysis::judge) fn own_network(
    case: &Case,
    pair: &StatePair,
    node: &str,
    endpoints: &BTreeSet<(IpAddr, u16)>,
) -> Option<Finding> {
    let elsewhere = |ip: &IpAddr| {
        let own = case.target.and_then(|target| target.endpoints.iter().find(|end| end.ip == *ip))?.node.as_deref()?;
        (own != node).then_some(())
    };
    endpoints.iter().filter(|(ip, _)| elsewhere(ip).is_some()).find_map(|(ip, _)| {
        let way = pair.after.way(&RouteQuestion::to(*ip)).filter(|way| way.via.is_none())?;
        let device = way.device.as_deref()?;
        // Where nodes and pods share one network, the way by it is right; and a tunnel may have the whole range.
        let of_nodes = |net: &ipnet::IpNet| case.announcement.is_some_and(|seen| seen.nodes_seen.iter().any(|one| one.internal_ips.iter().any(|ip| net.contains(ip))));
        let (_, net) = pair.after.addresses()?.iter().find(|(name, net)| name == device && net.contains(ip))?;
        if of_nodes(net) || pair.after.link(device).is_none_or(Link::is_tunnel) || net.addr() == *ip {
            return None;
        }
        let mut evidence = vec![
            format!("`ip route get {ip}` on {node}: by {device}, without a gateway"),
            format!("`ip addr` on {node}: {device} has {net}, and the pod is on another node"),
        ];
        let entry = pair.after.neighbours().unwrap_or_default().iter().find(|entry| entry.address == *ip && entry.device == device);
        evidence.extend(entry.map(|entry| format!("`ip neigh` on {node}: {ip} on {device} is {}", entry.state)));
        let mut finding = found(
            names::ROUTE_POD_NETWORK_WRONG,
            vec![Subject::interface(node, device)],
            format!("{node} takes the pod address {ip} for one of its own network {} on {device}", net.trunc()),
            evidence,
        );
        finding.next = format!(
            "Give the network on {device} another range, or take it away (a container engine's: docker network ls and inspect); networks of nodes and of pods must not overlap."
        );
        Some(finding)
    })
}

/// Why the kernel does not forward to an address what comes in by an interface from a source. That it mistrusts the source is another
/// matter: the reverse path filter's, or an address of its own.
pub(in crate::analysis::judge) fn forwarding_refused<'a>(pair: &'a StatePair, to: IpAddr, source: IpAddr, input: &str) -> Option<&'a str> {
    let refused = pair.after.refusal(&RouteQuestion::forwarded(to, source, input))?;
    (!pair.after.has_address(source) && !refused.contains("cross-device")).then_some(refused)
}

/// The kernel refuses the way to an endpoint for what comes in by one interface, as a policy rule for it makes it.
pub(in crate::analysis::judge) fn refused_to_forward(
    pair: &StatePair,
    node: &str,
    input: Option<&str>,
    sources: &BTreeSet<IpAddr>,
    endpoints: &BTreeSet<(IpAddr, u16)>,
) -> Option<Finding> {
    let input = input?;
    let asked = sources.iter().flat_map(|source| endpoints.iter().map(move |(ip, _)| (source, ip)));
    asked.into_iter().find_map(|(source, ip)| {
        let refused = forwarding_refused(pair, *ip, *source, input)?;
        Some(found(
            names::ROUTE_POD_NETWORK_MISSING,
            vec![Subject::route(node, ip)],
            format!("{node} has no way to the pod address {ip} for what comes in by {input}"),
            vec![format!("`ip route get {ip} from {source} iif {input}` on {node}: {refused}")],
        ))
    })
}

/// The kernel refuses the way back to a client for what comes in by the interface towards the pods.
pub(in crate::analysis::judge) fn refused_back(
    pair: &StatePair,
    node: &str,
    input: Option<&str>,
    clients: &BTreeSet<IpAddr>,
    pods: &BTreeSet<IpAddr>,
) -> Option<Finding> {
    let input = input?;
    clients.iter().flat_map(|client| pods.iter().map(move |pod| (client, pod))).find_map(|(client, pod)| {
        let refused = forwarding_refused(pair, *client, *pod, input)?;
        let mut finding = no_way_back(node, *client, refused);
        finding.evidence = vec![format!("`ip route get {client} from {pod} iif {input}` on {node}: {refused}")];
        Some(finding)
    })
}

/// The interface by which requests come in has no address, and with it no route back, where other nodes have one in the network of the
/// Service's address.
pub(in crate::analysis::judge) fn address_lost(
    case: &Case,
    pair: &StatePair,
    node: &str,
    interface: Option<&str>,
    clients: &BTreeSet<IpAddr>,
) -> Option<Finding> {
    let (interface, vip) = (interface?, case.address()?);
    let own = pair.after.addresses()?;
    let here = |(name, net): &(String, ipnet::IpNet)| {
        name == interface && net.addr() != vip && net.addr().is_ipv4() == vip.is_ipv4() && !net.addr().to_string().starts_with("fe80:")
    };
    if own.iter().any(here) || own.iter().any(|(_, net)| net.addr() != vip && net.contains(&vip)) {
        return None;
    }
    let refused = clients.iter().find_map(|client| Some((*client, pair.after.refusal(&RouteQuestion::to(*client))?)));
    let (client, refused) = refused?;
    let others: Vec<String> = case
        .states()
        .filter_map(|other| match &other.after.place {
            Place::Host(host) if host.kind == HostKind::Node && host.name != node => {
                let (name, net) = other.after.addresses()?.iter().find(|(_, net)| net.addr() != vip && net.contains(&vip))?;
                Some(format!("{}/{name} has {net}", host.name))
            }
            _ => None,
        })
        .collect();
    (!others.is_empty()).then(|| {
        let mut evidence = vec![
            format!("`ip addr` on {node}: {interface} has no address, and no network there holds {vip}"),
            format!("`ip route get {client}` on {node}: {refused}"),
        ];
        evidence.extend(others);
        Finding {
            next: format!("Give {interface} of {node} its address back, and the routes that went with it."),
            ..found(
                names::ROUTE_RETURN_MISSING,
                vec![Subject::interface(node, interface)],
                format!("{node} has no address on {interface}, by which requests come in, and with it no way back to the clients"),
                evidence,
            )
        }
    })
}

/// The route back to a client has several next hops, and nobody tells the MAC of one of them: what the kernel sends there ends in the node.
pub(in crate::analysis::judge) fn dead_hop(pair: &StatePair, node: &str, clients: &BTreeSet<IpAddr>) -> Option<Finding> {
    let routes = pair.after.routes()?;
    let entry = |hop: &NextHop| {
        let both = [&pair.after, &pair.before];
        let here = |known: &&Neighbour| Some(known.address) == hop.via && Some(&known.device) == hop.dev.as_ref();
        both.iter().find_map(|state| state.neighbours()?.iter().find(here))
    };
    let failed = |hop: &&NextHop| entry(hop).is_some_and(Neighbour::unresolved);
    clients.iter().find_map(|client| {
        let route = routes.towards(*client).filter(|route| route.nexthops.len() > 1)?;
        let dead = route.nexthops.iter().find(failed)?;
        let alive = route.nexthops.iter().find(|hop| entry(hop).is_some_and(|entry| entry.mac.is_some()))?;
        let (via, other) = (dead.via?, alive.via?);
        let state = entry(dead).map(|entry| entry.state.clone()).unwrap_or_default();
        Some(Finding {
            next: format!("Take the next hop {via} out of the route to {} on {node}, or bring it back.", route.dst),
            ..found(
                names::ROUTE_RETURN_MISSING,
                vec![Subject::route(node, &route.dst)],
                format!("one of the next hops of {node}'s way back to {client} is nobody: {via}"),
                vec![
                    format!("route on {node}: {} by {} next hops, {via} and {other} among them", route.dst, route.nexthops.len()),
                    format!("`ip neigh` on {node}: nobody tells the MAC of {via} ({state}), and {other} does"),
                ],
            )
        })
    })
}

/// The kernel of a node refuses the way to a client.
pub(in crate::analysis::judge) fn no_way_back(node: &str, client: IpAddr, refused: &str) -> Finding {
    found(
        names::ROUTE_RETURN_MISSING,
        vec![Subject::route(node, client)],
        format!("{node} has no way back to the client {client}"),
        vec![format!("`ip route get {client}` on {node}: {refused}")],
    )
}

/// The interface by which answers leave the announcing node, when it is not the one of arrival.
pub(in crate::analysis::judge) fn asymmetric(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let vip = case.address()?;
    let (_, arrived) = roads.iter().find_map(|road| road.entry())?;
    let out = roads
        .iter()
        .flat_map(|road| {
            road.hops(|hop| !hop.request && hop.passage == Passage::Out && hop.place == node && hop.source.0 == vip && hop.tunnel.is_none())
        })
        .map(|hop| (hop.interface.clone(), hop.destination.0))
        .find(|(interface, _)| *interface != arrived)?;
    let mut evidence = vec![format!("requests come in on {node}/{arrived}, answers leave by {node}/{}", out.0)];
    if let Some(way) = case.node_state(node).and_then(|pair| pair.after.way(&RouteQuestion::to(out.1))) {
        evidence.push(format!(
            "`ip route get {}` on {node}: by {}{}",
            out.1,
            way.device.clone().unwrap_or_default(),
            way.via.map(|via| format!(" via {via}")).unwrap_or_default()
        ));
    }
    let mut finding = found(
        names::ROUTE_RETURN_ASYMMETRIC,
        vec![Subject::route(node, out.1)],
        format!("answers to {} leave {node} by {} although the request came in by {arrived}", out.1, out.0),
        evidence,
    );
    // Where the rest of the world is answered by the interface of arrival, one route makes the difference.
    let routes = case.node_state(node).and_then(|pair| pair.after.routes());
    let home = routes.and_then(Routes::default).is_some_and(|(_, device)| device == arrived);
    let astray = routes.and_then(|routes| routes.specific(out.1)).filter(|route| route.dev.as_deref() == Some(out.0.as_str()) && home);
    if let Some(route) = astray.filter(|route| route.protocol.as_deref() != Some("kernel")) {
        finding.evidence.push(format!("route on {node}: {}; all else goes by {arrived}", route.text));
        finding.next = format!(
            "On {node}: ip route del {}; and see what wrote it. Without it answers to {} leave by {arrived}.",
            route.text.trim(),
            out.1
        );
    }
    Some(finding)
}

/// The way back from the pod's node to whom the pod answers.
pub(in crate::analysis::judge) fn back_route(
    case: &Case,
    pair: &StatePair,
    node: &str,
    input: Option<&str>,
    packets: &Packets,
) -> Option<Finding> {
    // As the node itself would send it, and as what its pods send.
    let of_pods = |to: IpAddr| {
        let input = input?;
        packets
            .endpoints
            .iter()
            .find_map(|(pod, _)| Some((forwarding_refused(pair, to, *pod, input)?, format!("ip route get {to} from {pod} iif {input}"))))
    };
    let own = |to: IpAddr| Some((pair.after.refusal(&RouteQuestion::to(to))?, format!("ip route get {to}")));
    packets.seen_sources.iter().find_map(|to| {
        let (refused, asked) = own(*to).or_else(|| of_pods(*to))?;
        let owner = network_of(case, *to).map(|owner| format!(" (of {owner})")).unwrap_or_default();
        Some(found(
            names::ROUTE_RETURN_MISSING,
            vec![Subject::route(node, to)],
            format!("{node} has no way back to {to}{owner}"),
            vec![format!("`{asked}` on {node}: {refused}")],
        ))
    })
}
