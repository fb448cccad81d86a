//! How a pod sends its answers: by which of its own routes, and from which of its addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Reached, port, protocol};
use crate::analysis::judge::case::found;
use crate::analysis::judge::road::Road;
use crate::analysis::state::network::Neighbour;
use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::Finding;
use crate::model::packet::{Body, Packet, Passage};
use crate::model::service::Protocol;

/// The request as it comes into the pod.
pub(super) fn arriving<'a>(road: &'a Road<'_>, pod: &'a str) -> Option<&'a Hop> {
    road.hops(|hop| hop.request && hop.passage == Passage::In).find(|hop| hop.place.rsplit('/').next() == Some(pod))
}

/// Whom the pod answered requests of.
fn answered(reached: &Reached) -> BTreeSet<IpAddr> {
    let roads = reached.case.roads();
    let answered = roads.iter().filter(|road| road.connection.attempt.answered());
    answered.filter_map(|road| arriving(road, reached.pod)).map(|hop| hop.source.0).collect()
}

/// The endpoint's address.
fn own(reached: &Reached) -> Option<IpAddr> {
    reached.case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(reached.pod)).map(|endpoint| endpoint.ip)
}

fn unresolved(state: &PlaceState, next: IpAddr) -> Option<&Neighbour> {
    let silent = |entry: &&Neighbour| entry.address == next && entry.unresolved();
    state.neighbours().unwrap_or_default().iter().find(silent)
}

/// The interface of the pod's own behind which it takes a source for a neighbour, or for itself, with what shows that nobody is there.
struct Link {
    device: String,
    shown: String,
}

/// `came`: by which interface the source's requests come in.
fn own_link(reached: &Reached, state: &PlaceState, source: IpAddr, came: &str) -> Option<Link> {
    let way = state.way(&RouteQuestion::to(source))?;
    let pod = reached.pod;
    if way.kind.as_deref() == Some("local") {
        let (device, net) = state.addresses()?.iter().find(|(_, net)| net.addr() == source)?;
        return Some(Link { device: device.clone(), shown: format!("`ip addr` in {pod}: {device} has {net} itself") });
    }
    let device = way.device.clone().filter(|_| way.via.is_none() && way.refused.is_none())?;
    // Whoever is no part of the cluster is behind no link of a pod, not even behind the one by which its requests come.
    let outside = reached.roads.iter().any(|road| road.connection.attempt.source == Some(source) && !road.connection.vantage.is_inside())
        && !reached.case.is_node_address(source);
    if device == came && !outside {
        return None;
    }
    let entry = unresolved(state, source).filter(|entry| entry.device == device);
    let shown = match entry {
        Some(entry) => format!("`ip neigh` in {pod}: {source} dev {device} is {}", entry.state),
        None => state.link(&device).filter(|link| !link.lower_up).map(|_| format!("`ip link` in {pod}: {device} has no carrier"))?,
    };
    Some(Link { device, shown })
}

/// A route of the pod's own keeps the answers to these sources in it: it takes them for neighbours behind a link where they are not.
pub(super) fn kept_inside(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, roads, .. } = reached;
    let state = &case.pod_state(pod)?.after;
    let all: Vec<(IpAddr, Link)> = roads
        .iter()
        .map(|road| arriving(road, pod))
        .map(|hop| hop.and_then(|hop| Some((hop.source.0, own_link(reached, state, hop.source.0, &hop.interface)?))))
        .collect::<Option<_>>()?;
    let (source, Link { device, shown }) = all.first()?;
    let by_it =
        |source: IpAddr| state.way(&RouteQuestion::to(source)).is_some_and(|way| way.via.is_none() && way.device.as_ref() == Some(device));
    let answers_so = answered(reached).into_iter().any(|source| by_it(source) && unresolved(state, source).is_none());
    if answers_so || !all.iter().all(|(_, link)| link.device == *device) {
        return None;
    }
    let route = state.routes().and_then(|routes| routes.specific(*source)).filter(|route| route.dev.as_ref() == Some(device));
    let by = route.map_or_else(String::new, |route| format!(", by its route `{} dev {device}`", route.dst));
    let lacks = state.routes().is_some_and(|routes| routes.default().is_none());
    let next = match route {
        // Without a default route the wider question is why it has none.
        _ if lacks => None,
        Some(route) => Some(format!(
            "In the network of {pod}: give {device} a network that holds no client (a container engine inside the pod chooses one by itself), or take the route away: ip route del {} dev {device}. Its default route is right.",
            route.dst
        )),
        None => Some(format!(
            "In the network of {pod}: take the client's address from {device} (ip addr), and see what gave it. Its default route is right."
        )),
    };
    let finding = found(
        names::POD_NO_WAY_BACK,
        vec![reached.subject()],
        format!("the pod sends what is for {source} to its own {device}{by}, so that its answer does not leave"),
        vec![reached.seen.clone(), shown.clone()],
    );
    Some(Finding { next: next.unwrap_or_else(|| finding.next.clone()), ..finding })
}

/// The pod's gateway does not resolve: its answer cannot leave although a route exists.
pub(super) fn gateway_silent(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, .. } = reached;
    let state = &case.pod_state(pod)?.after;
    for source in &reached.sources() {
        let way = state.way(&RouteQuestion::to(*source))?;
        let next = way.via.unwrap_or(*source);
        let Some(entry) = unresolved(state, next) else { continue };
        let finding = found(
            names::POD_NO_WAY_BACK,
            vec![reached.subject()],
            format!("the pod cannot resolve its next hop {next}, so that its answer does not leave"),
            vec![format!("`ip neigh` in {pod}: {next} is {}", entry.state)],
        );
        let routed = state.routes().is_some_and(|routes| routes.default().is_some());
        let advice = format!(
            "The pod has its routes. See why {next} does not answer it by ARP on {}: whether its node has that address on the pod's link or bridge, and whether that is up; otherwise recreate the pod.",
            entry.device
        );
        return Some(Finding { next: if routed { advice } else { finding.next.clone() }, ..finding });
    }
    None
}

/// The program answers from another address of the pod: no connection matches such an answer. A program that does not say from which address a
/// datagram leaves gets the one that the route gives.
pub(super) fn from_another_address(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, .. } = reached;
    let (state, own) = (&case.pod_state(pod)?.after, own(reached)?);
    let (from, shown) = seen_from(reached, state, own).or_else(|| sent_from(reached, state, own))?;
    let source = reached.sources().into_iter().find(|source| preferred(state, *source) == Some(from));
    let route = source.and_then(|source| state.routes()?.towards(source)).filter(|route| route.src == Some(from));
    let told = match (route, source) {
        (Some(route), _) => Some(format!("`ip route` in {pod}: {}", route.text)),
        (None, Some(source)) => Some(format!("`ip route get {source}` in {pod} gives src {from}")),
        (None, None) => None,
    };
    let by_route = if told.is_some() { ", which its route prefers," } else { "" };
    let mend = if told.is_some() {
        format!("Make {own} the source of the pod's routes (ip route change … src {own}) and see")
    } else {
        "See".to_owned()
    };
    Some(Finding {
        next: format!(
            "{mend} what gave the pod {from}; or let the program answer from the address that was asked, such as by listening on {own} itself."
        ),
        ..found(
            names::POD_NO_WAY_BACK,
            vec![reached.subject()],
            format!("the pod answers from {from}{by_route} and was asked at {own}: no connection matches such an answer"),
            std::iter::once(reached.seen.clone()).chain(told).chain([shown]).collect(),
        )
    })
}

/// The source that the pod's routes prefer for what it sends to somebody.
fn preferred(state: &PlaceState, to: IpAddr) -> Option<IpAddr> {
    state.way(&RouteQuestion::to(to)).filter(|way| way.refused.is_none())?.source
}

/// The pod's capture holds answers from another address to every one of the lost tries of its round.
fn seen_from(reached: &Reached, state: &PlaceState, own: IpAddr) -> Option<(IpAddr, String)> {
    let Reached { case, pod, roads, .. } = reached;
    let number = port(case, pod)?;
    let here = case.captures().filter(|capture| capture.request.place.pod_name() == Some(pod));
    let leaving = here.flat_map(|capture| &capture.packets).filter(|packet| packet.passage == Passage::Out).filter_map(ends);
    let others = leaving.filter(|(from, _)| from.0 != own && from.1 == number && state.has_address(from.0));
    let seen: BTreeSet<((IpAddr, u16), (IpAddr, u16))> = others.collect();
    let (from, _) = seen.first()?.0;
    let repeated: Vec<&Hop> = roads.iter().filter(|road| road.repeated()).filter_map(|road| arriving(road, pod)).collect();
    let each = repeated.iter().all(|hop| seen.contains(&((from, number), hop.source)));
    (each && !repeated.is_empty()).then(|| {
        (
            from,
            format!(
                "the capture in {pod} shows an answer from {from}:{number} to each of the {} requests of the second round",
                repeated.len()
            ),
        )
    })
}

/// Source and destination of a packet that belongs to a connection.
fn ends(packet: &Packet) -> Option<((IpAddr, u16), (IpAddr, u16))> {
    match &packet.body {
        Body::Tcp(segment) => Some(((segment.source, segment.source_port), (segment.destination, segment.destination_port))),
        Body::Udp(datagram) => Some(((datagram.source, datagram.source_port), (datagram.destination, datagram.destination_port))),
        _ => None,
    }
}

/// Without such a capture: the routes prefer another address, and the kernel sent as many datagrams as the program took, so that it answered each
/// of them, while none was seen to leave from the address that was asked. TCP answers from that address in any case.
fn sent_from(reached: &Reached, state: &PlaceState, own: IpAddr) -> Option<(IpAddr, String)> {
    let Reached { case, pod, roads, .. } = reached;
    if protocol(case) != Protocol::Udp {
        return None;
    }
    let pair = case.pod_state(pod)?;
    let sources = reached.sources();
    let from = preferred(state, *sources.first()?).filter(|from| *from != own && state.has_address(*from))?;
    let alike = sources.iter().all(|source| preferred(state, *source) == Some(from));
    let answers_so = answered(reached).into_iter().any(|source| preferred(state, source) == Some(from));
    let here: Vec<_> = state.listeners(Protocol::Udp)?.iter().filter(|listener| Some(listener.port) == port(case, pod)).collect();
    let taken = !here.is_empty() && here.iter().all(|listener| listener.address.is_none() && listener.waiting == 0);
    let (took, sent) = (pair.grown("Udp", "InDatagrams")?, pair.grown("Udp", "OutDatagrams")?);
    let lost = u64::try_from(roads.iter().filter(|road| road.repeated()).count()).unwrap_or(u64::MAX);
    let answered_each = took == sent && lost > 0 && sent >= lost;
    (alike && !answers_so && taken && answered_each).then(|| {
        (
            from,
            format!(
                "its kernel counted {took} datagrams that the program took and {sent} that it sent while the probe was repeated; none left from {own}"
            ),
        )
    })
}
