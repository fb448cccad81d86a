//! Which held packet of its connection a piece belongs to.

use super::packets::{Held, NONE};
use super::piece::{Piece, before};
use super::{Joiner, NO_SPOT};

/// Packets that are looked through for one that was cut elsewhere.
const MOST_LOOKED_AT: usize = 128;

/// Where a piece belongs.
pub(super) enum Choice {
    /// To this packet, that many bytes behind its begin.
    Held(u32, u32),
    /// The spot has shown this very packet before.
    Again,
    /// To none that is held. So many of its bytes are not held at all.
    New(u32),
}

impl Joiner {
    /// Chooses among the packets of the connection that go the same way.
    pub(super) fn choose(&self, place: u32, answer: bool, spot: u16, piece: &Piece, at: i64) -> Choice {
        let Some(open) = self.connections.get(place) else { return Choice::New(piece.length) };
        let usual = open.spots.get(usize::from(spot)).map(|spot| spot.usual).unwrap_or_default();
        let mut best: Option<((i32, bool, i64), u32)> = None;
        let mut again = false;
        for (slot, held) in self.packets.alike(&piece.like) {
            if held.connection != place || held.answer != answer {
                continue;
            }
            let same_length = !piece.like.is_stretch() || held.length == piece.length;
            let numbered = piece.identification != 0 && held.identification != 0 && same_length;
            let same_number = numbered && piece.identification == held.identification;
            if held.shown(spot, piece.offset, piece.offset.saturating_add(piece.length)) {
                again |= same_number && piece.like.protocol == 6;
                continue;
            }
            let contradicted = (numbered && !same_number && open.keeps_identification)
                || (piece.contents != 0 && held.contents != 0 && piece.contents != held.contents);
            if contradicted {
                continue;
            }
            let mut score = i32::from(same_length) * 4 + i32::from(same_number) * 8 - i32::from(numbered && !same_number);
            score += i32::from(piece.print != 0 && piece.print == held.print);
            // Of repetitions that look the same: in the order in which they came, unless that would take unusually long.
            let rank = match usual.strays(at.saturating_sub(held.first_at)) {
                None => (score, true, held.first_at.saturating_neg()),
                Some(apart) => (score, false, apart.saturating_neg()),
            };
            if best.is_none_or(|(most, _)| rank > most) {
                best = Some((rank, slot));
            }
        }
        if let Some((_, slot)) = best {
            return Choice::Held(slot, 0);
        }
        if again {
            return Choice::Again;
        }
        if piece.like.is_stretch() { self.cut_elsewhere(place, answer, spot, piece) } else { Choice::New(piece.length) }
    }

    /// Looks for the packet that a stretch lies within, or how far it goes before one that is held begins.
    fn cut_elsewhere(&self, place: u32, answer: bool, spot: u16, piece: &Piece) -> Choice {
        let Some(open) = self.connections.get(place) else { return Choice::New(piece.length) };
        let start = piece.like.start();
        // What lies beyond everything that was seen is new.
        if open.reached[usize::from(answer)].is_none_or(|reached| !before(start, reached)) {
            return Choice::New(piece.length);
        }
        let inside = |held: &Held| {
            let offset = start.wrapping_sub(held.like.start());
            let fits = held.like.same_stretch(&piece.like) && offset < held.length;
            let to = offset.saturating_add(piece.length).min(held.length);
            (fits && held.connection == place && held.answer == answer && !held.shown(spot, offset, to)).then_some(offset)
        };
        let cursor = if spot == NO_SPOT { None } else { open.spots.get(usize::from(spot)).map(|spot| spot.cursor) };
        if let Some((slot, generation)) = cursor
            && let Some(offset) = self.packets.same(slot, generation).and_then(inside)
        {
            return Choice::Held(slot, offset);
        }
        let mut free = piece.length;
        let mut slot = open.newest[usize::from(answer)];
        for _ in 0..MOST_LOOKED_AT {
            let Some(held) = self.packets.get(slot).filter(|_| slot != NONE) else { break };
            if let Some(offset) = inside(held) {
                return Choice::Held(slot, offset);
            }
            let ahead = held.like.start().wrapping_sub(start);
            if ahead > 0 && ahead < free && held.like.same_stretch(&piece.like) && !held.shown(spot, 0, piece.length - ahead) {
                free = ahead;
            }
            slot = held.older;
        }
        Choice::New(free)
    }
}
