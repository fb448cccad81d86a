//! Where a Service's port ends: its endpoints, one by one, and what is known about the pods behind them.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::kubernetes::{Event, Pod};
use super::service::{Protocol, ServicePort};

/// IPv4 or IPv6: kube-proxy never sends a client of the one to an endpoint of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Family {
    #[serde(rename = "IPv4")]
    V4,
    #[serde(rename = "IPv6")]
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// One address of an EndpointSlice, for one port of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "three are the API's own conditions, each independent of the others")]
pub struct Endpoint {
    /// The pod behind it, in the Service's namespace; `None` where none is known.
    pub pod: Option<String>,
    pub ip: IpAddr,
    pub family: Family,
    pub node: Option<String>,
    /// `None` when the slice holds no number for the port (a port name that the pod lacks).
    pub port: Option<u16>,
    /// The name of the Service's port, by which slices and Services are joined; empty when it has none.
    pub name: String,
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// The slice that says so, or `pod spec` where slices could not be read.
    pub from: String,
    /// The zones and nodes that topology hints give it to; empty without hints.
    pub for_zones: Vec<String>,
    pub for_nodes: Vec<String>,
    /// The number that the pod's own spec gives for the port; `None` where no spec was read or none has it.
    pub declared: Option<u16>,
    /// Who holds the address, where that was looked up: `pod NS/NAME` or `node NAME`.
    pub holder: Option<String>,
    /// It was looked up, and neither a pod nor a node has the address: it is somebody's outside the cluster, or nobody's.
    pub unheld: bool,
    /// Why nobody can answer there, where the API proves that nobody holds the address.
    pub dead: Option<String>,
}

impl Endpoint {
    /// Whether kube-proxy may send new connections to it: ready, or serving while it terminates.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.port.is_some() && (self.ready || (self.serving && self.terminating))
    }
}

/// An EndpointSlice of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub name: String,
    /// The label `endpointslice.kubernetes.io/managed-by`; empty when nobody claims it.
    pub managed_by: String,
    pub addresses: usize,
    pub ports: Vec<SlicePort>,
}

/// A port of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlicePort {
    pub name: String,
    /// `None` means "all ports" in the API, which kube-proxy cannot use.
    pub number: Option<u16>,
    pub protocol: Protocol,
}

impl Slice {
    /// Kubernetes' own controller writes it from the pods; any other is written by hand or by another program.
    #[must_use]
    pub fn computed(&self) -> bool {
        self.managed_by == "endpointslice-controller.k8s.io"
    }

    /// The number of a Service's port in it: the name and the protocol must both be the Service's, as kube-proxy has it.
    #[must_use]
    pub fn number(&self, port: &ServicePort) -> Option<u16> {
        self.ports.iter().filter(|entry| entry.name == port.name && entry.protocol == port.protocol).find_map(|entry| entry.number)
    }
}

/// A difference between what the slices say, which is what kube-proxy does, and what the pods give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Disagreement {
    pub kind: DisagreementKind,
    /// The slice; `None` where the pod stands in none.
    pub slice: Option<String>,
    pub pod: Option<String>,
    pub ip: Option<IpAddr>,
    /// A sentence.
    pub detail: String,
}

impl Disagreement {
    /// Whether two looks show the same one; the slices' names may have changed between them.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        (self.kind, &self.pod, self.ip) == (other.kind, &other.pod, other.ip)
    }
}

/// The kinds of such a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisagreementKind {
    /// The slice names a pod that is gone, has ended or is no longer selected.
    PodGone,
    /// The pod has another address.
    AddressDiffers,
    /// The pod's spec gives another number for the port.
    NumberDiffers,
    /// The one counts as ready, the other does not.
    ReadyDiffers,
    /// A pod that is selected and ready stands in no slice.
    PodMissing,
    /// A slice that Kubernetes did not write adds endpoints beside the selector's.
    ForeignSlice,
}

/// A workload whose pod template the selector matches, asked for where no pod is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: String,
    pub name: String,
    /// Pods that it is told to have.
    pub desired: u32,
    /// Why it has none, in the API's words; empty when nothing says.
    pub trouble: String,
}

/// A setting of the Service that is not the default, and what it means for a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub name: String,
    pub value: String,
    pub means: String,
}

/// Nodes that send to the same part of the endpoints only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    pub nodes: Vec<String>,
    /// What restricts them: `externalTrafficPolicy Local`, `zone a`, `node n2`.
    pub by: String,
    /// The addresses of the endpoints that requests on these nodes can hit.
    pub endpoints: Vec<IpAddr>,
}

/// Where one port of a Service ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub port: ServicePort,
    /// The family of the load-balanced address, which decides the endpoints that count; `None` without an address: then all do.
    pub family: Option<Family>,
    /// All endpoints, of both families, ordered by pod.
    pub endpoints: Vec<Endpoint>,
    /// The pods that the selector matches, whether they are endpoints or not, and those found behind hand-made endpoints, by name.
    pub pods: Vec<Pod>,
    /// Pods and workloads that the selector misses by one label: a likely typing error. Name to what differs.
    pub near_misses: BTreeMap<String, String>,
    /// Other namespaces with pods that the selector would match there.
    pub elsewhere: Vec<String>,
    pub slices: Vec<Slice>,
    pub disagreements: Vec<Disagreement>,
    /// Workloads that should give the selector its pods; asked for where it finds none.
    pub templates: Vec<Template>,
    /// Warning events of pods that are not ready, newest first.
    pub pod_events: BTreeMap<String, Vec<Event>>,
    pub settings: Vec<Setting>,
    /// Which node can send where; empty when every node sends to every endpoint.
    pub reach: Vec<Reach>,
    /// False when the slices could not be read: then no endpoint means nothing, and those here are what the pods' specs give.
    pub slices_read: bool,
    pub pods_read: bool,
}

impl Target {
    /// The endpoints that take part: the ready ones, or the terminating ones that still serve when none is ready.
    #[must_use]
    pub fn serving(&self) -> Vec<&Endpoint> {
        self.serving_in(self.family)
    }

    /// As `serving`, for one family (`None`: for both).
    #[must_use]
    pub fn serving_in(&self, family: Option<Family>) -> Vec<&Endpoint> {
        used(self.endpoints.iter().filter(|endpoint| family.is_none_or(|family| endpoint.family == family)))
    }

    /// The endpoints that a request on that node can hit.
    #[must_use]
    pub fn hit_from(&self, node: &str) -> Vec<&Endpoint> {
        let serving = self.serving();
        match self.reach.iter().find(|reach| reach.nodes.iter().any(|name| name == node)) {
            Some(reach) => {
                let within: HashSet<IpAddr> = reach.endpoints.iter().copied().collect();
                serving.into_iter().filter(|endpoint| within.contains(&endpoint.ip)).collect()
            }
            None => serving,
        }
    }

    /// The pod of that name.
    #[must_use]
    pub fn pod(&self, name: &str) -> Option<&Pod> {
        // They stand ordered by name: a Service may have thousands, and whoever walks the endpoints asks for each.
        self.pods.binary_search_by(|pod| pod.name.as_str().cmp(name)).ok().map(|at| &self.pods[at])
    }
}

/// What kube-proxy uses of these endpoints: the ready ones, or those that serve while they terminate when none is ready.
pub fn used<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Vec<&'a Endpoint> {
    let usable: Vec<&Endpoint> = endpoints.filter(|endpoint| endpoint.usable()).collect();
    let ready: Vec<&Endpoint> = usable.iter().copied().filter(|endpoint| endpoint.ready).collect();
    if ready.is_empty() { usable } else { ready }
}
