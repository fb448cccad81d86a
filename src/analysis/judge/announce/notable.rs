//! What is odd about an announcement that works: another node than the election gives, too many moves, sources that are stale, speakers
//! that crash.

use crate::analysis::announcement::sources_of;
use crate::analysis::judge::case::{Case, found};
use crate::model::announcement::{Agreement, Announcement, Source};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Severity};
use crate::model::subject::Subject;

/// Moves within ten minutes from which on it is too often.
const FLAPPING: u32 = 6;

/// Restarts of a speaker from which on a container that waits to be started again is one that crashes.
const CRASHES: u32 = 2;

/// The announcer changes again and again, and no restart explains it. What came to rest since is worth knowing, and no more.
pub(super) fn flapping(case: &Case, announcement: &Announcement) -> Option<Finding> {
    let history = &announcement.history;
    if history.changes < FLAPPING {
        return None;
    }
    let rests = if history.rests { ", and stays where it is since" } else { "" };
    let mut finding = found(
        names::ANNOUNCE_FLAPPING,
        vec![Subject::from(case.service)],
        format!("the announcement moved {} times within ten minutes, and no restart explains it{rests}", history.changes),
        history.moves.iter().rev().take(12).rev().cloned().collect(),
    );
    if history.rests {
        finding.severity = Severity::Info;
    }
    Some(finding)
}

/// A speaker whose container is started again and again, on a node that should take part.
pub(super) fn crashing(announcement: &Announcement) -> Option<Finding> {
    let meant = |node: &str| !announcement.excluded.iter().any(|out| out.node == node && !out.why.is_about_the_speaker());
    let pods: Vec<_> = announcement
        .metallb
        .speakers
        .iter()
        .filter(|pod| !pod.terminating && pod.node.as_deref().is_some_and(meant))
        .filter(|pod| pod.containers.iter().any(|container| !container.running && container.restarts >= CRASHES))
        .collect();
    if pods.is_empty() {
        return None;
    }
    Some(found(
        names::ANNOUNCE_SPEAKER_UNHEALTHY,
        pods.iter().filter_map(|pod| pod.node.as_deref()).map(Subject::speaker).collect(),
        format!(
            "the speaker on {} crashes again and again",
            pods.iter().filter_map(|pod| pod.node.as_deref()).collect::<Vec<_>>().join(" and ")
        ),
        pods.iter()
            .map(|pod| {
                let restarts: u32 = pod.containers.iter().map(|container| container.restarts).sum();
                format!("pod {}: {restarts} restarts, {}", pod.name, pod.not_ready_because)
            })
            .collect(),
    ))
}

/// Another node announces than the election gives. Said only when every speaker was heard and they agree on one node.
pub(super) fn unexpected(announcement: &Announcement) -> Option<Finding> {
    let (Some(expected), [node]) = (&announcement.expected, announcement.nodes.as_slice()) else { return None };
    if announcement.agreement != Agreement::Agree
        || node == expected
        || announcement.protocol != "layer2"
        || !announcement.unread.is_empty()
    {
        return None;
    }
    let mut evidence =
        vec![announcement.because.clone(), format!("by the election it should be {expected}, of {}", announcement.candidates.join(", "))];
    evidence.extend(
        announcement
            .logs
            .iter()
            .filter(|log| !log.failed_members.is_empty())
            .map(|log| format!("speaker {} has lost {} from its memberlist", log.pod, log.failed_members.join(", "))),
    );
    Some(found(
        names::ANNOUNCE_UNEXPECTED_NODE,
        vec![Subject::node(node)],
        format!("{node} announces the address, and by MetalLB's election it should be {expected}"),
        evidence,
    ))
}

/// Status objects, metrics and events that name another node than the one that the wire or its own speaker names.
pub(super) fn stale(announcement: &Announcement) -> Option<Finding> {
    let [node] = announcement.nodes.as_slice() else { return None };
    let settled = announcement.claimed_by(node) && matches!(announcement.agreement, Agreement::Agree | Agreement::Conflict);
    if !settled || announcement.protocol != "layer2" {
        return None;
    }
    let sources = sources_of(announcement);
    let newest_event = sources.iter().find(|source| source.kind == "event" && source.protocol != "bgp");
    let dissents = |source: &&Source| source.node.as_ref().is_some_and(|named| named != node);
    let statuses = sources.iter().filter(|source| source.kind == "l2status").filter(dissents);
    let stale: Vec<&Source> = statuses.chain(newest_event.into_iter().filter(|event| dissents(event))).collect();
    if stale.is_empty() {
        return None;
    }
    let mut finding = found(
        names::ANNOUNCE_STALE_SOURCE,
        stale.iter().map(|source| Subject::from(format!("{}/{}", source.kind, announcement.service))).collect(),
        format!("{} name another node than {node}, which announces", named(&stale)),
        stale.iter().map(|source| source.detail.clone()).chain([announcement.because.clone()]).collect(),
    );
    finding.culprits.dedup();
    finding.severity = Severity::Info;
    Some(finding)
}

fn named(stale: &[&Source]) -> String {
    let mut kinds: Vec<&str> =
        stale.iter().map(|source| if source.kind == "event" { "the newest event" } else { "the ServiceL2Status" }).collect();
    kinds.dedup();
    kinds.join(" and ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::analysis::announcement::{Gathered, announcement};
    use crate::analysis::read::{metallb as read_metallb, objects};
    use crate::model::announcement::{AddressLog, History, LogState, ProtocolLog, Spared, SpeakerLog};
    use crate::model::metallb::Metallb;

    /// Three nodes, of which n2 should announce 10.88.64.100.
    fn found_with(announcer: &str, metallb: Metallb, history: History) -> Announcement {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}));
        let log = |node: &str| SpeakerLog {
            pod: format!("speaker-{node}"),
            node: node.to_owned(),
            complete: true,
            addresses: vec![AddressLog {
                protocols: vec![ProtocolLog {
                    protocol: "layer2".to_owned(),
                    state: if node == announcer { LogState::Announced } else { LogState::Withdrawn },
                    at: None,
                    since: None,
                    reason: "notOwner".to_owned(),
                }],
                ..AddressLog::silent("10.88.64.100".parse().unwrap())
            }],
            ..SpeakerLog::default()
        };
        announcement(Gathered {
            service: &service,
            target: None,
            nodes: ["n1", "n2", "n3"].map(|name| objects::node(&json!({"metadata": {"name": name}}))).to_vec().into(),
            metallb,
            logs: ["n1", "n2", "n3"].map(log).into(),
            unread: Vec::new(),
            metrics: [].into(),
            wire: None,
            router: None,
            history,
            spared: Spared::default(),
            now: "2026-11-24T11:00:00Z".to_owned(),
        })
    }

    fn metallb() -> Metallb {
        let speaker = |node: &str| {
            objects::pod(
                &json!({"metadata": {"name": format!("speaker-{node}")}, "spec": {"nodeName": node, "containers": [{"name": "speaker"}]},
                "status": {"phase": "Running", "containerStatuses": [{"name": "speaker", "state": {"running": {}}}]}}),
            )
        };
        Metallb {
            version: Some("0.15.2".to_owned()),
            speakers: ["n1", "n2", "n3"].map(speaker).to_vec().into(),
            speakers_read: true,
            pools: Some(vec![read_metallb::pool(&json!({"metadata": {"name": "p"}, "spec": {"addresses": ["10.88.64.0/24"]}}))]),
            l2_advertisements: Some(vec![read_metallb::advertisement(&json!({"metadata": {"name": "a"}}))]),
            ..Metallb::default()
        }
    }

    fn names(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.name.as_str()).collect()
    }

    #[test]
    fn the_node_of_the_election_is_nothing_to_speak_of() {
        let found = found_with("n2", metallb(), History::default());
        assert!(unexpected(&found).is_none() && stale(&found).is_none() && crashing(&found).is_none());
    }

    #[test]
    fn another_node_than_the_elections_is_told() {
        let finding = unexpected(&found_with("n3", metallb(), History::default())).unwrap();
        assert_eq!((finding.name.as_str(), finding.severity), ("announce/unexpected-node", Severity::Warn));
        assert_eq!(finding.culprits, [Subject::node("n3")]);
    }

    #[test]
    fn a_stuck_status_is_notable_and_no_more() {
        let mut metallb = metallb();
        let status = json!({"metadata": {"name": "l2-a", "labels": {"metallb.io/node": "n2"}}, "status": {"node": "n1"}});
        metallb.l2_statuses = Some(vec![read_metallb::l2_status(&status)]);
        let found = found_with("n2", metallb, History::default());
        assert_eq!(found.agreement, Agreement::Conflict);
        let stale: Vec<Finding> = stale(&found).into_iter().collect();
        assert_eq!(names(&stale), ["announce/stale-source"]);
        assert_eq!(stale[0].severity, Severity::Info);
    }

    #[test]
    fn a_speaker_that_crashes_is_told_where_it_should_take_part() {
        let mut metallb = metallb();
        std::sync::Arc::make_mut(&mut metallb.speakers)[0].containers[0].running = false;
        std::sync::Arc::make_mut(&mut metallb.speakers)[0].containers[0].restarts = 4;
        let finding = crashing(&found_with("n2", metallb.clone(), History::default())).unwrap();
        assert_eq!(finding.culprits, [Subject::speaker("n1")]);
        metallb.l2_advertisements = Some(vec![read_metallb::advertisement(
            &json!({"metadata": {"name": "a"}, "spec": {"nodeSelectors": [{"matchLabels": {"rack": "b"}}]}}),
        )]);
        assert!(crashing(&found_with("n2", metallb, History::default())).is_none(), "no advertisement wants n1");
    }
}
