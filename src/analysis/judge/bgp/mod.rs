//! What is wrong with an announcement over BGP: peers, sessions, prefixes, and what the router makes of them.
//!
//! The speakers' own words tell what they mean to do. Whether a session works is told by the kernel of the node and by the router.

pub(super) mod rules;
mod sessions;

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;

use super::rule::Log;

use crate::model::announcement::{Announcement, Exclusion};
use crate::model::bgp::{Bgp, BgpNode, Router};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Severity};
use crate::model::service::TrafficPolicy;
use crate::model::subject::Subject;

/// Findings about an address that is announced over BGP alone, the nearest cause first.
pub(super) fn findings(case: &Case, log: &Log, announcement: &Announcement) -> Vec<Finding> {
    let Some(bgp) = announcement.bgp.as_ref().filter(|_| announcement.protocol == "bgp") else { return Vec::new() };
    let told = Told { case, announcement, bgp };
    let mut findings = log.all(&rules::SESSIONS, "", &told);
    if !findings.iter().any(|finding| finding.severity == Severity::Fail && finding.scope.is_none()) {
        findings.extend(log.all(&rules::PREFIX, "", &told));
    }
    findings.extend(log.all(&rules::NEXT_HOPS, "", &told));
    findings
}

/// An address that is announced over BGP alone.
pub(super) struct Told<'a> {
    case: &'a Case<'a>,
    announcement: &'a Announcement,
    bgp: &'a Bgp,
}

/// Nodes that may announce but for their peers: nobody at all is told.
fn no_peer(announcement: &Announcement, bgp: &Bgp) -> Option<Finding> {
    let without: Vec<&str> = bgp.excluded.iter().filter(|out| out.why == Exclusion::NoPeer).map(|out| out.node.as_str()).collect();
    // That some nodes have no peer is how many sites are built.
    if !bgp.candidates.is_empty() || without.is_empty() || !bgp.peers_read {
        return None;
    }
    let reached: Vec<&BgpNode> = bgp.nodes.iter().filter(|node| without.contains(&node.node.as_str()) && !node.peers.is_empty()).collect();
    let evidence: Vec<String> = bgp.excluded.iter().map(|out| format!("{}: {}", out.node, out.reason)).collect();
    if !reached.is_empty() {
        return Some(found(
            names::BGP_NOT_ADVERTISED,
            bgp.advertisements.iter().map(|name| Subject::bgp_advertisement(name)).collect(),
            format!(
                "the advertisement {} names no peer that the nodes have, so that the prefix is told to nobody",
                bgp.advertisements.join(" and ")
            ),
            evidence,
        ));
    }
    let culprits = if bgp.peers.is_empty() {
        without.iter().map(|node| Subject::node(node)).collect()
    } else {
        bgp.peers.iter().map(|peer| Subject::peer(&peer.name)).collect()
    };
    let summary = if bgp.peers.is_empty() {
        format!("{} has no BGPPeer, so that no speaker talks to any router", announcement.metallb.namespace)
    } else {
        format!("no BGPPeer's node selectors reach {}", without.join(" and "))
    };
    Some(found(names::BGP_NO_PEER_FOR_NODE, culprits, summary, evidence))
}

/// A session that is up, over which a node that announces sends nothing.
fn not_advertised(bgp: &Bgp) -> Option<Finding> {
    let told = |node: &&BgpNode| {
        let mut sessions =
            node.sessions.iter().filter(|session| node.advertised_to.contains(&session.peer) && session.up == Some(true)).peekable();
        sessions.peek().is_some() && sessions.all(|session| session.prefixes == Some(0))
    };
    let announcing: Vec<&BgpNode> = bgp.nodes.iter().filter(|node| node.announces == Some(true)).collect();
    let silent: Vec<&str> = announcing.iter().copied().filter(told).map(|node| node.node.as_str()).collect();
    if silent.is_empty() || silent.len() < announcing.len() {
        return None;
    }
    Some(found(
        names::BGP_NOT_ADVERTISED,
        bgp.advertisements.iter().map(|name| Subject::bgp_advertisement(name)).collect(),
        format!("{} announce the address, and send no prefix over their sessions", silent.join(" and ")),
        silent.iter().map(|node| format!("{node}: session up, metallb_bgp_announced_prefixes_total is 0")).collect(),
    ))
}

/// The prefix is sent over sessions that both sides believe in, and the router does not use it.
fn filtered(case: &Case, bgp: &Bgp) -> Option<Finding> {
    let router = bgp.router.as_ref()?;
    let route = router.route(case.address()?)?;
    let (paths, installed) = (route.paths.as_ref()?, route.installed.as_ref()?);
    let sending = bgp.sending();
    let up = router.neighbours.iter().filter(|neighbour| neighbour.state == "Established").count();
    if !installed.is_empty() || sending.is_empty() || up == 0 || !router.neighbours_read {
        return None;
    }
    let mut evidence = vec![
        format!("{} announce over sessions that are up", sending.join(", ")),
        format!("{}: {up} neighbours are established", router.host),
    ];
    let summary = if paths.is_empty() {
        evidence.push(format!("{}: its BGP table has no path for {}", router.host, route.address));
        format!(
            "the router {} does not take the prefix that {} announce to it: a filter, a community or a limit of its own",
            router.host,
            sending.join(", ")
        )
    } else {
        for path in paths {
            let state = if path.valid { "valid" } else { "not valid" };
            evidence.push(format!(
                "{}: path {} from {} with next hop {}: {state}, and no route",
                router.host,
                path.prefix,
                path.from,
                path.next_hops.join(" ")
            ));
        }
        format!("the router {} has the prefix in its BGP table and cannot use it", router.host)
    };
    Some(found(names::BGP_FILTERED, vec![router_culprit(bgp, router)], summary, evidence))
}

/// The router by the address that a peer has of it, otherwise by the host that was asked.
pub(super) fn router_culprit(bgp: &Bgp, router: &Router) -> Subject {
    let known = bgp.peers.iter().find(|peer| router.holds(&peer.address)).and_then(|peer| peer.address.parse().ok());
    known.map_or_else(|| Subject::Router(router.host.clone()), Subject::router)
}

/// The advertisement's selectors leave one node, where others could announce too.
fn single_announcer(case: &Case, announcement: &Announcement, bgp: &Bgp) -> Option<Finding> {
    let [only] = bgp.candidates.as_slice() else { return None };
    let left_out: Vec<&str> = bgp.excluded.iter().filter(|out| out.why == Exclusion::Advertisement).map(|out| out.node.as_str()).collect();
    // Policy Local leaves the nodes with pods, whatever the advertisement says.
    if left_out.is_empty() || case.service.external_policy == TrafficPolicy::Local {
        return None;
    }
    let mut evidence = vec![format!("{only} alone may announce {}", announcement.service)];
    evidence.extend(bgp.excluded.iter().map(|out| format!("{}: {}", out.node, out.reason)));
    Some(found(
        names::BGP_SINGLE_ANNOUNCER,
        bgp.advertisements.iter().map(|name| Subject::bgp_advertisement(name)).collect(),
        format!("only {only} announces the address: when it goes, the address is gone until another is elected"),
        evidence,
    ))
}

/// The nodes that announce over BGP, or should. One that the objects leave out is none of them: nothing is sent to it.
pub(super) fn meant_nodes(case: &Case) -> Vec<String> {
    let Some(bgp) = case.announcement.and_then(|announcement| announcement.bgp.as_ref()) else { return Vec::new() };
    let left_out = |node: &str| bgp.excluded.iter().any(|out| out.node == node && !out.why.is_about_the_speaker());
    let named: BTreeSet<&String> =
        bgp.candidates.iter().chain(bgp.nodes.iter().map(|node| &node.node).filter(|node| !left_out(node))).collect();
    named.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests;
