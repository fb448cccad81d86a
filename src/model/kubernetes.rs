//! Pods, nodes, workloads and events, cut down to what a diagnosis reads.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    pub node: Option<String>,
    pub ips: Vec<IpAddr>,
    pub host_network: bool,
    /// `spec.runtimeClassName`: a sandbox such as gVisor or Kata may keep its network to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    pub ready: bool,
    pub terminating: bool,
    /// Why it is not ready, in the API's words; empty when it is.
    pub not_ready_because: String,
    /// The container that keeps it from being ready, when it is one.
    pub not_ready_container: Option<String>,
    /// Since when its condition Ready is as it is, RFC 3339.
    pub ready_since: Option<String>,
    /// Kind and name of the controlling owner, such as (`ReplicaSet`, `web-5d4f`).
    pub owner: Option<(String, String)>,
    pub containers: Vec<Container>,
    /// What runs before the containers, and beside them where it is a sidecar.
    pub init_containers: Vec<Container>,
}

impl Pod {
    /// The workload's name: a ReplicaSet's without its hash, any other owner's as it is, otherwise the pod's own.
    #[must_use]
    pub fn workload(&self) -> String {
        match &self.owner {
            Some((kind, name)) if kind == "ReplicaSet" => name.rsplit_once('-').map_or(name.as_str(), |(head, _)| head).to_owned(),
            Some((_, name)) => name.clone(),
            None => self.name.clone(),
        }
    }

    /// Whether it has ended for good: such a pod holds no address and is never an endpoint.
    #[must_use]
    pub fn finished(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// The containers whose ports a Service can name, in the order in which Kubernetes looks: all containers, then the sidecars.
    pub fn serving_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().chain(self.init_containers.iter().filter(|container| container.sidecar))
    }
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub name: String,
    pub image: String,
    /// Kept for MetalLB's own containers only: other programs' arguments may hold secrets.
    pub args: Vec<String>,
    /// MetalLB's own variables (`METALLB_…`) alone, each with its value when that is no key.
    pub env: BTreeMap<String, String>,
    pub ports: Vec<ContainerPort>,
    /// The id without its scheme, empty while the container has not started.
    pub id: String,
    pub running: bool,
    pub ready: bool,
    pub restarts: u32,
    pub started_at: Option<String>,
    /// An init container that keeps running beside the others (`restartPolicy: Always`).
    pub sidecar: bool,
    /// The kubelet's probes by their kind, `readiness`, `startup` and `liveness`, as `http-get :8080/healthz`.
    pub probes: BTreeMap<String, String>,
}

/// A port that a container declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerPort {
    pub name: String,
    pub number: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// A port of the node that leads to it beside the Service.
    pub host_port: Option<u16>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// `status.addresses` of type InternalIP.
    pub internal_ips: Vec<IpAddr>,
    pub pod_cidrs: Vec<String>,
    pub ready: bool,
    pub network_unavailable: bool,
    pub unschedulable: bool,
    /// Addresses of its own that the API tells beside `internal_ips`: of other types, and those that a network's annotations name.
    pub other_ips: Vec<IpAddr>,
}

impl Node {
    /// The zone of the label `topology.kubernetes.io/zone`.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.labels.get("topology.kubernetes.io/zone").map(String::as_str)
    }
}

/// A Deployment or DaemonSet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub desired: u32,
    pub ready: u32,
}

/// An event, with its newest time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub kind: String,
    pub reason: String,
    pub message: String,
    pub component: String,
    /// When it was last seen, RFC 3339.
    pub at: String,
    /// When it was first seen; empty when it does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub since: String,
    pub count: u32,
    /// The uid of the object that it is about: an object of the same name that was there before has another.
    pub object_uid: String,
}
