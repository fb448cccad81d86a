//! Neighbour entries and the switch between: frames that go to another MAC, or to another port, than they should.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::state::ways::RouteQuestion;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::client;
use super::road::Road;
use super::seen_source;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::{Body, Mac, Packet, Passage};
use crate::model::place::{HostKind, Place};
use crate::model::subject::Subject;

/// The client, or the router, sends to another MAC than the announcer's.
pub(super) fn stale(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let vip = case.address()?;
    let known = super::answering::macs(case);
    let right: BTreeSet<String> = case
        .announcement?
        .nodes
        .iter()
        .filter_map(|node| case.node_state(node))
        .flat_map(|pair| pair.after.links().unwrap_or_default())
        .map(|link| link.mac.to_lowercase())
        .collect();
    if right.is_empty() {
        return None;
    }
    for road in roads {
        let Some(pair) = case.node_state(&road.client()) else { continue };
        let entry = pair
            .before
            .neighbours()
            .unwrap_or_default()
            .iter()
            .chain(pair.after.neighbours().unwrap_or_default())
            .find(|entry| entry.address == vip && entry.mac.is_some());
        if let Some(mac) = entry.and_then(|entry| entry.mac.clone())
            && !right.contains(&mac)
        {
            let answers = super::answering::answering(case);
            if answers.contains(&mac) && !known.contains_key(&mac) {
                // Somebody else really answers with it: the entry is right, the answer is wrong.
                return None;
            }
            let whose =
                known.get(&mac).map_or_else(|| "which no node has".to_owned(), |(node, interface)| format!("which is {node}/{interface}"));
            return Some(found(
                names::WIRE_STALE_NEIGHBOUR,
                client::culprits(&[*road]),
                format!("{} sends to {mac}, {whose}, and not to the announcer", road.client()),
                vec![
                    format!(
                        "`ip neigh` on {}: {vip} is at {mac}{}",
                        road.client(),
                        entry.map(|entry| format!(" ({})", entry.state)).unwrap_or_default()
                    ),
                    format!(
                        "the announcer has {}",
                        right.iter().filter(|mac| !mac.is_empty()).take(4).cloned().collect::<Vec<_>>().join(", ")
                    ),
                ],
            ));
        }
    }
    // A frame for another MAC that a listening interface saw: whoever sent it has a wrong neighbour entry.
    if let Some(finding) = taken_elsewhere(case, roads, vip) {
        return Some(finding);
    }
    // Seen on the announcer itself, a frame for another MAC is surely for the wrong one; elsewhere a switch may merely flood.
    let announcers = &case.announcement?.nodes;
    let strays = roads.iter().flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::Other && hop.destination.0 == vip));
    let stray = strays.into_iter().find(|hop| hop.source_mac.is_some() && announcers.contains(&hop.place))?;
    let mac = stray.source_mac.clone()?.to_lowercase();
    let culprit = sender(case, roads, &mac);
    let who = forwarder(case, roads, &culprit, &mac);
    Some(found(
        names::WIRE_STALE_NEIGHBOUR,
        vec![culprit],
        format!(
            "{who} sends requests for {vip} past {}, addressed to another host's MAC: its neighbour entry for {vip} is wrong, or it has a route by that host",
            stray.place
        ),
        vec![format!("seen on {}/{} from {mac}, not addressed to {}", stray.place, stray.interface, stray.place)],
    ))
}

/// A request that a host which is no node took as its own, and who sent it there.
struct Taken<'a> {
    hop: &'a Hop,
    mac: String,
    sender: Subject,
    /// Whether the client itself sent it there: otherwise somebody on the way forwarded it.
    directly: bool,
}

impl<'a> Taken<'a> {
    /// The first of these requests. A client may get back what it sent itself.
    fn of(case: &Case, roads: &[&Road<'a>], vip: IpAddr) -> Option<Self> {
        let taken = |road: &Road<'a>| {
            road.hops(move |hop| hop.request && hop.passage == Passage::In && hop.destination.0 == vip && hop.source_mac.is_some())
                .find(|hop| is_client(case, &hop.place))
        };
        let (road, hop) = roads.iter().find_map(|road| Some((*road, taken(road)?)))?;
        let mac = hop.source_mac.clone()?.to_lowercase();
        let directly = road.sent().any(|sent| sent.source_mac.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&mac)));
        Some(Self { hop, sender: sender(case, roads, &mac), mac, directly })
    }

    /// Whether the host is in the network of the address, so that a neighbour entry for the address may lead to it. Elsewhere only a route does.
    fn is_near(&self, case: &Case, vip: IpAddr) -> Option<bool> {
        Some(!case.node_state(&self.hop.place)?.after.on_link(vip)?.is_empty())
    }

    fn told(&self, vip: IpAddr) -> String {
        format!("{}/{} takes requests for {vip} from {}", self.hop.place, self.hop.interface, self.mac)
    }
}

/// Whoever forwards requests leads them to a host outside of the address's network: no neighbour entry does that, only a route.
pub(super) fn led_by_route(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let vip = case.address()?;
    let taken = Taken::of(case, roads, vip).filter(|taken| !taken.directly && taken.is_near(case, vip) == Some(false))?;
    let mut evidence = vec![taken.told(vip), format!("{} has no address in the network of {vip}", taken.hop.place)];
    let answering = answers_heard(case, vip);
    if answering.len() > 1 {
        evidence.push(format!("{} answer by ARP for {vip}", answering.into_iter().collect::<Vec<_>>().join(" and ")));
    }
    let summary = format!(
        "requests are forwarded to {}, which is not in the network of {vip}: the route of {} leads there",
        taken.hop.place, taken.sender
    );
    let mut finding = found(names::WIRE_REQUEST_LOST, vec![taken.sender.clone()], summary, evidence);
    finding.next = format!("Look there which way {vip} takes (ip route get {vip}), and whether it answers by ARP for others (proxy_arp).");
    Some(finding)
}

/// The same in the address's network, where a route and a neighbour entry look alike.
pub(super) fn forwarded_to_a_host(case: &Case, roads: &[&Road]) -> Option<Gap> {
    let vip = case.address()?;
    let taken = Taken::of(case, roads, vip).filter(|taken| !taken.directly)?;
    let reason = format!("{}, which forwards them: {} does not hold the address", taken.told(vip), taken.hop.place);
    let what = format!("whether a route or a neighbour entry of {} leads them there", taken.sender);
    Some(Gap::new(names::EVIDENCE_UNDECIDED, taken.sender, reason, what).decisive())
}

/// Who was heard to answer by ARP for the address while it was asked, each with the address that its MAC is known by.
fn answers_heard(case: &Case, vip: IpAddr) -> BTreeSet<String> {
    let replies = case.captures().flat_map(|capture| &capture.packets).filter_map(Packet::resolution);
    let heard: BTreeSet<String> = replies.filter(|arp| arp.reply && arp.sender == vip).map(|arp| arp.sender_mac.to_string()).collect();
    let named = |mac: String| match owner(case, &mac).filter(|address| *address != vip) {
        Some(address) => format!("{mac} ({address})"),
        None => mac,
    };
    heard.into_iter().map(named).collect()
}

/// A client's own frames go to a host that is no node: its neighbour entry is that host's.
fn taken_elsewhere(case: &Case, roads: &[&Road], vip: IpAddr) -> Option<Finding> {
    let Taken { hop, mac, sender: culprit, .. } = Taken::of(case, roads, vip).filter(|taken| taken.directly)?;
    let who = forwarder(case, roads, &culprit, &mac);
    Some(found(
        names::WIRE_STALE_NEIGHBOUR,
        vec![culprit],
        format!("{who} sends requests to {}, which does not hold {vip}: its neighbour entry for {vip} is wrong", hop.place),
        vec![format!("{}/{} takes requests for {vip} from {mac}", hop.place, hop.interface)],
    ))
}

fn is_client(case: &Case, place: &str) -> bool {
    case.captures()
        .any(|capture| matches!(&capture.request.place, Place::Host(host) if host.kind == HostKind::Client && host.name == place))
}

/// The client sends to the announcer's MAC, and the frames come out at another node's port.
pub(super) fn wrong_port(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let vip = case.address()?;
    let right: BTreeSet<String> =
        case.node_state(node)?.after.links().unwrap_or_default().iter().map(|link| link.mac.to_lowercase()).collect();
    let strays: Vec<&Hop> = roads
        .iter()
        .filter(|road| {
            // Only where the client's own entry is right is the switch the one that errs.
            let state = case.node_state(&road.client());
            let entry = state.and_then(|pair| pair.after.neighbours().unwrap_or_default().iter().find(|entry| entry.address == vip));
            entry.and_then(|entry| entry.mac.as_ref()).is_some_and(|mac| right.contains(mac))
        })
        .flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::Other && hop.destination.0 == vip))
        .collect();
    let stray = strays.first()?;
    if strays.iter().any(|hop| hop.place == node) {
        return None;
    }
    // Where several see them the switch floods: it does not know the node's port, or that port is dark.
    if strays.iter().any(|hop| hop.place != stray.place) {
        return None;
    }
    Some(found(
        names::WIRE_WRONG_PORT,
        vec![Subject::network(&stray.place, node)],
        format!("frames for {node} come out at {} and not at {node}", stray.place),
        vec![format!("seen on {}/{}, addressed to another host; none came to {node}", stray.place, stray.interface)],
    ))
}

/// The announcing node's own entry for the next hop back is wrong: compared with the MAC that the requests came from.
pub(super) fn back(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let vip = case.address()?;
    let pair = case.node_state(node)?;
    let came = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::In && hop.destination.0 == vip && hop.source_mac.is_some()))
        .find(|hop| hop.place == node)?;
    let came_from = came.source_mac.clone()?.to_lowercase();
    let to = came.source.0;
    let next = pair.after.way(&RouteQuestion::to(to)).and_then(|way| way.via).unwrap_or(to);
    let entry = pair.after.neighbours().unwrap_or_default().iter().find(|entry| entry.address == next)?;
    let mac = entry.mac.clone()?;
    if mac == came_from {
        return None;
    }
    let evidence = vec![
        format!("requests from {to} come to {node} from {came_from}"),
        format!("`ip neigh` on {node}: {next} is at {mac} ({})", entry.state),
    ];
    if entry.state == "PERMANENT" {
        return Some(found(
            names::WIRE_STALE_NEIGHBOUR,
            vec![Subject::interface(node, &entry.device), Subject::address(next)],
            format!("{node} sends its answers to {mac}, and {next} is at {came_from}"),
            evidence,
        ));
    }
    // A router may well send from one MAC and be asked at another; a client has one. Who sends with another's address by translation is no
    // second holder of it.
    let translated = roads.iter().any(|road| seen_source::to(road).is_some());
    (next == to && !translated).then(|| {
        found(
            names::WIRE_CLIENT_ADDRESS_DUPLICATE,
            vec![Subject::mac(&mac)],
            format!("the client's address {to} is held twice: answers go to {mac}"),
            evidence,
        )
    })
}

/// The sender by its MAC, and whose next hop it is where it is no client itself: the name of a router is mostly not known.
fn forwarder(case: &Case, roads: &[&Road], culprit: &Subject, mac: &str) -> String {
    if let Subject::Client(name) = culprit {
        return name.clone();
    }
    let whose: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
    let node = super::answering::macs(case).get(mac).map(|(node, _)| format!("{node} ({mac})"));
    let other =
        || format!("{mac}, the last hop before the nodes for {}, no node itself,", whose.into_iter().collect::<Vec<_>>().join(" and "));
    node.unwrap_or_else(other)
}

/// Who sends frames from that MAC: a client whose own they are, or a router.
pub(super) fn sender(case: &Case, roads: &[&Road], mac: &str) -> Subject {
    let own = |road: &&&Road| {
        let sends = road.sent().any(|hop| hop.source_mac.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(mac)));
        let has =
            case.node_state(&road.client()).is_some_and(|pair| pair.after.links().unwrap_or_default().iter().any(|link| link.mac == mac));
        sends || has
    };
    if let Some(road) = roads.iter().find(own) {
        return client::culprits(&[*road]).into_iter().next().unwrap_or_else(|| Subject::mac(mac));
    }
    let Some(address) = owner(case, mac) else { return Subject::mac(mac) };
    let of_client = roads.iter().find(|road| road.connection.attempt.source == Some(address));
    of_client.and_then(|road| client::culprits(&[*road]).into_iter().next()).unwrap_or_else(|| Subject::router(address))
}

/// The address that a MAC belongs to, by the nodes' neighbour tables or by its own ARP packets.
fn owner(case: &Case, mac: &str) -> Option<IpAddr> {
    let entries = case.closer.iter().flat_map(|closer| &closer.states).flat_map(|pair| pair.after.neighbours().unwrap_or_default());
    let by_table = entries.filter(|entry| entry.mac.as_deref() == Some(mac) && entry.address.is_ipv4()).map(|entry| entry.address).next();
    by_table.or_else(|| {
        let mac: Mac = mac.parse().ok()?;
        case.captures().flat_map(|capture| &capture.packets).find_map(|packet| match &packet.body {
            Body::Arp(arp) if arp.sender_mac == mac && !arp.sender.is_unspecified() && Some(arp.sender) != case.address() => {
                Some(arp.sender)
            }
            _ => None,
        })
    })
}
