//! Two machines of one address, or two nodes of one MAC: whoever sends there reaches the one that was heard last.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::answering;
use super::case::{Case, found};
use crate::analysis::state::network::{Link, Neighbour};
use crate::analysis::state::place_state::PlaceState;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;

/// The nodes whose state was read, each with its name.
fn nodes<'a>(case: &Case<'a>) -> Vec<(&'a str, &'a PlaceState)> {
    let of = |state: &'a PlaceState| match &state.place {
        Place::Host(host) if host.kind == HostKind::Node => Some((host.name.as_str(), state)),
        _ => None,
    };
    case.states().filter_map(|pair| of(&pair.after)).collect()
}

/// The addresses by which others know a node: those of its object, and its own in the network of the Service's address. Others may well be
/// the same everywhere, such as that of a bridge of containers.
fn known_by(case: &Case, node: &str, state: &PlaceState) -> BTreeSet<IpAddr> {
    let vip = case.address();
    let own = state.addresses().unwrap_or_default().iter();
    let beside = own.filter(|(_, net)| vip.is_some_and(|vip| net.contains(&vip) && net.addr() != vip)).map(|(_, net)| net.addr());
    let of_object = case.node(node).map(|node| node.internal_ips.clone()).unwrap_or_default();
    beside.filter(|address| Some(*address) != vip).chain(of_object).collect()
}

fn interface_with(state: &PlaceState, address: IpAddr) -> Option<&str> {
    state.addresses()?.iter().find(|(_, net)| net.addr() == address).map(|(name, _)| name.as_str())
}

/// Each address of a node that a second node has, too.
pub(super) fn addresses(case: &Case) -> Vec<Finding> {
    let nodes = nodes(case);
    let mut told: BTreeSet<IpAddr> = BTreeSet::new();
    let mut findings = Vec::new();
    for (node, state) in &nodes {
        for address in known_by(case, node, state) {
            let mut others = nodes.iter().filter(|(other, _)| other != node);
            let second = others.find_map(|(other, state)| Some((*other, interface_with(state, address)?)));
            let (Some(own), Some((other, interface))) = (interface_with(state, address), second) else { continue };
            if told.insert(address) {
                findings.push(twice(
                    vec![Subject::interface(node, own), Subject::interface(other, interface)],
                    format!("{node} and {other} both have {address}"),
                    vec![format!("`ip addr` on {node}: {own} has {address}"), format!("`ip addr` on {other}: {interface} has {address}")],
                ));
            }
        }
    }
    findings
}

/// Whether a MAC is one machine's own: loopback has none, and what VRRP and anycast gateways answer with is meant to be on several.
fn is_of_one_machine(mac: &str) -> bool {
    !mac.is_empty() && mac != "00:00:00:00:00:00" && !mac.to_lowercase().starts_with("00:00:5e:00:")
}

/// Two nodes that have one MAC in the network of the Service's address: a switch sends what is for one of them to the other.
pub(super) fn macs(case: &Case) -> Vec<Finding> {
    let Some(vip) = case.address() else { return Vec::new() };
    let nodes = nodes(case);
    let mut links: Vec<(&str, &Link)> = Vec::new();
    for (node, state) in &nodes {
        let here = state.on_link(vip).unwrap_or_default();
        let near =
            state.links().unwrap_or_default().iter().filter(|link| here.contains(&link.name.as_str()) && is_of_one_machine(&link.mac));
        links.extend(near.map(|link| (*node, link)));
    }
    let mut findings = Vec::new();
    for (at, (node, link)) in links.iter().enumerate() {
        let Some((other, second)) =
            links[at + 1..].iter().find(|(other, second)| other != node && second.mac.eq_ignore_ascii_case(&link.mac))
        else {
            continue;
        };
        let summary = format!("{node} and {other} both have the MAC {} in the network of {vip}", link.mac);
        let evidence = vec![
            format!("`ip link` on {node}: {} has {}", link.name, link.mac),
            format!("`ip link` on {other}: {} has {}", second.name, second.mac),
        ];
        findings.push(Finding {
            next: format!(
                "Give {node}/{} or {other}/{} a MAC of its own, where it was given one: a cloned virtual machine keeps its template's. The neighbours learn it by an announcement: arping -U -I INTERFACE ADDRESS.",
                link.name, second.name
            ),
            ..twice(vec![Subject::interface(node, &link.name), Subject::interface(other, &second.name)], summary, evidence)
        });
    }
    findings
}

/// Whether any two of the nodes that were read have one MAC there.
#[must_use]
pub fn two_of_one_mac(case: &Case) -> bool {
    !macs(case).is_empty()
}

/// The same, where one of the two is the node that should take the requests.
pub(super) fn mac_of_announcer(case: &Case) -> Option<Finding> {
    let announcers: Vec<Subject> = case.announcement?.nodes.iter().map(|node| Subject::node(node)).collect();
    let concerns = |finding: &Finding| {
        finding.culprits.iter().any(|culprit| matches!(culprit, Subject::NodePart(node, _) if announcers.contains(&Subject::node(node))))
    };
    macs(case).into_iter().find(concerns)
}

fn twice(culprits: Vec<Subject>, summary: String, evidence: Vec<String>) -> Finding {
    found(names::NODE_DUPLICATE_ADDRESS, culprits, summary, evidence)
}

/// Whom a node sends to that sends to another node's address: its own neighbour entry for it, when that is not the other node.
struct Astray<'a> {
    from: &'a str,
    to: &'a str,
    address: IpAddr,
    entry: &'a Neighbour,
    mac: &'a str,
    /// The node that has that MAC, with the interface; a stranger when nobody that was read has it.
    holder: Option<(String, String)>,
}

impl<'a> Astray<'a> {
    fn of(case: &'a Case<'a>, from: &'a str, to: &'a str, address: IpAddr) -> Option<Self> {
        let pair = case.node_state(from)?;
        let own = case.node_state(to).and_then(|pair| pair.after.links());
        let right = |mac: &str| own.is_some_and(|own| own.iter().any(|link| link.mac.eq_ignore_ascii_case(mac)));
        // Whoever was heard last has the entry: it may change while it is looked at.
        let both = [&pair.after, &pair.before].map(|state| state.neighbours().unwrap_or_default());
        let wrong = |entry: &&Neighbour| entry.address == address && entry.mac.as_deref().is_some_and(|mac| !right(mac));
        let (entries, entry) = both.iter().find_map(|entries| Some((*entries, entries.iter().find(wrong)?)))?;
        let mac = entry.mac.as_deref()?;
        let holder = answering::macs(case).get(mac).cloned().filter(|(node, _)| node != to);
        // A stranger's it is only when every MAC of the other node is known; where one machine answers for many addresses, it is a router, or
        // the network itself.
        let alone = entries.iter().filter(|other| other.mac.as_deref() == Some(mac)).all(|other| other.address == address);
        (holder.is_some() || (own.is_some() && alone)).then_some(Self { from, to, address, entry, mac, holder })
    }

    fn evidence(&self) -> Vec<String> {
        let Self { from, to, address, entry, mac, .. } = self;
        let whose = match &self.holder {
            Some((node, interface)) => format!("{mac} is {node}/{interface}"),
            None => format!("no interface of {to} has {mac}"),
        };
        vec![format!("`ip neigh` on {from}: {address} is at {mac} on {} ({})", entry.device, entry.state), whose]
    }
}

/// What one node sends to another's address goes to somebody else, who has that address, too.
pub(super) fn second_holder(case: &Case, from: &str, to: &str, address: IpAddr) -> Option<Finding> {
    let astray = Astray::of(case, from, to, address)?;
    let mut evidence = astray.evidence();
    let second = match &astray.holder {
        Some((node, _)) => {
            let interface = interface_with(&case.node_state(node)?.after, address)?;
            evidence.push(format!("`ip addr` on {node}: {interface} has {address}"));
            Subject::interface(node, interface)
        }
        // A permanent entry is somebody's own doing, and no second holder's.
        None if astray.entry.state == "PERMANENT" => return None,
        None => Subject::mac(astray.mac),
    };
    let summary = format!("{address}, the address of {to}, is held by {second}, too, and {from} sends there");
    Some(twice(vec![second, Subject::node(to)], summary, evidence))
}

/// What one node sends to another's address goes to a machine that does not have it.
pub(super) fn wrong_entry(case: &Case, from: &str, to: &str, address: IpAddr) -> Option<Finding> {
    let astray = Astray::of(case, from, to, address)?;
    let held = astray.holder.as_ref().is_some_and(|(node, _)| case.node_state(node).is_none_or(|pair| pair.after.has_address(address)));
    if held || (astray.holder.is_none() && astray.entry.state != "PERMANENT") {
        return None;
    }
    Some(found(
        names::WIRE_STALE_NEIGHBOUR,
        vec![Subject::interface(from, &astray.entry.device), Subject::address(address)],
        format!("{from} sends what is for {address} ({to}) to {}, which is another machine's MAC", astray.mac),
        astray.evidence(),
    ))
}

#[cfg(test)]
mod tests;
