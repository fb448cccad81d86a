//! Between the client and the announcing node: ARP, neighbours, interfaces, the network itself.

mod arp;
pub(super) mod request_lost;
pub(super) mod resolution;
mod router_word;
pub(super) mod rules;

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;

use resolution::Asking;

use super::road::Road;
use super::rule::{Log, View};
use super::{announce, answering, holders};
use crate::analysis::state::network::Link;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// MACs that answer and belong to no node, when every node that could have them was looked at. Without MetalLB a machine outside of the
/// cluster may be meant to answer.
fn foreign(case: &Case) -> Vec<String> {
    if case.announcement.is_some_and(|announcement| announcement.metallb.instead.is_some()) {
        return Vec::new();
    }
    let known = answering::macs(case);
    if !answering::all_looked_at(case) {
        return Vec::new();
    }
    answering::answering(case).into_iter().filter(|mac| !known.contains_key(mac)).collect()
}

/// Requests that no node took, and what is known of the announcement.
pub(super) struct Before<'a> {
    pub case: &'a Case<'a>,
    pub roads: &'a [&'a Road<'a>],
    /// A finding of the announcement that explains why nobody is heard.
    pub silencing: Option<&'a Finding>,
}

/// Between the client and the node that should take its requests.
pub(super) struct BeforeNode;

impl View for BeforeNode {
    type Of<'a> = Before<'a>;

    fn case<'s>(scene: &'s Before<'_>) -> &'s Case<'s> {
        scene.case
    }

    fn roads<'s>(scene: &'s Before<'_>) -> &'s [&'s Road<'s>] {
        scene.roads
    }
}

/// What the wire shows while everybody is answered.
pub(super) fn latent(case: &Case, log: &Log) -> Vec<Finding> {
    log.all(&rules::STANDING, "", &Before { case, roads: &[], silencing: None })
}

/// Somebody who is no node answers for the address.
fn duplicate(case: &Case) -> Option<Finding> {
    let foreign = foreign(case);
    let address = case.address()?;
    if foreign.is_empty() {
        return None;
    }
    let mut culprits: Vec<Subject> = foreign.iter().map(|mac| Subject::mac(mac)).collect();
    let heard = |mac: &String| {
        let asks = case.asks();
        let by = |(name, answered): &&(String, String)| !name.is_empty() && answered.eq_ignore_ascii_case(mac);
        let places: BTreeSet<String> =
            asks.flat_map(|ask| ask.replies.iter().filter(by).map(|(name, _)| format!("{}/{name}", ask.host.name))).collect();
        if places.is_empty() { String::new() } else { format!(" (heard on {})", places.into_iter().collect::<Vec<_>>().join(", ")) }
    };
    let mut evidence: Vec<String> = foreign
        .iter()
        .map(|mac| format!("{mac} answers by ARP for {address}{}, and no node that was read has that MAC", heard(mac)))
        .collect();
    for (owner, told) in foreign.iter().filter_map(|mac| holders::owner(case, mac)) {
        culprits.push(owner);
        evidence.push(told);
    }
    evidence.extend(answering::answering_nodes(case).into_iter().map(|(node, what)| format!("{what} of {node} answers too")));
    Some(found(
        names::WIRE_DUPLICATE_ADDRESS,
        culprits,
        format!("another host of the network, {}, answers by ARP for {address}", foreign.join(" and ")),
        evidence,
    ))
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
    let mut names = state.on_link(address).unwrap_or_default();
    for name in &announcement.interfaces {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let links: Vec<&Link> = names.iter().filter_map(|name| state.link(name)).collect();
    // One working interface is enough to be reached.
    if links.is_empty() || links.iter().any(|link| link.up && link.lower_up && link.master.is_none() && !link.no_arp) {
        return None;
    }
    let link = links[0];
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
pub(super) fn before_node(case: &Case, log: &Log, roads: &[&Road], announces: &[Finding]) -> Result<Finding, Gap> {
    let silencing = announces.iter().find(|finding| announce::silences(finding));
    let before = Before { case, roads, silencing };
    let place = names(roads).join(" and ");
    if case.announcement.is_some_and(|announcement| announcement.protocol == "bgp") {
        return log.first(&rules::BEFORE_ROUTED_NODE, &place, &before).unwrap_or_else(|| Err(router_not_asked(case, roads)));
    }
    if let Some(decided) = log.first(&rules::BEFORE_NODE, &place, &before) {
        return decided;
    }
    let Some(node) = case.announcer() else {
        return Err(undecided(case, "nobody is known to announce the address", "whether it is announced at all"));
    };
    // What was not seen on the node says something only of the rounds in which nothing was lost there.
    let watched: Vec<&Road> = roads.iter().copied().filter(|road| road.watched(&node)).collect();
    if watched.is_empty() {
        return Err(undecided(case, &format!("{node} could not be watched"), &format!("whether the request reaches {node}")));
    }
    let by_default = || Err(undecided(case, "nothing explains why the request reaches no node", "where the request is lost"));
    log.first(&rules::RESOLUTION, &node, &Asking::of(case, &watched, &node)).unwrap_or_else(by_default)
}

/// A router decides where the requests go, and what it does with them is not known.
fn router_not_asked(case: &Case, roads: &[&Road]) -> Gap {
    let bgp = case.announcement.and_then(|announcement| announcement.bgp.as_ref());
    if bgp.is_some_and(|bgp| bgp.router.is_some()) {
        let reason = format!("the router has a route, and what {} sends reaches no node that was watched", names(roads).join(" and "));
        return undecided(case, &reason, "where the router sends it");
    }
    Gap::new(
        names::EVIDENCE_NO_VANTAGE,
        case.service,
        "the nodes announce the address over sessions that are up, and the requests reach none of them; no router was given that could be asked (--set router=ssh:HOST)",
        "whether the router takes the prefix, and where it sends the requests",
    )
    .decisive()
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

/// The node that should take it cannot be reached at all, and the cluster has lost it too.
fn unreachable_node(case: &Case) -> Option<Finding> {
    super::bgp::meant_nodes(case).into_iter().chain(case.announcer()).find_map(|node| gone(case, &node))
}

/// Every node that is meant to announce over BGP and is not there.
fn unreachable_next_hops(case: &Case) -> Vec<Finding> {
    super::bgp::meant_nodes(case).iter().filter_map(|node| gone(case, node)).collect()
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

/// How long a queue makes packets wait that is worth a word, milliseconds: on no usual network do some take so much longer than others.
const QUEUED: i64 = 500;

/// The answer left the announcing node for the client and did not arrive.
pub(super) fn reply_lost(case: &Case, roads: &[&Road], node: &str) -> Finding {
    let vantages = names(roads);
    let clients = vantages.join(" and ");
    let out = roads
        .iter()
        .flat_map(|road| {
            road.hops(|hop| !hop.request && hop.passage == Passage::Out && hop.place == node && Some(hop.source.0) == case.address())
        })
        .count();
    let all = case.roads();
    let of_these = || all.iter().filter(|road| vantages.contains(&road.client()));
    let answered = of_these().filter(|road| road.connection.attempt.answered()).count();
    let came =
        roads.iter().flat_map(|road| road.hops(|hop| !hop.request && hop.passage == Passage::In && hop.place == road.client())).count();
    let mut evidence = vec![match came {
        0 => format!("{out} packets of the answer left {node} by the interface of arrival, none came in at the client"),
        some => format!(
            "of {out} packets of these answers that left {node} by the interface of arrival, {some} came in at the client while it was watched"
        ),
    }];
    let delays: Vec<i64> = of_these().flat_map(|road| road.delays_back(node)).collect();
    let spread =
        delays.iter().max().zip(delays.iter().min()).map(|(most, least)| (most - least) / 1_000_000).filter(|spread| *spread >= QUEUED);
    if let Some(spread) = spread {
        evidence.push(format!(
            "of the packets that come from {node} to {clients}, some take {}.{} s longer than others: they wait in a queue on the way",
            spread / 1_000,
            spread % 1_000 / 100
        ));
    }
    let summary = match (answered, spread) {
        (_, Some(_)) => format!("answers wait and are lost between {node} and {clients}: the way there is narrow or overloaded"),
        (0, None) if came == 0 => format!("the answer leaves {node} and does not reach {clients}"),
        (0, None) => format!("answers leave {node} and do not all reach {clients}"),
        (some, None) => format!("the answers of {} of {} tries leave {node} and do not reach {clients}", roads.len(), roads.len() + some),
    };
    if let Some(other) = led_over(case, roads, node) {
        evidence.push(format!("answers that {node} sends come in on {other}, and the requests did not come by it"));
        let routes = case.node_state(node).and_then(|pair| pair.after.routes());
        let client = all.iter().find_map(|road| road.connection.attempt.source.filter(|_| vantages.contains(&road.client())));
        let route =
            client.and_then(|client| routes?.towards(client)).filter(|route| route.via.is_some_and(|via| case.is_node_address(via)));
        evidence.extend(route.map(|route| format!("route on {node}: {}", route.text.trim())));
        let of_route = client.filter(|_| route.is_some()).map(|client| Subject::route(node, client));
        let between = [Subject::network(node, &vantages.join("+")), Subject::node(&other), Subject::node(node)];
        let culprits = of_route.into_iter().chain(between).collect();
        let summary = format!("{node} sends its answers to {clients} over {other}, another node, and they do not come to {clients} by it");
        let mut finding = found(names::WIRE_REPLY_LOST, culprits, summary, evidence);
        let which = match route {
            Some(route) => format!("on {node}: ip route del {}, where another one leads back", route.text.trim()),
            None => format!("ip route get CLIENT on {node}"),
        };
        finding.next = format!(
            "Correct {node}'s route to {clients} ({which}) so that answers go the way that requests come. {other} drops what belongs to no connection that it knows: kube-proxy's own rule for ctstate INVALID does."
        );
        return finding;
    }
    let mut finding = found(names::WIRE_REPLY_LOST, vec![Subject::network(node, &vantages.join("+"))], summary, evidence);
    if spread.is_some() {
        finding.next = format!(
            "Look at the line between {node} and {clients}: its bandwidth, shapers and queues (tc -s qdisc on routers that run Linux)."
        );
    }
    finding
}

/// Another node of the cluster on which the answers of every one of these tries come in, addressed to it.
fn led_over(case: &Case, roads: &[&Road], node: &str) -> Option<String> {
    let over = |road: &Road| -> BTreeSet<String> {
        let vip = case.address();
        road.hops(|hop| !hop.request && hop.passage == Passage::In && hop.tunnel.is_none() && Some(hop.source.0) == vip)
            .map(|hop| hop.place.clone())
            .filter(|place| place != node && case.node(place).is_some())
            .collect()
    };
    // A place that was not watched in a round shows none of it.
    let mut all = roads.iter().map(|road| over(road)).filter(|places| !places.is_empty());
    let first = all.next()?;
    all.fold(first, |common, next| common.intersection(&next).cloned().collect()).into_iter().next()
}

fn names(roads: &[&Road]) -> Vec<String> {
    roads.iter().map(|road| road.client()).collect::<BTreeSet<_>>().into_iter().collect()
}

fn undecided(case: &Case, reason: &str, undecided: &str) -> Gap {
    Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, undecided).decisive()
}

#[cfg(test)]
mod tests;
