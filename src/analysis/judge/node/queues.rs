//! What the traffic control of a node's interfaces drops, and what waits in it longer than anybody waits for an answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::pod_link;
use crate::analysis::judge::road::Road;
use crate::analysis::state::network::Link;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::traffic_control::{Backlog, Worked};
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// How much a counter has to have grown that explains lost packets: both rounds are among these, and it was read around the second one alone.
pub(in crate::analysis::judge) fn enough(lost: usize) -> u64 {
    u64::try_from(lost.div_ceil(2)).unwrap_or(u64::MAX).max(2)
}

/// The interfaces by which what is for these addresses leaves a node: those of its routes, the links of its own pods, what carries a tunnel,
/// and the parts of a bond.
pub(in crate::analysis::judge) fn towards<'a>(
    case: &Case,
    node: &str,
    pair: &StatePair,
    to: impl IntoIterator<Item = &'a IpAddr>,
) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for ip in to {
        all.extend(pod_link::near(case, pair, *ip).map(|link| link.name.clone()));
        let Some(device) = pair.after.way(&RouteQuestion::to(*ip)).and_then(|way| way.device.clone()) else { continue };
        if pair.after.link(&device).is_some_and(Link::is_tunnel) {
            all.extend(beneath(case, node));
        }
        let parts = pair.after.links().unwrap_or_default().iter().filter(|link| link.master.as_ref() == Some(&device));
        let bonded = pair.after.link(&device).is_some_and(|link| link.kind.as_deref() == Some("bond"));
        all.extend(parts.filter(|_| bonded).map(|link| link.name.clone()));
        all.insert(device);
    }
    all
}

/// The interfaces on which a node was seen to send or get what tunnels carry.
pub(in crate::analysis::judge) fn beneath(case: &Case, node: &str) -> BTreeSet<String> {
    let place = node.to_owned();
    let carried = |road: &Road| {
        let place = place.clone();
        road.hops(move |hop| hop.tunnel.is_some() && hop.place == place).map(|hop| hop.interface.clone()).collect::<Vec<_>>()
    };
    case.roads().iter().flat_map(carried).collect()
}

fn at(pair: &StatePair, interfaces: &BTreeSet<String>) -> Vec<Worked> {
    let mut all = pair.queues_worked().unwrap_or_default();
    all.retain(|queue| interfaces.contains(&queue.now.interface));
    all
}

fn named(node: &str, queue: &Worked, summary: String, evidence: Vec<String>) -> Finding {
    let interface = &queue.now.interface;
    let mut finding = found(names::NODE_FIREWALL_DROP, vec![Subject::interface(node, interface)], summary, evidence);
    if !["clsact", "ingress"].contains(&queue.now.kind.as_str()) {
        finding.next = format!(
            "Change the queueing discipline of {interface} where it is set up, or remove it there: by hand (tc qdisc), by a script of the \
             node, or of a pod's link by the pod's bandwidth annotations."
        );
    }
    finding
}

/// `tbf rate 1Kbit burst 100b`, as a summary ends with it.
fn told(queue: &Worked) -> String {
    format!("{} {}", queue.now.kind, queue.now.options).trim_end().to_owned()
}

/// The traffic control of one of these interfaces drops that many packets.
pub(in crate::analysis::judge) fn drops(pair: &StatePair, node: &str, interfaces: &BTreeSet<String>, enough: u64) -> Option<Finding> {
    let queue = at(pair, interfaces).into_iter().find(|queue| queue.dropped >= enough)?;
    let interface = &queue.now.interface;
    let beside = [(queue.overlimits, "overlimits"), (queue.requeues, "requeues")];
    let beside: Vec<String> =
        beside.iter().filter(|(grown, _)| *grown > 0).map(|(grown, what)| format!(", {what} grew by {grown}")).collect();
    let beside = beside.concat();
    let mut evidence = vec![format!(
        "tc on {node}: the {} qdisc of {interface} dropped {} packets while the probe was repeated{beside}",
        queue.now.kind, queue.dropped
    )];
    if !queue.now.options.is_empty() {
        evidence.push(format!("tc on {node}: it is {}", told(&queue)));
    }
    evidence.extend(queue.now.wait().filter(|wait| *wait > 0).map(|wait| waiting(node, &queue, wait)));
    let options = if queue.now.options.is_empty() { String::new() } else { format!(": {}", told(&queue)) };
    Some(named(node, &queue, format!("the traffic control of {node}/{interface} drops it{options}"), evidence))
}

/// Packets wait in the traffic control of one of these interfaces for longer than any of the tries waited.
pub(in crate::analysis::judge) fn holds(pair: &StatePair, node: &str, interfaces: &BTreeSet<String>, roads: &[&Road]) -> Option<Finding> {
    let patience = roads.iter().map(|road| road.connection.attempt.total_ms).max().filter(|waited| *waited > 0)?;
    let too_long = |queue: Worked| queue.now.wait().filter(|wait| *wait >= patience).map(|wait| (queue, wait));
    let (queue, wait) = at(pair, interfaces).into_iter().filter_map(too_long).max_by_key(|(_, wait)| *wait)?;
    let interface = &queue.now.interface;
    let (long, told) = (seconds(wait), told(&queue));
    let summary =
        format!("the traffic control of {node}/{interface} holds it back for {long}, longer than anybody waits for an answer: {told}");
    let gave_up = format!("the tries were given up after {} at most", seconds(patience));
    Some(named(node, &queue, summary, vec![waiting(node, &queue, wait), gave_up]))
}

fn waiting(node: &str, queue: &Worked, wait: u64) -> String {
    let backlog = |of: Backlog| format!("{} packets ({} bytes)", of.packets, of.bytes);
    let Worked { now, before, .. } = queue;
    let told = told(queue);
    if now.backlog.packets == 0 {
        return format!("tc on {node}: the {} qdisc of {} holds every packet for {}: {told}", now.kind, now.interface, seconds(wait));
    }
    format!(
        "tc on {node}: in the {} qdisc of {} {} waited before the probe was repeated and {} after it: by its rate {} for the last of them ({told})",
        now.kind,
        now.interface,
        backlog(*before),
        backlog(now.backlog),
        seconds(wait)
    )
}

fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..10_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        _ => format!("{} s", milliseconds / 1_000),
    }
}

#[cfg(test)]
mod tests;
