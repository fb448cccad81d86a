//! Who announces an address, who should, and which source says what.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::bgp::Bgp;
use super::kubernetes::Node;
use super::metallb::Metallb;

/// What the readable sources say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `log`, `metric`, `l2status`, `bgpstatus`, `session`, `event`, `wire` or `router`.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub node: String,
    pub sources: Vec<String>,
}

/// Who answers on the wire, by ARP or NDP, with every answer's MAC mapped to a node where one has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Hosts that asked, each on a network that holds the address.
    pub asked_from: Vec<String>,
    pub answers: Vec<WireAnswer>,
    /// Nodes whose interfaces were read; a MAC of nobody among them is foreign only when these are all nodes that may answer.
    pub nodes_read: Vec<String>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WireAnswer {
    pub address: IpAddr,
    pub mac: String,
    /// The node and its interface, when one has that MAC.
    pub node: Option<String>,
    pub interface: Option<String>,
}

/// What one speaker's metrics say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerMetrics {
    pub pod: String,
    pub node: String,
    /// Protocol and address of every `metallb_speaker_announced`.
    pub announced: Vec<(String, IpAddr)>,
    pub sessions: Vec<SessionMetric>,
    /// `metallb_k8s_client_config_stale_bool`
    pub config_stale: Option<bool>,
}

/// What metrics say of one BGP session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMetric {
    /// As written, with its port.
    pub peer: String,
    pub up: Option<bool>,
    pub prefixes: Option<u64>,
}

/// How often the announcement moved, and whether that is too often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When it came to the node that announces now.
    pub since: Option<String>,
    /// Changes in the densest ten minutes, those that a restart explains left out.
    pub changes: u32,
    /// The moves as lines for a person, the newest last.
    pub moves: Vec<String>,
}

/// A node that is not in the election, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    pub node: String,
    pub reason: String,
    pub why: Exclusion,
}

/// The kinds of reasons that keep a node out of MetalLB's election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    NoSpeaker,
    SpeakerNotReady,
    Label,
    NetworkUnavailable,
    Unschedulable,
    Advertisement,
    NoEndpoint,
    /// MetalLB does not look at the Service: its class is another.
    Class,
    /// Memberlist is off, in a version that then has no candidates.
    Memberlist,
    /// The other speakers no longer see its speaker.
    Lost,
    /// BGP only: no BGPPeer for the node.
    NoPeer,
}

/// One speaker container's log, folded since its newest start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerLog {
    pub pod: String,
    pub node: String,
    /// One entry for each address that was asked for, in that order.
    pub addresses: Vec<AddressLog>,
    pub version: Option<String>,
    pub memberlist: Option<bool>,
    pub responders: Vec<String>,
    pub failed_members: Vec<String>,
    pub interface_warning: Option<String>,
    pub configuration_error: Option<String>,
    pub sessions: Vec<SessionLog>,
    pub lines: u64,
    pub unknown_lines: u64,
    pub unknown_samples: Vec<String>,
    pub last_at: Option<String>,
    pub complete: bool,
}

/// What one log says of one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressLog {
    pub address: IpAddr,
    pub protocols: Vec<ProtocolLog>,
    pub moves: Vec<Move>,
    pub moves_dropped: u64,
}

/// The last word about an address over one protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolLog {
    pub protocol: String,
    pub state: LogState,
    pub at: Option<String>,
    pub since: Option<String>,
    pub reason: String,
    pub service: Option<String>,
}

/// An announcement that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub at: Option<String>,
    pub gained: bool,
    pub protocol: String,
    pub reason: String,
}

/// A native BGP session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLog {
    pub peer: String,
    pub up: Option<bool>,
    pub at: Option<String>,
    pub error: Option<String>,
    pub changes: u32,
}

impl SpeakerLog {
    /// What it says of the address.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Option<&AddressLog> {
        self.addresses.iter().find(|log| log.address == address)
    }

    /// The same log, with what it says of these addresses alone.
    #[must_use]
    pub fn only(&self, addresses: &[IpAddr]) -> Self {
        let kept = self.addresses.iter().filter(|log| addresses.contains(&log.address)).cloned().collect();
        Self { addresses: kept, ..self.clone() }
    }
}

/// What a speaker's log says last about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogState {
    Announced,
    Withdrawn,
    Silent,
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
    pub sources: Vec<Source>,
    /// For each node that any source names now, the kinds of sources that do.
    pub sides: Vec<Side>,
    pub agreement: Agreement,
    /// Why the agreement is what it is, in one sentence.
    pub because: String,
    pub logs: Vec<SpeakerLog>,
    pub metrics: Vec<SpeakerMetrics>,
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
    pub nodes_seen: Vec<Node>,
    /// Nodes whose speaker's log could not be read.
    pub unread: Vec<String>,
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

    /// Whether a node's own speaker says, in its log or its metrics, that it announces the address.
    #[must_use]
    pub fn claimed_by(&self, node: &str) -> bool {
        let Some(address) = self.address else { return false };
        let by_log = |log: &SpeakerLog| {
            log.address(address).is_some_and(|words| words.protocols.iter().any(|word| word.state == LogState::Announced))
        };
        self.logs.iter().any(|log| log.node == node && by_log(log))
            || self.metrics.iter().any(|metrics| metrics.node == node && metrics.announced.iter().any(|(_, ip)| *ip == address))
    }
}
