//! What takes a packet between where it came in on a node and where it should leave.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::gone::unseen;
use super::packets::Packets;
use super::rules::{FAR_REPLY, FAR_REQUEST, REPLY_INSIDE, REQUEST_INSIDE};
use crate::analysis::judge::case::Case;
use crate::analysis::judge::road::{Leg, Road};
use crate::analysis::judge::rules::{Log, Scene};
use crate::analysis::judge::{client, translation};
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;

/// The request came in on the announcing node and no translated packet left it.
pub(in crate::analysis::judge) fn request_inside(case: &Case, log: &Log, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let input = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    if packets.clients.iter().all(|client| client::source_range(case, *client)) && !packets.clients.is_empty() {
        return Ok(client::outside_ranges(case, roads));
    }
    let seen = came_in(roads, node, input.as_deref());
    let fields = packets.fields(Leg::Request, case.address(), input.as_deref());
    let (input, sources) = (input.as_deref(), &packets.clients);
    let scene = Scene { case, roads, node, pair, packets: &packets, fields: &fields, input, queue: input, sources };
    if let Some(mut finding) = log.first("the request inside", &REQUEST_INSIDE, &scene) {
        finding.evidence.insert(0, seen);
        return Ok(finding);
    }
    let grown = translation::refusals(pair, &fields);
    Err(unseen(node, &format!("{seen}, and neither its packet filter, settings, routes nor kube-proxy's rules explain it{grown}")))
}

fn came_in(roads: &[&Road], node: &str, input: Option<&str>) -> String {
    let came_in = roads.iter().filter(|road| road.entry().is_some()).count();
    // That none left is known only where the capture lost nothing.
    let watched = roads.iter().all(|road| road.watched(node));
    let input = input.map(|name| format!("/{name}")).unwrap_or_default();
    format!("{came_in} requests came in on {node}{input}{}", if watched { ", none left it towards a pod" } else { "" })
}

/// The answer came back to the announcing node and did not leave it for the client.
pub(in crate::analysis::judge) fn reply_inside(case: &Case, log: &Log, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let fields = packets.fields(Leg::Reply, case.address(), None);
    let outward = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    let inward = input_of(roads, node, false);
    let pods: BTreeSet<IpAddr> = packets.endpoints.iter().map(|(ip, _)| *ip).collect();
    let (input, queue) = (inward.as_deref(), outward.as_deref());
    let scene = Scene { case, roads, node, pair, packets: &packets, fields: &fields, input, queue, sources: &pods };
    log.first("the answer inside", &REPLY_INSIDE, &scene).ok_or_else(|| {
        unseen(
            node,
            &format!(
                "the answer came back to {node} and did not leave it, and neither its packet filter, settings nor routes explain it{}",
                translation::refusals(pair, &fields)
            ),
        )
    })
}

/// It came out of the tunnel on the pod's node and did not reach the pod's link, or left the pod and not its node.
pub(in crate::analysis::judge) fn far_inside(case: &Case, log: &Log, roads: &[&Road], node: &str, leg: Leg) -> Result<Finding, Gap> {
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let packets = Packets::of(case, roads);
    let request = matches!(leg, Leg::Request | Leg::RequestData);
    let input = input_of(roads, node, request);
    let sources: BTreeSet<IpAddr> =
        if request { packets.seen_sources.clone() } else { packets.endpoints.iter().map(|(ip, _)| *ip).collect() };
    let fields = packets.fields(leg, case.address(), input.as_deref());
    let input = input.as_deref();
    let scene = Scene { case, roads, node, pair, packets: &packets, fields: &fields, input, queue: input, sources: &sources };
    let found = if request {
        log.first("the request inside the pod's node", &FAR_REQUEST, &scene)
    } else {
        log.first("the answer inside the pod's node", &FAR_REPLY, &scene)
    };
    found.ok_or_else(|| {
        let grown = translation::refusals(pair, &fields);
        unseen(node, &format!("the packet came in on {node} and did not leave it where it should{grown}"))
    })
}

/// The interface by which the requests, or the answers, came in on a node, out of any tunnel.
fn input_of(roads: &[&Road], node: &str, request: bool) -> Option<String> {
    roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request == request && hop.passage == Passage::In && hop.tunnel.is_none()))
        .find(|hop| hop.place == node)
        .map(|hop| hop.interface.clone())
}
