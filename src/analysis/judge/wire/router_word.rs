//! What routers say themselves, by ICMP, of packets that they do not pass on.

use crate::analysis::judge::case::{Case, found};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::analysis::judge::road::Road;
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::probe::Vantage;
use crate::model::subject::Subject;

/// What a router says of a packet, as (type, code) of ICMP and of ICMPv6.
type Word = [(u16, u16); 2];

/// It has no route to where the packet goes.
const NO_ROUTE: Word = [(3, 0), (1, 0)];
/// It has one, and nobody there tells it his MAC.
const NO_NEIGHBOUR: Word = [(3, 1), (1, 3)];

/// Whether somebody on the way says that nobody tells it the address's MAC.
pub(super) fn no_neighbour(case: &Case, roads: &[&Road]) -> bool {
    roads.iter().any(|road| sayings(case, road, NO_NEIGHBOUR).next().is_some())
}

/// A router on the way says that it has no route to an address that the nodes announce to it.
pub(super) fn no_route(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let bgp = case.announcement.and_then(|announcement| announcement.bgp.as_ref())?;
    // A router answers few of many packets by ICMP, so that its word for one try from a place is its word for all from there.
    let mut told: BTreeMap<&Vantage, BTreeSet<IpAddr>> = BTreeMap::new();
    for road in roads {
        told.entry(&road.connection.vantage).or_default().extend(sayings(case, road, NO_ROUTE).map(|hop| hop.source.0));
    }
    if told.values().any(BTreeSet::is_empty) {
        return None;
    }
    let told: BTreeSet<IpAddr> = told.into_values().flatten().collect();
    let nearest = *told.first()?;
    let sending = bgp.sending();
    let peer = bgp.peers.iter().filter_map(|peer| peer.address.parse().ok()).find(|address| told.contains(address));
    let mut evidence: Vec<String> =
        told.iter().map(|router| format!("{router} answers the requests by ICMP: it has no route to the address")).collect();
    if !sending.is_empty() {
        evidence.push(format!("{} announce the address over sessions that are up", sending.join(", ")));
    }
    Some(match peer.filter(|_| !sending.is_empty()) {
        Some(router) => found(
            names::BGP_FILTERED,
            vec![Subject::router(router)],
            format!("the router {router} says that it has no route to the address, which {} announce to it", sending.join(", ")),
            evidence,
        ),
        None => found(
            names::WIRE_REQUEST_LOST,
            vec![Subject::router(nearest)],
            format!("the router {nearest} says that it has no route to the address"),
            evidence,
        ),
    })
}

/// ICMP errors that came in at the client from somebody who is neither a node nor the Service.
fn sayings<'a>(case: &'a Case, road: &'a Road, word: Word) -> impl Iterator<Item = &'a Hop> {
    let vip = case.address();
    road.hops(move |hop| {
        hop.what == Sighting::IcmpError
            && hop.passage == Passage::In
            && word[usize::from(hop.source.0.is_ipv6())] == (hop.source.1, hop.destination.1)
            && Some(hop.source.0) != vip
            && hop.place == road.client()
            && !case.is_node_address(hop.source.0)
    })
}

/// A node itself told the client by an ICMP error that it does not pass the request on: then something of it came there, under whatever port.
pub(super) fn said_by_a_node(case: &Case, roads: &[&Road]) -> Option<Gap> {
    let vip = case.address();
    let told = roads.iter().find_map(|road| {
        let said = |hop: &Hop| {
            hop.what == Sighting::IcmpError
                && hop.passage == Passage::In
                && hop.place == road.client()
                && (case.is_node_address(hop.source.0) || Some(hop.source.0) == vip)
        };
        road.hops(said).next()
    })?;
    let reason = format!(
        "{} told the client by ICMP that it does not pass the request on, and nothing was seen to come there as it was asked for",
        told.source.0
    );
    let what = "as what the request comes to the node: somebody between may translate its address or its port";
    Some(Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, what).decisive())
}
