//! A client whose own route to the address leads nowhere, although it has one: it refuses, it takes the address for a neighbour's in a
//! network where nobody has it, or it names a gateway that nobody is.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::state::routes::Routes;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::culprits;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::{answering, chosen};
use crate::analysis::state::network::Neighbour;
use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::ways::Way;
use crate::model::announcement::Announcement;
use crate::model::capture::Capture;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::{Arp, Body, Mac, Passage};
use crate::model::place::Place;
use crate::model::probe::Ending;
use crate::model::subject::Subject;

/// A client with what its kernel says of the way to the address.
pub(super) struct Client<'a> {
    case: &'a Case<'a>,
    pub(super) name: String,
    pub(super) vip: IpAddr,
    pub(super) state: &'a PlaceState,
    /// Its neighbour entries before the tries and after them: one that failed is soon forgotten.
    pub(super) neighbours: Vec<&'a Neighbour>,
    pub(super) way: Way,
}

impl<'a> Client<'a> {
    fn of(case: &'a Case, road: &Road) -> Option<Self> {
        let (name, vip) = (road.client(), case.address()?);
        let pair = case.node_state(&name)?;
        let state = &pair.after;
        // Who holds the address himself is another story.
        let way = state.way_to_address().filter(|way| way.kind.as_deref() != Some("local"))?;
        let neighbours = pair.before.neighbours().unwrap_or_default().iter().chain(state.neighbours().unwrap_or_default()).collect();
        (!road.connection.vantage.is_inside()).then_some(Self { case, name, vip, state, neighbours, way })
    }

    /// The kernel's answer, as a line of evidence.
    fn told(&self, what: &str) -> String {
        format!("`ip route get {}` on {}: {what}", self.vip, self.name)
    }
}

fn finding(roads: &[&Road], summary: String, evidence: Vec<String>) -> Finding {
    // Tries that never got an address of their own name the client otherwise; it is one client.
    let named = culprits(roads).into_iter().take(1).collect();
    found(names::CLIENT_NO_ROUTE, named, summary, evidence)
}

/// A client whose requests came nowhere, with its way to the address.
pub(super) fn client_of<'a>(case: &'a Case<'a>, roads: &[&Road]) -> Option<Client<'a>> {
    let client = Client::of(case, roads.first()?)?;
    let nowhere = roads.iter().all(|road| road.entry().is_none() && road.endpoint().is_none());
    nowhere.then_some(client)
}

/// As `client_of`, of a client that sent nothing: what was sent had a neighbour to be sent to, and only a client that was watched is known to
/// have sent nothing.
fn quiet_client<'a>(case: &'a Case<'a>, roads: &[&Road]) -> Option<Client<'a>> {
    let client = client_of(case, roads)?;
    let quiet = roads.iter().all(|road| road.sent().next().is_none()) && roads.iter().any(|road| road.watched(&client.name));
    quiet.then_some(client)
}

/// Clients whose kernel lets them make no connection at all, because their own route refuses it (`blackhole`, `prohibit`).
pub(in crate::analysis::judge) fn barred(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    let probes = case.flow.iter().flat_map(|flow| &flow.probes);
    for probe in probes.filter(|probe| probe.none_could_be_made() && !probe.vantage.is_inside()) {
        let name = probe.vantage.place();
        let refused = case.node_state(name).and_then(|pair| pair.after.way_to_address()).and_then(|way| way.refused);
        let (Some(refused), Some(vip)) = (refused, case.address()) else { continue };
        let told = probe.attempts.iter().map(|attempt| attempt.detail.as_str()).find(|detail| !detail.is_empty());
        let mut evidence = vec![format!("`ip route get {vip}` on {name}: {refused}")];
        evidence.extend(told.map(|told| format!("connecting from {name} fails at once: {told}")));
        let summary = format!("{name} has no way to the address: its own route refuses it");
        findings.push(found(names::CLIENT_NO_ROUTE, vec![Subject::client(name)], summary, evidence));
    }
    findings
}

/// The client's own kernel refuses the way.
pub(in crate::analysis::judge) fn refused(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let client = quiet_client(case, roads)?;
    let refused = client.way.refused.as_ref()?;
    // Where its programs say so themselves, these words are the evidence.
    if roads.iter().all(|road| road.connection.attempt.ending == Ending::NoRoute) {
        return None;
    }
    let mut found = finding(roads, format!("{} has no way to the address: {refused}", client.name), vec![client.told(refused)]);
    if let Some(barred) = chosen::client(case, roads) {
        barred.tell(&client.name, &mut found);
    }
    Some(found)
}

/// The route leads into an interface that no cable leaves by: a dummy, or a bridge of the client's own containers.
pub(in crate::analysis::judge) fn swallowed(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let client = client_of(case, roads)?;
    let device = client.way.device.as_ref().filter(|_| client.way.refused.is_none())?;
    let name = &client.name;
    let what = match client.state.link(device)?.kind.as_deref() {
        Some("dummy") => "a dummy interface",
        Some("bridge") if client.state.is_inner_bridge(device) => "a bridge without any port to the outside",
        _ => return None,
    };
    Some(finding(
        roads,
        format!("the route of {name} to the address leads into {device}, which is {what}"),
        vec![client.told(&format!("by {device}")), format!("{device} of {name} is {what}")],
    ))
}

/// The route has no gateway, so that the client asks for the address in its own network, in which no node has an address.
pub(in crate::analysis::judge) fn takes_for_neighbour(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let client = &quiet_client(case, roads)?;
    let device = client.way.device.as_ref().filter(|_| client.way.via.is_none() && client.way.refused.is_none())?;
    let announcement = client.case.announcement.filter(|announcement| announcement.protocol != "bgp")?;
    let own: Vec<IpNet> = client
        .state
        .addresses()
        .unwrap_or_default()
        .iter()
        .filter(|(name, net)| name == device && net.addr().is_ipv4() == client.vip.is_ipv4())
        .map(|(_, net)| *net)
        .collect();
    let source = client.way.source.or_else(|| own.first().map(IpNet::addr))?;
    let nodes = announcement.may_announce();
    // One round in which the client and every node that may answer were watched is enough.
    let road = roads.iter().find(|road| road.watched(&client.name) && nodes.iter().all(|node| road.watched(node)))?;
    let asks = Asks::of(client, road, device);
    if nodes.is_empty() || asks.macs.is_empty() || asks.answered {
        return None;
    }
    let mut networks = Vec::new();
    for node in &nodes {
        let side = Side::of(announcement, &client.case.node_state(node)?.after);
        // Who has an address of a node's network is a neighbour of that node, and so is who has exchanged frames with it.
        let neighbours = side.networks.iter().any(|(_, net)| net.contains(&source)) || side.knows(client, device, &asks);
        if side.networks.is_empty() || neighbours || asks.came_in(client, road, node, &|name| side.answers_on(name)) {
            return None;
        }
        networks
            .extend(side.networks.iter().filter(|(_, net)| net.contains(&client.vip)).map(|(name, net)| format!("{net} on {node}/{name}")));
    }
    if networks.is_empty() {
        return None;
    }
    let name = &client.name;
    let elsewhere: Vec<&str> = nodes.iter().filter(|node| asks.came_in(client, road, node, &|_| true)).copied().collect();
    let own = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let evidence = vec![
        client.told(&format!("by {device}, without a gateway")),
        format!("{name} has {} on {device}", if own.is_empty() { "no address" } else { &own }),
        format!("the nodes that may announce it have {}", networks.join(", ")),
        if elsewhere.is_empty() {
            format!("{} ARP requests for the address left {name}/{device}, none came in on these nodes, nobody answered", asks.count)
        } else {
            let places = elsewhere.join(" and ");
            let count = asks.count;
            format!(
                "{count} ARP requests for the address left {name}/{device} and came to {places} where it is not announced, nobody answered"
            )
        },
    ];
    Some(finding(roads, format!("the route of {name} takes the address for a neighbour's on {device}, where no node has it"), evidence))
}

/// The interfaces by which a node may answer by ARP for the address.
struct Side<'a> {
    announcement: &'a Announcement,
    state: &'a PlaceState,
    networks: Vec<(String, IpNet)>,
}

impl<'a> Side<'a> {
    fn of(announcement: &'a Announcement, state: &'a PlaceState) -> Self {
        let mut side = Self { announcement, state, networks: Vec::new() };
        side.networks = state.addresses().unwrap_or_default().iter().filter(|(name, _)| side.answers_on(name)).cloned().collect();
        side
    }

    fn answers_on(&self, name: &str) -> bool {
        self.announcement.interfaces.is_empty() || self.announcement.interfaces.iter().any(|one| one == name)
    }

    /// Whether node and client know each other's MACs: then they share a network, whatever their addresses are.
    fn knows(&self, client: &Client, device: &str, asks: &Asks) -> bool {
        let of_client = |mac: &str| asks.macs.iter().any(|own| own.to_string() == mac);
        let links = self.state.links().unwrap_or_default();
        let of_node = |mac: &str| links.iter().any(|link| self.answers_on(&link.name) && link.mac.eq_ignore_ascii_case(mac));
        let here = self.state.neighbours().unwrap_or_default();
        here.iter().any(|entry| self.answers_on(&entry.device) && entry.mac.as_deref().is_some_and(of_client))
            || client.neighbours.iter().any(|entry| entry.device == device && entry.mac.as_deref().is_some_and(of_node))
    }
}

/// A client's ARP requests for the address, as they left by one interface.
struct Asks {
    macs: BTreeSet<Mac>,
    count: usize,
    answered: bool,
}

impl Asks {
    fn of(client: &Client, road: &Road, device: &str) -> Self {
        let mut asks = Self { macs: BTreeSet::new(), count: 0, answered: false };
        for (arp, passage, interface) in arps(road, &client.name) {
            if !arp.reply && arp.target == client.vip && passage == Passage::Out && interface == device {
                asks.macs.insert(arp.sender_mac);
                asks.count += 1;
            }
            asks.answered |= arp.reply && arp.sender == client.vip && passage == Passage::In;
        }
        asks
    }

    /// Whether one of them came in on a node, by one of the interfaces that are meant.
    fn came_in(&self, client: &Client, road: &Road, node: &str, meant: &dyn Fn(&str) -> bool) -> bool {
        arps(road, node).any(|(arp, passage, interface)| {
            !arp.reply && arp.target == client.vip && passage == Passage::In && self.macs.contains(&arp.sender_mac) && meant(interface)
        })
    }
}

/// The ARP packets that a place's own capture of the connection's round saw.
fn arps<'a>(road: &'a Road, place: &'a str) -> impl Iterator<Item = (&'a Arp, Passage, &'a str)> {
    let whole = move |capture: &&&Capture| {
        capture.request.interface == "any" && matches!(&capture.request.place, Place::Host(host) if host.name == place)
    };
    road.captures().iter().filter(whole).flat_map(|capture| &capture.packets).filter_map(|packet| match &packet.body {
        Body::Arp(arp) => Some((arp, packet.passage, packet.interface.as_str())),
        _ => None,
    })
}

/// A route of its own for the address names a gateway that nobody is, while the client's way to everybody else is another one.
pub(in crate::analysis::judge) fn dead_gateway(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let client = quiet_client(case, roads)?;
    let (gateway, device, state) = silent_gateway(&client)?;
    // Of the only way out it is not known whether its gateway is gone, or the wrong one.
    let usual = client.state.routes().and_then(Routes::default).and_then(|(via, _)| via).filter(|usual| *usual != gateway)?;
    let name = &client.name;
    let mut finding = finding(
        roads,
        format!("the route of {name} to the address leads to {gateway}, and nobody there answers"),
        vec![
            client.told(&format!("via {gateway} by {device}")),
            format!("`ip neigh` on {name}: nobody tells the MAC of {gateway} ({state})"),
            format!("all else goes from {name} via {usual}"),
        ],
    );
    finding.culprits.push(Subject::router(gateway));
    Some(finding)
}

/// The client is in the network of the address itself, and its route leads past it, by another interface or by a gateway; whoever gets it there
/// leads it to no node.
pub(in crate::analysis::judge) fn detour(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let client = client_of(case, roads)?;
    let device = client.way.device.as_deref().filter(|_| client.way.refused.is_none())?;
    let near = |(name, net): &&(String, IpNet)| {
        let up = client.state.link(name).is_some_and(|link| link.up && link.lower_up);
        net.contains(&client.vip) && net.prefix_len() < net.max_prefix_len() && up && (name != device || client.way.via.is_some())
    };
    let (interface, net) = client.state.addresses()?.iter().find(near)?;
    // Where the announcing nodes have that network, it is the one in which they answer.
    let announcement = case.announcement.filter(|announcement| announcement.protocol != "bgp" && !announcement.nodes.is_empty())?;
    let there = |node: &String| case.node_state(node).is_some_and(|pair| pair.after.on_link(client.vip).is_some_and(|on| !on.is_empty()));
    let sent = |road: &Road| road.sent().any(|hop| hop.interface == device);
    let whole = roads.iter().any(|road| answering::unwatched_nodes(case, &[*road]).is_empty() && road.watched(&client.name) && sent(road));
    if !announcement.nodes.iter().all(there) || !whole {
        return None;
    }
    let name = &client.name;
    let by = format!("by {device}{}", client.way.via.map(|via| format!(" via {via}")).unwrap_or_default());
    let mut evidence = vec![
        client.told(&format!("{by}{}", client.way.table.as_ref().map(|table| format!(", table {table}")).unwrap_or_default())),
        format!("`ip addr` on {name}: {interface} has {net}, the network of the address"),
    ];
    evidence.extend(
        client.state.routes().and_then(|routes| routes.specific(client.vip)).map(|route| format!("route on {name}: {}", route.text)),
    );
    evidence.push(format!("requests leave {name}/{device}, and come in on no node that may announce the address"));
    let told =
        finding(roads, format!("the route of {name} leads {by} to the address, which is in its own network on {interface}"), evidence);
    let astray = client.state.routes().and_then(|routes| routes.specific(client.vip)).filter(|_| client.way.table.is_none());
    Some(match astray {
        Some(route) => {
            Finding { next: format!("On {name}: ip route del {}; and see what wrote it, such as a VPN's client.", route.text), ..told }
        }
        None => told,
    })
}

/// The way of each client to the address, where it is another one than its default route's: who loses its requests may stand there.
pub(in crate::analysis::judge) fn ways_told(case: &Case, roads: &[&Road]) -> Vec<String> {
    let mut told: Vec<String> = roads
        .iter()
        .filter_map(|road| {
            let client = Client::of(case, road)?;
            let device = client.way.device.as_deref()?;
            let (usual, by) = client.state.routes().and_then(Routes::default)?;
            let on_link = client.way.via.is_none() && client.state.on_link(client.vip)?.contains(&device);
            if on_link || (client.way.via, device) == (usual, by) {
                return None;
            }
            let of = |via: Option<IpAddr>, device: &str| format!("by {device}{}", via.map(|via| format!(" via {via}")).unwrap_or_default());
            Some(format!("{}; all else goes from {} {}", client.told(&of(client.way.via, device)), client.name, of(usual, by)))
        })
        .collect();
    told.sort();
    told.dedup();
    told
}

/// The gateway of the client's way, the interface towards it and the state of its entry, when nobody told the client its MAC.
fn silent_gateway(client: &Client) -> Option<(IpAddr, String, String)> {
    let (gateway, device) = (client.way.via?, client.way.device.clone()?);
    let mut entries = client.neighbours.clone();
    entries.retain(|entry| entry.address == gateway && entry.device == device);
    let silent = |entry: &&Neighbour| entry.mac.is_none() && entry.unresolved();
    let state = entries.first()?.state.clone();
    entries.iter().all(silent).then_some((gateway, device, state))
}

/// Of clients from which nothing is seen to leave: that the gateway of their only way out does not answer them.
pub(in crate::analysis::judge) fn gateway_silent(case: &Case, roads: &[&Road]) -> Option<String> {
    roads.iter().find_map(|road| {
        let client = Client::of(case, road)?;
        let (gateway, _, state) = silent_gateway(&client)?;
        Some(format!("nothing leaves {}: nobody tells it the MAC of its gateway {gateway} ({state})", client.name))
    })
}
