//! Wrong checksums: packets that arrive and that the receiver's kernel throws away.

use super::road::Road;
use crate::analysis::judge::case::found;
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::connection::Hop;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::service::Protocol;
use crate::model::subject::Subject;

/// How many packets a place's kernel threw away for a wrong checksum while the probe was repeated.
fn thrown_away(pair: &StatePair, protocol: Protocol) -> u64 {
    pair.grown(if protocol == Protocol::Udp { "Udp" } else { "Tcp" }, "InCsumErrors").unwrap_or_default()
}

/// A node that sent a request of these into a tunnel, and the interface by which it left for it.
fn tunneller(roads: &[&Road]) -> Option<(String, String)> {
    let encapsulated = |hop: &Hop| hop.request && hop.passage == Passage::Out && hop.tunnel.is_some();
    let sender = roads.iter().find_map(|road| road.hops(encapsulated).next()).map(|hop| hop.place.clone())?;
    let inner = |hop: &Hop| hop.request && hop.passage == Passage::Out && hop.tunnel.is_none();
    let by = roads.iter().flat_map(|road| road.hops(inner)).filter(|hop| hop.place == sender).last().map(|hop| hop.interface.clone());
    Some((sender, by?))
}

fn of_sender(roads: &[&Road], seen: String, counted: String) -> Option<Finding> {
    let (sender, interface) = tunneller(roads)?;
    Some(found(
        names::OVERLAY_CHECKSUM,
        vec![Subject::interface(&sender, &interface)],
        format!("packets that {sender} sends through the tunnel arrive with a wrong checksum, and the receiver throws them away"),
        vec![seen, counted],
    ))
}

/// Encapsulated packets come in on a node and do not come out of the tunnel, and its kernel counts wrong checksums.
pub(super) fn of_tunnel(pair: &StatePair, node: &str, roads: &[&Road], seen: &str) -> Option<Finding> {
    let thrown = thrown_away(pair, Protocol::Udp);
    let enough = thrown > 0 && thrown * 2 >= roads.len() as u64;
    enough.then(|| of_sender(roads, seen.to_owned(), format!("UdpInCsumErrors grew by {thrown} on {node} while the probe was repeated")))?
}

/// Requests reach a pod and nothing leaves it, and its kernel counts wrong checksums: through a tunnel its sender is the cause; without
/// one it is not known who spoiled them.
pub(super) fn of_pod(pair: &StatePair, pod: &str, subject: &Subject, roads: &[&Road], protocol: Protocol) -> Option<Result<Finding, Gap>> {
    let thrown = thrown_away(pair, protocol);
    if thrown == 0 || thrown * 2 < roads.len() as u64 {
        return None;
    }
    let seen = format!("the request reaches {pod}, nothing leaves it");
    let counted = format!(
        "{}InCsumErrors grew by {thrown} in {pod} while the probe was repeated",
        if protocol == Protocol::Udp { "Udp" } else { "Tcp" }
    );
    Some(of_sender(roads, seen, counted.clone()).ok_or_else(|| {
        Gap::new(
            names::EVIDENCE_UNDECIDED,
            subject,
            format!("requests reach {pod} with a wrong checksum: {counted}"),
            "who spoils the checksum",
        )
        .decisive()
    }))
}
