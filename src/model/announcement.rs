//! Who announces an address, who should, and which source says what.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

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
    /// `log`, `l2status`, `event` or `wire`.
    pub kind: String,
    /// `None` when the source was read and names nobody.
    pub node: Option<String>,
    /// RFC 3339, when the source has an age.
    pub at: Option<String>,
    pub detail: String,
    /// Whether it can be believed; `detail` says why not.
    pub trusted: bool,
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
}

/// The fold of one speaker's log for one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerLog {
    pub pod: String,
    pub node: String,
    /// The last word about the address in this container's life.
    pub state: LogState,
    pub at: Option<String>,
    pub protocol: String,
    pub reason: String,
    /// Lines that no format explains.
    pub unknown_lines: u64,
    /// `serviceAnnounced` lines about the address after a withdrawal or a start: how often it came here.
    pub gained: u32,
    /// Interfaces on which it answers ARP, from `createARPResponder` and `deleteARPResponder`.
    pub responders: Vec<String>,
    /// The newest `announceFailed`-like warning: the interfaces that do not exist.
    pub interface_warning: Option<String>,
    /// Nodes that memberlist marked as failed and that did not come back since.
    pub failed_members: Vec<String>,
    /// The log begins at the container's start; without it, silence is not absence.
    pub complete: bool,
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
    pub address: Option<IpAddr>,
    /// `layer2`, `bgp` or empty.
    pub protocol: String,
    /// Every node that believable sources name, the most trusted first.
    pub nodes: Vec<String>,
    pub expected: Option<String>,
    pub candidates: Vec<String>,
    pub excluded: Vec<Excluded>,
    pub sources: Vec<Source>,
    pub agreement: Agreement,
    pub logs: Vec<SpeakerLog>,
    /// Interfaces that the advertisements allow; empty means all.
    pub interfaces: Vec<String>,
    /// The pool that holds the address.
    pub pool: Option<String>,
    /// The advertisements that select the pool.
    pub advertisements: Vec<String>,
    pub metallb: Metallb,
    pub nodes_seen: Vec<Node>,
    /// Nodes whose speaker's log could not be read.
    pub unread: Vec<String>,
}
