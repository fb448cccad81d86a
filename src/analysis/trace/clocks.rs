//! How far the points' clocks are apart, from packets that both have seen: what one point sees before it can have been sent is
//! by its clock, not by the road.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use super::piece::{Keys, Likeness, Piece};
use crate::model::headers::{Headers, Transport};

/// Packets that two points must have in common before their times are compared.
const FEWEST: usize = 3;
/// Clocks that are closer are taken as one when packets of one direction alone tell of them: a road may take that long.
const SLIGHT: i64 = 1_000_000_000;

/// How far a point's clock is ahead of the first one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Nanoseconds; 0 where packets tell nothing.
    pub nanoseconds: i64,
    /// Whether packets of one direction alone tell it: then it is the road's time too, and nobody knows how much of it.
    pub one_way: bool,
}

/// How far each point's clock is ahead of the first one's, from the first packets of each.
#[must_use]
pub fn ahead(points: &[Vec<Headers>]) -> Vec<Ahead> {
    let keys = Keys::new();
    let seen: Vec<Seen> = points.iter().map(|packets| Seen::of(packets, &keys)).collect();
    let mut known: Vec<Option<Ahead>> = vec![None; points.len()];
    for begin in 0..points.len() {
        // Points that have nothing in common with those before them begin a clock of their own.
        if known[begin].is_some() {
            continue;
        }
        known[begin] = Some(Ahead::default());
        let mut reached = vec![begin];
        // Packets of both directions tell more than those of one: what these alone tell waits until all else is said.
        let mut weak: VecDeque<(usize, Ahead)> = VecDeque::new();
        loop {
            while let Some(one) = reached.pop() {
                let Some(own) = known[one] else { continue };
                for other in 0..points.len() {
                    if known[other].is_none()
                        && let Some((apart, both_ways)) = apart(&seen[one], &seen[other])
                    {
                        let nanoseconds = own.nanoseconds.saturating_add(apart.nanoseconds);
                        let ahead = Ahead { nanoseconds, one_way: own.one_way || apart.one_way };
                        if both_ways {
                            known[other] = Some(ahead);
                            reached.push(other);
                        } else {
                            weak.push_back((other, ahead));
                        }
                    }
                }
            }
            let Some((other, ahead)) = weak.pop_front() else { break };
            if known[other].is_none() {
                known[other] = Some(ahead);
                reached.push(other);
            }
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// When a packet was first seen at a point, between which addresses, and which way.
#[derive(Clone, Copy)]
struct Sighting {
    at: i64,
    /// The addresses in their own order, whichever way it goes.
    between: (IpAddr, IpAddr),
    up: bool,
    /// Seen more than once: it tells nothing.
    several: bool,
}

/// What a point has seen, by signature: with timestamps, and without, where these were cut at one place or taken off on the way.
struct Seen {
    stamped: HashMap<u64, Sighting>,
    unstamped: HashMap<u64, Sighting>,
}

impl Seen {
    fn of(packets: &[Headers], keys: &Keys) -> Self {
        let unstamped = |like: Likeness| like.unstamped().unwrap_or(like);
        Self { stamped: sightings(packets, keys, |like| like), unstamped: sightings(packets, keys, unstamped) }
    }
}

fn sightings(packets: &[Headers], keys: &Keys, known_by: impl Fn(Likeness) -> Likeness) -> HashMap<u64, Sighting> {
    let mut seen = HashMap::new();
    for headers in packets.iter().filter(|headers| headers.timed) {
        let Some(like) = likeness(headers).map(&known_by) else { continue };
        let (source, destination) = (headers.source, headers.destination);
        let up = source < destination;
        let between = if up { (source, destination) } else { (destination, source) };
        let sighting = Sighting { at: headers.at, between, up, several: false };
        seen.entry(like.signature(keys)).and_modify(|seen: &mut Sighting| seen.several = true).or_insert(sighting);
    }
    seen
}

fn likeness(headers: &Headers) -> Option<Likeness> {
    match &headers.transport {
        Transport::Tcp(tcp) => Some(Piece::tcp(tcp, headers).like),
        Transport::Datagram(datagram) if headers.identification != 0 => Some(Piece::datagram(datagram, headers).like),
        _ => None,
    }
}

/// How far the second clock is ahead of the first. A packet's way adds to the difference in one direction and is taken from it in the other, so
/// that both together tell the clock from the road. Which way a packet goes between two points its addresses alone do not say; that packets
/// between the same two go opposite ways they do. Gives whether packets of both directions tell it, too.
fn apart(one: &Seen, other: &Seen) -> Option<(Ahead, bool)> {
    by(&one.stamped, &other.stamped).or_else(|| by(&one.unstamped, &other.unstamped))
}

fn by(one: &HashMap<u64, Sighting>, other: &HashMap<u64, Sighting>) -> Option<(Ahead, bool)> {
    let mut differences: BTreeMap<(IpAddr, IpAddr), [Vec<i64>; 2]> = BTreeMap::new();
    let mut all = Vec::new();
    for (signature, seen) in one.iter().filter(|(_, seen)| !seen.several) {
        if let Some(there) = other.get(signature).filter(|there| !there.several) {
            let difference = there.at.saturating_sub(seen.at);
            differences.entry(seen.between).or_default()[usize::from(seen.up)].push(difference);
            all.push(difference);
        }
    }
    if all.len() < FEWEST {
        return None;
    }
    let both = differences.into_values().filter_map(|ways| {
        let [one, other] = ways.map(median);
        let (one, other) = (one?, other?);
        Some((i64::midpoint(one, other), one.saturating_sub(other).saturating_abs() / 2))
    });
    let (clocks, roads): (Vec<i64>, Vec<i64>) = both.unzip();
    if let (Some(clock), Some(road)) = (median(clocks), median(roads)) {
        // What the roads there and back may take is no sign of the clock.
        return Some((Ahead { nanoseconds: if clock.saturating_abs() > road { clock } else { 0 }, one_way: false }, true));
    }
    let way = median(all).filter(|way| way.saturating_abs() > SLIGHT);
    Some((Ahead { nanoseconds: way.unwrap_or(0), one_way: way.is_some() }, false))
}

fn median(mut numbers: Vec<i64>) -> Option<i64> {
    let middle = numbers.len() / 2;
    numbers.sort_unstable();
    numbers.get(middle).copied()
}
