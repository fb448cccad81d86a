//! Where a pod is, and its node's pod network.

use std::net::IpAddr;

use super::case::Case;

pub(super) fn far_node(case: &Case, pod: IpAddr) -> Option<String> {
    case.target?.endpoints.iter().find(|endpoint| endpoint.ip == pod)?.node.clone()
}

/// The pod network as the node object tells it, or the address itself.
pub(super) fn pod_network(case: &Case, pod: IpAddr) -> String {
    let cidrs = far_node(case, pod).and_then(|node| case.node(&node)).map(|node| node.pod_cidrs.clone()).unwrap_or_default();
    cidrs.into_iter().find(|cidr| cidr.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&pod))).unwrap_or_else(|| pod.to_string())
}
