//! How far the points' clocks are apart, from packets that both have seen: what one point sees before it can have been sent is
//! by its clock, not by the road.

use std::collections::HashMap;

use super::piece::{Keys, Likeness, Piece};
use crate::model::headers::{Headers, Transport};

/// Packets that two points must have in common before their times are compared.
const FEWEST: usize = 3;
/// Clocks that are closer are taken as one when packets of one direction alone tell of them: a road may take that long.
const SLIGHT: i64 = 1_000_000_000;

/// How far each point's clock is ahead of the first one's, nanoseconds, from the first packets of each; 0 where they tell
/// nothing.
#[must_use]
pub fn ahead(points: &[Vec<Headers>]) -> Vec<i64> {
    let keys = Keys::new();
    let seen: Vec<HashMap<u64, Sighting>> = points.iter().map(|packets| sightings(packets, &keys)).collect();
    let mut known: Vec<Option<i64>> = vec![None; points.len()];
    for begin in 0..points.len() {
        // Points that have nothing in common with those before them begin a clock of their own.
        if known[begin].is_some() {
            continue;
        }
        known[begin] = Some(0);
        let mut reached = vec![begin];
        while let Some(one) = reached.pop() {
            for other in 0..points.len() {
                if known[other].is_none()
                    && let Some(apart) = apart(&seen[one], &seen[other])
                {
                    known[other] = known[one].map(|ahead| ahead.saturating_add(apart));
                    reached.push(other);
                }
            }
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// When a packet was first seen at a point, and whether it goes to the lower port.
#[derive(Clone, Copy)]
struct Sighting {
    at: i64,
    down: bool,
    /// Seen more than once: it tells nothing.
    several: bool,
}

fn sightings(packets: &[Headers], keys: &Keys) -> HashMap<u64, Sighting> {
    let mut seen = HashMap::new();
    for headers in packets {
        let Some((like, down)) = likeness(headers) else { continue };
        seen.entry(like.signature(keys)).and_modify(|seen: &mut Sighting| seen.several = true).or_insert(Sighting {
            at: headers.at,
            down,
            several: false,
        });
    }
    seen
}

fn likeness(headers: &Headers) -> Option<(Likeness, bool)> {
    match &headers.transport {
        Transport::Tcp(tcp) => Some((Piece::tcp(tcp, headers).like, tcp.source_port > tcp.destination_port)),
        Transport::Datagram(datagram) if headers.identification != 0 => {
            Some((Piece::datagram(datagram, headers).like, datagram.source_port > datagram.destination_port))
        }
        _ => None,
    }
}

/// How far the second clock is ahead of the first. A packet's way adds to the difference in one direction and is taken from it
/// in the other, so clocks that agree show differences of both signs.
fn apart(one: &HashMap<u64, Sighting>, other: &HashMap<u64, Sighting>) -> Option<i64> {
    let mut differences: [Vec<i64>; 2] = [Vec::new(), Vec::new()];
    for (signature, seen) in one.iter().filter(|(_, seen)| !seen.several) {
        if let Some(there) = other.get(signature).filter(|there| !there.several) {
            differences[usize::from(seen.down)].push(there.at.saturating_sub(seen.at));
        }
    }
    if differences.iter().map(Vec::len).sum::<usize>() < FEWEST {
        return None;
    }
    match differences.map(median) {
        [Some(up), Some(down)] if up.signum() == down.signum() => Some(i64::midpoint(up, down)),
        [Some(way), None] | [None, Some(way)] if way.saturating_abs() > SLIGHT => Some(way),
        _ => Some(0),
    }
}

fn median(mut numbers: Vec<i64>) -> Option<i64> {
    let middle = numbers.len() / 2;
    numbers.sort_unstable();
    numbers.get(middle).copied()
}
