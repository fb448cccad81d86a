//! The MACs that a tunnel addresses its frames to, against those of the node that gets them.

use std::net::IpAddr;

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
    let mut evidence = vec![
        arrived.came.clone(),
        format!("`ip neigh` on {sender}: {gateway} on {device} is at {mac} ({})", entry.state),
        format!("{node}'s tunnels have {theirs}"),
    ];
    // Two MACs that differ do not tell which of them is wrong: what third parties know does.
    let knows = |other: &&crate::model::kubernetes::Node| {
        other.name != sender
            && other.name != *node
            && case
                .node_state(&other.name)
                .and_then(|pair| pair.after.neighbours())
                .is_some_and(|all| all.iter().any(|one| one.address == gateway && one.mac.as_deref() == Some(mac)))
    };
    let others: Vec<&str> = case.announcement?.nodes_seen.iter().filter(knows).map(|node| node.name.as_str()).collect();
    let by_birth = pair
        .after
        .addresses()
        .unwrap_or_default()
        .iter()
        .find(|(name, net)| own.iter().any(|link| link.name == *name) && eui64(mac).is_some_and(|made| net.addr() == made));
    if others.is_empty() && by_birth.is_none() {
        return Some(found(
            names::OVERLAY_WRONG_ENDPOINT,
            vec![Subject::interface(&sender, device)],
            format!("the tunnel's neighbour entry on {sender} for {gateway} is no MAC of {node}, which drops what comes out of the tunnel"),
            evidence,
        ));
    }
    if !others.is_empty() {
        evidence.push(format!("`ip neigh` on {}: {gateway} is at {mac} there, too", others.join(" and ")));
    }
    if let Some((name, net)) = by_birth {
        evidence.push(format!("`ip addr` on {node}: {name} has {}, which is made of {mac}: it had that MAC before", net.addr()));
    }
    let link = own.iter().find(|link| link.name == device).or(own.first())?;
    let mut finding = found(
        names::OVERLAY_WRONG_ENDPOINT,
        vec![Subject::interface(node, &link.name)],
        format!("{}'s tunnel {} has another MAC than the other nodes know, and drops what they send to it", node, link.name),
        evidence,
    );
    finding.next = format!(
        "Restart the network plugin's agent on {node}, which gives {} its MAC again (ip link set {} address {mac}), and see what changed it.",
        link.name, link.name
    );
    Some(finding)
}

/// The link-local address that a kernel makes of a MAC by itself (RFC 4291, appendix A).
fn eui64(mac: &str) -> Option<IpAddr> {
    let bytes: Vec<u8> = mac.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect::<Option<_>>()?;
    let bytes: [u8; 6] = bytes.try_into().ok()?;
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let end = [word(bytes[0] ^ 2, bytes[1]), word(bytes[2], 0xff), word(0xfe, bytes[3]), word(bytes[4], bytes[5])];
    Some(IpAddr::from([0xfe80, 0, 0, 0, end[0], end[1], end[2], end[3]]))
}

#[cfg(test)]
mod tests {
    use super::eui64;

    #[test]
    fn a_link_local_address_tells_the_mac_that_it_was_made_of() {
        assert_eq!(eui64("66:26:c2:ce:28:d0"), "fe80::6426:c2ff:fece:28d0".parse().ok());
        assert_eq!(["", "66:26", "zz:26:c2:ce:28:d0"].map(eui64), [None; 3]);
    }
}
