//! Which entry of a node's own tables leads a tunnel elsewhere: the neighbour entry of the next hop, or the forwarding entry of its MAC.

use std::net::IpAddr;

use super::Between;
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::pod_network::{is_of, network_of};
use crate::analysis::state::forwarding::Forwarding;
use crate::analysis::state::network::{Link, Neighbour};
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// The tunnel itself leads to another node.
pub(super) fn tunnel_to_another_node(between: &Between) -> Option<Finding> {
    let Between { case, from, to, .. } = between;
    let wrong = between.astray()?;
    if let Some(finding) = by_entry(between, &wrong) {
        return Some(finding);
    }
    // What the other node's object tells is nothing of the sender's tables.
    let registered = wrong
        .split(", ")
        .filter_map(|ip| ip.parse::<IpAddr>().ok())
        .any(|ip| case.node(to).is_some_and(|node| node.other_ips.contains(&ip)));
    let device = way_of(between).map(|(device, _)| device).filter(|_| !registered);
    let culprit = device.map_or_else(|| Subject::node(from), |device| Subject::interface(from, &device));
    Some(found(
        names::OVERLAY_WRONG_ENDPOINT,
        vec![culprit],
        format!("the tunnel on {from} sends what is for {to} to {wrong}"),
        between.evidence(&wrong),
    ))
}

/// The interface and the gateway by which the sender sends it: what its kernel says, or its routes.
fn way_of(between: &Between) -> Option<(String, Option<IpAddr>)> {
    let (pod, state) = between.sender()?;
    let asked = state.way(&RouteQuestion::to(pod)).and_then(|way| Some((way.device.clone()?, way.via)));
    asked.or_else(|| state.routes().and_then(|routes| routes.specific(pod)).and_then(|route| Some((route.dev.clone()?, route.via))))
}

/// The sender's entries on the way to the other node, beside that node's own end of the tunnel.
struct Entries<'a> {
    gateway: IpAddr,
    device: String,
    neighbour: &'a Neighbour,
    mac: &'a str,
    forwarding: Option<&'a Forwarding>,
    /// The other node's own end.
    end: &'a Link,
}

impl<'a> Entries<'a> {
    fn of(between: &Between<'a>) -> Option<Self> {
        let (pod, state) = between.sender()?;
        let (device, via) = way_of(between)?;
        let gateway = via.unwrap_or(pod);
        let neighbour = state.neighbours()?.iter().find(|entry| entry.address == gateway && entry.device == device)?;
        let mac = neighbour.mac.as_deref()?;
        let forwarding = state.forwarding()?.iter().find(|entry| entry.mac == mac && entry.device == device);
        let ends: Vec<&Link> = between.case.node_state(between.to)?.after.links()?.iter().filter(|link| link.is_seen_through()).collect();
        let end = ends.iter().find(|link| link.name == device).or(ends.first()).copied()?;
        Some(Self { gateway, device, neighbour, mac, forwarding, end })
    }

    /// Whether the neighbour entry has the MAC that the other node has.
    fn has_the_right_mac(&self) -> bool {
        self.end.mac.eq_ignore_ascii_case(self.mac)
    }

    fn told(&self, from: &str, to: &str) -> Vec<String> {
        let mut told =
            vec![format!("`ip neigh` on {from}: {} on {} is at {} ({})", self.gateway, self.device, self.mac, self.neighbour.state)];
        told.extend(self.forwarding.map(|entry| format!("`bridge fdb` on {from}: {}", entry.text.trim())));
        told.push(format!("`ip link` on {to}: {} has {}", self.end.name, self.end.mac));
        told
    }
}

/// Whose end of a tunnel has that MAC: the node, and its interface.
fn owner<'a>(case: &Case<'a>, mac: &str) -> Option<(String, &'a Link)> {
    case.announcement?.nodes_seen.iter().find_map(|node| {
        let links = case.node_state(&node.name)?.after.links()?;
        let link = links.iter().find(|link| link.is_seen_through() && link.mac.eq_ignore_ascii_case(mac))?;
        Some((node.name.clone(), link))
    })
}

/// Other nodes that have the right entry for the gateway.
fn right_elsewhere(case: &Case, entries: &Entries, from: &str) -> Vec<String> {
    let nodes = case.announcement.map(|announcement| announcement.nodes_seen.as_slice()).unwrap_or_default();
    let right = |name: &str| {
        let own = case.node_state(name).and_then(|pair| pair.after.neighbours()).unwrap_or_default();
        own.iter()
            .any(|one| one.address == entries.gateway && one.mac.as_deref().is_some_and(|mac| mac.eq_ignore_ascii_case(&entries.end.mac)))
    };
    nodes.iter().map(|node| node.name.clone()).filter(|name| name != from && right(name)).collect()
}

/// The entry that is wrong, where both nodes' tables tell which.
fn by_entry(between: &Between, wrong: &str) -> Option<Finding> {
    let Between { case, from, to, .. } = between;
    let entries = Entries::of(between)?;
    let Entries { gateway, device, mac, end, .. } = &entries;
    let mut evidence = entries.told(from, to);
    let agent = format!("where it comes back, restart the network plugin's agent on {from}, which writes these entries");
    let (what, next) = if entries.has_the_right_mac() {
        let destination = entries.forwarding?.destination?;
        // What the node's own object tells of it is what every agent writes: then the node is the one that errs.
        if is_of(case, to, destination) != Some(false) || case.node(to)?.other_ips.contains(&destination) {
            return None;
        }
        let right = case.node(to)?.internal_ips.iter().find(|ip| ip.is_ipv4() == destination.is_ipv4())?;
        let whose = network_of(case, destination).map_or_else(String::new, |owner| format!(", which is {owner}"));
        (
            format!("the forwarding entry of {from}'s {device} for {to}'s MAC {mac} leads to {destination}{whose}"),
            format!("On {from}: bridge fdb replace {mac} dev {device} dst {right} self permanent; {agent}."),
        )
    } else {
        let whose = owner(case, mac)
            .map_or_else(|| format!("which {to} does not have"), |(node, link)| format!("the MAC of {node}'s {}", link.name));
        (
            format!("{from}'s neighbour entry for {gateway} on {device}, which is {to}'s, has {mac}, {whose}"),
            format!("On {from}: ip neigh replace {gateway} lladdr {} dev {device} nud permanent; {agent}.", end.mac.to_lowercase()),
        )
    };
    let others = right_elsewhere(case, &entries, from);
    if !others.is_empty() {
        evidence.push(format!("`ip neigh` on {}: {gateway} is at {}", others.join(" and "), end.mac.to_lowercase()));
    }
    evidence.extend(between.evidence(wrong));
    let culprits = vec![Subject::interface(from, device), Subject::address(*gateway)];
    let mut finding =
        found(names::OVERLAY_WRONG_ENDPOINT, culprits, format!("what {from}'s tunnel sends to {to} goes to {wrong}: {what}"), evidence);
    finding.next = next;
    Some(finding)
}

#[cfg(test)]
mod tests;
