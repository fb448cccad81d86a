//! Traffic that is made up with known truth: what each point sees of each packet, and which sightings are one packet's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::trace::{Bounds, Joiner};
use crate::model::headers::{DatagramHeaders, Enclosure, Headers, Rest, TcpHeaders, Transport};
use crate::model::packet::{Flags, Passage};
use crate::model::trace::{Paired, TraceSummary, Traced};

pub(super) const MS: i64 = 1_000_000;

/// A place of a road, as packets pass it on their way from the client to the server.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) point: u16,
    pub(super) interface: u32,
    pub(super) passage: Passage,
    pub(super) enclosure: Enclosure,
    pub(super) client: (IpAddr, u16),
    pub(super) server: (IpAddr, u16),
    /// The largest segment that passes here uncut.
    pub(super) largest: u32,
    /// What is done to packets before they come here, and how many bytes of a frame its capture keeps of TCP's options.
    pub(super) done: Done,
    pub(super) ttl: u8,
}

impl Stop {
    pub(super) fn new(point: u16, client: &str, server: &str) -> Self {
        let end = |text: &str| text.parse::<std::net::SocketAddr>().map(|end| (end.ip(), end.port())).unwrap();
        Self {
            point,
            interface: 0,
            passage: Passage::In,
            enclosure: Enclosure::default(),
            client: end(client),
            server: end(server),
            largest: u32::MAX,
            done: Done::Nothing,
            ttl: 64,
        }
    }
}

/// What a place of the road does, or its capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Nothing,
    /// The capture ends within TCP's options.
    Cut,
    /// Timestamps are taken off.
    Stripped,
    /// Identifications are new.
    Renumbered,
}

/// A TCP packet as its sender made it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) answer: bool,
    pub(super) flags: u8,
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    pub(super) length: u32,
    pub(super) stamps: Option<(u32, u32)>,
    pub(super) identification: u16,
    /// How many places of the road it passes; all when it is more than there are.
    pub(super) passes: usize,
}

impl Sent {
    pub(super) fn request(flags: u8, sequence: u32, acknowledgement: u32, length: u32) -> Self {
        Self { flags, sequence, acknowledgement, length, passes: usize::MAX, ..Self::default() }
    }

    pub(super) fn answer(flags: u8, sequence: u32, acknowledgement: u32, length: u32) -> Self {
        Self { answer: true, ..Self::request(flags, sequence, acknowledgement, length) }
    }
}

/// Packets at points, with the truth.
#[derive(Default)]
pub(super) struct Traffic {
    /// Point, headers, which packet it was, and the bytes of it.
    packets: Vec<(u16, Headers, usize, u32, u32)>,
    sent: usize,
    /// What the further fragments of the next sightings are known by.
    pub(super) rest: Option<Rest>,
}

/// A point and a frame.
type Place = (u16, u64);

/// What came of it.
pub(super) struct Joined {
    pub(super) traced: Vec<Traced>,
    pub(super) summary: TraceSummary,
    /// Pairs of sightings, each a point and a frame.
    pub(super) pairs: BTreeSet<(Place, Place)>,
    pub(super) truth: BTreeSet<(Place, Place)>,
}

impl Joined {
    /// Everything that is there to pair is paired, and nothing else.
    pub(super) fn assert_true(&self) {
        let missing: Vec<_> = self.truth.difference(&self.pairs).take(5).collect();
        let wrong: Vec<_> = self.pairs.difference(&self.truth).take(5).collect();
        assert!(missing.is_empty() && wrong.is_empty(), "not paired: {missing:?}, wrongly paired: {wrong:?}");
    }
}

impl Traffic {
    /// Sends a packet along a road; it takes `delay` from each place to the next.
    pub(super) fn send(&mut self, road: &[Stop], at: i64, delay: i64, sent: Sent) {
        self.sent += 1;
        let places: Vec<&Stop> = if sent.answer { road.iter().rev().collect() } else { road.iter().collect() };
        for (turn, stop) in (0_i64..).zip(places.into_iter().take(sent.passes)) {
            let mut from = 0_u32;
            loop {
                let to = sent.length.min(from.saturating_add(stop.largest));
                self.put(stop, at + turn * delay + i64::from(from), &sent, from, to);
                from = to;
                if from >= sent.length {
                    break;
                }
            }
        }
    }

    fn put(&mut self, stop: &Stop, at: i64, sent: &Sent, from: u32, to: u32) {
        let (source, destination) = if sent.answer { (stop.server, stop.client) } else { (stop.client, stop.server) };
        let last = to == sent.length;
        let flags = if last { sent.flags } else { sent.flags & !(8 | Flags::FIN) };
        let piece = u16::try_from(from / stop.largest.max(1)).unwrap();
        let tcp = TcpHeaders {
            source_port: source.1,
            destination_port: destination.1,
            sequence: sent.sequence.wrapping_add(from),
            acknowledgement: sent.acknowledgement,
            flags: Flags(flags),
            timestamps: if matches!(stop.done, Done::Cut | Done::Stripped) { None } else { sent.stamps },
            length: to - from,
            header_length: 32,
            print: if stop.done == Done::Cut { 5 } else { 77 + u32::from(from > 0) },
            fragmented: false,
            cut_at: (stop.done == Done::Cut).then_some(68),
        };
        let identification = if sent.identification == 0 { 0 } else { u32::from(sent.identification.wrapping_add(piece)) };
        let identification = if stop.done == Done::Renumbered { identification.wrapping_mul(0x9e37) & 0xffff } else { identification };
        self.raw(stop, at, source.0, destination.0, identification, Transport::Tcp(tcp), (from, to.max(from + 1)));
    }

    /// A sighting of the packet that was sent last.
    #[expect(clippy::too_many_arguments, reason = "the parts of a packet")]
    pub(super) fn raw(
        &mut self,
        stop: &Stop,
        at: i64,
        source: IpAddr,
        destination: IpAddr,
        identification: u32,
        transport: Transport,
        (from, to): (u32, u32),
    ) {
        let headers = Headers {
            at,
            interface: stop.interface,
            passage: stop.passage,
            enclosure: stop.enclosure,
            source,
            destination,
            identification,
            ttl: stop.ttl,
            timed: true,
            rest: self.rest,
            transport,
        };
        self.packets.push((stop.point, headers, self.sent, from, to));
    }

    /// Sends a datagram along a road.
    pub(super) fn datagram(&mut self, road: &[Stop], at: i64, answer: bool, identification: u32, payload: u32) {
        self.sent += 1;
        let places: Vec<&Stop> = if answer { road.iter().rev().collect() } else { road.iter().collect() };
        for (turn, stop) in (0_i64..).zip(places) {
            let (source, destination) = if answer { (stop.server, stop.client) } else { (stop.client, stop.server) };
            let datagram = udp(source.1, destination.1, payload);
            self.raw(stop, at + turn * MS / 4, source.0, destination.0, identification, Transport::Datagram(datagram), (0, 1));
        }
    }

    /// The next sightings are of another packet.
    pub(super) fn another(&mut self) {
        self.sent += 1;
    }

    /// What each point has seen, by a clock that is so far ahead.
    pub(super) fn by_point(&self, points: u16, ahead: &[i64]) -> Vec<Vec<Headers>> {
        let of = |point: u16| self.packets.iter().filter(move |packet| packet.0 == point).map(|packet| packet.1);
        (0..points)
            .map(|point| of(point).map(|headers| Headers { at: headers.at + ahead[usize::from(point)], ..headers }).collect())
            .collect()
    }

    /// Sets the clock of a point ahead.
    pub(super) fn shift(&mut self, point: u16, ahead: i64) {
        for packet in self.packets.iter_mut().filter(|packet| packet.0 == point) {
            packet.1.at += ahead;
        }
    }

    /// Joins everything in the order of time.
    pub(super) fn join(mut self, points: &[&str], ahead: &[i64]) -> Joined {
        let ahead = |point: u16| ahead.get(usize::from(point)).copied().unwrap_or(0);
        self.packets.sort_by_key(|(point, headers, ..)| headers.at - ahead(*point));
        let mut joiner = Joiner::new(Bounds::default(), true);
        for (number, name) in (0_u16..).zip(points) {
            joiner.point(name, true, ahead(number));
        }
        let mut frames = vec![0_u64; points.len()];
        let mut sightings: Vec<Vec<(Place, u32, u32)>> = vec![Vec::new(); self.sent + 1];
        for (point, headers, sent, from, to) in &self.packets {
            frames[usize::from(*point)] += 1;
            joiner.take(*point, frames[usize::from(*point)], headers);
            sightings[*sent].push(((*point, frames[usize::from(*point)]), *from, *to));
        }
        let summary = joiner.finish();
        let (traced, pairings) = joiner.done();
        let truth = sightings.iter().flat_map(|seen| two_of(seen)).filter(|(a, b)| a.1 < b.2 && b.1 < a.2).map(|(a, b)| ordered(a.0, b.0));
        let together = |a: &Paired, b: &Paired| match (a.part, b.part) {
            (Some(a), Some(b)) => a.0 < b.1 && b.0 < a.1,
            _ => true,
        };
        let pairs = pairings.iter().flat_map(|pairing| two_of(&pairing.seen)).filter(|(a, b)| together(a, b));
        let pairs = pairs.map(|(a, b)| ordered((a.point, a.frame), (b.point, b.frame))).filter(|(a, b)| a.0 != b.0);
        Joined { traced, summary, pairs: pairs.collect(), truth: truth.filter(|(a, b)| a.0 != b.0).collect() }
    }
}

pub(super) fn udp(source_port: u16, destination_port: u16, payload: u32) -> DatagramHeaders {
    DatagramHeaders {
        protocol: 17,
        source_port,
        destination_port,
        start_hash: payload,
        whole_hash: Some(payload),
        hashed: 24,
        carried: 108,
        whole: Some(108),
        fragmented: false,
        hidden: None,
    }
}

fn two_of<T: Copy>(things: &[T]) -> Vec<(T, T)> {
    things.iter().enumerate().flat_map(|(at, one)| things.iter().skip(at + 1).map(move |other| (*one, *other))).collect()
}

fn ordered(a: Place, b: Place) -> (Place, Place) {
    if a <= b { (a, b) } else { (b, a) }
}
