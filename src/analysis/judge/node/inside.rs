//! What takes a packet between where it came in on a node and where it should leave.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::frames::frames;
use super::gone::unseen;
use super::packets::Packets;
use super::queues;
use super::rules::{ASTRAY, BEYOND, FAR_REPLY, FAR_REQUEST, ON_THE_LINK, REPLY_INSIDE, REQUEST_INSIDE};
use super::scene::Scene;
use super::taking::{FAR_GONE, SOUGHT, TAKING};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::road::{Leg, Road};
use crate::analysis::judge::rule::Log;
use crate::analysis::judge::tries::Tries;
use crate::analysis::judge::{led_astray, pod_link, translation};
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// The request came in on the announcing node and no translated packet left it.
pub(in crate::analysis::judge) fn request_inside(case: &Case, log: &Log, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let tries = Tries { case, roads, node };
    if let Some(decided) = log.first(&TAKING, node, &tries) {
        return decided;
    }
    let Some(pair) = case.node_state(node) else { return Err(no_state(node)) };
    let packets = Packets::of(case, roads);
    let input = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    let seen = came_in(roads, node, input.as_deref());
    let fields = packets.fields(Leg::Request, case.address(), input.as_deref());
    let (input, sources) = (input.as_deref(), &packets.clients);
    let queues = &on_their_way(case, node, pair, packets.endpoints.iter().map(|(ip, _)| ip), [input, None]);
    let scene = Scene { case, roads, node, pair, packets: &packets, fields: &fields, frames: &[], input, queue: input, queues, sources };
    if let Some(decided) = log.first(&REQUEST_INSIDE, node, &scene) {
        return decided.map(|finding| after(seen, finding));
    }
    log.first(&SOUGHT, node, &tries).unwrap_or_else(|| {
        let grown = translation::refusals(pair, &fields);
        Err(unseen(node, &format!("{seen}, and neither its packet filter, settings, routes nor kube-proxy's rules explain it{grown}")))
    })
}

fn no_state(node: &str) -> Gap {
    unseen(node, "the state of the node could not be read")
}

/// A finding, with what was seen before its own evidence.
fn after(seen: String, mut finding: Finding) -> Finding {
    finding.evidence.insert(0, seen);
    finding
}

fn came_in(roads: &[&Road], node: &str, input: Option<&str>) -> String {
    let came_in = roads.iter().filter(|road| road.entry().is_some()).count();
    // That none left is known only where the capture lost nothing.
    let watched = roads.iter().all(|road| road.watched(node));
    let input = input.map(|name| format!("/{name}")).unwrap_or_default();
    // A capture is of the address and of the endpoints: what leaves for anybody else is not in it.
    let data = roads.iter().filter(|road| road.vanished().is_some_and(|gone| gone.leg == Leg::RequestData)).count();
    match data {
        _ if !watched => format!("{came_in} requests came in on {node}{input}"),
        0 => format!("{came_in} requests came in on {node}{input}, none left it towards an endpoint"),
        all if all >= came_in => {
            format!("{came_in} requests came in on {node}{input}: their first packets left it towards an endpoint, and their data did not")
        }
        some => format!(
            "{came_in} requests came in on {node}{input}: of {some} the first packets left it towards an endpoint and their data did not, and nothing of the others"
        ),
    }
}

/// The answer came back to the announcing node and did not leave it for the client.
pub(in crate::analysis::judge) fn reply_inside(case: &Case, log: &Log, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(no_state(node)) };
    let mut fields = packets.fields(Leg::Reply, case.address(), None);
    let outward = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    let inward = input_of(roads, node, false);
    fields.extend(passing(&fields, case.address(), inward.as_deref(), |to| pair.after.way(&RouteQuestion::to(to))?.device.clone()));
    let pods: BTreeSet<IpAddr> = packets.endpoints.iter().map(|(ip, _)| *ip).collect();
    let (input, queue) = (inward.as_deref(), outward.as_deref());
    let queues = &on_their_way(case, node, pair, &packets.clients, [input, queue]);
    let scene = Scene { case, roads, node, pair, packets: &packets, fields: &fields, frames: &[], input, queue, queues, sources: &pods };
    log.first(&REPLY_INSIDE, node, &scene).unwrap_or_else(|| {
        Err(unseen(
            node,
            &format!(
                "the answer came back to {node} and did not leave it, and neither its packet filter, settings nor routes explain it{}",
                translation::refusals(pair, &fields)
            ),
        ))
    })
}

/// The answers among these packets as they pass the node, with the interfaces by which they come and go: chains of one interface see them so.
fn passing(fields: &[Fields], vip: Option<IpAddr>, inward: Option<&str>, outward: impl Fn(IpAddr) -> Option<String>) -> Vec<Fields> {
    let Some(inward) = inward else { return Vec::new() };
    let answers = fields.iter().filter(|field| vip.is_some() && field.source == vip);
    let through = |field: &Fields| {
        let output = outward(field.destination?)?;
        // Its connection is known by then: it meets no chain that translates first packets.
        let state = Some("ESTABLISHED".to_owned());
        Some(Fields { input: Some(inward.to_owned()), output: Some(output), state, mark: Some(0), ..field.clone() })
    };
    answers.filter_map(through).collect()
}

/// It came out of the tunnel on the pod's node and did not reach the pod's link, or left the pod and not its node.
pub(in crate::analysis::judge) fn far_inside(case: &Case, log: &Log, roads: &[&Road], node: &str, leg: Leg) -> Result<Finding, Gap> {
    let Some(pair) = case.node_state(node) else { return Err(no_state(node)) };
    let packets = Packets::of(case, roads);
    let request = matches!(leg, Leg::Request | Leg::RequestData);
    let input = input_of(roads, node, request);
    let sources: BTreeSet<IpAddr> =
        if request { packets.seen_sources.clone() } else { packets.endpoints.iter().map(|(ip, _)| *ip).collect() };
    let fields = packets.fields(leg, case.address(), input.as_deref());
    let input = input.as_deref();
    let pods: BTreeSet<IpAddr> = packets.endpoints.iter().map(|(ip, _)| *ip).collect();
    // What a pod answers comes in by its link, and leaves for whom the pod saw.
    let links = pods.iter().filter_map(|ip| pod_link::near(case, pair, *ip)).map(|link| Some(link.name.as_str()));
    let queues = &if request {
        on_their_way(case, node, pair, &pods, [input, None])
    } else {
        on_their_way(case, node, pair, packets.clients.union(&packets.seen_sources), links.chain([input]))
    };
    let frames = &if request { Vec::new() } else { frames(case, node, pair, roads, false) };
    let scene =
        Scene { case, roads, node, pair, packets: &packets, fields: &fields, frames, input, queue: input, queues, sources: &sources };
    log.first(if request { &FAR_REQUEST } else { &FAR_REPLY }, node, &scene).unwrap_or_else(|| {
        let grown = translation::refusals(pair, &fields);
        Err(unseen(node, &format!("the packet came in on {node} and did not leave it where it should{grown}")))
    })
}

/// The packet left the node for its pod and did not arrive in it.
pub(in crate::analysis::judge) fn on_the_link(case: &Case, log: &Log, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    looked_at(case, roads, node, |scene| log.first(&ON_THE_LINK, node, scene)).unwrap_or_else(|| {
        let reason = format!("the packet left {node} towards the pod and did not arrive in it");
        Err(Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(node), reason, "what is wrong between the node and its pod").decisive())
    })
}

/// The requests were seen on their way to an address or a port that is no endpoint's: what of the node that took them leads there.
pub(in crate::analysis::judge) fn astray(case: &Case, log: &Log, roads: &[&Road]) -> Option<Finding> {
    let (node, ends) = led_astray::to_no_endpoint(case, roads)?;
    let decided = looked_at(case, roads, &node, |scene| log.first(&ASTRAY, &node, scene))?;
    let ends: Vec<String> = ends.into_iter().map(|(ip, port)| SocketAddr::new(ip, port).to_string()).collect();
    let seen = format!("{} requests that came in on {node} were sent to {}", roads.len(), ends.join(" and "));
    decided.ok().map(|finding| after(seen, finding))
}

/// It passed every point that was watched, and nothing came back: what lies beyond could not be looked at.
pub(in crate::analysis::judge) fn beyond(case: &Case, log: &Log, roads: &[&Road], last: &str) -> Result<Finding, Gap> {
    log.first(&FAR_GONE, last, &Tries { case, roads, node: last })
        .or_else(|| looked_at(case, roads, last, |scene| log.first(&BEYOND, last, scene)))
        .unwrap_or_else(|| {
            Err(unseen(last, &format!("the request passes {last} and nothing comes back; what lies beyond could not be watched")))
        })
}

/// What is found on a node whose state was read, by rules that go by no interface of arrival.
fn looked_at<T>(case: &Case, roads: &[&Road], node: &str, look: impl FnOnce(&Scene) -> Option<T>) -> Option<T> {
    let pair = case.node_state(node)?;
    let packets = Packets::of(case, roads);
    let (fields, sources) = (&[], &packets.clients);
    let queues = &on_their_way(case, node, pair, packets.endpoints.iter().map(|(ip, _)| ip), []);
    let frames = &frames(case, node, pair, roads, true);
    look(&Scene { case, roads, node, pair, packets: &packets, fields, frames, input: None, queue: None, queues, sources })
}

/// The interfaces by which packets leave a node for these addresses, and those by which they came.
fn on_their_way<'a>(
    case: &Case,
    node: &str,
    pair: &StatePair,
    to: impl IntoIterator<Item = &'a IpAddr>,
    came_by: impl IntoIterator<Item = Option<&'a str>>,
) -> BTreeSet<String> {
    let mut all = queues::towards(case, node, pair, to);
    all.extend(came_by.into_iter().flatten().map(str::to_owned));
    all
}

/// The interface by which the requests, or the answers, came in on a node, out of any tunnel.
fn input_of(roads: &[&Road], node: &str, request: bool) -> Option<String> {
    roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request == request && hop.passage == Passage::In && hop.tunnel.is_none()))
        .find(|hop| hop.place == node)
        .map(|hop| hop.interface.clone())
}

#[cfg(test)]
mod tests;
