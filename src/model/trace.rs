//! What following the packets of capture files gave.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// One connection, or one exchange of datagrams, with where its packets were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Traced {
    /// In the order in which they began.
    pub number: u64,
    /// `tcp`, `udp`, `icmp`, `icmp6` or a protocol's number.
    pub protocol: String,
    /// When its first and last packet was seen, nanoseconds since the epoch, on the clock of the first capture.
    pub began: i64,
    pub last: i64,
    pub end: TraceEnd,
    /// From the client: the places that its packets passed, in order.
    pub request: Vec<TraceHop>,
    /// To the client, likewise.
    pub answer: Vec<TraceHop>,
    pub last_seen: Option<LastSeen>,
    /// Packets that came by more than once with the same numbers, as the first place saw them.
    pub retransmitted: u64,
    /// Packets that were not seen everywhere, the first few of them.
    pub missing: Vec<MissingPacket>,
    /// ICMP errors about it, the first few of them.
    pub errors: Vec<SeenError>,
    /// Why it could not be followed further, in words.
    pub not_joined: Vec<String>,
    /// Resets that were first seen behind another place of their road: what is in between may have made them.
    pub resets_between: u64,
    /// What was changed on its way, what could not be compared, and what weakens the counts above, in words.
    pub noted: Vec<String>,
}

/// How a connection ended, as far as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TraceEnd {
    /// Both ends said FIN.
    Closed,
    /// One end said RST.
    Reset,
    /// TCP that did not end while it was watched.
    Open,
    /// Datagrams have no end.
    Datagrams,
}

/// A place where the packets of one direction passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TraceHop {
    /// The capture point: a file, or an interface in a file.
    pub point: String,
    /// The interface by its number, for a capture on `any`.
    pub interface: Option<u32>,
    /// `in`, `out` or `other`, for a capture that tells it.
    pub passage: Option<&'static str>,
    pub vlan: Option<u16>,
    /// `vxlan`, `geneve` or `ipip`, with its network's number.
    pub tunnel: Option<String>,
    #[serde(serialize_with = "endpoint")]
    #[schemars(with = "String")]
    pub source: (IpAddr, u16),
    #[serde(serialize_with = "endpoint")]
    #[schemars(with = "String")]
    pub destination: (IpAddr, u16),
    pub packets: u64,
    pub bytes: u64,
    /// How long after the first hop its packets came here: mean, least and most, nanoseconds. `None` when no packet was seen at both.
    pub after_ns: Option<(i64, i64, i64)>,
    /// Packets that were seen before and neither here nor behind it.
    pub missing: u64,
    /// Packets that were not seen here, but behind it: they came by, and the capture does not hold them.
    pub not_captured: u64,
    /// Packets that this place saw twice with the same identification.
    pub again: u64,
}

/// Where the last packet was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastSeen {
    pub point: String,
    pub interface: Option<u32>,
    /// What it was: `SYN`, `SYN-ACK`, `data`, …
    pub what: &'static str,
    pub answer: bool,
    #[serde(serialize_with = "endpoint")]
    #[schemars(with = "String")]
    pub source: (IpAddr, u16),
    #[serde(serialize_with = "endpoint")]
    #[schemars(with = "String")]
    pub destination: (IpAddr, u16),
    pub at: i64,
}

/// A packet that a place did not see, though the connection passed there while it was watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MissingPacket {
    /// Where it was not seen; `within`: behind what tag and in what tunnel.
    pub point: String,
    pub interface: Option<u32>,
    pub within: Option<String>,
    pub answer: bool,
    pub what: &'static str,
    /// TCP's sequence number, 0 for others.
    pub sequence: u32,
    /// Bytes that were not seen.
    pub length: u32,
    /// Which bytes of the packet these are, from and to, when it is not all of it.
    pub part: Option<(u32, u32)>,
    /// When it was first seen elsewhere.
    pub at: i64,
    /// Where it was last seen, and its number in that file.
    pub last_at: String,
    pub last_interface: Option<u32>,
    pub last_within: Option<String>,
    pub frame: u64,
    /// It was seen behind this place: the capture does not hold it, the path did not lose it.
    pub seen_later: bool,
}

/// An ICMP error about a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SeenError {
    pub point: String,
    pub from: IpAddr,
    pub kind: u8,
    pub code: u8,
    pub at: i64,
}

/// A capture point, with what was read there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TracePoint {
    pub name: String,
    /// Packets that were read, of them those that were followed, and of these those that were seen at another point too.
    pub packets: u64,
    pub followed: u64,
    pub joined: u64,
    /// First and last packet, nanoseconds since the epoch by the point's own clock.
    pub first: Option<i64>,
    pub last: Option<i64>,
    /// How far its clock is ahead of the first point's, as its packets show; 0 when they show nothing.
    pub clock_ahead_ns: i64,
    /// Why it does not hold everything: cut off, or packets lost by its own count.
    pub incomplete: Option<String>,
    /// Frames that may hold packets of any connection and were not read, by what these are hidden in.
    pub not_read: BTreeMap<String, u64>,
    /// TCP frames that end within their options, which were compared by the rest alone, and the bytes that were kept of the longest of them.
    pub options_cut: u64,
    pub options_cut_at: Option<u32>,
    /// Frames without a time of their own, which stand at that of the frame before them.
    pub untimed: u64,
    /// Whether packets of one direction alone tell of its clock: then its difference and the road's time are one number.
    pub clock_one_way: bool,
    /// How far records go back in time behind those before them, nanoseconds. They were put in order, except so many.
    pub went_back_ns: i64,
    pub unsorted: u64,
}

impl TracePoint {
    /// How many frames were not read, and why; nothing when all were.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let count: u64 = self.not_read.values().sum();
        let kinds: Vec<&str> = self.not_read.keys().map(String::as_str).collect();
        (count > 0).then(|| format!("{count} {} not read ({})", if count == 1 { "frame was" } else { "frames were" }, kinds.join(", ")))
    }
}

/// The whole of it, once everything was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TraceSummary {
    pub points: Vec<TracePoint>,
    pub connections: u64,
    /// Connections of which every packet was seen wherever the connection passed, and nothing was left unjoined; 0 where frames were not read,
    /// since nobody knows whose these were.
    pub whole: u64,
    /// Packets that were let go before their time, because more were waiting than fit: their counterparts may have come later.
    pub let_go_early: u64,
}

/// One packet with all its sightings, and the number of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    pub connection: u64,
    pub seen: Vec<Paired>,
}

/// A frame that shows a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paired {
    pub point: u16,
    pub frame: u64,
    /// The part of the packet that it shows, when that is not all of it: bytes from and to.
    pub part: Option<(u32, u32)>,
}

/// An address with its port, as people write it; one without a port as an address.
fn endpoint<S: Serializer>((address, port): &(IpAddr, u16), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown((*address, *port)))
}

/// `10.0.0.1:443`, `[fd10::1]:443`, `10.0.0.1`.
#[must_use]
pub fn shown((address, port): (IpAddr, u16)) -> String {
    if port == 0 { address.to_string() } else { std::net::SocketAddr::new(address, port).to_string() }
}
