//! An address that is the first or the last of a network: no kernel connects to it, and nobody asks for its MAC.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// In a network of two addresses or one, none is kept for the network (RFC 3021).
const NARROWEST: u8 = 30;

/// Somebody who was looked at has a network of which the address is the broadcast address or the network's own.
pub(super) fn finding(case: &Case) -> Option<Finding> {
    let address @ IpAddr::V4(_) = case.address()? else { return None };
    if case.all_answered() || !case.asked() {
        return None;
    }
    let kept = |net: &IpNet| net.prefix_len() <= NARROWEST && (net.broadcast() == address || net.network() == address);
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut of: Option<IpNet> = None;
    for state in case.states().map(|pair| &pair.after) {
        for (interface, net) in state.addresses().unwrap_or_default().iter().filter(|(_, net)| kept(net)) {
            of.get_or_insert(*net);
            seen.insert((state.place.to_string(), format!("`ip addr` on {}: {net} on {interface}", state.place)));
        }
    }
    let net = of?.trunc();
    let what = if net.broadcast() == address { "broadcast address" } else { "network's own address" };
    let pool = case.announcement.and_then(|announcement| announcement.pool.as_deref()).map(Subject::pool);
    Some(found(
        names::ADDRESS_BROADCAST,
        pool.into_iter().chain([Subject::from(case.service), Subject::address(address)]).collect(),
        format!("{address} is the {what} of {net}, on which {} are", listed(&seen)),
        seen.iter().map(|(_, line)| line.clone()).collect(),
    ))
}

fn listed(seen: &BTreeSet<(String, String)>) -> String {
    seen.iter().map(|(place, _)| place.as_str()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}
