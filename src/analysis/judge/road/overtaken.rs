//! Whether the packets that pass and those that do not are told apart by their size: what they hold is not looked at.

use std::collections::BTreeSet;

use super::{Leg, Point, Road, Vanished};
use crate::model::connection::{Hop, Sighting};

impl Road<'_> {
    /// Of one connection's payload a later and smaller packet passed where an earlier and larger one never did, and no lost one was as small as
    /// any that passed: the payloads of the two, bytes. Then it is the size by which they are told apart, not what they hold.
    #[must_use]
    pub fn overtaken(&self, gone: &Vanished) -> Option<(u32, u32)> {
        let request = gone.leg == Leg::RequestData;
        let payload = |point: &Point| -> BTreeSet<(u32, u32)> {
            let wanted = |hop: &&Hop| hop.request == request && hop.what == Sighting::Data && hop.length > 0 && self.at(hop, point);
            self.connection.hops.iter().filter(wanted).map(|hop| (hop.sequence, hop.length)).collect()
        };
        let (sent, came) = (payload(&gone.last), payload(&gone.next));
        let inside = |(from, length): &(u32, u32), (start, whole): &(u32, u32)| {
            let offset = from.wrapping_sub(*start);
            offset < *whole && u64::from(offset) + u64::from(*length) <= u64::from(*whole)
        };
        let lost: Vec<&(u32, u32)> =
            sent.iter().filter(|piece| !came.iter().any(|other| inside(other, piece) || inside(piece, other))).collect();
        let (smallest_lost, largest_passed) = (lost.iter().map(|piece| piece.1).min()?, came.iter().map(|piece| piece.1).max()?);
        // Sequence numbers wrap: half of their space lies ahead.
        let later = |passed: &(u32, u32), lost: &(u32, u32)| passed.0.wrapping_sub(lost.0).wrapping_sub(1) < 1 << 31;
        let overtakes = |passed: &&(u32, u32)| lost.iter().any(|lost| later(passed, lost));
        let passed = came.iter().filter(overtakes).map(|piece| piece.1).max()?;
        (largest_passed < smallest_lost).then_some((passed, smallest_lost))
    }
}
