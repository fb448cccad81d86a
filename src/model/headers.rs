//! The headers of one packet as plain numbers, for files of any size: copied, never allocated.
//!
//! [`Packet`](super::packet::Packet) tells more of each packet and is kept in recordings; this is what following needs.

use std::fmt;
use std::net::IpAddr;

pub use super::tunnel::Tunnel;

use super::packet::{Flags, Passage};

/// One packet of IPv4 or IPv6 at one capture point. Inside a tunnel it is the innermost packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Nanoseconds since the epoch, by the clock of the host that captured it.
    pub at: i64,
    /// The index that a capture on `any` gives each interface; 0 for a capture of one interface.
    pub interface: u32,
    pub passage: Passage,
    pub enclosure: Enclosure,
    pub source: IpAddr,
    pub destination: IpAddr,
    /// IPv4's identification, or that of IPv6's fragment header; 0 when there is none.
    pub identification: u32,
    /// IPv4's time to live or IPv6's hop limit; 0 where it is not known.
    pub ttl: u8,
    /// Whether `at` is its own time. A Simple Packet Block has none, and stands at that of the frame before it.
    pub timed: bool,
    /// Of a first fragment: what its further fragments are known by.
    pub rest: Option<Rest>,
    pub transport: Transport,
}

/// The further fragments of a packet of which this frame has the first one. Of a tunnel's packet that was cut these are the tunnel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// As [`fragments_of`] gives it for each of them.
    pub of: u64,
    /// Bytes ahead of the transport header in what was cut: options of IPv6, the headers of a tunnel.
    pub before: u32,
    /// Whether it is a tunnel's packet that was cut, and not what is inside.
    pub outer: bool,
}

/// What all fragments of one packet have in common, as one number.
#[must_use]
pub fn fragments_of(source: IpAddr, destination: IpAddr, identification: u32) -> u64 {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let halves = |bits: u128| [bits >> 64, bits & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0));
    let [a, b] = halves(bits(source));
    let [c, d] = halves(bits(destination));
    [a, b, c, d, u64::from(identification)].into_iter().fold(0, mix)
}

/// What a packet was wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Enclosure {
    /// The innermost VLAN tag outside of any tunnel, 0 for none.
    pub vlan: u16,
    /// The outermost tunnel.
    pub tunnel: Option<Tunnel>,
    /// The network number of VXLAN or Geneve, the key of GRE, 0 for none.
    pub network: u32,
}

impl Enclosure {
    /// The tunnel with its network's number, as people name it.
    #[must_use]
    pub fn word(&self) -> Option<String> {
        self.tunnel.map(|tunnel| match self.network {
            0 => tunnel.word().to_owned(),
            network => format!("{} {network}", tunnel.word()),
        })
    }
}

/// What a packet may be hidden in: it was there, and what it is was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hidden {
    /// Frames of a link that is not known, by the number of the link's type.
    LinkType(u32),
    /// Something else than IP, by its ether type.
    EtherType(u16),
    /// It ends before its ports, or contradicts itself.
    Cut,
    /// Its ports are there, and it ends before what packets are known by.
    CutBehindPorts,
    /// It is the content of a tunnel, whose name this is, that is encrypted or not known.
    Within(&'static str),
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType(number) => write!(f, "link type {number}"),
            Self::EtherType(0x8847 | 0x8848) => f.write_str("MPLS"),
            Self::EtherType(0x8864) => f.write_str("PPPoE"),
            Self::EtherType(0x88e5) => f.write_str("MACsec"),
            Self::EtherType(0x894f) => f.write_str("NSH"),
            Self::EtherType(kind) => write!(f, "ether type {kind:#06x}"),
            Self::Cut => f.write_str("cut before its ports"),
            Self::CutBehindPorts => f.write_str("cut behind its ports, before its sequence number or flags"),
            Self::Within(tunnel) => f.write_str(tunnel),
        }
    }
}

/// What stands above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp(TcpHeaders),
    Datagram(DatagramHeaders),
    /// An ICMP or ICMPv6 error, with the packet that it is about as far as it was captured.
    IcmpError {
        kind: u8,
        code: u8,
        about: Option<Quoted>,
    },
    /// A fragment that is not the first: it has no header above IP.
    Fragment {
        protocol: u8,
        /// Where it begins in the whole packet's payload. Bytes.
        offset: u32,
        length: u32,
        last: bool,
    },
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpHeaders {
    pub source_port: u16,
    pub destination_port: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub flags: Flags,
    /// TCP's own timestamps, value and echo, when the option is there and was captured.
    pub timestamps: Option<(u32, u32)>,
    /// Bytes of payload in this packet, on the wire.
    pub length: u32,
    /// Of the TCP header, which a fragment behind this one counts from.
    pub header_length: u8,
    /// A hash of what translation usually leaves alone beside the numbers: window, options, first bytes of payload.
    pub print: u32,
    /// Whether fragments of this packet follow.
    pub fragmented: bool,
    /// Bytes that were kept of a frame which ends within the options: what these hold is not known.
    pub cut_at: Option<u32>,
}

/// A datagram of UDP or of a protocol that is treated like it, and an ICMP message that is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramHeaders {
    /// 17 for UDP, 1 and 58 for ICMP.
    pub protocol: u8,
    /// ICMP's echo identifier stands for both ports; 0 where there are no ports. SCTP's are read like UDP's.
    pub source_port: u16,
    pub destination_port: u16,
    /// A hash of the first bytes of payload, the same for every capture that keeps these.
    pub start_hash: u32,
    /// A hash of all of this packet's payload; `None` when it was not captured whole.
    pub whole_hash: Option<u32>,
    /// Bytes of payload that were hashed at the start: few bytes tell little.
    pub hashed: u8,
    /// Bytes behind the IP headers in this packet.
    pub carried: u32,
    /// Bytes behind the IP headers in the whole datagram, `None` when fragments follow and the header does not say it.
    pub whole: Option<u32>,
    /// Whether fragments of this packet follow.
    pub fragmented: bool,
    /// What its content is, when that may be another connection's packet.
    pub hidden: Option<Hidden>,
}

/// The packet that an ICMP error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    pub protocol: u8,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: u16,
    pub destination_port: u16,
}
