//! Who holds an endpoint's address, where the selector does not account for it: a pod, a node, somebody outside, or provably nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use crate::analysis::read::{array, text, texts};
use crate::model::endpoint::{Endpoint, Target};
use crate::model::kubernetes::{Node, Pod};
use crate::model::service::Service;

/// Addresses that are looked up for one Service.
const MOST: usize = 16;

/// What is known of the cluster's own addresses.
#[derive(Default)]
pub struct Surroundings {
    pub nodes: Vec<Node>,
    /// Pod networks that a network plugin's own objects tell, each with where it stands.
    networks: Vec<(String, IpNet)>,
    /// Addresses in them that the plugin keeps for itself.
    kept: BTreeSet<IpAddr>,
}

impl Surroundings {
    /// The nodes alone, as the API has them.
    #[must_use]
    pub fn of(nodes: Vec<Node>) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// Adds what Calico's `IPPool` and Cilium's `CiliumNode` objects tell.
    #[must_use]
    pub fn with_plugins(mut self, pools: &[Value], cilium: &[Value]) -> Self {
        for pool in pools {
            // A pool for tunnels or load balancers alone gives pods nothing.
            let uses = texts(pool, "/spec/allowedUses");
            let cidr = text(pool, "/spec/cidr").parse::<IpNet>().ok();
            if let Some(cidr) = cidr.filter(|_| uses.is_empty() || uses.iter().any(|kind| kind == "Workload")) {
                self.networks.push((format!("IPPool {}", text(pool, "/metadata/name")), cidr));
            }
        }
        for node in cilium {
            let name = text(node, "/metadata/name");
            let cidrs = texts(node, "/spec/ipam/podCIDRs");
            self.networks.extend(cidrs.iter().filter_map(|cidr| Some((format!("CiliumNode {name}"), cidr.parse().ok()?))));
            let own = array(node, "/spec/addresses").iter().map(|entry| text(entry, "/ip"));
            let others =
                ["/spec/health/ipv4", "/spec/health/ipv6", "/spec/ingress/ipv4", "/spec/ingress/ipv6"].map(|pointer| text(node, pointer));
            self.kept.extend(own.chain(others).filter_map(|ip| ip.parse::<IpAddr>().ok()));
        }
        self
    }

    /// The node that has the address as its own.
    fn node(&self, ip: IpAddr) -> Option<&Node> {
        self.nodes.iter().find(|node| node.internal_ips.contains(&ip) || node.other_ips.contains(&ip))
    }

    /// The pod network that holds the address, and whose it is. An address that the network keeps for itself is in none: its own, the
    /// bridge's or gateway's, the broadcast, and whatever the plugin tells.
    fn network(&self, ip: IpAddr) -> Option<(String, IpNet)> {
        if self.kept.contains(&ip) {
            return None;
        }
        let of_nodes = self.nodes.iter().flat_map(|node| {
            node.pod_cidrs.iter().filter_map(move |cidr| Some((format!("node {}", node.name), cidr.parse::<IpNet>().ok()?)))
        });
        let (whose, network) = of_nodes.chain(self.networks.iter().cloned()).find(|(_, network)| network.contains(&ip))?;
        let first = network.hosts().next();
        let second = network.addr().is_ipv6().then(|| network.hosts().nth(1)).flatten();
        let kept = ip == network.network() || ip == network.broadcast() || first == Some(ip) || second == Some(ip);
        (!kept).then_some((whose, network))
    }
}

/// The addresses of endpoints that no selected pod explains, those inside the cluster's pod networks first.
#[must_use]
pub fn unaccounted(service: &Service, target: &Target, around: &Surroundings) -> Vec<IpAddr> {
    if !service.selector.is_empty() && !target.pods_read {
        return Vec::new();
    }
    let accounted =
        |pod: Option<&str>, ip: IpAddr| pod.and_then(|name| target.pod(name)).is_some_and(|pod| !pod.finished() && pod.ips.contains(&ip));
    let open: BTreeSet<IpAddr> = target
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.usable() && !accounted(endpoint.pod.as_deref(), endpoint.ip))
        .map(|endpoint| endpoint.ip)
        .collect();
    let (mut first, others): (Vec<IpAddr>, Vec<IpAddr>) = open.into_iter().partition(|ip| around.network(*ip).is_some());
    first.extend(others);
    first.truncate(MOST);
    first
}

/// Those of the looked-up addresses that neither a pod nor a node has.
#[must_use]
pub fn unheld(target: &Target, looked_up: &BTreeMap<IpAddr, Vec<Pod>>, around: &Surroundings) -> BTreeSet<IpAddr> {
    let primary = primary_is_four(target, looked_up, around);
    looked_up
        .iter()
        // The API finds a pod by its first address alone: of the second family it knows nothing.
        .filter(|(ip, pods)| primary == Some(ip.is_ipv4()) && pods.iter().all(Pod::finished) && around.node(**ip).is_none())
        .filter(|(ip, _)| !around.kept.contains(ip))
        .map(|(ip, _)| *ip)
        .collect()
}

/// Whether the first address of a pod is IPv4 in this cluster; `None` when nothing tells.
fn primary_is_four(target: &Target, looked_up: &BTreeMap<IpAddr, Vec<Pod>>, around: &Surroundings) -> Option<bool> {
    let of_networks = || around.nodes.iter().find_map(|node| node.pod_cidrs.first()?.parse::<IpNet>().ok()).map(|net| net.addr());
    let of_pods = || target.pods.iter().chain(looked_up.values().flatten()).find_map(|pod| pod.ips.first().copied());
    let of_nodes = || around.nodes.iter().find_map(|node| node.internal_ips.first().copied());
    of_networks().or_else(of_pods).or_else(of_nodes).map(|ip| ip.is_ipv4())
}

/// Writes down who holds the addresses that were looked up. `looked_up` has the pods that the API found by each address.
pub fn hold(service: &Service, target: &mut Target, looked_up: &BTreeMap<IpAddr, Vec<Pod>>, around: &Surroundings) {
    let unheld = unheld(target, looked_up, around);
    let computed: BTreeSet<String> = target.slices.iter().filter(|slice| slice.computed()).map(|slice| slice.name.clone()).collect();
    let mut behind: Vec<Pod> = Vec::new();
    for endpoint in &mut target.endpoints {
        let Some(pods) = looked_up.get(&endpoint.ip) else { continue };
        let mut live = pods.iter().filter(|pod| !pod.finished() && pod.ips.contains(&endpoint.ip) && !pod.host_network);
        if let (Some(pod), None) = (live.next(), live.next()) {
            endpoint.holder = Some(format!("pod {}/{}", pod.namespace, pod.name));
            if endpoint.pod.is_none() && pod.namespace == service.namespace {
                endpoint.pod = Some(pod.name.clone());
                endpoint.node = endpoint.node.take().or_else(|| pod.node.clone());
                behind.push(pod.clone());
            }
        } else if let Some(node) = around.node(endpoint.ip) {
            endpoint.holder = Some(format!("node {}", node.name));
        } else if unheld.contains(&endpoint.ip) {
            endpoint.unheld = true;
            endpoint.dead = nobody(endpoint, around, computed.contains(&endpoint.from));
        }
    }
    target.pods.extend(behind);
    target.pods.sort_by(|a, b| a.name.cmp(&b.name));
    target.pods.dedup_by(|a, b| a.name == b.name);
}

/// Why nobody can answer there. Of an address outside the cluster nothing is said: somebody's server may have it.
fn nobody(endpoint: &Endpoint, around: &Surroundings, computed: bool) -> Option<String> {
    let ip = endpoint.ip;
    match (&endpoint.pod, around.network(ip)) {
        // Kubernetes writes the addresses of pods alone.
        (Some(pod), _) if computed => {
            Some(format!("{ip} was the address of pod {pod}, which is gone, and no other pod and no node has it"))
        }
        (_, Some((whose, network))) => Some(format!("{ip} lies in the pod network {network} of {whose}, and no pod and no node has it")),
        (_, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    use serde_json::{Value, json};

    use super::{Surroundings, hold};
    use crate::analysis::read::objects;
    use crate::analysis::target::target;

    /// Whether an endpoint with that address, of which the API knows no pod, is (unheld, dead).
    fn told(ip: &str, around: &Surroundings) -> (bool, bool) {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"ports": [{"port": 443}]}}));
        let slice = json!({"metadata": {"name": "hand"}, "ports": [{"port": 443}], "endpoints": [{"addresses": [ip]}]});
        let mut read = target(&service, &service.ports[0], Some(&[slice]), None);
        hold(&service, &mut read, &BTreeMap::from([(ip.parse::<IpAddr>().unwrap(), Vec::new())]), around);
        (read.endpoints[0].unheld, read.endpoints[0].dead.is_some())
    }

    fn nodes(cidrs: &Value) -> Surroundings {
        Surroundings::of(vec![objects::node(&json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": cidrs},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.9.0.1"}]}}))])
    }

    #[test]
    fn only_inside_a_pod_network_does_the_api_alone_prove_absence() {
        let around = nodes(&json!(["10.88.131.0/24", "fd00:1::/64"]));
        assert_eq!(told("10.88.131.77", &around), (true, true));
        assert_eq!(told("192.0.2.7", &around), (true, false));
        assert_eq!(told("10.9.0.1", &around), (false, false));
    }

    #[test]
    fn what_a_network_keeps_for_itself_may_be_held_by_its_plugin() {
        let around = nodes(&json!(["10.88.131.0/24"]));
        for ip in ["10.88.131.0", "10.88.131.1", "10.88.131.255"] {
            assert!(!told(ip, &around).1, "{ip}");
        }
    }

    #[test]
    fn pods_cannot_be_found_by_an_address_of_the_second_family() {
        assert_eq!(told("fd00:1::77", &nodes(&json!(["10.88.131.0/24", "fd00:1::/64"]))), (false, false));
        assert_eq!(told("fd00:1::77", &nodes(&json!(["fd00:1::/64"]))), (true, true));
    }

    #[test]
    fn network_plugins_tell_their_pod_networks() {
        let calico = [
            json!({"metadata": {"name": "default"}, "spec": {"cidr": "10.244.0.0/16"}}),
            json!({"metadata": {"name": "lb"}, "spec": {"cidr": "10.250.0.0/16", "allowedUses": ["LoadBalancer"]}}),
        ];
        let cilium = [json!({"metadata": {"name": "n"}, "spec": {"ipam": {"podCIDRs": ["10.0.1.0/24"]}, "addresses": [{"ip": "10.0.1.9"}],
            "health": {"ipv4": "10.0.1.8"}}})];
        let around = nodes(&json!([])).with_plugins(&calico, &cilium);
        assert_eq!(told("10.244.3.7", &around), (true, true));
        assert_eq!(told("10.250.3.7", &around), (true, false));
        assert_eq!(told("10.0.1.7", &around), (true, true));
        assert_eq!(told("10.0.1.9", &around), (false, false));
        assert_eq!(told("10.0.1.8", &around), (false, false));
    }
}
