//! A tunnel whose own datagrams the node's routing refuses: they have the mark that the packet inside brings along.

use super::Handed;
use crate::analysis::judge::chosen;
use crate::analysis::judge::pod_network::far_node;
use crate::model::finding::Finding;

/// The node handed the packet to its tunnel, and a policy rule refuses what the tunnel sends to the pod's node.
pub(super) fn on_leaving(handed: &Handed) -> Option<Finding> {
    let port = handed.tunnel()?.marks.as_ref()?.port;
    let ends = &handed.case.node(&far_node(handed.case, handed.pod)?)?.internal_ips;
    chosen::led_tunnel(handed.case, handed.roads, handed.node, handed.pair, port, ends)
}
