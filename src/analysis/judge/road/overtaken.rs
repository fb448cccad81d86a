//! Payload that passed and payload that did not: whether their sizes tell them apart, and where an answer stopped. What they hold is not looked at.

use std::collections::BTreeSet;

use super::{Leg, Point, Road, Vanished};
use crate::model::connection::{Hop, Sighting};

/// A piece of one direction's payload: its first sequence number, and its length in bytes.
type Piece = (u32, u32);

impl<'a> Road<'a> {
    /// Of one connection's payload a later and smaller packet passed where an earlier and larger one never did, and no lost one was as small as
    /// any that passed: the payloads of the two, bytes. Then it is the size by which they are told apart, not what they hold.
    #[must_use]
    pub fn overtaken(&self, gone: &Vanished) -> Option<(u32, u32)> {
        let (lost, came) = self.payload_between(gone);
        let (smallest_lost, largest_passed) = (lost.iter().map(|piece| piece.1).min()?, came.iter().map(|piece| piece.1).max()?);
        // Sequence numbers wrap: half of their space lies ahead.
        let later = |passed: &Piece, lost: &Piece| passed.0.wrapping_sub(lost.0).wrapping_sub(1) < 1 << 31;
        let overtakes = |passed: &&Piece| lost.iter().any(|lost| later(passed, lost));
        let passed = came.iter().filter(overtakes).map(|piece| piece.1).max()?;
        (largest_passed < smallest_lost).then_some((passed, smallest_lost))
    }

    /// The least payload of a packet that passed the last point and never came to the next, whole or in parts, bytes.
    #[must_use]
    pub fn smallest_lost(&self, gone: &Vanished) -> Option<u32> {
        self.payload_between(gone).0.iter().map(|piece| piece.1).min()
    }

    /// The pieces of payload that passed the last point and not the next, and those that came to the next.
    fn payload_between(&self, gone: &Vanished) -> (BTreeSet<Piece>, BTreeSet<Piece>) {
        let request = gone.leg == Leg::RequestData;
        let payload = |point: &Point| -> BTreeSet<Piece> {
            let wanted = |hop: &&Hop| hop.request == request && hop.what == Sighting::Data && hop.length > 0 && self.at(hop, point);
            self.connection.hops.iter().filter(wanted).map(|hop| (hop.sequence, hop.length)).collect()
        };
        let (sent, came) = (payload(&gone.last), payload(&gone.next));
        let inside = |(from, length): &Piece, (start, whole): &Piece| {
            let offset = from.wrapping_sub(*start);
            offset < *whole && u64::from(offset) + u64::from(*length) <= u64::from(*whole)
        };
        let lost = sent.into_iter().filter(|piece| !came.iter().any(|other| inside(other, piece) || inside(piece, other))).collect();
        (lost, came)
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
