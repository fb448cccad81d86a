//! Packets that a rule keeps out of a node's table of connections, so that nothing translates them back.

use super::refused::{refusals, refused};
use super::{does, repeated, rule, trails};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::road::{Leg, Road};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Kind, Turn, trail};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::Passage;

/// A rule keeps requests out of the table of connections of a pod's node, so that kube-proxy's rule takes the answers for invalid there.
pub(in crate::analysis::judge) fn answers_of_untracked(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let packets = Packets::of(case, roads);
    if !refused(pair, &packets.fields(Leg::Reply, case.address(), None), roads) {
        return None;
    }
    let came = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::In && hop.tunnel.is_none()))
        .find(|hop| hop.place == node && Some(hop.destination.0) != case.address())?;
    let request = Fields {
        source: Some(came.source.0),
        destination: Some(came.destination.0),
        destination_port: Some(came.destination.1),
        protocol: packets.protocol.to_owned(),
        input: Some(came.interface.clone()),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    };
    let turn = trail(pair, &request, None).turns.into_iter().find(|turn| turn.kind == Kind::Untracks && turn.certain && turn.counted())?;
    let refused = refusals(pair, &packets.fields(Leg::Reply, case.address(), None));
    Some(found(
        names::NODE_FIREWALL_DROP,
        vec![rule(node, &turn)],
        format!(
            "a packet filter on {node} keeps requests out of the connection table, and the answers are dropped as invalid: {}",
            turn.text
        ),
        vec![
            filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown),
            format!("answers come in on {node} and do not leave it{refused}"),
        ],
    ))
}

/// A rule keeps answers out of the node's table of connections, so that nothing translates them back.
pub(in crate::analysis::judge) fn untracked_answers(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let packets = Packets::of(case, roads);
    let vip = case.address();
    let lost = repeated(roads);
    packets.fields(Leg::Reply, vip, None).into_iter().filter(|fields| fields.source != vip).find_map(|fields| {
        let answer = Fields { state: Some("ESTABLISHED".to_owned()), mark: Some(0), ..fields };
        let enough = |turn: &Turn| turn.grown.is_none_or(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost.max(1)));
        let turn = trail(pair, &answer, None)
            .turns
            .into_iter()
            .find(|turn| matches!(turn.kind, Kind::Untracks | Kind::HopLimit(0..=1)) && turn.certain && enough(turn))?;
        let what = if turn.kind == Kind::Untracks { "keeps the answers from being translated back".to_owned() } else { does(&turn) };
        Some(found(
            names::NODE_FIREWALL_DROP,
            vec![rule(node, &turn)],
            format!("a packet filter on {node} {what}: {}", turn.text),
            vec![filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown)],
        ))
    })
}

/// A rule puts the requests into another zone of the connection table than the answers come to, where nothing translates them back.
pub(in crate::analysis::judge) fn zoned(
    case: &Case,
    pair: &StatePair,
    node: &str,
    roads: &[&Road],
    inward: Option<&str>,
) -> Option<Finding> {
    let (packets, vip) = (Packets::of(case, roads), case.address());
    let turn = trails(case, pair, node, roads, None)
        .into_values()
        .flat_map(|trail| trail.turns)
        .find(|turn| matches!(turn.kind, Kind::Zones(_)) && turn.certain && turn.counted())?;
    let Kind::Zones(zone) = turn.kind else { return None };
    let mut answers = packets.fields(Leg::Reply, vip, None).into_iter().filter(|fields| fields.source != vip).peekable();
    answers.peek()?;
    let elsewhere = answers.all(|fields| {
        let answer = Fields { state: Some("ESTABLISHED".to_owned()), mark: Some(0), input: inward.map(str::to_owned), ..fields };
        let trail = trail(pair, &answer, None);
        trail.open.is_empty() && trail.turns.iter().all(|turn| !matches!(turn.kind, Kind::Zones(_)))
    });
    elsewhere.then(|| {
        found(
            names::NODE_FIREWALL_DROP,
            vec![rule(node, &turn)],
            format!("a packet filter on {node} puts requests into another zone of the connection table than their answers: {}", turn.text),
            vec![
                filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown),
                format!(
                    "requests are translated in zone {zone}; no rule puts the pods' answers there, so that nothing translates them back"
                ),
            ],
        )
    })
}
