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

/// What a refusal by ICMP is called: what somebody sends whose list or route says so, as type and code.
const REFUSALS: [(bool, (u16, u16), &str); 10] = [
    (false, (3, 0), "network unreachable: it has no route to it"),
    (false, (3, 2), "protocol unreachable"),
    (false, (3, 3), "port unreachable, as a filter that rejects says"),
    (false, (3, 9), "network administratively prohibited"),
    (false, (3, 10), "host administratively prohibited"),
    (false, (3, 13), "communication administratively prohibited"),
    (true, (1, 0), "it has no route to it"),
    (true, (1, 1), "communication administratively prohibited"),
    (true, (1, 4), "port unreachable, as a filter that rejects says"),
    (true, (1, 6), "its route rejects it"),
];

/// Who on the way says that nobody tells it the address's MAC.
pub(super) fn no_neighbour(case: &Case, roads: &[&Road]) -> BTreeSet<IpAddr> {
    roads.iter().flat_map(|road| sayings(case, road, NO_NEIGHBOUR)).map(|hop| hop.source.0).collect()
}

/// Somebody on the way says by ICMP that it refuses the requests, to every place that sends them, and to none that is answered.
pub(super) fn refused(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let mut told: BTreeMap<&Vantage, BTreeMap<Said, usize>> = BTreeMap::new();
    for road in roads {
        let of_place = told.entry(&road.connection.vantage).or_default();
        for said in refusals(case, road) {
            *of_place.entry(said).or_default() += 1;
        }
    }
    let all = case.roads();
    let passed: BTreeSet<Said> =
        all.iter().filter(|road| road.connection.attempt.answered()).flat_map(|road| refusals(case, road)).collect();
    // A router answers few of many packets by ICMP, so that its word for one try from a place is its word for all from there.
    let common = told.values().map(|said| said.keys().copied().collect::<BTreeSet<Said>>()).reduce(|one, other| &one & &other)?;
    let (router, kind, code, meaning) = common.into_iter().find(|said| !passed.contains(said))?;
    let clients = told.keys().map(|vantage| vantage.place()).collect::<Vec<_>>().join(" and ");
    let tries = told.values().filter_map(|said| said.get(&(router, kind, code, meaning))).sum::<usize>();
    let (vip, port) = (case.address()?, case.target.map_or_else(String::new, |target| format!(", port {}", target.port.port)));
    let evidence = vec![
        format!("{tries} of {} tries are answered by ICMP from {router}: type {kind}, code {code} ({meaning})", roads.len()),
        "what was sent came in on no node that was watched".to_owned(),
    ];
    let summary = format!("{router}, on the way, refuses what {clients} sends, and says so by ICMP: {meaning}");
    let next = if meaning.contains("route") {
        format!("On {router}: which route it has for {vip} (Linux: ip route get {vip}), and what should have given it one.")
    } else {
        format!(
            "On {router}: the filter or access list that refuses what comes from {clients} for {vip}{port}; it sends this message itself."
        )
    };
    Some(Finding { next, ..found(names::WIRE_REQUEST_LOST, vec![Subject::router(router)], summary, evidence) })
}

/// A refusal: who says it, type, code, and what that means.
type Said = (IpAddr, u16, u16, &'static str);

/// The refusals that came in at the client for a try, each once.
fn refusals(case: &Case, road: &Road) -> BTreeSet<Said> {
    let of = |hop: &Hop| {
        let said = (hop.source.0.is_ipv6(), (hop.source.1, hop.destination.1));
        REFUSALS
            .iter()
            .find(|(six, word, _)| (*six, *word) == said)
            .map(|(_, (kind, code), meaning)| (hop.source.0, *kind, *code, *meaning))
    };
    errors(case, road).filter_map(of).collect()
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
            format!(
                "the router {router}, to which {} announce the address, says that the network is unreachable: it has no route to the address, or one that discards",
                sending.join(", ")
            ),
            evidence,
        ),
        None => found(
            names::WIRE_REQUEST_LOST,
            vec![Subject::router(nearest)],
            format!("the router {nearest} says that the network is unreachable: it has no route to the address, or one that discards"),
            evidence,
        ),
    })
}

/// What came in at the client as that word.
fn sayings<'a>(case: &'a Case, road: &'a Road, word: Word) -> impl Iterator<Item = &'a Hop> {
    errors(case, road).filter(move |hop| word[usize::from(hop.source.0.is_ipv6())] == (hop.source.1, hop.destination.1))
}

/// ICMP errors that came in at the client from somebody who is neither a node nor the Service, nor the client itself.
fn errors<'a>(case: &'a Case, road: &'a Road) -> impl Iterator<Item = &'a Hop> {
    let vip = case.address();
    road.hops(move |hop| {
        hop.what == Sighting::IcmpError
            && hop.passage == Passage::In
            && hop.interface != "lo"
            && Some(hop.source.0) != road.connection.attempt.source
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
