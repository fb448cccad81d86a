//! Where the Service ends: its selector, its port's name, its pods' readiness, and whether the slices tell the truth.

mod nowhere;
mod pods;
mod port_names;
mod stale;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use super::road::Road;
use super::{Case, found};
use crate::model::catalogue::names;
use crate::model::endpoint::{Endpoint, Family, Target};
use crate::model::finding::{Finding, Severity};
use crate::model::subject::Subject;

pub(super) use stale::{explains, proven, sought_by};

/// Findings about endpoints, the cause first. Those of severity fail leave nothing that could answer; a part of the endpoints that
/// cannot is a warning here, and a failure where tries were seen to end there (`proven`).
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let Some(target) = case.target.filter(|target| target.slices_read) else { return Vec::new() };
    let mut findings = if target.serving().is_empty() {
        nowhere::findings(case, target)
    } else {
        let mut findings = stale::dead(case, target);
        findings.extend(pods::partly(case, target));
        findings.extend(port_names::partly(case, target));
        findings.extend(port_names::differs(case, target));
        findings
    };
    let withheld = findings.iter().any(|finding| finding.name == names::ENDPOINTS_SLICE_STALE && finding.severity == Severity::Fail);
    findings.extend(stale::differences(case, target).into_iter().filter(|finding| !withheld || finding.severity == Severity::Info));
    findings.extend(other_family(case, target));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
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

/// Why a family has no endpoint that serves.
fn no_address(target: &Target, family: Family) -> String {
    let has = |ip: &IpAddr| Family::of(*ip) == family;
    if !target.pods.is_empty() && !target.pods.iter().any(|pod| pod.ips.iter().any(has)) {
        format!("no pod has an {} address", family.name())
    } else {
        format!("no EndpointSlice of {} holds one that is ready", family.name())
    }
}

fn pod_addresses(target: &Target) -> Vec<String> {
    let shown = |ips: &[IpAddr]| ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    target.pods.iter().take(6).map(|pod| format!("pod {} has {}", pod.name, shown(&pod.ips))).collect()
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

/// How a port is named in culprits: by name, or by number when it has none.
pub(super) fn port_name(target: &Target) -> String {
    if target.port.name.is_empty() { target.port.port.to_string() } else { target.port.name.clone() }
}

/// The Service's port as a culprit.
fn port(case: &Case, target: &Target) -> Subject {
    Subject::service_port(&case.service.namespace, &case.service.name, &port_name(target))
}

fn endpoint_line(endpoint: &Endpoint) -> String {
    format!(
        "{} {}{}: ready {}, serving {}, terminating {} ({})",
        endpoint.pod.as_deref().unwrap_or("no pod"),
        endpoint.ip,
        endpoint.port.map(|port| format!(":{port}")).unwrap_or_default(),
        endpoint.ready,
        endpoint.serving,
        endpoint.terminating,
        endpoint.from
    )
}

/// The slices that hold these endpoints, as culprits.
fn slices<'a>(case: &Case, endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Vec<Subject> {
    let mut culprits: Vec<Subject> =
        endpoints.into_iter().map(|endpoint| Subject::endpoint_slice(&case.service.namespace, &endpoint.from)).collect();
    culprits.sort();
    culprits.dedup();
    culprits
}

/// Names by comma, and how many more.
fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    let shown = all.len().min(6);
    let more = all.len() - shown;
    if more == 0 { all.join(", ") } else { format!("{} and {more} more", all[..shown].join(", ")) }
}
