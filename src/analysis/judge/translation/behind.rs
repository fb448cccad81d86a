//! Rules of a node behind the one that took the request: what comes there is translated already, and they lead it to somebody else.

use std::collections::BTreeMap;

use super::{diverts, does, enough, join, repeated, rule};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Kind, Turn, trail};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use std::collections::BTreeSet;

/// The requests' first packets as they come in on a node that another one sends them to; nothing where the node took them itself.
fn first_packets(case: &Case, node: &str, roads: &[&Road]) -> Vec<Fields> {
    if roads.iter().any(|road| road.entry().is_some_and(|(entry, _)| entry == node)) {
        return Vec::new();
    }
    let packets = Packets::of(case, roads);
    let came = |road: &&Road| {
        let hop = road.hops(|hop| hop.request && hop.passage == Passage::In && hop.tunnel.is_none()).find(|hop| hop.place == node)?;
        Some(hop.interface.clone())
    };
    let input = roads.iter().find_map(came);
    let to = |(address, port): &(_, u16)| Fields {
        destination: Some(*address),
        destination_port: Some(*port),
        protocol: packets.protocol.to_owned(),
        input: input.clone(),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    };
    let from = |packet: Fields| packets.seen_sources.iter().map(move |source| Fields { source: Some(*source), ..packet.clone() });
    packets.endpoints.iter().map(to).flat_map(from).collect()
}

/// Whether a rule gives what is for an endpoint to somebody else.
fn leads_away(case: &Case, pair: &StatePair, turn: &Turn) -> bool {
    matches!(turn.kind, Kind::Destination(..)) && diverts(case, pair, turn)
}

/// A rule of the node translates what comes for its pod to somebody else.
pub(in crate::analysis::judge) fn diverted_behind(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let ends: BTreeSet<_> = roads.iter().filter_map(|road| road.endpoint()).collect();
    let answered = case.roads().iter().any(|road| {
        road.repeated() && road.connection.attempt.answered() && !road.late() && road.endpoint().is_some_and(|end| ends.contains(&end))
    });
    let failed = repeated(roads);
    let mut all: BTreeMap<String, Turn> = BTreeMap::new();
    for packet in first_packets(case, node, roads) {
        let trail = trail(pair, &packet, None);
        let away = |turn: &&Turn| leads_away(case, pair, turn) && if turn.certain { turn.counted() } else { enough(turn, failed) };
        let turn = trail.turns.iter().find(away)?;
        // What everybody comes to who is answered by that endpoint leads nobody away.
        if turn.certain && answered {
            return None;
        }
        all.insert(turn.path.clone(), turn.clone());
    }
    let turn = all.values().next()?;
    let mut evidence: Vec<String> = all.values().map(|turn| filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown)).collect();
    evidence.push(format!("what comes in on {node} is for {}, which it has itself", join(&ends.iter().map(|(ip, _)| *ip).collect())));
    Some(found(
        names::NODE_FIREWALL_DROP,
        all.values().map(|turn| rule(node, turn)).collect(),
        format!("a packet filter on {node} {}: {}", does(turn), turn.text),
        evidence,
    ))
}

/// Whether a rule of a node behind the one that took the requests may have led some of them away.
pub(super) fn suspected(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> bool {
    first_packets(case, node, roads).iter().any(|packet| {
        let trail = trail(pair, packet, None);
        !trail.open.is_empty() || trail.turns.iter().any(|turn| turn.counted() && leads_away(case, pair, turn))
    })
}
