//! A probe's connection, followed through the captures.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::packet::Passage;
use super::probe::{Attempt, Ending, Vantage};

/// One sighting of a connection at a capture point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The capture's place, such as `n2` or `stacklight/web-1`.
    pub place: String,
    pub interface: String,
    pub passage: Passage,
    /// Whether it travels from the client to the pod.
    pub request: bool,
    pub what: Sighting,
    pub source: (IpAddr, u16),
    pub destination: (IpAddr, u16),
    /// The tunnel that carried it here, if any, and its outer source and destination.
    pub tunnel: Option<String>,
    pub outer: Option<(IpAddr, IpAddr)>,
    /// The link-layer source, when the link has one.
    pub source_mac: Option<String>,
    /// TCP's sequence number, 0 for others.
    pub sequence: u32,
    /// Bytes of payload.
    pub length: u32,
    /// How many more routers it may pass, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    pub at: i64,
}

/// What tests see: they say how theirs differs.
#[cfg(test)]
impl Hop {
    /// The first packet of a request, by eth0.
    pub(crate) fn sample(place: &str, passage: Passage, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Self {
        Self {
            place: place.to_owned(),
            interface: "eth0".to_owned(),
            passage,
            request: true,
            what: Sighting::Syn,
            source,
            destination,
            tunnel: None,
            outer: None,
            source_mac: None,
            sequence: 7,
            length: 0,
            ttl: None,
            at: 0,
        }
    }

    /// The answer to such a packet.
    pub(crate) fn back(self) -> Self {
        Self { request: false, what: Sighting::SynAck, source: self.destination, destination: self.source, ..self }
    }
}

/// What kind of packet of the connection was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sighting {
    Syn,
    SynAck,
    Reset,
    /// A segment with payload, or a UDP datagram.
    Data,
    Fin,
    Ack,
    /// An ICMP error about the connection.
    IcmpError,
}

/// One try with everything that was seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub vantage: Vantage,
    pub attempt: Attempt,
    /// In order of time within each place; places in the order of the path.
    pub hops: Vec<Hop>,
    /// The pod that it was translated to, when that was seen.
    pub pod: Option<String>,
    /// Why it could not be followed, when it could not.
    pub not_joined: Option<String>,
}

#[cfg(test)]
impl Connection {
    /// One from c1 that was followed.
    pub(crate) fn sample(attempt: Attempt, hops: Vec<Hop>) -> Self {
        Self { vantage: Vantage::Ssh("c1".to_owned()), attempt, hops, pod: None, not_joined: None }
    }
}

/// A connection's path: the hops of its first packet and of the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Path {
    /// The vantage point, as a person writes it.
    pub from: String,
    /// The try's number there, from 1.
    pub number: u32,
    pub pod: Option<String>,
    pub answered: bool,
    pub ending: Ending,
    /// From the client, in the order of the path.
    pub request: Vec<PathHop>,
    /// Back to the client, likewise.
    pub answer: Vec<PathHop>,
    /// Where it was seen last: when it was not answered, the furthest place of the packet that it waits behind.
    pub last_seen: Option<PathHop>,
    /// Why it could not be followed, when it could not.
    pub not_joined: Option<String>,
}

/// A spot that a connection's packets passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathHop {
    /// `n2/mlb in`, `n2/eth0 out vxlan`.
    pub at: String,
    pub place: String,
    pub interface: String,
    pub passage: Passage,
    pub tunnel: Option<String>,
    pub what: Sighting,
    /// `ADDRESS:PORT` as it is written there: before translation or after it.
    pub source: String,
    pub destination: String,
    /// Bytes of payload.
    pub length: u32,
    /// How many packets of the connection passed here in this direction.
    pub packets: usize,
    /// Microseconds after the first packet's first sighting; `None` where nothing tells how the hosts' clocks compare.
    pub after_us: Option<i64>,
    /// How far the true value may lie from it, microseconds.
    pub error_us: Option<i64>,
}
