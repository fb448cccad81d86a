//! With which address a client's requests come to the node: a fact of one try, that rules of clients and of neighbours ask for alike.

use std::net::IpAddr;

use super::road::Road;
use crate::model::connection::Hop;
use crate::model::packet::Passage;

/// The request as it came in at the node that took it.
pub(super) fn arrived<'a>(road: &Road<'a>) -> Option<&'a Hop> {
    let (node, _) = road.entry()?;
    let vip = road.case.address()?;
    road.hops(move |hop| hop.request && hop.passage == Passage::In && hop.destination.0 == vip && hop.place == node).next()
}

/// The address from which a try comes to the node, when that is not the client's own.
pub(super) fn to(road: &Road) -> Option<IpAddr> {
    let own = road.connection.attempt.source.filter(|_| !road.connection.vantage.is_inside())?;
    arrived(road).map(|hop| hop.source.0).filter(|seen| *seen != own)
}

/// The address that the nodes see of a client: its own, as far as nothing else was seen.
pub(super) fn seen_as(road: &Road) -> Option<IpAddr> {
    to(road).or(road.connection.attempt.source)
}
