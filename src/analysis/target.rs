//! Where a Service's port ends: EndpointSlices and pods, read together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use super::read::{array, number, optional_text, text};
use crate::model::endpoint::{Endpoint, Target};
use crate::model::kubernetes::Pod;
use crate::model::service::{Service, ServicePort};

/// The endpoints of one port, and the pods behind the selector. `slices` and `pods` are `None` when they could not be read.
#[must_use]
pub fn target(service: &Service, port: &ServicePort, slices: Option<&[Value]>, pods: Option<&[Pod]>) -> Target {
    let mut seen = BTreeSet::new();
    let mut endpoints: Vec<Endpoint> = slices
        .unwrap_or_default()
        .iter()
        .flat_map(|slice| slice_endpoints(slice, port))
        .filter(|endpoint| seen.insert((endpoint.ip, endpoint.port)))
        .collect();
    endpoints.sort_by(|a, b| (&a.pod, a.ip, a.port).cmp(&(&b.pod, b.ip, b.port)));
    let all = pods.unwrap_or_default();
    let selected: Vec<Pod> = all.iter().filter(|pod| selects(&service.selector, &pod.labels)).cloned().collect();
    let near_misses =
        if selected.is_empty() { all.iter().filter_map(|pod| near_miss(&service.selector, pod)).collect() } else { BTreeMap::new() };
    Target { port: port.clone(), endpoints, pods: selected, near_misses, slices_read: slices.is_some(), pods_read: pods.is_some() }
}

/// Whether a Service's selector matches; an empty one matches nothing, as the API has it.
#[must_use]
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn slice_endpoints(slice: &Value, port: &ServicePort) -> Vec<Endpoint> {
    let number =
        array(slice, "/ports").iter().filter(|entry| text(entry, "/name") == port.name).find_map(|entry| number::<u16>(entry, "/port"));
    let name = text(slice, "/metadata/name");
    array(slice, "/endpoints")
        .iter()
        .flat_map(|entry| {
            let ready = entry.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true);
            let serving = entry.pointer("/conditions/serving").and_then(Value::as_bool).unwrap_or(ready);
            let is_pod = text(entry, "/targetRef/kind") == "Pod";
            array(entry, "/addresses").iter().filter_map(Value::as_str).filter_map(|ip| ip.parse::<IpAddr>().ok()).map(move |ip| Endpoint {
                pod: is_pod.then(|| text(entry, "/targetRef/name")),
                ip,
                node: optional_text(entry, "/nodeName"),
                port: number,
                ready,
                serving,
                terminating: entry.pointer("/conditions/terminating").and_then(Value::as_bool).unwrap_or_default(),
                from: String::new(),
            })
        })
        .map(|endpoint| Endpoint { from: name.clone(), ..endpoint })
        .collect()
}

/// A pod that the selector would match but for one label, and what differs there.
fn near_miss(selector: &BTreeMap<String, String>, pod: &Pod) -> Option<(String, String)> {
    let mut differing = selector.iter().filter(|(key, value)| pod.labels.get(*key) != Some(value));
    let (key, wanted) = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    let has = pod.labels.get(key)?;
    // With a single label in the selector every pod differs in one label only: it must also look alike.
    let alike = selector.len() > 1 || strsim::jaro_winkler(has, wanted) > 0.8;
    alike.then(|| (pod.name.clone(), format!("{key}={has}, the selector wants {key}={wanted}")))
}

#[cfg(test)]
mod tests {
    use super::target;
    use crate::analysis::read::objects;
    use serde_json::json;

    fn web() -> crate::model::service::Service {
        objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"selector": {"app": "web-server"},
            "ports": [{"name": "https", "port": 443, "targetPort": "https"}]}}))
    }

    #[test]
    fn a_port_name_that_no_pod_has_leaves_addresses_without_ports() {
        let service = web();
        let slices =
            [json!({"metadata": {"name": "web-1"}, "ports": [], "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true},
            "targetRef": {"kind": "Pod", "name": "web-a"}}]})];
        let read = target(&service, &service.ports[0], Some(&slices), Some(&[]));
        assert_eq!(read.endpoints[0].port, None);
        assert!(read.serving().is_empty());
    }

    #[test]
    fn duplicates_over_slices_are_merged() {
        let service = web();
        let slice = json!({"metadata": {"name": "web-1"}, "ports": [{"name": "https", "port": 4180}],
            "endpoints": [{"addresses": ["10.0.0.1"]}]});
        let read = target(&service, &service.ports[0], Some(&[slice.clone(), slice]), None);
        assert_eq!(read.endpoints.len(), 1);
        assert!(!read.pods_read);
    }

    #[test]
    fn a_typing_error_in_the_selector_is_seen() {
        let service = web();
        let pod = objects::pod(&json!({"metadata": {"name": "p", "labels": {"app": "web-servr"}}}));
        let other = objects::pod(&json!({"metadata": {"name": "q", "labels": {"app": "database"}}}));
        let read = target(&service, &service.ports[0], Some(&[]), Some(&[pod, other]));
        assert_eq!(read.near_misses.keys().collect::<Vec<_>>(), ["p"]);
    }
}
