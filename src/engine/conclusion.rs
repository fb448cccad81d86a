//! Whether a playbook came to what its kind is to come to, and what its run says then.

use crate::language::header::PlaybookKind;
use crate::words::session::State;

/// Whether the run came to a conclusion: nothing else may pass. `looked` is whether anything at all was asked of the world.
pub(super) fn concluded(kind: PlaybookKind, state: &State, looked: bool) -> bool {
    let weighed = state.judged.is_some() || state.expected > 0;
    match kind {
        PlaybookKind::Diagnosis => weighed || !state.findings.is_empty(),
        // What is notable alone proves nothing.
        PlaybookKind::Check => weighed || state.findings.iter().any(|finding| finding.severity > crate::model::finding::Severity::Info),
        PlaybookKind::Report => state.checked || looked,
    }
}

/// What a run says that came to no conclusion: the playbook's own reason, where it gave one.
pub(super) fn lacks(kind: PlaybookKind, state: &State) -> String {
    if let Some(why) = state.skipped.as_ref().or(state.open_expectation.as_ref()) {
        return why.clone();
    }
    let lacks = match kind {
        PlaybookKind::Diagnosis => "the playbook ended without a judgement",
        PlaybookKind::Check => "nothing was checked: a check passes by an expectation that holds, or by a judgement",
        PlaybookKind::Report => "nothing was looked at",
    };
    lacks.to_owned()
}

/// The sentence of a run that nothing else says one of.
pub(super) fn summary(kind: PlaybookKind, state: &State) -> Option<String> {
    let many = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    match kind {
        PlaybookKind::Report => {
            let lines = state.steps.iter().map(|step| step.facts.len()).sum();
            Some(format!("reported: {}, {}", many(state.tables.len(), "table"), many(lines, "line")))
        }
        PlaybookKind::Check | PlaybookKind::Diagnosis if state.expected > 0 => {
            Some(format!("{} of {} held", state.expected - state.failed.min(state.expected), many(state.expected, "expectation")))
        }
        PlaybookKind::Check | PlaybookKind::Diagnosis => None,
    }
}
