//! An address of a node that lies in the pod network of another one: what is sent to it goes to that other one, and rightly so.

use std::net::IpAddr;

use super::Between;
use crate::analysis::judge::case::found;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// Such an address: the interface that has it, and the node in whose network it lies.
pub(super) struct Foreign {
    interface: String,
    owner: String,
    /// The route of the sender that holds it, as it is printed.
    route: String,
}

/// Whether what goes astray is for an address of the node itself, in a network in which a third node has its own.
pub(super) fn address(between: &Between, to: IpAddr) -> Option<Foreign> {
    let Between { case, from, to: node, .. } = between;
    let state = &case.node_state(node)?.after;
    let (interface, _) = state.addresses()?.iter().find(|(_, net)| net.addr() == to)?;
    let route = case.node_state(from)?.after.routes()?.specific(to)?;
    let network: ipnet::IpNet = route.dst.parse().ok()?;
    // Calico reaches a block by the tunnel's address of the node that has it, which is the block's first one.
    let gateway = route.via.filter(|via| network.contains(via))?;
    let owner = case.announcement?.nodes_seen.iter().find(|other| {
        other.name != *node
            && (other.other_ips.contains(&gateway) || case.node_state(&other.name).is_some_and(|pair| pair.after.has_address(gateway)))
    })?;
    Some(Foreign { interface: interface.clone(), owner: owner.name.clone(), route: route.text.clone() })
}

pub(super) fn finding(between: &Between) -> Option<Finding> {
    let Between { from, to: node, .. } = between;
    let (to, _) = between.sender()?;
    between.astray()?;
    let Foreign { interface, owner, route } = address(between, to)?;
    Some(found(
        names::OVERLAY_FOREIGN_ADDRESS,
        vec![Subject::interface(node, &interface)],
        format!("{node}'s {interface} has {to}, an address of {owner}'s pod network: answers to it go to {owner}"),
        vec![
            format!("`ip addr` on {node}: {interface} has {to}"),
            format!("route on {from}: {route}, which leads to {owner}"),
            format!("what {from} sends to {to} leaves it for {owner}"),
        ],
    ))
}
