//! One packet as a capture point saw it: headers only, never payload.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How a frame passed the interface, from the kernel's packet type (`LINUX_SLL2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passage {
    /// To this host, or by broadcast or multicast.
    In,
    Out,
    /// Addressed to another host's MAC: seen, not taken.
    Other,
}

/// A packet. A packet inside a tunnel is its own `Packet` with `tunnel` set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet {
    /// Nanoseconds since the epoch, by the clock of the host that captured it.
    #[serde(rename = "t")]
    pub at: i64,
    #[serde(rename = "i")]
    pub interface: String,
    #[serde(rename = "p")]
    pub passage: Passage,
    /// The link-layer source address, when the link has one.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub source_mac: Option<String>,
    #[serde(rename = "b")]
    pub body: Body,
    /// `vxlan`, `geneve` or `ipip` when this packet was carried inside another.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// Outer addresses of the tunnel.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<(IpAddr, IpAddr)>,
}

/// What a packet is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    Arp(Arp),
    Tcp(Segment),
    Udp(Datagram),
    Icmp(Icmp),
    /// Neighbour discovery for IPv6: solicitation or advertisement of `target`.
    Ndp {
        advertisement: bool,
        target: IpAddr,
        mac: Option<String>,
    },
    Other,
}

/// An ARP packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arp {
    pub reply: bool,
    pub sender_mac: String,
    pub sender: IpAddr,
    pub target: IpAddr,
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    #[serde(rename = "s")]
    pub source: IpAddr,
    #[serde(rename = "d")]
    pub destination: IpAddr,
    #[serde(rename = "sp")]
    pub source_port: u16,
    #[serde(rename = "dp")]
    pub destination_port: u16,
    #[serde(rename = "q")]
    pub sequence: u32,
    #[serde(rename = "a")]
    pub acknowledgement: u32,
    #[serde(rename = "f")]
    pub flags: Flags,
    /// Bytes of payload that the packet carried on the wire.
    #[serde(rename = "l")]
    pub length: u32,
}

/// TCP flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(pub u8);

impl Flags {
    pub const FIN: u8 = 1;
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const ACK: u8 = 16;

    /// A connection's first segment.
    #[must_use]
    pub fn is_syn(self) -> bool {
        self.0 & (Self::SYN | Self::ACK) == Self::SYN
    }

    /// The answer to a connection's first segment.
    #[must_use]
    pub fn is_syn_ack(self) -> bool {
        self.0 & (Self::SYN | Self::ACK) == Self::SYN | Self::ACK
    }

    #[must_use]
    pub fn is_reset(self) -> bool {
        self.0 & Self::RST != 0
    }

    #[must_use]
    pub fn is_fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
}

/// A UDP datagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datagram {
    #[serde(rename = "s")]
    pub source: IpAddr,
    #[serde(rename = "d")]
    pub destination: IpAddr,
    #[serde(rename = "sp")]
    pub source_port: u16,
    #[serde(rename = "dp")]
    pub destination_port: u16,
    /// The IPv4 identification, 0 for IPv6.
    #[serde(rename = "id")]
    pub identification: u16,
    /// A hash of the payload's captured bytes; the bytes themselves are not kept.
    #[serde(rename = "h")]
    pub payload_hash: u32,
    #[serde(rename = "l")]
    pub length: u32,
}

/// An ICMP or ICMPv6 message that is about another packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icmp {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub kind: u8,
    pub code: u8,
    /// The quoted packet: protocol number, source, destination, source port, destination port.
    pub quoted: Option<(u8, IpAddr, IpAddr, u16, u16)>,
}
