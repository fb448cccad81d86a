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

/// Whether an address is one of a node's own. `None` when that is not known: the node's object tells one of its addresses, its state all.
pub(super) fn is_of(case: &Case, node: &str, address: IpAddr) -> Option<bool> {
    if case.node(node).is_some_and(|node| node.internal_ips.contains(&address)) {
        return Some(true);
    }
    let own = case.node_state(node).and_then(|pair| pair.after.addresses()).filter(|own| !own.is_empty());
    own.map_or_else(
        || network_of(case, address).filter(|owner| owner != node).map(|_| false),
        |own| Some(own.iter().any(|(_, net)| net.addr() == address)),
    )
}

/// Which node's pod network or addresses hold an address: by the node objects, or by what the nodes themselves show.
pub(super) fn network_of(case: &Case, address: IpAddr) -> Option<String> {
    let nodes = &case.announcement?.nodes_seen;
    let by_object = nodes.iter().find(|node| {
        let cidr = |cidr: &String| cidr.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&address));
        node.internal_ips.contains(&address) || node.pod_cidrs.iter().any(cidr)
    });
    by_object.map(|node| node.name.clone()).or_else(|| {
        let own = |name: &str| case.node_state(name).is_some_and(|pair| pair.after.has_address(address));
        nodes.iter().map(|node| node.name.clone()).find(|name| own(name))
    })
}
