//! The road of each connection as it was seen, hop by hop: what `trace` gives and reports draw.
//!
//! The order is that of the road (client, announcing node, other node, pod), by what the packets looked like at each place, and within
//! a place that of time: the clocks of several hosts decide nothing.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
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

/// How places' times compare. The hosts' clocks were compared with ours, to within an error that is often longer than a packet's
/// whole road; packets that went one way and answers that went the other bound it more closely.
struct Clocks<'a> {
    /// A place's host, with the error of its clock; `None` where that was not compared.
    places: BTreeMap<String, (&'a Host, Option<i64>)>,
    /// How far the second host's clock may be ahead of the first one's, nanoseconds: least and most, by packets.
    bounds: BTreeMap<(&'a Host, &'a Host), (i64, i64)>,
}

impl<'a> Clocks<'a> {
    fn new(flow: &'a Flow) -> Self {
        let error = |host: &Host| match flow.clocks.0.get(&host.name) {
            Some(offset) => i64::try_from(offset.error_us).ok().map(|error| error.saturating_mul(1000)),
            None => (host.kind == HostKind::Local).then_some(0),
        };
        let places = flow.captures.iter().map(|capture| {
            let host = capture.request.place.host();
            (capture.request.place.to_string(), (host, error(host)))
        });
        let mut clocks = Self { places: places.collect(), bounds: BTreeMap::new() };
        for connection in &flow.connections {
            clocks.bound(connection);
        }
        clocks
    }

    /// No packet arrives before it was sent, and no answer comes back before it was given.
    fn bound(&mut self, connection: &Connection) {
        let client = connection.vantage.place();
        let first = |place: &str, request: bool| {
            let syn = if request { Sighting::Syn } else { Sighting::SynAck };
            connection.hops.iter().filter(|hop| hop.place == place && hop.what == syn && hop.request == request).map(|hop| hop.at).min()
        };
        let places: BTreeSet<&String> = connection.hops.iter().map(|hop| &hop.place).collect();
        let host = |place: &str| self.places.get(place).map(|(host, _)| *host);
        for place in places.into_iter().filter(|place| *place != client) {
            let Some(hosts) = host(client).zip(host(place)) else { continue };
            // All places of a host go by its one clock.
            let bounds = self.bounds.entry(hosts).or_insert((i64::MIN, i64::MAX));
            if let (Some(sent), Some(seen)) = (first(client, true), first(place, true)) {
                bounds.1 = bounds.1.min(seen.saturating_sub(sent));
            }
            if let (Some(answered), Some(back)) = (first(place, false), first(client, false)) {
                bounds.0 = bounds.0.max(answered.saturating_sub(back));
            }
        }
    }

    /// Microseconds from one sighting to another and how far off that may be; `None` where nothing bounds it.
    fn between(&self, first: &Hop, hop: &Hop) -> Option<(i64, i64)> {
        let ((one, one_error), (other, other_error)) = (self.places.get(&first.place)?, self.places.get(&hop.place)?);
        let apart = hop.at.saturating_sub(first.at);
        if one == other {
            return Some((apart / 1000, 0));
        }
        let error = one_error.zip(*other_error).map(|(one, other)| one.saturating_add(other));
        let (least, most) = self.bounds.get(&(*one, *other)).copied().unwrap_or((i64::MIN, i64::MAX));
        let compared = error.map(|error| (least.max(-error), most.min(error))).filter(|(least, most)| least <= most);
        let (least, most) = compared.unwrap_or((least, most));
        if least == i64::MIN || most == i64::MAX || least > most {
            return None;
        }
        let ahead = least + (most - least) / 2;
        Some((apart.saturating_sub(ahead) / 1000, (most - least) / 2000))
    }
}

fn path(connection: &Connection, vip: IpAddr, clocks: &Clocks) -> Path {
    let request = leg(connection, vip, true);
    let answer = leg(connection, vip, false);
    let first = request.first().or(answer.first()).copied();
    let packets = packets_by_spot(connection);
    let shown = |hop: &&Hop| path_hop(hop, &packets, first.and_then(|first| clocks.between(first, hop)));
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

/// How many packets passed each spot in each direction.
fn packets_by_spot(connection: &Connection) -> BTreeMap<(Spot<'_>, bool), usize> {
    let mut packets = BTreeMap::new();
    for hop in connection.hops.iter().filter(|hop| hop.what != Sighting::IcmpError) {
        *packets.entry((spot(hop), hop.request)).or_default() += 1;
    }
    packets
}

fn path_hop(hop: &Hop, packets: &BTreeMap<(Spot<'_>, bool), usize>, after: Option<(i64, i64)>) -> PathHop {
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
        packets: packets.get(&(spot(hop), hop.request)).copied().unwrap_or_default(),
        after_us: after.map(|(after, _)| after),
        error_us: after.map(|(_, error)| error),
    }
}

fn end((address, port): (IpAddr, u16)) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

/// Place, interface, passage and tunnel.
type Spot<'a> = (&'a str, &'a str, u8, Option<&'a str>);

fn spot(hop: &Hop) -> Spot<'_> {
    let passage = match hop.passage {
        Passage::In => 0,
        Passage::Out => 1,
        Passage::Other => 2,
    };
    (&hop.place, &hop.interface, passage, hop.tunnel.as_deref())
}

/// The sightings of the first packet (or the answer to it), one for each spot, the first there, in the order of the road.
fn leg(connection: &Connection, vip: IpAddr, request: bool) -> Vec<&Hop> {
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
fn in_order(connection: &Connection, vip: IpAddr, request: bool, wanted: impl Fn(&Hop) -> bool) -> Vec<&Hop> {
    // A bridge takes every frame of its ports: "for another host" says something only of the Service's own address, and only where the host
    // itself takes the packet nowhere.
    let came_in = connection.hops.iter().filter(|hop| wanted(hop) && hop.passage == Passage::In);
    let taken: BTreeSet<&str> = came_in.map(|hop| hop.place.as_str()).collect();
    let strays = |hop: &&Hop| hop.passage != Passage::Other || (hop.destination.0 == vip && !taken.contains(hop.place.as_str()));
    let entered = entered(connection, vip);
    let mut hops: Vec<&Hop> = connection.hops.iter().filter(|hop| wanted(hop)).filter(strays).collect();
    hops.sort_by_key(|hop| {
        let rank = rank(connection, hop, &entered);
        (if request { rank } else { -rank }, hop.at)
    });
    let mut seen = BTreeSet::new();
    hops.retain(|hop| seen.insert(spot(hop)));
    hops
}

/// The places where the connection has the Service's own address. A frame for another host that a switch floods comes to many, and makes
/// nobody one of them where others took the connection.
fn entered(connection: &Connection, vip: IpAddr) -> BTreeSet<&str> {
    let own = |hop: &&Hop| hop.tunnel.is_none() && (hop.destination.0 == vip || hop.source.0 == vip);
    let places = |taken: bool| -> BTreeSet<&str> {
        let client = connection.vantage.place();
        let of = |hop: &&Hop| own(hop) && hop.place != client && (!taken || hop.passage != Passage::Other);
        connection.hops.iter().filter(of).map(|hop| hop.place.as_str()).collect()
    };
    let taken = places(true);
    if taken.is_empty() { places(false) } else { taken }
}

/// Client, announcing node, other node, pod: by what the packets looked like there, not by clocks of several hosts.
fn rank(connection: &Connection, hop: &Hop, entered: &BTreeSet<&str>) -> i32 {
    if hop.place == connection.vantage.place() {
        return 0;
    }
    if hop.place.contains('/') {
        return 3;
    }
    if entered.contains(hop.place.as_str()) { 1 } else { 2 }
}

/// Where the connection was seen last. When it was not answered, that is the furthest place of the packet that it waits behind: the
/// first one, the answer to it, or the piece of data that got least far, of whoever spoke last.
fn last_seen<'a>(connection: &'a Connection, vip: IpAddr, request: &[&'a Hop], answer: &[&'a Hop]) -> Option<&'a Hop> {
    if connection.attempt.answered() {
        let told = |hop: &&Hop| hop.what != Sighting::IcmpError;
        let home = |hop: &&Hop| told(hop) && !hop.request && hop.place == connection.vantage.place();
        return connection.hops.iter().rfind(home).or_else(|| connection.hops.iter().rfind(told));
    }
    let Some(answered_at) = answer.last() else { return request.last().copied() };
    let client = connection.vantage.place();
    let client_watched = connection.hops.iter().any(|hop| hop.place == client);
    if client_watched && answered_at.place != client {
        return Some(answered_at);
    }
    let both = [Data::new(connection, vip, true), Data::new(connection, vip, false)];
    // What an answer has that did not come to the client is what it waits for, whatever the clocks of the hosts say.
    if let [_, Some(back)] = &both
        && client_watched
        && back.short_of(client)
    {
        return back.least_far().or(Some(answered_at));
    }
    let last_speaker = both.iter().flatten().max_by_key(|data| data.ended(client));
    last_speaker.and_then(Data::least_far).or(Some(answered_at))
}

/// The payload of one direction.
struct Data<'a> {
    /// Each sighting with where its payload begins and ends, counted so that wrapped numbers stay in order, and with how far along the
    /// road it is.
    pieces: Vec<(u32, u32, usize, &'a Hop)>,
}

impl<'a> Data<'a> {
    /// `None` when no payload was seen.
    fn new(connection: &'a Connection, vip: IpAddr, request: bool) -> Option<Self> {
        let wanted = |hop: &Hop| hop.request == request && hop.what == Sighting::Data;
        let spots: BTreeMap<Spot<'_>, usize> =
            (0..).zip(in_order(connection, vip, request, wanted)).map(|(at, hop)| (spot(hop), at)).collect();
        let base = connection.hops.iter().find(|hop| wanted(hop))?.sequence;
        let piece = |hop: &'a Hop| {
            let begin = hop.sequence.wrapping_sub(base).wrapping_add(1 << 30);
            Some((begin, begin.saturating_add(hop.length), *spots.get(&spot(hop))?, hop))
        };
        Some(Self { pieces: connection.hops.iter().filter(|hop| wanted(hop)).filter_map(piece).collect() })
    }

    /// When its end was first seen, at the client if it was seen there.
    fn ended(&self, client: &str) -> Option<i64> {
        let end = self.pieces.iter().map(|(_, end, _, _)| *end).max()?;
        let ends = || self.pieces.iter().filter(|(_, to, _, _)| *to == end).map(|(_, _, _, hop)| *hop);
        let at_client = ends().filter(|hop| hop.place == client).map(|hop| hop.at).min();
        at_client.or_else(|| ends().map(|hop| hop.at).min())
    }

    /// Whether its end was seen, and not at that place.
    fn short_of(&self, place: &str) -> bool {
        let end = self.pieces.iter().map(|(_, end, _, _)| *end).max();
        !self.pieces.iter().any(|(_, to, _, hop)| Some(*to) == end && hop.place == place)
    }

    /// A segment may be large here and cut there: every piece that was ever cut is looked for by itself.
    fn least_far(&self) -> Option<&'a Hop> {
        let mut cuts: Vec<u32> = self.pieces.iter().flat_map(|(begin, end, _, _)| [*begin, *end]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut by_begin: Vec<usize> = (0..self.pieces.len()).collect();
        by_begin.sort_by_key(|at| self.pieces[*at].0);
        let mut next = by_begin.into_iter().peekable();
        // The pieces that have begun, the one that got furthest on top; of as far ones the later.
        let mut begun: BinaryHeap<(usize, usize)> = BinaryHeap::new();
        let mut least: Option<(usize, usize)> = None;
        for cut in cuts.windows(2) {
            while let Some(at) = next.next_if(|at| self.pieces[*at].0 <= cut[0]) {
                begun.push((self.pieces[at].2, at));
            }
            while begun.peek().is_some_and(|(_, at)| self.pieces[*at].1 < cut[1]) {
                begun.pop();
            }
            let Some(furthest) = begun.peek() else { continue };
            if least.is_none_or(|least| furthest.0 < least.0) {
                least = Some(*furthest);
            }
        }
        least.map(|(_, at)| self.pieces[at].3)
    }
}

#[cfg(test)]
mod tests;
