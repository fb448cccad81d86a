//! Translation on a node: rules that lead a request past kube-proxy's, and answers that pass the node which would translate them back.

mod behind;
mod masquerade;
mod past;
mod refused;
#[cfg(test)]
mod tests;
mod to_itself;
mod untracked;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub(super) use behind::diverted_behind;
pub(super) use past::PAST;
pub(super) use refused::{by_kube_proxy, for_another_service, refusals, refused};
pub(super) use to_itself::kept_its_address;
pub(super) use untracked::{answers_of_untracked, untracked_answers, zoned};

use super::case::{Case, found};
use super::node::filters;
use super::node::packets::Packets;
use super::road::Road;
use crate::analysis::state::conntrack::Wanted;
use crate::analysis::state::kube_proxy::{by_iptables, translates};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Hook, Kind, Trail, Turn, trail};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// A client's first packet as it comes in on the node that takes it.
fn first_packet(case: &Case, packets: &Packets, client: IpAddr, input: Option<&str>) -> Fields {
    Fields {
        source: Some(client),
        destination: case.address(),
        destination_port: Some(packets.port),
        protocol: packets.protocol.to_owned(),
        input: input.map(str::to_owned),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    }
}

/// The interface by which the requests came in on a node.
fn input(roads: &[&Road], node: &str) -> Option<String> {
    roads.iter().filter_map(|road| road.entry()).find(|(name, _)| name == node).map(|(_, interface)| interface)
}

/// The trails of the clients' first packets through the node, and whose they are.
fn trails(case: &Case, pair: &StatePair, node: &str, roads: &[&Road], towards: Option<(IpAddr, u16)>) -> BTreeMap<IpAddr, Trail> {
    let packets = Packets::of(case, roads);
    let input = input(roads, node);
    let first = |client: &IpAddr| first_packet(case, &packets, *client, input.as_deref());
    packets.clients.iter().map(|client| (*client, trail(pair, &first(client), towards))).collect()
}

/// Whether the rule ends a packet's way before kube-proxy's rules: in nftables only in their own table, since other chains are asked anyway.
fn ends(pair: &StatePair, turn: &Turn) -> bool {
    turn.kind == Kind::Spares && if by_iptables(&pair.after) { turn.tool != "nft" } else { turn.path.contains("-kube-proxy/") }
}

/// Whether the rule leads a request past kube-proxy's translation, or lets it go no further than this node.
fn diverts(case: &Case, pair: &StatePair, turn: &Turn) -> bool {
    let endpoint = |address: IpAddr, port: Option<u16>| {
        let target = case.target.filter(|target| target.slices_read);
        // Where the endpoints are not known, anybody may be one.
        target.is_none_or(|target| {
            target.endpoints.iter().any(|endpoint| endpoint.ip == address && (port.is_none() || endpoint.port == port))
        })
    };
    // What comes later finds the packet translated, and its hop limit looked at.
    if turn.of_kube_proxy || turn.hook > Hook::Prerouting {
        return false;
    }
    match turn.kind {
        Kind::Destination(Some(address), port) => !endpoint(address, port),
        Kind::Destination(None, _) | Kind::Untracks => true,
        Kind::Spares => ends(pair, turn),
        Kind::HopLimit(hops) => hops <= 1,
        Kind::Source(_) | Kind::Marks | Kind::Zones(_) => false,
    }
}

/// Requests of the second round in this group: the node's counters were read around them.
fn repeated(roads: &[&Road]) -> usize {
    roads.iter().filter(|road| road.repeated()).count()
}

/// The first rule that diverts a client's requests: one that all of them come to, or one that may take them and counted as many as failed.
fn diverting<'t>(case: &Case, pair: &StatePair, trail: &'t Trail, failed: usize, astray: &BTreeSet<IpAddr>) -> Option<&'t Turn> {
    let translated = trail.turns.iter().position(|turn| turn.of_kube_proxy && matches!(turn.kind, Kind::Destination(..)) && turn.certain);
    let before = &trail.turns[..translated.unwrap_or(trail.turns.len())];
    // A connection that is known already is translated as it was the first time, and the rule counts no more.
    let known = |turn: &Turn| matches!(turn.kind, Kind::Destination(Some(to), _) if astray.contains(&to));
    let certain = before.iter().find(|turn| turn.certain && diverts(case, pair, turn) && (turn.counted() || known(turn)));
    certain.or_else(|| trail.turns.iter().find(|turn| !turn.certain && diverts(case, pair, turn) && enough(turn, failed)))
}

/// Whether the rule's counter grew by as many as failed.
fn enough(turn: &Turn, failed: usize) -> bool {
    failed > 0 && turn.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= failed))
}

/// The rule of a turn.
fn rule(node: &str, turn: &Turn) -> Subject {
    Subject::rule(node, &turn.path, &turn.text)
}

/// A rule of the node's packet filters takes the requests elsewhere, keeps them from being translated, or ends their way.
pub(super) fn diverted(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    // Without kube-proxy's rules, what spares a packet from them spares it from nothing.
    if !translates(&pair.after) {
        return None;
    }
    let astray = astray(case, pair, roads);
    let trails = trails(case, pair, node, roads, None);
    let mut rules: BTreeMap<&str, &Turn> = BTreeMap::new();
    for (client, trail) in &trails {
        let failed = roads.iter().filter(|road| road.repeated() && road.connection.attempt.source == Some(*client)).count();
        let turn = diverting(case, pair, trail, failed, &astray)?;
        if turn.certain && answered(case, node, *client) {
            return None;
        }
        rules.insert(&turn.path, turn);
    }
    let turn = *rules.values().next()?;
    let mut evidence: Vec<String> = rules.values().map(|turn| filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown)).collect();
    if !astray.is_empty() {
        evidence.push(format!("the connection table of {node} awaits the answers from {}", join(&astray)));
    }
    Some(found(
        names::NODE_FIREWALL_DROP,
        rules.values().map(|turn| rule(node, turn)).collect(),
        format!("a packet filter on {node} {}: {}", does(turn), turn.text),
        evidence,
    ))
}

fn does(turn: &Turn) -> String {
    match turn.kind {
        Kind::Destination(Some(to), port) => {
            format!(
                "takes it elsewhere, to {}",
                port.map_or_else(|| to.to_string(), |port| std::net::SocketAddr::new(to, port).to_string())
            )
        }
        Kind::Destination(None, _) => "takes it elsewhere, away from kube-proxy's rules".to_owned(),
        Kind::HopLimit(hops) => format!("leaves it a hop limit of {hops}, with which it gets no further"),
        _ => "keeps it from being translated to a pod".to_owned(),
    }
}

fn join(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

/// Whether a try of the second round came in on the node from that client and was answered: then not every packet is led astray.
fn answered(case: &Case, node: &str, client: IpAddr) -> bool {
    case.roads().iter().any(|road| {
        let attempt = &road.connection.attempt;
        road.repeated() && attempt.answered() && attempt.source == Some(client) && road.entry().is_some_and(|(name, _)| name == node)
    })
}

/// Who is awaited to answer these connections without being an endpoint, by the node's connection table.
fn astray(case: &Case, pair: &StatePair, roads: &[&Road]) -> BTreeSet<IpAddr> {
    let (Some(vip), Some(target)) = (case.address(), case.target) else { return BTreeSet::new() };
    let of_road = |src: IpAddr, port: Option<u16>| {
        roads.iter().map(|road| &road.connection.attempt).any(|attempt| attempt.source == Some(src) && port == Some(attempt.source_port))
    };
    pair.after
        .tracked(&Wanted { address: Some(vip), port: Some(target.port.port), ..Wanted::default() })
        .unwrap_or_default()
        .into_iter()
        .filter(|entry| entry.dst == vip && of_road(entry.src, entry.sport) && entry.reply_src != vip)
        .map(|entry| entry.reply_src)
        .filter(|to| !target.endpoints.iter().any(|endpoint| endpoint.ip == *to))
        .collect()
}

/// Where rules of the node may lead these requests, kube-proxy's aside.
pub(super) fn led_to(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> BTreeSet<IpAddr> {
    let trails = trails(case, pair, node, roads, None);
    let turns = trails.values().flat_map(|trail| &trail.turns).filter(|turn| !turn.of_kube_proxy);
    turns.filter_map(|turn| if let Kind::Destination(to, _) = turn.kind { to } else { None }).collect()
}

/// Whether a rule may have led some of these requests astray: then that nothing explains their loss is not known.
pub(super) fn suspected(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> bool {
    let trails = trails(case, pair, node, roads, None);
    let on_the_road = shortening(case, roads, node).is_some();
    let open = trails.values().any(|trail| !trail.open.is_empty());
    on_the_road
        || open
        || behind::suspected(case, pair, node, roads)
        || trails.values().flat_map(|trail| &trail.turns).any(|turn| turn.counted() && diverts(case, pair, turn))
}

/// A rule of the node that took the requests leaves them too few hops for the node behind it, or a rule of this one does.
pub(super) fn short_lived(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let (entry, turn) = shortening(case, roads, node)?;
    Some(found(
        names::NODE_FIREWALL_DROP,
        vec![rule(&entry, &turn)],
        format!("a packet filter on {entry} {}: {}", does(&turn), turn.text),
        vec![format!("requests come in on {node} and go no further"), filters::took(&entry, turn.tool, &turn.path, &turn.text, turn.grown)],
    ))
}

/// The rule that leaves the requests too few hops, and its node.
fn shortening(case: &Case, roads: &[&Road], node: &str) -> Option<(String, Turn)> {
    let entries: BTreeSet<String> = roads.iter().filter_map(|road| road.entry()).map(|(name, _)| name).collect();
    entries.into_iter().find_map(|entry| {
        let pair = case.node_state(&entry)?;
        // A node forwards nothing that has one hop left; it looks before its chains for what it forwards are called, and takes one off.
        let needed = |turn: &Turn| if entry != node && turn.hook <= Hook::Prerouting { 2 } else { 1 };
        let trails = trails(case, pair, &entry, roads, None);
        let here = |turn: &Turn| entry != node || turn.hook <= Hook::Prerouting;
        let short = |turn: &&Turn| {
            matches!(turn.kind, Kind::HopLimit(hops) if hops <= needed(turn)) && here(turn) && turn.certain && turn.counted()
        };
        let all: Option<Vec<&Turn>> =
            trails.values().map(|trail| trail.turns.iter().rfind(|turn| matches!(turn.kind, Kind::HopLimit(_))).filter(short)).collect();
        let turn = (*all?.first()?).clone();
        Some((entry, turn))
    })
}
