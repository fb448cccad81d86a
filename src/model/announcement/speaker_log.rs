//! One speaker's log, folded: what it says of addresses, of its sessions, and of what it could not do.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::trouble::{Trouble, TroubleMeaning};

/// An interface on which a speaker answers for its addresses of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    pub interface: String,
    /// Whether it answers NDP, for IPv6; otherwise ARP.
    pub ndp: bool,
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
    /// Where it answers, from `createARPResponder` and `createNDPResponder`.
    pub responders: Vec<Responder>,
    /// Where it stopped to answer and did not begin again, the newest last. Interfaces of pods come and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Responder>,
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

    /// Why nobody can get an answer for the address from this speaker, in its own words: it has a responder of the address's family on none of
    /// the interfaces (any, when none is named), and was refused one, or closed the one that it had. `None` when it has one, when it says nothing
    /// of it, or when its log lost its beginning.
    #[must_use]
    pub fn refuses_to_answer(&self, address: IpAddr, interfaces: &[String]) -> Option<String> {
        let counts = |name: &String| interfaces.is_empty() || interfaces.contains(name);
        let ours = |responder: &&Responder| responder.ndp == address.is_ipv6() && counts(&responder.interface);
        if !self.complete || self.responders.iter().any(|responder| ours(&responder)) {
            return None;
        }
        let meaning = if address.is_ipv6() { TroubleMeaning::CannotAnswerNdp } else { TroubleMeaning::CannotAnswer };
        let refused = |trouble: &&Trouble| trouble.meaning == meaning && counts(&trouble.interface);
        let kind = if address.is_ipv6() { "NDP" } else { "ARP" };
        let closed = || self.closed.iter().rev().find(ours);
        let closed =
            || closed().map(|one| format!("deleted {kind} responder for interface {}, and did not create it again", one.interface));
        self.troubles.iter().find(refused).map(|trouble| trouble.text.clone()).or_else(closed)
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
    /// Each of its layer 2 announcements since the speaker's start came with that warning: MetalLB then answers on no interface. One that
    /// announced it on others before goes on there until it starts anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub announces_nowhere: bool,
}

#[cfg(test)]
impl AddressLog {
    /// A log that never named the address: tests say what theirs did.
    pub(crate) fn silent(address: IpAddr) -> Self {
        Self { address, protocols: Vec::new(), moves: Vec::new(), moves_dropped: 0, interface_warning: None, announces_nowhere: false }
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
