//! Where to look closer: which places, which questions to their routing, and from where to ask again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::judge::road::Road;
use super::judge::{Case, answered_elsewhere, contradicting, judge};
use super::state::ways::RouteQuestion;
use crate::model::announcement::{Agreement, Announcement};
use crate::model::connection::{Hop, Sighting};
use crate::model::endpoint::Target;
use crate::model::finding::Severity;
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::probe::{Ending, Probe, Vantage};

/// What a closer look is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Node names with the questions to their routing.
    pub nodes: BTreeMap<String, Vec<RouteQuestion>>,
    /// Node names with what came in there and was to be forwarded, as questions to their routing.
    pub forwarded: BTreeMap<String, Vec<RouteQuestion>>,
    /// Pod names with the questions to their routing.
    pub pods: BTreeMap<String, Vec<RouteQuestion>>,
    /// Pod names with what they answer to whom, as questions to their routing: a policy rule may go by their own address.
    pub answering: BTreeMap<String, Vec<RouteQuestion>>,
    /// Nodes of which it is only asked whose MACs and addresses they have: one of them may answer for the address without being meant to.
    pub others: Vec<String>,
    /// Vantage points whose tries failed: they are looked at, and asked from again.
    pub again: Vec<Vantage>,
    /// Why a closer look is worth it.
    pub because: Vec<String>,
}

/// Nodes that are looked at closer, at most.
const MOST_NODES: usize = 8;

/// Questions to the routing of one place, at most.
const MOST_QUESTIONS: usize = 24;

/// Why a closer look can tell nothing more of tries that all failed, although they did: the objects say already that nobody would take a
/// request, so that no packet on the way decides anything. `None` where it may.
#[must_use]
pub fn needless(case: &Case) -> Option<&'static str> {
    let (announcement, target, flow) = (case.announcement?, case.target?, case.flow?);
    let answered =
        flow.probes.iter().flat_map(|probe| &probe.attempts).any(|attempt| attempt.ending != Ending::CouldNotAsk && attempt.answered());
    // Somebody who has the address without being meant to is looked for.
    let claimed = !flow.answering_macs().is_empty() || !announcement.nodes.is_empty() || announcement.agreement != Agreement::None;
    if answered || claimed || flow.probes.is_empty() {
        return None;
    }
    let judgement = judge(case);
    let mut failing = judgement.findings.iter().filter(|finding| finding.severity == Severity::Fail).map(|finding| finding.name.as_str());
    let first = failing.next()?;
    if !of_objects(first) || !failing.all(of_objects) || judgement.gaps.iter().any(|gap| gap.decisive) {
        return None;
    }
    Some(if target.serving().is_empty() {
        "no endpoint serves, and nobody announces the address"
    } else {
        "nobody is meant to announce the address"
    })
}

/// Whether a finding is of what the API's objects say alone.
fn of_objects(name: &str) -> bool {
    ["address/", "announce/", "endpoints/"].iter().any(|area| name.starts_with(area))
}

/// The nodes whose MACs are compared where nothing is suspicious.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Those that requests pass, and those that may take the address at layer 2; not one alone.
    pub nodes: Vec<String>,
    /// Those among them that requests pass: who announces, and whose pods serve.
    pub on_the_way: Vec<String>,
}

/// Which nodes' MACs to compare where nothing is suspicious: none where no address is taken at layer 2.
#[must_use]
pub fn compared(announcement: &Announcement, target: Option<&Target>) -> Compared {
    if announcement.protocol == "bgp" || announcement.nodes.is_empty() {
        return Compared::default();
    }
    let serving = target.map(Target::serving).unwrap_or_default();
    let distinct = |names: &mut dyn Iterator<Item = &str>| {
        let mut kept: Vec<String> = Vec::new();
        for name in names {
            if kept.len() < MOST_NODES && !kept.iter().any(|known| known == name) {
                kept.push(name.to_owned());
            }
        }
        kept
    };
    let passed = || announcement.nodes.iter().map(String::as_str).chain(serving.iter().filter_map(|endpoint| endpoint.node.as_deref()));
    let nodes = distinct(&mut passed().chain(announcement.may_announce()));
    if nodes.len() < 2 { Compared::default() } else { Compared { nodes, on_the_way: distinct(&mut passed()) } }
}

/// What is worth a closer look, or `None` when nothing is.
#[must_use]
pub fn plan(case: &Case) -> Option<Plan> {
    let announcement = case.announcement?;
    let flow = case.flow?;
    let mut plan = Plan::default();
    if !flow.all_answered() {
        plan.because.push("not every try was answered".to_owned());
    } else if !flow.all_answered_at_once() {
        plan.because.push("first packets had to be sent again".to_owned());
    }
    if flow.answering_macs().len() > 1 {
        plan.because.push("several MACs answer for the address by ARP".to_owned());
    }
    if matches!(announcement.agreement, Agreement::Several | Agreement::Conflict) && announcement.protocol != "bgp" {
        plan.because.push("the sources name different announcers".to_owned());
    }
    let elsewhere = answered_elsewhere(case);
    if !elsewhere.is_empty() {
        plan.because.push("answered tries came to no node that was watched".to_owned());
    }
    if flow.all_answered_at_once() {
        plan.because.extend(contradicting(case));
    }
    let links: BTreeSet<&str> =
        flow.captures.iter().flat_map(|capture| capture.links.iter()).map(|name| name.split('@').next().unwrap_or(name)).collect();
    if !announcement.interfaces.is_empty() && !links.is_empty() && !announcement.interfaces.iter().any(|name| links.contains(name.as_str()))
    {
        plan.because.push("the advertisement names interfaces that no watched node has".to_owned());
    }
    let routed = announcement.bgp.as_ref().filter(|_| announcement.protocol == "bgp");
    if routed.is_some() {
        plan.because.push("only the nodes' own kernels tell whether their BGP sessions are alive".to_owned());
    }
    if plan.because.is_empty() {
        return None;
    }
    let late = |probe: &Probe| !flow.all_answered_at_once() && flow.resent.iter().any(|connection| connection.vantage == probe.vantage);
    let failing = |probe: &&Probe| (!probe.all_answered() || late(probe) || elsewhere.contains(&probe.vantage)) && !probe.nobody_asked();
    plan.again = flow.probes.iter().filter(failing).map(|probe| probe.vantage.clone()).collect();
    let roads = case.roads();
    let serving = case.target.map(Target::serving).unwrap_or_default();
    let clients: BTreeSet<IpAddr> =
        flow.probes.iter().flat_map(|probe| probe.attempts.iter()).filter_map(|attempt| attempt.source).collect();
    let endpoints: BTreeSet<IpAddr> = serving.iter().map(|endpoint| endpoint.ip).collect();
    let seen_by_pods = sources_seen(case, &roads);
    let wanted: Vec<IpAddr> = clients.iter().chain(&endpoints).chain(&seen_by_pods).copied().collect::<BTreeSet<_>>().into_iter().collect();
    let questions: Vec<RouteQuestion> = wanted.iter().take(MOST_QUESTIONS).map(|ip| RouteQuestion::to(*ip)).collect();
    let mut names: Vec<String> = announcement.nodes.clone();
    names.extend(announcement.expected.iter().cloned());
    names.extend(serving.iter().filter_map(|endpoint| endpoint.node.clone()));
    match routed {
        Some(bgp) => names.extend(bgp.candidates.iter().cloned()),
        None => names.extend(announcement.may_announce().into_iter().map(str::to_owned)),
    }
    names.extend(own_nodes(flow));
    for name in names {
        if plan.nodes.len() < MOST_NODES {
            plan.nodes.entry(name).or_insert_with(|| questions.clone());
        }
    }
    plan.forwarded = forwarded(&roads, &endpoints);
    plan.forwarded.retain(|name, _| plan.nodes.contains_key(name));
    if flow.answering_macs().len() > 1 || !elsewhere.is_empty() {
        let names = announcement.nodes_seen.iter().map(|node| &node.name);
        plan.others = names.filter(|name| !plan.nodes.contains_key(*name)).take(MOST_NODES).cloned().collect();
    }
    if !flow.all_answered_at_once() {
        let node_ips: BTreeSet<IpAddr> = announcement.nodes_seen.iter().flat_map(|node| node.internal_ips.iter().copied()).collect();
        let asked: BTreeSet<IpAddr> = seen_by_pods.iter().chain(&node_ips).chain(&clients).copied().collect();
        let questions: Vec<RouteQuestion> = asked.iter().take(MOST_QUESTIONS).map(|ip| RouteQuestion::to(*ip)).collect();
        for (pod, own) in serving.iter().filter_map(|endpoint| Some((endpoint.pod.clone()?, endpoint.ip))).take(8) {
            let from = seen_by_pods.iter().take(MOST_QUESTIONS).map(|ip| RouteQuestion::with(*ip, Some(own), None, None));
            plan.answering.insert(pod.clone(), from.collect());
            plan.pods.insert(pod, questions.clone());
        }
    }
    Some(plan)
}

/// What came in on each node and was to be forwarded, as the kernel sees it when it looks for the way: translated to an endpoint already, and
/// an answer back to its client.
fn forwarded(roads: &[Road], endpoints: &BTreeSet<IpAddr>) -> BTreeMap<String, Vec<RouteQuestion>> {
    let mut all: BTreeMap<String, BTreeMap<String, RouteQuestion>> = BTreeMap::new();
    for road in roads.iter().filter(|road| !road.connection.attempt.answered()) {
        let vip = road.case.address();
        let entry = road.entry().map(|(node, _)| node);
        for hop in road.hops(|hop| hop.passage == Passage::In && hop.tunnel.is_none() && hop.what != Sighting::IcmpError) {
            let questions = all.entry(hop.place.clone()).or_default();
            let mut ask = |to: IpAddr| {
                let question = RouteQuestion::forwarded(to, hop.source.0, &hop.interface);
                questions.insert(question.key(), question);
            };
            if hop.request && Some(hop.destination.0) == vip {
                for endpoint in endpoints.iter().filter(|endpoint| road.endpoint().is_none_or(|(known, _)| known == **endpoint)) {
                    ask(*endpoint);
                }
            } else if !hop.request && entry.as_ref() == Some(&hop.place) {
                road.connection.attempt.source.into_iter().for_each(ask);
            } else {
                ask(hop.destination.0);
            }
        }
    }
    all.into_iter().map(|(place, questions)| (place, questions.into_values().take(MOST_QUESTIONS).collect())).collect()
}

/// The nodes whose own kube-proxy takes what a pod asks.
fn own_nodes(flow: &Flow) -> Vec<String> {
    let asking: Vec<&str> =
        flow.probes.iter().filter(|probe| matches!(probe.vantage, Vantage::Pod(_))).map(|probe| probe.vantage.place()).collect();
    let places = flow.captures.iter().map(|capture| &capture.request.place);
    places
        .filter(|place| place.pod_name().is_some() && asking.contains(&place.to_string().as_str()))
        .map(|place| place.host().name.clone())
        .collect()
}

/// The sources of requests as the pods see them: what they have to be able to answer.
fn sources_seen(case: &Case, roads: &[Road]) -> BTreeSet<IpAddr> {
    let vip = case.address();
    let wanted = move |hop: &Hop| hop.request && Some(hop.destination.0) != vip && hop.passage != Passage::Other;
    roads.iter().flat_map(|road| road.hops(wanted)).map(|hop| hop.source.0).collect()
}
