//! What the packet filters of a node or a pod take, and what the kernel drops beside them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::found;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::separates::Answered;
use crate::analysis::state::arp_filters::ArpPacket;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::netfilter::Match;
use crate::analysis::state::network::Neighbour;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// A rule that drops these packets at a place: its path, its text and how it was seen.
pub(in crate::analysis::judge) struct Dropping {
    pub path: String,
    pub text: String,
    pub proof: String,
}

/// The surest rule that dropped one of these packets between the two reads.
pub(in crate::analysis::judge) fn dropping(pair: &StatePair, fields: &[Fields]) -> Option<Dropping> {
    dropping_as_many(pair, fields, 0)
}

/// As `dropping`; a rule that only may have taken them has to have counted as many as were lost.
pub(in crate::analysis::judge) fn dropping_as_many(pair: &StatePair, fields: &[Fields], lost: usize) -> Option<Dropping> {
    let drop = ruleset::drops(pair, fields).into_iter().find(|drop| took_enough(drop, lost))?;
    Some(shown(pair, drop))
}

/// Whether it surely took them, or counted as many as were lost.
fn took_enough(drop: &ruleset::Drop, lost: usize) -> bool {
    drop.matched == Match::Yes || drop.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost))
}

fn shown(pair: &StatePair, drop: ruleset::Drop) -> Dropping {
    let proof = took(&pair.after.place.to_string(), drop.tool, &drop.path, &drop.text, drop.grown);
    Dropping { path: drop.path, text: drop.text, proof }
}

/// That a rule of a place took packets, by its counter where it has one.
pub(in crate::analysis::judge) fn took(place: &str, tool: &str, path: &str, text: &str, grown: Option<u64>) -> String {
    let (table, rest) = path.split_once('/').unwrap_or((path, ""));
    let (chain, position) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let stands = if position == "policy" { format!(", chain {chain}") } else { format!(", rule {position} of {chain}") };
    // nft itself writes the family apart.
    let table = match tool {
        "nft" => format!("table {}", table.replacen('-', " ", 1)),
        _ => table.trim_start_matches("ebtables-").to_owned(),
    };
    let took = grown.map_or_else(|| "takes this packet".to_owned(), |grown| format!("took {grown} packets while the probe was repeated"));
    format!("{tool} {table} on {place}{stands}: `{text}` {took}")
}

/// The finding for a packet filter on a node that takes the datagrams of a tunnel, in which these connections are.
pub(in crate::analysis::judge) fn firewall(pair: &StatePair, node: &str, fields: &[Fields], roads: &[&Road]) -> Option<Finding> {
    Some(separating(pair, node, fields, 0, &Answered::in_tunnel(node, roads, fields))?.finding(node))
}

/// The rule that takes the connections' own packets: of one that takes a part of them it is known only by how many it took.
pub(in crate::analysis::judge) fn taking(pair: &StatePair, node: &str, fields: &[Fields], roads: &[&Road]) -> Option<Taking> {
    let lost = roads.iter().filter(|road| road.repeated()).count();
    separating(pair, node, fields, lost, &Answered::at(node, roads, fields))
}

/// The finding for such a rule.
pub(in crate::analysis::judge) fn firewall_of(pair: &StatePair, node: &str, fields: &[Fields], roads: &[&Road]) -> Option<Finding> {
    Some(taking(pair, node, fields, roads)?.finding(node))
}

/// The finding for a rule of bridges that takes frames between a node and its pods.
pub(in crate::analysis::judge) fn bridged(pair: &StatePair, node: &str, frames: &[Fields], roads: &[&Road]) -> Option<Finding> {
    let answered = Answered::on_bridge(node, pair, roads, frames.iter().all(|frame| frame.input.is_none()));
    let lost = roads.iter().filter(|road| road.repeated()).count();
    Some(separating(pair, node, frames, lost, &answered)?.finding(node))
}

/// A rule that takes the lost packets and would not take the answered ones.
pub(in crate::analysis::judge) struct Taking {
    pub rule: Subject,
    /// Which program shows it.
    pub tool: &'static str,
    pub table: String,
    pub text: String,
    /// Where in the kernel it stands.
    pub hook: ruleset::Hook,
    pub evidence: Vec<String>,
}

impl Taking {
    pub(in crate::analysis::judge) fn finding(self, node: &str) -> Finding {
        let what = ruleset::partial(&self.text).map_or_else(|| "it".to_owned(), |partial| partial.to_string());
        let summary = format!("a packet filter on {node} {} {what}: {}", verb(&self.text), self.text);
        found(names::NODE_FIREWALL_DROP, vec![self.rule], summary, self.evidence)
    }
}

/// What a rule does with what it takes, as its text says.
pub(in crate::analysis::judge) fn verb(rule: &str) -> &'static str {
    let rejects = |word: &str| word.eq_ignore_ascii_case("reject");
    if rule.split_whitespace().any(rejects) { "rejects" } else { "drops" }
}

/// The surest rule that takes the lost packets and would not take the answered ones.
fn separating(pair: &StatePair, node: &str, fields: &[Fields], lost: usize, answered: &Answered) -> Option<Taking> {
    let drop = ruleset::drops(pair, fields).into_iter().find(|drop| took_enough(drop, lost) && !answered.are_stopped_by(pair, drop))?;
    let counterfactual = answered.evidence(pair, &drop, fields);
    let (hook, tool) = (drop.hook, drop.tool);
    let Dropping { path, text, proof } = shown(pair, drop);
    let table = path.split('/').next().unwrap_or_default().to_owned();
    Some(Taking {
        rule: Subject::rule(node, &path, &text),
        tool,
        table,
        text,
        hook,
        evidence: std::iter::once(proof).chain(counterfactual).collect(),
    })
}

/// A rule of the arp family that keeps the node from learning the MAC of whom its answers go to next: they wait for it and end there.
pub(in crate::analysis::judge) fn arp_filtered(pair: &StatePair, node: &str, clients: &BTreeSet<IpAddr>) -> Option<Finding> {
    clients.iter().find_map(|client| {
        let way = pair.after.way(&RouteQuestion::to(*client))?;
        let (device, next) = (way.device.clone()?, way.via.unwrap_or(*client));
        let silent = |entry: &&Neighbour| entry.address == next && entry.device == device && entry.unresolved();
        let both = [&pair.after, &pair.before];
        let entry = both.iter().find_map(|state| state.neighbours()?.iter().find(silent))?;
        let own = way.source?;
        let packets = [
            ArpPacket { incoming: true, reply: true, sender: next, target: own, interface: &device },
            ArpPacket { incoming: false, reply: false, sender: own, target: next, interface: &device },
        ];
        let drop = packets.iter().find_map(|packet| pair.after.drops_arp(packet))?;
        let evidence = vec![
            format!("`ip neigh` on {node}: {next} on {device} is {}", entry.state),
            format!("nft table arp on {node}: `{}` ({}) takes the ARP packets by which {node} would learn its MAC", drop.text, drop.path),
        ];
        let summary = format!("a packet filter on {node} drops the ARP packets by which it would learn the MAC of {next}: {}", drop.text);
        Some(found(names::NODE_FIREWALL_DROP, vec![Subject::rule(node, &drop.path, &drop.text)], summary, evidence))
    })
}
