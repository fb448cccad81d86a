//! kube-proxy's programme on a node: whether it is there, and where it leads.

mod unaware;

pub(in crate::analysis::judge) use unaware::unaware;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::state::data_path;
use crate::analysis::state::kube_proxy::{self, Programme, ServicePort, is_there, other_ports, programme};
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::service::Protocol;
use crate::model::service::TrafficPolicy;
use crate::model::subject::Subject;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;

/// What kube-proxy's programme on the node lacks: the address in it, the port of it, or the way to it.
pub(in crate::analysis::judge) fn untranslated(case: &Case, pair: &StatePair, node: &str) -> Option<String> {
    let address = case.address()?;
    if data_path::plugin(&pair.after).is_some() && !kube_proxy_is_used(case) {
        return None;
    }
    let why = match programme(&pair.after, address, service_port(case)) {
        Programme::Complete | Programme::Unread => return None,
        Programme::Lacks(why) => why,
        Programme::Missing => {
            let elsewhere = case.node_states().any(|other| is_there(&other.after, address));
            elsewhere.then(|| "it has none of kube-proxy's chains, which other nodes have".to_owned())?
        }
    };
    // What the node translated a moment before shows that its rules come and go.
    let translated =
        |road: &Road| road.repeated() && road.connection.attempt.answered() && road.entry().is_some_and(|(entry, _)| entry == node);
    (!case.roads().iter().any(translated)).then_some(why)
}

/// Whether any node that was read runs kube-proxy. Where a plugin translates in its place, what an earlier kube-proxy left behind says nothing.
fn kube_proxy_is_used(case: &Case) -> bool {
    case.states().any(|other| data_path::kube_proxy_runs(&other.after) == Some(true))
}

/// kube-proxy does not work on a node that does not translate the address.
pub(in crate::analysis::judge) fn down(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let why = untranslated(case, pair, node)?;
    let (process, states) = data_path::kube_proxy(&pair.after)?;
    (states.is_empty() || states.contains(&'T')).then(|| {
        let mut finding = found(
            names::NODE_PROXY_DOWN,
            vec![Subject::kube_proxy(node)],
            match new_port(case, pair, node) {
                Some(port) => format!("kube-proxy does not work on {node}, and has no rule there for {}", port.missing),
                None => format!("kube-proxy does not work on {node}, and {node} does not translate the address"),
            },
            lacking(case, pair, node, &why, Some((process, states))),
        );
        within(&mut finding, process, node);
        if let Some(wake) = pair.after.wake(process) {
            finding.next = wake;
        }
        finding
    })
}

/// The node does not translate the address.
pub(in crate::analysis::judge) fn not_programmed(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let why = untranslated(case, pair, node)?;
    let process = data_path::kube_proxy(&pair.after);
    let name = process.as_ref().map(|(name, _)| *name);
    let mut finding = found(
        names::NODE_NOT_PROGRAMMED,
        vec![Subject::kube_proxy(node)],
        match new_port(case, pair, node) {
            Some(port) => format!("{node}'s kube-proxy has no rule for {}", port.missing),
            None => format!("{node} does not translate the address: {why}"),
        },
        lacking(case, pair, node, &why, process),
    );
    within(&mut finding, name.unwrap_or_default(), node);
    if let Some(wake) = name.and_then(|name| pair.after.wake(name)) {
        finding.next = wake;
    }
    Some(finding)
}

/// A port of the address that a node's kube-proxy has no rule for, although it has rules for others: they were made before it was added.
struct NewPort {
    /// `10.88.64.100:8443/tcp`
    missing: String,
    evidence: String,
}

fn new_port(case: &Case, pair: &StatePair, node: &str) -> Option<NewPort> {
    let (address, port) = (case.address()?, service_port(case)?);
    let known = other_ports(&pair.after, address);
    let lacks = matches!(programme(&pair.after, address, Some(port)), Programme::Lacks(_));
    if known.is_empty() || !lacks || known.contains(&format!("{}/{}", port.port, port.protocol)) {
        return None;
    }
    let missing = port.at(address);
    let has = |other: &&StatePair| programme(&other.after, address, Some(port)) == Programme::Complete;
    let others: Vec<String> = case.node_states().filter(has).map(|other| other.after.place.to_string()).collect();
    let of_others = if others.is_empty() { String::new() } else { format!("; {missing} stands in those of {}", others.join(" and ")) };
    let known = known.into_iter().collect::<Vec<_>>().join(" and ");
    Some(NewPort { evidence: format!("the rules on {node} know {known} of {address} alone{of_others}"), missing })
}

fn lacking(case: &Case, pair: &StatePair, node: &str, why: &str, process: Option<(&str, Vec<char>)>) -> Vec<String> {
    let process = process.map(|(name, states)| {
        if states.is_empty() {
            format!("no process {name} runs on {node}")
        } else {
            format!("the kernel shows {name} on {node} in state {}", states.iter().collect::<String>())
        }
    });
    let port = new_port(case, pair, node).map(|port| port.evidence);
    std::iter::once(format!("on {node} {why}")).chain(port).chain(process).collect()
}

/// A distribution that runs kube-proxy in its own process has no pod and no unit of that name: its own log and restart are meant.
fn within(finding: &mut Finding, process: &str, node: &str) {
    if !process.is_empty() && process != "kube-proxy" {
        finding.next = format!("kube-proxy runs within {process} on {node}: read its log (journalctl -u {process}), and restart it there.");
    }
}

/// kube-proxy's rules for the address lead to an endpoint that is gone.
pub(in crate::analysis::judge) fn proxy_stale(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let target = case.target.filter(|target| target.slices_read)?;
    if data_path::plugin(&pair.after).is_some() && !kube_proxy_is_used(case) {
        return None;
    }
    let known = |(ip, port): &(IpAddr, u16)| target.endpoints.iter().any(|endpoint| endpoint.ip == *ip && endpoint.port == Some(*port));
    let programmed = programmed(case, pair);
    let to =
        |ends: &mut dyn Iterator<Item = &(IpAddr, u16)>| ends.map(|(ip, port)| SocketAddr::new(*ip, *port).to_string()).collect::<Vec<_>>();
    let gone = to(&mut programmed.iter().filter(|end| !known(end)));
    if gone.is_empty() {
        return None;
    }
    let held: Vec<String> = target
        .endpoints
        .iter()
        .map(|endpoint| endpoint.port.map_or_else(|| endpoint.ip.to_string(), |port| SocketAddr::new(endpoint.ip, port).to_string()))
        .collect();
    let evidence = vec![
        format!("the rules on {node} lead to {}", to(&mut programmed.iter()).join(", ")),
        format!("the EndpointSlices hold {}", held.join(", ")),
    ];
    // One kind of rules is kept, and the other one is what a kube-proxy of another mode left when it was ended without cleaning up.
    let modes = by_mode(case, pair);
    let kept = modes.iter().find(|(_, ends)| !ends.is_empty() && ends.iter().all(known));
    let left = modes.iter().find(|(_, ends)| ends.iter().any(|end| !known(end)));
    let (summary, next) = match (kept, left) {
        (Some((kept, _)), Some((left, _))) => (
            format!(
                "rules that kube-proxy left behind on {node} when it changed from {left} to {kept} lead to {}, which is no endpoint of the Service",
                gone.join(" and ")
            ),
            Some(format!(
                "Take away what the former mode left on {node}: kube-proxy --cleanup (with the image and configuration of that mode, while kube-proxy is stopped), or start the node anew."
            )),
        ),
        _ => (format!("kube-proxy's rules on {node} lead to {}, which is no endpoint of the Service", gone.join(" and ")), None),
    };
    let mut finding = found(names::NODE_PROXY_STALE, vec![Subject::kube_proxy(node)], summary, evidence);
    finding.next = next.unwrap_or(finding.next);
    Some(finding)
}

/// The endpoints that kube-proxy's rules on a node hold for the address and port.
pub(in crate::analysis::judge) fn programmed(case: &Case, pair: &StatePair) -> BTreeSet<(IpAddr, u16)> {
    by_mode(case, pair).into_iter().flat_map(|(_, ends)| ends).collect()
}

/// The same, apart by kube-proxy's mode.
fn by_mode(case: &Case, pair: &StatePair) -> Vec<(&'static str, BTreeSet<(IpAddr, u16)>)> {
    let (Some(vip), Some(port)) = (case.address(), service_port(case)) else { return Vec::new() };
    kube_proxy::by_mode(&pair.after, vip, port).into()
}

/// The port that was asked, as kube-proxy names it.
fn service_port<'a>(case: &Case<'a>) -> Option<ServicePort<'a>> {
    let target = case.target?;
    let protocol = match target.port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    let service = case.service;
    Some(ServicePort { namespace: &service.namespace, service: &service.name, protocol, name: &target.port.name, port: target.port.port })
}

pub(in crate::analysis::judge) fn no_local_endpoint(case: &Case, node: &str) -> Option<Finding> {
    let target = case.target?;
    let local = target.serving().iter().any(|endpoint| endpoint.node.as_deref() == Some(node));
    (case.service.external_policy == TrafficPolicy::Local && !local).then(|| {
        found(
            names::ANNOUNCE_NO_LOCAL_ENDPOINT,
            vec![Subject::from(case.service)],
            format!("the external traffic policy is Local, {node} takes the requests and holds no ready pod"),
            vec![format!("no ready endpoint on {node}")],
        )
    })
}

#[cfg(test)]
mod tests;
