//! MetalLB's objects and parts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::label_selector::{LabelSelector, SelectorExpression};

use super::bgp::{BgpStatus, Peer, SessionState};
use super::kubernetes::{Event, Node, Pod, Workload};
use super::service::{Protocol, Service};

/// An `IPAddressPool`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// Ranges as written: `A-B` or CIDR.
    pub addresses: Vec<String>,
    pub auto_assign: bool,
    pub avoid_buggy_ips: bool,
    /// Whether there is a `spec.serviceAllocation` at all; an empty one counts.
    pub restricted: bool,
    /// Namespaces of `spec.serviceAllocation`; together with those that the selectors find. None of either means all.
    pub namespaces: Vec<String>,
    pub namespace_selectors: Vec<LabelSelector>,
    pub service_selectors: Vec<LabelSelector>,
    /// `status.availableIPv4`, from 0.15.0.
    pub available_v4: Option<u64>,
    /// `status.availableIPv6`, from 0.15.0.
    pub available_v6: Option<u64>,
    /// RFC 3339: of two pools that cannot stand together, the newer one is likelier the mistake.
    pub created: String,
}

/// An `L2Advertisement` or a `BGPAdvertisement`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advertisement {
    pub name: String,
    pub pools: Vec<String>,
    pub pool_selectors: Vec<LabelSelector>,
    pub node_selectors: Vec<LabelSelector>,
    pub service_selectors: Vec<LabelSelector>,
    /// Layer 2 only; empty means all interfaces.
    pub interfaces: Vec<String>,
    /// BGP only: names of the BGPPeers that are told; empty means all.
    pub peers: Vec<String>,
    /// BGP only: the length to which addresses are aggregated, for IPv4 and IPv6.
    pub aggregation: (u8, u8),
    /// Layer 2 only, newer than 0.16: nodes are preferred by weight, which the election by hash knows nothing of.
    pub prefers_nodes: bool,
}

impl Advertisement {
    /// Whether it selects the pool: by name or selector, or because it names none.
    #[must_use]
    pub fn selects_pool(&self, pool: &Pool) -> bool {
        (self.pools.is_empty() && self.pool_selectors.is_empty())
            || self.pools.contains(&pool.name)
            || self.pool_selectors.iter().any(|selector| selector.selects(&pool.labels))
    }

    /// Whether it selects the node: any selector does, or there is none.
    #[must_use]
    pub fn selects_node(&self, node: &Node) -> bool {
        self.node_selectors.is_empty() || self.node_selectors.iter().any(|selector| selector.selects(&node.labels))
    }

    /// Whether it selects the Service: any selector does, or there is none. MetalLB looks at this from 0.16.0.
    #[must_use]
    pub fn selects_service(&self, labels: &BTreeMap<String, String>) -> bool {
        self.service_selectors.is_empty() || self.service_selectors.iter().any(|selector| selector.selects(labels))
    }
}

/// A `ServiceL2Status`, with what is needed to know whether it can be believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Status {
    pub name: String,
    pub status_node: String,
    pub label_node: String,
    /// The speaker pod that owns it.
    pub owner_pod: String,
    pub interfaces: Vec<String>,
}

/// The parts of MetalLB that read its configuration, each on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reader {
    Controller,
    /// The speaker of that node.
    Speaker(String),
}

/// What one of them last said of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationWord {
    pub reader: Reader,
    /// Why it was refused, in MetalLB's words; `None` when it was accepted.
    pub refused: Option<String>,
    /// RFC 3339, when it has an age.
    pub at: Option<String>,
    /// Where it was read: `ConfigurationState controller`, `log of speaker-x`.
    pub source: String,
}

/// The controller's log, folded for one Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerLog {
    pub pod: String,
    /// Whether the controller looked at the Service at all, as far as its log goes back.
    pub mentions_service: bool,
    /// The newest error about the Service since it last went well, with its time.
    pub about_service: Option<(String, String)>,
    /// The newest failure to write the Service's status since it last went well, with its time.
    pub write_failed: Option<(String, String)>,
}

/// Everything of MetalLB's that was read. `None` means that it could not be read, which is not "there is none".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metallb {
    pub namespace: String,
    /// From the speaker's image tag, `0.15.2`; `None` when no tag tells.
    pub version: Option<String>,
    pub speakers: Arc<Vec<Pod>>,
    pub controllers: Vec<Pod>,
    pub workloads: Option<Vec<Workload>>,
    pub pools: Option<Vec<Pool>>,
    pub l2_advertisements: Option<Vec<Advertisement>>,
    pub bgp_advertisements: Option<Vec<Advertisement>>,
    pub l2_statuses: Option<Vec<L2Status>>,
    /// Read only where a BGPAdvertisement selects the address's pool, or a refusal speaks of a peer; the next two in the first case alone.
    pub peers: Option<Vec<Peer>>,
    pub bgp_statuses: Option<Vec<BgpStatus>>,
    /// Only FRR-K8s has these.
    pub session_states: Option<Vec<SessionState>>,
    /// Events of the Service, oldest first.
    pub events: Option<Vec<Event>>,
    pub speakers_read: bool,
    /// The other Services that hold load-balanced addresses; asked only when the Service has none, or not the one it wants.
    pub holders: Option<Vec<Service>>,
    /// The labels of the Service's namespace; asked only when a pool selects namespaces by labels.
    pub namespace_labels: Option<BTreeMap<String, String>>,
    /// What MetalLB's parts say of the configuration.
    pub configuration: Vec<ConfigurationWord>,
    /// `None` when it was not needed or could not be read.
    pub controller_log: Option<ControllerLog>,
    /// Pools outside of MetalLB's namespace, as `NAMESPACE/NAME`; asked only when it has none.
    pub strayed_pools: Vec<String>,
    /// When it was asked, RFC 3339.
    pub asked_at: String,
    /// DaemonSets of the whole cluster; asked only when somebody else seems to give the Service an address.
    pub daemon_sets: Option<Vec<Workload>>,
    /// What other Services list in `spec.externalIPs`, where all Services could be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What is there in its place, in a cluster that has no MetalLB. `None` where MetalLB is there, or may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Instead>,
}

/// An address and a port that a Service takes by `spec.externalIPs`: the proxies of all nodes lead to its endpoints what is for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `NAMESPACE/NAME`.
    pub service: String,
    pub address: IpAddr,
    pub port: u16,
    pub protocol: Protocol,
}

/// What another load balancer of the cluster leaves in the API about a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instead {
    /// The Leases by which its nodes agree on who announces; `None` when they could not be read.
    pub leases: Option<Vec<Lease>>,
}

/// A `Lease` (coordination.k8s.io) that says which node announces a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub namespace: String,
    pub name: String,
    /// Whose it is, for a person: `Cilium's L2 announcements`.
    pub of: String,
    /// The node that holds it; empty when none does.
    pub holder: String,
    /// When it was last renewed, RFC 3339.
    pub renewed: String,
    /// For how long, in seconds.
    pub lasts_s: u64,
}
