//! Packets that may still be on their way when a capture ends, and ways that take long: neither is a loss.

use std::collections::BTreeMap;

use super::{Leg, Point, Road};
use crate::model::connection::Sighting;

/// Round trips that a try needs before it is answered: the connection, TLS, the answer, and one to spare.
const ROUND_TRIPS: i64 = 4;

impl Road<'_> {
    /// How long packets of one direction take from one point to another, as far as any was seen at both: nanoseconds.
    fn takes(&self, request: bool, from: &Point, to: &Point) -> Option<i64> {
        let first = |point: &Point| {
            let mut first: BTreeMap<(u32, u32, Sighting), i64> = BTreeMap::new();
            for hop in self.connection.hops.iter().filter(|hop| hop.request == request && self.at(hop, point)) {
                let at = first.entry((hop.sequence, hop.length, hop.what)).or_insert(hop.at);
                *at = hop.at.min(*at);
            }
            first
        };
        let came = first(to);
        // One that was lost once and came when it was sent again took no longer than the others.
        first(from).iter().filter_map(|(packet, left)| Some(came.get(packet)? - left)).min().map(|took| took.max(0))
    }

    /// When the first of a place's captures was stopped, as far as that is known.
    fn watched_until(&self, place: &str) -> Option<i64> {
        let here = self.captures().iter().filter(|capture| capture.request.place.to_string() == place);
        here.map(|capture| capture.stopped_at).filter(|at| *at > 0).min()
    }

    /// The time after which what passes one point may come to the next only when nobody watches there any more.
    pub(super) fn too_late_after(&self, leg: Leg, from: &Point, to: &Point) -> Option<i64> {
        let took = self.takes(matches!(leg, Leg::Request | Leg::RequestData), from, to)?;
        Some(self.watched_until(to.place())?.saturating_sub(took.saturating_mul(2)))
    }

    /// What the way to the node and back takes, where the try was given up before an answer could come by it: milliseconds.
    #[must_use]
    pub(in crate::analysis::judge) fn too_slow(&self) -> Option<i64> {
        let (node, _) = self.entry()?;
        let (client, node) = (Point::Client(self.client()), Point::NodeClientSide(node));
        let there = self.takes(true, &client, &node)?;
        let back = self.takes(false, &node, &client).unwrap_or_default();
        let took = (there + back) / 1_000_000;
        let waited = i64::try_from(self.connection.attempt.total_ms).unwrap_or(i64::MAX);
        (took.saturating_mul(ROUND_TRIPS) >= waited && took > 0).then_some(took)
    }

    /// How long each packet of the answer took from the node's side towards the client to the client, by the clocks of both: nanoseconds that
    /// compare with one another and with nothing else.
    #[must_use]
    pub(in crate::analysis::judge) fn delays_back(&self, node: &str) -> Vec<i64> {
        let first = |point: &Point| {
            let mut first: BTreeMap<(u32, u32, Sighting), i64> = BTreeMap::new();
            for hop in self.connection.hops.iter().filter(|hop| !hop.request && self.at(hop, point)) {
                first.entry((hop.sequence, hop.length, hop.what)).or_insert(hop.at);
            }
            first
        };
        // One that was sent again may have come once and left twice: its first time here belongs to its first time there, or to none.
        let sent_once = |packet: &(u32, u32, Sighting)| {
            let here = Point::NodeClientSide(node.to_owned());
            let same = |hop: &&crate::model::connection::Hop| !hop.request && (hop.sequence, hop.length, hop.what) == *packet;
            self.connection.hops.iter().filter(same).filter(|hop| self.at(hop, &here)).count() == 1
        };
        let came = first(&Point::Client(self.client()));
        let left = first(&Point::NodeClientSide(node.to_owned()));
        left.iter().filter(|(packet, _)| sent_once(packet)).filter_map(|(packet, at)| Some(came.get(packet)? - at)).collect()
    }

    /// How long the program in the pod had to answer once the whole request was there, until the client gave up: milliseconds. It is told by the
    /// pod's own clock alone: the connection's first packet there came when the client began, but for the way of one packet.
    #[must_use]
    pub(in crate::analysis::judge) fn left_to_the_program(&self) -> Option<i64> {
        let in_pod = || self.connection.hops.iter().filter(|hop| hop.request && hop.place.contains('/'));
        let began = in_pod().map(|hop| hop.at).min()?;
        let came = in_pod().filter(|hop| hop.what == Sighting::Data).map(|hop| hop.at).max()?;
        let waited = i64::try_from(self.connection.attempt.total_ms).ok()?;
        Some(waited - (came - began) / 1_000_000)
    }
}
