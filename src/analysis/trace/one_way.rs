//! Packets of one direction at places where the other direction alone was seen: whether they should have come there.

use super::absent::{missing, watched};
use super::connections::{MOST_TOLD, Open, Spot};
use super::packets::{Held, Sighting};
use super::piece::{Piece, before};
use super::point::Point;
use crate::model::trace::MissingPacket;

/// Counts a packet at the spots of the other direction that lie between where it was seen and its receiver.
pub(super) fn expect(open: &mut Open, held: &Held, points: &[Point]) {
    let alone = |spot: &Spot| spot.answer != held.answer && !spot.both_ways && spot.packets > 0;
    if open.answers_differ || !open.spots.iter().any(alone) {
        return;
    }
    // The other direction passes places in the opposite order: the nearer to the receiver, the earlier.
    let Some(last) = held.sightings.iter().max_by_key(|seen| seen.at).copied() else { return };
    let reached = held.sightings.iter().filter_map(|seen| opposite(open, seen)).min();
    // Where it was seen last the other direction does not pass: nobody knows whether both meet again.
    let strayed = opposite(open, &last).is_none();
    let mut there: Vec<usize> = (0..open.spots.len()).filter(|number| alone(&open.spots[*number])).collect();
    there.sort_by_key(|number| std::cmp::Reverse(open.spots[*number].delay.mean()));
    for number in there {
        let Some(spot) = open.spots.get(number) else { continue };
        if !watched(open, held, spot.point, points) {
            continue;
        }
        match (spot.delay.mean(), reached) {
            (Some(here), Some(reached)) if here > reached => {}
            (Some(here), Some(reached)) if here < reached && !strayed => {
                if open.one_way.len() < MOST_TOLD {
                    open.one_way.push(missing(open, held, spot, (0, held.length), Some(&last), false, points));
                }
                if let Some(spot) = open.spots.get_mut(number) {
                    spot.one_way += 1;
                }
            }
            _ => open.noted.undecided |= 1_u128.checked_shl(u32::from(spot.point)).unwrap_or(0),
        }
    }
}

/// How late the other direction comes to the track that a packet was seen on.
fn opposite(open: &Open, seen: &Sighting) -> Option<i64> {
    let own = open.spots.get(usize::from(seen.spot))?;
    open.spots.iter().find(|spot| is_opposite(spot, own))?.delay.mean()
}

/// Whether both are of one track, and of its two directions.
fn is_opposite(one: &Spot, other: &Spot) -> bool {
    one.answer != other.answer
        && (one.point, one.interface, one.enclosure) == (other.point, other.interface, other.enclosure)
        && (one.source, one.destination) == (other.destination, other.source)
}

impl Open {
    /// Whether the receiver of one direction has acknowledged any of it: its packets arrive, whatever was seen of them.
    pub(super) fn is_heard(&self, answer: bool) -> bool {
        let (beginning, acknowledged) = (self.beginning[usize::from(answer)], self.acknowledged[usize::from(!answer)]);
        beginning.is_some_and(|beginning| acknowledged.is_some_and(|acknowledged| before(beginning, acknowledged)))
    }

    /// The spots of the other direction that packets of this one should have come to, those nearest to the sender first, and none where
    /// the receiver has acknowledged them: their road is another one.
    pub(super) fn unreached(&self, answer: bool) -> Vec<&Spot> {
        if self.is_heard(answer) { Vec::new() } else { self.passed_one_way(answer) }
    }

    /// Places that packets of this direction have not come to all the same, though its receiver has acknowledged them.
    pub(super) fn acknowledged_elsewhere(&self, answer: bool) -> Vec<&Spot> {
        if self.is_heard(answer) { self.passed_one_way(answer) } else { Vec::new() }
    }

    fn passed_one_way(&self, answer: bool) -> Vec<&Spot> {
        let mut spots: Vec<&Spot> = self.spots.iter().filter(|spot| spot.answer != answer && !spot.both_ways && spot.one_way > 0).collect();
        spots.sort_by_key(|spot| std::cmp::Reverse(spot.delay.mean()));
        spots
    }

    /// Counts what did not come to a place while one direction alone had been seen there, and the other one came later.
    pub(super) fn settle_one_way(&mut self) {
        let came: Vec<(usize, u64)> = self
            .spots
            .iter()
            .filter(|spot| spot.both_ways && spot.one_way > 0)
            .filter_map(|spot| Some((self.spots.iter().position(|other| is_opposite(other, spot))?, spot.one_way)))
            .collect();
        for (place, count) in came {
            if let Some(spot) = self.spots.get_mut(place) {
                spot.missing += count;
            }
        }
    }

    /// The first few of all packets that were not seen everywhere.
    pub(super) fn told_missing(&self, name: impl Fn(u16) -> String) -> Vec<MissingPacket> {
        let counts = |missing: &&MissingPacket| {
            let there = |spot: &&Spot| spot.answer != missing.answer && spot.one_way > 0 && name(spot.point) == missing.point;
            self.spots.iter().filter(there).any(|spot| spot.both_ways || !self.is_heard(missing.answer))
        };
        let mut all: Vec<MissingPacket> = self.missing.iter().chain(self.one_way.iter().filter(counts)).cloned().collect();
        all.sort_by_key(|missing| missing.at);
        all.truncate(MOST_TOLD);
        all
    }

    /// What a packet tells of how far each end has come.
    pub(super) fn hear(&mut self, answer: bool, piece: &Piece) {
        let (own, start) = (usize::from(answer), piece.like.start());
        let beginning = &mut self.beginning[own];
        if !piece.flags.is_reset() && beginning.is_none_or(|known| before(start, known)) {
            *beginning = Some(start);
        }
        let Some(acknowledged) = piece.like.acknowledged() else { return };
        let known = &mut self.acknowledged[own];
        if known.is_none_or(|known| before(known, acknowledged)) {
            *known = Some(acknowledged);
        }
    }
}
