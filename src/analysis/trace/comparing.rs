//! What a frame shows otherwise than the frames of its packet before it: identifications, timestamps.

use super::Joiner;
use super::piece::Piece;

impl Joiner {
    /// Compares a frame with the packet that it shows, before it is noted there.
    pub(super) fn compare(&mut self, place: u32, slot: u32, from: u32, spot: u16, piece: &Piece) {
        let (Some(open), Some(held)) = (self.connections.get_mut(place), self.packets.get_mut(slot)) else { return };
        let point_of = |spot: u16| open.spots.get(usize::from(spot)).map_or(0, |spot| spot.point);
        let (there, here) = (held.sightings.first().map_or(0, |seen| point_of(seen.spot)), point_of(spot));
        let same_length = !piece.like.is_stretch() || held.length == piece.length;
        if from == 0 && piece.identification != 0 && held.identification != 0 && same_length {
            let same = piece.identification == held.identification;
            open.identified[usize::from(!same)] += 1;
            if there != here {
                open.noted.identified((there.min(here), there.max(here)), same);
            }
        }
        let late = !held.like.is_stamped() && piece.like.is_stamped();
        if held.like.is_stamped() != piece.like.is_stamped() && !(if late { held.cut } else { piece.cut }) {
            let (with, without) = if late { (here, there) } else { (there, here) };
            open.noted.unstamped.get_or_insert((with, without));
        }
        held.cut &= piece.cut;
        if late {
            let like = piece.like.beginning_at(held.like.start());
            self.packets.stamp(slot, like);
        }
    }
}
