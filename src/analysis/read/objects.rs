//! Nodes, workloads and events; Services and pods have files of their own.

use std::net::IpAddr;

use serde_json::Value;

use super::{array, flag, map, number, optional_text, text};
use crate::model::kubernetes::{Event, Node, Workload};

pub use super::pods::pod;
pub use super::services::{claims, protocol, service};

/// A `v1/Node`.
#[must_use]
pub fn node(value: &Value) -> Node {
    let condition = |kind: &str| {
        array(value, "/status/conditions")
            .iter()
            .find(|condition| text(condition, "/type") == kind)
            .map(|condition| text(condition, "/status"))
    };
    Node {
        name: text(value, "/metadata/name"),
        labels: map(value, "/metadata/labels"),
        internal_ips: array(value, "/status/addresses")
            .iter()
            .filter(|address| text(address, "/type") == "InternalIP")
            .filter_map(|address| text(address, "/address").parse().ok())
            .collect(),
        pod_cidrs: super::texts(value, "/spec/podCIDRs"),
        ready: condition("Ready").as_deref() == Some("True"),
        network_unavailable: condition("NetworkUnavailable").as_deref() == Some("True"),
        unschedulable: flag(value, "/spec/unschedulable"),
        other_ips: other_ips(value),
    }
}

/// Whatever the node's object tells of further addresses: a network writes those of its tunnels and gateways into annotations.
fn other_ips(value: &Value) -> Vec<IpAddr> {
    let told = array(value, "/status/addresses")
        .iter()
        .filter(|address| text(address, "/type") != "InternalIP")
        .map(|address| text(address, "/address"));
    told.chain(map(value, "/metadata/annotations").into_values())
        .flat_map(|text| {
            text.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':')
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<IpAddr>>()
        })
        .collect()
}

/// An `apps/v1` Deployment or DaemonSet.
#[must_use]
pub fn workload(kind: &str, value: &Value) -> Workload {
    let (desired, ready) = if kind == "DaemonSet" {
        (number(value, "/status/desiredNumberScheduled").unwrap_or_default(), number(value, "/status/numberReady").unwrap_or_default())
    } else {
        (number(value, "/spec/replicas").unwrap_or(1), number(value, "/status/readyReplicas").unwrap_or_default())
    };
    Workload { kind: kind.to_owned(), namespace: text(value, "/metadata/namespace"), name: text(value, "/metadata/name"), desired, ready }
}

/// A `v1/Event`.
#[must_use]
pub fn event(value: &Value) -> Event {
    let at = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|pointer| optional_text(value, pointer))
        .unwrap_or_default();
    Event {
        kind: text(value, "/type"),
        reason: text(value, "/reason"),
        message: text(value, "/message"),
        component: optional_text(value, "/source/component")
            .filter(|component| !component.is_empty())
            .unwrap_or_else(|| text(value, "/reportingComponent")),
        at,
        since: optional_text(value, "/firstTimestamp").unwrap_or_default(),
        count: number(value, "/series/count").or_else(|| number(value, "/count")).unwrap_or(1),
        object_uid: text(value, "/involvedObject/uid"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::json;

    use super::node;

    #[test]
    fn a_node_tells_every_address_of_its_own() {
        let read = node(&json!({"metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "a"}, "annotations": {
            "projectcalico.org/IPv4Address": "10.0.0.1/24", "projectcalico.org/IPv4VXLANTunnelAddr": "10.244.1.0", "note": "hello, 5"}},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "192.0.2.7"},
            {"type": "Hostname", "address": "n1"}]}}));
        let other: Vec<IpAddr> = ["192.0.2.7", "10.0.0.1", "10.244.1.0"].iter().map(|ip| ip.parse().unwrap()).collect();
        assert!(other.iter().all(|ip| read.other_ips.contains(ip)), "{:?}", read.other_ips);
        assert_eq!(read.internal_ips.len(), 1);
        assert_eq!(read.zone(), Some("a"));
    }
}
