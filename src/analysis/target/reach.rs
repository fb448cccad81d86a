//! Which endpoints a request can hit, depending on the node that takes it: policy Local and topology hints.
//!
//! Source: `pkg/proxy/topology.go` of Kubernetes 1.34 (`CategorizeEndpoints`, `topologyModeFromHints`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::endpoint::{Endpoint, Reach, Target, used};
use crate::model::kubernetes::Node;
use crate::model::service::{Service, TrafficPolicy};

/// Groups of nodes that send to a part of the endpoints only; empty when every node sends to all.
#[must_use]
pub fn reach(service: &Service, target: &Target, nodes: &[Node]) -> Vec<Reach> {
    let ours: Vec<&Endpoint> =
        target.endpoints.iter().filter(|endpoint| target.family.is_none_or(|family| endpoint.family == family)).collect();
    if service.external_policy == TrafficPolicy::Local { local(&ours, nodes) } else { hinted(&ours, nodes) }
}

/// Every node sends to its own pods alone; those without any drop the request.
fn local(endpoints: &[&Endpoint], nodes: &[Node]) -> Vec<Reach> {
    let mut own: BTreeMap<&str, Vec<&Endpoint>> = nodes.iter().map(|node| (node.name.as_str(), Vec::new())).collect();
    for endpoint in endpoints {
        // An endpoint that names no node is local to none.
        if let Some(node) = endpoint.node.as_deref() {
            own.entry(node).or_default().push(endpoint);
        }
    }
    let by = "externalTrafficPolicy Local".to_owned();
    let mut without = Vec::new();
    let mut all = Vec::new();
    for (node, endpoints) in own {
        let serving = addresses(&used(endpoints.into_iter()));
        if serving.is_empty() {
            without.push(node.to_owned());
        } else {
            all.push(Reach { nodes: vec![node.to_owned()], by: by.clone(), endpoints: serving });
        }
    }
    if !without.is_empty() {
        all.push(Reach { nodes: without, by, endpoints: Vec::new() });
    }
    all
}

/// Hints count only when every ready endpoint carries one and one of them is for the node or its zone.
fn hinted(endpoints: &[&Endpoint], nodes: &[Node]) -> Vec<Reach> {
    let ready: Vec<&Endpoint> = endpoints.iter().copied().filter(|endpoint| endpoint.ready && endpoint.port.is_some()).collect();
    let by_node = !ready.is_empty() && ready.iter().all(|endpoint| !endpoint.for_nodes.is_empty());
    let by_zone = !ready.is_empty() && ready.iter().all(|endpoint| !endpoint.for_zones.is_empty());
    if !by_node && !by_zone {
        return Vec::new();
    }
    let mut of_node: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    let mut of_zone: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    for endpoint in &ready {
        for node in &endpoint.for_nodes {
            of_node.entry(node).or_default().push(endpoint.ip);
        }
        for zone in &endpoint.for_zones {
            of_zone.entry(zone).or_default().push(endpoint.ip);
        }
    }
    let mut groups: BTreeMap<String, Reach> = BTreeMap::new();
    for node in nodes {
        let own = of_node.get(node.name.as_str()).filter(|_| by_node).map(|ips| (format!("node {}", node.name), ips));
        let zone = node.zone().filter(|_| by_zone).and_then(|zone| Some((format!("zone {zone}"), of_zone.get(zone)?)));
        if let Some((by, ips)) = own.or(zone) {
            let group = groups.entry(by.clone()).or_insert_with(|| Reach { nodes: Vec::new(), by, endpoints: ips.clone() });
            group.nodes.push(node.name.clone());
        }
    }
    // A zone that holds all endpoints restricts nobody.
    groups.into_values().filter(|group| group.endpoints.len() < ready.len()).collect()
}

fn addresses(endpoints: &[&Endpoint]) -> Vec<IpAddr> {
    endpoints.iter().map(|endpoint| endpoint.ip).collect()
}
