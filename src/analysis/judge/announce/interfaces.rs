//! Interfaces and networks of an announcement against those of the node that announces.

use std::collections::BTreeSet;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::looked_at;
use crate::model::announcement::{Agreement, Announcement};
use crate::model::basis::Basis;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Severity};
use crate::model::place::Place;
use crate::model::subject::Subject;

/// The advertisement's interfaces against those that the announcing node has.
pub(super) fn interfaces(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let (Some(node), Some(address)) = (announcement.nodes.first().or(announcement.expected.as_ref()), announcement.address) else {
        return None;
    };
    let culprits = || announcement.advertisements.iter().map(|name| Subject::l2_advertisement(name)).collect::<Vec<_>>();
    let words = announcement.logs.iter().find(|log| log.node == *node).and_then(|log| Some((log, log.address(address)?)));
    if let Some((log, words)) = words.filter(|(_, words)| words.announces_nowhere && announcement.agreement == Agreement::None) {
        looked_at::note(|| Basis::log(&announcement.metallb.namespace, &log.pod));
        let named = if announcement.interfaces.is_empty() { String::new() } else { format!(" {}", announcement.interfaces.join(", ")) };
        let sees = words.interface_warning.as_deref().unwrap_or("none of them");
        let said = format!("speaker {} on {node}: the specified interfaces used to announce LB IP don't exist; it has {sees}", log.pod);
        let Some(own) = links(case, node) else {
            // A speaker may leave out what its node has, and nothing else was asked: whose mistake it is stays open.
            let summary = format!(
                "the speaker on {node} finds no interface{named}, which the advertisement names: the node lacks it, or the speaker leaves it out"
            );
            return Some(Finding { severity: Severity::Warn, ..found(names::ANNOUNCE_INTERFACE_MISSING, culprits(), summary, vec![said]) });
        };
        let there: Vec<&str> = announcement.interfaces.iter().filter(|name| own.contains(*name)).map(String::as_str).collect();
        if !there.is_empty() {
            return Some(left_out(announcement, node, &there.join(", "), said));
        }
        let summary = format!("the advertisement names the interface{named}, which {node} does not have");
        return Some(Finding { next: renamed(node, &own), ..found(names::ANNOUNCE_INTERFACE_MISSING, culprits(), summary, vec![said]) });
    }
    let links = links(case, node)?;
    let existing: Vec<&String> = announcement.interfaces.iter().filter(|name| links.contains(*name)).collect();
    let named = announcement.interfaces.join(", ");
    if !announcement.interfaces.is_empty() && existing.is_empty() {
        let summary = format!("the advertisement names the interface {named}, which {node} does not have");
        let evidence = vec![format!("interfaces of the advertisement: {named}"), format!("interfaces of {node}: {}", shown(&links))];
        return Some(Finding { next: renamed(node, &links), ..found(names::ANNOUNCE_INTERFACE_MISSING, culprits(), summary, evidence) });
    }
    let pair = case.node_state(node)?;
    let on_link = pair.after.on_link(address).unwrap_or_default();
    if !existing.is_empty() && !on_link.is_empty() && !existing.iter().any(|name| on_link.contains(&name.as_str())) {
        let mut evidence = vec![
            format!("interfaces of the advertisement: {named}"),
            format!("on {node} the network of {address} is on {}", on_link.join(", ")),
        ];
        evidence.extend(
            pair.after
                .addresses()
                .unwrap_or_default()
                .iter()
                .filter(|(name, _)| existing.contains(&name))
                .map(|(name, net)| format!("{node}/{name} has {net}")),
        );
        return Some(found(
            names::ANNOUNCE_INTERFACE_OFF_LINK,
            culprits(),
            format!("the advertisement's interface {named} is not on the network of {address}"),
            evidence,
        ));
    }
    if on_link.is_empty() && announcement.protocol != "bgp" {
        // A node without any network that holds the address may be one of several; all that were looked at must agree.
        let looked: Vec<_> = announcement.candidates.iter().filter_map(|name| case.node_state(name)).collect();
        let none = !looked.is_empty()
            && looked.iter().all(|pair| {
                pair.after.addresses().is_some_and(|own| !own.is_empty()) && pair.after.on_link(address).is_some_and(|near| near.is_empty())
            });
        // Somebody whose requests come there has a route of his own for it: then that is not what keeps others from it.
        let asked_for = || case.roads().iter().any(|road| !road.connection.vantage.is_inside() && road.entry().is_some());
        if none
            && !asked_for()
            && let Some(pool) = &announcement.pool
        {
            return Some(found(
                names::ADDRESS_OFF_LINK,
                vec![Subject::pool(pool)],
                format!("{address} lies in no network of any node that may announce it, so that nobody asks there by ARP"),
                looked
                    .iter()
                    .flat_map(|pair| {
                        pair.after
                            .addresses()
                            .unwrap_or_default()
                            .iter()
                            .map(|(name, net)| format!("{}/{name} has {net}", pair.after.place))
                            .collect::<Vec<_>>()
                    })
                    .take(12)
                    .collect(),
            ));
        }
    }
    None
}

/// What to do where a node lacks the interface: it may have it under another name, and other nodes may have it as it is named.
fn renamed(node: &str, links: &BTreeSet<String>) -> String {
    format!(
        "{node} has {}: if one of them is that interface under another name (since a restart or an update), give it its name back there, or add this one to spec.interfaces of the advertisement. See first whether the other nodes have the named one: without it they announce nothing.",
        shown(links)
    )
}

/// The node has the interface, and its speaker says that it is not there: it leaves it out.
fn left_out(announcement: &Announcement, node: &str, there: &str, said: String) -> Finding {
    let namespace = &announcement.metallb.namespace;
    let list = format!("configmap/{namespace}/metallb-excludel2");
    let mut finding = found(
        names::ANNOUNCE_INTERFACE_MISSING,
        vec![Subject::from(format!("node/{node}/speaker")), Subject::from(list)],
        format!("{node} has the interface {there}, and its speaker does not use it: it is told to leave it out"),
        vec![said, format!("interfaces of {node} as its capture lists them: {there} among them")],
    );
    finding.next = format!(
        "See which interfaces the speakers leave out: kubectl get configmap -n {namespace} metallb-excludel2 -o yaml (its patterns match anywhere in a name unless they begin with ^); the advertisement is right. Restart the speakers after a change."
    );
    finding
}

/// The interfaces of a node: from its capture, or from its state.
fn links(case: &Case, node: &str) -> Option<BTreeSet<String>> {
    if let Some(pair) = case.node_state(node) {
        let links: BTreeSet<String> = pair.after.links().unwrap_or_default().iter().map(|link| link.name.clone()).collect();
        if !links.is_empty() {
            return Some(links);
        }
    }
    let capture = case
        .captures()
        .find(|capture| matches!(&capture.request.place, Place::Host(host) if host.name == node) && !capture.links.is_empty())?;
    Some(capture.links.iter().map(|name| name.split('@').next().unwrap_or(name).to_owned()).collect())
}

/// Pods' own links tell nothing here.
fn shown(links: &BTreeSet<String>) -> String {
    links
        .iter()
        .filter(|name| !name.starts_with("veth") && !name.starts_with("cali") && !name.starts_with("lxc"))
        .cloned()
        .collect::<Vec<_>>()
        .join(", ")
}
