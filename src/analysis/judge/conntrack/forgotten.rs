//! A connection table that forgets a connection while its answer is awaited: the answer comes later than a timeout of the node's lets it live.

use std::collections::BTreeSet;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::probe::Speech;
use crate::model::subject::Subject;

/// How far a connection has come when it has to wait, as its node sees it: the setting that tells how long it lives then, and the kernel's own
/// value of it, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// A first packet was passed on.
    Asked,
    /// The handshake is not over.
    Answered,
    Established,
    /// A datagram was passed on.
    Datagram,
    /// Datagrams went both ways.
    Stream,
}

impl Stage {
    fn setting(self) -> (&'static str, u32) {
        match self {
            Self::Asked => ("net/netfilter/nf_conntrack_tcp_timeout_syn_sent", 120),
            Self::Answered => ("net/netfilter/nf_conntrack_tcp_timeout_syn_recv", 60),
            Self::Established => ("net/netfilter/nf_conntrack_tcp_timeout_established", 432_000),
            Self::Datagram => ("net/netfilter/nf_conntrack_udp_timeout", 30),
            Self::Stream => ("net/netfilter/nf_conntrack_udp_timeout_stream", 120),
        }
    }
}

/// A packet that came to the node after a silence.
#[derive(Clone, Copy, Debug)]
struct Waited {
    stage: Stage,
    /// How long nothing of the connection passed the node before it, nanoseconds.
    silence: i64,
}

/// What makes two sightings one packet, wherever on the node it was seen.
fn same(one: &Hop, other: &Hop) -> bool {
    (one.request, one.what, one.sequence, one.length) == (other.request, other.what, other.sequence, other.length)
}

/// What passed the node before an answer that came in there, and how long before. `None` where nothing was seen of the connection, or its end.
fn waited(hops: &[&Hop], answer: &Hop, datagrams: bool) -> Option<Waited> {
    let earlier: Vec<&&Hop> = hops.iter().filter(|hop| hop.at < answer.at && !same(hop, answer)).collect();
    let last = earlier.iter().map(|hop| hop.at).max()?;
    let seen = |request: bool, what: &[Sighting]| earlier.iter().any(|hop| hop.request == request && what.contains(&hop.what));
    let stage = if datagrams {
        if seen(false, &[Sighting::Data]) { Stage::Stream } else { Stage::Datagram }
    } else if seen(true, &[Sighting::Fin, Sighting::Reset]) || seen(false, &[Sighting::Fin, Sighting::Reset]) {
        // What ends lives by other settings.
        return None;
    } else if !seen(false, &[Sighting::SynAck]) {
        Stage::Asked
    } else if seen(true, &[Sighting::Ack, Sighting::Data]) {
        Stage::Established
    } else {
        Stage::Answered
    };
    Some(Waited { stage, silence: answer.at - last })
}

/// The answers that came in on the node, each once, in time, with whether they left it again.
fn answers<'a>(hops: &[&'a Hop]) -> Vec<(&'a Hop, bool)> {
    let came = |hop: &&&Hop| !hop.request && hop.passage == Passage::In && matches!(hop.what, Sighting::Data | Sighting::SynAck);
    let mut all: Vec<(&Hop, bool)> = Vec::new();
    for hop in hops.iter().filter(came) {
        if all.iter().any(|(known, _)| same(known, hop)) {
            continue;
        }
        let left = hops.iter().any(|other| same(other, hop) && other.passage == Passage::Out && other.at >= hop.at);
        all.push((hop, left));
    }
    all
}

/// What is seen of a connection on a node, in time.
fn on_node<'a>(road: &Road<'a>, node: &'a str) -> Vec<&'a Hop> {
    let mut hops: Vec<&Hop> = road.hops(move |hop| hop.place == node && hop.what != Sighting::IcmpError).collect();
    hops.sort_by_key(|hop| hop.at);
    hops
}

/// The node forgot each of these connections before its answer came: one setting lets them live for less time than the answers took, and for
/// more than those took that came through. `taken`: whether what belongs to no known
/// connection is lost there.
pub(in crate::analysis::judge) fn forgotten(case: &Case, pair: &StatePair, node: &str, roads: &[&Road], taken: bool) -> Option<Finding> {
    let datagrams = |road: &Road| case.probes().any(|probe| probe.vantage == road.connection.vantage && probe.speech == Speech::Udp);
    let lost = |road: &Road| {
        let hops = on_node(road, node);
        let (answer, _) = answers(&hops).into_iter().find(|(_, left)| !left)?;
        waited(&hops, answer, datagrams(road))
    };
    let all: Vec<Waited> = roads.iter().map(|road| lost(road)).collect::<Option<_>>()?;
    let stages: BTreeSet<Stage> = all.iter().map(|waited| waited.stage).collect();
    let [stage] = stages.into_iter().collect::<Vec<_>>()[..] else { return None };
    let (setting, usual) = stage.setting();
    let number = |pair: &StatePair| {
        let of = |state: &PlaceState| state.settings()?.number(setting);
        of(&pair.before).filter(|before| Some(*before) == of(&pair.after))
    };
    let limit = number(pair).filter(|seconds| *seconds >= 0)?.checked_mul(1_000_000_000)?;
    let shortest = all.iter().map(|waited| waited.silence).min()?;
    // An answer that came through after as long a silence was not forgotten, and then these were not for that.
    let longer = |road: &Road| {
        let hops = on_node(road, node);
        let through = answers(&hops).into_iter().filter(|(_, left)| *left);
        through.filter_map(|(answer, _)| waited(&hops, answer, datagrams(road))).any(|one| one.stage == stage && one.silence > limit)
    };
    if shortest <= limit || !taken || case.roads().iter().any(longer) {
        return None;
    }
    let seconds = |nanoseconds: i64| format!("{}.{} s", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 / 100_000_000);
    let name = setting.replace('/', ".");
    let value = limit / 1_000_000_000;
    let alike = case.states().filter(|other| other.after.place.to_string() != node && number(other) == Some(value));
    let alike: Vec<String> = alike.map(|other| other.after.place.to_string()).collect();
    let longest = all.iter().map(|waited| waited.silence).max().unwrap_or(shortest);
    let range =
        if seconds(shortest) == seconds(longest) { seconds(shortest) } else { format!("{} to {}", seconds(shortest), seconds(longest)) };
    let mut evidence = vec![
        format!(
            "{} answers came in on {node} after {range} in which nothing of their connection passed it, and did not leave it",
            all.len()
        ),
        format!(
            "{name} on {node} is {value}: after so many seconds its connection table forgets such a connection, and translates its answer no more"
        ),
    ];
    if !alike.is_empty() {
        evidence.push(format!("the same value on {}", alike.join(", ")));
    }
    Some(Finding {
        next: format!(
            "On {node}: sysctl -w {name}={usual} (the kernel's own value), and see what set it to {value}; then the same on the other nodes."
        ),
        ..found(
            names::NODE_CONNTRACK_TIMEOUT,
            vec![Subject::sysctl(node, &name), Subject::node(node)],
            format!("{node} forgets connections after {value} s ({name}), before their answers come"),
            evidence,
        )
    })
}

#[cfg(test)]
mod tests;
