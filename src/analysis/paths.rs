//! The road of each connection as it was seen, hop by hop: what `trace` gives and reports draw.
//!
//! The order is that of the road (client, announcing node, other node, pod), by what the packets looked like at each place, and within
//! a place that of time: the clocks of several hosts decide nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::connection::{Connection, Hop, Path, PathHop, Sighting};
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{Host, HostKind};

/// Every connection of the flow with its hops.
#[must_use]
pub fn paths(flow: &Flow) -> Vec<Path> {
    let clocks = Clocks::new(flow);
    flow.connections.iter().filter_map(|connection| Some(path(connection, address(flow, connection)?, &clocks))).collect()
}

/// The address that the connection's probe asked.
fn address(flow: &Flow, connection: &Connection) -> Option<IpAddr> {
    let own = |probe: &&crate::model::probe::Probe| probe.vantage == connection.vantage && probe.attempts.contains(&connection.attempt);
    flow.probes.iter().find(own).map(|probe| probe.address)
}

/// Which places' times may be compared.
struct Clocks<'a> {
    /// A place's host, and whether its clock was compared with ours.
    places: BTreeMap<String, (&'a Host, bool)>,
}

impl<'a> Clocks<'a> {
    fn new(flow: &'a Flow) -> Self {
        let known = |host: &Host| host.kind == HostKind::Local || flow.clocks.0.contains_key(&host.name);
        let places = flow.captures.iter().map(|capture| {
            let host = capture.request.place.host();
            (capture.request.place.to_string(), (host, known(host)))
        });
        Self { places: places.collect() }
    }

    /// Microseconds from one sighting to another; `None` where the clocks of their hosts were not compared.
    fn between(&self, first: &Hop, hop: &Hop) -> Option<i64> {
        let (Some((one, one_known)), Some((other, other_known))) = (self.places.get(&first.place), self.places.get(&hop.place)) else {
            return None;
        };
        (one == other || *one_known && *other_known).then(|| hop.at.saturating_sub(first.at) / 1000)
    }
}

fn path(connection: &Connection, vip: IpAddr, clocks: &Clocks) -> Path {
    let request = leg(connection, vip, true);
    let answer = leg(connection, vip, false);
    let first = request.first().or(answer.first()).copied();
    let shown = |hop: &&Hop| path_hop(connection, hop, first.and_then(|first| clocks.between(first, hop)));
    Path {
        from: connection.vantage.text(),
        number: connection.attempt.number,
        pod: connection.pod.clone(),
        answered: connection.attempt.answered(),
        ending: connection.attempt.ending,
        last_seen: last_seen(connection, vip, &request, &answer).as_ref().map(shown),
        request: request.iter().map(shown).collect(),
        answer: answer.iter().map(shown).collect(),
        not_joined: connection.not_joined.clone(),
    }
}

fn path_hop(connection: &Connection, hop: &Hop, after_us: Option<i64>) -> PathHop {
    let packets =
        connection.hops.iter().filter(|other| other.request == hop.request && other.what != Sighting::IcmpError && same_spot(other, hop));
    let passage = match hop.passage {
        Passage::In => "in",
        Passage::Out => "out",
        Passage::Other => "passing, for another host",
    };
    let tunnel = hop.tunnel.as_ref().map(|tunnel| format!(" {tunnel}")).unwrap_or_default();
    PathHop {
        at: format!("{}/{} {passage}{tunnel}", hop.place, hop.interface),
        place: hop.place.clone(),
        interface: hop.interface.clone(),
        passage: hop.passage,
        tunnel: hop.tunnel.clone(),
        what: hop.what,
        source: end(hop.source),
        destination: end(hop.destination),
        length: hop.length,
        packets: packets.count(),
        after_us,
    }
}

fn end((address, port): (IpAddr, u16)) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

fn same_spot(one: &Hop, other: &Hop) -> bool {
    one.place == other.place && one.interface == other.interface && one.passage == other.passage && one.tunnel == other.tunnel
}

/// The sightings of the first packet (or the answer to it), one for each spot, the first there, in the order of the road.
fn leg<'a>(connection: &'a Connection, vip: IpAddr, request: bool) -> Vec<&'a Hop> {
    let tcp = connection.hops.iter().any(|hop| matches!(hop.what, Sighting::Syn | Sighting::SynAck));
    let first = |hop: &Hop| match hop.what {
        Sighting::Syn => request,
        Sighting::SynAck | Sighting::Reset => !request,
        // Of datagrams every one is a first one.
        Sighting::Data => !tcp,
        Sighting::Fin | Sighting::Ack | Sighting::IcmpError => false,
    };
    in_order(connection, vip, request, |hop| hop.request == request && first(hop))
}

/// The wanted sightings, one for each spot, in the order of the road.
fn in_order<'a>(connection: &'a Connection, vip: IpAddr, request: bool, wanted: impl Fn(&Hop) -> bool) -> Vec<&'a Hop> {
    // A bridge takes every frame of its ports: "for another host" says something only of the Service's own address, and only where the host
    // itself takes the packet nowhere.
    let taken = |hop: &Hop| connection.hops.iter().any(|other| wanted(other) && other.place == hop.place && other.passage == Passage::In);
    let strays = |hop: &&Hop| hop.passage != Passage::Other || (hop.destination.0 == vip && !taken(hop));
    let mut hops: Vec<&Hop> = connection.hops.iter().filter(|hop| wanted(hop)).filter(strays).collect();
    hops.sort_by_key(|hop| {
        let rank = rank(connection, hop, vip);
        (if request { rank } else { -rank }, hop.at)
    });
    let mut spots: Vec<&Hop> = Vec::new();
    for hop in hops {
        if !spots.iter().any(|known| same_spot(known, hop)) {
            spots.push(hop);
        }
    }
    spots
}

/// Client, announcing node, other node, pod: by what the packets looked like there, not by clocks of several hosts.
fn rank(connection: &Connection, hop: &Hop, vip: IpAddr) -> i32 {
    if hop.place == connection.vantage.place() {
        return 0;
    }
    if hop.place.contains('/') {
        return 3;
    }
    let entered = connection
        .hops
        .iter()
        .any(|other| other.place == hop.place && other.tunnel.is_none() && (other.destination.0 == vip || other.source.0 == vip));
    if entered { 1 } else { 2 }
}

/// Where the packet was seen last that the connection waits behind: the first one, the answer to it, or the data that got furthest.
fn last_seen<'a>(connection: &'a Connection, vip: IpAddr, request: &[&'a Hop], answer: &[&'a Hop]) -> Option<&'a Hop> {
    let Some(answered_at) = answer.last() else { return request.last().copied() };
    let client = connection.vantage.place();
    let client_watched = connection.hops.iter().any(|hop| hop.place == client);
    if client_watched && answered_at.place != client {
        return Some(answered_at);
    }
    let furthest = |request: bool| {
        let data: Vec<&Hop> = connection.hops.iter().filter(|hop| hop.request == request && hop.what == Sighting::Data).collect();
        let base = data.iter().map(|hop| hop.sequence).next()?;
        // Relative to one of them, so that wrapped numbers stay in order.
        let end = |hop: &Hop| hop.sequence.wrapping_sub(base).wrapping_add(1 << 30).wrapping_add(hop.length);
        let most = data.iter().map(|hop| end(hop)).max()?;
        let hops = in_order(connection, vip, request, |hop| hop.request == request && hop.what == Sighting::Data && end(hop) == most);
        hops.last().copied()
    };
    furthest(false).or_else(|| furthest(true)).or(Some(answered_at))
}
