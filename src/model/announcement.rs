//! Who announces an address, who should, and which source says what.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::exclusion::{Excluded, Exclusion};

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

impl Exclusion {
    /// Whether the speaker itself is why, and not what the objects ask for.
    #[must_use]
    pub fn is_about_the_speaker(self) -> bool {
        matches!(self, Self::NoSpeaker | Self::SpeakerNotReady | Self::Lost)
    }
}

/// What one speaker's metrics say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerMetrics {
    pub pod: String,
    pub node: String,
    /// Protocol and address of every `metallb_speaker_announced`, by address.
    pub announced: Vec<(String, IpAddr)>,
    pub sessions: Vec<SessionMetric>,
    /// `metallb_k8s_client_config_stale_bool`
    pub config_stale: Option<bool>,
}

impl SpeakerMetrics {
    /// The protocols over which it announces the address.
    #[must_use]
    pub fn protocols(&self, address: IpAddr) -> &[(String, IpAddr)] {
        let from = self.announced.partition_point(|(_, ip)| *ip < address);
        let to = self.announced.partition_point(|(_, ip)| *ip <= address);
        self.announced.get(from..to).unwrap_or_default()
    }

    /// Whether it announces the address over that protocol.
    #[must_use]
    pub fn announces(&self, protocol: &str, address: IpAddr) -> bool {
        self.protocols(address).iter().any(|(by, _)| by == protocol)
    }
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
    /// It stays for longer now than it ever did between them.
    #[serde(default)]
    pub rests: bool,
    /// The moves as lines for a person, the newest last.
    pub moves: Vec<String>,
}

/// One speaker container's log, folded since its newest start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerLog {
    pub pod: String,
    pub node: String,
    /// One entry for each address that was asked for, by address.
    pub addresses: Vec<AddressLog>,
    /// From the line with which a speaker starts.
    pub version: Option<String>,
    /// The kubelet's time of that line.
    pub started_at: Option<String>,
    /// Whether speakers watch each other: `Some(false)` when the log says that memberlist is off.
    pub memberlist: Option<bool>,
    /// Interfaces on which it answers ARP or NDP, from `createARPResponder` and its kin.
    pub responders: Vec<String>,
    /// Interfaces on which it stopped to answer and did not begin again, the newest last. Those of pods come and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// Nodes that memberlist marked as failed and that did not come back since.
    pub failed_members: Vec<String>,
    /// FRR mode: why FRR's newest reload failed; `None` once one succeeded.
    pub reload_error: Option<String>,
    /// BGP sessions of native mode, by peer.
    pub sessions: Vec<SessionLog>,
    /// What it says that it could not do, since its start; each kind of trouble once for each interface.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// Lines that were read. A replay counts those that its recording kept.
    pub lines: u64,
    /// Lines that no format explains, with at most three of them.
    pub unknown_lines: u64,
    pub unknown_samples: Vec<String>,
    /// The kubelet's time of the newest line that mattered.
    pub last_at: Option<String>,
    /// The log begins at the container's start; without it, silence is not absence.
    pub complete: bool,
}

/// Something that a speaker says it could not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub meaning: TroubleMeaning,
    /// The interface that it is about; empty when it is about none.
    pub interface: String,
    /// The speaker's own words.
    pub text: String,
    /// The kubelet's time of the first line that said it.
    pub at: Option<String>,
}

/// What a speaker's error means for the addresses that it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleMeaning {
    /// It has no responder on the interface, so that nobody gets an answer by ARP or NDP there.
    CannotAnswer,
    /// One packet of ARP or NDP was not sent, or one address is not listened for.
    CannotSend,
    /// It could not read the node's interfaces or their addresses.
    Interfaces,
    /// Speakers do not find each other.
    Members,
    /// A BGP session, or what is sent over it.
    Session,
    /// What is to become FRR's configuration.
    Reload,
    /// MetalLB's configuration was not read or not taken.
    Configuration,
    /// A Service was not handled.
    Service,
    /// It ends, or a part of it never began.
    Startup,
    /// Its own bookkeeping: indexes, status objects, the port of its metrics.
    Bookkeeping,
    /// No version that is known writes this.
    Unknown,
}

impl TroubleMeaning {
    /// Whether it stays true until the log says otherwise. The others pass: a member that was not found at the start, a session that came
    /// up after its first try.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(self, Self::CannotAnswer | Self::Reload | Self::Startup | Self::Unknown)
    }
}

/// What one log says of one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressLog {
    pub address: IpAddr,
    /// The last word for each protocol that was ever named.
    pub protocols: Vec<ProtocolLog>,
    /// When the announcement came and went, the oldest first; only the newest are kept.
    pub moves: Vec<Move>,
    pub moves_dropped: u64,
    /// With its newest layer 2 announcement the speaker warned that the advertisement's interfaces do not exist: those that the node has.
    pub interface_warning: Option<String>,
}

#[cfg(test)]
impl AddressLog {
    /// A log that never named the address: tests say what theirs did.
    pub(crate) fn silent(address: IpAddr) -> Self {
        Self { address, protocols: Vec::new(), moves: Vec::new(), moves_dropped: 0, interface_warning: None }
    }
}

/// The last word about an address over one protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolLog {
    /// `layer2` or `bgp`.
    pub protocol: String,
    pub state: LogState,
    /// The kubelet's time of the newest word.
    pub at: Option<String>,
    /// When it began to announce, while it does.
    pub since: Option<String>,
    /// Why it was withdrawn.
    pub reason: String,
}

/// An announcement that came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub at: Option<String>,
    pub gained: bool,
    pub protocol: String,
    /// Why it went.
    pub reason: String,
}

/// A BGP session of native mode, as one log tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLog {
    /// As written, with or without its port.
    pub peer: String,
    /// The newest word; `None` when the log names the peer and tells nothing of a session.
    pub up: Option<bool>,
    pub at: Option<String>,
    /// The newest error, whether the session came up after it or not.
    pub error: Option<String>,
    /// How often it went up or down, in all and in the minute before `at`.
    pub changes: u32,
    pub changes_last_minute: u32,
}

impl SpeakerLog {
    /// What it says of the address.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Option<&AddressLog> {
        let found = self.addresses.binary_search_by_key(&address, |log| log.address).ok()?;
        self.addresses.get(found)
    }

    /// What it says of each of the addresses. A log is shared by all whose addresses it tells of.
    #[must_use]
    pub fn of<'a>(&'a self, addresses: &'a [IpAddr]) -> impl DoubleEndedIterator<Item = &'a AddressLog> {
        addresses.iter().filter_map(|address| self.address(*address))
    }

    /// Why nobody can get an answer by ARP or NDP from this speaker, in its own words: it has a responder on none of the interfaces (any, when
    /// none is named), and was refused one, or closed the one that it had. `None` when it has one, when it says nothing of it, or when its log lost its beginning.
    #[must_use]
    pub fn refuses_to_answer(&self, interfaces: &[String]) -> Option<String> {
        let counts = |name: &String| interfaces.is_empty() || interfaces.contains(name);
        if !self.complete || self.responders.iter().any(counts) {
            return None;
        }
        let refused = |trouble: &&Trouble| trouble.meaning == TroubleMeaning::CannotAnswer && counts(&trouble.interface);
        let closed = || self.closed.iter().rev().find(|name| counts(name));
        let closed = || closed().map(|name| format!("deleted ARP or NDP responder for interface {name}, and did not create it again"));
        self.troubles.iter().find(refused).map(|trouble| trouble.text.clone()).or_else(closed)
    }
}

/// What a speaker's log says last about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogState {
    Announced,
    Withdrawn,
    Silent,
    /// One of several Services withdrew it, and the log does not tell whether another goes on.
    Unsure,
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
