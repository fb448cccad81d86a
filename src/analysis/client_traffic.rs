//! A client's own traffic, as the nodes that it came to saw it.
//!
//! Nobody can be asked there how a try ended, so that packets alone tell: what the client acknowledged, it got. What was seen to be
//! sent and not acknowledged it may have got or not; and a try is only said to have failed when it was given time, and when
//! the captures lost nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::capture::Capture;
use crate::model::clock::Offsets;
use crate::model::packet::{Body, Flags, Packet, Passage, Segment};
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Awaited, Ending, Probe, Size, Speech};

/// How long the first packet of a try may stay unanswered before the try counts as failed, nanoseconds: a second one was sent by then.
const GIVEN_UP: i64 = 3 * SECOND;
/// The same for what is sent on a connection that was made.
const NO_ANSWER: i64 = 4 * SECOND;
/// The shortest time after which the same packet is another one, and no second sight of it on another interface.
const ANEW: i64 = SECOND / 2;
const SECOND: i64 = 1_000_000_000;
/// First packets after which nobody needs to wait any longer.
const ENOUGH: usize = 3;
/// Moments of one try that are kept: three tell all.
const MOST_TIMES: usize = 64;
/// Tries that are kept.
const MOST_TRIES: usize = 64;
/// A request of more bytes than this is a large one: it fills a packet on the usual network.
const LARGE: u32 = 1_200;

/// What one node saw, up to a moment.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    pub place: String,
    pub packets: Vec<&'a Packet>,
    /// The moment by that node's clock, nanoseconds since the epoch.
    pub until: i64,
    /// Whether what it did not see was not there.
    pub complete: bool,
}

/// One try of the client's, and whether it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    pub attempt: Attempt,
    pub over: bool,
}

/// What the nodes saw, each once, those that were captured on all interfaces.
#[must_use]
pub fn seen<'a>(captures: &'a [Capture], clocks: &Offsets) -> Vec<Seen<'a>> {
    let on_nodes = captures.iter().filter(|capture| is_node(&capture.request.place) && capture.request.interface == "any");
    on_nodes
        .map(|capture| {
            let place = capture.request.place.to_string();
            let latest = capture.packets.iter().map(|packet| packet.at).max().unwrap_or_default();
            // Without a comparison of the clocks only packets tell how late it was there.
            let until = if clocks.0.contains_key(&capture.request.place.host().name) {
                latest.max(capture.stopped_at.saturating_add(clocks.ahead_ns(&capture.request.place)))
            } else {
                latest
            };
            Seen { place, packets: capture.packets.iter().collect(), until, complete: capture.tells_absence() }
        })
        .collect()
}

/// Whether a place is a node's own network namespace, where a client's packets come in.
#[must_use]
pub fn is_node(place: &Place) -> bool {
    matches!(place, Place::Host(host) if host.kind == HostKind::Node)
}

/// The tries of the client, in their order.
#[must_use]
pub fn tries(seen: &[Seen], awaited: &Awaited) -> Vec<Try> {
    let mut flows: BTreeMap<u16, Flow> = BTreeMap::new();
    for node in seen {
        let mut here: BTreeMap<u16, Flow> = BTreeMap::new();
        for packet in &node.packets {
            take(&mut here, packet, awaited);
        }
        for (port, flow) in here {
            // What a node only sent answers for, and did not take, is no try that came to it.
            if flow.first.is_some() {
                let flow = Flow { until: node.until, complete: node.complete, ..flow };
                match flows.get(&port) {
                    Some(known) if known.first <= flow.first => {}
                    _ => drop(flows.insert(port, flow)),
                }
            }
        }
    }
    let mut all: Vec<(u16, Flow)> = flows.into_iter().collect();
    all.sort_by_key(|(_, flow)| flow.first);
    all.truncate(MOST_TRIES);
    (1..).zip(all).map(|(number, (port, flow))| flow.into_try(number, port, awaited)).collect()
}

/// Writes the tries of a client's probe from what was captured; those that were not over are left out. Gives how many these are.
pub fn fill(probe: &mut Probe, captures: &[Capture], clocks: &Offsets) -> usize {
    let Some(awaited) = probe.awaited.clone() else { return 0 };
    let (over, open): (Vec<Try>, Vec<Try>) = tries(&seen(captures, clocks), &awaited).into_iter().partition(|one| one.over);
    probe.attempts = over.into_iter().map(|one| one.attempt).collect();
    open.len()
}

/// One connection of the client, or the datagrams of one of its ports, as one node saw it.
#[derive(Clone, Debug, Default)]
struct Flow {
    first: Option<i64>,
    last: i64,
    /// First packets of the client, and of the answer, each time that one was sent anew.
    opened: Vec<i64>,
    answered: Vec<i64>,
    /// The client went on after the first answer.
    stands: Option<i64>,
    /// When payload came in first, how much, and when it did last.
    asked: Option<i64>,
    asked_last: i64,
    asked_bytes: u32,
    /// When payload left for the client first, and the number of its first byte.
    told: Option<(i64, u32)>,
    /// Whether the client acknowledged any of that.
    taken: bool,
    ended_by_client: Option<i64>,
    closed_by_service: Option<i64>,
    reset_by_service: Option<i64>,
    reset_by_client: bool,
    error: Option<Ending>,
    until: i64,
    complete: bool,
}

fn take(flows: &mut BTreeMap<u16, Flow>, packet: &Packet, awaited: &Awaited) {
    if packet.tunnel.is_some() {
        return;
    }
    let request = |source: IpAddr, destination: IpAddr, port: u16| {
        source == awaited.client && destination == awaited.address && port == awaited.port && packet.passage == Passage::In
    };
    let reply = |source: IpAddr, port: u16, destination: IpAddr| {
        source == awaited.address && port == awaited.port && destination == awaited.client && packet.passage == Passage::Out
    };
    match &packet.body {
        Body::Tcp(segment) if awaited.speech != Speech::Udp => {
            if request(segment.source, segment.destination, segment.destination_port) {
                flows.entry(segment.source_port).or_default().request(packet.at, segment);
            } else if reply(segment.source, segment.source_port, segment.destination) {
                flows.entry(segment.destination_port).or_default().reply(packet.at, segment);
            }
        }
        Body::Udp(datagram) if awaited.speech == Speech::Udp => {
            if request(datagram.source, datagram.destination, datagram.destination_port) {
                let flow = flows.entry(datagram.source_port).or_default();
                flow.seen(packet.at);
                anew(&mut flow.opened, packet.at);
                flow.asked_bytes = flow.asked_bytes.max(datagram.length);
            } else if reply(datagram.source, datagram.source_port, datagram.destination) {
                let flow = flows.entry(datagram.destination_port).or_default();
                flow.last = flow.last.max(packet.at);
                anew(&mut flow.answered, packet.at);
            }
        }
        Body::Icmp(icmp) if icmp.destination == awaited.client && packet.passage == Passage::Out => {
            if let Some(&(_, source, destination, port, to)) = icmp.quoted.as_deref()
                && (source, destination, to) == (awaited.client, awaited.address, awaited.port)
            {
                let refused = (icmp.kind, icmp.code) == if icmp.source.is_ipv6() { (1, 4) } else { (3, 3) };
                flows.entry(port).or_default().error = Some(if refused { Ending::Refused } else { Ending::HostUnreachable });
            }
        }
        _ => {}
    }
}

/// Notes a moment, unless it is the same packet on another interface.
fn anew(times: &mut Vec<i64>, at: i64) {
    if times.len() < MOST_TIMES && times.iter().all(|known| known.saturating_sub(at).saturating_abs() >= ANEW) {
        times.push(at);
    }
}

impl Flow {
    fn seen(&mut self, at: i64) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(at);
    }

    fn request(&mut self, at: i64, segment: &Segment) {
        // What was under way before the captures listened has no beginning here, and is no try.
        if segment.flags.is_syn() {
            self.seen(at);
            anew(&mut self.opened, at);
            return;
        }
        if self.first.is_none() {
            return;
        }
        self.last = self.last.max(at);
        if segment.flags.is_reset() {
            self.reset_by_client = true;
            self.ended_by_client.get_or_insert(at);
            return;
        }
        self.stands.get_or_insert(at);
        if segment.length > 0 {
            self.asked.get_or_insert(at);
            self.asked_last = at;
            self.asked_bytes = self.asked_bytes.max(segment.length);
        }
        if segment.flags.is_fin() {
            self.ended_by_client.get_or_insert(at);
        }
        if let Some((_, first)) = self.told {
            let acknowledged = segment.acknowledgement.wrapping_sub(first);
            self.taken |= segment.flags.0 & Flags::ACK != 0 && acknowledged > 0 && acknowledged < 1 << 31;
        }
    }

    fn reply(&mut self, at: i64, segment: &Segment) {
        self.last = self.last.max(at);
        if segment.flags.is_reset() {
            self.reset_by_service.get_or_insert(at);
        } else if segment.flags.is_syn_ack() {
            anew(&mut self.answered, at);
        } else {
            if segment.length > 0 {
                self.told.get_or_insert((at, segment.sequence));
            }
            if segment.flags.is_fin() {
                self.closed_by_service.get_or_insert(at);
            }
        }
    }

    fn into_try(self, number: u32, port: u16, awaited: &Awaited) -> Try {
        let first = self.first.unwrap_or_default();
        let ended = if awaited.speech == Speech::Udp { self.datagrams(first) } else { self.connection(first) };
        // What a capture that lost packets did not see proves no failure.
        let ended = ended.filter(|(ending, _)| self.complete || *ending == Ending::Answered);
        let over = ended.is_some();
        let (ending, detail) = ended.unwrap_or((Ending::CouldNotAsk, "it was not over"));
        let attempt = Attempt {
            number,
            size: if self.asked_bytes > LARGE { Size::Large } else { Size::Small },
            bytes: None,
            source: Some(awaited.client),
            source_port: port,
            ending,
            status: None,
            connect_ms: self.stands.map(|at| milliseconds(at - first)),
            total_ms: milliseconds(self.last - first),
            detail: detail.to_owned(),
            certificate: None,
            received: None,
        };
        Try { attempt, over }
    }

    /// How a connection ended; `None` while it may still go on.
    fn connection(&self, first: i64) -> Option<(Ending, &'static str)> {
        let waited = |since: i64, long: i64| self.until.saturating_sub(since) >= long;
        if self.taken {
            return Some((Ending::Answered, "the client acknowledged what it was answered"));
        }
        let Some(stands) = self.stands else {
            if let Some(error) = self.error {
                return Some((error, "an ICMP error left for the client"));
            }
            if self.reset_by_service.is_some() {
                return Some((Ending::Refused, "a reset left for the client"));
            }
            if self.reset_by_client && !self.answered.is_empty() {
                return Some((Ending::Reset, "the client resets what it asked for itself"));
            }
            let over = self.opened.len() >= ENOUGH || waited(first, GIVEN_UP);
            return over.then_some((Ending::ConnectTimeout, "no connection came to be"));
        };
        if let Some((at, _)) = self.told {
            return waited(at, NO_ANSWER).then_some((Ending::AnswerTimeout, "the client acknowledged nothing of the answer"));
        }
        let Some(asked) = self.asked else {
            if self.reset_by_service.is_some() {
                return Some((Ending::Reset, "the Service resets the connection"));
            }
            let over = self.ended_by_client.is_some() || self.closed_by_service.is_some() || waited(stands, GIVEN_UP);
            return over.then_some((Ending::Answered, "a connection, on which the client sent nothing"));
        };
        // A program that misses a part of a request waits for it: one that ends at once had all that it wanted.
        let at_once = |at: i64| at.saturating_sub(self.asked_last) < SECOND;
        if self.reset_by_service.is_some_and(at_once) {
            return Some((Ending::Reset, "the Service resets the connection"));
        }
        if self.closed_by_service.is_some_and(at_once) {
            return Some((Ending::Closed, "the Service closes the connection"));
        }
        let left = self.ended_by_client.is_some_and(|at| at.saturating_sub(asked) >= SECOND);
        (left || waited(asked, NO_ANSWER)).then_some((Ending::AnswerTimeout, "what the client sent is not answered"))
    }

    /// How the datagrams of one port ended. Whether the client got an answer is nothing that packets tell.
    fn datagrams(&self, first: i64) -> Option<(Ending, &'static str)> {
        if !self.answered.is_empty() {
            return Some((Ending::Answered, "an answer left for the client"));
        }
        if let Some(error) = self.error {
            return Some((error, "an ICMP error left for the client"));
        }
        let over = self.opened.len() >= ENOUGH || self.until.saturating_sub(first) >= NO_ANSWER;
        over.then_some((Ending::AnswerTimeout, "no answer left for the client"))
    }
}

fn milliseconds(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds / 1_000_000).unwrap_or_default()
}

/// What was seen of a client of which no try came: each a sentence for a person.
#[must_use]
pub fn traces(captures: &[Capture], awaited: &Awaited, known: &BTreeSet<IpAddr>) -> Vec<String> {
    let (mut asks, mut answers) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let (mut passing, mut elsewhere, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for capture in captures.iter().filter(|capture| is_node(&capture.request.place)) {
        let place = capture.request.place.to_string();
        for packet in &capture.packets {
            if let Body::Arp(arp) = &packet.body {
                if !arp.reply && arp.sender == awaited.client && arp.target == awaited.address && packet.passage == Passage::In {
                    *asks.entry(place.clone()).or_default() += 1;
                } else if arp.reply && arp.sender == awaited.address && arp.target == awaited.client && packet.passage == Passage::Out {
                    *answers.entry(place.clone()).or_default() += 1;
                }
            }
            let (protocol, source, destination, port) = match &packet.body {
                Body::Tcp(segment) => ("TCP", segment.source, segment.destination, segment.destination_port),
                Body::Udp(datagram) => ("UDP", datagram.source, datagram.destination, datagram.destination_port),
                _ => continue,
            };
            if destination != awaited.address || packet.tunnel.is_some() {
                continue;
            }
            let meant = port == awaited.port && (protocol == "UDP") == (awaited.speech == Speech::Udp);
            match packet.passage {
                Passage::Other if source == awaited.client && meant => drop(passing.insert(place.clone())),
                Passage::In if source == awaited.client && !meant => drop(elsewhere.insert(format!("{protocol} port {port}"))),
                Passage::In if source != awaited.client && meant && !known.contains(&source) => drop(others.insert(source)),
                _ => {}
            }
        }
    }
    let client = awaited.client;
    let listed = |set: &BTreeSet<String>| set.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let mut all = Vec::new();
    for (place, count) in &asks {
        let answered = answers.get(place).copied().unwrap_or_default();
        all.push(format!("{count} ARP requests of {client} for the address came in on {place}, which answered {answered}"));
    }
    if !passing.is_empty() {
        all.push(format!("its packets pass {} addressed to another host's MAC", listed(&passing)));
    }
    if !elsewhere.is_empty() {
        all.push(format!("it asks the address at {}, and not at the port that was watched", listed(&elsewhere)));
    }
    if !others.is_empty() {
        let others: BTreeSet<String> = others.iter().take(5).map(ToString::to_string).collect();
        all.push(format!("requests came from {} meanwhile: is the client's address translated on its way?", listed(&others)));
    }
    all
}

#[cfg(test)]
mod tests;
