//! Requests that leave a client, and come in on no node that may take them: how many, which packets of them, and what else was seen.

use std::collections::BTreeSet;

use super::resolution::Asking;
use crate::analysis::judge::case::found;
use crate::analysis::judge::client::way;
use crate::analysis::judge::holders;
use crate::analysis::judge::road::Road;
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::packet::Passage;

/// Whether a reset came in at the client that no place sent where we looked, its node among them: somebody between the two sends it.
pub(in crate::analysis::judge) fn reset_between(road: &Road) -> bool {
    let resets = |passage: Passage, at_client: bool| {
        let client = road.client();
        road.hops(move |hop| !hop.request && hop.what == Sighting::Reset && hop.passage == passage && (hop.place == client) == at_client)
            .next()
            .is_some()
    };
    let node = road.entry().map(|(node, _)| node).or_else(|| road.case.announcer());
    node.is_some_and(|node| road.watched(&node)) && resets(Passage::In, true) && !resets(Passage::Out, false) && !resets(Passage::In, false)
}

/// By whose frames the resets came in at the clients, and with which TTL, beside what comes from the Service itself.
fn whose_resets(asking: &Asking) -> Option<String> {
    let resets = |hop: &Hop| !hop.request && hop.what == Sighting::Reset && hop.passage == Passage::In;
    let first = asking.roads.iter().find_map(|road| road.hops(|hop| resets(hop) && hop.place == road.client()).next())?;
    let ttl = first.ttl.map(|ttl| format!("a TTL of {ttl}"));
    let mac = first.source_mac.as_ref().map(|mac| {
        let whose = holders::owner(asking.case, mac).map(|(_, told)| format!(" ({told})")).unwrap_or_default();
        format!("frames from {mac}{whose}")
    });
    let own = |hop: &Hop| !hop.request && hop.what == Sighting::SynAck && hop.passage == Passage::In && hop.place == first.place;
    let answered = asking.case.roads().iter().find_map(|road| road.hops(own).next()?.ttl);
    let beside = answered.filter(|other| Some(*other) != first.ttl).map(|ttl| format!("; answers of the pods have {ttl}"));
    let told: Vec<String> = mac.into_iter().chain(ttl).collect();
    (!told.is_empty()).then(|| format!("the resets come with {}{}", told.join(" and "), beside.unwrap_or_default()))
}

pub(super) fn request_lost(asking: &Asking) -> Finding {
    let lost = Share::of(asking);
    if asking.roads.iter().all(|road| reset_between(road)) {
        let (clients, node) = (asking.clients(), asking.node);
        let mut evidence = vec![
            format!(
                "resets came in at {clients} for {} connections, and left neither {node} nor any other place that was watched",
                asking.roads.len()
            ),
            format!("what {clients} sent before that did not come to {node}"),
        ];
        evidence.extend(whose_resets(asking));
        let summary = format!("somebody between {clients} and {node} resets the connections");
        return found(names::WIRE_REQUEST_LOST, vec![asking.between()], summary, evidence);
    }
    let clients = asking.clients();
    let (summary, none) = match &lost {
        Share { came: 0, .. } => (
            format!("the request leaves {clients} and reaches no node"),
            "none of them came in on any node that may announce it".to_owned(),
        ),
        Share { lost: 0, late, all, .. } => (
            format!("the first packet of {late} of {all} tries from {clients} reaches no node, and one that is sent again does"),
            "no first packet of these tries came in on any node that may announce it".to_owned(),
        ),
        Share { later: true, lost, all, .. } => (
            format!("of {lost} of {all} tries from {clients} the first packet reaches {}, and what is sent then does not", asking.node),
            format!("their first packets came in on {}, and what they sent then on no node that may announce it", asking.node),
        ),
        Share { lost, late, all, came, .. } if *late > 0 => (
            format!("of {all} tries from {clients}, in both rounds, {lost} reach no node, and of {late} the first packet alone does not"),
            format!("none of these packets came in on any node that may announce it; later packets of {came} tries did"),
        ),
        Share { lost, all, came, .. } => (
            format!("{lost} of {all} tries from {clients} reach no node"),
            format!("none of these tries came in on any node that may announce it, and {came} others from there did"),
        ),
    };
    let mut evidence = vec![format!("{} packets left the client for the address", asking.left()), none];
    let seen = asking.roads.iter().flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::Other && hop.tunnel.is_none()));
    let flooded: BTreeSet<&str> = seen.map(|hop| hop.place.as_str()).collect();
    let floods = !flooded.is_empty();
    if floods {
        let at = flooded.into_iter().collect::<Vec<_>>().join(" and ");
        evidence.push(format!(
            "they come out at {at}, addressed to somebody else, as where a switch floods: it does not know {}'s port",
            asking.node
        ));
    }
    evidence.extend(way::ways_told(asking.case, asking.roads));
    let finding = found(names::WIRE_REQUEST_LOST, vec![asking.between()], summary, evidence);
    if floods {
        let node = asking.node;
        let next = format!(
            "On the switch before {node}: its table of MACs, and the port of {node} (link, VLAN, port security). What is for {node}'s MAC is flooded to the others, and does not come out there."
        );
        return Finding { next, ..finding };
    }
    finding
}

/// How many of the clients' tries it is that come to no node, in both rounds.
struct Share {
    lost: usize,
    all: usize,
    /// Tries of the same places of which something came in on a node.
    came: usize,
    /// Tries that were answered once their first packet, which was lost, was sent again.
    late: usize,
    /// Their first packets came in on a node themselves.
    later: bool,
}

impl Share {
    fn of(asking: &Asking) -> Self {
        let roads = asking.case.roads();
        // A try that was answered late is there twice: until its first packet was sent again, and whole.
        let all: Vec<&Road> = roads.iter().filter(|road| asking.vantages.contains(&road.client()) && !road.late()).collect();
        Self {
            lost: asking.roads.iter().filter(|road| !road.late()).count(),
            all: all.len(),
            came: all.iter().filter(|road| road.entry().is_some()).count(),
            late: asking.roads.iter().filter(|road| road.late()).count(),
            later: asking.roads.iter().all(|road| road.entry().is_some()),
        }
    }
}
