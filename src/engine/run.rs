//! One run of a playbook, from its parameters to its outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rhai::EvalAltResult;
use serde_json::Value;

use super::came_to::CameTo;
use super::conclusion;
use super::end::{End, EndKind, Swept};
use super::script_thread::{self, Thread};
use super::{hooks, ran, site_weights};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::Reason;
use crate::evidence::recording::tape::RUN_END;
use crate::evidence::site::Site;
use crate::evidence::{Evidence, panicked};
use crate::language::playbook::{Origin, Playbook};
use crate::language::{diagnostics, sandbox::bare, steps};
use crate::model::catalogue::names;
use crate::model::diagnostic::Source;
use crate::model::finding::Gap;
use crate::model::outcome::{Outcome, StepState};
use crate::model::subject::Subject;
use crate::words::flow::skip::Skipped;
use crate::words::session::{Progress, Run, State, Stop};

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

/// How long what was found is waited for, when the thread that found it was left behind.
const STATE_LIMIT: Duration = Duration::from_millis(200);

/// Runs the playbook. Whatever happens, the outcome holds what was found until then, and the hosts are swept.
///
/// Once the run is interrupted its script has a moment to come back. One that does not is left behind on its thread, and changes nothing
/// any more.
#[must_use]
pub fn run(playbook: &Playbook, params: BTreeMap<String, Value>, evidence: &Evidence, site: &Site, options: &RunOptions) -> RunEnd {
    run_with(Apart::default(), playbook, params, evidence, site, options)
}

/// As `run`, and tells which statements of the playbook ran.
#[must_use]
pub(super) fn run_watched(
    playbook: &Playbook,
    params: BTreeMap<String, Value>,
    evidence: &Evidence,
    site: &Site,
    options: &RunOptions,
    covered: Option<&CameTo>,
) -> RunEnd {
    run_with(Apart { covered: covered.cloned(), ..Apart::default() }, playbook, params, evidence, site, options)
}

/// What is other than in a usual run.
#[derive(Clone, Default)]
pub(super) struct Apart {
    /// A proof that the judgement leaves out.
    pub(super) without: Option<String>,
    /// Who is told which statements ran.
    pub(super) covered: Option<CameTo>,
    /// Whether whoever watches is told what each step gives.
    pub(super) traces: bool,
    /// Whether closures that could run side by side run one after the other.
    pub(super) one_by_one: bool,
}

/// As `run`, with a judgement that leaves one of its proofs out, by its title: what that proof decides.
#[must_use]
pub fn run_without(
    proof: Option<&str>,
    playbook: &Playbook,
    params: BTreeMap<String, Value>,
    evidence: &Evidence,
    site: &Site,
    options: &RunOptions,
) -> RunEnd {
    run_with(Apart { without: proof.map(str::to_owned), ..Apart::default() }, playbook, params, evidence, site, options)
}

pub(super) fn run_with(
    apart: Apart,
    playbook: &Playbook,
    params: BTreeMap<String, Value>,
    evidence: &Evidence,
    site: &Site,
    options: &RunOptions,
) -> RunEnd {
    let uses: BTreeSet<String> = playbook
        .header
        .uses
        .iter()
        .filter(|capability| site.uses.as_ref().is_none_or(|allowed| allowed.contains(capability)))
        .cloned()
        .collect();
    let told = Arc::new(Told { progress: Arc::clone(&options.progress), over: AtomicBool::default() });
    let progress = Arc::clone(&told);
    let tell = Arc::new(move |event| progress.tell(event));
    let mut shared = Run::new(evidence.clone(), site.clone(), playbook.path.clone(), uses, tell);
    shared.judged_without.clone_from(&apart.without);
    shared.traces = apart.traces;
    shared.one_by_one = apart.one_by_one;
    shared.declared.clone_from(&playbook.header.findings);
    shared.constants = script_thread::constants(&params, site);
    let broken = hooks::of(playbook, site).map(|hooks| shared.hooks.all = hooks).err();
    let shared = Arc::new(shared);
    let (kind, left_behind) = match broken.and_then(|broken| broken.diagnostics.into_iter().next()) {
        Some(mistake) => (EndKind::BrokenPlaybook(Box::new(mistake)), false),
        None => evaluate(playbook, &shared, apart.covered),
    };
    told.over.store(true, Ordering::Relaxed);
    let state = shared.take_state(STATE_LIMIT).unwrap_or_else(lost);
    let left_behind = left_behind.then(|| {
        evidence.tape.leave_behind();
        doing(&shared, &state)
    });
    let swept = sweep(evidence);
    let took_ms = evidence.clock.elapsed_ms(RUN_END);
    let looked = !evidence.tape.touched().is_empty();
    let kind =
        if kind == EndKind::Judged && !conclusion::concluded(playbook.header.kind, &state, looked) { EndKind::Unjudged } else { kind };
    let mut state = state;
    let set_aside = site_weights::weigh(site, &mut state.findings, &evidence.clock.started());
    let ran = ran::ran(playbook, site);
    let outcome = Outcome { set_aside, ran, ..End { kind: &kind, left_behind, swept, took_ms }.outcome(playbook, params, evidence, state) };
    RunEnd { outcome, kind }
}

/// What the run tells whoever watches, until it is over.
struct Told {
    progress: Arc<dyn Fn(Progress) + Send + Sync>,
    over: AtomicBool,
}

impl Told {
    fn tell(&self, event: Progress) {
        if !self.over.load(Ordering::Relaxed) {
            (self.progress)(event);
        }
    }
}

/// Runs the script, and says whether its thread was left behind.
fn evaluate(playbook: &Playbook, run: &Arc<Run>, covered: Option<CameTo>) -> (EndKind, bool) {
    match script_thread::run(playbook, run, covered) {
        Thread::LeftBehind => (stopped(run, Stop::Interrupted), true),
        Thread::Panicked(message) => (EndKind::CouldNotWork(broke(run, &message)), false),
        Thread::NotStarted(error) => (EndKind::CouldNotWork(format!("start the playbook's thread: {error}")), false),
        Thread::Returned(result) => {
            if let Some(error) = result.as_ref().err().filter(|_| run.traces) {
                (run.progress)(Progress::Traced(format!("the playbook ended by {error}")));
            }
            (returned(playbook, run, result), false)
        }
    }
}

fn returned(playbook: &Playbook, run: &Run, result: Result<(), Box<EvalAltResult>>) -> EndKind {
    let stop = run.state().stop.clone();
    if let Some(stop) = stop {
        return match stopped(run, stop) {
            EndKind::Usage(text) => EndKind::Usage(placed(playbook, run, text)),
            other => other,
        };
    }
    match result {
        Ok(()) => EndKind::Judged,
        Err(error) => match error.unwrap_inner() {
            EvalAltResult::ErrorTerminated(why, _) if !why.is_string() => stopped(run, Stop::Interrupted),
            EvalAltResult::ErrorRuntime(value, _) if value.is::<Skipped>() => {
                let why = value.clone().try_cast::<Skipped>().map(|skipped| format!("skipped: {}", skipped.0)).unwrap_or_default();
                run.note(why.clone());
                run.state().skipped = Some(why);
                EndKind::Judged
            }
            // Only the bound on its memory ends a playbook with a reason.
            _ => {
                let source = Source { file: &playbook.path, text: &playbook.source };
                let mistake = diagnostics::failed(&bare(), &source, &error);
                let why = |title: &str| {
                    let state = run.state();
                    let failed = state.steps.iter().find(|step| step.title == title && step.state == StepState::Failed)?;
                    failed.facts.last().map(|fact| fact.strip_prefix("failed: ").unwrap_or(fact).to_owned())
                };
                EndKind::BrokenPlaybook(Box::new(steps::traced(mistake, &error, &playbook.ast, &source, &why)))
            }
        },
    }
}

/// What a playbook asked for wrongly, with the place of the call where its reader is likely its author. Of what stands in a module the
/// place is not one of the playbook.
fn placed(playbook: &Playbook, run: &Run, text: String) -> String {
    if playbook.origin != Origin::File || !playbook.modules.is_empty() {
        return text;
    }
    let source = Source { file: &playbook.path, text: &playbook.source };
    let at = run.state().stopped_at;
    match diagnostics::spot(&bare(), &source, at) {
        Some(spot) => format!("{}:{}:{}: {text}", spot.file, spot.span.start.line, spot.span.start.column),
        None => text,
    }
}

/// A panic, with what was done when it came.
fn broke(run: &Run, message: &str) -> String {
    match run.at_work() {
        Some(word) => format!("the word `{word}` failed by {message}"),
        None => format!("the playbook's thread failed by {message}"),
    }
}

/// What the run was doing, as a part of a sentence.
fn doing(run: &Run, state: &State) -> String {
    let who = run.at_work().map_or_else(|| "the script".to_owned(), |word| format!("`{word}`"));
    match state.open.last() {
        Some(step) => format!("{who} was at work in the step \"{}\"", step.title),
        None => format!("{who} was at work"),
    }
}

/// Sweeps the hosts. A panic on the way is an end without proof, and no reason to lose the report.
fn sweep(evidence: &Evidence) -> Swept {
    catch_unwind(AssertUnwindSafe(|| evidence.hosts.sweep())).unwrap_or_else(|payload| {
        vec![("hosts".to_owned(), Err(EvidenceError::new(ErrorKind::Garbled, "sweep the hosts", panicked::message(&*payload))))]
    })
}

/// In place of what was found, when a thread that was left behind keeps it.
fn lost() -> State {
    let reason = "the thread that was left behind holds what was found until then";
    State { gaps: vec![Gap::new(names::EVIDENCE_UNREADABLE, Subject::Run, reason, "everything").decisive()], ..State::default() }
}

fn stopped(run: &Run, stop: Stop) -> EndKind {
    match stop {
        Stop::Usage(text) => EndKind::Usage(text),
        Stop::Listed(text) => EndKind::Listed(text),
        Stop::CouldNotWork(text) => EndKind::CouldNotWork(text),
        Stop::Unread(text) => EndKind::Unread(text),
        Stop::Interrupted if run.evidence.interrupt.reason() == Some(Reason::TimeLimit) => EndKind::TimedOut,
        Stop::Interrupted => EndKind::Interrupted,
    }
}
