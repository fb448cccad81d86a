//! Requests that were seen on their way to an address or a port that is no endpoint's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::Case;
use super::node::kube_proxy;
use super::road::Road;
use super::{conntrack, translation};
use crate::model::finding::Finding;

/// The requests were seen on their way to an address or a port that is no endpoint's: what of the node that took them leads there.
pub(super) fn finding(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let target = case.target.filter(|target| target.slices_read)?;
    let known = |(ip, port): (IpAddr, u16)| {
        target.endpoints.iter().any(|endpoint| endpoint.ip == ip && endpoint.port.is_none_or(|number| number == port))
    };
    let ends: BTreeSet<(IpAddr, u16)> = roads.iter().map(|road| road.endpoint()).collect::<Option<_>>()?;
    let entries: BTreeSet<String> = roads.iter().map(|road| road.entry().map(|(node, _)| node)).collect::<Option<_>>()?;
    let node = entries.first().filter(|_| entries.len() == 1 && !ends.iter().any(|end| known(*end)))?;
    let pair = case.node_state(node)?;
    let mut finding = translation::diverted(case, pair, node, roads)
        .or_else(|| kube_proxy::proxy_stale(case, pair, node))
        .or_else(|| conntrack::stale(case, pair, node, roads))?;
    let ends: Vec<String> = ends.into_iter().map(|(ip, port)| std::net::SocketAddr::new(ip, port).to_string()).collect();
    finding.evidence.insert(0, format!("{} requests that came in on {node} were sent to {}", roads.len(), ends.join(" and ")));
    Some(finding)
}
