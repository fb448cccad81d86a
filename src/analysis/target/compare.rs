//! The slices against what Kubernetes' own controller would write from the pods.
//!
//! Source: `staging/src/k8s.io/endpointslice/utils.go` of Kubernetes 1.34 (`FindPort`, `podToEndpoint`, `ShouldPodBeInEndpoints`).

use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::Value;

use super::slices;
use crate::model::endpoint::{Disagreement, DisagreementKind as Kind, Endpoint, Family, Slice, Target};
use crate::model::kubernetes::{Container, Pod};
use crate::model::service::{Service, ServicePort};

/// The number of a Service's port in a pod, and the container that declares it: a number is itself, whoever declares it; a name is the
/// first container port of that name and protocol, the sidecars' after the containers'.
#[must_use]
pub fn declared<'a>(port: &ServicePort, pod: &'a Pod) -> Option<(u16, Option<&'a Container>)> {
    let protocol = port.protocol.name();
    if let Ok(number) = port.target_port.parse::<u16>() {
        let by = pod
            .serving_containers()
            .find(|container| container.ports.iter().any(|entry| entry.number == number && entry.protocol == protocol));
        return Some((number, by));
    }
    pod.serving_containers().find_map(|container| {
        let entry = container.ports.iter().find(|entry| entry.name == port.target_port && entry.protocol == protocol)?;
        Some((entry.number, Some(container)))
    })
}

/// Writes into every endpoint what its pod's own spec gives.
pub(super) fn declare(target: &mut Target) {
    let numbers: Vec<Option<u16>> =
        target.endpoints.iter().map(|endpoint| Some(declared(&target.port, target.pod(endpoint.pod.as_deref()?)?)?.0)).collect();
    for (endpoint, number) in target.endpoints.iter_mut().zip(numbers) {
        endpoint.declared = number;
    }
}

/// Every difference between the slices and the pods. Both were read within one moment or two: what stands here may be over already.
pub(super) fn disagreements(service: &Service, target: &Target, values: &[Value]) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for value in values {
        let slice = slices::slice(value);
        let endpoints = slices::of_slice(value, &target.port);
        if slice.computed() {
            found.extend(endpoints.iter().filter_map(|endpoint| computed(service, target, endpoint)));
        } else {
            found.extend(foreign(target, &slice, &endpoints));
        }
    }
    found.extend(missing(service, target, values));
    found.sort();
    found.dedup_by(|a, b| a.same(b));
    found
}

fn computed(service: &Service, target: &Target, endpoint: &Endpoint) -> Option<Disagreement> {
    let name = endpoint.pod.as_deref()?;
    let at = endpoint.ip;
    let (kind, detail) = match target.pod(name) {
        None => (Kind::PodGone, format!("it holds {at} of pod {name}, which is gone or no longer matches the selector")),
        Some(pod) if pod.finished() => (Kind::PodGone, format!("it holds {at} of pod {name}, which has ended ({})", pod.phase)),
        Some(pod) if !pod.ips.contains(&at) => {
            (Kind::AddressDiffers, format!("it holds {at} for pod {name}, which has {}", listed(&pod.ips)))
        }
        Some(pod) => {
            let due = service.publish_not_ready || (pod.ready && !pod.terminating);
            if due == endpoint.ready {
                (Kind::NumberDiffers, number_differs(target, endpoint, pod)?)
            } else {
                let word = |ready: bool| if ready { "ready" } else { "not ready" };
                (Kind::ReadyDiffers, format!("it has pod {name} as {}, and the pod is {}", word(endpoint.ready), word(due)))
            }
        }
    };
    Some(Disagreement { kind, slice: Some(endpoint.from.clone()), pod: Some(name.to_owned()), ip: Some(at), detail })
}

fn number_differs(target: &Target, endpoint: &Endpoint, pod: &Pod) -> Option<String> {
    let due = declared(&target.port, pod);
    let number = due.map(|(number, _)| number);
    // A Kubernetes before 1.29 does not look at sidecars: that it leaves them out is no delay.
    let sidecar = due.and_then(|(_, by)| by).is_some_and(|container| container.sidecar);
    if number == endpoint.port || (sidecar && endpoint.port.is_none()) {
        return None;
    }
    let word = |number: Option<u16>| number.map_or_else(|| "no number".to_owned(), |number| number.to_string());
    Some(format!(
        "it has {} for port {} of pod {}, whose own spec gives {}",
        word(endpoint.port),
        target.port.target_port,
        pod.name,
        word(number)
    ))
}

/// Pods that are selected and ready and stand in no slice of a family that the Service has.
fn missing(service: &Service, target: &Target, values: &[Value]) -> Vec<Disagreement> {
    let there = slices::pods_in(values, &target.port);
    let wanted = |ip: &IpAddr| service.ip_families.is_empty() || service.ip_families.iter().any(|family| family == Family::of(*ip).name());
    let mut found = Vec::new();
    for pod in target.pods.iter().filter(|pod| pod.ready && !pod.terminating && !pod.finished()) {
        let known: Vec<Family> = there.get(&pod.name).into_iter().flatten().map(|ip| Family::of(*ip)).collect();
        // Without the Service's families one address in a slice is enough to be there.
        let absent = |ip: &&IpAddr| if service.ip_families.is_empty() { known.is_empty() } else { !known.contains(&Family::of(**ip)) };
        if let Some(ip) = pod.ips.iter().filter(|ip| wanted(ip)).find(absent) {
            found.push(Disagreement {
                kind: Kind::PodMissing,
                slice: None,
                pod: Some(pod.name.clone()),
                ip: Some(*ip),
                detail: format!("pod {} {ip} is selected and ready, and no EndpointSlice holds it", pod.name),
            });
        }
    }
    found
}

/// What a slice that somebody else wrote adds to those that Kubernetes computes.
fn foreign(target: &Target, slice: &Slice, endpoints: &[Endpoint]) -> Option<Disagreement> {
    let given: HashSet<IpAddr> = target.pods.iter().flat_map(|pod| pod.ips.iter().copied()).collect();
    let added: Vec<IpAddr> = endpoints.iter().map(|endpoint| endpoint.ip).filter(|ip| !given.contains(ip)).collect();
    let first = added.first().copied()?;
    let by = if slice.managed_by.is_empty() { "nobody claims it".to_owned() } else { format!("it is managed by {}", slice.managed_by) };
    Some(Disagreement {
        kind: Kind::ForeignSlice,
        slice: Some(slice.name.clone()),
        pod: None,
        ip: Some(first),
        detail: format!("Kubernetes did not write it ({by}), and it adds {} to the endpoints that the selector gives", listed(&added)),
    })
}

fn listed(ips: &[IpAddr]) -> String {
    if ips.is_empty() {
        return "no address".to_owned();
    }
    let shown: Vec<String> = ips.iter().take(4).map(ToString::to_string).collect();
    let more = ips.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Keeps of an earlier look's disagreements those that a later look shows too: what was merely under way is over by then.
#[must_use]
pub fn confirm(earlier: &[Disagreement], later: Vec<Disagreement>) -> Vec<Disagreement> {
    later.into_iter().filter(|one| earlier.iter().any(|known| known.same(one))).collect()
}
