//! Endpoints that are not what the slices say: addresses that nobody holds, and slices that the pods have left behind.

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::shown::slices;
use crate::analysis::judge::road::Road;
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::endpoint::{Disagreement, DisagreementKind as Kind, Endpoint, Target};
use crate::model::finding::{Finding, Severity};
use crate::model::subject::Subject;

/// What a slice that Kubernetes wrote is called, and one that somebody else did.
fn name(target: &Target, endpoint: &Endpoint) -> &'static str {
    let computed = target.slices.iter().any(|slice| slice.name == endpoint.from && slice.computed());
    if computed { names::ENDPOINTS_SLICE_STALE } else { names::ENDPOINTS_ADDRESS_OF_NO_POD }
}

/// Why nobody can answer at an endpoint: the API proves it, or a node's kernel asks for the address in vain and the API knows nobody.
fn nobody(case: &Case, endpoint: &Endpoint) -> Option<String> {
    if endpoint.dead.is_some() || !endpoint.unheld {
        return endpoint.dead.clone();
    }
    let (node, state) = case.states().find_map(|pair| Some((pair.after.place.to_string(), unresolved(pair, endpoint.ip)?)))?;
    Some(format!("no pod and no node has {}, and nobody answers for it: `ip neigh` on {node} shows {state}", endpoint.ip))
}

/// The state of a neighbour entry that does not resolve.
fn unresolved(pair: &StatePair, ip: IpAddr) -> Option<String> {
    let entry = pair.after.neighbours().unwrap_or_default().iter().find(|entry| entry.address == ip)?;
    entry.unresolved().then(|| entry.state.clone())
}

/// Endpoints that kube-proxy uses and that nobody holds: a failure when they are all that there is.
pub(super) fn dead(case: &Case, target: &Target) -> Vec<Finding> {
    let serving = target.serving();
    // Whoever answered there holds the address, whatever the API knows of it.
    let roads = case.roads();
    let reached = roads.iter().filter(|road| road.connection.attempt.answered()).map(Road::endpoint);
    let answered: BTreeSet<IpAddr> = reached.flatten().map(|(ip, _)| ip).collect();
    let dead: Vec<&Endpoint> =
        serving.iter().copied().filter(|endpoint| !answered.contains(&endpoint.ip) && nobody(case, endpoint).is_some()).collect();
    let all = dead.len() == serving.len();
    let mut findings = of_nobody(case, target, &dead);
    for finding in &mut findings {
        if !all {
            finding.severity = Severity::Warn;
            finding.scope = Some(parts(serving.len(), dead.len()));
        }
    }
    findings
}

fn parts(serving: usize, dead: usize) -> String {
    format!(
        "{dead} of {serving} endpoints: every connection that kube-proxy sends there fails, about {dead} in {serving}; the others serve"
    )
}

/// One finding for each kind of slice.
fn of_nobody(case: &Case, target: &Target, dead: &[&Endpoint]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name_of in [names::ENDPOINTS_ADDRESS_OF_NO_POD, names::ENDPOINTS_SLICE_STALE] {
        let here: Vec<&Endpoint> = dead.iter().copied().filter(|endpoint| name(target, endpoint) == name_of).collect();
        if here.is_empty() {
            continue;
        }
        let addresses: BTreeSet<IpAddr> = here.iter().map(|endpoint| endpoint.ip).collect();
        let addresses = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut evidence: Vec<String> = here.iter().take(6).filter_map(|endpoint| nobody(case, endpoint)).collect();
        evidence.extend(authors(target, &here));
        let summary = format!("the Service's endpoint {addresses} is an address that nobody holds");
        findings.push(found(name_of, slices(case, here.iter().copied()), summary, evidence));
    }
    findings
}

fn authors(target: &Target, endpoints: &[&Endpoint]) -> Vec<String> {
    let names: BTreeSet<&str> = endpoints.iter().map(|endpoint| endpoint.from.as_str()).collect();
    target
        .slices
        .iter()
        .filter(|slice| names.contains(slice.name.as_str()))
        .map(|slice| {
            let by = if slice.managed_by.is_empty() { "nobody in particular" } else { &slice.managed_by };
            format!("EndpointSlice {} is managed by {by}", slice.name)
        })
        .collect()
}

/// Whether a failed connection needs no further cause: it was sent where nobody is, or to a number that the pod has no more.
pub(in crate::analysis::judge) fn explains(case: &Case, road: &Road) -> bool {
    let (Some(target), Some((ip, number))) = (case.target, road.endpoint()) else { return false };
    let dead = target.endpoints.iter().any(|endpoint| endpoint.ip == ip && nobody(case, endpoint).is_some());
    dead || (road.refused_by_pod() && outdated(target, ip, number))
}

/// The slices send to a number of the pod that its own spec does not give.
fn outdated(target: &Target, ip: IpAddr, number: u16) -> bool {
    target.endpoints.iter().any(|endpoint| endpoint.ip == ip && endpoint.port == Some(number))
        && target.disagreements.iter().any(|one| one.kind == Kind::NumberDiffers && one.ip == Some(ip))
}

/// Connections were seen to end at endpoints that nobody holds: one finding for each kind of slice.
pub(in crate::analysis::judge) fn met_nobody(case: &Case, roads: &[&Road]) -> Vec<Finding> {
    let Some(target) = case.target else { return Vec::new() };
    let met = met(roads);
    let serving = target.serving();
    let dead: Vec<&Endpoint> =
        serving.iter().copied().filter(|endpoint| met.contains(&endpoint.ip) && nobody(case, endpoint).is_some()).collect();
    let mut findings = of_nobody(case, target, &dead);
    for finding in &mut findings {
        finding.evidence.insert(0, format!("{} tries were sent there, and none was answered", roads.len()));
        finding.scope = (dead.len() < serving.len()).then(|| parts(serving.len(), dead.len()));
    }
    findings
}

/// Connections were seen to be refused at a number of the pod that the Service does not mean any more.
pub(in crate::analysis::judge) fn met_old_number(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let (target, met) = (case.target?, met(roads));
    let outdated: Vec<&Disagreement> =
        target.disagreements.iter().filter(|one| one.kind == Kind::NumberDiffers && one.ip.is_some_and(|ip| met.contains(&ip))).collect();
    outdated.first()?;
    let mut finding = stale(case, &outdated, "the EndpointSlice still sends to a port that the Service does not mean any more");
    finding.evidence.insert(0, format!("{} tries were refused at that port of the pod", roads.len()));
    Some(finding)
}

/// The endpoints that connections were sent to.
fn met(roads: &[&Road]) -> BTreeSet<IpAddr> {
    roads.iter().filter_map(|road| road.endpoint()).map(|(ip, _)| ip).collect()
}

/// Requests came in on a node and none left it, and nothing else explains it: the node itself looks for an endpoint's address on a link
/// of its own, and nobody there has it.
pub(in crate::analysis::judge) fn sought_by(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let (target, pair) = (case.target?, case.node_state(node)?);
    let serving = target.serving();
    let here = |endpoint: &&Endpoint| unresolved(pair, endpoint.ip).is_some() && nobody(case, endpoint).is_some();
    let sought: Vec<&Endpoint> = serving.iter().copied().filter(here).collect();
    let mut finding = of_nobody(case, target, &sought).into_iter().next()?;
    finding.evidence.insert(0, format!("{} requests came in on {node}, and none left it: it looks for the endpoint in vain", roads.len()));
    finding.scope = (sought.len() < serving.len()).then(|| parts(serving.len(), sought.len()));
    Some(finding)
}

/// Pods are ready and the slices hold them back.
pub(super) fn withheld(case: &Case, target: &Target) -> Option<Finding> {
    let all: Vec<&Disagreement> =
        target.disagreements.iter().filter(|one| matches!(one.kind, Kind::PodMissing | Kind::ReadyDiffers)).collect();
    (!all.is_empty()).then(|| stale(case, &all, "pods are selected and ready, and the EndpointSlices do not give them"))
}

/// Differences that hurt nobody who was seen to ask: told as warnings; what somebody adds beside the selector is only noted.
pub(super) fn differences(case: &Case, target: &Target) -> Vec<Finding> {
    let told: BTreeSet<IpAddr> =
        target.endpoints.iter().filter(|endpoint| nobody(case, endpoint).is_some()).map(|endpoint| endpoint.ip).collect();
    let (foreign, stale_ones): (Vec<&Disagreement>, Vec<&Disagreement>) = target
        .disagreements
        .iter()
        .filter(|one| one.ip.is_none_or(|ip| !told.contains(&ip)))
        .partition(|one| one.kind == Kind::ForeignSlice);
    let mut findings = Vec::new();
    if !stale_ones.is_empty() {
        let mut finding = stale(case, &stale_ones, "the EndpointSlices, which kube-proxy follows, do not say what the pods are");
        finding.severity = Severity::Warn;
        findings.push(finding);
    }
    if !foreign.is_empty() {
        let mut finding = stale(case, &foreign, "an EndpointSlice that Kubernetes did not write adds endpoints beside the selector");
        finding.severity = Severity::Info;
        "See that these endpoints are meant: nothing keeps them up to date but whoever wrote the slice.".clone_into(&mut finding.next);
        findings.push(finding);
    }
    findings
}

fn stale(case: &Case, all: &[&Disagreement], summary: &str) -> Finding {
    let namespace = &case.service.namespace;
    let mut culprits: Vec<Subject> =
        all.iter().filter_map(|one| one.slice.as_ref()).map(|slice| Subject::endpoint_slice(namespace, slice)).collect();
    culprits.sort();
    culprits.dedup();
    if culprits.is_empty() {
        culprits.push(Subject::service(namespace, &case.service.name));
    }
    let mut evidence: Vec<String> = all
        .iter()
        .take(8)
        .map(|one| one.slice.as_ref().map_or_else(|| one.detail.clone(), |slice| format!("EndpointSlice {slice}: {}", one.detail)))
        .collect();
    if all.iter().any(|one| one.kind != Kind::ForeignSlice) {
        evidence.push("slices and pods were read again some seconds later, and still differ so".to_owned());
    }
    found(names::ENDPOINTS_SLICE_STALE, culprits, summary, evidence)
}
