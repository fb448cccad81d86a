//! Follows connections through captures of several points, packet by packet and across translation, in bounded memory.
//!
//! A packet is known again by what translation leaves alone: of TCP the sequence and acknowledgement numbers, the timestamps,
//! the length and the flags; of datagrams the identification with a hash of the payload. The first packet that is known again
//! at another place tells which connection the addresses there belong to; from then on each packet is looked for within its
//! connection. Nothing here knows of files: packets come one at a time, best in the order of time, and what is done with
//! comes out the same way. What cannot be joined is said, never guessed.

mod absent;
mod aging;
mod bounds;
mod choice;
pub mod clocks;
mod comparing;
mod conclusion;
mod connections;
mod fragments;
mod hashing;
mod joining;
mod merging;
mod notes;
mod one_way;
mod packets;
mod piece;
mod placing;
mod point;
#[cfg(test)]
mod tests;
mod tracks;

use std::collections::{HashMap, VecDeque};

use crate::model::headers::{Headers, Hidden, Quoted, Transport};
use crate::model::packet::{Flags, Passage};
use crate::model::trace::{Pairing, SeenError, TracePoint, TraceSummary, Traced};
pub use bounds::Bounds;
use connections::{End, Ends, MOST_TOLD, Open, Store, Track, TrackKey};
use fragments::{Fragments, Waiting};
use hashing::Secret;
use packets::Packets;
use piece::Piece;
use point::Point;

/// Joins packets of several points.
pub struct Joiner {
    bounds: Bounds,
    points: Vec<Point>,
    tracks: Store<Track>,
    by_key: HashMap<TrackKey, u32, Secret>,
    connections: Store<Open>,
    packets: Packets,
    fragments: Fragments,
    /// Connections of which no packet waits, with their generation and when that began.
    idle: VecDeque<(u32, u32, i64)>,
    begun: u64,
    concluded: u64,
    whole: u64,
    early: u64,
    traced: Vec<Traced>,
    pairings: Option<Vec<Pairing>>,
}

/// A frame, for what becomes of its packet.
#[derive(Clone, Copy)]
struct Seen {
    frame: u64,
    at: i64,
    /// Whether it is the frame's begin, and not what is behind another packet in it.
    begins: bool,
    /// Whether its time is its own.
    timed: bool,
    ttl: u8,
}

impl Joiner {
    /// A joiner without points. `pairings`: whether every packet's sightings are given too.
    #[must_use]
    pub fn new(bounds: Bounds, pairings: bool) -> Self {
        Self {
            bounds,
            points: Vec::new(),
            tracks: Store::new(),
            by_key: HashMap::with_hasher(Secret::new()),
            connections: Store::new(),
            packets: Packets::new(),
            fragments: Fragments::default(),
            idle: VecDeque::new(),
            begun: 0,
            concluded: 0,
            whole: 0,
            early: 0,
            traced: Vec::new(),
            pairings: pairings.then(Vec::new),
        }
    }

    /// A further point that packets come from, and the number to name it by. `ahead_ns`: how far its clock is ahead of the
    /// first point's.
    pub fn point(&mut self, name: &str, tells_passage: bool, ahead_ns: i64) -> u16 {
        self.points.push(Point::new(name, tells_passage, ahead_ns));
        u16::try_from(self.points.len() - 1).unwrap_or(u16::MAX)
    }

    /// A frame that is not followed. `hidden`: what a packet may be hidden in; nothing, when it holds none of any connection.
    pub fn pass(&mut self, point: u16, hidden: Option<Hidden>) {
        if let Some(point) = self.points.get_mut(usize::from(point)) {
            point.told.packets += 1;
            point.leave_out(hidden);
        }
    }

    /// Takes a packet. `frame` is its number in the point's file.
    pub fn take(&mut self, point: u16, frame: u64, headers: &Headers) {
        let Some(at) = self.points.get_mut(usize::from(point)).map(|point| point.arrived(headers.at, headers.timed)) else { return };
        let seen = Seen { frame, at, begins: true, timed: headers.timed, ttl: headers.ttl };
        match &headers.transport {
            Transport::Tcp(tcp) => {
                if let (Some(kept), Some(point)) = (tcp.cut_at, self.points.get_mut(usize::from(point))) {
                    point.told.options_cut += 1;
                    point.told.options_cut_at = point.told.options_cut_at.max(Some(kept));
                }
                let piece = Piece::tcp(tcp, headers);
                self.packet(point, headers, 6, (tcp.source_port, tcp.destination_port), &piece, seen);
                if tcp.fragmented {
                    self.first_fragment(point, headers, piece, u32::from(tcp.header_length), seen);
                }
            }
            Transport::Datagram(datagram) => {
                if let Some(point) = self.points.get_mut(usize::from(point)) {
                    point.leave_out(datagram.hidden);
                }
                let piece = Piece::datagram(datagram, headers);
                let ports = (datagram.source_port, datagram.destination_port);
                self.packet(point, headers, datagram.protocol, ports, &piece, seen);
                if datagram.fragmented {
                    self.first_fragment(point, headers, piece, 0, seen);
                }
            }
            Transport::IcmpError { kind, code, about } => {
                if let Some(about) = about {
                    self.icmp_error(point, headers, (*kind, *code), about, at);
                }
            }
            Transport::Fragment { offset, length, last, .. } => {
                let key = fragments::Key::of(point, headers);
                let waiting = Waiting { offset: *offset, length: *length, last: *last, passage: headers.passage, frame, at };
                if let Some(first) = self.fragments.of(&key, waiting) {
                    self.later_fragment(&first, &waiting);
                }
            }
        }
        self.age(at);
    }

    /// Nothing more comes from this point. `incomplete`: why it does not hold everything.
    pub fn end(&mut self, point: u16, incomplete: Option<String>) {
        if let Some(point) = self.points.get_mut(usize::from(point)) {
            point.ended = true;
            point.told.incomplete = incomplete;
        }
    }

    /// What is told of a point, for what its file says beside its packets.
    pub fn told_of(&mut self, point: u16) -> Option<&mut TracePoint> {
        self.points.get_mut(usize::from(point)).map(|point| &mut point.told)
    }

    /// Everything that has come out since it was asked last: connections that are done with, and packets with their sightings.
    pub fn done(&mut self) -> (Vec<Traced>, Vec<Pairing>) {
        (std::mem::take(&mut self.traced), self.pairings.as_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Nothing more comes at all: concludes what is open. `done` gives the rest.
    pub fn finish(&mut self) -> TraceSummary {
        for point in &mut self.points {
            point.ended = true;
        }
        while let Some((slot, _)) = self.packets.oldest() {
            self.let_go(slot);
        }
        let mut open: Vec<(u64, u32)> =
            self.connections.numbers().into_iter().filter_map(|place| Some((self.connections.get(place)?.number, place))).collect();
        open.sort_unstable();
        for (_, place) in open {
            self.conclude(place);
        }
        let points: Vec<TracePoint> = self.points.iter().map(|point| point.told.clone()).collect();
        TraceSummary {
            connections: self.concluded,
            whole: if points.iter().any(|point| !point.not_read.is_empty()) { 0 } else { self.whole },
            points,
            let_go_early: self.early + self.fragments.left_out(),
        }
    }

    /// A packet with ports: finds its track, joins that with others, and notes the sighting.
    fn packet(&mut self, point: u16, headers: &Headers, protocol: u8, ports: (u16, u16), piece: &Piece, seen: Seen) {
        if protocol == 6 && !piece.like.is_stamped() && (piece.cut || !piece.flags.is_reset()) {
            self.packets.expect_unstamped();
        }
        let (source, destination): (End, End) = ((headers.source, ports.0), (headers.destination, ports.1));
        let (ends, upwards) = Ends::of(source, destination);
        let key = TrackKey { point, interface: headers.interface, enclosure: headers.enclosure, protocol, ends };
        let mut track = match self.by_key.get(&key) {
            Some(track) => *track,
            None => self.begin(key, source, destination, piece, seen.at),
        };
        if self.begins_anew(track, upwards, piece) {
            track = self.renew(track, source, destination, piece, seen.at);
        }
        track = self.join(track, upwards, piece, seen.at);
        self.note(track, upwards, headers.passage, piece, seen);
    }

    /// Notes a sighting on a track whose connection is settled.
    fn note(&mut self, track: u32, upwards: bool, passage: Passage, piece: &Piece, seen: Seen) {
        let Some((place, answer)) = self.direction(track, upwards) else { return };
        let spot = self.spot(track, answer, passage, upwards, seen.at);
        self.remark(place, answer, spot, piece, seen.at);
        self.place(place, answer, spot, *piece, seen);
        self.bound(place, seen.at);
    }

    /// What a packet tells of its connection as a whole.
    fn remark(&mut self, place: u32, answer: bool, spot: u16, piece: &Piece, at: i64) {
        let Some(open) = self.connections.get_mut(place) else { return };
        open.last_at = open.last_at.max(at);
        open.first_at = open.first_at.min(at);
        if let Some(spot) = open.spots.get_mut(usize::from(spot)) {
            spot.packets += 1;
            spot.bytes += u64::from(piece.length);
            if !piece.flags.is_reset() {
                spot.ttl = piece.ttl;
            }
            if piece.cut {
                open.noted.cut(spot.point);
            }
        }
        if piece.like.protocol != 6 {
            open.unnumbered += u64::from(piece.identification == 0);
            return;
        }
        let way = usize::from(answer);
        open.hear(answer, piece);
        if piece.flags.0 & Flags::SYN != 0 {
            match open.initial[way] {
                Some(initial) if initial != piece.like.start() => open.answers_differ = true,
                _ => open.initial[way] = Some(piece.like.start()),
            }
        }
        // A client that asks again after its reset (the answer was an old connection's) goes on: it has not ended.
        open.reset = (open.reset || piece.flags.is_reset()) && !piece.flags.is_syn();
        open.fins[way] |= piece.flags.is_fin();
        if piece.flags.0 & Flags::SYN == 0 {
            open.went_on[way].get_or_insert(at);
        }
    }

    /// Notes an ICMP error at the connection that it is about, when that was seen at the same place.
    fn icmp_error(&mut self, point: u16, headers: &Headers, (kind, code): (u8, u8), about: &Quoted, at: i64) {
        let (ends, _) = Ends::of((about.source, about.source_port), (about.destination, about.destination_port));
        let key = TrackKey { point, interface: headers.interface, enclosure: headers.enclosure, protocol: about.protocol, ends };
        let Some(track) = self.by_key.get(&key).and_then(|track| self.tracks.get(*track)) else { return };
        let name = self.points.get(usize::from(point)).map(|point| point.told.name.clone()).unwrap_or_default();
        if let Some(open) = self.connections.get_mut(track.connection)
            && open.errors.len() < MOST_TOLD
        {
            open.errors.push(SeenError { point: name, from: headers.source, kind, code, at });
        }
    }

    /// Remembers the first fragment of a packet, and takes those that came before it.
    fn first_fragment(&mut self, point: u16, headers: &Headers, piece: Piece, header: u32, seen: Seen) {
        let key = fragments::Key::of(point, headers);
        let first = fragments::First { piece, header, headers: Headers { at: seen.at, ..*headers }, point };
        for waiting in self.fragments.first(key, first, seen.at) {
            self.later_fragment(&first, &waiting);
        }
    }

    /// A fragment that is not the first, whose first one is known.
    fn later_fragment(&mut self, first: &fragments::First, waiting: &Waiting) {
        let (source_port, destination_port) = first.ports();
        let (ends, upwards) = Ends::of((first.headers.source, source_port), (first.headers.destination, destination_port));
        let protocol = first.piece.like.protocol;
        let key = TrackKey { point: first.point, interface: first.headers.interface, enclosure: first.headers.enclosure, protocol, ends };
        let Some(track) = self.by_key.get(&key).copied() else { return };
        let seen = Seen { frame: waiting.frame, at: waiting.at, begins: true, timed: true, ttl: first.headers.ttl };
        self.note(track, upwards, waiting.passage, &first.later(waiting), seen);
    }
}
