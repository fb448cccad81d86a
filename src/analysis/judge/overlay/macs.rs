//! The MACs that a tunnel addresses its frames to, against those of the node that gets them.

use super::Arrived;
use crate::analysis::judge::case::found;
use crate::analysis::judge::pod_network::network_of;
use crate::analysis::state::network::Link;
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// What the tunnel of the sender addresses the frames to is no MAC of the node that gets them: its kernel takes them for another's.
pub(super) fn mac_of_nobody(arrived: &Arrived) -> Option<Finding> {
    let Arrived { case, node, pair, .. } = arrived;
    let sender = case.node(&network_of(case, arrived.fields.first()?.source?)?)?.name.clone();
    let state = &case.node_state(&sender)?.after;
    let way = state.way(&RouteQuestion::to(arrived.inner?))?;
    let (device, gateway) = (way.device.as_deref()?, way.via.unwrap_or(arrived.inner?));
    state.link(device).filter(|link| link.is_seen_through() && !link.no_arp)?;
    let entry = state.neighbours()?.iter().find(|entry| entry.address == gateway && entry.device == device)?;
    let mac = entry.mac.as_deref()?;
    let own: Vec<&Link> = pair.after.links()?.iter().filter(|link| link.is_seen_through()).collect();
    if own.is_empty() || pair.after.has_mac(mac) {
        return None;
    }
    let theirs = own.iter().map(|link| format!("{} {}", link.name, link.mac)).collect::<Vec<_>>().join(", ");
    Some(found(
        names::OVERLAY_WRONG_ENDPOINT,
        vec![Subject::interface(&sender, device)],
        format!("the tunnel's neighbour entry on {sender} for {gateway} is no MAC of {node}, which drops what comes out of the tunnel"),
        vec![
            arrived.came.clone(),
            format!("`ip neigh` on {sender}: {gateway} on {device} is at {mac} ({})", entry.state),
            format!("{node}'s tunnels have {theirs}"),
        ],
    ))
}
