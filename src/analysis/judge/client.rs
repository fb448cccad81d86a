//! Faults at the client: no route, its address outside the Service's source ranges, its own packet filter.

pub(super) mod entry;
pub(super) mod overlaps;
pub(super) mod ports;
pub(super) mod rules;
mod translated;
pub(super) mod way;

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::chosen;
use super::road::Road;
use super::seen_source;
use crate::analysis::state::{netfilter, ruleset};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::kubernetes::Node;
use crate::model::probe::Ending;
use crate::model::service::{Protocol, Service};
use crate::model::subject::Subject;

/// Clients as culprits: by their address when it is known, otherwise by the vantage point's name.
pub(super) fn culprits(roads: &[&Road]) -> Vec<Subject> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for road in roads {
        all.insert(road.connection.attempt.source.map_or_else(|| road.client(), |source| source.to_string()));
    }
    all.into_iter().map(|client| Subject::client(&client)).collect()
}

/// ENETUNREACH at once: nothing left the client.
pub(super) fn no_route(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let here: Vec<&Road> = roads.iter().copied().filter(|road| road.connection.attempt.ending == Ending::NoRoute).collect();
    let first = here.first()?;
    let mut finding = found(
        names::CLIENT_NO_ROUTE,
        culprits(&here),
        format!("{} has no route to the address", first.connection.vantage.text()),
        vec![format!("connecting from {} fails at once: {}", first.connection.vantage.text(), first.connection.attempt.detail)],
    );
    if let Some(barred) = chosen::client(case, &here) {
        barred.tell(&first.connection.vantage.text(), &mut finding);
    } else if has_no_way(case, first) {
        lacking(case, first, &mut finding);
    }
    Some(finding)
}

/// Routes of a client that are shown where none of them leads to the address.
const SHOWN_ROUTES: usize = 4;

/// Which routes it has, and the one that it lacks.
fn lacking(case: &Case, road: &Road, finding: &mut Finding) {
    let (Some(vip), Some(pair)) = (case.address(), case.node_state(&road.client())) else { return };
    let Some(routes) = pair.after.routes() else { return };
    let own: Vec<&str> = routes
        .all()
        .iter()
        .filter(|route| route.table == "main" && route.dst.contains('.') == vip.is_ipv4())
        .map(|route| route.text.trim())
        .collect();
    let shown = own.iter().take(SHOWN_ROUTES).copied().collect::<Vec<_>>().join("; ");
    let rest = if own.len() > SHOWN_ROUTES { format!(" and {} more", own.len() - SHOWN_ROUTES) } else { String::new() };
    let shown = if own.is_empty() { "none at all".to_owned() } else { format!("{shown}{rest}") };
    finding.evidence.push(format!("routes on {}: {shown}; no default route, and none that holds {vip}", road.client()));
    finding.next = format!(
        "On {}: ip route add default via GATEWAY, with the router of its network (or ip route add {vip} via GATEWAY), and write it where the host's network is configured.",
        road.client()
    );
}

/// Whether the client's own routes hold no way to the address: neither a default route nor one that is more specific.
pub(super) fn has_no_way(case: &Case, road: &Road) -> bool {
    let (Some(vip), Some(pair)) = (case.address(), case.node_state(&road.client())) else { return false };
    let Some(routes) = pair.after.routes().filter(|routes| !routes.all().is_empty()) else { return false };
    routes.default().is_none() && routes.specific(vip).is_none()
}

/// The client's address is outside `loadBalancerSourceRanges`.
pub(super) fn source_range(case: &Case, source: IpAddr) -> bool {
    !case.service.source_ranges.is_empty() && !case.service.source_ranges.iter().any(|range| range.contains(&source))
}

/// What the objects alone say about a client's address: left out by the source ranges, or inside the cluster's own networks.
#[must_use]
pub fn client_address(service: &Service, nodes: &[Node], client: IpAddr) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !service.source_ranges.is_empty() && !service.source_ranges.iter().any(|range| range.contains(&client)) {
        let ranges = service.source_ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        findings.push(found(
            names::CLIENT_SOURCE_RANGE,
            vec![Subject::from(service)],
            format!("loadBalancerSourceRanges leaves {client} out"),
            vec![format!("loadBalancerSourceRanges of service/{}: {ranges}", service.path())],
        ));
    }
    if let Some((cidr, node)) = overlaps::pod_network(nodes, client) {
        findings.push(found(
            names::CLIENT_OVERLAPS_CLUSTER,
            vec![Subject::client(&client.to_string())],
            format!("{client} lies inside the pod network {cidr} of {node}: answers to it stay in the cluster"),
            vec![format!("podCIDRs of {node}: {cidr}")],
        ));
    }
    findings
}

/// The clients ask for a number that the Service does not have; `None` for one that it has, and for a name.
#[must_use]
pub fn wrong_port(service: &Service, port: &str) -> Option<Finding> {
    let number: u16 = port.parse().ok()?;
    if service.ports.is_empty() || service.ports.iter().any(|port| port.port == number) {
        return None;
    }
    let known = service.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol.name())).collect::<Vec<_>>().join(", ");
    let place = service.addresses.first().map_or_else(|| service.path(), ToString::to_string);
    Some(found(
        names::CLIENT_WRONG_PORT,
        vec![Subject::client("any")],
        format!("clients ask {place} for port {number}, which the Service does not have: it has {known}"),
        vec![format!("spec.ports of service/{}: {known}", service.path())],
    ))
}

/// The finding for clients outside the ranges, by the addresses that the nodes see of them.
pub(super) fn outside_ranges(case: &Case, roads: &[&Road]) -> Finding {
    let outside = |road: &&&Road| seen_source::seen_as(road).is_some_and(|source| source_range(case, source));
    let outside: Vec<&Road> = roads.iter().filter(outside).copied().collect();
    let seen: BTreeSet<String> = outside.iter().filter_map(|road| seen_source::seen_as(road)).map(|source| source.to_string()).collect();
    let seen = seen.into_iter().collect::<Vec<_>>().join(", ");
    let mut evidence = vec![ranges_told(case), format!("asked from {seen}")];
    let told = |road: &Road| Some((road.client(), road.connection.attempt.source?, seen_source::to(road)?));
    let translated: BTreeSet<(String, IpAddr, IpAddr)> = outside.iter().filter_map(|road| told(road)).collect();
    evidence.extend(translated.iter().map(|(client, own, seen)| format!("{client} asks with {own}, and its requests come in with {seen}")));
    let summary = format!("loadBalancerSourceRanges leaves {seen} out");
    found(names::CLIENT_SOURCE_RANGE, vec![Subject::from(case.service)], summary, evidence)
}

fn ranges_told(case: &Case) -> String {
    let ranges = case.service.source_ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("loadBalancerSourceRanges of service/{}: {ranges}", case.service.path())
}

/// The client's own packet filter, seen by its counters.
pub(super) fn firewall(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let road = roads.first()?;
    let pair = case.node_state(&road.client())?;
    let (vip, port) = (case.address()?, case.target?.port.port);
    let protocol = if case.target?.port.protocol == Protocol::Udp { "udp" } else { "tcp" };
    let out = netfilter::Fields {
        source: road.connection.attempt.source,
        destination: Some(vip),
        protocol: protocol.to_owned(),
        destination_port: Some(port),
        ..netfilter::Fields::default()
    };
    let back = netfilter::Fields {
        source: Some(vip),
        destination: road.connection.attempt.source,
        source_port: Some(port),
        destination_port: None,
        ..out.clone()
    };
    let drop = ruleset::drops(pair, &[out, back]).into_iter().next()?;
    let name = road.client();
    let evidence = vec![match drop.grown {
        Some(grown) => format!("{name}: {} took {grown} packets while it was asked", drop.text),
        None => format!("{name}: {} takes this packet", drop.text),
    }];
    let finding = found(names::CLIENT_FIREWALL, culprits(roads), format!("the packet filter of {name} drops it"), evidence);
    let next = drop.text.strip_prefix("-A ").filter(|_| drop.tool != "nft").map(|rest| {
        let table = drop.path.split('/').next().unwrap_or("filter");
        format!("On {name}: {} -t {table} -D {rest}; and see what wrote it.", drop.tool)
    });
    Some(Finding { next: next.unwrap_or_else(|| format!("On {name}: change the rule where it is managed ({}).", drop.path)), ..finding })
}

/// A rule of the client's own that leads its requests for the address elsewhere, before they leave it.
pub(super) fn diverted(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let road = roads.first()?;
    let (name, vip, target) = (road.client(), case.address()?, case.target?);
    let pair = case.node_state(&name)?;
    let quiet = roads.iter().all(|road| road.sent().next().is_none()) && roads.iter().any(|road| road.watched(&name));
    let device = pair.after.way_to_address().and_then(|way| way.device);
    let out = netfilter::Fields {
        source: road.connection.attempt.source,
        destination: Some(vip),
        destination_port: Some(target.port.port),
        protocol: chosen::word(target.port.protocol).to_owned(),
        output: device,
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..netfilter::Fields::default()
    };
    let turns = if quiet && !road.connection.vantage.is_inside() { ruleset::trail(pair, &out, None).turns } else { Vec::new() };
    let (turn, to) = turns.iter().find_map(|turn| match turn.kind {
        ruleset::Kind::Destination(Some(to), _) if to != vip && turn.certain && turn.counted() => Some((turn, to)),
        _ => None,
    })?;
    let mut evidence = vec![format!("{} on {name}, {}: `{}`", turn.tool, turn.path, turn.text)];
    evidence.extend(turn.grown.map(|grown| format!("it counted {grown} connections while they were asked for")));
    evidence.push(format!("nothing for {vip} was seen to leave {name}"));
    let rest = turn.text.trim_start_matches("-A ");
    let next = if turn.tool == "nft" {
        format!("On {name}: take the rule away where it is managed ({}), or correct where it leads.", turn.path)
    } else {
        let table = turn.path.split('/').next().unwrap_or("nat");
        format!("On {name}: {} -t {table} -D {rest}; and see what wrote it.", turn.tool)
    };
    let summary = format!("a rule of {name} leads what is for the address to {to}");
    Some(Finding { next, ..found(names::CLIENT_FIREWALL, culprits(roads), summary, evidence) })
}

#[cfg(test)]
mod tests;
