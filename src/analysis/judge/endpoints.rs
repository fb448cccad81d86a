//! Why the Service ends nowhere: its selector, its port's name, its pods' readiness.

use super::{Case, found};
use crate::model::culprit::Culprit;
use crate::model::endpoint::Target;
use crate::model::finding::{Finding, Severity};
use crate::model::kubernetes::Pod;

/// Findings about endpoints, the cause first.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let Some(target) = case.target.filter(|target| target.slices_read) else { return Vec::new() };
    if target.serving().is_empty() {
        return nowhere(case, target);
    }
    let mut findings = Vec::new();
    let ready = target.endpoints.iter().any(|endpoint| endpoint.ready && endpoint.port.is_some());
    if !ready {
        let mut finding = found(
            "endpoints/none-ready",
            pods(case, target),
            "no endpoint is ready; only terminating pods still serve, and not for long",
            target.endpoints.iter().map(endpoint_line).collect(),
        );
        finding.severity = Severity::Warn;
        findings.push(finding);
    } else if let Some(finding) = some_not_ready(case, target) {
        findings.push(finding);
    }
    findings.extend(port_name_differs(case, target));
    findings
}

fn nowhere(case: &Case, target: &Target) -> Vec<Finding> {
    let service = case.service;
    let culprit = Culprit::service(&service.namespace, &service.name);
    if service.selector.is_empty() {
        // Hand-made endpoints: that there are none, or none that is ready, is all that can be said.
        if target.endpoints.is_empty() {
            return vec![found(
                "endpoints/none-ready",
                vec![culprit],
                "the Service has no selector and nobody made endpoints for it",
                vec![format!("no EndpointSlice of service/{} holds an address", service.path())],
            )];
        }
        return vec![found(
            "endpoints/none-ready",
            vec![culprit],
            "none of the Service's hand-made endpoints is ready",
            target.endpoints.iter().map(endpoint_line).collect(),
        )];
    }
    let selector = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    if target.pods.is_empty() && target.endpoints.is_empty() && target.pods_read {
        let mut evidence =
            vec![format!("selector {selector} of service/{} matches no pod of the namespace {}", service.path(), service.namespace)];
        evidence.extend(target.near_misses.iter().take(5).map(|(pod, differs)| format!("pod {pod} nearly matches: {differs}")));
        return vec![found("endpoints/selector-matches-nothing", vec![culprit], "the Service's selector matches no pod", evidence)];
    }
    let ready_without_port = target.endpoints.iter().any(|endpoint| (endpoint.ready || endpoint.serving) && endpoint.port.is_none());
    if ready_without_port {
        let wanted = &target.port.target_port;
        let mut evidence = vec![format!("targetPort of port {} is {wanted}", port_name(target))];
        evidence.extend(target.pods.iter().take(5).map(|pod| format!("pod {} declares {}", pod.name, declared(pod))));
        return vec![found(
            "endpoints/port-name-missing",
            vec![Culprit::service_port(&service.namespace, &service.name, &port_name(target))],
            format!("targetPort names {wanted}, and no container of the selected pods declares a port of that name"),
            evidence,
        )];
    }
    if !target.pods.is_empty() {
        return vec![not_ready(case, target)];
    }
    Vec::new()
}

/// Pods exist and none is ready: are they at fault, or the nodes that carry them?
fn not_ready(case: &Case, target: &Target) -> Finding {
    let evidence: Vec<String> = target
        .pods
        .iter()
        .take(6)
        .map(|pod| format!("pod {} on {}: {}", pod.name, pod.node.as_deref().unwrap_or("no node"), why(pod)))
        .collect();
    let lost: Vec<&str> = target
        .pods
        .iter()
        .filter(|pod| pod.phase == "Running" && pod.containers.iter().all(|container| container.ready))
        .filter_map(|pod| pod.node.as_deref())
        .filter(|node| case.node(node).is_some_and(|node| !node.ready))
        .collect();
    if !lost.is_empty() && lost.len() == target.pods.len() {
        let all_down = case.announcement.is_some_and(|announcement| announcement.nodes_seen.iter().filter(|node| !node.ready).count() > 1);
        let reached = lost.iter().any(|node| case.captures().any(|capture| capture.request.place.host().name == **node));
        let mut nodes: Vec<Culprit> = lost.iter().map(|node| Culprit::node(node)).collect();
        nodes.dedup();
        if all_down && reached {
            return found(
                "node/control-plane-cut-off",
                nodes,
                "the nodes are reachable and their pods run, but the API has not heard from them, so that every pod counts as not ready",
                evidence,
            );
        }
    }
    found("endpoints/none-ready", pods(case, target), "pods are selected and none of them is ready", evidence)
}

fn why(pod: &Pod) -> &str {
    if pod.terminating { "terminating" } else { &pod.not_ready_because }
}

fn some_not_ready(case: &Case, target: &Target) -> Option<Finding> {
    let waiting: Vec<&Pod> = target.pods.iter().filter(|pod| !pod.ready && !pod.terminating && pod.phase != "Succeeded").collect();
    if waiting.is_empty() {
        return None;
    }
    let namespace = &case.service.namespace;
    Some(found(
        "endpoints/some-not-ready",
        waiting.iter().map(|pod| Culprit::pod(namespace, &pod.name)).collect(),
        format!("{} of {} pods are not ready; the others serve", waiting.len(), target.pods.len()),
        waiting.iter().take(6).map(|pod| format!("pod {}: {}", pod.name, why(pod))).collect(),
    ))
}

fn port_name_differs(case: &Case, target: &Target) -> Option<Finding> {
    let mut numbers: Vec<u16> = target.endpoints.iter().filter_map(|endpoint| endpoint.port).collect();
    numbers.sort_unstable();
    numbers.dedup();
    (numbers.len() > 1).then(|| {
        found(
            "endpoints/port-name-differs",
            vec![Culprit::service_port(&case.service.namespace, &case.service.name, &port_name(target))],
            format!(
                "the port name {} is {} in different pods",
                target.port.target_port,
                numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ")
            ),
            target.endpoints.iter().take(8).map(endpoint_line).collect(),
        )
    })
}

/// The workload first, then the pods.
fn pods(case: &Case, target: &Target) -> Vec<Culprit> {
    let namespace = &case.service.namespace;
    let mut culprits: Vec<Culprit> = target.pods.first().map(|pod| Culprit::workload(namespace, &pod.workload())).into_iter().collect();
    culprits.extend(target.pods.iter().take(8).map(|pod| Culprit::pod(namespace, &pod.name)));
    if culprits.is_empty() {
        culprits.push(Culprit::service(namespace, &case.service.name));
    }
    culprits
}

/// How a port is named in culprits: by name, or by number when it has none.
pub(super) fn port_name(target: &Target) -> String {
    if target.port.name.is_empty() { target.port.port.to_string() } else { target.port.name.clone() }
}

fn declared(pod: &Pod) -> String {
    let ports: Vec<String> = pod
        .containers
        .iter()
        .flat_map(|container| &container.ports)
        .map(|port| format!("{} {}", if port.name.is_empty() { "unnamed" } else { &port.name }, port.number))
        .collect();
    if ports.is_empty() { "no ports".to_owned() } else { ports.join(", ") }
}

fn endpoint_line(endpoint: &crate::model::endpoint::Endpoint) -> String {
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
