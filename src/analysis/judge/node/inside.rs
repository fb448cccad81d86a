//! What takes a packet between where it came in on a node and where it should leave.

use crate::analysis::judge::case::Case;
use crate::analysis::judge::client;
use crate::analysis::judge::conntrack;
use crate::analysis::judge::node::filters::dropped_beside_filters;
use crate::analysis::judge::node::filters::firewall_of;
use crate::analysis::judge::node::forwarding::forwarding_off;
use crate::analysis::judge::node::forwarding::no_way_back;
use crate::analysis::judge::node::forwarding::pod_route;
use crate::analysis::judge::node::forwarding::refused_back;
use crate::analysis::judge::node::forwarding::refused_to_forward;
use crate::analysis::judge::node::forwarding::reverse_path;
use crate::analysis::judge::node::gone::unseen;
use crate::analysis::judge::node::kube_proxy::no_local_endpoint;
use crate::analysis::judge::node::kube_proxy::not_programmed;
use crate::analysis::judge::node::kube_proxy::proxy_stale;
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::judge::policy;
use crate::analysis::judge::road::Leg;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::translation;
use crate::analysis::state::network;
use crate::model::finding::Finding;
use crate::model::finding::Gap;
use crate::model::packet::Passage;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The request came in on the announcing node and no translated packet left it.
pub(in crate::analysis::judge) fn request_inside(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let input = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    if packets.clients.iter().all(|client| client::source_range(case, *client)) && !packets.clients.is_empty() {
        return Ok(client::outside_ranges(case, roads));
    }
    let came_in = roads.iter().filter(|road| road.entry().is_some()).count();
    // That none left is known only where the capture lost nothing.
    let watched = roads.iter().all(|road| road.watched(node));
    let seen = format!(
        "{came_in} requests came in on {node}{}{}",
        input.as_ref().map(|name| format!("/{name}")).unwrap_or_default(),
        if watched { ", none left it towards a pod" } else { "" }
    );
    let fields = packets.fields(Leg::Request, case.address(), input.as_deref());
    let finding = translation::diverted(case, pair, node, roads)
        .or_else(|| firewall_of(pair, node, &fields, roads).map(|finding| policy::behind(case, node, &packets, finding)))
        .or_else(|| dropped_beside_filters(pair, node, input.as_deref(), roads.len()))
        .or_else(|| forwarding_off(case, pair, node, input.as_deref()))
        .or_else(|| reverse_path(pair, node, input.as_deref(), &packets.clients))
        .or_else(|| refused_to_forward(pair, node, input.as_deref(), &packets.clients, &packets.endpoints))
        .or_else(|| not_programmed(case, pair, node))
        .or_else(|| proxy_stale(case, pair, node))
        .or_else(|| no_local_endpoint(case, node))
        .or_else(|| conntrack::stale(case, pair, node, roads))
        .or_else(|| conntrack::full(pair, node))
        .or_else(|| pod_route(pair, node, &packets.endpoints))
        .or_else(|| super::super::pod_link::of(case, pair, node, &packets.endpoints))
        .or_else(|| policy::unseen(case, pair, node, &packets));
    if let Some(mut finding) = finding {
        finding.evidence.insert(0, seen);
        return Ok(finding);
    }
    let grown = translation::refusals(pair, &fields);
    Err(unseen(node, &format!("{seen}, and neither its packet filter, settings, routes nor kube-proxy's rules explain it{grown}")))
}

/// The answer came back to the announcing node and did not leave it for the client, or left by another interface.
pub(in crate::analysis::judge) fn reply_inside(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    for client in &packets.clients {
        if let Some(refused) = network::way(&pair.after, &format!("{client},,")).and_then(|way| way.refused) {
            return Ok(no_way_back(node, *client, &refused));
        }
    }
    let fields = packets.fields(Leg::Reply, case.address(), None);
    if let Some(finding) = translation::untracked_answers(case, pair, node, roads).or_else(|| firewall_of(pair, node, &fields, roads)) {
        return Ok(finding);
    }
    let outward = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    if let Some(finding) = dropped_beside_filters(pair, node, outward.as_deref(), roads.len()) {
        return Ok(finding);
    }
    let inward = roads
        .iter()
        .flat_map(|road| road.hops(|hop| !hop.request && hop.passage == Passage::In && hop.place == node && hop.tunnel.is_none()))
        .map(|hop| hop.interface.clone())
        .next();
    if let Some(finding) = forwarding_off(case, pair, node, inward.as_deref()) {
        return Ok(finding);
    }
    let pods: BTreeSet<IpAddr> = packets.endpoints.iter().map(|(ip, _)| *ip).collect();
    let refused = || refused_back(pair, node, inward.as_deref(), &packets.clients, &pods);
    if let Some(finding) = reverse_path(pair, node, inward.as_deref(), &pods).or_else(refused) {
        return Ok(finding);
    }
    if let Some(finding) = client::overlaps::on_link(case, roads, node) {
        return Ok(finding);
    }
    Err(unseen(
        node,
        &format!(
            "the answer came back to {node} and did not leave it, and neither its packet filter, settings nor routes explain it{}",
            translation::refusals(pair, &fields)
        ),
    ))
}
