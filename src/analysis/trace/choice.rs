//! Which held packet of its connection a piece belongs to.

use super::Joiner;
use super::connections::{NO_SPOT, Open};
use super::packets::{Held, MOST_SIGHTINGS, NONE};
use super::piece::{Piece, before};

/// Packets that are looked through for one that was cut elsewhere.
const MOST_LOOKED_AT: usize = 128;

/// Where a piece belongs.
pub(super) enum Choice {
    /// To this packet, that many bytes behind its begin.
    Held(u32, u32),
    /// The spot has shown this very packet before.
    Again,
    /// To none that is held. So many of its bytes are not held at all. Whether everything that is held was looked at.
    New(u32, Looked),
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    AtAll,
    /// There is more than is looked at, and it may belong there.
    AtSome,
}

impl Joiner {
    /// Chooses among the packets of the connection that go the same way.
    pub(super) fn choose(&self, place: u32, answer: bool, spot: u16, piece: &Piece, at: i64) -> Choice {
        let Some(open) = self.connections.get(place) else { return Choice::New(piece.length, Looked::AtAll) };
        let mut looked = if self.packets.too_many_alike(&piece.like) { Looked::AtSome } else { Looked::AtAll };
        let mut best: Option<((i32, bool, i64), u32)> = None;
        let mut again = false;
        let exact = self.packets.alike(&piece.like).map(|(slot, _)| slot);
        // Where none has the same timestamps, one that does not show any.
        for slot in exact.chain(std::iter::once_with(|| self.packets.alike_but_for_stamps(&piece.like)).flatten()) {
            let Some(held) = self.packets.get(slot).filter(|held| held.connection == place && held.answer == answer) else { continue };
            if again && held.like != piece.like {
                continue;
            }
            match fits(open, held, spot, piece, at) {
                Fit::Ranked(rank) if best.is_none_or(|(most, _)| rank > most) => best = Some((rank, slot)),
                Fit::Ranked(_) | Fit::Not => {}
                Fit::Again => again = true,
                Fit::Full => looked = Looked::AtSome,
            }
        }
        if let Some((_, slot)) = best {
            return Choice::Held(slot, 0);
        }
        if again {
            return Choice::Again;
        }
        if piece.like.is_stretch() { self.cut_elsewhere(place, answer, spot, piece, looked) } else { Choice::New(piece.length, looked) }
    }

    /// Looks for the packet that a stretch lies within, or how far it goes before one that is held begins.
    fn cut_elsewhere(&self, place: u32, answer: bool, spot: u16, piece: &Piece, mut looked: Looked) -> Choice {
        let Some(open) = self.connections.get(place) else { return Choice::New(piece.length, looked) };
        let start = piece.like.start();
        // What lies beyond everything that was seen is new.
        if open.reached[usize::from(answer)].is_none_or(|reached| !before(start, reached)) {
            return Choice::New(piece.length, looked);
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
            && !self.is_full(slot)
        {
            return Choice::Held(slot, offset);
        }
        // What comes here late comes in order too: best the packet that follows the one that was seen last.
        let following = cursor.and_then(|(slot, generation)| Some(self.packets.same(slot, generation)?.newer));
        if let Some(slot) = following
            && let Some(offset) = self.packets.get(slot).filter(|_| slot != NONE).and_then(inside)
        {
            return if self.is_full(slot) { Choice::New(piece.length, Looked::AtSome) } else { Choice::Held(slot, offset) };
        }
        let mut free = piece.length;
        let mut slot = open.newest[usize::from(answer)];
        for _ in 0..MOST_LOOKED_AT {
            let Some(held) = self.packets.get(slot).filter(|_| slot != NONE) else { return Choice::New(free, looked) };
            if let Some(offset) = inside(held) {
                if self.is_full(slot) {
                    looked = Looked::AtSome;
                } else {
                    return Choice::Held(slot, offset);
                }
            }
            let ahead = held.like.start().wrapping_sub(start);
            if ahead > 0 && ahead < free && held.like.same_stretch(&piece.like) && !held.shown(spot, 0, piece.length - ahead) {
                free = ahead;
            }
            slot = held.older;
        }
        Choice::New(free, if slot == NONE { looked } else { Looked::AtSome })
    }

    /// Whether so many frames show the packet already that no further one is noted.
    fn is_full(&self, slot: u32) -> bool {
        self.packets.get(slot).is_some_and(|held| held.sightings.len() >= MOST_SIGHTINGS)
    }
}

/// How a piece and a held packet of its connection that looks the same go together.
enum Fit {
    /// The better of several.
    Ranked((i32, bool, i64)),
    /// The spot has shown it before.
    Again,
    /// It was shown as often as is noted.
    Full,
    Not,
}

fn fits(open: &Open, held: &Held, spot: u16, piece: &Piece, at: i64) -> Fit {
    let same_length = !piece.like.is_stretch() || held.length == piece.length;
    let numbered = piece.identification != 0 && held.identification != 0 && same_length;
    let same_number = numbered && piece.identification == held.identification;
    if held.shown(spot, piece.offset, piece.offset.saturating_add(piece.length)) {
        return if same_number && piece.like.protocol == 6 { Fit::Again } else { Fit::Not };
    }
    let contradicted = (numbered && !same_number && open.keeps_identification())
        || (piece.contents != 0 && held.contents != 0 && piece.contents != held.contents)
        || (piece.flags.is_reset() && !one_reset(open, held, spot, piece));
    if contradicted {
        return Fit::Not;
    }
    if held.sightings.len() >= MOST_SIGHTINGS {
        return Fit::Full;
    }
    let mut score = i32::from(same_length) * 4 + i32::from(same_number) * 8 - i32::from(numbered && !same_number);
    score += i32::from(piece.print != 0 && piece.print == held.print);
    score += i32::from(piece.like == held.like) * 2;
    // Of repetitions that look the same: in the order in which they came, unless that would take unusually long.
    let usual = open.spots.get(usize::from(spot)).map(|spot| spot.usual).unwrap_or_default();
    Fit::Ranked(match usual.strays(at.saturating_sub(held.first_at)) {
        None => (score, true, held.first_at.saturating_neg()),
        Some(apart) => (score, false, apart.saturating_neg()),
    })
}

/// Whether two resets may be one: somebody in between gives his own another time to live than all else has there, or an identification of his own,
/// which is 0 often.
fn one_reset(open: &Open, held: &Held, spot: u16, piece: &Piece) -> bool {
    let foreign = held.sightings.first().is_some_and(|seen| open.is_foreign(seen.spot, seen.ttl));
    let identified = piece.identification == held.identification;
    // Resets without timestamps are made easily: they are one with a stamped one where these are known to be cut or taken off.
    let stamped = piece.like.is_stamped() == held.like.is_stamped()
        || piece.cut
        || held.cut
        || open.noted.unstamped.is_some()
        || (identified && piece.identification != 0);
    stamped && foreign == open.is_foreign(spot, piece.ttl) && (identified || open.renumbers())
}
