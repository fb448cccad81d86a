//! Requests that were seen on their way to an address or a port that is no endpoint's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::Case;
use super::road::Road;

/// Where all of them were sent to, none of it an endpoint, and the one node that took them.
pub(super) fn to_no_endpoint(case: &Case, roads: &[&Road]) -> Option<(String, BTreeSet<(IpAddr, u16)>)> {
    let target = case.target.filter(|target| target.slices_read)?;
    let known = |(ip, port): (IpAddr, u16)| {
        target.endpoints.iter().any(|endpoint| endpoint.ip == ip && endpoint.port.is_none_or(|number| number == port))
    };
    let ends: BTreeSet<(IpAddr, u16)> = roads.iter().map(|road| road.endpoint()).collect::<Option<_>>()?;
    let entries: BTreeSet<String> = roads.iter().map(|road| road.entry().map(|(node, _)| node)).collect::<Option<_>>()?;
    let node = entries.first().filter(|_| entries.len() == 1 && !ends.iter().any(|end| known(*end)))?;
    Some((node.clone(), ends))
}
