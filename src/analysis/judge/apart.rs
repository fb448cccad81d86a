//! What separates the tries that fail from those that are answered: observations of their source ports, their order and their flags.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::case::Case;
use super::road::Road;
use crate::model::packet::{Body, Flags, Offers, Passage};

/// Tries of which each side has to have as many, so that what separates them is no chance.
const ENOUGH: usize = 3;

/// Everything that separates them.
pub(super) fn told(case: &Case, roads: &[&Road]) -> Vec<String> {
    let clients: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
    let all = case.roads();
    let here: Vec<&Road> = all.iter().filter(|road| clients.contains(&road.client()) && !road.late()).collect();
    let by_number = ports_apart(&here).or_else(|| parity(&here));
    by_number
        .into_iter()
        .chain(sizes_apart(&here))
        .chain(first_ones(&here))
        .chain(flags_apart(case, roads))
        .chain(headers_apart(case, roads))
        .collect()
}

fn ports(roads: &[&Road], answered: bool) -> BTreeSet<u16> {
    let of = roads.iter().map(|road| &road.connection.attempt).filter(|attempt| attempt.answered() == answered);
    of.map(|attempt| attempt.source_port).filter(|port| *port != 0).collect()
}

/// That the failing tries all ask from higher source ports than the answered ones of the same places, or from lower ones.
fn ports_apart(roads: &[&Road]) -> Option<String> {
    let (failed, answered) = (ports(roads, false), ports(roads, true));
    let (first, last) = (failed.first()?, failed.last()?);
    let (low, high) = (answered.first()?, answered.last()?);
    if failed.len() < ENOUGH || answered.len() < ENOUGH || !(first > high || last < low) {
        return None;
    }
    Some(format!("the failing ones ask from source ports {first} to {last}, the answered ones from {low} to {high}"))
}

/// That the failing tries all ask from odd source ports and the answered ones from even ones, or the reverse: one of two links that share
/// the traffic, or one of two machines, fails.
fn parity(roads: &[&Road]) -> Option<String> {
    let (failed, answered) = (ports(roads, false), ports(roads, true));
    let odd = |ports: &BTreeSet<u16>| ports.iter().filter(|port| *port % 2 == 1).count();
    // Of a few ports all are odd by chance.
    if failed.len() < 2 * ENOUGH || answered.len() < ENOUGH {
        return None;
    }
    match (odd(&failed), odd(&answered)) {
        (all, 0) if all == failed.len() => Some("the failing ones ask from odd source ports, the answered ones from even ones".to_owned()),
        (0, all) if all == answered.len() => {
            Some("the failing ones ask from even source ports, the answered ones from odd ones".to_owned())
        }
        _ => None,
    }
}

/// That the failing tries all are larger than the answered ones of the same places.
fn sizes_apart(roads: &[&Road]) -> Option<String> {
    let sizes = |answered: bool| -> BTreeSet<u32> {
        let of = roads.iter().map(|road| &road.connection.attempt).filter(|attempt| attempt.answered() == answered);
        of.filter_map(|attempt| attempt.bytes).collect()
    };
    let (failed, answered) = (sizes(false), sizes(true));
    let (least, most) = (failed.first()?, answered.last()?);
    (least > most).then(|| format!("requests of {least} bytes and more fail, those of {most} bytes and less are answered"))
}

/// That of each place the first tries pass and none after them: something counts them.
fn first_ones(roads: &[&Road]) -> Option<String> {
    let mut rounds: BTreeMap<(String, bool), Vec<(i64, bool)>> = BTreeMap::new();
    for road in roads {
        let sent = road.sent().map(|hop| hop.at).min()?;
        rounds.entry((road.client(), road.repeated())).or_default().push((sent, road.connection.attempt.answered()));
    }
    let mut told = Vec::new();
    for ((client, _), mut tries) in rounds {
        tries.sort_unstable();
        let first = tries.iter().take_while(|(_, answered)| *answered).count();
        if tries[first..].iter().any(|(_, answered)| *answered) {
            return None;
        }
        if first >= ENOUGH && tries.len() - first >= ENOUGH {
            told.push(format!("of {} tries from {client} the first {first} are answered, and none after them", tries.len()));
        }
    }
    told.dedup();
    (!told.is_empty()).then(|| told.join(", "))
}

/// That what is lost of late tries has flags which what passes has not: first packets that offer ECN, and those sent again that do not.
fn flags_apart(case: &Case, roads: &[&Road]) -> Option<String> {
    let vip = case.address()?;
    let late: Vec<&&Road> = roads.iter().filter(|road| road.late()).collect();
    if late.len() < ENOUGH {
        return None;
    }
    let (mut lost, mut passed) = (BTreeSet::new(), BTreeSet::new());
    for road in late {
        let (sent, came) = firsts(road, vip);
        // The first one that left is the one that was lost.
        lost.insert(sent.first()?.offers_ecn());
        passed.extend(came.iter().map(|flags| flags.offers_ecn()));
    }
    let all = |set: &BTreeSet<bool>, wanted| set.iter().all(|has| *has == wanted) && !set.is_empty();
    (all(&lost, true) && all(&passed, false))
        .then(|| "the first packets that are lost offer ECN (flags ECE and CWR), those sent again that pass do not".to_owned())
}

/// Whether a first packet has something; `None` where that was not read.
type Has = fn(&First) -> Option<bool>;

/// What a connection's first packet may have, and its words.
const PROPERTIES: [(&str, Has); 8] = [
    ("offer ECN (flags ECE and CWR)", |first| Some(first.flags.offers_ecn())),
    ("carry TCP timestamps", |first| first.offers.has(Offers::TIMESTAMPS)),
    ("carry a window scale", |first| first.offers.has(Offers::WINDOW_SCALE)),
    ("permit SACK", |first| first.offers.has(Offers::SACK)),
    ("tell a largest segment (MSS)", |first| first.offers.has(Offers::SEGMENT_SIZE)),
    ("ask for TCP Fast Open", |first| first.offers.has(Offers::FAST_OPEN)),
    ("are signed (MD5 or TCP-AO)", |first| first.offers.has(Offers::SIGNED)),
    ("have a DSCP other than 0", |first| first.offers.has(Offers::CLASS)),
];

/// A connection's packet that asks for it, as it left the client.
struct First {
    flags: Flags,
    offers: Offers,
    ttl: Option<u8>,
}

/// What the first packets of all failing tries have and none of the answered ones, whoever sent them, or the reverse: somebody on the way may
/// go by that. Of tries that are answered late `flags_apart` tells.
fn headers_apart(case: &Case, roads: &[&Road]) -> Option<String> {
    let vip = case.address()?;
    let lost: Vec<First> = roads.iter().filter(|road| !road.late()).filter_map(|road| asking(road, vip).into_iter().next()).collect();
    let all = case.roads();
    let answered: Vec<First> =
        all.iter().filter(|road| road.connection.attempt.answered()).filter_map(|road| asking(road, vip).pop()).collect();
    if lost.len() < ENOUGH || answered.len() < ENOUGH {
        return None;
    }
    let have = |firsts: &[First], has: &Has, wanted: bool| firsts.iter().all(|first| has(first) == Some(wanted));
    let mut told: Vec<String> = PROPERTIES
        .iter()
        .filter_map(|(words, has)| match (have(&lost, has, true), have(&answered, has, true)) {
            (true, false) if have(&answered, has, false) => {
                Some(format!("the first packets of the failing tries {words}, those of the answered ones do not"))
            }
            (false, true) if have(&lost, has, false) => {
                Some(format!("the first packets of the answered tries {words}, those of the failing ones do not"))
            }
            _ => None,
        })
        .collect();
    let ttls = |firsts: &[First]| firsts.iter().map(|first| first.ttl).collect::<Option<BTreeSet<u8>>>();
    if let (Some(failed), Some(passed)) = (ttls(&lost), ttls(&answered))
        && failed.is_disjoint(&passed)
    {
        let listed = |set: &BTreeSet<u8>| set.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ");
        told.push(format!("the failing tries leave with a TTL of {}, the answered ones of {}", listed(&failed), listed(&passed)));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// The packets by which a try asked for its connection, as they left the client.
fn asking(road: &Road, vip: IpAddr) -> Vec<First> {
    let attempt = &road.connection.attempt;
    let client = road.client();
    let captures = road.captures().iter().filter(|capture| capture.request.place.to_string() == client);
    let left = captures.flat_map(|capture| &capture.packets).filter(|packet| packet.passage == Passage::Out && packet.tunnel.is_none());
    let own = left.filter_map(|packet| match &packet.body {
        Body::Tcp(segment)
            if segment.flags.is_syn()
                && segment.destination == vip
                && segment.source_port == attempt.source_port
                && attempt.source == Some(segment.source) =>
        {
            Some(First { flags: segment.flags, offers: segment.offers, ttl: packet.ttl })
        }
        _ => None,
    });
    own.collect()
}

/// The flags of a try's first packets, as they left the client and as they came in elsewhere, in their order.
fn firsts(road: &Road, vip: IpAddr) -> (Vec<Flags>, Vec<Flags>) {
    let attempt = &road.connection.attempt;
    let of = |at_client: bool| -> Vec<Flags> {
        let captures = road.captures().iter().filter(|capture| (capture.request.place.to_string() == road.client()) == at_client);
        let wanted = if at_client { Passage::Out } else { Passage::In };
        let packets = captures.flat_map(|capture| &capture.packets).filter(|packet| packet.passage == wanted && packet.tunnel.is_none());
        let flags = packets.filter_map(|packet| match &packet.body {
            Body::Tcp(segment) if segment.flags.is_syn() => {
                let own =
                    segment.destination == vip && segment.source_port == attempt.source_port && attempt.source == Some(segment.source);
                own.then_some(segment.flags)
            }
            _ => None,
        });
        flags.collect()
    };
    (of(true), of(false))
}

#[cfg(test)]
mod tests;
