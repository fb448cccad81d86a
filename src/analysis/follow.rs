//! Follows each try of a probe through the captures, across address translation.
//!
//! A TCP connection keeps its initial sequence number through DNAT, SNAT and tunnels, so its SYN is found again
//! elsewhere by that number, and its other packets by the addresses that this SYN had there. A UDP datagram is found
//! again by its IP identification with the payload's hash and length. What cannot be joined is said, never guessed; what another place
//! has sent is never taken for a try's own packet, be its addresses translated to the same ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

mod origin;

use origin::{Numbers, Origins};

use crate::analysis::state::data_path;
use crate::model::capture::Capture;
use crate::model::clock::Offsets;
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::{Body, Flags, Packet};
use crate::model::probe::{Attempt, Probe, Speech};

/// Forms of one try's request that are told apart. With more, whose number it is is not known: any of them may be another's.
const MOST_FORMS: usize = 256;

/// Source address and port, destination address and port, as the request carries them at one place.
type Tuple = (IpAddr, u16, IpAddr, u16);

/// Every try of every probe with its sightings. `pods` maps endpoint addresses to pod names.
///
/// A busy Service is one with many strangers: of their packets nothing is kept here, however many passed.
#[must_use]
pub fn follow(captures: &[Capture], probes: &[Probe], pods: &BTreeMap<IpAddr, String>) -> Vec<Connection> {
    let requests = Requests::of(captures, probes);
    let origins = Origins::of(captures, probes);
    let elsewhere = Elsewhere::of(captures, &requests);
    let tries = probes.iter().flat_map(|probe| probe.made().map(move |attempt| (probe, attempt)));
    let tries: Vec<(&Probe, &Attempt, Forms)> =
        tries.map(|(probe, attempt)| (probe, attempt, forms(&requests, &origins, &elsewhere, probe, attempt))).collect();
    let sightings = Sightings::of(captures, tries.iter().flat_map(|(_, _, forms)| &forms.known));
    tries.into_iter().map(|(probe, attempt, forms)| connection(&sightings, captures, probe, attempt, &forms, pods)).collect()
}

/// Puts the sightings of all connections on our clock, and in its order, as far as the hosts' clocks were compared with it.
pub fn on_one_clock(connections: &mut [Connection], captures: &[Capture], clocks: &Offsets) {
    let ahead: BTreeMap<String, i64> =
        captures.iter().map(|capture| (capture.request.place.to_string(), clocks.ahead_ns(&capture.request.place))).collect();
    if ahead.values().all(|ahead| *ahead == 0) {
        return;
    }
    for connection in connections {
        for hop in &mut connection.hops {
            hop.at = hop.at.saturating_sub(ahead.get(&hop.place).copied().unwrap_or_default());
        }
        in_order(&mut connection.hops);
    }
}

fn in_order(hops: &mut [Hop]) {
    hops.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.place.cmp(&b.place)));
}

/// What a datagram keeps through translation: its identification, its payload's hash and its length.
type DatagramKey = (u16, u32, u32);

/// The packets that the tries' clients sent to the Service's address, by what translation leaves alone.
#[derive(Default)]
struct Requests {
    tuples: BTreeSet<Tuple>,
    sequences: BTreeMap<Tuple, BTreeSet<u32>>,
    datagrams: BTreeMap<Tuple, BTreeSet<DatagramKey>>,
}

impl Requests {
    fn of(captures: &[Capture], probes: &[Probe]) -> Self {
        let asked: BTreeSet<(IpAddr, u16, u16)> =
            probes.iter().flat_map(|probe| probe.made().map(|attempt| (probe.address, probe.port, attempt.source_port))).collect();
        let mut requests = Self::default();
        for packet in captures.iter().flat_map(|capture| &capture.packets) {
            let Some(tuple) = tuple(packet).filter(|tuple| asked.contains(&(tuple.2, tuple.3, tuple.1))) else { continue };
            requests.tuples.insert(tuple);
            if let Some(sequence) = first_sequence(packet) {
                requests.sequences.entry(tuple).or_default().insert(sequence);
            }
            if let Some(key) = datagram_key(packet) {
                requests.datagrams.entry(tuple).or_default().insert(key);
            }
        }
        requests
    }
}

/// Every form of those requests anywhere.
#[derive(Default)]
struct Elsewhere {
    by_sequence: BTreeMap<u32, BTreeSet<Tuple>>,
    by_datagram: BTreeMap<DatagramKey, BTreeSet<Tuple>>,
}

impl Elsewhere {
    fn of(captures: &[Capture], requests: &Requests) -> Self {
        let mut all = Self {
            by_sequence: requests.sequences.values().flatten().map(|sequence| (*sequence, BTreeSet::new())).collect(),
            by_datagram: requests.datagrams.values().flatten().map(|key| (*key, BTreeSet::new())).collect(),
        };
        for packet in captures.iter().flat_map(|capture| &capture.packets) {
            let by_sequence = first_sequence(packet).and_then(|sequence| all.by_sequence.get_mut(&sequence));
            let forms = by_sequence.or_else(|| all.by_datagram.get_mut(&datagram_key(packet)?));
            if let (Some(forms), Some(tuple)) = (forms, tuple(packet)) {
                forms.insert(tuple);
            }
        }
        all
    }
}

/// Where the packets of the followed connections were seen: capture and packet.
#[derive(Default)]
struct Sightings {
    by_tuple: BTreeMap<Tuple, Vec<(usize, usize)>>,
    /// ICMP errors, by the packet that they are about.
    icmp: BTreeMap<Tuple, Vec<(usize, usize)>>,
}

impl Sightings {
    fn of<'a>(captures: &[Capture], forms: impl Iterator<Item = &'a Tuple>) -> Self {
        let mut all = Self {
            by_tuple: forms.flat_map(|form| [*form, back(*form)]).map(|tuple| (tuple, Vec::new())).collect(),
            icmp: BTreeMap::new(),
        };
        for (c, capture) in captures.iter().enumerate() {
            for (p, packet) in capture.packets.iter().enumerate() {
                if let Some(places) = tuple(packet).and_then(|tuple| all.by_tuple.get_mut(&tuple)) {
                    places.push((c, p));
                } else if let Some(quoted) = quoted(packet).filter(|quoted| all.by_tuple.contains_key(quoted)) {
                    all.icmp.entry(quoted).or_default().push((c, p));
                }
            }
        }
        all
    }

    /// Whether a form of a connection's request carried first packets of others too, with sequence numbers that are none of its own.
    fn contested(&self, captures: &[Capture], form: &Tuple, own: &BTreeSet<u32>) -> bool {
        let packets = self.by_tuple.get(form).into_iter().flatten().filter_map(|(c, p)| seen(captures, *c, *p));
        packets.filter_map(|(_, packet)| first_sequence(packet)).any(|sequence| !own.contains(&sequence))
    }
}

/// The forms that the addresses of one try's request take anywhere.
struct Forms {
    known: BTreeSet<Tuple>,
    /// There are more, so that some of them are certainly others'.
    too_many: bool,
    /// The sequence numbers of its own first packets; of a datagram none.
    sequences: BTreeSet<u32>,
}

/// Every form that the try's request addresses take anywhere.
fn forms(requests: &Requests, origins: &Origins, elsewhere: &Elsewhere, probe: &Probe, attempt: &Attempt) -> Forms {
    let own = |(source, port, to, to_port): &&Tuple| {
        *to == probe.address && *to_port == probe.port && *port == attempt.source_port && attempt.source.is_none_or(|own| own == *source)
    };
    let others = |tuple: &&Tuple| attempt.source.is_none() && origins.is_anothers(tuple, &probe.vantage);
    let mut forms: BTreeSet<Tuple> = requests.tuples.iter().filter(own).filter(|tuple| !others(tuple)).copied().collect();
    let mut known = BTreeSet::new();
    if probe.speech == Speech::Udp {
        let keys: BTreeSet<&DatagramKey> = forms.iter().filter_map(|tuple| requests.datagrams.get(tuple)).flatten().collect();
        let joined = keys.into_iter().filter_map(|key| elsewhere.by_datagram.get(key)).flatten();
        forms.extend(joined.filter(|tuple| tuple.1 != probe.port || tuple.0 != probe.address));
    } else {
        let of =
            |tuple: &Tuple| requests.sequences.get(tuple).into_iter().flatten().map(|sequence| (*tuple, *sequence)).collect::<Vec<_>>();
        known = origins.own(&forms.iter().flat_map(of).collect(), &probe.vantage);
        forms.extend(known.iter().filter_map(|sequence| elsewhere.by_sequence.get(sequence)).flatten());
        // A request that comes with a port that another place asks from is another place's.
        forms.retain(|form| {
            own(&form) || (form.2, form.3) != (probe.address, probe.port) || !origins.asks_from(form.1, attempt.source_port)
        });
    }
    // Where a bridge undoes the source translation early, an answer carries the pod's address and the client's.
    let too_many = forms.len() > MOST_FORMS;
    if too_many {
        forms = std::mem::take(&mut forms).into_iter().filter(|form| own(&form)).take(MOST_FORMS).collect();
    }
    let clients: Vec<Tuple> = forms.iter().filter(|form| form.2 == probe.address && form.3 == probe.port).copied().collect();
    let ends: Vec<Tuple> = forms.iter().filter(|form| form.2 != probe.address).copied().collect();
    forms.extend(clients.iter().flat_map(|client| ends.iter().map(|end| (client.0, client.1, end.2, end.3))));
    Forms { known: forms, too_many, sequences: known }
}

fn tuple(packet: &Packet) -> Option<Tuple> {
    match &packet.body {
        Body::Tcp(segment) => Some((segment.source, segment.source_port, segment.destination, segment.destination_port)),
        Body::Udp(datagram) => Some((datagram.source, datagram.source_port, datagram.destination, datagram.destination_port)),
        _ => None,
    }
}

/// The packet that an ICMP error is about.
fn quoted(packet: &Packet) -> Option<Tuple> {
    let Body::Icmp(icmp) = &packet.body else { return None };
    let (_, source, destination, source_port, destination_port) = **icmp.quoted.as_ref()?;
    Some((source, source_port, destination, destination_port))
}

fn back(tuple: Tuple) -> Tuple {
    (tuple.2, tuple.3, tuple.0, tuple.1)
}

fn first_sequence(packet: &Packet) -> Option<u32> {
    match &packet.body {
        Body::Tcp(segment) if segment.flags.is_syn() => Some(segment.sequence),
        _ => None,
    }
}

/// Identification 0 is shared by every datagram that may not be fragmented: it joins nothing.
fn datagram_key(packet: &Packet) -> Option<DatagramKey> {
    match &packet.body {
        Body::Udp(datagram) if datagram.identification != 0 => Some((datagram.identification, datagram.payload_hash, datagram.length)),
        _ => None,
    }
}

fn connection(
    sightings: &Sightings,
    captures: &[Capture],
    probe: &Probe,
    attempt: &Attempt,
    Forms { known: forms, too_many, sequences }: &Forms,
    pods: &BTreeMap<IpAddr, String>,
) -> Connection {
    let numbers = Numbers::of(sequences);
    let mut hops = Vec::new();
    for form in forms {
        let contested = sightings.contested(captures, form, sequences);
        for (tuple, request) in [(*form, true), (back(*form), false)] {
            for (c, p) in sightings.by_tuple.get(&tuple).into_iter().flatten() {
                let own = |packet: &Packet| !contested || numbers.has(packet, request);
                hops.extend(
                    seen(captures, *c, *p).filter(|(_, packet)| own(packet)).and_then(|(capture, packet)| hop(capture, packet, request)),
                );
            }
        }
    }
    // What an error is about is quoted without a number that would tell whose it is.
    let alone: BTreeSet<Tuple> = forms.iter().filter(|form| !sightings.contested(captures, form, sequences)).copied().collect();
    let about_reply = alone.iter().map(|form| back(*form)).filter(|tuple| !alone.contains(tuple));
    for (tuple, of_reply) in alone.iter().map(|form| (*form, false)).chain(about_reply.map(|tuple| (tuple, true))) {
        for (c, p) in sightings.icmp.get(&tuple).into_iter().flatten() {
            hops.extend(seen(captures, *c, *p).and_then(|(capture, packet)| hop(capture, packet, of_reply)));
        }
    }
    in_order(&mut hops);
    let pod = forms.iter().find_map(|form| pods.get(&form.2)).cloned();
    let not_joined = if *too_many {
        Some(format!("more than {MOST_FORMS} connections have its number: which of them it is elsewhere is not known"))
    } else {
        forms.is_empty().then(|| "no packet of it was seen anywhere".to_owned())
    };
    Connection { vantage: probe.vantage.clone(), attempt: attempt.clone(), hops, pod, not_joined }
}

/// The packet of a sighting, with its capture.
fn seen(captures: &[Capture], capture: usize, packet: usize) -> Option<(&Capture, &Packet)> {
    let capture = captures.get(capture)?;
    Some((capture, capture.packets.get(packet)?))
}

/// A sighting; `None` for a packet that belongs to no connection.
fn hop(capture: &Capture, packet: &Packet, request: bool) -> Option<Hop> {
    let (what, source, destination, length) = match &packet.body {
        Body::Tcp(segment) => (
            sighting(segment.flags, segment.length),
            (segment.source, segment.source_port),
            (segment.destination, segment.destination_port),
            segment.length,
        ),
        Body::Udp(datagram) => {
            (Sighting::Data, (datagram.source, datagram.source_port), (datagram.destination, datagram.destination_port), datagram.length)
        }
        Body::Icmp(icmp) => (Sighting::IcmpError, (icmp.source, u16::from(icmp.kind)), (icmp.destination, u16::from(icmp.code)), 0),
        _ => return None,
    };
    Some(Hop {
        place: capture.request.place.to_string(),
        interface: packet.interface.to_string(),
        passage: data_path::passage(packet.interface.as_str(), packet.passage),
        request,
        what,
        source,
        destination,
        tunnel: packet.tunnel.map(|tunnel| tunnel.word().to_owned()),
        outer: packet.outer.as_deref().copied(),
        source_mac: packet.source_mac.map(|mac| mac.to_string()),
        sequence: if let Body::Tcp(segment) = &packet.body { segment.sequence } else { 0 },
        length,
        ttl: packet.ttl,
        at: packet.at,
    })
}

fn sighting(flags: Flags, length: u32) -> Sighting {
    if flags.is_syn() {
        Sighting::Syn
    } else if flags.is_syn_ack() {
        Sighting::SynAck
    } else if flags.is_reset() {
        Sighting::Reset
    } else if length > 0 {
        Sighting::Data
    } else if flags.is_fin() {
        Sighting::Fin
    } else {
        Sighting::Ack
    }
}

#[cfg(test)]
mod tests;
