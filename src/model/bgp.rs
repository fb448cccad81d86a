//! BGP as MetalLB speaks it: peers, sessions, prefixes, and what a router says.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::exclusion::Excluded;
use super::kubernetes::Node;
use super::label_selector::LabelSelector;

/// A `BGPPeer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    pub name: String,
    /// `spec.peerAddress`; empty for an unnumbered peer, which has an interface instead.
    pub address: String,
    pub interface: Option<String>,
    pub port: u16,
    pub my_asn: Option<u32>,
    /// `None` when it is dynamic (`external` or `internal`).
    pub peer_asn: Option<u32>,
    /// Empty reaches every node.
    pub node_selectors: Vec<LabelSelector>,
    /// Whether the session is signed; the password itself is never read.
    pub password: bool,
    pub vrf: String,
    /// As written, such as `90s`.
    pub hold_time: Option<String>,
    pub source_address: Option<String>,
    pub multi_hop: bool,
}

impl Peer {
    /// Whether the peer is meant for the node: any selector selects it, or there is none.
    #[must_use]
    pub fn reaches(&self, node: &Node) -> bool {
        self.node_selectors.is_empty() || self.node_selectors.iter().any(|selector| selector.selects(&node.labels))
    }

    /// How long the session may be silent before either side gives it up, unless the router wants less. `None` for an unreadable text;
    /// MetalLB's own default is 90 seconds.
    #[must_use]
    pub fn hold(&self) -> Option<Duration> {
        self.hold_time.as_deref().map_or(Some(Duration::from_secs(90)), go_duration)
    }

    /// Whether a peer as a log or a metric writes it (`ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT`) is this one. The port -1 is FRR's
    /// while it is not connected.
    #[must_use]
    pub fn is_called(&self, text: &str) -> bool {
        peer_address(text).is_some_and(|address| Some(address) == self.address.parse().ok())
    }
}

/// A duration as Go writes it, such as `90s` or `1m30s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += match &rest[..unit] {
            "h" => Duration::from_secs(number.checked_mul(3_600)?),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "s" => Duration::from_secs(number),
            "ms" => Duration::from_millis(number),
            _ => return None,
        };
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

/// The address in a peer's text, without its port.
#[must_use]
pub fn peer_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, _) = text.rsplit_once(':')?;
    address.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether a peer's text names a port that a session could have.
#[must_use]
pub fn has_port(text: &str) -> bool {
    text.parse::<IpAddr>().is_err() && text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port != 0))
}

/// A `ServiceBGPStatus`: what a speaker means to do, blind to its sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpStatus {
    pub name: String,
    pub status_node: String,
    pub label_node: String,
    /// The speaker pod that owns it.
    pub owner_pod: String,
    /// Names of BGPPeers.
    pub peers: Vec<String>,
}

/// A `BGPSessionState` of FRR-K8s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    pub node: String,
    /// The peer's address as FRR has it.
    pub peer: String,
    pub vrf: String,
    /// `Established`, `Active`, `Connect`, `Idle` …
    pub bgp: String,
    pub bfd: String,
}

/// One session between a node and a peer, with what each source says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub node: String,
    /// The BGPPeer's name.
    pub peer: String,
    /// The peer's address.
    pub address: String,
    /// What the node's side believes. `None` when nothing that was read tells.
    pub up: Option<bool>,
    /// The newest reason for a failure, in the speaker's words.
    pub reason: Option<String>,
    /// How often it changed, as far as the log goes back, and in the minute before its newest change.
    pub changes: u32,
    pub changes_last_minute: u32,
    /// What each source says, as lines for a person.
    pub says: Vec<String>,
    /// Prefixes that the node says it sends, as the metric counts them.
    pub prefixes: Option<u64>,
}

/// What one node does with the address over BGP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpNode {
    pub node: String,
    /// Whether its speaker says that it announces; `None` when nothing that was read tells.
    pub announces: Option<bool>,
    /// The reason of its last withdrawal.
    pub reason: String,
    /// BGPPeers that reach this node, by name.
    pub peers: Vec<String>,
    /// BGPPeers to which the advertisements let it announce, by name: a part of `peers`.
    pub advertised_to: Vec<String>,
    /// The peers of its ServiceBGPStatus, when there is one.
    pub status: Option<Vec<String>>,
    pub sessions: Vec<Session>,
}

impl Session {
    /// Changes within a minute from which on a session is not one that came back, but one that cannot stay.
    const UNSTABLE: u32 = 6;

    /// Whether it is down, or goes up and down.
    #[must_use]
    pub fn failing(&self) -> bool {
        self.up == Some(false) || self.changes_last_minute >= Self::UNSTABLE
    }
}

impl BgpNode {
    /// Whether the node announces over a session that is not known to be down.
    #[must_use]
    pub fn effective(&self) -> bool {
        self.announces == Some(true) && self.sessions.iter().any(|session| self.advertised_to.contains(&session.peer) && !session.failing())
    }
}

/// A prefix that is announced for an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prefix {
    pub address: IpAddr,
    pub prefix: IpNet,
    pub advertisement: String,
}

/// The announcement of an address over BGP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bgp {
    /// `native`, `frr` or `frr-k8s`.
    pub mode: String,
    /// The BGPAdvertisements that select the pool and the Service.
    pub advertisements: Vec<String>,
    /// The nodes that should announce.
    pub candidates: Vec<String>,
    pub excluded: Vec<Excluded>,
    /// Shared by the announcements of a sweep in which every node does the same.
    pub nodes: Arc<[BgpNode]>,
    pub prefixes: Vec<Prefix>,
    pub peers: Vec<Peer>,
    /// False when the BGPPeers could not be read.
    pub peers_read: bool,
    /// What a router says, when one was given.
    pub router: Option<Router>,
}

impl Bgp {
    /// The nodes that announce over a session that is not known to be down.
    #[must_use]
    pub fn sending(&self) -> Vec<&str> {
        self.nodes.iter().filter(|node| node.effective()).map(|node| node.node.as_str()).collect()
    }

    /// What was found of a node.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&BgpNode> {
        self.nodes.iter().find(|node| node.node == name)
    }

    /// The peer of that name.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name == name)
    }
}

/// A router's own view, read from its `vtysh`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Router {
    /// The host that was asked.
    pub host: String,
    pub asn: Option<u32>,
    /// The router's own addresses.
    pub addresses: Vec<IpAddr>,
    pub neighbours: Vec<Neighbour>,
    /// False when the neighbours could not be read: then their absence means nothing.
    pub neighbours_read: bool,
    /// For each address of the Service, what the router knows of it.
    pub routes: Vec<RouterRoute>,
}

impl Router {
    /// Whether the address is one of the router's own: then a BGPPeer with that address means this router.
    #[must_use]
    pub fn holds(&self, address: &str) -> bool {
        address.parse().is_ok_and(|address| self.addresses.contains(&address))
    }

    /// What it knows of an address of the Service.
    #[must_use]
    pub fn route(&self, address: IpAddr) -> Option<&RouterRoute> {
        self.routes.iter().find(|route| route.address == address)
    }
}

/// A BGP neighbour of the router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    pub address: IpAddr,
    pub remote_asn: Option<u32>,
    /// `Established`, `Active`, `Idle` …
    pub state: String,
    /// Prefixes accepted from it.
    pub received: Option<u64>,
}

/// What the router knows of one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterRoute {
    pub address: IpAddr,
    /// Paths of the BGP table that cover the address; `None` when the table could not be read.
    pub paths: Option<Vec<RouterPath>>,
    /// Next hops of the route in the forwarding table when BGP gave it; `None` when the routes could not be read.
    pub installed: Option<Vec<IpAddr>>,
}

/// One path of a router's BGP table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterPath {
    pub prefix: String,
    /// The neighbour that it came from.
    pub from: String,
    pub next_hops: Vec<String>,
    pub valid: bool,
    /// Whether it is the best path or one of several equal ones.
    pub used: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Peer, go_duration, has_port, peer_address};

    #[test]
    fn hold_times_are_read_as_go_writes_them() {
        for (text, seconds) in [("90s", 90), ("1m30s", 90), ("1h0m0s", 3_600), ("0s", 0)] {
            assert_eq!(go_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "90", "s", "1d", "99999999999999999999s"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
        assert_eq!(Peer::default().hold(), Some(Duration::from_secs(90)));
    }

    #[test]
    fn peers_are_known_with_and_without_their_port() {
        let peer = Peer { address: "10.88.64.1".to_owned(), ..Peer::default() };
        for text in ["10.88.64.1", "10.88.64.1:179", "10.88.64.1:-1"] {
            assert!(peer.is_called(text), "{text}");
        }
        assert!(!peer.is_called("10.88.64.99:179") && !peer.is_called("nonsense"));
        let six = Peer { address: "fd10:88:64::1".to_owned(), ..Peer::default() };
        assert!(six.is_called("[fd10:88:64::1]:179") && six.is_called("fd10:88:64::1"));
        assert_eq!(peer_address("fd10::1"), "fd10::1".parse().ok());
        assert!(has_port("10.88.64.1:179") && has_port("[fd10::1]:179"));
        assert!(!has_port("10.88.64.1") && !has_port("10.88.64.1:-1") && !has_port("fd10::1"));
    }
}
