//! Packets that may still be on their way when a capture ends, and ways that take long: neither is a loss.

use std::collections::BTreeMap;

use super::{Leg, Point, Road};
use crate::model::connection::Sighting;

/// Round trips that a try needs before it is answered: the connection, TLS, the answer, and one to spare.
const ROUND_TRIPS: i64 = 4;

/// One packet at one point.
struct Seen {
    /// Nanoseconds by the clock of the place that captured it.
    first: i64,
    times: usize,
}

impl Road<'_> {
    /// When each packet of one direction was first seen at a point, and how often.
    fn sightings(&self, request: bool, point: &Point) -> BTreeMap<(u32, u32, Sighting), Seen> {
        let mut seen: BTreeMap<(u32, u32, Sighting), Seen> = BTreeMap::new();
        for hop in self.connection.hops.iter().filter(|hop| hop.request == request && self.at(hop, point)) {
            let packet = seen.entry((hop.sequence, hop.length, hop.what)).or_insert(Seen { first: hop.at, times: 0 });
            packet.first = packet.first.min(hop.at);
            packet.times += 1;
        }
        seen
    }

    /// How long packets of one direction take from one point to another, as far as any was seen at both: nanoseconds.
    fn takes(&self, request: bool, from: &Point, to: &Point) -> Option<i64> {
        let came = self.sightings(request, to);
        // One that was lost once and came when it was sent again took no longer than the others.
        let took = |(packet, left): (&_, &Seen)| Some(came.get(packet)?.first - left.first);
        self.sightings(request, from).iter().filter_map(took).min().map(|took| took.max(0))
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
        let came = self.sightings(false, &Point::Client(self.client()));
        let left = self.sightings(false, &Point::NodeClientSide(node.to_owned()));
        // One that was sent again may have come once and left twice: its first time here belongs to its first time there, or to none.
        let took = |(packet, left): (&_, &Seen)| Some(came.get(packet)?.first - left.first);
        left.iter().filter(|(_, seen)| seen.times == 1).filter_map(took).collect()
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
