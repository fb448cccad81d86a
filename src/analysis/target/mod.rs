//! Where a Service's port ends: EndpointSlices and pods, read together.
//!
//! The slices are what kube-proxy follows and come first. The pods are computed as Kubernetes' own controller computes them, so that a
//! difference between the two can be told.

mod compare;
mod holders;
mod near;
mod reach;
mod settings;
mod slices;
mod templates;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub use compare::{confirm, declared};
pub use holders::{Surroundings, hold, unaccounted, unheld};
pub use reach::reach;
pub use settings::settings;
pub use templates::{template, templates};

use crate::model::endpoint::{Endpoint, Family, Target};
use crate::model::kubernetes::Pod;
use crate::model::service::{Service, ServicePort};

/// The endpoints of one port, and the pods behind the selector. `slices` and `pods` are `None` when they could not be read.
/// Pods beyond those of the selector may be given, and are looked through for near misses.
#[must_use]
pub fn target(service: &Service, port: &ServicePort, slices: Option<&[Value]>, pods: Option<&[Pod]>) -> Target {
    let all = pods.unwrap_or_default();
    let mut selected: Vec<Pod> = all.iter().filter(|pod| selects(&service.selector, &pod.labels)).cloned().collect();
    selected.sort_by(|a, b| a.name.cmp(&b.name));
    selected.dedup_by(|a, b| a.name == b.name);
    let values = slices.unwrap_or_default();
    let mut target = Target {
        port: port.clone(),
        family: service.addresses.first().map(|address| Family::of(*address)),
        endpoints: if slices.is_some() { slices::endpoints(values, port) } else { from_pods(service, port, &selected) },
        near_misses: near::misses(&service.selector, all, !selected.is_empty()),
        pods: selected,
        elsewhere: Vec::new(),
        slices: values.iter().map(slices::slice).collect(),
        disagreements: Vec::new(),
        templates: Vec::new(),
        pod_events: BTreeMap::new(),
        settings: Vec::new(),
        reach: Vec::new(),
        slices_read: slices.is_some(),
        pods_read: pods.is_some(),
    };
    compare::declare(&mut target);
    if slices.is_some() && pods.is_some() && !service.selector.is_empty() {
        target.disagreements = compare::disagreements(service, &target, values);
    }
    target
}

/// The pods of a whole namespace that the selector misses by one label; see `Target::near_misses`.
#[must_use]
pub fn near_misses(service: &Service, pods: &[Pod], target: &Target) -> BTreeMap<String, String> {
    near::misses(&service.selector, pods, !target.pods.is_empty())
}

/// Whether a Service's selector matches; an empty one matches nothing, as the API has it.
#[must_use]
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// What the slices would hold, were they up to date: the best that is known where they could not be read.
fn from_pods(service: &Service, port: &ServicePort, pods: &[Pod]) -> Vec<Endpoint> {
    pods.iter()
        .filter(|pod| !pod.finished())
        .flat_map(|pod| pod.ips.iter().map(move |ip| (pod, *ip)))
        .map(|(pod, ip)| Endpoint {
            pod: Some(pod.name.clone()),
            ip,
            family: Family::of(ip),
            node: pod.node.clone(),
            port: declared(port, pod).map(|(number, _)| number),
            name: port.name.clone(),
            ready: service.publish_not_ready || (pod.ready && !pod.terminating),
            serving: pod.ready,
            terminating: pod.terminating,
            from: "pod spec".to_owned(),
            for_zones: Vec::new(),
            for_nodes: Vec::new(),
            declared: None,
            holder: None,
            unheld: false,
            dead: None,
        })
        .collect()
}
