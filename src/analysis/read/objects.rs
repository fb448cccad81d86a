//! Services, pods, nodes, workloads and events.

use std::net::IpAddr;

use serde_json::Value;

use super::{array, flag, map, number, optional_text, text};
use crate::model::kubernetes::{Container, ContainerPort, Event, Node, Pod, Workload};
use crate::model::service::{Protocol, Service, ServicePort, TrafficPolicy};

/// A `v1/Service`.
#[must_use]
pub fn service(value: &Value) -> Service {
    let cluster_ips = array(value, "/spec/clusterIPs").iter().filter_map(Value::as_str).filter_map(|ip| ip.parse().ok()).collect();
    Service {
        namespace: text(value, "/metadata/namespace"),
        name: text(value, "/metadata/name"),
        uid: text(value, "/metadata/uid"),
        created: text(value, "/metadata/creationTimestamp"),
        kind: optional_text(value, "/spec/type").unwrap_or_else(|| "ClusterIP".to_owned()),
        labels: map(value, "/metadata/labels"),
        annotations: map(value, "/metadata/annotations"),
        selector: map(value, "/spec/selector"),
        cluster_ips,
        family_policy: optional_text(value, "/spec/ipFamilyPolicy"),
        addresses: ips(value, "/status/loadBalancer/ingress", "/ip"),
        hostnames: array(value, "/status/loadBalancer/ingress").iter().filter_map(|entry| optional_text(entry, "/hostname")).collect(),
        finalizers: super::texts(value, "/metadata/finalizers"),
        conditions: array(value, "/status/conditions").iter().map(|condition| text(condition, "/type")).collect(),
        ports: array(value, "/spec/ports").iter().filter_map(service_port).collect(),
        external_policy: if text(value, "/spec/externalTrafficPolicy") == "Local" { TrafficPolicy::Local } else { TrafficPolicy::Cluster },
        source_ranges: array(value, "/spec/loadBalancerSourceRanges")
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|range| range.trim().parse().ok())
            .collect(),
        class: optional_text(value, "/spec/loadBalancerClass"),
        health_check_node_port: number(value, "/spec/healthCheckNodePort"),
        publish_not_ready: flag(value, "/spec/publishNotReadyAddresses"),
        wanted_address: optional_text(value, "/spec/loadBalancerIP").filter(|address| !address.is_empty()),
    }
}

fn service_port(value: &Value) -> Option<ServicePort> {
    let port = number(value, "/port")?;
    let target_port = match value.get("targetPort") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => port_text(port),
    };
    Some(ServicePort {
        name: text(value, "/name"),
        port,
        protocol: protocol(&text(value, "/protocol")),
        target_port,
        node_port: number(value, "/nodePort"),
        app_protocol: optional_text(value, "/appProtocol"),
    })
}

fn port_text(port: u16) -> String {
    port.to_string()
}

/// The protocol by its name; TCP is the API's default.
#[must_use]
pub fn protocol(name: &str) -> Protocol {
    match name {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}

fn ips(value: &Value, list: &str, field: &str) -> Vec<IpAddr> {
    array(value, list).iter().filter_map(|entry| text(entry, field).parse().ok()).collect()
}

/// A `v1/Pod`.
#[must_use]
pub fn pod(value: &Value) -> Pod {
    let statuses = array(value, "/status/containerStatuses");
    let containers: Vec<Container> = array(value, "/spec/containers").iter().map(|spec| container(spec, statuses)).collect();
    let conditions = array(value, "/status/conditions");
    let ready = conditions.iter().any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True");
    let mut addresses = ips(value, "/status/podIPs", "/ip");
    if addresses.is_empty() {
        addresses.extend(text(value, "/status/podIP").parse::<IpAddr>());
    }
    let owner = array(value, "/metadata/ownerReferences")
        .iter()
        .find(|owner| flag(owner, "/controller"))
        .map(|owner| (text(owner, "/kind"), text(owner, "/name")));
    Pod {
        namespace: text(value, "/metadata/namespace"),
        name: text(value, "/metadata/name"),
        uid: text(value, "/metadata/uid"),
        labels: map(value, "/metadata/labels"),
        node: optional_text(value, "/spec/nodeName"),
        ips: addresses,
        host_network: flag(value, "/spec/hostNetwork"),
        phase: text(value, "/status/phase"),
        ready,
        terminating: value.pointer("/metadata/deletionTimestamp").is_some(),
        not_ready_because: if ready { String::new() } else { why_not_ready(value, conditions, statuses) },
        owner,
        containers,
    }
}

fn container(spec: &Value, statuses: &[Value]) -> Container {
    let name = text(spec, "/name");
    let empty = Value::Null;
    let status = statuses.iter().find(|status| text(status, "/name") == name).unwrap_or(&empty);
    let id = text(status, "/containerID");
    Container {
        image: text(spec, "/image"),
        args: super::texts(spec, "/args"),
        env: array(spec, "/env").iter().map(|variable| (text(variable, "/name"), text(variable, "/value"))).collect(),
        ports: array(spec, "/ports")
            .iter()
            .filter_map(|port| {
                Some(ContainerPort {
                    name: text(port, "/name"),
                    number: number(port, "/containerPort")?,
                    protocol: optional_text(port, "/protocol").unwrap_or_else(|| "TCP".to_owned()),
                })
            })
            .collect(),
        id: id.rsplit_once("://").map_or(id.as_str(), |(_, id)| id).to_owned(),
        running: status.pointer("/state/running").is_some(),
        ready: flag(status, "/ready"),
        restarts: number(status, "/restartCount").unwrap_or_default(),
        started_at: optional_text(status, "/state/running/startedAt"),
        name,
    }
}

fn why_not_ready(value: &Value, conditions: &[Value], statuses: &[Value]) -> String {
    for status in statuses {
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() {
            return format!("container {} waits: {waiting}", text(status, "/name"));
        }
        let ended = text(status, "/state/terminated/reason");
        if !ended.is_empty() {
            return format!("container {} ended: {ended}", text(status, "/name"));
        }
    }
    let unready: Vec<String> = statuses.iter().filter(|status| !flag(status, "/ready")).map(|status| text(status, "/name")).collect();
    if !unready.is_empty() {
        return format!("container {} runs but its readiness probe does not succeed", unready.join(", "));
    }
    let unscheduled =
        conditions.iter().find(|condition| text(condition, "/type") == "PodScheduled" && text(condition, "/status") == "False");
    if let Some(condition) = unscheduled {
        return format!("not scheduled: {}", text(condition, "/message"));
    }
    conditions
        .iter()
        .find(|condition| text(condition, "/type") == "Ready")
        .map(|condition| [text(condition, "/reason"), text(condition, "/message")].join(" ").trim().to_owned())
        .filter(|reason| !reason.is_empty())
        .unwrap_or_else(|| format!("phase {}", text(value, "/status/phase")))
}

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
    }
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
        count: number(value, "/series/count").or_else(|| number(value, "/count")).unwrap_or(1),
        object_uid: text(value, "/involvedObject/uid"),
    }
}

#[cfg(test)]
mod tests {
    use super::{pod, service};
    use serde_json::json;

    #[test]
    fn a_named_target_port_stays_a_name() {
        let read = service(&json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 443, "targetPort": "https"}, {"port": 80}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}));
        assert_eq!(read.ports[0].target_port, "https");
        assert_eq!(read.ports[1].target_port, "80");
        assert_eq!(read.addresses.len(), 1);
    }

    #[test]
    fn a_waiting_container_says_why() {
        let read = pod(
            &json!({"status": {"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}}),
        );
        assert_eq!(read.not_ready_because, "container web waits: ImagePullBackOff");
    }

    #[test]
    fn garbage_reads_as_absent() {
        let read = pod(&json!({"spec": 7, "status": []}));
        assert!(read.containers.is_empty() && !read.ready);
    }
}
