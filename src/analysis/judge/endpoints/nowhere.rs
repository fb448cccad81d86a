//! Nothing serves: from the selector to the pods, the first reason that is proven.

use super::shown::{endpoint_line, no_address, pod_addresses, slices};
use super::{pods, port_names, stale};
use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::endpoint::{DisagreementKind, Endpoint, Target, Template};
use crate::model::finding::Finding;
use crate::model::kubernetes::Pod;
use crate::model::subject::Subject;

/// Why no endpoint serves clients of the address.
pub(super) fn findings(case: &Case, target: &Target) -> Vec<Finding> {
    let ours: Vec<&Endpoint> =
        target.endpoints.iter().filter(|endpoint| target.family.is_none_or(|family| endpoint.family == family)).collect();
    // kube-proxy would use these, had they a number.
    let numberless: Vec<&Endpoint> = ours
        .iter()
        .copied()
        .filter(|endpoint| endpoint.port.is_none() && (endpoint.ready || (endpoint.serving && endpoint.terminating)))
        .collect();
    if !numberless.is_empty() {
        let mut findings = vec![port_names::missing(case, target, &numberless)];
        findings.extend(pods::some_not_ready(case, target));
        return findings;
    }
    if case.service.selector.is_empty() {
        return vec![hand_made(case, target, &ours)];
    }
    if target.pods_read && target.pods.iter().all(Pod::finished) {
        return vec![no_pods(case, target)];
    }
    if target.disagreements.iter().any(|one| matches!(one.kind, DisagreementKind::PodMissing | DisagreementKind::ReadyDiffers)) {
        return stale::withheld(case, target).into_iter().collect();
    }
    if let Some(family) = target.family
        && target.pods.iter().any(|pod| pod.ready && !pod.terminating)
    {
        return vec![found(
            names::ENDPOINTS_NONE_READY,
            vec![service(case)],
            format!("no endpoint serves the clients of the address: {}", no_address(target, family)),
            pod_addresses(target),
        )];
    }
    if !target.pods.is_empty() {
        return vec![pods::none_ready(case, target)];
    }
    if ours.is_empty() {
        return Vec::new();
    }
    // The pods could not be read; that none of them counts as ready stands in the slices.
    vec![found(
        names::ENDPOINTS_NONE_READY,
        ours.iter().filter_map(|endpoint| endpoint.pod.as_deref()).take(8).map(|pod| Subject::pod(&case.service.namespace, pod)).collect(),
        "the Service has endpoints and none of them is ready",
        ours.iter().take(8).map(|endpoint| endpoint_line(endpoint)).collect(),
    )]
}

fn service(case: &Case) -> Subject {
    Subject::from(case.service)
}

/// Without a selector somebody else makes the endpoints: that there are none, or none that is ready, is all that can be said.
fn hand_made(case: &Case, target: &Target, ours: &[&Endpoint]) -> Finding {
    if target.endpoints.is_empty() {
        return found(
            names::ENDPOINTS_NONE_READY,
            vec![service(case)],
            "the Service has no selector and nobody made endpoints for it",
            vec![format!("no EndpointSlice with the label kubernetes.io/service-name={} holds an address", case.service.name)],
        );
    }
    if let (Some(family), true) = (target.family, ours.is_empty()) {
        return found(
            names::ENDPOINTS_NONE_READY,
            vec![service(case)],
            format!("the Service's hand-made endpoints hold no {} address", family.name()),
            target.endpoints.iter().take(6).map(endpoint_line).collect(),
        );
    }
    let mut culprits = slices(case, ours.iter().copied());
    culprits.push(service(case));
    let lines = ours.iter().take(6).map(|endpoint| endpoint_line(endpoint)).collect();
    found(names::ENDPOINTS_NONE_READY, culprits, "none of the Service's hand-made endpoints is ready", lines)
}

/// The selector finds no pod that lives: is it mistaken, or has the workload that it is meant for none?
fn no_pods(case: &Case, target: &Target) -> Finding {
    let selector = case.service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    let matches =
        format!("selector {selector} of service/{} matches no pod of the namespace {}", case.service.path(), case.service.namespace);
    if !target.templates.is_empty() {
        return without_pods(case, target, matches);
    }
    if !target.pods.is_empty() {
        let ended = target.pods.iter().take(6).map(|pod| format!("pod {}: {}", pod.name, pod.not_ready_because)).collect();
        return found(
            names::ENDPOINTS_NONE_READY,
            pods::culprits(case, &target.pods),
            "every pod that the selector matches has ended",
            ended,
        );
    }
    let mut evidence = vec![matches];
    evidence.extend(target.near_misses.iter().take(5).map(|(name, differs)| {
        let pod = if name.contains(' ') { "" } else { "pod " };
        format!("{pod}{name} nearly matches: {differs}")
    }));
    if !target.elsewhere.is_empty() {
        evidence
            .push(format!("pods with these labels are in {}; a Service selects in its own namespace alone", target.elsewhere.join(", ")));
    }
    found(names::ENDPOINTS_SELECTOR_MATCHES_NOTHING, vec![service(case)], "the Service's selector matches no pod", evidence)
}

/// The selector fits a workload that has no pods: the workload is what has to be looked at.
fn without_pods(case: &Case, target: &Target, matches: String) -> Finding {
    let line = |template: &Template| {
        let desired = if template.desired == 0 && template.kind == "DaemonSet" {
            "is wanted on no node (its node selector or affinity fits none)".to_owned()
        } else {
            format!("is to have {} pods", template.desired)
        };
        let trouble = if template.trouble.is_empty() { String::new() } else { format!("; {}", template.trouble) };
        format!("{} {} has the selector's labels in its template and {desired}{trouble}", template.kind, template.name)
    };
    let names: Vec<String> = target.templates.iter().map(|template| format!("{} {}", template.kind, template.name)).collect();
    let names = names.join(" and ");
    let blocked = target.templates.iter().find(|template| template.desired > 0 && !template.trouble.is_empty());
    let summary = if target.templates.iter().all(|template| template.desired == 0) {
        format!("{names}, whose pods the Service selects, is scaled to 0")
    } else if let Some(blocked) = blocked {
        format!("{} {}, whose pods the Service selects, cannot make any: {}", blocked.kind, blocked.name, blocked.trouble)
    } else {
        format!("{names}, whose pods the Service selects, has none")
    };
    let mut finding = found(
        names::ENDPOINTS_NONE_READY,
        target.templates.iter().map(|template| Subject::workload(&case.service.namespace, &template.name)).collect(),
        summary,
        std::iter::once(matches).chain(target.templates.iter().map(line)).collect(),
    );
    let scalable = |template: &&Template| template.desired == 0 && template.kind != "DaemonSet";
    if target.templates.iter().all(|template| scalable(&template)) {
        let scale = |template: &Template| {
            format!("kubectl scale -n {} {} {} --replicas=N", case.service.namespace, template.kind.to_lowercase(), template.name)
        };
        let each: Vec<String> = target.templates.iter().map(scale).collect();
        finding.next =
            format!("{}; see who scaled it down (an autoscaler, a deployment pipeline, kubectl rollout history).", each.join(" or "));
    }
    finding
}
