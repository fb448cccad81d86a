//! Pods that are selected and not ready: which, why, since when, and whether the nodes that carry them are at fault.

use crate::analysis::judge::case::{Case, found};
use std::collections::{BTreeMap, BTreeSet};

use super::shown::endpoint_line;
use crate::analysis::looked_at;
use crate::analysis::read::said;
use crate::model::basis::Basis;
use crate::model::catalogue::names;
use crate::model::endpoint::Target;
use crate::model::finding::{Finding, Severity};
use crate::model::kubernetes::Pod;
use crate::model::subject::Subject;

/// Pods of which a finding tells.
const MOST: usize = 6;

/// Something serves: what is worth saying of the pods that do not.
pub(super) fn partly(case: &Case, target: &Target) -> Option<Finding> {
    let serving = target.serving();
    if serving.iter().any(|endpoint| endpoint.ready) {
        return some_not_ready(case, target);
    }
    let mut finding = found(
        names::ENDPOINTS_NONE_READY,
        culprits(case, &target.pods),
        "no endpoint is ready; only terminating pods still serve, and not for long",
        serving.iter().take(8).map(|endpoint| endpoint_line(endpoint)).collect(),
    );
    finding.severity = Severity::Warn;
    if finding.culprits.is_empty() {
        finding.culprits.push(Subject::from(case.service));
    }
    Some(finding)
}

/// Pods exist and none is ready: are they at fault, or the nodes that carry them?
pub(super) fn none_ready(case: &Case, target: &Target) -> Finding {
    let live: Vec<Pod> = target.pods.iter().filter(|pod| !pod.finished()).cloned().collect();
    let mut evidence: Vec<String> = lines(case, target, &live);
    evidence.extend(target.near_misses.iter().take(3).map(|(name, differs)| format!("pod {name} nearly matches: {differs}")));
    let lost: Vec<&str> = live
        .iter()
        .filter(|pod| pod.phase == "Running" && pod.containers.iter().all(|container| container.ready))
        .filter_map(|pod| pod.node.as_deref())
        .filter(|node| case.node(node).is_some_and(|node| !node.ready))
        .collect();
    if !lost.is_empty() && lost.len() == live.len() {
        let all_down = case.announcement.is_some_and(|announcement| announcement.nodes_seen.iter().filter(|node| !node.ready).count() > 1);
        // Speakers are on their nodes' own network: one that gives its metrics runs on a node that can be reached.
        let gave_metrics = |node: &str| {
            let found = case.announcement?;
            let speaker = found.metrics.iter().find(|metrics| metrics.node == node)?;
            Some(Basis::metrics(&found.metallb.namespace, &speaker.pod))
        };
        let captured = |node: &str| {
            let mut all = case.flows().flat_map(|flow| &flow.captures).map(|capture| &capture.request.place);
            all.find(|place| place.host().name == node).map(Basis::capture)
        };
        let reached = lost.iter().find_map(|node| captured(node).or_else(|| gave_metrics(node)));
        let mut nodes: Vec<Subject> = lost.iter().map(|node| Subject::node(node)).collect();
        nodes.dedup();
        if all_down && let Some(reached) = reached {
            looked_at::note(|| reached);
            return found(
                names::NODE_CONTROL_PLANE_CUT_OFF,
                nodes,
                "the nodes are reachable and their pods run, but the API has not heard from them, so that every pod counts as not ready",
                evidence,
            );
        }
    }
    let summary = match live.as_slice() {
        [one] => format!("the only pod that is selected is not ready: {}", why(one)),
        all => {
            let reasons: BTreeSet<String> = all.iter().map(why).collect();
            match (reasons.len(), reasons.first()) {
                (1, Some(reason)) => format!("none of the {} selected pods is ready: {reason}", all.len()),
                _ => "pods are selected and none of them is ready".to_owned(),
            }
        }
    };
    found(names::ENDPOINTS_NONE_READY, culprits(case, &live), summary, evidence)
}

/// Some of the pods are not ready, and get no traffic unless they are published all the same.
pub(super) fn some_not_ready(case: &Case, target: &Target) -> Option<Finding> {
    if case.service.selector.is_empty() {
        return None;
    }
    let live = target.pods.iter().filter(|pod| !pod.finished() && !pod.terminating);
    let (ready, waiting): (Vec<&Pod>, Vec<&Pod>) = live.partition(|pod| pod.ready);
    if waiting.is_empty() {
        return None;
    }
    let waiting: Vec<Pod> = waiting.into_iter().cloned().collect();
    let of = ready.len() + waiting.len();
    let summary = if case.service.publish_not_ready {
        format!("{} of {of} pods are not ready, and get traffic all the same (publishNotReadyAddresses)", waiting.len())
    } else {
        format!("{} of {of} pods are not ready and get no traffic; the others serve", waiting.len())
    };
    Some(found(names::ENDPOINTS_SOME_NOT_READY, culprits(case, &waiting), summary, lines(case, target, &waiting)))
}

/// One line a pod, and what the kubelet said of it.
fn lines(case: &Case, target: &Target, pods: &[Pod]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for pod in pods.iter().take(MOST) {
        let since = pod.ready_since.as_ref().map(|at| format!(", since {at}")).unwrap_or_default();
        let node = pod.node.as_deref();
        let down = node.and_then(|node| case.node(node)).is_some_and(|node| !node.ready);
        let place = node.map_or_else(|| "no node".to_owned(), |node| format!("{node}{}", if down { " (itself not ready)" } else { "" }));
        lines.push(format!("pod {} on {place}: {}{since}", pod.name, why(pod)));
        for event in target.pod_events.get(&pod.name).into_iter().flatten().take(2) {
            // What the kubelet says again of the next sandbox, or of the next pod, is no news.
            let message = plain(&event.message);
            if !told.insert((event.reason.clone(), message.clone())) {
                continue;
            }
            let times = if event.count > 1 { format!(", {} times", event.count) } else { String::new() };
            lines.push(format!("event {} of pod {} at {}{times}: {}", event.reason, pod.name, event.at, said("", &message)));
        }
    }
    if pods.len() > MOST {
        lines.push(format!("and {} more pods", pods.len() - MOST));
    }
    lines
}

/// Digits of a name that is made for one sandbox or container.
const LONG_NAME: usize = 32;

/// A message without the names that no second event has, and without what every runtime's error begins with.
pub(super) fn plain(message: &str) -> String {
    let of_one = |word: &str| word.len() >= LONG_NAME && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut text = String::new();
    for part in message.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        text.push_str(if of_one(word) { "…" } else { word });
        text.push_str(&part[word.len()..]);
    }
    text.replace("rpc error: code = Unknown desc = ", "").replace("\"…\"", "…")
}

fn why(pod: &Pod) -> String {
    if pod.terminating { "terminating".to_owned() } else { pod.not_ready_because.clone() }
}

/// These pods as culprits, each with the container at fault; before them the workloads of which every pod is among them.
pub(super) fn culprits(case: &Case, pods: &[Pod]) -> Vec<Subject> {
    let namespace = &case.service.namespace;
    let among: BTreeSet<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    let mut workloads: BTreeMap<String, bool> = pods.iter().filter(|pod| pod.owner.is_some()).map(|pod| (pod.workload(), true)).collect();
    for other in case.target.iter().flat_map(|target| &target.pods) {
        if !other.finished()
            && !other.terminating
            && !among.contains(other.name.as_str())
            && let Some(whole) = workloads.get_mut(&other.workload())
        {
            *whole = false;
        }
    }
    let whole = workloads.into_iter().filter(|(_, whole)| *whole).map(|(name, _)| Subject::workload(namespace, &name));
    let single = pods.iter().take(8).map(|pod| match &pod.not_ready_container {
        Some(container) => Subject::container(namespace, &pod.name, container),
        None => Subject::pod(namespace, &pod.name),
    });
    whole.chain(single).collect()
}
