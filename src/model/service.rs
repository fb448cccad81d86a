//! A Kubernetes Service as the diagnosis needs it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TCP, UDP or SCTP, as the API writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// Empty when the Service has one unnamed port.
    pub name: String,
    pub port: u16,
    pub protocol: Protocol,
    /// A number or a container port's name, as text.
    pub target_port: String,
    pub node_port: Option<u16>,
    pub app_protocol: Option<String>,
}

/// `spec.externalTrafficPolicy` and `spec.internalTrafficPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficPolicy {
    Cluster,
    Local,
}

/// A Service of any type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// RFC 3339.
    pub created: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub kind: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub selector: BTreeMap<String, String>,
    pub cluster_ips: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].ip`, in order.
    pub addresses: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].hostname`: MetalLB never writes one.
    pub hostnames: Vec<String>,
    /// `metadata.finalizers`: some controllers leave their mark there.
    pub finalizers: Vec<String>,
    /// The types of `status.conditions` that are not said to be false, likewise.
    pub conditions: Vec<String>,
    pub ports: Vec<ServicePort>,
    /// `spec.clusterIP: None`: its name resolves to the pods, and nothing is translated.
    pub headless: bool,
    pub external_policy: TrafficPolicy,
    /// It concerns clients inside the cluster at the cluster IP, not the load-balanced address.
    pub internal_policy: TrafficPolicy,
    pub source_ranges: Vec<IpNet>,
    /// Seconds for which a client keeps its pod, with `sessionAffinity: ClientIP`.
    pub affinity_seconds: Option<u32>,
    /// `spec.allocateLoadBalancerNodePorts`.
    pub node_ports: bool,
    /// The load-balanced addresses that kube-proxy is told not to program: `ingress[].ipMode: Proxy`.
    pub proxied_addresses: Vec<IpAddr>,
    /// `IPv4`, `IPv6`, in the order of the cluster IPs.
    pub ip_families: Vec<String>,
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
    pub ip_family_policy: Option<String>,
    pub traffic_distribution: Option<String>,
    pub class: Option<String>,
    pub health_check_node_port: Option<u16>,
    pub publish_not_ready: bool,
    /// The deprecated `spec.loadBalancerIP`.
    pub wanted_address: Option<String>,
}

impl Service {
    /// The same Service with one of its addresses put first: the one that is followed.
    #[must_use]
    pub fn led_by(&self, address: IpAddr) -> Self {
        let mut led = self.clone();
        led.addresses.sort_by_key(|other| *other != address);
        led
    }

    /// `NS/NAME`
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// What kube-proxy translates for it, or why nothing: then no port ends anywhere.
    ///
    /// # Errors
    /// A headless Service and one of type `ExternalName`, in a sentence that says why.
    pub fn translated(&self) -> Result<(), String> {
        if self.kind == "ExternalName" {
            return Err(format!(
                "Service {} is of type ExternalName: it is a name in DNS for something outside, it has neither address nor endpoints, and its ports end nowhere in the cluster",
                self.path()
            ));
        }
        if self.headless {
            return Err(format!(
                "Service {} is headless (clusterIP: None): its name resolves to the pods themselves, clients connect to the pods' own ports, and targetPort translates nothing",
                self.path()
            ));
        }
        Ok(())
    }

    /// The port of that name or number.
    #[must_use]
    pub fn port(&self, wanted: &str) -> Option<&ServicePort> {
        self.ports.iter().find(|port| port.name == wanted || port.port.to_string() == wanted)
    }
}
