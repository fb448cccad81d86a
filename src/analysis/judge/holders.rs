//! Who has the Service's address on an interface of his own. A kernel answers by ARP for each of its addresses and takes what is sent to
//! them, whether or not anybody announces: on a node that does not announce, on a client, or on a router.

use crate::analysis::announcement::sources_of;
use crate::analysis::judge::case::{Case, found};
use crate::analysis::state::routes::Routes;
use std::collections::BTreeSet;

use super::road::Road;
use crate::analysis::state::place_state::PlaceState;
use crate::model::announcement::Announcement;
use crate::model::catalogue::names;
use crate::model::exclusion::Exclusion;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;

/// Interfaces on which kube-proxy (IPVS) and kube-router keep every Service's address, on every node, so that it is local there.
const OF_THE_PROXY: [&str; 2] = ["kube-ipvs0", "kube-dummy-if"];

/// A node that answers for the address and does not announce it.
struct Stray {
    node: String,
    /// The interface that has the address; where none has it, the one that answers.
    interface: String,
    held: bool,
    /// The MAC that answers.
    mac: String,
}

/// The interfaces of a place that have the address.
fn interfaces_with(case: &Case, state: &PlaceState) -> Vec<String> {
    let of = |(name, net): &(String, ipnet::IpNet)| (Some(net.addr()) == case.address()).then(|| name.clone());
    state.addresses().unwrap_or_default().iter().filter_map(of).collect()
}

/// The nodes that answer by ARP and do not announce, when it is known that they do not, and that another one does.
fn strays(case: &Case) -> Vec<Stray> {
    let Some(announcement) = case.announcement.filter(|announcement| announcement.protocol != "bgp") else { return Vec::new() };
    let known = super::answering::macs(case);
    let answering = super::answering::answering(case);
    let answers = || answering.iter().filter_map(|mac| Some((mac, known.get(mac)?)));
    // Where no speaker is heard to announce, whoever has the address may be meant to have it.
    if !announcement.nodes_seen.iter().any(|node| announcement.claimed_by(&node.name)) {
        return Vec::new();
    }
    answers()
        .filter(|(_, (node, _))| !announcement.claimed_by(node))
        .filter_map(|(mac, (node, interface))| {
            let held = interfaces_with(case, &case.node_state(node)?.after);
            if held.iter().any(|name| OF_THE_PROXY.contains(&name.as_str())) && !is_remnant(case, announcement) {
                return None;
            }
            let own = held.into_iter().next();
            if own.is_none() && (!is_silent(announcement, node) || may_announce_apart(announcement, node)) {
                return None;
            }
            let held = own.is_some();
            Some(Stray { node: node.clone(), interface: own.unwrap_or_else(|| interface.clone()), held, mac: mac.clone() })
        })
        .collect()
}

/// Whether a node that has the address on an interface of kube-proxy has it from a time that is over: kube-proxy puts it there on every
/// node, and who announces it has none.
fn is_remnant(case: &Case, announcement: &Announcement) -> bool {
    let announcers = announcement.nodes_seen.iter().filter(|node| announcement.claimed_by(&node.name));
    let mut states = announcers.filter_map(|node| Some(&case.node_state(&node.name)?.after)).filter(|state| state.addresses().is_some());
    let of_the_proxy = |state: &PlaceState| interfaces_with(case, state).iter().any(|name| OF_THE_PROXY.contains(&name.as_str()));
    states.next().is_some_and(|first| !of_the_proxy(first) && !states.any(of_the_proxy))
}

/// Whether the node's speaker was heard from its start, and never said that it announces.
fn is_silent(announcement: &Announcement, node: &str) -> bool {
    let heard = announcement.logs.iter().any(|log| log.node == node && log.complete);
    heard && !announcement.unread.iter().any(|one| one == node) && !announcement.spared.logs.contains(node)
}

/// Whether the node's speaker may announce although its log does not say so yet: the others lost it, or the newest event names it.
fn may_announce_apart(announcement: &Announcement, node: &str) -> bool {
    let lost = announcement.excluded.iter().any(|one| one.node == node && one.why == Exclusion::Lost);
    let sources = sources_of(announcement);
    let newest = sources.iter().filter(|source| source.kind == "event").max_by(|one, other| one.at.cmp(&other.at));
    lost || newest.is_some_and(|source| source.node.as_deref() == Some(node))
}

/// Whether a node answers for the address without announcing it.
pub(super) fn is_stray(case: &Case, node: &str) -> bool {
    strays(case).iter().any(|stray| stray.node == node)
}

/// Nodes that do not announce answer by ARP: their kernels have the address.
pub(super) fn stray(case: &Case) -> Option<Finding> {
    let strays = strays(case);
    let (first, address) = (strays.first()?, case.address()?);
    let names: BTreeSet<&str> = strays.iter().map(|stray| stray.node.as_str()).collect();
    let several = names.len() > 1;
    let nodes = names.into_iter().collect::<Vec<_>>().join(" and ");
    let mut culprits: Vec<Subject> = strays.iter().map(|stray| Subject::interface(&stray.node, &stray.interface)).collect();
    culprits.extend(strays.iter().map(|stray| Subject::mac(&stray.mac)));
    let mut seen = BTreeSet::new();
    culprits.retain(|culprit| seen.insert(culprit.clone()));
    let mut evidence = Vec::new();
    for stray in &strays {
        let Stray { node, interface, mac, held } = stray;
        if *held {
            evidence.push(format!("`ip addr` on {node}: {interface} has {address}, so that the kernel of {node} answers for it"));
        }
        evidence.push(format!("{mac} of {node} answers by ARP for {address}, and its speaker is not heard to announce it"));
    }
    let announcers = case.announcement?.nodes_seen.iter().map(|node| &node.name);
    let announcers: Vec<&str> =
        announcers.filter(|node| case.announcement.is_some_and(|one| one.claimed_by(node))).map(String::as_str).collect();
    evidence.push(format!("the speaker on {} announces it", announcers.join(" and ")));
    let summary = match (first.held, several) {
        (true, false) => format!("{nodes} has {address} on an interface of its own and answers for it, and does not announce it"),
        (true, true) => format!("{nodes} have {address} on interfaces of their own and answer for it, and do not announce it"),
        (false, false) => format!("{nodes} answers by ARP for {address}, and does not announce it"),
        (false, true) => format!("{nodes} answer by ARP for {address}, and do not announce it"),
    };
    Some(found(names::WIRE_DUPLICATE_ADDRESS, culprits, summary, evidence))
}

/// The client has the address itself: what it asks for never leaves it.
pub(super) fn own_address(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let road = roads.first()?;
    let name = road.client();
    // What left the client was not taken by itself.
    if road.connection.vantage.is_inside() || roads.iter().any(|road| road.sent().any(|hop| hop.interface != "lo")) {
        return None;
    }
    let interface = held_by_client(case, &name)?;
    let mut evidence = vec![format!("`ip addr` on {name}: {interface} has {}", case.address()?)];
    if roads.iter().any(|road| road.hops(|hop| hop.request && hop.interface == "lo").any(|hop| hop.place == name)) {
        evidence.push(format!("its requests are seen on {name}/lo alone: it asks itself"));
    }
    Some(client_holds(case, &name, evidence))
}

fn client_holds(case: &Case, name: &str, evidence: Vec<String>) -> Finding {
    let address = case.address().map(|address| address.to_string()).unwrap_or_default();
    found(names::WIRE_DUPLICATE_ADDRESS, vec![Subject::client(name)], format!("{name} has {address} on an interface of its own"), evidence)
}

/// The interface on which a client has the address; a client that is a node may have it from its kube-proxy.
fn held_by_client(case: &Case, name: &str) -> Option<String> {
    let state = &case.node_state(name)?.after;
    let node = matches!(&state.place, Place::Host(host) if host.kind == HostKind::Node);
    interfaces_with(case, state).into_iter().find(|interface| !node && !OF_THE_PROXY.contains(&interface.as_str()))
}

/// A client that has the address takes what others send: it answers by ARP for it, too.
pub(super) fn taken_by_client(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let vip = case.address()?;
    roads.iter().find_map(|road| {
        let own = road.client();
        let hop = road
            .hops(|hop| hop.request && hop.passage == Passage::In && hop.destination.0 == vip)
            .find(|hop| hop.place != own && held_by_client(case, &hop.place).is_some())?;
        let interface = held_by_client(case, &hop.place)?;
        let evidence = vec![
            format!("`ip addr` on {}: {interface} has {vip}", hop.place),
            format!("requests of {own} come in on {}/{}", hop.place, hop.interface),
        ];
        Some(client_holds(case, &hop.place, evidence))
    })
}

/// Who has a MAC that is no node's, as far as that was read: a client, or the router that the nodes send to.
pub(super) fn owner(case: &Case, mac: &str) -> Option<(Subject, String)> {
    let states = || case.closer.iter().flat_map(|closer| &closer.states).map(|pair| &pair.after);
    let has = |state: &&PlaceState| state.has_mac(mac);
    let clients = states().filter(|state| matches!(&state.place, Place::Host(host) if host.kind != HostKind::Node));
    if let Some(Place::Host(host)) = clients.clone().find(has).map(|state| &state.place) {
        return Some((Subject::client(&host.name), format!("{mac} is a MAC of {}", host.name)));
    }
    states().find_map(|state| {
        let (gateway, device) = state.routes().and_then(Routes::default)?;
        let gateway = gateway?;
        let here = state.neighbours().unwrap_or_default().iter();
        let is = here.filter(|entry| entry.address == gateway && entry.device == device).any(|entry| entry.mac.as_deref() == Some(mac));
        is.then(|| (Subject::router(gateway), format!("{mac} is the MAC of {gateway}, the gateway of {}", state.place)))
    })
}
