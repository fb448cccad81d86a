//! Whether an answer came from the Service: a try counts as answered by it only where something ties it to one of its endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::case::Case;
use super::road::Road;
use crate::analysis::state::conntrack::Wanted;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::packet::{Body, Passage};
use crate::model::probe::{Probe, Vantage};
use crate::model::witness::{Tie, Witness};

/// An endpoint's address and number.
type End = (IpAddr, u16);

/// What ties the answered tries to endpoints, place by place.
pub(super) fn witnesses(case: &Case) -> Vec<Witness> {
    let ends = endpoints(case);
    let mut grouped: BTreeMap<(String, Tie, Option<End>), BTreeSet<u16>> = BTreeMap::new();
    let roads = case.roads();
    for road in roads.iter().filter(|road| road.connection.attempt.answered()) {
        if let Some((tie, end)) = tie(case, road, &ends) {
            let from = road.connection.vantage.text();
            grouped.entry((from, tie, Some(end))).or_default().insert(road.connection.attempt.source_port);
        }
    }
    let followed: BTreeSet<String> = grouped.keys().map(|(from, ..)| from.clone()).collect();
    for (from, ports) in answered(case, &roads).into_iter().filter(|(vantage, _)| !followed.contains(&vantage.text())) {
        if let Some(tie) = beside(case, &roads, &from, &followed, &ports) {
            grouped.entry((from.text(), tie, None)).or_default().extend(ports);
        }
    }
    grouped
        .into_iter()
        .map(|((from, by, end), ports)| Witness {
            from,
            endpoint: end.map(|(ip, port)| SocketAddr::new(ip, port).to_string()).unwrap_or_default(),
            by,
            source_ports: ports.into_iter().collect(),
        })
        .collect()
}

/// The places whose answers nothing ties to the Service: there a pass would be believed of whoever answered.
pub(super) fn missing(case: &Case, witnesses: &[Witness]) -> Vec<Gap> {
    let roads = case.roads();
    let undecided = "whether the Service's own endpoints answered, or somebody else: answered, not followed";
    let of = |(vantage, ports): (Vantage, BTreeSet<u16>)| {
        let from = vantage.text();
        let others = elsewhere(case, &roads, &vantage);
        let reason = if let Some(first) = others.first() {
            format!("{} tries from {from} were led to {first}, which is no endpoint of the Service", others.len())
        } else if witnesses.iter().any(|witness| witness.from == from) {
            return None;
        } else {
            format!("{} tries from {from} are answered, and none could be followed to an endpoint of the Service", ports.len())
        };
        Some(Gap::new(names::EVIDENCE_UNDECIDED, &vantage, reason, undecided).decisive())
    };
    if case.target.is_none() { Vec::new() } else { answered(case, &roads).into_iter().filter_map(of).collect() }
}

fn endpoints(case: &Case) -> BTreeSet<IpAddr> {
    case.target.iter().flat_map(|target| &target.endpoints).map(|endpoint| endpoint.ip).collect()
}

/// The answered tries of each place, by source port.
fn answered(case: &Case, roads: &[Road]) -> BTreeMap<Vantage, BTreeSet<u16>> {
    let mut all: BTreeMap<Vantage, BTreeSet<u16>> = BTreeMap::new();
    for probe in case.probes() {
        let ports = probe.made().filter(|attempt| attempt.answered()).map(|attempt| attempt.source_port);
        all.entry(probe.vantage.clone()).or_default().extend(ports);
    }
    for road in roads.iter().filter(|road| road.connection.attempt.answered()) {
        all.entry(road.connection.vantage.clone()).or_default().insert(road.connection.attempt.source_port);
    }
    all.retain(|_, ports| !ports.is_empty());
    all
}

/// What ties one try to an endpoint.
fn tie(case: &Case, road: &Road, ends: &BTreeSet<IpAddr>) -> Option<(Tie, End)> {
    if let Some(end) = road.endpoint().filter(|(ip, _)| ends.contains(ip)) {
        return Some((Tie::Path, end));
    }
    seen(road, ends).map(|end| (Tie::Translation, end)).or_else(|| tabled(case, road, ends).map(|end| (Tie::Conntrack, end)))
}

/// An endpoint that sent something back to the try's own source, as any capture saw it.
fn seen(road: &Road, ends: &BTreeSet<IpAddr>) -> Option<End> {
    let attempt = &road.connection.attempt;
    let source = attempt.source?;
    road.captures().iter().flat_map(|capture| &capture.packets).filter(|packet| packet.passage != Passage::Other).find_map(|packet| {
        let (from, to) = match &packet.body {
            Body::Tcp(segment) => ((segment.source, segment.source_port), (segment.destination, segment.destination_port)),
            Body::Udp(datagram) => ((datagram.source, datagram.source_port), (datagram.destination, datagram.destination_port)),
            _ => return None,
        };
        (to == (source, attempt.source_port) && ends.contains(&from.0)).then_some(from)
    })
}

/// Where a node's table of connections leads the try.
fn tabled(case: &Case, road: &Road, ends: &BTreeSet<IpAddr>) -> Option<End> {
    let attempt = &road.connection.attempt;
    let wanted = Wanted { address: case.address(), client: attempt.source, ..Wanted::default() };
    case.states().flat_map(|pair| pair.after.tracked(&wanted).unwrap_or_default()).find_map(|entry| {
        let its = entry.sport == Some(attempt.source_port) && ends.contains(&entry.reply_src);
        its.then_some((entry.reply_src, entry.reply_sport?))
    })
}

/// Where answered tries of a place were followed to, when it is no endpoint. Where the endpoints are not known, anybody may be one.
fn elsewhere(case: &Case, roads: &[Road], vantage: &Vantage) -> Vec<IpAddr> {
    let ends = endpoints(case);
    if !case.target.is_some_and(|target| target.slices_read) {
        return Vec::new();
    }
    let of = roads.iter().filter(|road| road.connection.vantage == *vantage && road.connection.attempt.answered());
    of.filter_map(Road::endpoint).map(|(ip, _)| ip).filter(|ip| !ends.contains(ip) && !case.is_node_address(*ip)).collect()
}

/// What ties a place of which no try was followed: the certificate, or a proxy's own connections.
fn beside(case: &Case, roads: &[Road], from: &Vantage, followed: &BTreeSet<String>, ports: &BTreeSet<u16>) -> Option<Tie> {
    let shown = |wanted: &dyn Fn(&Probe) -> bool| -> BTreeSet<String> {
        case.probes()
            .filter(|probe| wanted(probe))
            .flat_map(|probe| &probe.certificates)
            .map(|certificate| format!("{certificate:?}"))
            .collect()
    };
    let (own, known) = (shown(&|probe| probe.vantage == *from), shown(&|probe| followed.contains(&probe.vantage.text())));
    if !own.is_empty() && own.is_subset(&known) {
        return Some(Tie::Certificate);
    }
    let reached = || connections_of_others(case, roads) >= ports.len();
    // What asks from inside the cluster is translated before it leaves: nobody sees it under its own name.
    if from.is_inside() {
        return reached().then_some(Tie::Translation);
    }
    (proxied(case, roads, from) && reached()).then_some(Tie::Proxy)
}

/// Whether somebody in between asks in the client's place, as far as is known.
fn proxied(case: &Case, roads: &[Road], from: &Vantage) -> bool {
    let declared = case.address().is_some_and(|address| case.service.proxied_addresses.contains(&address));
    let unjoined = |road: &&Road| road.connection.vantage == *from && road.entry().is_some() && road.endpoint().is_none();
    declared || roads.iter().filter(|road| road.connection.attempt.answered()).any(|road| unjoined(&road))
}

/// Connections that came in at endpoints, and that are none of the tries that were followed.
fn connections_of_others(case: &Case, roads: &[Road]) -> usize {
    let ends = endpoints(case);
    let followed: BTreeSet<End> = roads.iter().flat_map(|road| road.hops(|hop| hop.request)).map(|hop| hop.source).collect();
    let syns = case.captures().filter(|capture| capture.request.place.pod_name().is_some()).flat_map(|capture| &capture.packets);
    let opened: BTreeSet<End> = syns
        .filter_map(|packet| match &packet.body {
            Body::Tcp(segment) if segment.flags.is_syn() && ends.contains(&segment.destination) => {
                Some((segment.source, segment.source_port))
            }
            Body::Udp(datagram) if ends.contains(&datagram.destination) => Some((datagram.source, datagram.source_port)),
            _ => None,
        })
        .filter(|source| !followed.contains(source))
        .collect();
    opened.len()
}
