//! Payload that passed and payload that did not: whether their sizes tell them apart, and where an answer stopped. What they hold is not looked at.

use std::collections::BTreeSet;

use super::{Leg, Point, Road, Vanished};
use crate::model::connection::{Hop, Sighting};

impl<'a> Road<'a> {
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

    /// A place on the way back where an answer's data was seen that never came to the client, which was watched: the last of them in time.
    #[must_use]
    pub fn answer_stopped_at(&self) -> Option<&'a str> {
        let client = self.client();
        if !self.watched(&client) {
            return None;
        }
        let data = |hop: &Hop| !hop.request && hop.what == Sighting::Data && hop.length > 0;
        let end = |hop: &Hop| hop.sequence.wrapping_add(hop.length);
        let came: BTreeSet<u32> = self.connection.hops.iter().filter(|hop| data(hop) && hop.place == client).map(end).collect();
        let missing = |hop: &&Hop| data(hop) && hop.place != client && !came.contains(&end(hop));
        // A segment may have been cut on its way: what lies before the last that came has come.
        let later = |hop: &&Hop| came.iter().all(|last| end(hop).wrapping_sub(*last).wrapping_sub(1) < 1 << 31);
        self.connection.hops.iter().filter(missing).filter(later).max_by_key(|hop| hop.at).map(|hop| hop.place.as_str())
    }
}
