//! One packet as a capture point saw it: headers only, never payload.
//!
//! A busy Service sends a run a hundred thousand of them, so a packet is small and owns next to nothing: what many
//! packets have in common is shared, what few have is kept apart.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tunnel::Tunnel;

/// How a frame passed the interface, from the kernel's packet type (`LINUX_SLL2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
    pub interface: InterfaceName,
    #[serde(rename = "p")]
    pub passage: Passage,
    /// The link-layer source address, when the link has one.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub source_mac: Option<Mac>,
    #[serde(rename = "b")]
    pub body: Body,
    /// When this packet was carried inside another.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Tunnel>,
    /// Outer addresses of the tunnel.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub outer: Option<Box<(IpAddr, IpAddr)>>,
    /// How many more routers it may pass: time to live, or hop limit. `None` where the recording is of before this was kept.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
}

/// An interface's name, shared by all packets that passed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName(Arc<str>);

impl InterfaceName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is not the only one that has the name.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl From<&str> for InterfaceName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for InterfaceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for InterfaceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.into()))
    }
}

/// A MAC address. Shown and kept as `ip link` writes it: `02:42:0a:58:00:0b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if number == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// The text is no MAC address: six pairs of hexadecimal digits with colons between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMac;

impl fmt::Display for NoMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a MAC address has six pairs of hexadecimal digits with colons between them")
    }
}

impl FromStr for Mac {
    type Err = NoMac;

    fn from_str(text: &str) -> Result<Self, NoMac> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|c| c.is_ascii_hexdigit())).ok_or(NoMac)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| NoMac)?;
        }
        if parts.next().is_some() { Err(NoMac) } else { Ok(Self(bytes)) }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
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
        mac: Option<Mac>,
        /// Who solicits, or who is advertised to; `None` for everybody, and for one who has no address yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asker: Option<IpAddr>,
    },
    Other,
}

/// An ARP packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arp {
    pub reply: bool,
    pub sender_mac: Mac,
    pub sender: IpAddr,
    pub target: IpAddr,
}

impl Packet {
    /// What it says of who has an address: by ARP, or by neighbour discovery in the same terms.
    #[must_use]
    pub fn resolution(&self) -> Option<Arp> {
        match &self.body {
            Body::Arp(arp) => Some(arp.clone()),
            Body::Ndp { advertisement, target, mac, asker } => {
                let asker = asker.unwrap_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED));
                let (sender, target) = if *advertisement { (*target, asker) } else { (asker, *target) };
                Some(Arp { reply: *advertisement, sender_mac: mac.or(self.source_mac)?, sender, target })
            }
            _ => None,
        }
    }
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
    /// What a connection's first segment carries besides; nothing is told of others.
    #[serde(rename = "o", default, skip_serializing_if = "Offers::is_untold")]
    pub offers: Offers,
}

/// What a connection's first segment carries, and the class of its packet: a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offers(pub u8);

impl Offers {
    /// It was read.
    pub const TOLD: u8 = 1;
    pub const SEGMENT_SIZE: u8 = 2;
    pub const WINDOW_SCALE: u8 = 4;
    pub const SACK: u8 = 8;
    pub const TIMESTAMPS: u8 = 16;
    pub const FAST_OPEN: u8 = 32;
    /// MD5 or TCP-AO.
    pub const SIGNED: u8 = 64;
    /// A DSCP other than 0.
    pub const CLASS: u8 = 128;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    fn is_untold(&self) -> bool {
        self.0 == 0
    }

    /// Whether it carries that; `None` where it was not read.
    #[must_use]
    pub fn has(self, bit: u8) -> Option<bool> {
        (self.0 & Self::TOLD != 0).then_some(self.0 & bit != 0)
    }
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
    /// ECN echo, and congestion window reduced: RFC 3168, section 6.1.1.
    pub const ECE: u8 = 64;
    pub const CWR: u8 = 128;

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

    /// Whether a connection's first segment offers explicit congestion notification.
    #[must_use]
    pub fn offers_ecn(self) -> bool {
        self.0 & (Self::ECE | Self::CWR) == Self::ECE | Self::CWR
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

/// The packet that an ICMP error is about: protocol number, source, destination, source port, destination port.
pub type QuotedEnds = (u8, IpAddr, IpAddr, u16, u16);

/// An ICMP or ICMPv6 message that is about another packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icmp {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub kind: u8,
    pub code: u8,
    pub quoted: Option<Box<QuotedEnds>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_small() {
        assert!(size_of::<Packet>() <= 104, "{}", size_of::<Packet>());
    }

    #[test]
    fn a_mac_is_the_text_that_it_was() {
        let mac = Mac([2, 0x42, 0x0a, 0x58, 0, 0x0b]);
        assert_eq!((mac.to_string().as_str(), mac.to_string().parse()), ("02:42:0a:58:00:0b", Ok(mac)));
        assert_eq!("02:42:0A:58:00:0B".parse(), Ok(mac));
        for wrong in
            ["", "02:42:0a:58:00", "02:42:0a:58:00:0g", "02:42:0a:58:00:0b:00", "2:42:0a:58:00:0b", "+2:42:0a:58:00:0b", "02:42:0a:58:00:é"]
        {
            assert_eq!(wrong.parse::<Mac>(), Err(NoMac), "{wrong}");
        }
    }

    #[test]
    fn a_recorded_packet_is_read_and_written_as_ever() {
        let text = r#"{"t":7,"i":"mlb","p":"in","m":"66:00:00:00:00:02","b":{"icmp":{"source":"10.0.0.1","destination":"10.0.0.2","kind":3,"code":1,"quoted":[6,"10.0.0.2","10.0.0.3",4711,443]}},"u":"vxlan","o":["10.88.0.12","10.88.0.13"]}"#;
        let packet: Packet = serde_json::from_str(text).unwrap();
        assert_eq!(packet.tunnel, Some(Tunnel::Vxlan));
        assert_eq!(serde_json::to_string(&packet).unwrap(), text);
    }
}
