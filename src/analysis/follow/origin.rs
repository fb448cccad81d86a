//! Whose a packet is where several places' requests look the same: one that a router translates to another's address, with the same port,
//! cannot be told from that one's by its addresses.

use std::collections::{BTreeMap, BTreeSet};

use super::{Tuple, first_sequence, tuple};
use crate::model::capture::Capture;
use crate::model::packet::{Body, Packet, Passage};
use crate::model::probe::{Probe, Vantage};

/// How far the numbers of one connection lie from its first one: tries send and get a few packets. Bytes.
const FAR: u32 = 1 << 22;

/// Which place each first packet left, as far as its own capture shows it, and from which ports the places ask.
#[derive(Default)]
pub(super) struct Origins<'a> {
    left: BTreeMap<u32, BTreeSet<&'a Vantage>>,
    /// Those that were seen anywhere else as they had left.
    arrived: BTreeSet<(Tuple, u32)>,
    tuples: BTreeMap<Tuple, BTreeSet<&'a Vantage>>,
    ports: BTreeSet<u16>,
}

impl<'a> Origins<'a> {
    pub(super) fn of(captures: &[Capture], probes: &'a [Probe]) -> Self {
        let mut all = Self::default();
        for probe in probes {
            for attempt in probe.made() {
                all.ports.insert(attempt.source_port);
                if let Some(source) = attempt.source {
                    let own = (source, attempt.source_port, probe.address, probe.port);
                    all.tuples.entry(own).or_default().insert(&probe.vantage);
                }
            }
        }
        for capture in captures {
            let place = capture.request.place.to_string();
            for packet in &capture.packets {
                let Some((tuple, sequence)) = tuple(packet).zip(first_sequence(packet)) else { continue };
                let Some(owners) = all.tuples.get(&tuple) else { continue };
                let here: Vec<&Vantage> = owners.iter().copied().filter(|vantage| vantage.place() == place).collect();
                if here.is_empty() {
                    all.arrived.insert((tuple, sequence));
                } else if packet.passage == Passage::Out {
                    all.left.entry(sequence).or_default().extend(here);
                }
            }
        }
        all
    }

    /// Whether these are the addresses that another place asks with, and not this one.
    pub(super) fn is_anothers(&self, tuple: &Tuple, vantage: &Vantage) -> bool {
        self.tuples.get(tuple).is_some_and(|owners| !owners.contains(vantage))
    }

    /// Of the first packets with a try's addresses its own, by their numbers: those that were seen to leave its place. What left no place that
    /// was watched may be its own with another number, which some firewalls give it on the way, unless it arrived with its own.
    pub(super) fn own(&self, carried: &BTreeSet<(Tuple, u32)>, vantage: &Vantage) -> BTreeSet<u32> {
        let left = |(_, sequence): &&(Tuple, u32)| self.left.get(sequence).is_some_and(|places| places.contains(vantage));
        let unknown = |(_, sequence): &&(Tuple, u32)| !self.left.contains_key(sequence);
        let arrived = carried.iter().filter(left).any(|one| self.arrived.contains(one));
        carried.iter().filter(|one| left(one) || (unknown(one) && !arrived)).map(|(_, sequence)| *sequence).collect()
    }

    /// Whether some try asks from a port that is another than this one's.
    pub(super) fn asks_from(&self, port: u16, own: u16) -> bool {
        port != own && self.ports.contains(&port)
    }
}

/// The numbers of one connection, by which its packets are told from another's with the same addresses.
pub(super) struct Numbers<'a>(&'a BTreeSet<u32>);

impl<'a> Numbers<'a> {
    pub(super) fn of(first: &'a BTreeSet<u32>) -> Self {
        Self(first)
    }

    /// Whether a packet's numbers are those of the connection: its own of a request, those that it acknowledges of an answer.
    pub(super) fn has(&self, packet: &Packet, request: bool) -> bool {
        let Body::Tcp(segment) = &packet.body else { return true };
        let number = if request { segment.sequence } else { segment.acknowledgement };
        self.0.iter().any(|first| number.wrapping_sub(*first) <= FAR)
    }
}
