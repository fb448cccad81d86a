//! One run of a playbook, from its parameters to its outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, EvalAltResult, Scope};
use serde_json::Value;

use super::diagnostics;
use super::playbook::Playbook;
use super::sandbox;
use crate::evidence::Evidence;
use crate::evidence::interrupt::Reason;
use crate::evidence::site::Site;
use crate::model::catalogue::names;
use crate::model::diagnostic::{Diagnostic, Source};
use crate::model::finding::Gap;
use crate::model::outcome::{Outcome, Verdict};
use crate::model::subject::Subject;
use crate::words::run::{Progress, Run, State, Stop};

/// How a run is to go.
pub struct RunOptions {
    /// The whole run's bound, for its report; `evidence::live::limit` enforces it.
    pub time_limit: Duration,
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

/// A run's end.
pub struct RunEnd {
    pub outcome: Outcome,
    pub kind: EndKind,
}

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
    Interrupted,
    TimedOut,
    /// Nothing was asked for: the Services as commands.
    Listed(String),
}

/// The script's stack: 64 call levels in a debug build need 6 MiB of it; values within values are copied and let go level by level.
const STACK: usize = 64 << 20;

/// Runs the playbook. Whatever happens, the outcome holds what was found until then, and the hosts are swept.
#[must_use]
pub fn run(playbook: &Playbook, params: BTreeMap<String, Value>, evidence: &Evidence, site: &Site, options: &RunOptions) -> RunEnd {
    let uses: BTreeSet<String> = playbook
        .header
        .uses
        .iter()
        .filter(|capability| site.uses.as_ref().is_none_or(|allowed| allowed.contains(capability)))
        .cloned()
        .collect();
    let shared = Arc::new(Run::new(evidence.clone(), site.clone(), playbook.path.clone(), uses, Arc::clone(&options.progress)));
    let kind = evaluate(playbook, &params, &shared);
    let swept = evidence.hosts.sweep();
    let took_ms = evidence.clock.elapsed_ms("run: end");
    let state = std::mem::take(&mut *shared.state());
    let kind = if state.judged.is_none() && state.findings.is_empty() && kind == EndKind::Judged { EndKind::Unjudged } else { kind };
    RunEnd { outcome: outcome(playbook, params, evidence, state, &kind, &swept, took_ms), kind }
}

fn evaluate(playbook: &Playbook, params: &BTreeMap<String, Value>, run: &Arc<Run>) -> EndKind {
    let result = std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new().name("playbook".to_owned()).stack_size(STACK).spawn_scoped(scope, || {
            let engine = sandbox::with_words(run);
            let mut scope = Scope::new();
            let values: rhai::Map = params.iter().map(|(name, value)| (name.as_str().into(), dynamic(value))).collect();
            scope.push_constant("params", values);
            engine.run_ast_with_scope(&mut scope, &playbook.ast)
        });
        match spawned.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(EvalAltResult::ErrorRuntime("a word failed in a way that it should not".into(), rhai::Position::NONE).into()),
            Err(error) => {
                Err(EvalAltResult::ErrorRuntime(format!("start the playbook's thread: {error}").into(), rhai::Position::NONE).into())
            }
        }
    });
    if let Some(stop) = run.state().stop.clone() {
        return stopped(run, stop);
    }
    match result {
        Ok(()) => EndKind::Judged,
        Err(error) => match error.unwrap_inner() {
            EvalAltResult::ErrorTerminated(why, _) if !why.is_string() => stopped(run, Stop::Interrupted),
            // Only the bound on its memory ends a playbook with a reason.
            _ => {
                let source = Source { file: &playbook.path, text: &playbook.source };
                EndKind::BrokenPlaybook(Box::new(diagnostics::failed(&sandbox::bare(), &source, &error)))
            }
        },
    }
}

fn stopped(run: &Run, stop: Stop) -> EndKind {
    match stop {
        Stop::Usage(text) => EndKind::Usage(text),
        Stop::Listed(text) => EndKind::Listed(text),
        Stop::CouldNotWork(text) => EndKind::CouldNotWork(text),
        Stop::Interrupted if run.evidence.interrupt.reason() == Some(Reason::TimeLimit) => EndKind::TimedOut,
        Stop::Interrupted => EndKind::Interrupted,
    }
}

fn dynamic(value: &Value) -> Dynamic {
    if value.is_null() { Dynamic::UNIT } else { rhai::serde::to_dynamic(value).unwrap_or(Dynamic::UNIT) }
}

fn outcome(
    playbook: &Playbook,
    params: BTreeMap<String, Value>,
    evidence: &Evidence,
    mut state: State,
    kind: &EndKind,
    swept: &[(String, Result<(), crate::evidence::EvidenceError>)],
    took_ms: u64,
) -> Outcome {
    let ended = match kind {
        EndKind::Judged => None,
        EndKind::Unjudged => Some("the playbook ended without a judgement".to_owned()),
        EndKind::BrokenPlaybook(mistake) => Some(mistake.to_string()),
        EndKind::Usage(text) | EndKind::CouldNotWork(text) | EndKind::Listed(text) => Some(text.clone()),
        EndKind::Interrupted => Some("interrupted".to_owned()),
        EndKind::TimedOut => Some("the run's time limit passed".to_owned()),
    };
    if *kind == EndKind::TimedOut {
        state.gaps.push(
            Gap::new(names::EVIDENCE_TIME_RAN_OUT, Subject::Run, "the run's time limit passed", "everything that was not looked at yet")
                .decisive(),
        );
    }
    state.gaps.extend(state.room.gap());
    state.gaps.extend(evidence.tape.gap());
    let cleanup = cleanup(swept, &mut state.gaps);
    let finished = matches!(kind, EndKind::Judged | EndKind::Unjudged);
    // A playbook judges by `judge` or by findings of its own, be they only notable.
    let judged = state.judged.is_some() || !state.findings.is_empty();
    let verdict = Verdict::of(&state.findings, &state.gaps, state.checked && finished && judged);
    // Of several that weigh the same, the first.
    let own = state.findings.iter().rev().max_by_key(|finding| finding.severity).map(|finding| finding.summary.clone());
    let summary = state.judged.clone().or_else(|| ended.clone()).or(own).unwrap_or_default();
    let mut outcome = Outcome {
        format: "lbdiag-outcome/1".to_owned(),
        lbdiag: env!("CARGO_PKG_VERSION").to_owned(),
        playbook: playbook.header.name.clone(),
        playbook_version: playbook.header.version.clone(),
        started: evidence.clock.started(),
        took_ms,
        params,
        verdict,
        summary,
        findings: state.findings,
        gaps: state.gaps,
        considered: state.considered,
        tables: state.tables,
        steps: state.steps,
        captures: state.captures,
        clocks: state.clocks.0.into_values().collect(),
        touched: evidence.tape.touched(),
        cleanup,
        ended,
        diagnostics: if let EndKind::BrokenPlaybook(mistake) = kind { vec![(**mistake).clone()] } else { Vec::new() },
    };
    outcome.scrub();
    outcome
}

fn cleanup(swept: &[(String, Result<(), crate::evidence::EvidenceError>)], gaps: &mut Vec<Gap>) -> String {
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
