//! A connection's road as one line a direction, for people.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::Passage;

/// One line for each pair of vantage point and pod: where the request's first packet was seen, and the answer's.
#[must_use]
pub fn roads(connections: &[Connection], vip: IpAddr) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    for connection in connections {
        let answered = connection.attempt.answered();
        if connection.hops.is_empty() || !seen.insert((connection.vantage.text(), connection.pod.clone(), answered)) {
            continue;
        }
        let from = connection.vantage.text();
        let forth = leg(connection, vip, true);
        let back = leg(connection, vip, false);
        let how = if answered { "" } else { " (not answered)" };
        lines.push(format!("{from}{how}: {}", if forth.is_empty() { "no packet left".to_owned() } else { forth }));
        lines.push(format!("  back: {}", if back.is_empty() { "nothing was seen".to_owned() } else { back }));
    }
    lines
}

/// The sightings of the first packet (or the answer to it), the places in the order of the road, each by its own clock.
fn leg(connection: &Connection, vip: IpAddr, request: bool) -> String {
    let wanted = |hop: &&Hop| {
        let first = if request {
            matches!(hop.what, Sighting::Syn | Sighting::Data)
        } else {
            matches!(hop.what, Sighting::SynAck | Sighting::Reset | Sighting::Data)
        };
        hop.request == request && first
    };
    // A bridge takes every frame of its ports: "for another host" says something only of the Service's own address, and only where the host
    // itself takes the packet nowhere.
    let taken = |hop: &Hop| connection.hops.iter().any(|other| wanted(&other) && other.place == hop.place && other.passage == Passage::In);
    let strays = |hop: &&Hop| hop.passage != Passage::Other || (hop.destination.0 == vip && !taken(hop));
    let tcp = connection.hops.iter().any(|hop| matches!(hop.what, Sighting::Syn | Sighting::SynAck));
    let mut hops: Vec<&Hop> =
        connection.hops.iter().filter(wanted).filter(strays).filter(|hop| !tcp || hop.what != Sighting::Data).collect();
    hops.sort_by_key(|hop| {
        let rank = rank(connection, hop, vip);
        (if request { rank } else { -rank }, hop.at)
    });
    let mut parts: Vec<String> = Vec::new();
    for hop in hops {
        let passage = match hop.passage {
            Passage::In => "in",
            Passage::Out => "out",
            Passage::Other => "passing, for another host",
        };
        let tunnel = hop.tunnel.as_ref().map(|tunnel| format!(" {tunnel}")).unwrap_or_default();
        let what = match hop.what {
            Sighting::Syn => "SYN ",
            Sighting::SynAck => "SYN-ACK ",
            Sighting::Reset => "RST ",
            _ => "",
        };
        let lead = if parts.is_empty() { what } else { "" };
        let part = format!("{lead}{}/{} {passage}{tunnel}", hop.place, hop.interface);
        if !parts.iter().any(|known| known.ends_with(&part)) {
            parts.push(part);
        }
    }
    parts.join(" → ")
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
