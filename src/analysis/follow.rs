//! Follows each try of a probe through the captures, across address translation.
//!
//! A TCP connection keeps its initial sequence number through DNAT, SNAT and tunnels, so its SYN is found again
//! elsewhere by that number, and its other packets by the addresses that this SYN had there. A UDP datagram is found
//! again by its IP identification with the payload's hash and length. What cannot be joined is said, never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::capture::Capture;
use crate::model::clock::Offsets;
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::{Body, Flags, Packet};
use crate::model::probe::{Attempt, Probe, Speech};

/// Source address and port, destination address and port, as the request carries them at one place.
type Tuple = (IpAddr, u16, IpAddr, u16);

/// Every try of every probe with its sightings. `pods` maps endpoint addresses to pod names.
#[must_use]
pub fn follow(captures: &[Capture], probes: &[Probe], pods: &BTreeMap<IpAddr, String>) -> Vec<Connection> {
    let index = Index::new(captures);
    probes
        .iter()
        .flat_map(|probe| probe.made().map(move |attempt| (probe, attempt)))
        .map(|(probe, attempt)| connection(&index, captures, probe, attempt, pods))
        .collect()
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

/// Where each SYN and each datagram was seen, so that a join does not read every packet for every connection.
struct Index {
    syn_by_sequence: BTreeMap<u32, BTreeSet<Tuple>>,
    syn_by_source: BTreeMap<Tuple, BTreeSet<u32>>,
    datagrams: BTreeMap<(u16, u32, u32), BTreeSet<Tuple>>,
    by_tuple: BTreeMap<Tuple, Vec<(usize, usize)>>,
    icmp: Vec<(usize, usize)>,
}

impl Index {
    fn new(captures: &[Capture]) -> Self {
        let mut index = Self {
            syn_by_sequence: BTreeMap::new(),
            syn_by_source: BTreeMap::new(),
            datagrams: BTreeMap::new(),
            by_tuple: BTreeMap::new(),
            icmp: Vec::new(),
        };
        for (c, capture) in captures.iter().enumerate() {
            for (p, packet) in capture.packets.iter().enumerate() {
                index.take(c, p, packet);
            }
        }
        index
    }

    fn take(&mut self, c: usize, p: usize, packet: &Packet) {
        match &packet.body {
            Body::Tcp(segment) => {
                let tuple = (segment.source, segment.source_port, segment.destination, segment.destination_port);
                if segment.flags.is_syn() {
                    self.syn_by_sequence.entry(segment.sequence).or_default().insert(tuple);
                    self.syn_by_source.entry(tuple).or_default().insert(segment.sequence);
                }
                self.by_tuple.entry(tuple).or_default().push((c, p));
            }
            Body::Udp(datagram) => {
                let tuple = (datagram.source, datagram.source_port, datagram.destination, datagram.destination_port);
                self.datagrams.entry((datagram.identification, datagram.payload_hash, datagram.length)).or_default().insert(tuple);
                self.by_tuple.entry(tuple).or_default().push((c, p));
            }
            Body::Icmp(_) => self.icmp.push((c, p)),
            _ => {}
        }
    }

    /// Every form that the connection's request addresses take anywhere.
    fn forms(&self, probe: &Probe, attempt: &Attempt, captures: &[Capture]) -> BTreeSet<Tuple> {
        let mut forms: BTreeSet<Tuple> = self
            .by_tuple
            .keys()
            .filter(|(source, port, to, to_port)| {
                *to == probe.address
                    && *to_port == probe.port
                    && *port == attempt.source_port
                    && attempt.source.is_none_or(|own| own == *source)
            })
            .copied()
            .collect();
        if probe.speech == Speech::Udp {
            let seen: Vec<(u16, u32, u32)> = forms.iter().flat_map(|tuple| self.datagram_keys(*tuple, captures)).collect();
            for key in seen {
                forms.extend(
                    self.datagrams.get(&key).into_iter().flatten().filter(|tuple| tuple.1 != probe.port || tuple.0 != probe.address),
                );
            }
        } else {
            let sequences: BTreeSet<u32> = forms.iter().filter_map(|tuple| self.syn_by_source.get(tuple)).flatten().copied().collect();
            for sequence in sequences {
                forms.extend(self.syn_by_sequence.get(&sequence).into_iter().flatten());
            }
        }
        // Where a bridge undoes the source translation early, an answer carries the pod's address and the client's.
        let clients: Vec<Tuple> = forms.iter().filter(|form| form.2 == probe.address && form.3 == probe.port).copied().collect();
        let ends: Vec<Tuple> = forms.iter().filter(|form| form.2 != probe.address).copied().collect();
        forms.extend(clients.iter().flat_map(|client| ends.iter().map(|end| (client.0, client.1, end.2, end.3))));
        forms
    }

    fn datagram_keys(&self, tuple: Tuple, captures: &[Capture]) -> Vec<(u16, u32, u32)> {
        let mut keys = Vec::new();
        for (c, p) in self.by_tuple.get(&tuple).into_iter().flatten() {
            if let Some(Body::Udp(datagram)) = captures.get(*c).and_then(|capture| capture.packets.get(*p)).map(|packet| &packet.body) {
                // Identification 0 is shared by every datagram that may not be fragmented: it joins nothing.
                if datagram.identification != 0 {
                    keys.push((datagram.identification, datagram.payload_hash, datagram.length));
                }
            }
        }
        keys
    }
}

fn connection(index: &Index, captures: &[Capture], probe: &Probe, attempt: &Attempt, pods: &BTreeMap<IpAddr, String>) -> Connection {
    let forms = index.forms(probe, attempt, captures);
    let mut hops = Vec::new();
    for form in &forms {
        let back = (form.2, form.3, form.0, form.1);
        for (tuple, request) in [(*form, true), (back, false)] {
            for (c, p) in index.by_tuple.get(&tuple).into_iter().flatten() {
                hops.extend(seen(captures, *c, *p).and_then(|(capture, packet)| hop(capture, packet, request)));
            }
        }
    }
    for (c, p) in &index.icmp {
        let Some((capture, packet)) = seen(captures, *c, *p) else { continue };
        if let Body::Icmp(icmp) = &packet.body
            && let Some((_, source, destination, source_port, destination_port)) = icmp.quoted
        {
            let quoted = (source, source_port, destination, destination_port);
            let back = (destination, destination_port, source, source_port);
            if forms.contains(&quoted) || forms.contains(&back) {
                hops.extend(hop(capture, packet, forms.contains(&back) && !forms.contains(&quoted)));
            }
        }
    }
    in_order(&mut hops);
    let pod = forms.iter().find_map(|form| pods.get(&form.2)).cloned();
    let not_joined = forms.is_empty().then(|| "no packet of it was seen anywhere".to_owned());
    Connection { vantage: probe.vantage.clone(), attempt: attempt.clone(), hops, pod, not_joined }
}

/// The packet at a place of the index, with its capture.
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
        interface: packet.interface.clone(),
        passage: packet.passage,
        request,
        what,
        source,
        destination,
        tunnel: packet.tunnel.clone(),
        outer: packet.outer,
        source_mac: packet.source_mac.clone(),
        sequence: if let Body::Tcp(segment) = &packet.body { segment.sequence } else { 0 },
        length,
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
