//! What was not read. A conclusion that rests on what is *not* there (no node took it, nobody else has that MAC, no nearer cause) stands
//! only where everything was read that could have told otherwise; otherwise it is a gap that names what is missing.

use std::collections::BTreeSet;

use super::answering;
use super::case::Case;
use super::road::Road;
use crate::analysis::state::data_path;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::place::{HostKind, Place};

/// Sections that tell whose MAC is whose.
const OWN_MACS: &str = "links";
/// Sections that tell where somebody sends frames.
const NEIGHBOURS: &str = "neighbours";

/// Why requests that come to no node are not known to be lost on the way: somebody may send them elsewhere.
pub(super) fn on_link(case: &Case, roads: &[&Road]) -> Option<Gap> {
    Some(lost_or_led(case, &format!("the request reaches no node; but {}", unread_on_link(case, roads)?)))
}

/// Why a router that says that it has no route is not known to be the cause: one to which the nodes announce may have refused it.
pub(super) fn behind_router(case: &Case, finding: &Finding) -> Option<Gap> {
    (finding.name == names::WIRE_REQUEST_LOST)
        .then(|| Some(lost_or_led(case, &format!("{}; but {}", finding.summary, unread_of_routed(case)?))))
        .flatten()
}

fn lost_or_led(case: &Case, reason: &str) -> Gap {
    let undecided = "whether the requests are lost on the way, or somebody leads them elsewhere";
    Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, undecided).decisive()
}

fn unread_on_link(case: &Case, roads: &[&Road]) -> Option<String> {
    let announcers = case.announcement.map(|announcement| announcement.nodes.clone()).unwrap_or_default();
    let of_announcer = announcers.iter().find_map(|node| unread(case, node, &[OWN_MACS]));
    let clients: BTreeSet<String> = roads.iter().filter(|road| is_host(case, road)).map(|road| road.client()).collect();
    of_announcer
        .or_else(|| clients.iter().find_map(|client| unread(case, client, &[NEIGHBOURS, OWN_MACS])))
        .or_else(|| unasked(case).map(str::to_owned))
        .or_else(|| strangers(case))
}

/// A client that is a machine where lbdiag logs in, so that its state can be read.
fn is_host(case: &Case, road: &Road) -> bool {
    let client = road.client();
    case.captures().any(|capture| matches!(&capture.request.place, Place::Host(host) if host.name == client && host.kind != HostKind::Node))
}

/// Whether nobody on the link could be asked who has the address.
fn unasked(case: &Case) -> Option<&'static str> {
    let asked = case.asks().any(|ask| !ask.asked.is_empty() && ask.error.is_none());
    (!asked).then_some("ARP was asked from nowhere on its network, so that it is not known who else has the address")
}

/// MACs that answer for the address, and of which it was not read whose they are.
pub(super) fn strangers(case: &Case) -> Option<String> {
    let known = answering::macs(case);
    let unknown: Vec<String> = answering::answering(case).into_iter().filter(|mac| !known.contains_key(mac)).collect();
    let unread = nodes_of_unread_macs(case);
    if unknown.is_empty() || unread.is_empty() {
        return None;
    }
    Some(format!("{} answers by ARP, and the MACs of {} were not read", unknown.join(" and "), unread.join(" and ")))
}

/// Nodes that may announce, and whose MACs were not read.
pub(super) fn nodes_of_unread_macs(case: &Case) -> Vec<String> {
    let Some(announcement) = case.announcement else { return vec!["the nodes".to_owned()] };
    if announcement.nodes_seen.is_empty() {
        return vec!["the nodes".to_owned()];
    }
    let mut nodes = announcement.may_announce();
    nodes.retain(|node| unread(case, node, &[OWN_MACS]).is_some());
    nodes.into_iter().map(str::to_owned).collect()
}

fn unread_of_routed(case: &Case) -> Option<String> {
    let announcement = case.announcement?;
    if announcement.nodes_seen.is_empty() {
        return Some("the nodes were not read, so that it is not known who announces to the routers".to_owned());
    }
    let bgp = announcement.bgp.as_ref()?;
    if !bgp.peers_read {
        return Some("the bgppeers were not read, so that it is not known to which routers the nodes announce".to_owned());
    }
    if bgp.sending().is_empty() {
        return Some("no speaker's pod is known to announce it over a session that is up".to_owned());
    }
    let roads = case.roads();
    let failing = roads.iter().filter(|road| !road.connection.attempt.answered() && !road.connection.vantage.is_inside());
    let unwatched: BTreeSet<String> =
        failing.filter(|road| is_outside_host(road) && !road.watched(&road.client())).map(Road::client).collect();
    (!unwatched.is_empty()).then(|| {
        format!("{} could not be watched, and what routers tell it is not known", unwatched.into_iter().collect::<Vec<_>>().join(" and "))
    })
}

fn is_outside_host(road: &Road) -> bool {
    matches!(road.connection.vantage, crate::model::probe::Vantage::Ssh(_) | crate::model::probe::Vantage::Local)
}

/// What of a place was not read, as a sentence's part; `None` when all of these sections were.
pub(super) fn unread(case: &Case, place: &str, sections: &[&str]) -> Option<String> {
    let Some(pair) = case.node_state(place) else { return Some(format!("the state of {place} was not read")) };
    sections.iter().find(|section| !pair.after.is_read(section)).map(|section| format!("the {section} of {place} were not read"))
}

/// Everybody is answered, and what was seen beside it does not fit: a pass would say that nothing is wrong where that is not known.
pub(super) fn contradictions(case: &Case, findings: &[Finding]) -> Option<Gap> {
    let announcement = case.announcement.filter(|announcement| announcement.protocol != "bgp")?;
    let told = |name: &&str| findings.iter().any(|finding| finding.name == **name);
    let explained =
        [names::ANNOUNCE_SPLIT_BRAIN, names::WIRE_DUPLICATE_ADDRESS, names::WIRE_WRONG_INTERFACE, names::ANNOUNCE_SPEAKER_UNHEALTHY];
    if explained.iter().any(told) {
        return None;
    }
    let open = |reason: String| {
        Some(Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, "whether one machine alone answers for the address").decisive())
    };
    // With one answer alone nobody had to look whose it is.
    let several_answer = case.flows().any(|flow| flow.answering_macs().len() > 1);
    if let Some(strange) = strangers(case).filter(|_| several_answer) {
        return open(strange);
    }
    let several = matches!(announcement.agreement, crate::model::announcement::Agreement::Several) && announcement.nodes.len() > 1;
    let asked = case.flows().any(|flow| !flow.answering_macs().is_empty());
    if several && !asked {
        return open(format!(
            "{} announce the address, as far as is known, and ARP was answered nowhere",
            announcement.nodes.join(" and ")
        ));
    }
    None
}

/// What is lost inside a node whose data path is a plugin's own is told by that plugin, which is not asked.
pub(super) fn name_data_paths(case: &Case, gaps: &mut [Gap]) {
    for gap in gaps.iter_mut().filter(|gap| gap.decisive && gap.name == names::EVIDENCE_UNDECIDED) {
        let plugin = gap.subject.on_node().and_then(|node| data_path::plugin(&case.node_state(node)?.after));
        if let Some(plugin) = plugin.filter(|plugin| !gap.reason.contains(plugin.name)) {
            gap.reason = format!(
                "{}; {} leads packets there by programmes of its own, and {} tells what they drop",
                gap.reason, plugin.name, plugin.drops
            );
            let node = gap.subject.on_node().unwrap_or_default();
            gap.next.get_or_insert_with(|| {
                format!(
                    "In the pod of {} on {node}, while a client asks: {}. It names the policy or reason of each packet that it drops.",
                    plugin.name, plugin.drops
                )
            });
        }
    }
}

/// Causes that may have a nearer one in what was not read: they are told, and the verdict does not rest on them.
pub(super) fn weaken(case: &Case, findings: &mut [Finding], gaps: &mut Vec<Gap>) {
    for finding in findings.iter_mut().filter(|finding| finding.severity == Severity::Fail && finding.because.is_none()) {
        let lacks = match finding.name.as_str() {
            names::ENDPOINTS_NONE_READY => unread_of_readiness(case),
            _ => None,
        };
        if let Some(lacks) = lacks {
            finding.severity = Severity::Warn;
            let reason = format!("{}; {lacks}", finding.summary);
            gaps.push(Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, "why no endpoint is ready").decisive());
        }
    }
}

/// What would tell whether pods that are not ready are at fault, or their nodes.
fn unread_of_readiness(case: &Case) -> Option<&'static str> {
    let target = case.target.filter(|_| !case.service.selector.is_empty())?;
    if !target.pods_read {
        return Some("the pods could not be read");
    }
    let live = || target.pods.iter().filter(|pod| !pod.finished());
    let run = live().next().is_some() && live().all(|pod| pod.phase == "Running" && pod.containers.iter().all(|container| container.ready));
    let unknown = case.announcement.is_none_or(|announcement| announcement.nodes_seen.is_empty());
    (run && unknown).then_some("the nodes could not be read, and their kubelets may report nothing")
}
