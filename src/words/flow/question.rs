//! One named question of a run. What goes wrong inside becomes a gap, and the run goes on.

use std::fmt;

use rhai::{Dynamic, EvalAltResult};

use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::outcome::{Step, StepState};
use crate::model::subject::Subject;
use crate::words::flow::skip::Skipped;
use crate::words::mistake::Mistake;
use crate::words::printed;
use crate::words::room::{self, Part};
use crate::words::session::{Answer, Progress, Run};

/// How a step ended that the run goes on after.
pub enum Ended {
    /// With a value.
    Gave(Dynamic),
    Skipped,
    /// It could not look: why. The gap is told.
    Failed(String),
}

impl Ended {
    /// What the step gives to the playbook: nothing, where it did not come to its end.
    pub fn value(self) -> Dynamic {
        match self {
            Self::Gave(value) => value,
            Self::Skipped | Self::Failed(_) => Dynamic::UNIT,
        }
    }
}

/// A step that failed, as an error of whoever called it: its gap is told already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFailed {
    pub title: String,
    pub reason: String,
}

impl fmt::Display for StepFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the step \"{}\" failed: {}", self.title, self.reason)
    }
}

/// Why something could not be had, of the error's value.
#[must_use]
pub fn why(value: &Dynamic) -> String {
    let told = value.read_lock::<StepFailed>().map(|failed| failed.to_string());
    room::text(&told.unwrap_or_else(|| printed::shown(value)))
}

/// Does the work as one named question of the run.
///
/// # Errors
/// When the run ends, or on a mistake of the playbook.
pub fn step(run: &Run, title: &str, work: impl FnOnce() -> Answer<Dynamic>) -> Answer<Dynamic> {
    ended(run, title, work).map(Ended::value)
}

/// As `step`, and tells how it ended.
///
/// # Errors
/// As `step`.
pub fn ended(run: &Run, title: &str, work: impl FnOnce() -> Answer<Dynamic>) -> Answer<Ended> {
    let title = &room::name(title);
    (run.progress)(Progress::Step(title.to_owned()));
    let started_ms = run.evidence.clock.elapsed_ms(&format!("{title}: begin"));
    run.state().begin(title, started_ms);
    let result = work();
    let ended = run.evidence.clock.elapsed_ms(&format!("{title}: end"));
    let mut state = run.state();
    let mut facts = state.end();
    let (how, answer) = match result {
        Ok(value) => (StepState::Done, Ok(Ended::Gave(value))),
        Err(error) => match error.unwrap_inner() {
            EvalAltResult::ErrorRuntime(value, _) if value.is::<Skipped>() => {
                let reason = value.clone().try_cast::<Skipped>().map(|skipped| skipped.0).unwrap_or_default();
                facts.push(format!("skipped: {}", room::text(&reason)));
                (StepState::Skipped, Ok(Ended::Skipped))
            }
            // A word could not do its work: that is a gap. Anything else is a mistake of the playbook, or the end of the run.
            EvalAltResult::ErrorRuntime(value, _) if !value.is::<Mistake>() => {
                let reason = why(value);
                facts.push(format!("failed: {reason}"));
                if !value.is::<StepFailed>() {
                    let undecided = "everything that this step would have told";
                    state.gap(Gap::new(names::EVIDENCE_UNREADABLE, Subject::Step(title.clone()), reason.clone(), undecided).decisive());
                }
                (StepState::Failed, Ok(Ended::Failed(reason)))
            }
            _ => (StepState::Failed, Err(error)),
        },
    };
    if state.room.take(Part::Step, title.len()) {
        state.steps.push(Step { title: title.clone(), state: how, facts, started_ms, took_ms: ended.saturating_sub(started_ms) });
    }
    answer
}
