//! Endpoints as plain lines of a step: few lines for few, a count for many.

use std::collections::BTreeSet;

use crate::analysis::read::said;
use crate::analysis::target::declared;
use crate::model::endpoint::{Endpoint, Target};
use crate::model::kubernetes::{Event, Pod};
use crate::model::service::{Service, ServicePort};

/// Lines of one kind that are told; the rest is counted.
const MOST: usize = 12;
const FEW: usize = 6;

/// A port as it is called: `https (443/TCP → https)`.
#[must_use]
pub fn port(port: &ServicePort) -> String {
    let number = format!("{}/{} → {}", port.port, port.protocol.name(), port.target_port);
    if port.name.is_empty() { number } else { format!("{} ({number})", port.name) }
}

/// What was seen, in the order in which it matters.
#[must_use]
pub fn lines(service: &Service, target: &Target) -> Vec<String> {
    let mut lines: Vec<String> = target.endpoints.iter().take(MOST).map(|endpoint| line(target, endpoint)).collect();
    if target.endpoints.len() > MOST {
        lines.push(rest(target));
    }
    if target.slices_read && target.endpoints.is_empty() {
        lines.push("the Service has no endpoints".to_owned());
    }
    lines.extend(undeclared(target));
    lines.extend(target.endpoints.iter().filter_map(held).take(FEW));
    lines.extend(target.disagreements.iter().take(FEW).map(|one| {
        let slice = one.slice.as_ref().map(|slice| format!("EndpointSlice {slice}: ")).unwrap_or_default();
        format!("slices and pods disagree: {slice}{}", one.detail)
    }));
    if !service.selector.is_empty() {
        lines.extend(waiting(service, target));
    }
    lines.extend(target.near_misses.iter().take(FEW).map(|(name, differs)| format!("the selector nearly matches {name}: {differs}")));
    lines.extend(target.templates.iter().take(FEW).map(|template| {
        let trouble = if template.trouble.is_empty() { String::new() } else { format!("; {}", said("", &template.trouble)) };
        format!("the selector matches the pods of {} {}, which is to have {}{trouble}", template.kind, template.name, template.desired)
    }));
    if !target.elsewhere.is_empty() {
        lines.push(format!("pods with these labels are in {}", target.elsewhere.join(", ")));
    }
    lines.extend(target.settings.iter().map(|setting| format!("{} {}: {}", setting.name, setting.value, setting.means)));
    lines
}

fn line(target: &Target, endpoint: &Endpoint) -> String {
    let other = target.family.is_some_and(|family| family != endpoint.family);
    format!(
        "{} → {} at {} on {} ({}{}{}{})",
        target.port.target_port,
        endpoint.port.map_or_else(|| "no number".to_owned(), |number| number.to_string()),
        endpoint.pod.as_deref().map_or_else(|| endpoint.ip.to_string(), |pod| format!("{pod} {}", endpoint.ip)),
        endpoint.node.as_deref().unwrap_or("no node"),
        if endpoint.ready { "ready" } else { "not ready" },
        if endpoint.terminating { ", terminating" } else { "" },
        if endpoint.ready || !endpoint.serving { "" } else { ", still serving" },
        if other { format!(", {}: not for clients of the address", endpoint.family.name()) } else { String::new() },
    )
}

/// The endpoints that have no line of their own, counted.
fn rest(target: &Target) -> String {
    let rest = &target.endpoints[MOST..];
    let ready = rest.iter().filter(|endpoint| endpoint.ready && endpoint.port.is_some()).count();
    let numbers: BTreeSet<u16> = rest.iter().filter_map(|endpoint| endpoint.port).collect();
    let nodes: BTreeSet<&str> = rest.iter().filter_map(|endpoint| endpoint.node.as_deref()).collect();
    let shown: Vec<String> = numbers.iter().take(4).map(u16::to_string).collect();
    format!("and {} more endpoints on {} nodes, {ready} of them ready, at {}", rest.len(), nodes.len(), shown.join(", "))
}

/// A number that no container declares is allowed, and worth knowing when nothing answers.
fn undeclared(target: &Target) -> Option<String> {
    let number = target.port.target_port.parse::<u16>().ok()?;
    let silent = |pod: &Pod| declared(&target.port, pod).is_some_and(|(_, by)| by.is_none());
    (!target.pods.is_empty() && target.pods.iter().all(silent))
        .then(|| format!("no container declares {number}/{}, which need not be wrong", target.port.protocol.name()))
}

fn held(endpoint: &Endpoint) -> Option<String> {
    match (&endpoint.dead, &endpoint.holder) {
        (Some(why), _) => Some(why.clone()),
        (None, Some(holder)) => Some(format!("{} belongs to {holder}", endpoint.ip)),
        (None, None) if endpoint.unheld => Some(format!("{} belongs to no pod and to no node", endpoint.ip)),
        (None, None) => None,
    }
}

/// The selected pods that are no endpoints, or not ready, with what the kubelet said of them.
fn waiting(service: &Service, target: &Target) -> Vec<String> {
    let mut lines = Vec::new();
    let all: Vec<&Pod> = target.pods.iter().filter(|pod| !pod.ready && !pod.terminating && !pod.finished()).collect();
    for pod in all.iter().take(FEW) {
        let since = pod.ready_since.as_ref().map(|at| format!(" since {at}")).unwrap_or_default();
        let published = if service.publish_not_ready { ", and published all the same" } else { "" };
        lines.push(format!("pod {} is not ready{since}: {}{published}", pod.name, pod.not_ready_because));
        lines.extend(target.pod_events.get(&pod.name).into_iter().flatten().take(2).map(event));
    }
    if all.len() > FEW {
        lines.push(format!("and {} more pods are not ready", all.len() - FEW));
    }
    let finished = target.pods.iter().filter(|pod| pod.finished()).count();
    if finished > 0 {
        lines.push(format!("{finished} more pods match the selector and have ended: they are no endpoints"));
    }
    lines
}

/// An event as one line of bounded length.
#[must_use]
pub fn event(event: &Event) -> String {
    let times = if event.count > 1 { format!("{} times, last ", event.count) } else { String::new() };
    format!("event {} ({times}{}): {}", event.reason, event.at, said("", &event.message))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::lines;
    use crate::analysis::read::objects;
    use crate::analysis::target::target;

    #[test]
    fn thousands_of_endpoints_are_a_dozen_lines_and_a_count() {
        let service = objects::service(
            &json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"ports": [{"port": 443, "targetPort": 4180}]}}),
        );
        let endpoints: Vec<Value> = (0..3_000)
            .map(|at| json!({"addresses": [format!("10.0.{}.{}", at / 250, at % 250)], "nodeName": format!("n{}", at % 40)}))
            .collect();
        let slice = json!({"metadata": {"name": "s"}, "ports": [{"port": 4180}], "endpoints": endpoints});
        let told = lines(&service, &target(&service, &service.ports[0], Some(&[slice]), Some(&[])));
        assert_eq!(told.len(), 13);
        assert_eq!(told[12], "and 2988 more endpoints on 40 nodes, 2988 of them ready, at 4180");
        assert!(told[0].starts_with("4180 → 4180 at 10.0.0.0 on n0 (ready)"), "{}", told[0]);
    }
}
