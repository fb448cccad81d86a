//! What is known of each open connection: the tracks that its packets take through the capture points, and counts. All of it
//! is bounded, however long the connection lives.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use super::notes::Noted;
use super::packets::NONE;
use crate::model::headers::Enclosure;
use crate::model::packet::{Flags, Passage};
use crate::model::trace::{MissingPacket, SeenError, TraceEnd};

/// Spots of one connection: more is a loop, whose further turns are counted and not told apart.
pub(super) const MOST_SPOTS: usize = 256;
/// Tracks of one connection: more places with ends of their own are not joined with it.
pub(super) const MOST_TRACKS: usize = 128;
/// Missing packets and errors that are told one by one.
pub(super) const MOST_TOLD: usize = 5;

/// An address with its port.
pub(super) type End = (IpAddr, u16);

/// Both ends of a connection as one place's packets carry them, whichever way they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) low: End,
    pub(super) high: End,
}

impl Ends {
    /// The ends, and whether a packet from `source` to `destination` goes from the low end to the high one.
    pub(super) fn of(source: End, destination: End) -> (Self, bool) {
        if source <= destination {
            (Self { low: source, high: destination }, true)
        } else {
            (Self { low: destination, high: source }, false)
        }
    }

    /// How much of it another place's packets carry too: 2 both ends, 1 one end, 0 nothing.
    pub(super) fn shared(&self, other: &Self) -> u8 {
        if self == other { 2 } else { u8::from([self.low, self.high].iter().any(|end| *end == other.low || *end == other.high)) }
    }
}

/// Where packets of one connection are expected: an interface of a point, what they are wrapped in, and their ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrackKey {
    pub(super) point: u16,
    pub(super) interface: u32,
    pub(super) enclosure: Enclosure,
    pub(super) protocol: u8,
    pub(super) ends: Ends,
}

impl Hash for TrackKey {
    /// As few words as tell keys apart: this is asked for every packet.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (address, port) in [self.ends.low, self.ends.high] {
            match address {
                IpAddr::V4(address) => state.write_u64(u64::from(address.to_bits()) << 16 | u64::from(port)),
                IpAddr::V6(address) => {
                    let [first, second] = [address.to_bits() >> 64, address.to_bits() & u128::from(u64::MAX)];
                    state.write_u64(u64::try_from(first).unwrap_or(0));
                    state.write_u64(u64::try_from(second).unwrap_or(0) ^ u64::from(port).rotate_left(48));
                }
            }
        }
        state.write_u64(u64::from(self.interface) << 32 | u64::from(self.point) << 8 | u64::from(self.protocol));
        state.write_u64(u64::from(self.enclosure.network) << 16 | u64::from(self.enclosure.vlan));
    }
}

/// A track that is in use.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) key: TrackKey,
    pub(super) connection: u32,
    pub(super) low_is_client: bool,
    /// The spots by direction and passage.
    pub(super) spots: [[u16; 3]; 2],
}

/// No spot, where a number stands for one.
pub(super) const NO_SPOT: u16 = u16::MAX;

pub(super) fn passage_number(passage: Passage) -> usize {
    match passage {
        Passage::In => 0,
        Passage::Out => 1,
        Passage::Other => 2,
    }
}

/// Where packets of one direction pass: a track, a direction, and the way through the interface.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) point: u16,
    pub(super) interface: u32,
    pub(super) enclosure: Enclosure,
    pub(super) passage: Passage,
    pub(super) answer: bool,
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) first_at: i64,
    pub(super) again: u64,
    /// The time to live of the packets that are no resets, 0 while none was seen.
    pub(super) ttl: u8,
    /// Whether its track has packets of the other direction too; and packets of that direction that should have come here.
    pub(super) both_ways: bool,
    pub(super) one_way: u64,
    pub(super) missing: u64,
    pub(super) not_captured: u64,
    /// After the first spot of its direction.
    pub(super) delay: Delay,
    /// How long after a packet's first sighting it comes here.
    pub(super) usual: Usual,
    /// The packet that was seen last, which its next piece may belong to.
    pub(super) cursor: (u32, u32),
}

/// Times between two spots.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delay {
    count: i64,
    sum: i64,
    least: i64,
    most: i64,
}

impl Delay {
    pub(super) fn take(&mut self, nanoseconds: i64) {
        if self.count == 0 {
            (self.least, self.most) = (nanoseconds, nanoseconds);
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(nanoseconds);
        self.least = self.least.min(nanoseconds);
        self.most = self.most.max(nanoseconds);
    }

    pub(super) fn mean(&self) -> Option<i64> {
        self.sum.checked_div(self.count)
    }

    /// Mean, least and most.
    pub(super) fn told(&self) -> Option<(i64, i64, i64)> {
        self.mean().map(|mean| (mean, self.least, self.most))
    }
}

/// The latest packet of one direction, and its latest sighting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    pub(super) spot: u16,
    pub(super) at: i64,
    pub(super) first_at: i64,
    pub(super) flags: Flags,
    pub(super) length: u32,
}

/// What a time usually is, and how far it strays from that: nanoseconds, the latest ones counting most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual {
    known: Option<(i64, i64)>,
}

impl Usual {
    /// Times closer to the usual one than this are as usual. Systems do not repeat what was lost so soon.
    const SLIGHT: i64 = 2_000_000;

    pub(super) fn take(&mut self, nanoseconds: i64) {
        let (mean, stray) = self.known.unwrap_or((nanoseconds, 0));
        let apart = nanoseconds.saturating_sub(mean);
        self.known = Some((mean.saturating_add(apart / 8), stray + (apart.saturating_abs() - stray) / 8));
    }

    /// How far a time is from the usual one; `None` when it is as usual.
    pub(super) fn strays(&self, nanoseconds: i64) -> Option<i64> {
        let Some((mean, stray)) = self.known else { return Some(nanoseconds.saturating_abs()) };
        let apart = nanoseconds.saturating_sub(mean).saturating_abs();
        (apart > stray.saturating_mul(4).max(Self::SLIGHT)).then_some(apart)
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) number: u64,
    pub(super) protocol: u8,
    /// Tells it from an earlier one in the same place of the store.
    pub(super) generation: u32,
    /// The first sequence numbers of the client and of the server, once they were seen.
    pub(super) initial: [Option<u32>; 2],
    pub(super) tracks: Vec<u32>,
    pub(super) spots: Vec<Spot>,
    /// Its held packets by direction: how many, the oldest and the newest.
    pub(super) held: u32,
    pub(super) oldest: [u32; 2],
    pub(super) newest: [u32; 2],
    /// How far each direction's payload has come, in TCP's numbers.
    pub(super) reached: [Option<u32>; 2],
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) fins: [bool; 2],
    /// When each end first sent what is no SYN: it had heard of the other.
    pub(super) went_on: [Option<i64>; 2],
    pub(super) reset: bool,
    /// Joined packets with the same identification on both sides, and with another: whether the road leaves them alone.
    pub(super) identified: [u64; 2],
    /// What each direction acknowledges of the other, and where that begins by what was seen, in TCP's numbers.
    pub(super) acknowledged: [Option<u32>; 2],
    pub(super) beginning: [Option<u32>; 2],
    /// Packets that a spot of the other direction is behind, and that were seen nowhere there: the first few of them.
    pub(super) one_way: Vec<MissingPacket>,
    /// Points that have packets with its numbers which are not joined with it.
    pub(super) resembled: u128,
    /// What is to be known beside what is told.
    pub(super) noted: Noted,
    /// Its answers begin with different numbers at different places: somebody between answers for the server.
    pub(super) answers_differ: bool,
    /// Packets whose counterpart could have been either of several connections' packets.
    pub(super) ambiguous: u64,
    /// Packets that were not seen everywhere, and of which not everything was looked at that they may have been joined with.
    pub(super) crowded: u64,
    /// Packets at spots beyond those that are told apart, and at places that were not joined because there were too many.
    pub(super) not_placed: u64,
    pub(super) apart: u64,
    /// Datagrams that carry nothing to know them again by.
    pub(super) unnumbered: u64,
    pub(super) packets: u64,
    pub(super) retransmitted: u64,
    pub(super) latest: [Option<Latest>; 2],
    pub(super) missing: Vec<MissingPacket>,
    pub(super) errors: Vec<SeenError>,
}

impl Open {
    pub(super) fn new(number: u64, protocol: u8, at: i64) -> Self {
        Self {
            number,
            protocol,
            generation: 0,
            initial: [None; 2],
            tracks: Vec::with_capacity(2),
            spots: Vec::with_capacity(4),
            held: 0,
            oldest: [NONE; 2],
            newest: [NONE; 2],
            reached: [None; 2],
            first_at: at,
            last_at: at,
            fins: [false; 2],
            went_on: [None; 2],
            reset: false,
            identified: [0; 2],
            acknowledged: [None; 2],
            beginning: [None; 2],
            one_way: Vec::new(),
            resembled: 0,
            noted: Noted::default(),
            answers_differ: false,
            ambiguous: 0,
            crowded: 0,
            not_placed: 0,
            apart: 0,
            unnumbered: 0,
            packets: 0,
            retransmitted: 0,
            latest: [None; 2],
            missing: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Whether the road leaves identifications alone, as far as was seen.
    pub(super) fn keeps_identification(&self) -> bool {
        self.identified[0] > self.identified[1]
    }

    /// Whether something on the road gives packets new identifications.
    pub(super) fn renumbers(&self) -> bool {
        self.identified[1] > self.identified[0]
    }

    /// Whether this is another time to live than that of all that came to a spot but resets.
    pub(super) fn is_foreign(&self, spot: u16, ttl: u8) -> bool {
        let usual = self.spots.get(usize::from(spot)).map_or(0, |spot| spot.ttl);
        usual != 0 && ttl != 0 && usual != ttl
    }

    pub(super) fn end(&self) -> TraceEnd {
        if self.protocol != 6 {
            TraceEnd::Datagrams
        } else if self.reset {
            TraceEnd::Reset
        } else if self.fins == [true; 2] {
            TraceEnd::Closed
        } else {
            TraceEnd::Open
        }
    }

    /// Whether nothing more is to be expected of it.
    pub(super) fn ended(&self) -> bool {
        matches!(self.end(), TraceEnd::Reset | TraceEnd::Closed)
    }

    /// Whether both cannot be one connection: they began with different numbers. `turned` says that what is the client in one
    /// is the server in the other.
    pub(super) fn contradicts(&self, other: &Self, turned: bool) -> bool {
        let theirs = if turned { [other.initial[1], other.initial[0]] } else { other.initial };
        self.protocol != other.protocol
            || self.initial.iter().zip(theirs).any(|(own, their)| own.is_some_and(|own| their.is_some_and(|their| own != their)))
    }

    /// Whether it began at a place when the other had been answered there, and its client had gone on: then it is another connection, whatever
    /// numbers its client chose. Translation sends a packet on before there is an answer, and a client asks again until it has one.
    /// `now`: the place and time of a SYN of it that is not noted yet.
    pub(super) fn follows(&self, other: &Self, turned: bool, now: Option<(u16, i64)>) -> bool {
        if self.protocol != 6 || (self.initial[0].is_none() && now.is_none()) || other.initial[usize::from(turned)].is_none() {
            return false;
        }
        let first = |open: &Self, point: u16, answer: bool| {
            let spots = open.spots.iter().filter(|spot| spot.point == point && spot.answer == answer && spot.packets > 0);
            spots.map(|spot| spot.first_at).min()
        };
        let noted = self.spots.iter().filter_map(|spot| Some((spot.point, first(self, spot.point, false)?)));
        let Some(went_on) = other.went_on[usize::from(turned)] else { return false };
        noted.chain(now).any(|(point, began)| began > went_on && first(other, point, !turned).is_some_and(|answered| began > answered))
    }

    /// Whether its packets were seen at this point.
    pub(super) fn passed(&self, point: u16) -> bool {
        self.spots.iter().any(|spot| spot.point == point)
    }
}

/// Things by number, with numbers used again.
#[derive(Debug)]
pub(super) struct Store<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Store<T> {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(super) fn add(&mut self, thing: T) -> u32 {
        if let Some(number) = self.free.pop() {
            if let Some(place) = self.places.get_mut(number as usize) {
                *place = Some(thing);
            }
            return number;
        }
        self.places.push(Some(thing));
        u32::try_from(self.places.len() - 1).unwrap_or(NONE)
    }

    pub(super) fn take(&mut self, number: u32) -> Option<T> {
        let thing = self.places.get_mut(number as usize)?.take();
        if thing.is_some() {
            self.free.push(number);
        }
        thing
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.places.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.places.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The numbers that are in use.
    pub(super) fn numbers(&self) -> Vec<u32> {
        (0_u32..).zip(&self.places).filter(|(_, place)| place.is_some()).map(|(number, _)| number).collect()
    }
}
