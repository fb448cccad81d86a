//! Notes sightings of packets, and settles what became of a packet when nothing more is to be seen of it.

use super::absent::{missing, watched};
use super::choice::{Choice, Looked};
use super::connections::{Latest, MOST_TOLD, NO_SPOT, Open, Spot};
use super::notes::Reset;
use super::packets::{Held, MOST_SIGHTINGS, NONE, Sighting};
use super::piece::{Piece, before};
use super::point::Point;
use super::{Joiner, Seen, one_way};
use crate::model::trace::{Paired, Pairing};

impl Joiner {
    /// Notes a sighting at the packets that it shows, and holds what was not seen before.
    pub(super) fn place(&mut self, place: u32, answer: bool, spot: u16, mut piece: Piece, mut seen: Seen) {
        if spot == NO_SPOT {
            if let Some(open) = self.connections.get_mut(place) {
                open.not_placed += 1;
            }
            return;
        }
        loop {
            let (slot, from, length) = match self.choose(place, answer, spot, &piece, seen.at) {
                Choice::Again => {
                    if let Some(spot) = self.connections.get_mut(place).and_then(|open| open.spots.get_mut(usize::from(spot))) {
                        spot.again += 1;
                    }
                    return;
                }
                Choice::Held(slot, from) => {
                    self.compare(place, slot, from, spot, &piece);
                    let Some(held) = self.packets.get_mut(slot) else { return };
                    let (from, to) = held.take(&piece, spot, from, seen);
                    let after = seen.at.saturating_sub(held.first_at);
                    if let Some(open) = self.connections.get_mut(place)
                        && let Some(spot) = open.spots.get_mut(usize::from(spot)).filter(|_| from == 0 && seen.timed)
                    {
                        spot.usual.take(after);
                    }
                    (slot, from, to - from)
                }
                Choice::New(free, looked) => {
                    let length = free.min(piece.length);
                    let slot = self.hold(place, answer, spot, &Piece { length, ..piece }, seen);
                    if let Some(held) = self.packets.get_mut(slot) {
                        held.crowded |= looked == Looked::AtSome;
                    }
                    (slot, 0, length)
                }
            };
            self.advance(place, answer, spot, slot, from == 0);
            if !piece.like.is_stretch() || length >= piece.length || length == 0 {
                return;
            }
            piece = piece.behind(length);
            seen.begins = false;
        }
    }

    /// Holds a packet of which this is the first sighting.
    fn hold(&mut self, place: u32, answer: bool, spot: u16, piece: &Piece, seen: Seen) -> u32 {
        let whole = if piece.like.is_stretch() { piece.length } else { piece.whole.unwrap_or(0).max(piece.offset + piece.length) };
        let slot = self.packets.hold(piece, whole, place, answer, seen.at);
        let way = usize::from(answer);
        let mut newest = NONE;
        if let Some(open) = self.connections.get_mut(place) {
            newest = std::mem::replace(&mut open.newest[way], slot);
            if newest == NONE {
                open.oldest[way] = slot;
            }
            open.held += 1;
            open.packets += 1;
            if piece.like.is_stretch() {
                let end = piece.like.start().wrapping_add(piece.length);
                match open.reached[way] {
                    Some(reached) if !before(reached, end) => open.retransmitted += 1,
                    _ => open.reached[way] = Some(end),
                }
            } else if piece.flags.is_syn() && open.reached[way].is_none() {
                open.reached[way] = Some(piece.like.start().wrapping_add(1));
            } else if piece.flags.is_syn() {
                open.retransmitted += 1;
            }
        }
        if let Some(older) = self.packets.get_mut(newest).filter(|_| newest != NONE) {
            older.newer = slot;
        }
        if let Some(held) = self.packets.get_mut(slot) {
            held.older = newest;
            let (from, to) = (piece.offset, piece.offset + piece.length);
            held.sightings.push(seen.of(spot, from, to));
        }
        slot
    }

    /// The spot has come to this packet.
    fn advance(&mut self, place: u32, answer: bool, spot: u16, slot: u32, begins: bool) {
        let Some(held) = self.packets.get(slot) else { return };
        let Some(open) = self.connections.get_mut(place) else { return };
        if let Some(spot) = open.spots.get_mut(usize::from(spot)) {
            spot.cursor = (slot, held.generation);
        }
        let Some(seen) = held.sightings.last().filter(|_| begins) else { return };
        let latest = &mut open.latest[usize::from(answer)];
        if latest.is_none_or(|latest| (held.first_at, seen.at) >= (latest.first_at, latest.at)) {
            *latest = Some(Latest { spot, at: seen.at, first_at: held.first_at, flags: held.flags, length: held.length });
        }
    }

    /// As `let_go`, before its time. What did not even wait as long as packets take that are seen everywhere is nowhere missing.
    pub(super) fn let_go_early(&mut self, slot: u32, now: i64) {
        self.early += 1;
        if let Some(held) = self.packets.get_mut(slot) {
            held.crowded |= now.saturating_sub(held.first_at) <= self.bounds.seen_everywhere;
        }
        self.let_go(slot);
    }

    /// Settles a packet: which spots of its connection have seen it, and which have not.
    pub(super) fn let_go(&mut self, slot: u32) {
        let crowded = self.packets.is_crowded(slot);
        let Some(held) = self.packets.get(slot) else { return };
        let place = held.connection;
        if let Some(open) = self.connections.get_mut(place) {
            settle(open, held, crowded, &mut self.points);
            if let Some(pairings) = &mut self.pairings {
                let paired = |seen: &Sighting| {
                    let part = Some((seen.from, seen.to)).filter(|part| *part != (0, held.length));
                    Some(Paired { point: open.spots.get(usize::from(seen.spot))?.point, frame: seen.frame, part })
                };
                pairings.push(Pairing { connection: open.number, seen: held.sightings.iter().filter_map(paired).collect() });
            }
        }
        self.untie(slot);
        self.packets.let_go(slot);
        if let Some(open) = self.connections.get(place).filter(|open| open.held == 0) {
            if open.ended() {
                self.conclude(place);
            } else {
                self.idle.push_back((place, open.generation, open.last_at));
            }
        }
    }

    /// Whether every point has seen a packet, and all of it wherever its connection passes: nothing more is to be seen of it.
    pub(super) fn seen_everywhere(&self, slot: u32) -> bool {
        let Some(held) = self.packets.get(slot) else { return true };
        let Some(open) = self.connections.get(held.connection) else { return true };
        let mut points = 0;
        for (number, spot) in (0_u16..).zip(&open.spots).filter(|(_, spot)| spot.answer == held.answer) {
            if held.covered(number).is_none_or(|covered| covered < held.length) {
                return false;
            }
            points |= 1_u128.checked_shl(u32::from(spot.point)).unwrap_or(0);
        }
        points.count_ones() as usize >= self.points.len()
    }

    /// Takes a packet out of its connection's row.
    fn untie(&mut self, slot: u32) {
        let Some(held) = self.packets.get(slot) else { return };
        let (place, way, older, newer) = (held.connection, usize::from(held.answer), held.older, held.newer);
        if let Some(open) = self.connections.get_mut(place) {
            open.held = open.held.saturating_sub(1);
            if open.oldest[way] == slot {
                open.oldest[way] = newer;
            }
            if open.newest[way] == slot {
                open.newest[way] = older;
            }
        }
        if let Some(neighbour) = self.packets.get_mut(older).filter(|_| older != NONE) {
            neighbour.newer = newer;
        }
        if let Some(neighbour) = self.packets.get_mut(newer).filter(|_| newer != NONE) {
            neighbour.older = older;
        }
    }
}

impl Seen {
    fn of(&self, spot: u16, from: u32, to: u32) -> Sighting {
        Sighting { spot, from, to, frame: self.frame, at: self.at, begins: self.begins, ttl: self.ttl, timed: self.timed }
    }
}

impl Held {
    /// Notes a sighting; gives the part of the packet that it shows.
    fn take(&mut self, piece: &Piece, spot: u16, from: u32, seen: Seen) -> (u32, u32) {
        let (from, to) = if self.like.is_stretch() {
            (from, from.saturating_add(piece.length).min(self.length))
        } else {
            let to = piece.offset.saturating_add(piece.length);
            self.length = self.length.max(to).max(piece.whole.unwrap_or(0));
            (piece.offset, to)
        };
        self.sightings.push(seen.of(spot, from, to));
        // No further one is noted.
        self.crowded |= self.sightings.len() >= MOST_SIGHTINGS;
        if seen.timed {
            self.first_at = self.first_at.min(seen.at);
        }
        (from, to)
    }
}

/// Counts a packet at the spots that have seen it and at those that have not, though they were watched.
fn settle(open: &mut Open, held: &Held, crowded: bool, points: &mut [Point]) {
    count_joined(open, held, points);
    time(open, held);
    if !crowded {
        one_way::expect(open, held, points);
    }
    let ways: Vec<usize> = (0..open.spots.len()).filter(|spot| open.spots[*spot].answer == held.answer).collect();
    if ways.len() < 2 || open.answers_differ {
        return;
    }
    let delay = |spot: &Spot| spot.delay.mean().unwrap_or(0);
    let nearest = held.sightings.iter().filter_map(|seen| open.spots.get(usize::from(seen.spot))).map(delay).min().unwrap_or(0);
    let mut before = Vec::new();
    for number in ways {
        let Some(gap) = u16::try_from(number).ok().and_then(|spot| held.gap(spot)) else { continue };
        let Some(spot) = open.spots.get(number).filter(|spot| watched(open, held, spot.point, points)) else { continue };
        if crowded {
            open.crowded += 1;
            return;
        }
        let mean = spot.delay.mean();
        // Anybody on the road may make a reset: where it was not seen before nothing has to have passed.
        if held.flags.is_reset() && mean.is_some_and(|mean| mean < nearest) {
            before.push(spot.point);
            continue;
        }
        // Of the places that show what is not shown here.
        let shown = |seen: &&Sighting| usize::from(seen.spot) != number && held.shows(seen.spot, gap);
        let last = held.sightings.iter().filter(shown).max_by_key(|seen| seen.at).copied();
        let furthest = held.sightings.iter().filter(shown).filter_map(|seen| open.spots.get(usize::from(seen.spot))).map(delay).max();
        // It may have overtaken by less than the clocks tell.
        let seen_later = mean.zip(furthest).is_some_and(|(mean, furthest)| mean < furthest);
        if open.missing.len() < MOST_TOLD {
            open.missing.push(missing(open, held, spot, gap, last.as_ref(), seen_later, points));
        }
        if let Some(spot) = open.spots.get_mut(number) {
            if seen_later {
                spot.not_captured += 1;
            } else {
                spot.missing += 1;
            }
        }
    }
    if !before.is_empty() {
        let first = held.sightings.iter().min_by_key(|seen| seen.at);
        if let Some((first, spot)) = first.and_then(|first| Some((first, open.spots.get(usize::from(first.spot))?))) {
            let reset = Reset { answer: held.answer, at: spot.point, frame: first.frame, before, ttl: (first.ttl, spot.ttl) };
            open.noted.reset(reset);
        }
    }
}

/// Counts its sightings at the points, when there are several.
fn count_joined(open: &Open, held: &Held, points: &mut [Point]) {
    let point_of = |seen: &Sighting| open.spots.get(usize::from(seen.spot)).map(|spot| spot.point);
    let first = held.sightings.first().and_then(point_of);
    if held.sightings.iter().all(|seen| point_of(seen) == first) {
        return;
    }
    for seen in held.sightings.iter().filter(|seen| seen.begins) {
        if let Some(point) = point_of(seen).and_then(|point| points.get_mut(usize::from(point))) {
            point.told.joined += 1;
        }
    }
}

/// Takes the times between the spots, counted from the direction's first one: by its own sighting, or by that of another
/// one whose usual time after it is known.
fn time(open: &mut Open, held: &Held) {
    let Some(reference) = open.spots.iter().position(|spot| spot.answer == held.answer) else { return };
    let timed = || held.sightings.iter().filter(|seen| seen.timed);
    let at_reference = timed().find(|seen| usize::from(seen.spot) == reference).map(|seen| seen.at).or_else(|| {
        let mean = |seen: &Sighting| open.spots.get(usize::from(seen.spot))?.delay.mean();
        timed().find_map(|seen| Some(seen.at.saturating_sub(mean(seen)?)))
    });
    let Some(at_reference) = at_reference else { return };
    let mut done = NO_SPOT;
    for seen in timed() {
        // Of a packet that came in pieces the first counts.
        if seen.spot == done || held.sightings.iter().any(|other| other.spot == seen.spot && other.at < seen.at) {
            continue;
        }
        done = seen.spot;
        if let Some(spot) = open.spots.get_mut(usize::from(seen.spot)) {
            spot.delay.take(seen.at.saturating_sub(at_reference));
        }
    }
}
