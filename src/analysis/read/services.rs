//! Services, with every setting that means something for a client.

use std::net::IpAddr;

use serde_json::Value;

use super::{array, flag, map, number, optional_text, text, texts};
use crate::model::metallb::Claim;
use crate::model::service::{Protocol, Service, ServicePort, TrafficPolicy};

/// Seconds for which `sessionAffinity: ClientIP` holds when nothing else is said.
const USUAL_AFFINITY: u32 = 10_800;

/// A `v1/Service`.
#[must_use]
pub fn service(value: &Value) -> Service {
    let ingress = array(value, "/status/loadBalancer/ingress");
    let address = |entry: &Value| text(entry, "/ip").parse::<IpAddr>().ok();
    let sticky = text(value, "/spec/sessionAffinity") == "ClientIP";
    Service {
        namespace: text(value, "/metadata/namespace"),
        name: text(value, "/metadata/name"),
        uid: text(value, "/metadata/uid"),
        created: text(value, "/metadata/creationTimestamp"),
        kind: optional_text(value, "/spec/type").unwrap_or_else(|| "ClusterIP".to_owned()),
        labels: map(value, "/metadata/labels"),
        annotations: map(value, "/metadata/annotations"),
        selector: map(value, "/spec/selector"),
        cluster_ips: texts(value, "/spec/clusterIPs").iter().filter_map(|ip| ip.parse().ok()).collect(),
        addresses: ingress.iter().filter_map(address).collect(),
        hostnames: ingress.iter().filter_map(|entry| optional_text(entry, "/hostname")).collect(),
        finalizers: texts(value, "/metadata/finalizers"),
        conditions: array(value, "/status/conditions")
            .iter()
            .filter(|condition| text(condition, "/status") != "False")
            .map(|condition| text(condition, "/type"))
            .collect(),
        ports: array(value, "/spec/ports").iter().filter_map(service_port).collect(),
        headless: text(value, "/spec/clusterIP") == "None",
        external_policy: policy(value, "/spec/externalTrafficPolicy"),
        internal_policy: policy(value, "/spec/internalTrafficPolicy"),
        source_ranges: texts(value, "/spec/loadBalancerSourceRanges").iter().filter_map(|range| range.trim().parse().ok()).collect(),
        affinity_seconds: sticky.then(|| number(value, "/spec/sessionAffinityConfig/clientIP/timeoutSeconds").unwrap_or(USUAL_AFFINITY)),
        node_ports: value.pointer("/spec/allocateLoadBalancerNodePorts").and_then(Value::as_bool).unwrap_or(true),
        proxied_addresses: ingress.iter().filter(|entry| text(entry, "/ipMode") == "Proxy").filter_map(address).collect(),
        ip_families: texts(value, "/spec/ipFamilies"),
        ip_family_policy: optional_text(value, "/spec/ipFamilyPolicy"),
        traffic_distribution: optional_text(value, "/spec/trafficDistribution"),
        class: optional_text(value, "/spec/loadBalancerClass"),
        health_check_node_port: number(value, "/spec/healthCheckNodePort").filter(|port| *port != 0),
        publish_not_ready: flag(value, "/spec/publishNotReadyAddresses"),
        wanted_address: optional_text(value, "/spec/loadBalancerIP").filter(|address| !address.is_empty()),
    }
}

/// What a `v1/Service` takes by `spec.externalIPs`: each address with each port. Proxies leave out headless ones and those that are a name alone.
#[must_use]
pub fn claims(value: &Value) -> Vec<Claim> {
    let service = service(value);
    if service.headless || service.kind == "ExternalName" {
        return Vec::new();
    }
    let addresses: Vec<IpAddr> = texts(value, "/spec/externalIPs").iter().filter_map(|ip| ip.parse().ok()).collect();
    let of = |address: &IpAddr| {
        let (address, path) = (*address, service.path());
        service
            .ports
            .iter()
            .map(move |port| Claim { service: path.clone(), address, port: port.port, protocol: port.protocol })
            .collect::<Vec<_>>()
    };
    addresses.iter().flat_map(of).collect()
}

fn policy(value: &Value, pointer: &str) -> TrafficPolicy {
    if text(value, pointer) == "Local" { TrafficPolicy::Local } else { TrafficPolicy::Cluster }
}

fn service_port(value: &Value) -> Option<ServicePort> {
    let port: u16 = number(value, "/port")?;
    let target_port = match value.get("targetPort") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Number(number)) => number.to_string(),
        // Left out, it is the Service's own port.
        _ => port.to_string(),
    };
    Some(ServicePort {
        name: text(value, "/name"),
        port,
        protocol: protocol(&text(value, "/protocol")),
        target_port,
        node_port: number(value, "/nodePort").filter(|port| *port != 0),
        app_protocol: optional_text(value, "/appProtocol"),
    })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::service;
    use crate::model::service::{Protocol, TrafficPolicy};

    #[test]
    fn a_named_target_port_stays_a_name() {
        let read = service(&json!({"spec": {"type": "LoadBalancer", "ports": [{"port": 443, "targetPort": "https"}, {"port": 80}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}));
        assert_eq!(read.ports[0].target_port, "https");
        assert_eq!(read.ports[1].target_port, "80");
        assert_eq!(read.addresses.len(), 1);
    }

    #[test]
    fn what_is_left_out_is_as_the_api_has_it() {
        let read = service(&json!({"spec": {"ports": [{"port": 53, "protocol": "UDP"}], "sessionAffinity": "None"}}));
        assert_eq!((read.kind.as_str(), read.external_policy, read.affinity_seconds), ("ClusterIP", TrafficPolicy::Cluster, None));
        assert!(read.node_ports && !read.headless && read.proxied_addresses.is_empty());
        assert_eq!(read.ports[0].protocol, Protocol::Udp);
        assert!(read.translated().is_ok());
    }

    #[test]
    fn settings_are_read() {
        let read = service(&json!({"spec": {"clusterIP": "10.96.0.9", "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Local",
            "sessionAffinity": "ClientIP", "allocateLoadBalancerNodePorts": false, "healthCheckNodePort": 30123,
            "loadBalancerSourceRanges": ["10.0.0.0/8", " 192.0.2.1/32", "rubbish"], "trafficDistribution": "PreferClose"},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "Proxy"}, {"ip": "10.0.0.2", "ipMode": "VIP"}]}}}));
        assert_eq!((read.external_policy, read.internal_policy), (TrafficPolicy::Local, TrafficPolicy::Local));
        assert_eq!((read.affinity_seconds, read.node_ports, read.health_check_node_port), (Some(10_800), false, Some(30_123)));
        assert_eq!(read.source_ranges.len(), 2);
        assert_eq!(read.proxied_addresses, ["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    }

    #[test]
    fn services_without_endpoints_of_their_own_say_why() {
        let headless = service(&json!({"metadata": {"namespace": "a", "name": "db"}, "spec": {"clusterIP": "None"}}));
        assert!(headless.translated().unwrap_err().contains("a/db is headless"));
        let external = service(&json!({"metadata": {"namespace": "a", "name": "db"}, "spec": {"type": "ExternalName"}}));
        assert!(external.translated().unwrap_err().contains("ExternalName"));
    }
}
