//! An announcement as plain lines of a step.

use crate::analysis::announcement::sources_of;
use crate::analysis::sparing;
use crate::model::announcement::{Agreement, Announcement};

/// Troubles of one speaker that are told.
const MOST_TROUBLES: usize = 4;

/// What was found, in the order in which it matters.
#[must_use]
pub fn lines(found: &Announcement) -> Vec<String> {
    if found.address.is_none() {
        return vec!["the Service has no address, so nobody can announce one".to_owned()];
    }
    let mut lines = Vec::new();
    let all = found.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    lines.push(match found.agreement {
        Agreement::Agree => format!("{all} is announced by {} ({})", found.nodes.join(", "), found.protocol),
        Agreement::Several => format!("{all} is announced by several nodes: {} ({})", found.nodes.join(", "), found.protocol),
        Agreement::Conflict => format!("the sources disagree about who announces {all}: {}", found.because),
        Agreement::None if found.because.is_empty() => format!("no node announces {all}"),
        Agreement::None => format!("no node announces {all}: {}", found.because),
        Agreement::Unknown => format!("who announces {all} is not certain: {}", found.because),
    });
    if let Some(expected) = &found.expected {
        lines.push(format!("by MetalLB's election it should be {expected}, of {}", found.candidates.join(", ")));
    }
    if let Some(bgp) = &found.bgp {
        lines.push(format!(
            "over BGP it should be announced by {}",
            if bgp.candidates.is_empty() { "nobody".to_owned() } else { bgp.candidates.join(", ") }
        ));
        for session in bgp.nodes.iter().flat_map(|node| &node.sessions) {
            let state = match session.up {
                Some(true) if session.failing() => "comes up and does not stay",
                Some(true) => "up",
                Some(false) => "down",
                None => "not known",
            };
            let reason = session
                .reason
                .as_ref()
                .filter(|_| session.up != Some(true) || session.failing())
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            lines.push(format!("session of {} with peer {} ({}): {state}{reason}", session.node, session.peer, session.address));
        }
        if let Some(router) = &bgp.router {
            let up = router.neighbours.iter().filter(|neighbour| neighbour.state == "Established").count();
            lines.push(format!("router {}: {up} of {} neighbours are established", router.host, router.neighbours.len()));
            for route in &router.routes {
                let hops: Vec<String> = route.installed.iter().flatten().map(ToString::to_string).collect();
                let hops = if hops.is_empty() { "no route of BGP".to_owned() } else { format!("next hops {}", hops.join(", ")) };
                lines.push(format!("router {}: {hops} for {}", router.host, route.address));
            }
        }
        for prefix in &bgp.prefixes {
            lines.push(format!("{} is announced as {} by the advertisement {}", prefix.address, prefix.prefix, prefix.advertisement));
        }
    }
    for step in found.history.moves.iter().rev().take(6).rev() {
        lines.push(format!("it moved: {step}"));
    }
    for source in sources_of(found) {
        let age = source.age_s.map(|age| format!(", {} ago", span(age))).unwrap_or_default();
        lines.push(format!("{}: {}{age}{}", source.kind, source.detail, if source.trusted { "" } else { " (not to be relied on)" }));
    }
    let out = found.bgp.iter().filter(|_| found.protocol == "bgp").flat_map(|bgp| &bgp.excluded);
    for excluded in found.excluded.iter().filter(|_| found.protocol != "bgp").chain(out) {
        // A reason says what the node does, or what its speaker does.
        let whose = if excluded.reason.starts_with("its ") { "" } else { "it " };
        lines.push(format!("{} takes no part: {whose}{}", excluded.node, excluded.reason));
    }
    for log in found.logs.iter() {
        for trouble in log.troubles.iter().filter(|trouble| trouble.meaning.lasts()).take(MOST_TROUBLES) {
            let on = if trouble.interface.is_empty() { String::new() } else { format!(" ({})", trouble.interface) };
            lines.push(format!("{} on {} says{on}: {}", log.pod, log.node, trouble.text));
        }
    }
    for log in found.logs.iter().filter(|log| log.unknown_lines > 0) {
        lines.push(format!(
            "{} lines of the log of {} are not understood, such as: {}",
            log.unknown_lines,
            log.pod,
            log.unknown_samples.first().map(String::as_str).unwrap_or_default()
        ));
    }
    lines.extend(sparing::told(found));
    lines
}

/// A span of time as a person says it.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
