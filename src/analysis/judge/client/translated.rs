//! A client whose address is another one when its requests come to the node: somebody on the way translates it. What the node answers goes to
//! that address, and to whoever has it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::neighbours;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::seen_source::{arrived, to};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Severity};

/// Failing tries of one client that come to the node with the address of another place, whose own tries are answered there: answers that
/// are for the one go to the other.
pub(super) fn to_anothers(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let (road, seen) = roads.iter().find_map(|road| Some((*road, to(road)?)))?;
    let all = case.roads();
    let holds = |other: &&Road| {
        let attempt = &other.connection.attempt;
        other.connection.vantage != road.connection.vantage && attempt.source == Some(seen) && attempt.answered() && to(other).is_none()
    };
    let holder = all.iter().find(holds)?.connection.vantage.place().to_owned();
    let (mut finding, node) = told(case, roads, road, seen)?;
    finding.summary = format!("{} comes to {node} as {seen}, which is {holder}'s address: its answers go to {holder}", road.client());
    finding.evidence.push(format!("{holder} asks with {seen} itself, and is answered"));
    let strayed = roads.iter().filter(|road| road.hops(|hop| !hop.request && hop.place == holder).next().is_some()).count();
    if strayed > 0 {
        finding.evidence.push(format!("answers to {strayed} of these tries came in at {holder}"));
    }
    Some(finding)
}

/// Failing tries of one client whose own address is in the source ranges, and that come to the node with an address that is in none.
pub(super) fn out_of_ranges(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let within = |road: &&Road| {
        let (own, seen) = (road.connection.attempt.source?, to(road)?);
        (super::source_range(case, seen) && !super::source_range(case, own)).then_some((own, seen))
    };
    let (road, (own, seen)) = roads.iter().find_map(|road| Some((*road, within(road)?)))?;
    let (mut finding, node) = told(case, roads, road, seen)?;
    finding.summary = format!("{} comes to {node} as {seen}, which is in none of loadBalancerSourceRanges", road.client());
    finding.evidence.extend([super::ranges_told(case), format!("{own} is in them")]);
    finding.next = format!(
        "Do not translate what goes to the Service's address, or add {seen} to loadBalancerSourceRanges for everybody who is translated to it. On the machine that translates: conntrack -L -s {own}"
    );
    Some(finding)
}

/// Answered tries of clients that come to the node with another address: no fault, and what source ranges and policies go by.
pub(super) fn noted(case: &Case) -> Vec<Finding> {
    let all = case.roads();
    let clients: BTreeSet<String> = all.iter().filter(|road| to(road).is_some()).map(Road::client).collect();
    let note = |client: String| {
        let roads: Vec<&Road> = all.iter().filter(|road| road.client() == client && road.connection.attempt.answered()).collect();
        let (road, seen) = roads.iter().find_map(|road| Some((*road, to(road)?)))?;
        let (finding, node) = told(case, &roads, road, seen)?;
        let summary = format!("{client} comes to {node} as {seen}, and is answered: source ranges and policies go by that address");
        Some(Finding { severity: Severity::Info, summary, next: String::new(), ..finding })
    };
    clients.into_iter().filter_map(note).collect()
}

fn told(case: &Case, roads: &[&Road], road: &Road, seen: IpAddr) -> Option<(Finding, String)> {
    let (node, interface) = road.entry()?;
    let own = road.connection.attempt.source?;
    let mac = arrived(road)?.source_mac.clone();
    let mut culprits: Vec<_> = mac.iter().map(|mac| neighbours::sender(case, roads, &mac.to_lowercase())).collect();
    culprits.extend(super::culprits(&[road]));
    culprits.dedup();
    let from = mac.map(|mac| format!(", from {mac}")).unwrap_or_default();
    let evidence = vec![format!("{} asks with {own}, and its requests come in on {node}/{interface} with {seen}{from}", road.client())];
    let mut finding = found(names::CLIENT_TRANSLATED, culprits, String::new(), evidence);
    finding.next = format!("{} On the machine that translates: conntrack -L -s {own}", finding.next);
    Some((finding, node))
}

#[cfg(test)]
mod tests;
