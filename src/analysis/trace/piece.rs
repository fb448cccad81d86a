//! What translation leaves alone: by this a packet is known again at another place.

use std::hash::{BuildHasher, RandomState};

use crate::model::headers::{DatagramHeaders, Headers, TcpHeaders};
use crate::model::packet::{Flags, Passage};

/// What two sightings of one packet have in common. It does not tell repetitions apart, nor a large segment from the first of
/// those that it is cut into: these are the same up to where the shorter one ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) protocol: u8,
    /// Of TCP: the flags that make it another packet, and what it holds.
    kind: u8,
    /// TCP: sequence, acknowledgement, timestamps. Others: hash, identification, length.
    numbers: [u32; 4],
}

/// Set in a kind: the segment has payload, the segment has timestamps.
const PAYLOAD: u8 = 0x80;
const STAMPED: u8 = 0x40;

impl Likeness {
    /// Where it begins in TCP's numbers.
    pub(super) fn start(&self) -> u32 {
        self.numbers[0]
    }

    /// Whether it is a stretch of a TCP stream, which may be cut elsewhere.
    pub(super) fn is_stretch(&self) -> bool {
        self.kind & PAYLOAD != 0
    }

    pub(super) fn is_stamped(&self) -> bool {
        self.kind & STAMPED != 0
    }

    /// Whether it acknowledges anything, so that its numbers are of both ends.
    pub(super) fn acknowledges(&self) -> bool {
        self.numbers[1] != 0
    }

    /// What it acknowledges, in TCP's numbers.
    pub(super) fn acknowledged(&self) -> Option<u32> {
        Some(self.numbers[1]).filter(|number| self.protocol == 6 && *number != 0)
    }

    /// The same with another begin.
    pub(super) fn beginning_at(mut self, start: u32) -> Self {
        self.numbers[0] = start;
        self
    }

    /// Whether both may be parts of one large segment: they differ by where they begin alone, or one of them has no timestamps.
    pub(super) fn same_stretch(&self, other: &Self) -> bool {
        self.is_stretch()
            && other.is_stretch()
            && self.protocol == other.protocol
            && self.numbers[1] == other.numbers[1]
            && (self.kind == other.kind && self.numbers[2..] == other.numbers[2..] || self.is_stamped() != other.is_stamped())
    }

    /// The same without timestamps: where these were cut, or taken off on the way.
    pub(super) fn unstamped(&self) -> Option<Self> {
        let [sequence, acknowledgement, ..] = self.numbers;
        (self.protocol == 6).then_some(Self { kind: self.kind & !STAMPED, numbers: [sequence, acknowledgement, 0, 0], ..*self })
    }

    /// A number to find it by.
    pub(super) fn signature(&self, keys: &Keys) -> u64 {
        let [a, b, c, d] = self.numbers.map(u64::from);
        let first = ((a << 32 | b) ^ keys.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let second = ((c << 32 | d) ^ keys.1).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        let kind = u64::from(self.protocol) << 8 | u64::from(self.kind);
        let mixed = (first ^ second.rotate_left(31) ^ kind).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ mixed >> 32
    }
}

/// Secret numbers, so that nobody can make packets that all have one signature.
pub(super) struct Keys(u64, u64);

impl Keys {
    pub(super) fn new() -> Self {
        let state = RandomState::new();
        Self(state.hash_one(1), state.hash_one(2))
    }
}

/// What one frame shows of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) like: Likeness,
    /// Where it begins in the packet, for a fragment that is not the first. Bytes.
    pub(super) offset: u32,
    /// Bytes of payload.
    pub(super) length: u32,
    /// The whole packet's bytes, when that is another length and known.
    pub(super) whole: Option<u32>,
    pub(super) identification: u32,
    /// A hash of what is usually left alone, 0 for none.
    pub(super) print: u32,
    /// A datagram's whole payload as a hash, 0 when it is not known: two that differ are two datagrams.
    pub(super) contents: u32,
    pub(super) flags: Flags,
    pub(super) passage: Passage,
    /// Bytes that a datagram's hash stands for: few tell little.
    pub(super) hashed: u8,
    pub(super) ttl: u8,
    /// Whether the frame ends within TCP's options.
    pub(super) cut: bool,
}

impl Piece {
    pub(super) fn tcp(tcp: &TcpHeaders, headers: &Headers) -> Self {
        let mut kind = tcp.flags.0 & (Flags::SYN | Flags::RST);
        if tcp.length > 0 {
            kind |= PAYLOAD;
        } else {
            kind |= tcp.flags.0 & (Flags::FIN | Flags::ACK);
        }
        if tcp.timestamps.is_some() {
            kind |= STAMPED;
        }
        let (value, echo) = tcp.timestamps.unwrap_or_default();
        Self {
            like: Likeness { protocol: 6, kind, numbers: [tcp.sequence, tcp.acknowledgement, value, echo] },
            offset: 0,
            length: tcp.length,
            whole: None,
            identification: headers.identification,
            print: tcp.print,
            contents: 0,
            flags: tcp.flags,
            passage: headers.passage,
            hashed: 0,
            ttl: headers.ttl,
            cut: tcp.cut_at.is_some(),
        }
    }

    pub(super) fn datagram(datagram: &DatagramHeaders, headers: &Headers) -> Self {
        let whole = datagram.whole.unwrap_or(u32::MAX);
        Self {
            like: Likeness { protocol: datagram.protocol, kind: 0, numbers: [datagram.start_hash, headers.identification, whole, 0] },
            offset: 0,
            length: datagram.carried,
            whole: datagram.whole,
            identification: headers.identification,
            print: 0,
            contents: if datagram.fragmented { 0 } else { datagram.whole_hash.unwrap_or(0) },
            flags: Flags::default(),
            passage: headers.passage,
            hashed: datagram.hashed,
            ttl: headers.ttl,
            cut: false,
        }
    }

    /// What is left behind the first `count` bytes of a stretch.
    pub(super) fn behind(mut self, count: u32) -> Self {
        self.like.numbers[0] = self.like.numbers[0].wrapping_add(count);
        self.length = self.length.saturating_sub(count);
        // What told the packet apart told of its begin.
        self.identification = 0;
        self.print = 0;
        self
    }

    /// What it is, in the field's own words.
    pub(super) fn word(flags: Flags, protocol: u8, length: u32) -> &'static str {
        match protocol {
            6 if flags.is_syn() => "SYN",
            6 if flags.is_syn_ack() => "SYN-ACK",
            6 if flags.is_reset() => "RST",
            6 if length > 0 => "data",
            6 if flags.is_fin() => "FIN",
            6 => "ACK",
            1 | 58 => "ICMP message",
            _ => "datagram",
        }
    }
}

/// Whether `a` comes before `b` in TCP's numbers, which wrap.
pub(super) fn before(a: u32, b: u32) -> bool {
    a != b && b.wrapping_sub(a) < 1 << 31
}
