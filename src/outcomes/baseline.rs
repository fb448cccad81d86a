//! What an earlier run had found already counts no more; what is new does.

use super::compare::{About, Weight, compare, known};
use crate::model::finding::Severity;
use crate::model::outcome::{Outcome, Verdict};
use crate::model::set_aside::SetAside;

/// Sets aside every finding that the baseline has too, by the meaning by which runs are compared, and gives the verdict that is left.
///
/// A finding that weighs more than it did, and one that may be why a place is answered less than it was, is new. What could not be looked
/// at counts as before.
pub fn set_aside(baseline: &Outcome, outcome: &mut Outcome) {
    let worse: Vec<String> = compare(baseline, outcome)
        .changes
        .into_iter()
        .filter(|change| change.about == About::Tries && change.weight == Weight::Worse)
        .map(|change| change.of)
        .collect();
    let earlier = known(baseline.into());
    let was_heavy =
        |finding: &str, severity: Severity| baseline.set_aside.iter().any(|aside| aside.finding == finding && aside.was >= severity);
    let mut aside = Vec::new();
    for (key, finding) in known((&*outcome).into()) {
        let Some(old) = earlier.get(&key) else { continue };
        let as_heavy = old.severity >= finding.severity || was_heavy(&finding.name, finding.severity);
        let explains = |place: &String| finding.from.is_empty() || finding.from.contains(place);
        if finding.severity > Severity::Info && as_heavy && !worse.iter().any(explains) {
            let by = format!("the baseline of {} has it", baseline.started);
            aside.push(SetAside { finding: finding.name.clone(), culprits: finding.culprits.clone(), was: finding.severity, by });
        }
    }
    for one in &aside {
        for finding in outcome.findings.iter_mut().filter(|finding| finding.name == one.finding && finding.culprits == one.culprits) {
            finding.severity = Severity::Info;
            finding.evidence.push(format!("set aside: {}", one.by));
        }
    }
    if !aside.is_empty() {
        outcome.verdict = match outcome.verdict {
            Verdict::Inconclusive => Verdict::Inconclusive,
            _ => Verdict::of(&outcome.findings, &outcome.gaps, outcome.ended.is_none()),
        };
    }
    outcome.set_aside.extend(aside);
}
