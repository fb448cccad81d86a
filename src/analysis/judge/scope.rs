//! Which part fails and which works, in one line.

use crate::analysis::judge::case::Case;
use std::collections::{BTreeMap, BTreeSet};

use super::apart;
use super::road::Road;
use crate::model::finding::Finding;

/// The clients of some connections, as one text.
pub(super) fn clients(roads: &[&Road]) -> String {
    let names: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
    names.into_iter().collect::<Vec<_>>().join(" and ")
}

/// A finding with what it is about: its own scope, or this one, what separates its tries from the answered ones, and the places whose tries
/// it explains.
pub(super) fn told(case: &Case, mut finding: Finding, scope: &str, roads: &[&Road]) -> Finding {
    let from: BTreeSet<String> = roads.iter().map(|road| road.connection.vantage.text()).collect();
    let behind = finding.evidence.len().min(1);
    finding.evidence.splice(behind..behind, apart::told(case, roads));
    Finding { scope: finding.scope.or_else(|| Some(scope.to_owned())), from: from.into_iter().collect(), ..finding }
}

/// The scope of a fault that these connections share, against all that were made.
pub(super) fn scope(case: &Case, roads: &[&Road]) -> String {
    let mut tries: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for probe in case.flow.iter().flat_map(|flow| &flow.probes) {
        if probe.nobody_asked() {
            continue;
        }
        let entry = tries.entry(probe.vantage.text()).or_default();
        entry.0 += probe.made().filter(|attempt| attempt.answered()).count();
        entry.1 += probe.made().count();
    }
    let mut late: BTreeMap<String, usize> = BTreeMap::new();
    for connection in case.flow.iter().filter(|flow| !flow.all_answered_at_once()).flat_map(|flow| &flow.resent) {
        *late.entry(connection.vantage.text()).or_default() += 1;
    }
    let mut parts: Vec<String> = tries
        .iter()
        .map(|(from, (answered, made))| {
            let late = late.get(from).map(|late| format!(", {late} of them only after their first packet was sent again"));
            format!("from {from} {answered} of {made} tries are answered{}", late.unwrap_or_default())
        })
        .collect();
    let pods: BTreeSet<&str> = roads.iter().filter_map(|road| road.endpoint()).filter_map(|(ip, _)| case.pod_at(ip)).collect();
    let serving = case.target.map_or(0, |target| target.serving().len());
    if !pods.is_empty() && pods.len() < serving {
        let followed = roads.iter().filter(|road| road.endpoint().is_some()).count();
        let pods = pods.into_iter().collect::<Vec<_>>().join(", ");
        parts.push(if followed == roads.len() {
            format!("the failing ones all belong to {pods}")
        } else {
            format!("of the {} failing ones {followed} were led to {pods}, and the others could not be followed to a pod", roads.len())
        });
    }
    parts.extend(apart::told(case, roads));
    if case.routed() {
        let of =
            |roads: &mut dyn Iterator<Item = &Road>| -> BTreeSet<String> { roads.filter_map(Road::entry).map(|(node, _)| node).collect() };
        let all = case.roads();
        let (entered, every) = (of(&mut roads.iter().copied()), of(&mut all.iter()));
        if !entered.is_empty() && entered.len() < every.len() {
            parts.push(format!("the router sent the failing ones to {}", entered.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
    parts.join("; ")
}
