//! A run's end: closes its outcome with everything that was found until then.

use std::collections::BTreeMap;

use serde_json::Value;

use super::again::again;
use super::conclusion;
use crate::evidence::{Evidence, EvidenceError};
use crate::language::header::PlaybookKind;
use crate::language::playbook::Playbook;
use crate::model::asked_by::leave_out_unasked;
use crate::model::catalogue::names;
use crate::model::diagnostic::Diagnostic;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::Observed;
use crate::model::outcome::{Outcome, Step, StepState, Verdict};
use crate::model::stages::stages;
use crate::model::subject::Subject;
use crate::words::session::State;

/// What the sweep of each host came to.
pub(super) type Swept = Vec<(String, Result<(), EvidenceError>)>;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndKind {
    Judged,
    /// The playbook ended without `judge`.
    Unjudged,
    /// An error of the playbook, or of a word in it.
    BrokenPlaybook(Box<Diagnostic>),
    /// The question itself is wrong: an unknown Service, say.
    Usage(String),
    CouldNotWork(String),
    /// What the run is about could not be read: a gap, and no question was left.
    Unread(String),
    Interrupted,
    TimedOut,
    /// Nothing was asked for: the Services as commands.
    Listed(String),
}

/// How a run came to its end.
pub(super) struct End<'a> {
    pub(super) kind: &'a EndKind,
    /// What was at work on a thread that was left behind.
    pub(super) left_behind: Option<String>,
    pub(super) swept: Swept,
    pub(super) took_ms: u64,
}

impl End<'_> {
    /// The outcome.
    pub(super) fn outcome(&self, playbook: &Playbook, params: BTreeMap<String, Value>, evidence: &Evidence, mut state: State) -> Outcome {
        let ended = match self.kind {
            EndKind::Judged => None,
            EndKind::Unjudged => Some(conclusion::lacks(playbook.header.kind, &state)),
            EndKind::BrokenPlaybook(mistake) => Some(mistake.to_string()),
            EndKind::Usage(text) | EndKind::CouldNotWork(text) | EndKind::Unread(text) | EndKind::Listed(text) => Some(text.clone()),
            EndKind::Interrupted => Some("interrupted".to_owned()),
            EndKind::TimedOut => Some("the run's time limit passed".to_owned()),
        };
        state.gaps.extend(self.gap());
        self.close_steps(&mut state);
        state.close_notes(self.took_ms);
        state.gaps.extend(state.room.gap());
        state.gaps.extend(evidence.tape.gap());
        let cleanup = cleanup(&self.swept, &mut state.gaps);
        let finished = matches!(self.kind, EndKind::Judged | EndKind::Unjudged);
        let kind = playbook.header.kind;
        let touched = evidence.tape.touched();
        leave_out_unasked(&mut state.findings, &touched);
        let looked = !touched.is_empty();
        let checked = state.checked || (kind == PlaybookKind::Report && looked);
        let verdict = Verdict::of(&state.findings, &state.gaps, checked && finished && conclusion::concluded(kind, &state, looked));
        // Of several that weigh the same, the first.
        let gravest = || state.findings.iter().rev().max_by_key(|finding| finding.severity);
        let own = gravest().map(|finding| finding.summary.clone());
        let wrong = gravest().filter(|finding| finding.severity > Severity::Info).map(|finding| finding.summary.clone());
        let made = || conclusion::summary(kind, &state);
        let judged = state.judged.clone().filter(|_| !outweighed(&state));
        let summary = judged.or_else(|| ended.clone()).or(wrong).or_else(made).or(own).unwrap_or_default();
        let mut outcome = Outcome {
            format: "lbdiag-outcome/1".to_owned(),
            lbdiag: env!("CARGO_PKG_VERSION").to_owned(),
            playbook: playbook.header.name.clone(),
            playbook_version: playbook.header.version.clone(),
            started: evidence.clock.started(),
            took_ms: self.took_ms,
            again: again(playbook, &params),
            params,
            verdict,
            summary,
            findings: state.findings,
            gaps: state.gaps,
            set_aside: Vec::new(),
            considered: state.considered,
            witnesses: state.witnesses,
            observed: Observed { stages: stages(&touched, self.took_ms), ..state.observed },
            remedies: state.remedies,
            tables: state.tables,
            attachments: state.attachments,
            steps: state.steps,
            ran: Vec::new(),
            captures: state.captures,
            clocks: state.clocks.0.into_values().collect(),
            answers: evidence.tape.shown(),
            touched,
            cleanup,
            ended,
            diagnostics: self.mistakes(playbook),
        };
        outcome.scrub();
        outcome
    }

    /// The mistake that ended the run, and what will be one.
    fn mistakes(&self, playbook: &Playbook) -> Vec<Diagnostic> {
        let ended = if let EndKind::BrokenPlaybook(mistake) = self.kind { Some((**mistake).clone()) } else { None };
        ended.into_iter().chain(playbook.notices().cloned()).collect()
    }

    /// What an early end leaves open.
    fn gap(&self) -> Option<Gap> {
        let why = match self.kind {
            EndKind::TimedOut => "the run's time limit passed",
            EndKind::Interrupted if self.left_behind.is_some() => "the run was interrupted",
            _ => return None,
        };
        let reason = match &self.left_behind {
            Some(doing) => format!("{why} while {doing}, which did not end by itself"),
            None => why.to_owned(),
        };
        Some(Gap::new(names::EVIDENCE_TIME_RAN_OUT, Subject::Run, reason, "everything that was not looked at yet").decisive())
    }

    /// Ends the steps that were under way, so that their facts are not lost.
    fn close_steps(&self, state: &mut State) {
        while let Some((title, started_ms)) = state.open.last().map(|step| (step.title.clone(), step.started_ms)) {
            let facts = state.end();
            state.steps.push(Step { title, state: StepState::Failed, facts, started_ms, took_ms: self.took_ms.saturating_sub(started_ms) });
        }
    }
}

/// Whether the playbook found something after its judgement that weighs more than all that the judgement rests on.
fn outweighed(state: &State) -> bool {
    let (by_then, later) = state.findings.split_at(state.found_by_then.min(state.findings.len()));
    let heaviest = |findings: &[Finding]| findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Info);
    heaviest(later) > heaviest(by_then)
}

fn cleanup(swept: &Swept, gaps: &mut Vec<Gap>) -> String {
    let unproven: Vec<String> =
        swept.iter().filter_map(|(host, result)| result.as_ref().err().map(|error| format!("{host}: {error}"))).collect();
    for text in &unproven {
        gaps.push(Gap::new(
            names::EVIDENCE_CLEANUP_UNPROVEN,
            Subject::Run,
            text.clone(),
            "whether a process of this run is left there; its own watchdog ends it within 15 seconds",
        ));
    }
    if swept.is_empty() {
        "nothing was started on any host".to_owned()
    } else if unproven.is_empty() {
        "proven".to_owned()
    } else {
        format!("not proven on {}", unproven.join("; "))
    }
}
