//! Where the Service ends: its selector, its port's name, its pods' readiness, and whether the slices tell the truth.

mod nowhere;
mod pods;
mod port_names;
pub(super) mod rules;
mod shown;
mod stale;

#[cfg(test)]
mod tests;

use crate::analysis::judge::case::{Case, found};

use super::rule::Log;
use crate::model::catalogue::names;
use crate::model::endpoint::{Family, Target};
use crate::model::finding::{Finding, Severity};
use crate::model::subject::Subject;

pub(super) use shown::port_name;
use shown::{no_address, pod_addresses};
pub(super) use stale::{explains, sought_by};

/// Findings about endpoints, the cause first. Those of severity fail leave nothing that could answer; a part of the endpoints that
/// cannot is a warning here, and a failure where tries were seen to end there (`proven`).
pub(super) fn findings(case: &Case, log: &Log) -> Vec<Finding> {
    let Some(target) = case.target.filter(|target| target.slices_read) else { return Vec::new() };
    let end = End { case, target };
    let stage = if target.serving().is_empty() { &rules::NOWHERE } else { &rules::SERVING };
    let mut findings = log.all(stage, "", &end);
    let withheld = findings.iter().any(|finding| finding.name == names::ENDPOINTS_SLICE_STALE && finding.severity == Severity::Fail);
    let differences = log.all(&rules::DIFFERENCES, "", &end);
    findings.extend(differences.into_iter().filter(|finding| !withheld || finding.severity == Severity::Info));
    findings.extend(log.all(&rules::OTHER_FAMILY, "", &end));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Where a Service ends.
pub(super) struct End<'a> {
    case: &'a Case<'a>,
    target: &'a Target,
}

/// The Service has an address of the other family too, and nothing that serves its clients.
fn other_family(case: &Case, target: &Target) -> Option<Finding> {
    let address = case.service.addresses.iter().find(|address| Some(Family::of(**address)) != target.family)?;
    let family = Family::of(*address);
    if target.family.is_none() || target.serving().is_empty() || !target.serving_in(Some(family)).is_empty() {
        return None;
    }
    let mut finding = found(
        names::ENDPOINTS_NONE_READY,
        vec![Subject::from(case.service)],
        format!("no endpoint serves the clients of {address}: {}", no_address(target, family)),
        pod_addresses(target),
    );
    finding.severity = Severity::Warn;
    finding.scope = Some(format!("clients with {} at {address}; the others have endpoints", family.name()));
    Some(finding)
}

/// A node does not translate the address because the Service itself tells kube-proxy to leave it alone.
pub(super) fn left_alone(case: &Case, node: &str, seen: &str) -> Option<Finding> {
    let service = case.service;
    let setting = match service.labels.get("service.kubernetes.io/service-proxy-name") {
        Some(name) => format!("its label service.kubernetes.io/service-proxy-name gives it to the proxy {name}"),
        None if service.proxied_addresses.contains(&case.address()?) => "the ipMode of its address is Proxy".to_owned(),
        None => return None,
    };
    let mut finding = found(
        names::NODE_NOT_PROGRAMMED,
        vec![Subject::from(service)],
        format!("kube-proxy leaves the Service's address alone: {setting}"),
        vec![format!("on {node} {seen}"), format!("service/{}: {setting}", service.path())],
    );
    "Remove the setting, unless something else on the nodes is to translate the address.".clone_into(&mut finding.next);
    Some(finding)
}
