//! Answered tries that no node took: somebody else has the address, and serves what is asked of him. From the place that asked nothing looks
//! wrong; that a Service is reached is told by its nodes alone.

use crate::analysis::judge::case::{Case, found};
use std::collections::{BTreeMap, BTreeSet};

use super::road::Road;
use super::rule::{Apply::One, FirstOf, Log, Proof, Step::Look};
use super::tries::{OfTries, Tries};
use super::{holders, rules};
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::{Body, Passage};
use crate::model::place::{HostKind, Place};
use crate::model::probe::Vantage;
use crate::model::subject::Subject;

/// Tries of one place that have to be answered past the nodes: one alone may have been lost sight of.
const ENOUGH: usize = 2;

/// The answered tries of each place from which none of them came to a node, as far as was watched.
fn past_the_nodes<'r, 'a>(case: &'a Case<'a>, roads: &'r [Road<'a>]) -> BTreeMap<Vantage, Vec<&'r Road<'a>>> {
    let mut all: BTreeMap<Vantage, Vec<&Road>> = BTreeMap::new();
    let outside = |road: &&Road| !road.connection.vantage.is_inside() && !is_node(case, road);
    for road in roads.iter().filter(outside).filter(|road| road.connection.attempt.answered()) {
        all.entry(road.connection.vantage.clone()).or_default().push(road);
    }
    let past = |road: &&Road| {
        let seen = road.watched(&road.client()) && answers(road).next().is_some();
        seen && road.entry().is_none() && road.endpoint().is_none()
    };
    all.retain(|_, roads| roads.len() >= ENOUGH && roads.iter().all(past));
    all
}

fn is_node(case: &Case, road: &Road) -> bool {
    let named = case.node(road.connection.vantage.place()).is_some();
    named || road.connection.attempt.source.is_some_and(|source| case.is_node_address(source))
}

/// Packets of the answer as they came in at the client.
fn answers<'a>(road: &Road<'a>) -> impl Iterator<Item = &'a Hop> {
    let client = road.connection.vantage.place();
    road.hops(move |hop| !hop.request && hop.passage == Passage::In && hop.place == client)
}

/// The places of the first round whose tries are answered, and came to no node that was watched.
#[must_use]
pub fn suspected(case: &Case) -> Vec<Vantage> {
    let roads = case.roads();
    let watched = |roads: &[&Road]| case.announcer().is_some_and(|node| roads.iter().all(|road| road.watched(&node)));
    past_the_nodes(case, &roads).into_iter().filter(|(_, roads)| watched(roads)).map(|(vantage, _)| vantage).collect()
}

/// Who answers in the nodes' place, where that is proven; and what stays open.
pub(super) fn findings(case: &Case, log: &Log) -> (Vec<Finding>, Vec<Gap>) {
    let all = case.roads();
    let (mut findings, mut gaps) = (Vec::new(), Vec::new());
    for (vantage, roads) in past_the_nodes(case, &all) {
        // Only a round in which every node was watched that may announce tells that none of them took it.
        let whole: Vec<&Road> = roads.into_iter().filter(|road| super::answering::unwatched_nodes(case, &[*road]).is_empty()).collect();
        if whole.len() < ENOUGH {
            continue;
        }
        let tries = Tries { case, roads: &whole, node: "" };
        if let Some(Ok(finding)) = log.first(&ANSWERED, vantage.place(), &tries) {
            findings.push(finding);
        } else if seeing(case, &all, &whole) {
            let reason =
                format!("{} tries from {} are answered, and none of them came to any node that may announce", whole.len(), vantage.text());
            gaps.push(Gap::new(names::EVIDENCE_UNDECIDED, &vantage, reason, "who answers them in the Service's place").decisive());
        }
    }
    (findings, gaps)
}

/// Tries of one place that are answered, and come to no node.
pub(super) const ANSWERED: FirstOf<OfTries> = FirstOf { title: "who answers", steps: &[Look(&ANOTHER)] };

const ANOTHER: Proof<OfTries> = Proof {
    rule: &rules::DUPLICATE_ADDRESS,
    title: "a neighbour of the client's that answers in the nodes' place",
    needs: "answers from a MAC that no node has, to a client which asks for the address by ARP itself, while every node was watched",
    apply: One(|tries| another(tries.case, &tries.roads.first()?.connection.vantage, tries.roads)),
};

/// A neighbour of the client's answers, and is no node.
fn another(case: &Case, vantage: &Vantage, roads: &[&Road]) -> Option<Finding> {
    let address = case.address()?;
    let asks = case.asks();
    // Of a client in another network the last router's MAC is all that its frames hold.
    let near = asks.filter(|ask| ask.host.name == vantage.place()).any(|ask| !ask.asked.is_empty());
    let known = super::answering::macs(case);
    let macs: BTreeSet<String> = roads.iter().flat_map(|road| answers(road)).filter_map(|hop| hop.source_mac.clone()).collect();
    if !near || macs.is_empty() || !super::answering::all_looked_at(case) || macs.iter().any(|mac| known.contains_key(&mac.to_lowercase()))
    {
        return None;
    }
    let mut culprits: Vec<Subject> = macs.iter().map(|mac| Subject::mac(mac)).collect();
    let mut evidence = vec![
        format!("{} tries from {} are answered, and none of them came to any node that may announce", roads.len(), vantage.text()),
        format!(
            "their answers come from {}, and no node that was read has that MAC",
            macs.iter().cloned().collect::<Vec<_>>().join(" and ")
        ),
    ];
    for (owner, told) in macs.iter().filter_map(|mac| holders::owner(case, mac)) {
        culprits.push(owner);
        evidence.push(told);
    }
    let summary = format!(
        "another host of the network, {}, has {address}, and what {} asks is answered by it",
        macs.iter().cloned().collect::<Vec<_>>().join(" and "),
        vantage.place()
    );
    Some(found(names::WIRE_DUPLICATE_ADDRESS, culprits, summary, evidence))
}

/// Whether captures on nodes show what comes in, and nobody in between asks in the client's place with connections of its own.
fn seeing(case: &Case, all: &[Road], roads: &[&Road]) -> bool {
    let Some(vip) = case.address() else { return false };
    let on_nodes = |place: &Place| matches!(place, Place::Host(host) if host.kind == HostKind::Node);
    let followed: BTreeSet<(std::net::IpAddr, u16)> =
        all.iter().flat_map(|road| road.hops(|hop| hop.request)).map(|hop| hop.source).collect();
    let strangers = roads.iter().flat_map(|road| road.captures()).filter(|capture| on_nodes(&capture.request.place)).any(|capture| {
        capture.packets.iter().any(|packet| match &packet.body {
            Body::Tcp(segment) => segment.destination == vip && !followed.contains(&(segment.source, segment.source_port)),
            Body::Udp(datagram) => datagram.destination == vip && !followed.contains(&(datagram.source, datagram.source_port)),
            _ => false,
        })
    });
    let others = all.iter().any(|road| road.entry().is_some());
    // A programme at an interface may take packets before any capture sees them.
    let mut nodes = case.states().map(|pair| &pair.after).filter(|state| on_nodes(&state.place)).peekable();
    let early = nodes.peek().is_none() || nodes.any(|state| state.links().is_some_and(|links| links.iter().any(|link| link.xdp)));
    !strangers && (others || !early)
}

#[cfg(test)]
mod tests;
