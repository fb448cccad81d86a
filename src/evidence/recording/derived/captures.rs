//! A capture from a larger one: by another filter of which the packets' headers tell whether they pass it, in one direction, or at one
//! interface of all.
//!
//! The larger one has to have held all that the smaller one lets pass: each alternative of the asked filter has to demand at least what an
//! alternative of the recorded one does. Where a packet's headers do not tell, nothing is derived.

use serde::Deserialize;
use serde_json::Value;

use super::super::answer::CaptureAnswer;
use super::super::question::{Channel, Question};
use super::filters::{Filter, read};
use super::{Derived, Known, answered};
use crate::model::capture::{Capture, CaptureRequest, Counters, Direction};
use crate::model::packet::{Packet, Passage};

/// A question for a capture as a recording keeps it.
#[derive(Deserialize)]
struct Told {
    host: Value,
    pod: Value,
    interface: String,
    filter: String,
    snaplen: u32,
    #[serde(default)]
    direction: Direction,
}

const EVERY_INTERFACE: &str = "any";

/// What a capture would have seen.
pub(in crate::evidence::recording) fn capture<'a>(known: &Known<'a>, request: &CaptureRequest) -> Option<Derived<'a, CaptureAnswer>> {
    let asked: Told = serde_json::from_str(&Question::capture(request).asked.text).ok()?;
    let filter = read(&asked.filter)?;
    known.asked::<Told>(Channel::Capture).find_map(|(told, entry)| {
        if !holds(&told, &asked, &filter) {
            return None;
        }
        let mut life: CaptureAnswer = answered(entry)?;
        if let Some(Ok(capture)) = life.stop.take() {
            life.stop = Some(Ok(part(capture, &told, &asked, &filter)?));
        }
        Some(Derived { entry, answer: life })
    })
}

/// Whether the recorded capture held whatever the asked one lets pass.
fn holds(told: &Told, asked: &Told, filter: &Filter) -> bool {
    let places = (&told.host, &told.pod) == (&asked.host, &asked.pod);
    let interface = told.interface == asked.interface || (told.interface == EVERY_INTERFACE && !asked.interface.contains(' '));
    let direction = told.direction == asked.direction || told.direction.is_both();
    let same = told.filter == asked.filter;
    places
        && interface
        && direction
        && told.snaplen >= asked.snaplen
        && (same || read(&told.filter).is_some_and(|known| filter.is_within(&known)))
}

/// The packets of it that pass; `None` when one does not tell.
fn part(capture: Capture, told: &Told, asked: &Told, filter: &Filter) -> Option<Capture> {
    let of_the_interface = |packet: &Packet| told.interface == asked.interface || packet.interface.as_str() == asked.interface;
    let of_the_direction = |packet: &Packet| match asked.direction {
        Direction::Both => true,
        Direction::Out => packet.passage == Passage::Out,
        Direction::In => packet.passage != Passage::Out,
    };
    let mut packets = Vec::new();
    for packet in capture.packets.iter().filter(|packet| of_the_interface(packet) && of_the_direction(packet)) {
        if told.filter == asked.filter || filter.passes(packet)? {
            packets.push(packet.clone());
        }
    }
    let count = packets.len() as u64;
    // A capture that lost packets may have lost some of these.
    let counters = if capture.counters.complete() {
        Counters { captured: Some(count), received_by_filter: Some(count), dropped_by_kernel: Some(0), arrived: count }
    } else {
        capture.counters
    };
    Some(Capture { packets: packets.into_iter().collect(), counters, ..capture })
}
