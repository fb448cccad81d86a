//! `parallel([|| …, || …])`: closures that ask, side by side; what they give, in their order.
//!
//! Each runs on a thread and a state of its own and on copies of the variables around it, so that nothing depends on which is faster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use crate::analysis::timestamps;
use crate::evidence::lane::{self, Lane};
use crate::evidence::side_by_side::{lock, workers};
use crate::model::catalogue::names;
use crate::model::diagnostic::codes;
use crate::model::finding::Gap;
use crate::model::subject::Subject;
use crate::words::fits::in_words;
use crate::words::flow::question::{StepFailed, why};
use crate::words::flow::skip::Skipped;
use crate::words::manual::flow::PARALLEL as WORD;
use crate::words::mistake::Mistake;
use crate::words::room;
use crate::words::session::{AT_ONCE, Answer, Run, State};

/// Closures of one call.
const MOST: usize = 64;

/// Closures of one run.
const MOST_OF_A_RUN: usize = 10_000;

/// Values that the closures of one call see around them, all copies together.
const MOST_COPIED: usize = 200_000;

/// Values within values that are copied.
const DEEPEST: usize = 64;

/// The stack of each closure's thread, as that of the script.
const STACK: usize = 64 << 20;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("parallel", move |context: NativeCallContext, closures: Array| parallel(&run, &context, closures));
}

fn parallel(run: &Run, context: &NativeCallContext, closures: Array) -> Answer<Array> {
    let closures = own(context, closures)?;
    let first = run.begin_lanes(closures.len(), MOST_OF_A_RUN).ok_or_else(|| {
        Run::refuse(
            context,
            format!("a run runs {MOST_OF_A_RUN} closures side by side at most; ask about fewer things, or one after the other"),
        )
    })?;
    let second = timestamps::second(&run.evidence.clock.started()).and_then(|second| u64::try_from(second).ok()).unwrap_or_default();
    let before: Vec<State> = {
        let state = run.state();
        (0..closures.len()).map(|index| state.apart(index, closures.len(), second)).collect()
    };
    let title = run.state().open.last().map_or_else(|| WORD.name.to_owned(), |step| step.title.clone());
    let begun: Vec<(usize, FnPtr, Mutex<State>)> =
        closures.into_iter().zip(before).enumerate().map(|(index, (closure, state))| (index, closure, state.into())).collect();
    let ended = AtomicBool::new(false);
    let count = begun.len();
    let at_once = if run.one_by_one { 1 } else { AT_ONCE };
    let ends = workers(at_once, Some(STACK), &begun, |worker, (index, closure, state)| {
        // What comes behind a mistake is not looked at: it would be told of by nobody.
        if ended.load(Ordering::Relaxed) {
            return None;
        }
        let number = u16::try_from(first + index + 1).unwrap_or(u16::MAX);
        let slot = worker + 1;
        run.in_slot(slot, std::mem::take(&mut *lock(state)));
        let answer = lane::within(Lane { number, slot }, || {
            let part = Part { index: *index, of: count, title: &title };
            told(run, &part, closure.call_within_context::<Dynamic>(context, ()))
        });
        if answer.is_err() {
            ended.store(true, Ordering::Relaxed);
        }
        Some((answer, run.out_of_slot(slot)))
    });
    let now_ms = run.evidence.clock.elapsed_ms(&format!("{}: end", WORD.name));
    let mut given = Array::new();
    for end in ends {
        let Some((answer, state)) = end else { break };
        run.state().absorb(state, now_ms);
        given.push(answer?);
    }
    Ok(given)
}

/// One of the closures.
struct Part<'a> {
    index: usize,
    of: usize,
    /// The step around.
    title: &'a str,
}

/// What could not be looked at is a gap and gives (), as in a step; a mistake and the run's end go on.
fn told(run: &Run, part: &Part, answer: Answer<Dynamic>) -> Answer<Dynamic> {
    let error = match answer {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let which = format!("{} ({} of {})", part.title, part.index + 1, part.of);
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) if value.is::<Skipped>() => {
            let reason = value.clone().try_cast::<Skipped>().map(|skipped| skipped.0).unwrap_or_default();
            run.note(format!("{} of {} skipped: {reason}", part.index + 1, part.of));
        }
        EvalAltResult::ErrorRuntime(value, _) if !value.is::<Mistake>() => {
            let reason = why(value);
            run.note(format!("{} of {} failed: {reason}", part.index + 1, part.of));
            if !value.is::<StepFailed>() {
                let undecided = "everything that this closure would have told";
                run.gap(Gap::new(names::EVIDENCE_UNREADABLE, Subject::Step(room::name(&which)), reason, undecided).decisive());
            }
        }
        _ => return Err(error),
    }
    Ok(Dynamic::UNIT)
}

/// The closures, each with a copy of what it sees around it.
fn own(context: &NativeCallContext, closures: Array) -> Answer<Vec<FnPtr>> {
    if lane::current() != Lane::default() {
        let hint = Some("hand all closures to one `parallel`".to_owned());
        return Err(Mistake { code: codes::OPERATION, message: "`parallel` stands inside of another one".to_owned(), hint }.raised(context));
    }
    if closures.len() > MOST {
        return Err(
            Mistake::argument(WORD.name, &format!("it takes {MOST} closures at most, and these are {}", closures.len())).raised(context)
        );
    }
    let mut left = MOST_COPIED;
    let mut all = Vec::new();
    for closure in closures {
        let kind = in_words(context.engine().map_type_name(closure.type_name())).to_owned();
        let Some(closure) = closure.try_cast::<FnPtr>() else {
            return Err(Mistake::argument(WORD.name, &format!("it takes closures, and one of them is {kind}")).raised(context));
        };
        let Some(closure) = copied_closure(closure, DEEPEST, &mut left) else {
            return Err(Run::refuse(
                context,
                format!("the variables around the closures hold more than {MOST_COPIED} values, or are too deep"),
            ));
        };
        all.push(closure);
    }
    Ok(all)
}

fn copied_closure(mut closure: FnPtr, levels: usize, left: &mut usize) -> Option<FnPtr> {
    for value in closure.iter_curry_mut() {
        *value = copied(std::mem::take(value), levels, left)?;
    }
    Some(closure)
}

/// A value that shares no variable with anybody. `None` when it is too large or too deep, as one is that holds itself.
fn copied(value: Dynamic, levels: usize, left: &mut usize) -> Option<Dynamic> {
    let levels = levels.checked_sub(1)?;
    *left = left.checked_sub(1)?;
    let value = value.flatten();
    if value.is_array() {
        let parts = value.into_array().unwrap_or_default();
        *left = left.checked_sub(parts.len())?;
        return parts.into_iter().map(|part| copied(part, levels, left)).collect::<Option<Array>>().map(Dynamic::from_array);
    }
    if value.is_map() {
        let map = value.try_cast::<Map>().unwrap_or_default();
        let copies = map.into_iter().map(|(key, value)| Some((key, copied(value, levels, left)?))).collect::<Option<Map>>();
        return copies.map(Dynamic::from_map);
    }
    if value.is_fnptr() {
        return copied_closure(value.try_cast::<FnPtr>()?, levels, left).map(Dynamic::from);
    }
    Some(value)
}
