//! One named question of a run. What goes wrong inside becomes a gap, and the run goes on.

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

/// Does the work as one named question of the run.
///
/// # Errors
/// When the run ends, or on a mistake of the playbook.
pub fn step(run: &Run, title: &str, work: impl FnOnce() -> Answer<Dynamic>) -> Answer<Dynamic> {
    let title = &room::name(title);
    (run.progress)(Progress::Step(title.to_owned()));
    let started_ms = run.evidence.clock.elapsed_ms(&format!("{title}: begin"));
    run.state().begin(title, started_ms);
    let result = work();
    let ended = run.evidence.clock.elapsed_ms(&format!("{title}: end"));
    let mut state = run.state();
    let mut facts = state.end();
    let (how, answer) = match result {
        Ok(value) => (StepState::Done, Ok(value)),
        Err(error) => match error.unwrap_inner() {
            EvalAltResult::ErrorRuntime(value, _) if value.is::<Skipped>() => {
                let reason = value.clone().try_cast::<Skipped>().map(|skipped| skipped.0).unwrap_or_default();
                facts.push(format!("skipped: {}", room::text(&reason)));
                (StepState::Skipped, Ok(Dynamic::UNIT))
            }
            // A word could not do its work: that is a gap. Anything else is a mistake of the playbook, or the end of the run.
            EvalAltResult::ErrorRuntime(value, _) if !value.is::<Mistake>() => {
                let reason = room::text(&printed::shown(value));
                facts.push(format!("failed: {reason}"));
                let undecided = "everything that this step would have told";
                state.gap(Gap::new(names::EVIDENCE_UNREADABLE, Subject::Step(title.clone()), reason, undecided).decisive());
                (StepState::Failed, Ok(Dynamic::UNIT))
            }
            _ => (StepState::Failed, Err(error)),
        },
    };
    if state.room.take(Part::Step, title.len()) {
        state.steps.push(Step { title: title.clone(), state: how, facts, started_ms, took_ms: ended.saturating_sub(started_ms) });
    }
    answer
}
