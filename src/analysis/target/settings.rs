//! What the Service's settings mean for a client at its load-balanced address: only those that are not the default.

use crate::model::endpoint::{Setting, Target};
use crate::model::service::{Service, ServicePort, TrafficPolicy};

/// The settings in the order in which a request meets them.
#[must_use]
pub fn settings(service: &Service, port: &ServicePort, target: &Target) -> Vec<Setting> {
    let mut all = Vec::new();
    who_serves(service, &mut all);
    families(service, &mut all);
    who_is_let_in(service, &mut all);
    which_pod(service, target, &mut all);
    ports(service, port, &mut all);
    all
}

fn say(all: &mut Vec<Setting>, name: &str, value: impl std::fmt::Display, means: impl Into<String>) {
    all.push(Setting { name: name.to_owned(), value: value.to_string(), means: means.into() });
}

fn who_serves(service: &Service, all: &mut Vec<Setting>) {
    if let Some(class) = &service.class {
        say(all, "loadBalancerClass", class, "only the load balancer of that class gives it an address and announces it");
    }
    if let Some(name) = service.labels.get("service.kubernetes.io/service-proxy-name") {
        let means = "kube-proxy leaves the Service alone: the proxy of that name has to translate its addresses";
        say(all, "service.kubernetes.io/service-proxy-name", name, means);
    }
    for address in &service.proxied_addresses {
        let means = format!("kube-proxy does not program {address} on the nodes: a request that a node takes is not translated there");
        say(all, "ipMode", "Proxy", means);
    }
}

fn families(service: &Service, all: &mut Vec<Setting>) {
    let named = service.ip_families.join(", ");
    let policy = service.ip_family_policy.as_deref().unwrap_or("SingleStack");
    if service.ip_families.len() > 1 {
        let means = "a client of one family gets to endpoints of that family alone, each with EndpointSlices of its own";
        say(all, "ipFamilies", named, means);
    } else if policy == "PreferDualStack" {
        say(all, "ipFamilyPolicy", policy, format!("two families are wanted, and the cluster gives {named} alone"));
    } else if named == "IPv6" {
        say(all, "ipFamilies", named, "clients with IPv4 alone cannot reach it");
    }
}

fn who_is_let_in(service: &Service, all: &mut Vec<Setting>) {
    if service.source_ranges.is_empty() {
        return;
    }
    let ranges = service.source_ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    say(all, "loadBalancerSourceRanges", ranges, "kube-proxy drops requests to the address from every other client, without an answer");
}

fn which_pod(service: &Service, target: &Target, all: &mut Vec<Setting>) {
    if service.external_policy == TrafficPolicy::Local {
        let with: Vec<&str> =
            target.reach.iter().filter(|reach| !reach.endpoints.is_empty()).flat_map(|reach| &reach.nodes).map(String::as_str).collect();
        let have = match (with.is_empty(), target.slices_read) {
            (_, false) => String::new(),
            (true, true) => " (no node has one)".to_owned(),
            (false, true) => format!(" (these have one: {})", some(&with)),
        };
        let means = format!(
            "pods see the client's own address, and a node sends requests to its own pods alone; a node without a pod that serves drops them{have}"
        );
        say(all, "externalTrafficPolicy", "Local", means);
    }
    if service.internal_policy == TrafficPolicy::Local {
        let means = "concerns clients inside the cluster at the cluster IP alone; it changes nothing for requests from outside";
        say(all, "internalTrafficPolicy", "Local", means);
    }
    if let Some(seconds) = service.affinity_seconds {
        let means = format!("a client stays with its pod for {seconds} s: a broken pod fails the same clients every time, and no others");
        say(all, "sessionAffinity", "ClientIP", means);
    }
    if let Some(wanted) = &service.traffic_distribution {
        say(all, "trafficDistribution", wanted, nearest_first(target));
    }
    let mode = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"]
        .iter()
        .find_map(|key| Some((key, service.annotations.get(*key).filter(|mode| !mode.eq_ignore_ascii_case("disabled"))?)));
    if let Some((key, mode)) = mode {
        say(all, key, mode, nearest_first(target));
    }
    if service.publish_not_ready {
        let means = "every pod with an address is an endpoint that gets traffic, ready or not";
        say(all, "publishNotReadyAddresses", true, means);
    }
}

fn nearest_first(target: &Target) -> String {
    if target.reach.is_empty() {
        return "pods near the node that takes the request are preferred; as the hints are now, every node sends to all".to_owned();
    }
    let groups: Vec<String> = target
        .reach
        .iter()
        .take(4)
        .map(|reach| {
            let nodes: Vec<&str> = reach.nodes.iter().map(String::as_str).collect();
            format!("{} ({}) to {} of them", some(&nodes), reach.by, reach.endpoints.len())
        })
        .collect();
    format!("the node that takes the request decides which pods it can hit: {}; other nodes send to all", groups.join("; "))
}

fn ports(service: &Service, port: &ServicePort, all: &mut Vec<Setting>) {
    if let Some(protocol) = &port.app_protocol {
        say(all, "appProtocol", protocol, "what is spoken on the port; kube-proxy and MetalLB do nothing with it");
    }
    if service.kind == "LoadBalancer" && !service.node_ports {
        let means = "there are no node ports: MetalLB and kube-proxy do without; a load balancer that enters by node ports cannot reach it";
        say(all, "allocateLoadBalancerNodePorts", false, means);
    }
    if let Some(number) = service.health_check_node_port {
        let means =
            format!("http://NODE:{number}/healthz says 200 where a node has a pod that serves, 503 elsewhere; MetalLB does not ask it");
        say(all, "healthCheckNodePort", number, means);
    }
}

/// A few names, and how many more.
fn some(names: &[&str]) -> String {
    let shown = names.len().min(8);
    let more = names.len() - shown;
    let listed = names[..shown].join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
