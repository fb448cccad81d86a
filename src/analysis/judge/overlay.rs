//! Between the announcing node and the pod's node: routes, tunnels, what lies between, and sizes.

mod direct;
mod ends;
mod entries;
mod foreign;
mod macs;
mod refused;
pub(super) mod rules;
mod sizes;
#[cfg(test)]
mod tests;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::gone::unseen;
use crate::analysis::state::routes::Routes;
use crate::analysis::state::ways::RouteQuestion;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::held_twice;
use super::pod_network::{far_node, is_of, network_of, pod_network};
use super::road::{Point, Road, Vanished};
use super::rule::Log;
use super::unread;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::network::Link;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;
pub(super) use sizes::size_or_content;

/// A packet left one node's pod side or underlay and was not seen where it should arrive.
pub(super) fn lost<'a>(case: &'a Case<'a>, log: &Log, roads: &'a [&'a Road<'a>], gone: &'a Vanished) -> Result<Finding, Gap> {
    let (from, to) = (gone.last.place(), gone.next.place());
    match (&gone.last, &gone.next) {
        // Handed to the tunnel (or the wrong interface) and not encapsulated.
        (Point::NodePodSide(_), Point::NodeUnderlay(_) | Point::FarUnderlay(_) | Point::FarNetworkSide(_)) => {
            let handed = Handed::of(case, roads, from)?;
            let reason = || format!("the packet was handed to {} and nothing encapsulated left {from}", handed.interface);
            log.first(&rules::NOT_SENT, from, &handed).unwrap_or_else(|| Err(unseen(from, &reason())))
        }
        // Answers come out of the tunnel on the node that sent the request.
        (Point::FarUnderlay(_) | Point::NodeUnderlay(_), Point::NodePodSide(_) | Point::NodeClientSide(_)) if from == to => {
            let arrived = Arrived::of(case, roads, from)?;
            log.first(&rules::NOT_DECAPSULATED, from, &arrived).unwrap_or_else(|| Err(unseen(from, &arrived.came)))
        }
        (Point::NodeUnderlay(_), _) | (_, Point::NodeUnderlay(_)) => {
            let reason = format!("a packet left {from} and was not seen at {to}");
            log.first(&rules::BETWEEN, from, &Between::of(case, roads, from, to)).unwrap_or_else(|| Err(unseen(from, &reason)))
        }
        (Point::FarUnderlay(_), _) => {
            let arrived = Arrived::of(case, roads, from)?;
            log.first(&rules::NOT_DECAPSULATED, from, &arrived).unwrap_or_else(|| Err(unseen(from, &arrived.came)))
        }
        _ => Err(unseen(to, &format!("a packet left {from} and was not seen at {to}"))),
    }
}

/// Whether the size of packets is why they are lost between two points.
pub(super) fn size(case: &Case, log: &Log, roads: &[&Road], gone: &Vanished) -> Option<Finding> {
    log.first(&rules::SIZES, gone.last.place(), &sizes::Lost { case, roads, gone })?.ok()
}

/// Hops of the request that leave a node towards a pod.
fn leaving<'a>(case: &Case, roads: &[&Road<'a>], node: &str) -> Vec<&'a Hop> {
    let vip = case.address();
    let name = node.to_owned();
    let wanted = move |hop: &Hop| hop.request && hop.passage == Passage::Out && hop.place == name && Some(hop.destination.0) != vip;
    roads.iter().flat_map(|road| road.hops(wanted.clone())).collect()
}

/// A packet for a pod that a node handed to an interface, and that did not leave the node encapsulated.
pub(super) struct Handed<'a> {
    case: &'a Case<'a>,
    roads: &'a [&'a Road<'a>],
    node: &'a str,
    pair: &'a StatePair,
    pod: IpAddr,
    interface: String,
    link: Option<&'a Link>,
}

impl<'a> Handed<'a> {
    fn of(case: &'a Case<'a>, roads: &'a [&'a Road<'a>], node: &'a str) -> Result<Self, Gap> {
        let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
        let out = leaving(case, roads, node);
        let Some(hop) = out.iter().find(|hop| hop.tunnel.is_none()) else {
            return Err(unseen(node, "the translated packet was not seen to leave"));
        };
        let (pod, interface) = (hop.destination.0, hop.interface.clone());
        Ok(Self { case, roads, node, pair, pod, link: pair.after.link(&interface), interface })
    }

    /// The interface, when it is a tunnel's.
    fn tunnel(&self) -> Option<&Link> {
        self.link.filter(|link| link.is_tunnel())
    }

    /// The same, where neighbour and forwarding entries tell its other end: IPIP and `WireGuard` have none.
    fn tunnel_with_tables(&self) -> Option<&Link> {
        self.tunnel().filter(|link| !link.no_arp)
    }
}

/// The pod's network has no route of its own on the node, which takes its default one.
fn by_default_route(handed: &Handed) -> Option<Finding> {
    let Handed { case, node, pod, interface, .. } = handed;
    let state = &handed.pair.after;
    if handed.tunnel().is_some() || state.routes().and_then(|routes| routes.specific(*pod)).is_some() {
        return None;
    }
    let (_, device) = state.routes().and_then(Routes::default)?;
    let way = state.way(&RouteQuestion::to(*pod));
    (device == *interface).then(|| {
        found(
            names::ROUTE_POD_NETWORK_MISSING,
            vec![Subject::route(node, pod_network(case, *pod))],
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
        )
    })
}

/// A tunnel's interface is down.
fn down(node: &str, interface: &str) -> Finding {
    found(
        names::OVERLAY_INTERFACE_DOWN,
        vec![Subject::interface(node, interface)],
        format!("the tunnel interface {interface} of {node} is down"),
        vec![format!("`ip link` on {node}: {interface} is not up")],
    )
}

/// The packet is handed to a tunnel that is down; or there is no route to the pod, since routes go with their interface.
fn down_on_leaving(handed: &Handed) -> Option<Finding> {
    let state = &handed.pair.after;
    let without_route = || state.routes().and_then(|routes| routes.specific(handed.pod)).is_none();
    let other = || state.links().unwrap_or_default().iter().filter(|_| without_route()).find(|link| link.is_tunnel() && !link.up);
    let link = handed.tunnel().filter(|link| !link.up).or_else(other)?;
    Some(down(handed.node, &link.name))
}

/// A packet filter of the node takes what the tunnel sends.
fn filtered_on_leaving(handed: &Handed) -> Option<Finding> {
    filters::firewall(handed.pair, handed.node, &tunnel_fields(handed.case, handed.node, handed.pod, None), handed.roads)
}

/// The tunnel's own tables: the neighbour entry of the route's gateway and the forwarding entry of its MAC.
fn wrong_endpoint(handed: &Handed) -> Option<Finding> {
    let Handed { case, node, pod, .. } = handed;
    let (state, pod) = (&handed.pair.after, *pod);
    handed.tunnel_with_tables()?;
    let way = state.way(&RouteQuestion::to(pod))?;
    let device = way.device.as_deref()?;
    let gateway = way.via.unwrap_or(pod);
    let entry = state.neighbours().unwrap_or_default().iter().find(|entry| entry.address == gateway && entry.device == device);
    let Some(mac) = entry.as_ref().and_then(|entry| entry.mac.clone()) else {
        return Some(found(
            names::OVERLAY_WRONG_ENDPOINT,
            vec![Subject::interface(node, device)],
            format!("{node} has no neighbour entry for {gateway} on {device}, so that nothing can be encapsulated"),
            vec![format!("`ip neigh` on {node}: {gateway} is {}", entry.map_or_else(|| "missing".to_owned(), |entry| entry.state.clone()))],
        ));
    };
    let forwarding = state.forwarding().unwrap_or_default().iter().find(|entry| entry.mac == mac && entry.device == device);
    let far = far_node(case, pod)?;
    let ips: Vec<String> = case.node(&far)?.internal_ips.iter().map(ToString::to_string).collect();
    // A node has more addresses than the one that its object tells: what is not known to be another's is not called wrong.
    let elsewhere = forwarding.and_then(|entry| entry.destination).is_none_or(|ip| is_of(case, &far, ip) == Some(false));
    let told = forwarding.and_then(|entry| entry.destination).filter(|ip| case.node(&far).is_some_and(|node| node.other_ips.contains(ip)));
    elsewhere.then(|| {
        let mut finding = found(
            names::OVERLAY_WRONG_ENDPOINT,
            vec![Subject::interface(node, device)],
            format!("the tunnel's forwarding entry on {node} does not lead to {far}"),
            vec![
                forwarding.map_or_else(
                    || format!("`bridge fdb` on {node} has no entry for {mac}"),
                    |entry| format!("`bridge fdb` on {node}: {}", entry.text),
                ),
                format!("{far} has {}", ips.join(", ")),
            ],
        );
        if let Some(ip) = told {
            // Whoever wrote the entry took it from there, and would write it again.
            finding.culprits.insert(0, Subject::node(&far));
            finding.evidence.push(format!("the node object of {far} names {ip} in an annotation, as an address of {far}"));
            finding.summary = format!(
                "{far}'s node object names {ip} as its address, which {far} does not have: {node} sends what is for its pods there"
            );
        }
        finding
    })
}

/// The encapsulated packet as packet filters see it.
fn tunnel_fields(case: &Case, from: &str, pod: IpAddr, input: Option<&str>) -> Vec<Fields> {
    let ip = |node: &str| case.node(node).and_then(|node| node.internal_ips.first().copied());
    let far = far_node(case, pod);
    ends::ports(case, [from])
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

/// What left one node's underlay and did not come in on the other's.
pub(super) struct Between<'a> {
    case: &'a Case<'a>,
    roads: &'a [&'a Road<'a>],
    from: &'a str,
    to: &'a str,
    sent: Vec<&'a Hop>,
}

impl<'a> Between<'a> {
    fn of(case: &'a Case<'a>, roads: &'a [&'a Road<'a>], from: &'a str, to: &'a str) -> Self {
        let encapsulated = roads.iter().flat_map(|road| road.hops(|hop| hop.tunnel.is_some() && hop.passage == Passage::Out));
        Self { case, roads, from, to, sent: encapsulated.filter(|hop| hop.place == from).collect() }
    }

    /// Where the tunnel sends it, when none of that is the other node, whose every address is known.
    fn astray(&self) -> Option<String> {
        let outer: BTreeSet<IpAddr> = self.sent.iter().filter_map(|hop| hop.outer).map(|(_, destination)| destination).collect();
        let astray = !outer.is_empty() && outer.iter().all(|ip| is_of(self.case, self.to, *ip) == Some(false));
        astray.then(|| outer.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }

    /// The pod that it is for, and the state of the node that sent it.
    fn sender(&self) -> Option<(IpAddr, &'a PlaceState)> {
        Some((self.sent.first()?.destination.0, &self.case.node_state(self.from)?.after))
    }

    fn evidence(&self, wrong: &str) -> Vec<String> {
        let Self { case, from, to, .. } = self;
        let right = case.node(to).map(|node| node.internal_ips.clone()).unwrap_or_default();
        let route = self
            .sender()
            .and_then(|(pod, state)| state.routes().and_then(|routes| routes.specific(pod)))
            .map(|route| route.text.as_str())
            .unwrap_or_default();
        vec![
            format!("encapsulated packets for pods of {to} leave {from} for {wrong}"),
            format!("{to} has {}", right.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            format!("route on {from}: {route}"),
        ]
    }
}

/// The route's gateway belongs to the wrong node: another node's pod network holds it.
fn route_to_another_node(between: &Between) -> Option<Finding> {
    let Between { case, from, to, .. } = between;
    let wrong = between.astray()?;
    let (pod, state) = between.sender()?;
    let via = state.way(&RouteQuestion::to(pod))?.via?;
    if foreign::address(between, pod).is_some() {
        return None;
    }
    network_of(case, via).filter(|owner| owner != *to).map(|owner| {
        found(
            names::ROUTE_POD_NETWORK_WRONG,
            vec![Subject::route(from, pod_network(case, pod))],
            format!("{from}'s route to the pod network of {to} leads to another node, {owner}"),
            between.evidence(&wrong),
        )
    })
}

/// Without the sender's routes and neighbours it is not known whether its route leads to another node, or its tunnel.
fn sender_unread(between: &Between) -> Option<Gap> {
    let wrong = between.astray()?;
    let lacks = unread::unread(between.case, between.from, &["routes", "route-get"])?;
    let reason = format!("what {} sends to pods of {} goes to {wrong}, and {lacks}", between.from, between.to);
    Some(Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(between.from), reason, "whether its route or its tunnel leads there").decisive())
}

/// Without a tunnel's own tables nothing tells where it leads.
fn tables_unread(handed: &Handed) -> Option<Gap> {
    handed.tunnel_with_tables()?;
    let lacks = unread::unread(handed.case, handed.node, &["neighbours", "fdb", "route-get"])?;
    Some(unseen(
        handed.node,
        &format!("the packet was handed to {}, nothing encapsulated left {}, and {lacks}", handed.interface, handed.node),
    ))
}

/// Nothing encapsulated was seen at all.
fn none_encapsulated(between: &Between) -> Option<Gap> {
    let Between { roads, from, to, sent, .. } = between;
    let none = sent.is_empty() && roads.iter().all(|road| road.connection.hops.iter().all(|hop| hop.tunnel.is_none()));
    none.then(|| unseen(from, &format!("a packet left {from} and was not seen at {to}")))
}

/// Where the tunnel's datagrams are sent, as an address.
fn outer_address(between: &Between) -> Option<IpAddr> {
    between.sent.iter().find_map(|hop| hop.outer).map(|(_, destination)| destination)
}

/// Somebody else has the other node's address, and the datagrams go there.
fn second_holder(between: &Between) -> Option<Finding> {
    held_twice::second_holder(between.case, between.from, between.to, outer_address(between)?)
}

/// The sender's neighbour entry for the other node is another machine's.
fn wrong_neighbour(between: &Between) -> Option<Finding> {
    held_twice::wrong_entry(between.case, between.from, between.to, outer_address(between)?)
}

fn lost_between(between: &Between) -> Finding {
    let Between { from, to, sent, .. } = between;
    found(
        names::OVERLAY_LOST_BETWEEN,
        vec![Subject::network(from, to), Subject::node(to)],
        format!("what leaves {from}'s tunnel for {to} does not arrive there"),
        vec![format!("{} encapsulated packets left {from}, none came in on {to}", sent.len())],
    )
}

/// What came in encapsulated on a node and did not come out of the tunnel.
pub(super) struct Arrived<'a> {
    case: &'a Case<'a>,
    roads: &'a [&'a Road<'a>],
    /// Whom the packet inside is for.
    inner: Option<IpAddr>,
    node: &'a str,
    pair: &'a StatePair,
    fields: Vec<Fields>,
    /// That it came in, as evidence.
    came: String,
}

impl<'a> Arrived<'a> {
    fn of(case: &'a Case<'a>, roads: &'a [&'a Road<'a>], node: &'a str) -> Result<Self, Gap> {
        let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
        let mut inward = roads.iter().flat_map(|road| road.hops(|hop| hop.tunnel.is_some() && hop.passage == Passage::In));
        let hop = inward.find(|hop| hop.place == node);
        let input = hop.map(|hop| hop.interface.clone());
        let (source, destination) = hop.and_then(|hop| hop.outer).unzip();
        let came = format!(
            "encapsulated packets come in on {node}{}, none comes out of the tunnel",
            input.as_ref().map(|name| format!("/{name}")).unwrap_or_default()
        );
        // Each end sends to the tunnel's port from ports of its own: what comes is never the answer to what went, so that the connection table
        // takes every datagram for a first one.
        let state = Some("NEW".to_owned());
        let first = Fields { state, untranslated: true, mark: Some(0), ..Fields::default() };
        let datagram = Fields { source, destination, protocol: "udp".to_owned(), input, ..first };
        let to_port = |port: &u16| Fields { destination_port: Some(*port), ..datagram.clone() };
        let inner = hop.map(|hop| hop.destination.0);
        // They carry the port that their sender's end has.
        let sender =
            source.and_then(|source| network_of(case, source)).and_then(|name| case.node(&name)).map(|sender| sender.name.as_str());
        let ports = ends::ports(case, sender.into_iter().chain([node]));
        Ok(Self { case, roads, inner, node, pair, fields: ports.iter().map(to_port).collect(), came })
    }
}

fn filtered_on_arrival(arrived: &Arrived) -> Option<Finding> {
    let mut finding = filters::firewall(arrived.pair, arrived.node, &arrived.fields, arrived.roads)?;
    finding.evidence.insert(0, arrived.came.clone());
    Some(finding)
}

fn down_on_arrival(arrived: &Arrived) -> Option<Finding> {
    arrived
        .pair
        .after
        .links()
        .unwrap_or_default()
        .iter()
        .find(|link| link.is_tunnel() && !link.up)
        .map(|link| down(arrived.node, &link.name))
}
