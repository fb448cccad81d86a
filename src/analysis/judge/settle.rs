//! The order of findings, and which gaps the verdict rests on.

use crate::analysis::judge::case::Case;
use std::collections::BTreeSet;

use crate::model::catalogue::{Property, has, names};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::subject::Subject;

/// The order of findings, one of each name, and which gaps the verdict rests on.
pub(super) fn settle(case: &Case, findings: &mut Vec<Finding>, gaps: &mut [Gap]) {
    // The cause before its consequences, failures before warnings; the order of the road stays within.
    findings.sort_by_key(|finding| (finding.because.is_some(), std::cmp::Reverse(finding.severity)));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert((finding.name.clone(), finding.culprits.clone())));
    if findings.iter().any(|finding| finding.severity == Severity::Fail) {
        return;
    }
    // A node that is named as gone is why it and its pods could not be looked at, and no open question.
    let mut gone: BTreeSet<Subject> =
        findings.iter().filter(|finding| finding.name == names::NODE_UNREACHABLE).flat_map(|finding| &finding.culprits).cloned().collect();
    let pods: Vec<Subject> = case
        .target
        .iter()
        .flat_map(|target| &target.endpoints)
        .filter(|endpoint| endpoint.node.as_deref().is_some_and(|node| gone.contains(&Subject::node(node))))
        .filter_map(|endpoint| Some(Subject::pod(&case.service.namespace, endpoint.pod.as_deref()?)))
        .collect();
    gone.extend(pods);
    let unseen = clients_unseen(case);
    for gap in gaps.iter_mut().filter(|gap| !gone.contains(&gap.subject)) {
        // A pass says that the road was seen; where it could not be looked at, it was not.
        let needed = match &*gap.subject {
            Subject::Node(_) | Subject::Pod { .. } => true,
            client @ Subject::Client(_) => unseen.contains(client),
            _ => false,
        };
        if needed && has(&gap.name, Property::PlaceUnseen) {
            gap.decisive = true;
        }
        if gap.name == names::EVIDENCE_FORBIDDEN && case.target.is_none_or(|target| !target.slices_read) {
            gap.decisive = true;
        }
    }
}

/// The clients of which a try was made that no node was seen to take. Of the others the whole road was seen without them: their requests
/// came in on a node, and that they were answered they say themselves.
fn clients_unseen(case: &Case) -> BTreeSet<Subject> {
    case.roads().iter().filter(|road| road.entry().is_none()).map(|road| Subject::from(&road.connection.vantage)).collect()
}

#[cfg(test)]
mod tests;
