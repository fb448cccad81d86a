//! What a run saw, as data: who announces, where the port ends, how each place was answered, which path packets took, how long it all
//! took. Reports are rendered from it, and runs compared by it; no sentence of it has to be read again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::announcement::{Agreement, Side, Source};
use super::answers::Spread;
use super::connection::Path;
use super::exclusion::Excluded;
use super::probe::{Certificate, Ending, Speech};
use super::service::Protocol;

/// Everything that was seen of the one Service that a run is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Observed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSeen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announcement: Option<AnnouncementSeen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSeen>,
    /// One for each place that asked, in the order in which they were named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Tries>,
    /// Each path that tries took, once for all that took it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathSeen>,
    /// The places whose network state was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<StateSeen>,
    /// The run from its beginning to its end, without a hole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

impl Observed {
    /// Whether nothing of it is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every text that may repeat what somebody else wrote.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let announcement = self.announcement.iter_mut().flat_map(|seen| {
            let excluded = seen.excluded.iter_mut().map(|excluded| &mut excluded.reason);
            std::iter::once(&mut seen.because).chain(seen.sources.iter_mut().map(|source| &mut source.detail)).chain(excluded)
        });
        let tries = self
            .tries
            .iter_mut()
            .flat_map(|tries| tries.error.iter_mut().chain(tries.certificates.iter_mut().flat_map(Certificate::texts)));
        let states = self.states.iter_mut().flat_map(|state| state.missing.values_mut());
        let paths = self.paths.iter_mut().filter_map(|seen| seen.path.not_joined.as_mut());
        announcement.chain(tries).chain(states).chain(paths)
    }

    /// Places that got an answer to none of their tries although they made some.
    pub fn silent(&self) -> impl Iterator<Item = &Tries> {
        self.tries.iter().filter(|tries| tries.tried > 0 && tries.answered == 0)
    }

    /// Places of which a try stayed without an answer.
    pub fn failing(&self) -> impl Iterator<Item = &Tries> {
        self.tries.iter().filter(|tries| tries.answered < tries.tried)
    }
}

/// The Service and the address that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSeen {
    pub namespace: String,
    pub name: String,
    /// Its load-balanced address that was followed; `None` when it has none.
    pub address: Option<IpAddr>,
    /// The port that was followed; `None` when it has none.
    pub port: Option<u16>,
    /// Empty when the port has no name.
    pub port_name: String,
    pub protocol: Option<Protocol>,
}

/// Who announces the address, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnouncementSeen {
    /// `layer2`, `bgp`, or empty where that is not known.
    pub protocol: String,
    /// Every node that announces, as far as is known.
    pub nodes: Vec<String>,
    /// The one that MetalLB's election gives.
    pub expected: Option<String>,
    pub candidates: Vec<String>,
    pub excluded: Vec<Excluded>,
    pub agreement: Agreement,
    /// Why the agreement is what it is.
    pub because: String,
    /// For each node that any source names, the kinds of sources that do.
    pub sides: Vec<Side>,
    /// Each source with its time.
    pub sources: Vec<Source>,
    /// When the announcement came to the node that has it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// Who answers by ARP or NDP for the address, asked from a client.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub resolved: Vec<Resolved>,
}

/// The answers to one host's question who has the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    pub from: String,
    pub macs: Vec<String>,
}

/// Where the port ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetSeen {
    /// The name or number that the Service gives for it.
    pub target_port: String,
    /// Whether the slices could be read; otherwise these are what the pods' specs give.
    pub slices_read: bool,
    pub endpoints: Vec<EndpointSeen>,
}

impl TargetSeen {
    /// How many endpoints are ready. One without a number for the Service's port is none that kube-proxy knows.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.endpoints.iter().filter(|endpoint| endpoint.ready && endpoint.port.is_some()).count()
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointSeen {
    pub pod: Option<String>,
    pub address: IpAddr,
    pub port: Option<u16>,
    pub node: Option<String>,
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// Answered tries that were followed to it or tied to it.
    pub answered: usize,
}

/// The tries of one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tries {
    /// Where they were made, as a person writes it.
    pub from: String,
    pub speech: Speech,
    /// What the host asked with; empty for a client that was only watched.
    pub tool: String,
    /// The first round: tries that were made, and those of them that were answered.
    pub tried: usize,
    pub answered: usize,
    /// The repetition, while state was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// How the tries without an answer ended, with their number; of both rounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<Ending, usize>,
    /// How the first try without an answer ended, in the first round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<Ending>,
    /// HTTP statuses with their number; of both rounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<u16, usize>,
    /// Until the connection was made, milliseconds; of the answered tries alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<Spread>,
    /// Until the answer, milliseconds; of the answered tries alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<Spread>,
    /// The most that was read of an answer, bytes; no more than 16 KiB and a little are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_answer: Option<u32>,
    /// By the size of the request: `small`, `large`, or bytes where sizes were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sizes: BTreeMap<String, Again>,
    /// Answered tries whose first packet had to be sent again.
    #[serde(default, skip_serializing_if = "is_none")]
    pub sent_again: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// Why nothing could be asked from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Some of the tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Again {
    pub tried: usize,
    pub answered: usize,
}

/// A path, and the tries that took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathSeen {
    /// That of the first of them.
    #[serde(flatten)]
    pub path: Path,
    /// How many tries took it, and the ports that they were made from.
    pub tries: usize,
    pub source_ports: Vec<u16>,
}

/// The network state of a place, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateSeen {
    pub place: String,
    /// The sections that were read.
    pub read: Vec<String>,
    /// The others, each with what the tool said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub missing: BTreeMap<String, String>,
}

/// A part of the run's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    pub name: StageName,
    /// Milliseconds since the run began.
    pub started_ms: u64,
    pub took_ms: u64,
}

/// The parts of a run's time, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageName {
    /// Objects, logs and metrics are read.
    Read,
    /// Hosts are logged in to, and captures begin to listen.
    Connect,
    /// The Service is asked.
    Ask,
    /// State is read and compared.
    Look,
    /// Hosts are swept.
    Clean,
}

impl StageName {
    /// For people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Connect => "connect",
            Self::Ask => "ask",
            Self::Look => "look",
            Self::Clean => "clean up",
        }
    }
}
