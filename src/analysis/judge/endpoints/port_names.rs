//! The Service's port against the ports that pods declare and slices hold: name, protocol, number.

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;

use super::pods;
use super::shown::{endpoint_line, named, port, port_name, slices};
use crate::model::catalogue::names;
use crate::model::endpoint::{Endpoint, Slice, Target};
use crate::model::finding::{Finding, Severity};
use crate::model::kubernetes::Pod;
use crate::model::service::ServicePort;
use crate::model::subject::Subject;

/// These endpoints would serve, had they a number for the port: why have they none?
pub(super) fn missing(case: &Case, target: &Target, endpoints: &[&Endpoint]) -> Finding {
    let hand_made: Vec<&Endpoint> = endpoints.iter().copied().filter(|endpoint| !computed(target, endpoint)).collect();
    if !hand_made.is_empty() && hand_made.len() == endpoints.len() {
        return hand_made_port(case, target, &hand_made);
    }
    let behind: Vec<&Pod> = endpoints.iter().filter_map(|endpoint| target.pod(endpoint.pod.as_deref()?)).collect();
    let wanted = &target.port.target_port;
    let protocol = target.port.protocol.name();
    let mut evidence = vec![format!("targetPort of port {} is {wanted}, protocol {protocol}", port_name(target))];
    evidence.extend(behind.iter().take(5).map(|pod| format!("pod {} declares {}", pod.name, declared(pod))));
    if behind.is_empty() {
        evidence.extend(endpoints.iter().take(5).map(|endpoint| endpoint_line(endpoint)));
    }
    let others: BTreeSet<&str> = behind.iter().flat_map(|pod| protocols_of(pod, wanted)).collect();
    if !behind.is_empty() && behind.iter().all(|pod| protocols_of(pod, wanted).next().is_some()) {
        let others = others.into_iter().collect::<Vec<_>>().join(" and ");
        return found(
            names::ENDPOINTS_PROTOCOL_MISMATCH,
            vec![port(case, target)],
            format!("the Service's port is {protocol}, and the pods declare {wanted} for {others} alone, so that the port has no endpoint"),
            evidence,
        );
    }
    found(
        names::ENDPOINTS_PORT_NAME_MISSING,
        vec![port(case, target)],
        format!("targetPort names {wanted}, and no container of the selected pods declares a port of that name for {protocol}"),
        evidence,
    )
}

/// The protocols for which a pod declares a port of that name.
fn protocols_of<'a>(pod: &'a Pod, name: &'a str) -> impl Iterator<Item = &'a str> {
    let ports = pod.serving_containers().flat_map(|container| &container.ports);
    ports.filter(move |port| port.name == name).map(|port| port.protocol.as_str())
}

fn computed(target: &Target, endpoint: &Endpoint) -> bool {
    target.slices.iter().any(|slice| slice.name == endpoint.from && slice.computed())
}

/// A slice that somebody wrote has no number for the Service's port: by another name, for another protocol, or none at all.
fn hand_made_port(case: &Case, target: &Target, endpoints: &[&Endpoint]) -> Finding {
    let from: BTreeSet<&str> = endpoints.iter().map(|endpoint| endpoint.from.as_str()).collect();
    let here: Vec<&Slice> = target.slices.iter().filter(|slice| from.contains(slice.name.as_str())).collect();
    let wanted = &target.port;
    let by_name = |slice: &&Slice| slice.ports.iter().any(|entry| entry.name == wanted.name && entry.number.is_some());
    let mut culprits = slices(case, endpoints.iter().copied());
    culprits.push(port(case, target));
    let mut evidence = vec![format!("the Service's port is called `{}`, protocol {}", wanted.name, wanted.protocol.name())];
    evidence.extend(here.iter().take(5).map(|slice| {
        let ports: Vec<String> = slice
            .ports
            .iter()
            .map(|entry| {
                let number = entry.number.map_or_else(|| "no number".to_owned(), |number| number.to_string());
                format!("`{}` {number}/{}", entry.name, entry.protocol.name())
            })
            .collect();
        format!("EndpointSlice {} has the ports {}", slice.name, if ports.is_empty() { "none".to_owned() } else { ports.join(", ") })
    }));
    if here.iter().all(by_name) {
        return found(
            names::ENDPOINTS_PROTOCOL_MISMATCH,
            culprits,
            format!("the EndpointSlice has the port for another protocol than the Service, which says {}", wanted.protocol.name()),
            evidence,
        );
    }
    found(
        names::ENDPOINTS_PORT_NAME_MISSING,
        culprits,
        format!("no port of the EndpointSlice is called `{}` as the Service's is, so that its addresses are no endpoints", wanted.name),
        evidence,
    )
}

/// The name is missing in some of the pods that are ready: these get no traffic by this port, the others serve. A slice that somebody wrote
/// and that holds no pod of the Service takes nothing away from them.
pub(super) fn partly(case: &Case, target: &Target) -> Option<Finding> {
    let ours = |endpoint: &&Endpoint| endpoint.ready && target.family.is_none_or(|family| endpoint.family == family);
    let without: Vec<&Endpoint> = target.endpoints.iter().filter(ours).filter(|endpoint| endpoint.port.is_none()).collect();
    if without.is_empty() {
        return None;
    }
    let mut finding = missing(case, target, &without);
    let named_pods: BTreeSet<&str> = without.iter().filter_map(|endpoint| endpoint.pod.as_deref()).collect();
    let serving: BTreeSet<&str> = target.serving().iter().filter_map(|endpoint| endpoint.pod.as_deref()).collect();
    if named_pods.is_empty() {
        let from: BTreeSet<&str> = without.iter().map(|endpoint| endpoint.from.as_str()).collect();
        finding.severity = Severity::Info;
        finding.summary = format!("what EndpointSlice {} holds is no endpoint of this port: {}", named(from), finding.summary);
        "Nothing for this Service: kube-proxy leaves these addresses out. Delete the slice where it is a remnant."
            .clone_into(&mut finding.next);
        finding.scope = Some(format!("{} serve", named(serving)));
        return Some(finding);
    }
    let lacking: Vec<Pod> = named_pods.iter().filter_map(|name| target.pod(name)).cloned().collect();
    finding.culprits.extend(pods::culprits(case, &lacking).into_iter().filter(|culprit| matches!(culprit, Subject::Workload { .. })));
    let wanted = &target.port.target_port;
    if finding.name == names::ENDPOINTS_PORT_NAME_MISSING {
        finding.summary = format!("targetPort names {wanted}, and their containers declare no port of that name");
    }
    // Pods that serve another port of the Service are there for that one.
    let for_another =
        lacking.iter().all(|pod| case.service.ports.iter().filter(|port| **port != target.port).any(|port| serves(pod, port)));
    finding.severity = if for_another { Severity::Info } else { Severity::Warn };
    finding.summary = format!(
        "{} of {} ready pods get no traffic by port {}: {}",
        without.len(),
        without.len() + serving.len(),
        port_name(target),
        finding.summary
    );
    finding.scope = Some(format!("{} get no traffic; {} serve", named(named_pods), named(serving)));
    Some(finding)
}

/// Whether a pod has a number for a port of the Service.
fn serves(pod: &Pod, port: &ServicePort) -> bool {
    port.target_port.parse::<u16>().is_ok() || protocols_of(pod, &port.target_port).any(|protocol| protocol == port.protocol.name())
}

/// The same name is another number in some pods.
pub(super) fn differs(case: &Case, target: &Target) -> Option<Finding> {
    let wanted = &target.port.target_port;
    let ours: Vec<&Endpoint> = target.endpoints.iter().filter(|endpoint| computed(target, endpoint)).collect();
    let numbers: BTreeSet<u16> = ours.iter().filter_map(|endpoint| endpoint.port).collect();
    if numbers.len() < 2 || wanted.parse::<u16>().is_ok() || case.service.selector.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    for number in &numbers {
        let pods: Vec<&str> =
            ours.iter().filter(|endpoint| endpoint.port == Some(*number)).filter_map(|endpoint| endpoint.pod.as_deref()).collect();
        lines.push(format!("{number}: {}", named(pods)));
    }
    let all = numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ");
    let culprit: Vec<Subject> = vec![port(case, target)];
    Some(found(names::ENDPOINTS_PORT_NAME_DIFFERS, culprit, format!("the port name {wanted} is {all} in different pods"), lines))
}

/// What a pod declares, in the containers whose ports count; ports of init containers are named as what they are.
fn declared(pod: &Pod) -> String {
    let line = |container: &str, name: &str, number: u16, protocol: &str| {
        format!("{} {number}/{protocol} ({container})", if name.is_empty() { "unnamed" } else { name })
    };
    let mut ports: Vec<String> = pod
        .serving_containers()
        .flat_map(|container| container.ports.iter().map(move |port| (container, port)))
        .map(|(container, port)| {
            let kind = if container.sidecar { "sidecar " } else { "" };
            line(&format!("{kind}{}", container.name), &port.name, port.number, &port.protocol)
        })
        .collect();
    ports.extend(pod.init_containers.iter().filter(|container| !container.sidecar).flat_map(|container| {
        container.ports.iter().map(move |port| {
            line(&format!("init container {}, which does not count", container.name), &port.name, port.number, &port.protocol)
        })
    }));
    if ports.is_empty() { "no ports".to_owned() } else { ports.join(", ") }
}
