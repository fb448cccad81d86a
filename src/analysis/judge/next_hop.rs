//! The next hops of a routed address. A router spreads connections over all nodes that announce it, so that one bad node hurts only those
//! that it is chosen for: which these are depends on the router's hash, by addresses alone or with ports.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::node::rules::UNTRIED;
use crate::analysis::judge::node::scene::Scene;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::road::{Leg, Point, Road};
use super::rule::Log;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::probe::Probe;
use crate::model::subject::Subject;

/// Tries that have to fail at a node before it is named: one alone may be anything.
const ENOUGH: usize = 2;

/// How many connections a node took, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    answered: usize,
    failed: usize,
}

/// Every node that took a connection, of both rounds.
fn taken(roads: &[Road]) -> BTreeMap<String, Taken> {
    let mut all: BTreeMap<String, Taken> = BTreeMap::new();
    for road in roads {
        if let Some((node, _)) = road.entry() {
            let entry = all.entry(node).or_default();
            if road.connection.attempt.answered() {
                entry.answered += 1;
            } else {
                entry.failed += 1;
            }
        }
    }
    all
}

/// Connections vanish inside one node and in no other, and nothing that was read there says why.
pub(super) fn fails(case: &Case) -> Option<Finding> {
    if !case.routed() {
        return None;
    }
    let roads = case.roads();
    let taken = taken(&roads);
    let bad: Vec<&String> = taken.iter().filter(|(_, taken)| taken.failed > 0).map(|(node, _)| node).collect();
    let (bad, good): (&String, usize) = match bad.as_slice() {
        [only] => (only, taken.values().filter(|taken| taken.failed == 0).map(|taken| taken.answered).sum()),
        _ => return None,
    };
    let of_bad = taken.get(bad)?;
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    // What went on from the node towards a pod, or was lost before any node, is not the node's doing.
    let inside = failing.iter().all(|road| vanishes_inside(road, bad));
    if of_bad.answered > 0 || of_bad.failed < ENOUGH || good == 0 || !inside {
        return None;
    }
    let others: Vec<&str> = taken.keys().filter(|node| *node != bad).map(String::as_str).collect();
    let mut finding = found(
        names::BGP_NEXT_HOP_FAILS,
        vec![Subject::node(bad)],
        format!("connections that the router sends to {bad} fail, those that it sends to {} are answered", others.join(" and ")),
        vec![
            format!("{} tries came in on {bad}, and none of them was answered", of_bad.failed),
            format!("{good} tries came in on {}, and all of them were answered", others.join(" and ")),
        ],
    );
    finding.scope = Some(super::scope::scope(case, &failing));
    Some(finding)
}

/// Whether a connection was last seen as the node took it, or as its answer came back to the node.
fn vanishes_inside(road: &Road, node: &str) -> bool {
    road.vanished().is_some_and(|gone| {
        gone.last.place() == node
            && match gone.leg {
                Leg::Request | Leg::Reply => matches!(
                    (&gone.last, &gone.next),
                    (Point::NodeClientSide(_), Point::NodePodSide(_) | Point::NodeClientSide(_))
                        | (Point::NodePodSide(_), Point::NodeClientSide(_))
                ),
                Leg::RequestData | Leg::ReplyData => false,
            }
    })
}

/// The nodes that may be chosen and that no answered try came in on: known only of those whose captures lost nothing in any round.
fn untried(case: &Case) -> Vec<String> {
    let roads = case.roads();
    let taken = taken(&roads);
    let watched = |node: &str| !roads.is_empty() && roads.iter().all(|road| road.watched(node));
    let tried = |node: &str| taken.get(node).is_some_and(|taken| taken.answered > 0);
    let entrances = case.announcement.iter().flat_map(|announcement| announcement.entrances());
    entrances.filter(|node| watched(node) && !tried(node)).collect()
}

/// While every try is answered: what would fail on a next hop that none of them came in on.
pub(super) fn hidden(case: &Case, log: &Log) -> Vec<Finding> {
    if !case.routed() {
        return Vec::new();
    }
    let clients: BTreeSet<IpAddr> = case.probes().flat_map(Probe::made).filter_map(|attempt| attempt.source).collect();
    let packets = Packets { clients, ..Packets::of(case, &[]) };
    untried(case)
        .iter()
        .filter_map(|node| {
            let pair = case.node_state(node)?;
            let (fields, sources) = (&[], &packets.clients);
            let queues = &BTreeSet::new();
            let scene =
                Scene { case, roads: &[], node, pair, packets: &packets, fields, frames: &[], input: None, queue: None, queues, sources };
            let mut finding = log.first(&UNTRIED, node, &scene)?.ok()?;
            finding.evidence.push(format!("a router may send connections to {node}, and no try came in there"));
            Some(finding)
        })
        .collect()
}

/// Says which next hops no try came in on: what is true of the others need not be true of them.
pub(super) fn unproven(case: &Case, gaps: &mut Vec<Gap>) {
    let untried = untried(case);
    if case.routed() && !untried.is_empty() {
        gaps.push(Gap::new(
            names::EVIDENCE_NEXT_HOP_NOT_REACHED,
            case.service,
            format!("the router sent no try to {}", untried.join(" and ")),
            "whether connections that it sends there are answered",
        ));
    }
}

#[cfg(test)]
mod tests;
