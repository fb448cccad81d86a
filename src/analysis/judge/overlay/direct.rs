//! What a node sends to another node's pod without a tunnel, as its route says.

use super::Handed;
use crate::analysis::judge::case::found;
use crate::analysis::judge::pod_network::{far_node, is_of, pod_network};
use crate::analysis::state::routes::Route;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// The pod's route leads by another interface than other nodes' pod networks do, and to none of the addresses of the pod's node: where it leads
/// to that node, it is right whatever others do. Tunnels are for some pairs of nodes alone where a CNI takes the direct way within a network.
pub(super) fn wrong_route(handed: &Handed) -> Option<Finding> {
    let Handed { case, node, pod, interface, .. } = handed;
    let (state, pod) = (&handed.pair.after, *pod);
    if handed.tunnel().is_some() {
        return None;
    }
    let route = state.routes().and_then(|routes| routes.specific(pod))?;
    let gateway = state.way(&RouteQuestion::to(pod)).and_then(|way| way.via);
    if let Some(gateway) = gateway
        && is_of(case, &far_node(case, pod)?, gateway) != Some(false)
    {
        return None;
    }
    let tunnel = state.links().unwrap_or_default().iter().find(|link| link.is_tunnel())?;
    let by_tunnel = |route: &Route| route.dev.as_ref() == Some(&tunnel.name);
    let others = state.routes().is_some_and(|routes| routes.all().iter().any(|route| by_tunnel(route) && route.dst.contains('/')));
    (others && !by_tunnel(route)).then(|| {
        found(
            names::ROUTE_POD_NETWORK_WRONG,
            vec![Subject::route(node, pod_network(case, pod))],
            format!("{node}'s route to the pod network of {pod} leads by {interface}, where other pod networks go by {}", tunnel.name),
            vec![format!("route on {node}: {}", route.text)],
        )
    })
}

/// The node sent it to the pod's node, by the right MAC, and there nothing came in.
pub(super) fn lost_directly(handed: &Handed) -> Option<Finding> {
    let Handed { case, roads, node, pod, interface, .. } = handed;
    let state = &handed.pair.after;
    let way = state.way(&RouteQuestion::to(*pod)).filter(|way| way.device.as_deref() == Some(interface))?;
    let (gateway, far) = (way.via?, far_node(case, *pod)?);
    let to_far_node = handed.tunnel().is_none() && is_of(case, &far, gateway) == Some(true);
    let arrived = roads.iter().any(|road| !road.watched(&far) || road.hops(|hop| hop.place == far).next().is_some());
    if !to_far_node || arrived {
        return None;
    }
    let entry = state.neighbours().unwrap_or_default().iter().find(|entry| entry.address == gateway && entry.device == *interface)?;
    let mac = entry.mac.as_ref().filter(|_| !entry.unresolved())?;
    let own = case.node_state(&far)?.after.links().unwrap_or_default();
    own.iter().any(|link| link.mac.eq_ignore_ascii_case(mac)).then(|| Finding {
        next: format!(
            "Let packets of pod addresses pass between {node} and {far}, or have the CNI encapsulate what goes between these two."
        ),
        ..found(
            names::OVERLAY_LOST_BETWEEN,
            vec![Subject::network(node, &far), Subject::node(&far)],
            format!("what {node} sends to pods of {far} without a tunnel does not arrive there"),
            vec![
                format!(
                    "route on {node}: {}",
                    state.routes().and_then(|routes| routes.specific(*pod)).map(|route| route.text.as_str()).unwrap_or_default()
                ),
                format!("{gateway} is {far}'s own address, and {mac}, its MAC on {node}, is {far}'s own"),
                format!("packets for {pod} leave {node}/{interface}, none came in on {far}"),
            ],
        )
    })
}
