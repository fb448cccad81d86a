//! A policy rule or a route that leads these packets to where they end, by what `ip route get` is not asked for: their mark, protocol and
//! ports, or the source that they have when the place routes them. The same question is asked again without the rule, and of the tries that
//! were answered.

use std::net::IpAddr;

use super::case::{Case, found};
use super::node::scene::Scene;
use super::pod_network::pod_network;
use super::road::{Leg, Road};
use crate::analysis::state::lookup::{Decision, Fate, Routed, lookup};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::routes::PolicyRule;
use crate::analysis::state::ruleset;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::service::Protocol;
use crate::model::subject::Subject;

/// Requests that came in and went nowhere.
pub(super) fn led_requests(scene: &Scene) -> Option<Finding> {
    let (cause, packet) = of(scene, true)?;
    let name = if cause.refuses() { names::ROUTE_POD_NETWORK_MISSING } else { names::ROUTE_POD_NETWORK_WRONG };
    let to = format!("what is for the pod {}", packet.to);
    Some(finding(name, Subject::route(scene.node, pod_network(scene.case, packet.to)), &scene.pair.after, scene.node, &cause, &packet, &to))
}

/// Answers that came in and went nowhere.
pub(super) fn led_answers(scene: &Scene) -> Option<Finding> {
    let (cause, packet) = of(scene, false)?;
    let to = format!("answers to {}", packet.to);
    let route = Subject::route(scene.node, packet.to);
    Some(finding(names::ROUTE_RETURN_MISSING, route, &scene.pair.after, scene.node, &cause, &packet, &to))
}

/// What a node sends encapsulated, where the rule goes by the mark that the packet inside brings along.
pub(super) fn led_tunnel(case: &Case, roads: &[&Road], node: &str, pair: &StatePair, port: u16, ends: &[IpAddr]) -> Option<Finding> {
    let cause = |road: &Road| {
        let hop = arrival(road, node, true)?;
        let inside = fields(road, hop, pair);
        let mark = ruleset::trail(pair, &inside, None).mark_at_the_end()?;
        ends.iter().find_map(|to| {
            let packet = Routed {
                from: None,
                to: *to,
                input: Some("lo".to_owned()),
                mark: Some(mark),
                protocol: "udp",
                source_port: None,
                destination_port: Some(port),
            };
            Some((decided(&pair.after, &packet)?, packet))
        })
    };
    let passed = |road: &Road| road.connection.attempt.answered() && passed_in_tunnel(road, node);
    let (first, packet) = separating(case, roads, cause, passed)?;
    let to = format!("what its tunnel sends to {}", packet.to);
    Some(finding(names::ROUTE_POD_NETWORK_MISSING, Subject::route(node, packet.to), &pair.after, node, &first, &packet, &to))
}

/// Why a client's own kernel refuses its requests.
pub(super) struct Barred {
    summary: String,
    evidence: Vec<String>,
    next: String,
}

impl Barred {
    /// The finding of a client without a way, with what keeps it from one.
    pub(super) fn tell(self, client: &str, finding: &mut Finding) {
        finding.summary = format!("{client} has no way to the address: {}", self.summary);
        finding.evidence.extend(self.evidence);
        finding.next = self.next;
    }
}

/// The rule or route by which a client's own kernel refuses its requests, as far as it is known which.
pub(super) fn client(case: &Case, roads: &[&Road]) -> Option<Barred> {
    let road = roads.first()?;
    let name = road.client();
    let state = &case.node_state(&name)?.after;
    let target = case.target?;
    let packet = Routed {
        from: road.connection.attempt.source,
        to: case.address()?,
        input: Some("lo".to_owned()),
        mark: Some(0),
        protocol: word(target.port.protocol),
        source_port: None,
        destination_port: Some(target.port.port),
    };
    let cause = lookup(state, &packet, None).ok()??;
    let summary = match &cause.fate {
        Fate::Goes(_) => return None,
        Fate::RefusedByRoute(route) if !cause.rule.chooses() => format!("its own route refuses it, {}", route.text),
        Fate::RefusedByRoute(_) | Fate::Refused => format!("a policy rule of its own refuses it, {}", cause.rule.text),
    };
    Some(Barred { summary, evidence: told(&name, &cause), next: remedy(&name, &cause) })
}

/// As rules write it.
pub(super) fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

fn passed_in_tunnel(road: &Road, node: &str) -> bool {
    let place = node.to_owned();
    road.hops(move |hop| hop.request && hop.tunnel.is_some() && hop.passage == Passage::Out && hop.place == place).next().is_some()
}

/// The decision that all lost packets meet and no answered one does, with one of the packets. `passed` are the answered tries that the
/// place saw.
fn separating(
    case: &Case,
    lost: &[&Road],
    cause: impl Fn(&Road) -> Option<(Decision, Routed)>,
    passed: impl Fn(&Road) -> bool,
) -> Option<(Decision, Routed)> {
    let (first, rest) = lost.split_first()?;
    let (decision, packet) = cause(first)?;
    let same = |road: &Road| cause(road).is_some_and(|(other, _)| other.rule == decision.rule);
    let separates = rest.iter().all(|road| same(road)) && !case.roads().iter().any(|road| passed(road) && same(road));
    separates.then_some((decision, packet))
}

/// What decides about the packets of a scene, in one direction.
fn of(scene: &Scene, request: bool) -> Option<(Decision, Routed)> {
    let Scene { case, roads, node, pair, .. } = scene;
    // Most places have no rule but the usual ones: then nothing has to be walked.
    if !pair.after.policy_rules()?.iter().any(PolicyRule::chooses) {
        return None;
    }
    // Of which endpoint it was meant for nothing is known before it is translated: one is enough, and others may be answered.
    let cause = |road: &Road| packets(scene, road, request).into_iter().find_map(|packet| Some((decided(&pair.after, &packet)?, packet)));
    let passed = |road: &Road| {
        let answered = road.connection.attempt.answered() && !road.late() && road.endpoint().is_some();
        answered && arrival(road, node, request).is_some()
    };
    separating(case, roads, cause, passed)
}

/// The packets of a try, as the node routes them: one for each endpoint that it may be meant for.
fn packets(scene: &Scene, road: &Road, request: bool) -> Vec<Routed> {
    let Some(hop) = arrival(road, scene.node, request) else { return Vec::new() };
    let vip = scene.case.address();
    let inside = fields(road, hop, scene.pair);
    // Where its ways differ in that, the mark is not known, and a rule by it leaves the question open.
    let mark = ruleset::trail(scene.pair, &inside, None).mark_when_routed();
    let to: Vec<(IpAddr, u16)> = if request && Some(hop.destination.0) == vip {
        road.endpoint().map_or_else(|| scene.packets.endpoints.iter().copied().collect(), |end| vec![end])
    } else if !request && scene.pair.after.has_address(hop.destination.0) {
        // An answer to what this node sent under its own address is for the client.
        arrival(road, scene.node, true).map(|asked| asked.source).into_iter().collect()
    } else {
        vec![hop.destination]
    };
    let routed = |(to, port): (IpAddr, u16)| Routed {
        from: Some(hop.source.0),
        to,
        input: inside.input.clone(),
        mark,
        protocol: scene.packets.protocol,
        source_port: Some(hop.source.1),
        destination_port: Some(port),
    };
    to.into_iter().map(routed).collect()
}

/// The first packet of that direction that came in on the node, out of any tunnel.
fn arrival<'a>(road: &Road<'a>, node: &str, request: bool) -> Option<&'a Hop> {
    let place = node.to_owned();
    let came = |hop: &Hop| matches!(hop.passage, Passage::In | Passage::Other);
    road.hops(move |hop| hop.request == request && came(hop) && hop.place == place && hop.tunnel.is_none()).next()
}

/// As packet filters of the node see it: by the interface that its own interface is a part of.
fn fields(road: &Road, hop: &Hop, pair: &StatePair) -> Fields {
    let upper = pair.after.link(&hop.interface).and_then(|link| link.master.clone());
    let first = road.vanished().is_none_or(|gone| gone.leg == Leg::Request) && hop.request;
    Fields {
        source: Some(hop.source.0),
        source_port: Some(hop.source.1),
        destination: Some(hop.destination.0),
        destination_port: Some(hop.destination.1),
        protocol: road.case.target.map_or("tcp", |target| word(target.port.protocol)).to_owned(),
        input: Some(upper.unwrap_or_else(|| hop.interface.clone())),
        state: Some(if first { "NEW" } else { "ESTABLISHED" }.to_owned()),
        mark: Some(0),
        ..Fields::default()
    }
}

/// A rule that is more than the usual three and ends the packet, where without it the packet would go on.
fn decided(state: &PlaceState, packet: &Routed) -> Option<Decision> {
    let decision = lookup(state, packet, None).ok()??;
    let rule = decision.rule.chooses().then_some(&decision.rule)?;
    let otherwise = lookup(state, packet, Some(rule)).ok()??;
    (ends(state, &decision, packet.to).is_some() && ends(state, &otherwise, packet.to).is_none()).then_some(decision)
}

/// Why a packet that is led so goes no further.
pub(super) fn ends(state: &PlaceState, decision: &Decision, to: IpAddr) -> Option<String> {
    let route = match &decision.fate {
        Fate::Refused => return Some("it refuses".to_owned()),
        Fate::RefusedByRoute(route) => return Some(format!("that route refuses: {}", route.text)),
        Fate::Goes(route) => route,
    };
    let device = route.dev.as_deref()?;
    let link = state.link(device)?;
    if !(link.up && link.lower_up) {
        return Some(format!("{device} is down"));
    }
    if link.kind.as_deref() == Some("dummy") {
        return Some(format!("{device} is a dummy, by which nothing leaves"));
    }
    let next = route.via.unwrap_or(to);
    let entry = state.neighbours()?.iter().find(|entry| entry.address == next && entry.device == device)?;
    entry.unresolved().then(|| format!("nobody tells the MAC of {next} on {device} ({})", entry.state))
}

fn told(place: &str, cause: &Decision) -> Vec<String> {
    let mut told = vec![format!("`ip rule` on {place}: {}: {}", cause.rule.priority, cause.rule.text)];
    if let Fate::Goes(route) | Fate::RefusedByRoute(route) = &cause.fate {
        let table = cause.rule.table.as_deref().unwrap_or_default();
        told.push(format!("`ip route show table {table}` on {place}: {}", route.text));
    }
    told
}

/// What takes the rule away, or the route where the rule is one of the usual three.
fn remedy(place: &str, cause: &Decision) -> String {
    let see = "and see what wrote it";
    match &cause.fate {
        Fate::RefusedByRoute(route) if !cause.rule.chooses() => {
            let dst = &route.dst;
            format!("On {place}: ip route del {} {dst}; {see}.", route.kind)
        }
        _ => {
            let six = if cause.rule.family == "ipv6" { "-6 " } else { "" };
            format!("On {place}: ip {six}rule del pref {} {}; {see}.", cause.rule.priority, cause.rule.text)
        }
    }
}

/// The finding for a decision that ends these packets.
pub(super) fn finding(
    name: &'static str,
    culprit: Subject,
    state: &PlaceState,
    place: &str,
    cause: &Decision,
    packet: &Routed,
    what: &str,
) -> Finding {
    let does = if cause.refuses() { "refuses" } else { "leads astray" };
    let mut evidence = told(place, cause);
    evidence.extend(ends(state, cause, packet.to).filter(|_| !cause.refuses()));
    if cause.rule.mark.is_some() {
        evidence.extend(
            packet.mark.map(|mark| format!("by the rules of {place}'s packet filter they have the mark {mark:#x} when they are routed")),
        );
    }
    let otherwise = lookup(state, packet, Some(&cause.rule)).ok().flatten();
    evidence.extend(otherwise.and_then(|other| Some(format!("without this rule they would go by {}", other.device()?))));
    Finding {
        next: remedy(place, cause),
        ..found(name, vec![culprit], format!("a policy rule of {place} {does} {what}: {}", cause.rule.text), evidence)
    }
}
