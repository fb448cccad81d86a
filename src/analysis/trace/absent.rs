//! A packet, or a part of it, that a place has not shown: whether it was watched, and what is told of it.

use super::connections::{Open, Spot};
use super::packets::{Held, Sighting};
use super::piece::Piece;
use super::point::Point;
use crate::model::trace::MissingPacket;

/// Whether a point was watched when a packet came by: its capture had begun and not ended, or has shown the packet itself.
pub(super) fn watched(open: &Open, held: &Held, point: u16, points: &[Point]) -> bool {
    let shown = || held.sightings.iter().any(|seen| open.spots.get(usize::from(seen.spot)).is_some_and(|spot| spot.point == point));
    points
        .get(usize::from(point))
        .is_some_and(|point| point.first <= held.first_at && (!point.ended || held.first_at <= point.last) || shown())
}

/// A packet, or bytes of it, that a spot has not shown. `last`: where it was seen last.
pub(super) fn missing(
    open: &Open,
    held: &Held,
    spot: &Spot,
    gap: (u32, u32),
    last: Option<&Sighting>,
    seen_later: bool,
    points: &[Point],
) -> MissingPacket {
    let name = |point: u16| points.get(usize::from(point)).map(|point| point.told.name.clone()).unwrap_or_default();
    let from = if held.like.is_stretch() { gap.0 } else { 0 };
    let last_spot = last.and_then(|seen| open.spots.get(usize::from(seen.spot)));
    MissingPacket {
        point: name(spot.point),
        interface: Some(spot.interface).filter(|interface| *interface != 0),
        within: within(spot),
        answer: held.answer,
        what: Piece::word(held.flags, open.protocol, held.length),
        sequence: if held.like.protocol == 6 { held.like.start().wrapping_add(from) } else { 0 },
        length: gap.1 - gap.0,
        part: Some(gap).filter(|gap| *gap != (0, held.length)),
        at: held.first_at,
        last_at: last_spot.map(|spot| name(spot.point)).unwrap_or_default(),
        last_interface: last_spot.map(|spot| spot.interface).filter(|interface| *interface != 0),
        last_within: last_spot.and_then(within),
        frame: last.map_or(0, |seen| seen.frame),
        seen_later,
    }
}

/// The tag and the tunnel that packets of a spot are in, in words.
fn within(spot: &Spot) -> Option<String> {
    let vlan = Some(spot.enclosure.vlan).filter(|vlan| *vlan != 0).map(|vlan| format!("vlan {vlan}"));
    let words: Vec<String> = vlan.into_iter().chain(spot.enclosure.word()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
