//! Between the client and the announcing node: ARP, neighbours, interfaces, the network itself.

mod arp;
mod router_word;

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;

use arp::Arp;

use super::road::Road;
use super::{announce, answering, client, holders, neighbours};
use crate::analysis::state::network;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// MACs that answer and belong to no node, when every node that could have them was looked at.
fn foreign(case: &Case) -> Vec<String> {
    let known = answering::macs(case);
    if !answering::all_looked_at(case) {
        return Vec::new();
    }
    answering::answering(case).into_iter().filter(|mac| !known.contains_key(mac)).collect()
}

/// What the wire shows while everybody is answered.
pub(super) fn latent(case: &Case) -> Vec<Finding> {
    let meant = super::bgp::meant_nodes(case);
    duplicate(case)
        .into_iter()
        .chain(flux(case))
        .chain(interface_down(case))
        .chain(meant.iter().filter_map(|node| gone(case, node)))
        .collect()
}

/// Somebody who is no node answers for the address.
fn duplicate(case: &Case) -> Option<Finding> {
    let foreign = foreign(case);
    let address = case.address()?;
    if foreign.is_empty() {
        return None;
    }
    let mut culprits: Vec<Subject> = foreign.iter().map(|mac| Subject::mac(mac)).collect();
    let mut evidence: Vec<String> =
        foreign.iter().map(|mac| format!("{mac} answers by ARP for {address}, and no node that was read has that MAC")).collect();
    for (owner, told) in foreign.iter().filter_map(|mac| holders::owner(case, mac)) {
        culprits.push(owner);
        evidence.push(told);
    }
    evidence.extend(answering::answering_nodes(case).into_iter().map(|(node, what)| format!("{what} of {node} answers too")));
    Some(found(names::WIRE_DUPLICATE_ADDRESS, culprits, format!("another host of the network claims {address}"), evidence))
}

/// Several interfaces of one node answer.
fn flux(case: &Case) -> Option<Finding> {
    let answers = answering::answering_nodes(case);
    let (node, first) = answers.first()?;
    if answers.len() < 2 || answers.iter().any(|(other, _)| other != node) {
        return None;
    }
    Some(found(
        names::WIRE_WRONG_INTERFACE,
        vec![Subject::node(node)],
        format!("several interfaces of {node} answer by ARP for the address"),
        answers.iter().map(|(_, what)| format!("{node}/{what} answers")).chain([format!("the first is {first}")]).collect(),
    ))
}

/// The announcing node's interface on the address's network cannot carry anything.
fn interface_down(case: &Case) -> Option<Finding> {
    let announcement = case.announcement?;
    let address = case.address()?;
    let node = announcement.nodes.first().or(announcement.expected.as_ref())?;
    let state = &case.node_state(node)?.after;
    let mut names = network::on_link(state, address);
    names.extend(announcement.interfaces.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
    let links: Vec<network::Link> = names.iter().filter_map(|name| network::link_named(state, name)).collect();
    // One working interface is enough to be reached.
    if links.is_empty() || links.iter().any(|link| link.up && link.lower_up && link.master.is_none() && !link.no_arp) {
        return None;
    }
    let link = &links[0];
    let what = if !link.up {
        "is administratively down".to_owned()
    } else if !link.lower_up {
        "has no carrier".to_owned()
    } else if let Some(master) = &link.master {
        format!("is enslaved to {master}, so that MetalLB does not answer on it")
    } else {
        "is set to NOARP".to_owned()
    };
    Some(found(
        names::WIRE_INTERFACE_DOWN,
        vec![Subject::interface(node, &link.name)],
        format!("the interface {} of {node}, on the address's network, {what}", link.name),
        vec![format!("`ip link` on {node}: {} {what}", link.name)],
    ))
}

/// The first packet never reached a node: causes from the nearest to proven down to the network itself.
pub(super) fn before_node(case: &Case, roads: &[&Road], announces: &[Finding]) -> Result<Finding, Gap> {
    let silencing = announces.iter().find(|finding| announce::silences(finding));
    if case.announcement.is_some_and(|announcement| announcement.protocol == "bgp") {
        return before_routed_node(case, roads, silencing);
    }
    if let Some(finding) = interface_down(case).filter(|_| {
        silencing.is_none_or(|finding| finding.name == names::ANNOUNCE_NOBODY || finding.name == names::ANNOUNCE_INTERFACE_OFF_LINK)
    }) {
        return Ok(finding);
    }
    if let Some(finding) = holders::taken_by_client(case, roads) {
        return Ok(finding);
    }
    if let Some(finding) = neighbours::stale(case, roads) {
        return Ok(finding);
    }
    if let Some(finding) = duplicate(case) {
        return Ok(finding);
    }
    if let Some(finding) = silencing {
        return Ok(finding.clone());
    }
    if let Some(finding) = unreachable_node(case) {
        return Ok(finding);
    }
    let Some(node) = case.announcer() else {
        return Err(undecided(case, "nobody is known to announce the address", "whether it is announced at all"));
    };
    // What was not seen on the node says something only of the rounds in which nothing was lost there.
    let watched: Vec<&Road> = roads.iter().copied().filter(|road| road.watched(&node)).collect();
    if watched.is_empty() {
        return Err(undecided(case, &format!("{node} could not be watched"), &format!("whether the request reaches {node}")));
    }
    address_resolution(case, &watched, &node)
}

/// As `before_node`, for an address that is announced over BGP: nobody asks for it by ARP, and a router decides where it goes.
fn before_routed_node(case: &Case, roads: &[&Road], silencing: Option<&Finding>) -> Result<Finding, Gap> {
    if let Some(finding) = silencing {
        return Ok(finding.clone());
    }
    if let Some(finding) = unreachable_node(case) {
        return Ok(finding);
    }
    if let Some(finding) = router_word::no_route(case, roads) {
        return Ok(finding);
    }
    if let Some(finding) = before_some_only(case, roads) {
        return Ok(finding);
    }
    let bgp = case.announcement.and_then(|announcement| announcement.bgp.as_ref());
    let router = bgp.and_then(|bgp| bgp.router.as_ref());
    if router.is_some() {
        let reason = format!("the router has a route, and what {} sends reaches no node that was watched", names(roads).join(" and "));
        return Err(undecided(case, &reason, "where the router sends it"));
    }
    Err(Gap::new(
        names::EVIDENCE_NO_VANTAGE,
        case.service,
        "the nodes announce the address over sessions that are up, and the requests reach none of them; no router was given that could be asked (--set router=ssh:HOST)",
        "whether the router takes the prefix, and where it sends the requests",
    )
    .decisive())
}

/// What some places send reaches none of the nodes, and what others send does: the prefix is routed, and lost on the way from these.
fn before_some_only(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let vantages = names(roads);
    let all = case.roads();
    let reached: BTreeSet<String> =
        all.iter().filter(|road| !vantages.contains(&road.client())).filter_map(Road::entry).map(|(node, _)| node).collect();
    // From the same place some tries came through: then it is a next hop that fails, and not the way there.
    let partly = all.iter().any(|road| vantages.contains(&road.client()) && road.entry().is_some());
    let silent = roads.iter().any(|road| road.sent().next().is_none());
    if reached.is_empty() || partly || silent || !answering::unwatched_nodes(case, roads).is_empty() {
        return None;
    }
    let nodes = case.announcement?.bgp.as_ref()?.sending();
    Some(found(
        names::WIRE_REQUEST_LOST,
        vec![Subject::network(&vantages.join("+"), &nodes.join("+"))],
        format!("what {} sends reaches none of the nodes, what others send does", vantages.join(" and ")),
        vec![
            format!("{} tries left {} and came in on none of {}", roads.len(), vantages.join(" and "), nodes.join(", ")),
            format!("tries from elsewhere came in on {}", reached.into_iter().collect::<Vec<_>>().join(", ")),
        ],
    ))
}

/// ARP and the first packet, as both sides saw them.
fn address_resolution(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let vantages = names(roads);
    let between = Subject::network(&vantages.join("+"), node);
    let sent = roads.iter().any(|road| road.sent().next().is_some());
    // Only a client that was watched is known to have sent nothing.
    let quiet = !sent && roads.iter().all(|road| road.watched(&road.client()));
    // Who sends nothing asks for the address himself; for the others somebody on the way asks, a router.
    let arp = Arp::seen(case, roads, node, quiet);
    let by = resolution(case);
    if arp.asked_at_node == 0 && arp.asked_elsewhere > 0 {
        return Ok(found(
            names::WIRE_REQUEST_LOST,
            vec![between],
            format!("{by} requests for the address reach other nodes and not {node}, which announces it"),
            vec![format!("{} {by} requests for the address came in on other nodes, none on {node}", arp.asked_elsewhere)],
        ));
    }
    if arp.asked_at_node > 0 && arp.answered_anybody == 0 && (quiet || arp.router_asks) {
        let reason = format!("{by} requests for the address reach {node}, and it answers none");
        return no_answer(case, node, &arp).ok_or_else(|| undecided(case, &reason, "why the speaker does not answer"));
    }
    if arp.asked_at_node > 0 && arp.answered_by_node > 0 && quiet && arp.client_asked > 0 && arp.client_answered == 0 {
        return Ok(found(
            names::WIRE_REPLY_LOST,
            vec![between],
            format!("{node} answers by {by}, and the answer does not reach {}", vantages.join(" and ")),
            vec![
                format!("{} {by} requests for the address came in on {node}, {} answers left it", arp.asked_at_node, arp.answered_by_node),
                format!("{} {by} requests left the client, no answer came in", arp.client_asked),
            ],
        ));
    }
    if quiet && arp.client_asked > 0 && arp.asked_at_node > 0 {
        let reason = format!("ARP requests of {} reach {node}, and it answers others and not these", vantages.join(" and "));
        return Err(undecided(case, &reason, "why they are not answered"));
    }
    if arp.answered_by_node > 0 && sent && arp.router_unreachable && arp.router_asks_again {
        return Ok(found(
            names::WIRE_REPLY_LOST,
            vec![between],
            format!("{node} answers the router by {by}, and the answer does not reach it"),
            vec![
                format!("{} {by} requests for the address came in on {node}, {} answers left it", arp.asked_at_node, arp.answered_by_node),
                "a router reports the address as unreachable by ICMP".to_owned(),
            ],
        ));
    }
    if quiet && arp.client_asked > 0 && arp.asked_at_node == 0 {
        return asked_in_vain(case, &arp, &vantages, node);
    }
    if !sent {
        return client::firewall(case, roads).ok_or_else(|| match client::way::gateway_silent(case, roads) {
            Some(reason) => undecided(case, &reason, "whether that gateway is gone, or the client's route names the wrong one"),
            None => undecided(case, "nothing was seen to leave the client", "what keeps the client from asking"),
        });
    }
    if arp.router_unreachable {
        return Err(undecided(
            case,
            "a router reports the address as unreachable by ICMP",
            &format!("whether its {by} requests or the answers are lost"),
        ));
    }
    if let Some(finding) = neighbours::wrong_port(case, roads, node) {
        return Ok(finding);
    }
    // The request left the client for the right neighbour, and no node that could take it saw it.
    // One round in which all of them were watched is enough; that the first one looks at fewer nodes is the usual case.
    let whole: Vec<&Road> = roads.iter().copied().filter(|road| answering::unwatched_nodes(case, &[*road]).is_empty()).collect();
    if whole.is_empty() {
        let unwatched = answering::unwatched_nodes(case, roads);
        return Err(undecided(case, &format!("{} could not be watched", unwatched.join(", ")), "whether the request went to another node"));
    }
    let roads = whole.as_slice();
    // Who of IPv6 was told where to send may have been told by an advertisement that no capture holds: it is sent to him alone.
    if case.address().is_some_and(|address| address.is_ipv6()) {
        return Err(undecided(
            case,
            &format!("the request leaves {} and reaches no node", vantages.join(" and ")),
            "whether requests are lost, or the neighbour advertisements that would lead them",
        ));
    }
    let count = roads.iter().map(|road| road.sent().count()).sum::<usize>();
    if count == 0 {
        return Err(undecided(
            case,
            "nothing was seen to leave the client while all nodes were watched",
            "whether the request went to another node",
        ));
    }
    Ok(found(
        names::WIRE_REQUEST_LOST,
        vec![between],
        format!("the request leaves {} and reaches no node", vantages.join(" and ")),
        vec![
            format!("{count} packets left the client for the address"),
            "none of them came in on any node that may announce it".to_owned(),
        ],
    ))
}

/// How a neighbour asks who has the address.
fn resolution(case: &Case) -> &'static str {
    if case.address().is_some_and(|address| address.is_ipv6()) { "NDP" } else { "ARP" }
}

fn no_answer(case: &Case, node: &str, arp: &Arp) -> Option<Finding> {
    let state = &case.node_state(node)?.after;
    let by = resolution(case);
    if network::processes(state, "speaker")?.contains(&'T') {
        return Some(found(
            names::ANNOUNCE_SPEAKER_UNHEALTHY,
            vec![Subject::speaker(node)],
            format!("the speaker on {node} is stopped: it runs and answers nothing"),
            vec![
                format!("{} {by} requests came in on {node}, no answer left it", arp.asked_at_node),
                format!("the kernel shows the process speaker on {node} in state T"),
            ],
        ));
    }
    let address = case.address()?;
    let interface = network::on_link(state, address).into_iter().next()?;
    let announced = case.announcement?.claimed_by(node);
    announced.then(|| {
        found(
            names::WIRE_NO_ANSWER,
            vec![Subject::interface(node, &interface)],
            format!("{node} says that it announces the address, requests reach it, and it answers none"),
            vec![format!("{} {by} requests came in on {node}, no answer left it", arp.asked_at_node)],
        )
    })
}

/// The clients' ARP requests leave them and do not come to the node.
fn asked_in_vain(case: &Case, arp: &Arp, vantages: &[String], node: &str) -> Result<Finding, Gap> {
    let clients = vantages.join(" and ");
    let by = resolution(case);
    // Of a client that is in none of the node's networks it is open whether the network loses its requests, or its route is wrong.
    if let Some(pair) = case.node_state(node)
        && !arp.askers.is_empty()
        && !network::addresses(&pair.after).iter().any(|(_, net)| arp.askers.iter().any(|asker| net.contains(asker)))
    {
        let reason = format!("{clients} asks by {by}, and has no address in any network of {node}");
        return Err(undecided(case, &reason, "whether its route takes the address for a neighbour's"));
    }
    Ok(found(
        names::WIRE_REQUEST_LOST,
        vec![Subject::network(&vantages.join("+"), node)],
        format!("{by} requests leave {clients} and do not reach {node}"),
        vec![format!("{} {by} requests left the client, none came in on {node}", arp.client_asked)],
    ))
}

/// The node that should take it cannot be reached at all, and the cluster has lost it too.
fn unreachable_node(case: &Case) -> Option<Finding> {
    super::bgp::meant_nodes(case).into_iter().chain(case.announcer()).find_map(|node| gone(case, &node))
}

/// A node that announces, as far as MetalLB says, and is not there.
fn gone(case: &Case, node: &str) -> Option<Finding> {
    let evidence = super::node::gone::lost(case, node)?;
    Some(found(
        names::NODE_UNREACHABLE,
        vec![Subject::node(node)],
        format!("{node} announces the address as far as MetalLB says, and cannot be reached"),
        evidence,
    ))
}

/// The answer left the announcing node for the client and did not arrive.
pub(super) fn reply_lost(case: &Case, roads: &[&Road], node: &str) -> Finding {
    if let Some(finding) = neighbours::back(case, roads, node) {
        return finding;
    }
    let vantages = names(roads);
    let out = roads
        .iter()
        .flat_map(|road| {
            road.hops(|hop| !hop.request && hop.passage == Passage::Out && hop.place == node && Some(hop.source.0) == case.address())
        })
        .count();
    found(
        names::WIRE_REPLY_LOST,
        vec![Subject::network(node, &vantages.join("+"))],
        format!("the answer leaves {node} and does not reach {}", vantages.join(" and ")),
        vec![format!("{out} packets of the answer left {node} by the interface of arrival, none came in at the client")],
    )
}

fn names(roads: &[&Road]) -> Vec<String> {
    roads.iter().map(|road| road.client()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn undecided(case: &Case, reason: &str, undecided: &str) -> Gap {
    Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, undecided).decisive()
}

#[cfg(test)]
mod tests;
