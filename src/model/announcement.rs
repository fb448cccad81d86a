//! Who announces an address, who should, and which source says what.

mod speaker_log;
mod speaker_metrics;
mod trouble;
mod wire;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::exclusion::{Excluded, Exclusion};
pub use speaker_log::{AddressLog, LogState, Move, ProtocolLog, Responder, SessionLog, SpeakerLog};
pub use speaker_metrics::{SessionMetric, SpeakerMetrics};
pub use trouble::{Trouble, TroubleMeaning};
pub use wire::{Wire, WireAnswer};

use super::bgp::Bgp;
use super::kubernetes::Node;
use super::metallb::Metallb;

/// What the readable sources say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// All that could be read name one node.
    Agree,
    /// They name different nodes.
    Conflict,
    /// Two or more nodes announce at the same time (by design with BGP).
    Several,
    /// Nobody announces, and everything that could say otherwise was read.
    None,
    /// Something that could decide it could not be read.
    Unknown,
}

/// One source and the node that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// `log`, `metric`, `l2status`, `bgpstatus`, `session`, `event`, `lease`, `wire` or `router`.
    pub kind: String,
    /// `None` when the source was read and names nobody.
    pub node: Option<String>,
    /// `layer2`, `bgp`, or empty when the source does not tell.
    pub protocol: String,
    /// RFC 3339, when the source has an age.
    pub at: Option<String>,
    /// Seconds between `at` and the beginning of the run.
    pub age_s: Option<u64>,
    pub detail: String,
    /// Whether it can be believed by itself; `detail` says why not.
    pub trusted: bool,
}

/// A node and the kinds of sources that say that it announces, each once, the most trusted first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub node: String,
    pub sources: Vec<String>,
}

/// How often the announcement moved, and whether that is too often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When it came to the node that announces now.
    pub since: Option<String>,
    /// Changes in the densest ten minutes, those that a restart explains left out.
    pub changes: u32,
    /// It stays for longer now than it ever did between them.
    #[serde(default)]
    pub rests: bool,
    /// The moves as lines for a person, the newest last.
    pub moves: Vec<String>,
}

/// The answer of `find_announcer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// The Service's first address, by which layer 2 elects.
    pub address: Option<IpAddr>,
    /// Every address of the Service.
    pub addresses: Vec<IpAddr>,
    /// `NS/NAME`
    pub service: String,
    /// `layer2`, `bgp` or empty; `layer2` when it is announced by both.
    pub protocol: String,
    /// Every node that announces, as far as is known; the one that should stands first.
    pub nodes: Vec<String>,
    /// The speaker pod of the first node.
    pub pod: Option<String>,
    pub expected: Option<String>,
    pub candidates: Vec<String>,
    pub excluded: Vec<Excluded>,
    /// Whether the address is announced at layer 2, as far as is known; without one that could be read, an L2Advertisement may exist.
    pub layer2: bool,
    /// For each node that any source names now, the kinds of sources that do.
    pub sides: Vec<Side>,
    pub agreement: Agreement,
    /// Why the agreement is what it is, in one sentence.
    pub because: String,
    /// Of every address that was asked about in the run: the announcements of a sweep share them, as they share the metrics.
    pub logs: Arc<[SpeakerLog]>,
    pub metrics: Arc<[SpeakerMetrics]>,
    pub wire: Option<Wire>,
    pub history: History,
    /// BGP, when a BGPAdvertisement selects the pool.
    pub bgp: Option<Bgp>,
    /// Interfaces that the advertisements allow; empty means all.
    pub interfaces: Vec<String>,
    /// The pool that holds the addresses.
    pub pool: Option<String>,
    /// The L2Advertisements that select the pool.
    pub advertisements: Vec<String>,
    pub metallb: Metallb,
    pub nodes_seen: Arc<Vec<Node>>,
    /// Nodes whose speaker's log could not be read.
    pub unread: Vec<String>,
    /// When the run began, RFC 3339.
    pub now: String,
    /// What was not asked for, because nothing called for it.
    #[serde(default, skip_serializing_if = "Spared::is_empty")]
    pub spared: Spared,
}

/// What a look at an announcement left unread. It is no gap: it is read as soon as anything calls for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// The Service's events, MetalLB's workloads and its `ConfigurationState` objects.
    pub objects: bool,
    /// Nodes whose speaker's log was not read.
    pub logs: BTreeSet<String>,
}

impl Spared {
    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.objects && self.logs.is_empty()
    }
}

impl Announcement {
    /// Whether a router decides which node takes a request: the address is announced over BGP and nobody answers for it by ARP.
    #[must_use]
    pub fn routed(&self) -> bool {
        self.protocol == "bgp"
    }

    /// The nodes that may take a request, those that announce first. A router may send to every node that should announce, also to one
    /// whose session is not known to work.
    #[must_use]
    pub fn entrances(&self) -> Vec<String> {
        let meant = self.bgp.iter().filter(|_| self.routed()).flat_map(|bgp| &bgp.candidates);
        let mut nodes: Vec<String> = Vec::new();
        for node in self.nodes.iter().chain(meant) {
            if !nodes.contains(node) {
                nodes.push(node.clone());
            }
        }
        nodes
    }

    /// The nodes that may announce, or do: every one that is known, where MetalLB does not say which.
    #[must_use]
    pub fn may_announce(&self) -> BTreeSet<&str> {
        let told: BTreeSet<&str> = self.candidates.iter().chain(&self.nodes).map(String::as_str).collect();
        let elected = self.metallb.instead.is_none() && !told.is_empty();
        if elected { told } else { self.nodes_seen.iter().map(|node| node.name.as_str()).collect() }
    }

    /// Whether a node's own speaker says, in its log or its metrics, that it announces the address.
    #[must_use]
    pub fn claimed_by(&self, node: &str) -> bool {
        let Some(address) = self.address else { return false };
        let by_log = |log: &SpeakerLog| {
            log.address(address).is_some_and(|words| words.protocols.iter().any(|word| word.state == LogState::Announced))
        };
        self.logs.iter().any(|log| log.node == node && by_log(log))
            || self.metrics.iter().any(|metrics| metrics.node == node && !metrics.protocols(address).is_empty())
    }
}
