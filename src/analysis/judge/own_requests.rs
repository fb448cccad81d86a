//! What a node asks itself, where it is the place that asks: its own kube-proxy translates a request as it is sent, and then the node's
//! routing and packet filters see it go to a pod. What they take leaves the node nowhere, and no capture sees it.
//!
//! Behind the translation nothing tells a try from another, so that they are counted: what the node sent to each endpoint, and whether it was
//! answered.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::{Case, found};
use super::chosen;
use super::node::{filters, kube_proxy};
use super::pod_network::pod_network;
use super::road::Road;
use crate::analysis::state::lookup::{Decision, Fate, Routed, lookup};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::routes::Route;
use crate::analysis::state::ruleset;
use crate::model::capture::Capture;
use crate::model::catalogue::names;
use crate::model::connection::Sighting;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::{Body, Packet, Passage};
use crate::model::probe::{Attempt, Vantage};
use crate::model::subject::Subject;

type Endpoint = (IpAddr, u16);

/// Tries of one node that leave it nowhere, with what it sent meanwhile.
struct Own<'a> {
    case: &'a Case<'a>,
    name: String,
    pair: &'a StatePair,
    /// The first of the tries.
    source: Option<IpAddr>,
    vip: IpAddr,
    protocol: &'static str,
    port: u16,
    /// Where its kube-proxy may lead them.
    endpoints: BTreeSet<Endpoint>,
    /// The endpoints that it was seen to send to, every time with an answer.
    answered: BTreeSet<IpAddr>,
    /// The endpoints that it was seen to send to, at least once without an answer.
    unanswered: BTreeSet<IpAddr>,
    tries: usize,
}

impl<'a> Own<'a> {
    fn of(case: &'a Case<'a>, roads: &[&Road]) -> Option<Self> {
        let Vantage::Node(name) = &roads.first()?.connection.vantage else { return None };
        let (target, vip, pair) = (case.target?, case.address()?, case.node_state(name)?);
        let left = |road: &Road| road.sent().any(|hop| hop.what != Sighting::IcmpError && hop.interface != "lo");
        // What is seen to leave is lost elsewhere, and so may be what was not watched.
        let lost: Vec<&&Road> = roads.iter().filter(|road| road.entry().is_none() && road.endpoint().is_none()).collect();
        if lost.is_empty() || lost.iter().any(|road| left(road) || !road.watched(name)) {
            return None;
        }
        let mut endpoints = kube_proxy::programmed(case, pair);
        if endpoints.is_empty() {
            endpoints = target.serving().iter().filter_map(|endpoint| Some((endpoint.ip, endpoint.port?))).collect();
        }
        let (mut answered, mut unanswered) = (BTreeSet::new(), BTreeSet::new());
        let here = |capture: &&Capture| capture.request.place == pair.after.place && capture.tells_absence();
        for capture in case.captures().filter(here) {
            for end in &endpoints {
                let (all, of_them) = sent(capture, &pair.after, *end);
                if all > 0 {
                    if of_them == all {
                        answered.insert(end.0)
                    } else {
                        unanswered.insert(end.0)
                    };
                }
            }
        }
        Some(Self {
            case,
            name: name.clone(),
            pair,
            source: lost.iter().find_map(|road| road.connection.attempt.source),
            vip,
            protocol: chosen::word(target.port.protocol),
            port: target.port.port,
            endpoints,
            answered,
            unanswered,
            tries: lost.len(),
        })
    }

    /// Whether the tries are those that were translated to these endpoints: none of them was sent to, and all that was sent to any other
    /// was answered.
    fn are(&self, taken: &BTreeSet<IpAddr>) -> bool {
        let others: BTreeSet<IpAddr> = self.endpoints.iter().map(|(ip, _)| *ip).filter(|ip| !taken.contains(ip)).collect();
        let unseen = taken.is_disjoint(&self.answered) && taken.is_disjoint(&self.unanswered);
        let whole = others.iter().all(|ip| self.answered.contains(ip) && !self.unanswered.contains(ip));
        let own = |probe: &&crate::model::probe::Probe| probe.vantage.place() == self.name;
        let any_answered = self.case.probes().filter(own).any(|probe| probe.made().any(Attempt::answered));
        !taken.is_empty() && unseen && whole && (!others.is_empty() || !any_answered)
    }

    /// As its packet filters see a request: for the Service's address, or for an endpoint.
    fn fields(&self, to: Endpoint, device: Option<&str>, mark: Option<u32>) -> Fields {
        Fields {
            source: self.source,
            destination: Some(to.0),
            destination_port: Some(to.1),
            protocol: self.protocol.to_owned(),
            output: device.map(str::to_owned),
            state: Some("NEW".to_owned()),
            translated: to.0 != self.vip,
            mark,
            ..Fields::default()
        }
    }

    /// As its routing sees it once it is translated.
    fn routed(&self, to: Endpoint) -> Routed {
        let device = self.pair.after.way_to_address().and_then(|way| way.device);
        let asked = self.fields((self.vip, self.port), device.as_deref(), Some(0));
        Routed {
            from: self.source,
            to: to.0,
            input: Some("lo".to_owned()),
            mark: ruleset::trail(self.pair, &asked, None).mark_when_routed(),
            protocol: self.protocol,
            source_port: None,
            destination_port: Some(to.1),
        }
    }

    /// What its routing does with what is for an endpoint, where the packet ends by it and would go on without the rule or the route.
    fn ended(&self, to: Endpoint) -> Option<(Decision, Routed)> {
        let state = &self.pair.after;
        let packet = self.routed(to);
        let decision = lookup(state, &packet, None).ok()??;
        chosen::ends(state, &decision, to.0)?;
        let otherwise = otherwise(state, &packet, &decision)?;
        chosen::ends(state, &otherwise, to.0).is_none().then_some((decision, packet))
    }

    fn told(&self) -> Vec<String> {
        let pods = |ips: &BTreeSet<IpAddr>| {
            let named = |ip: &IpAddr| self.case.pod_at(*ip).map_or_else(|| ip.to_string(), |pod| format!("{pod} ({ip})"));
            ips.iter().map(named).collect::<Vec<_>>().join(", ")
        };
        let mut told = vec![format!(
            "{} tries of {} leave it nowhere, where it was watched: its own kube-proxy translates them",
            self.tries, self.name
        )];
        if !self.answered.is_empty() {
            told.push(format!("all that {} sent was for {}, and was answered", self.name, pods(&self.answered)));
        }
        told
    }
}

/// What the routing would do without the rule, or the route where the rule is one of the usual three.
fn otherwise(state: &PlaceState, packet: &Routed, decision: &Decision) -> Option<Decision> {
    if decision.rule.chooses() {
        return lookup(state, packet, Some(&decision.rule)).ok()?;
    }
    let (Fate::Goes(route) | Fate::RefusedByRoute(route)) = &decision.fate else { return None };
    let mut without = state.clone();
    let section = if packet.to.is_ipv4() { "routes" } else { "routes6" };
    without.change(section, |text| text.lines().filter(|line| line.trim() != route.text.trim()).collect::<Vec<_>>().join("\n"));
    lookup(&without, packet, None).ok()?
}

/// Connections of the place itself to an endpoint, as they left it, and how many of them were answered.
fn sent(capture: &Capture, state: &PlaceState, to: Endpoint) -> (usize, usize) {
    let ends = |packet: &Packet| match &packet.body {
        Body::Tcp(segment) => Some(((segment.source, segment.source_port), (segment.destination, segment.destination_port))),
        Body::Udp(datagram) => Some(((datagram.source, datagram.source_port), (datagram.destination, datagram.destination_port))),
        _ => None,
    };
    let plain = || capture.packets.iter().filter(|packet| packet.tunnel.is_none());
    let opens = |packet: &Packet| !matches!(&packet.body, Body::Tcp(segment) if !segment.flags.is_syn());
    let out = |packet: &Packet| {
        let (from, there) = ends(packet)?;
        (packet.passage == Passage::Out && there == to && opens(packet) && state.has_address(from.0)).then_some(from)
    };
    let back = |packet: &Packet| {
        let (from, there) = ends(packet)?;
        (packet.passage == Passage::In && from == to).then_some(there)
    };
    let (all, heard): (BTreeSet<_>, BTreeSet<_>) = (plain().filter_map(out).collect(), plain().filter_map(back).collect());
    (all.len(), all.intersection(&heard).count())
}

/// The node's own routing refuses what its requests are translated to, or leads it to where nobody is.
pub(super) fn led_astray(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let own = Own::of(case, roads)?;
    let ended: Vec<(Decision, Routed)> = own.endpoints.iter().filter_map(|end| own.ended(*end)).collect();
    let taken: BTreeSet<IpAddr> = ended.iter().map(|(_, packet)| packet.to).collect();
    let (decision, packet) = ended.first()?;
    if !own.are(&taken) {
        return None;
    }
    let name = if decision.refuses() { names::ROUTE_POD_NETWORK_MISSING } else { names::ROUTE_POD_NETWORK_WRONG };
    let route = Subject::route(&own.name, pod_network(case, packet.to));
    let does = if decision.refuses() { "refuses" } else { "leads astray" };
    let mut finding = chosen::finding(name, route, &own.pair.after, &own.name, decision, packet, "what its own requests are translated to");
    if !decision.rule.chooses()
        && let Fate::Goes(route) | Fate::RefusedByRoute(route) = &decision.fate
    {
        finding.summary = format!("a route of {} {does} what its own requests are translated to: {}", own.name, route.text);
        finding.next = without_route(&own.name, route);
        if let Some(other) = otherwise(&own.pair.after, packet, decision).and_then(|other| other.device().map(str::to_owned)) {
            finding.evidence.retain(|line| !line.starts_with("without this rule"));
            finding.evidence.push(format!("without this route they would go on by {other}"));
        }
    }
    finding.evidence.extend(own.told());
    Some(finding)
}

/// What takes a route away. One that a network plugin wrote is its own to mend.
fn without_route(place: &str, route: &Route) -> String {
    if route.protocol.as_deref().is_some_and(|protocol| matches!(protocol, "80" | "bird")) {
        return format!(
            "Restart the network plugin's agent on {place}, which wrote the route ({}), and see why it lacks the pod's own.",
            route.text
        );
    }
    let kind = if route.kind == "unicast" { String::new() } else { format!("{} ", route.kind) };
    let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
    let device = route.dev.as_ref().filter(|_| route.kind == "unicast").map(|device| format!(" dev {device}")).unwrap_or_default();
    format!("On {place}: ip route del {kind}{}{via}{device}; and see what wrote it.", route.dst)
}

/// A packet filter of the node's own takes what it sends: before kube-proxy translates it, or behind.
pub(super) fn filtered(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let own = Own::of(case, roads)?;
    let all: Vec<(Endpoint, Fields)> = own
        .endpoints
        .iter()
        .map(|end| {
            let packet = own.routed(*end);
            let device = lookup(&own.pair.after, &packet, None).ok().flatten().and_then(|decision| decision.device().map(str::to_owned));
            (*end, own.fields(*end, device.as_deref(), packet.mark))
        })
        .collect();
    let takes = |fields: &Fields| ruleset::drops(own.pair, std::slice::from_ref(fields));
    let surely = |drop: &ruleset::Drop| drop.matched == Match::Yes;
    let rule = all.iter().find_map(|(_, fields)| takes(fields).into_iter().find(surely))?;
    // What a rule may take besides is not known to pass it.
    let met = |fields: &Fields| takes(fields).iter().find(|drop| drop.path == rule.path).map(surely);
    let of = |wanted: Option<bool>| all.iter().filter(move |(_, fields)| met(fields) == wanted).map(|((ip, _), _)| *ip).collect();
    let (taken, unclear): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) = (of(Some(true)), of(Some(false)));
    let without = ruleset::without(own.pair, &rule.text);
    let goes_on = all
        .iter()
        .filter(|(end, _)| taken.contains(&end.0))
        .all(|(_, fields)| !ruleset::drops(&without, std::slice::from_ref(fields)).iter().any(surely));
    if !unclear.is_empty() || !goes_on || !own.are(&taken) {
        return None;
    }
    let does = filters::verb(&rule.text);
    let mut evidence = vec![filters::took(&own.name, rule.tool, &rule.path, &rule.text, rule.grown)];
    evidence.push(format!("without this rule no other of {}'s packet filters surely takes them", own.name));
    evidence.extend(own.told());
    let summary = format!("a packet filter on {} {does} what its own requests are translated to: {}", own.name, rule.text);
    Some(found(names::NODE_FIREWALL_DROP, vec![Subject::rule(&own.name, &rule.path, &rule.text)], summary, evidence))
}

/// Of tries that no capture told from others: where to look. At a node and in a pod lbdiag looks already, and needs no other login.
pub(super) fn not_followed(case: &Case, roads: &[&Road]) -> Vec<Gap> {
    let of = |wanted: fn(&Vantage) -> bool| {
        roads.iter().map(|road| &road.connection.vantage).filter(move |from| wanted(from)).collect::<BTreeSet<_>>()
    };
    let nodes = of(|from| matches!(from, Vantage::Node(_)));
    let pods = of(|from| matches!(from, Vantage::Pod(_)));
    let others = of(|from| !from.is_inside());
    let mut gaps = Vec::new();
    for node in nodes.into_iter().map(Vantage::place) {
        let reason = format!(
            "the tries of {node} are translated by its own kube-proxy before a capture sees them, and nothing tells what became of those that failed"
        );
        let next = format!(
            "On {node}, for the address of each pod: ip route get ADDRESS (ip rule, where it refuses); and what filters its own packets: iptables-save -c | grep OUTPUT, nft list ruleset."
        );
        gaps.push(
            Gap::new(
                names::EVIDENCE_UNDECIDED,
                Subject::node(node),
                reason,
                format!("whether {node} itself loses them, or somebody behind it"),
            )
            .with_next(next)
            .decisive(),
        );
    }
    for pod in pods {
        let place = pod.place();
        let reason = format!("tries from {place} failed, and no packet of them was seen where we could look");
        let next = format!(
            "In {place}: ip route get ADDRESS, and iptables-save -c | grep OUTPUT; on its node: what its own kube-proxy makes of the address, and whether tcpdump shows the requests on the pod's link."
        );
        let what = format!("whether {place} itself loses them, or its node");
        gaps.push(Gap::new(names::EVIDENCE_UNDECIDED, pod, reason, what).with_next(next).decisive());
    }
    if !others.is_empty() {
        let reason = "tries failed, and no packet of them was seen where we could look";
        gaps.push(Gap::new(names::EVIDENCE_NO_VANTAGE, case.service, reason, "where they were lost").decisive());
    }
    gaps
}

#[cfg(test)]
mod tests;
