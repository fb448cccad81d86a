//! A step that a site runs a fragment around: the fragment calls it by `proceed.call()`, and what the fragment gives stands in its place.

#![expect(
    deprecated,
    reason = "what goes on where a step was called is marked so because it may change with another version of Rhai, whose version is pinned"
)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext, NativeCallContextStore};

use super::fragment::run_one;
use super::question::{Ended, StepFailed};
use super::step_alone::alone;
use crate::evidence::side_by_side::lock;
use crate::model::diagnostic::codes;
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// What a fragment calls the step by.
pub const PROCEED: &str = "proceed";

/// Fragments around each other: those of one step, and those of steps within it. The calls of each are bounded, and their stacks add up.
pub const DEEPEST: usize = 4;

/// How a step ended that fragments may stand around.
pub(super) struct End {
    pub(super) end: Ended,
    /// Whether the step itself ran.
    pub(super) ran: bool,
}

/// The step as its fragment calls it.
struct Proceed {
    run: Arc<Run>,
    title: String,
    body: FnPtr,
    /// The fragments between this one and the step, outermost first.
    within: Vec<usize>,
    /// Where the playbook called the step: its body sees what that place sees.
    place: NativeCallContextStore,
    /// Whether the fragment has ended.
    over: AtomicBool,
    /// Whether the step itself ran.
    ran: AtomicBool,
    /// What ends the run, and is no error of the fragment's.
    ends: Mutex<Option<Box<EvalAltResult>>>,
}

/// Does a step within these fragments, outermost first.
///
/// # Errors
/// As the step.
pub(super) fn surrounded(run: &Arc<Run>, context: &NativeCallContext, title: &str, body: &FnPtr, around: &[usize]) -> Answer<End> {
    let Some((outermost, within)) = around.split_first() else {
        return alone(run, context, title, body).map(|end| End { end, ran: true });
    };
    let hook = &run.hooks.all[*outermost];
    if run.state().around >= DEEPEST {
        let message = format!("{}: more than {DEEPEST} fragments stand around each other at the step \"{title}\"", hook.path);
        let hint =
            Some("a step calls itself, or steps with `around` stand within each other: take one of them out of the site file".to_owned());
        return Err(Mistake { code: codes::LIMIT, message, hint }.raised(context));
    }
    let place = context.store_data();
    let proceed = Arc::new(Proceed {
        run: Arc::clone(run),
        title: title.to_owned(),
        body: body.clone(),
        within: within.to_vec(),
        place,
        over: AtomicBool::default(),
        ran: AtomicBool::default(),
        ends: Mutex::default(),
    });
    let called = Arc::clone(&proceed);
    let function = FnPtr::from_fn(PROCEED, move |context, arguments| called.call(&context, arguments.len()))?;
    let answer = run_one(run, context, hook, (PROCEED, function.into()));
    proceed.over.store(true, Ordering::Relaxed);
    if let Some(ends) = lock(&proceed.ends).take() {
        return Err(ends);
    }
    let ran = proceed.ran.load(Ordering::Relaxed);
    if !ran {
        run.note(format!("the site leaves the step \"{title}\" out ({})", hook.path));
    }
    answer.map(|end| End { end, ran })
}

impl Proceed {
    /// Does the step, as often as the fragment asks for it. That it failed is an error that the fragment may catch; a mistake of the
    /// playbook, and the run's end, are not.
    fn call(&self, context: &NativeCallContext, arguments: usize) -> Answer<Dynamic> {
        if arguments > 0 {
            return Err(Mistake::of_proceed(&format!("`{PROCEED}.call()` takes no argument")).raised(context));
        }
        if self.over.load(Ordering::Relaxed) {
            let message = format!("the step \"{}\" is called after the fragment around it has ended", self.title);
            return Err(Mistake::of_proceed(&message).raised(context));
        }
        let place = self.place.create_context(context.engine());
        let inside = {
            let mut state = self.run.state();
            state.around += 1;
            std::mem::replace(&mut state.in_hook, false)
        };
        let answer = surrounded(&self.run, &place, &self.title, &self.body, &self.within);
        {
            let mut state = self.run.state();
            state.around -= 1;
            state.in_hook = inside;
        }
        match answer {
            Ok(End { end, ran }) => {
                self.ran.fetch_or(ran, Ordering::Relaxed);
                match end {
                    Ended::Failed(reason) => {
                        let failed = StepFailed { title: self.title.clone(), reason };
                        Err(Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(failed), context.call_position())))
                    }
                    end => Ok(end.value()),
                }
            }
            Err(ends) => {
                lock(&self.ends).get_or_insert(ends);
                Err(Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, context.call_position())))
            }
        }
    }
}

impl Mistake {
    fn of_proceed(message: &str) -> Self {
        let hint = Some(format!("`let value = {PROCEED}.call();` does the step and gives what it gives"));
        Self { code: codes::OPERATION, message: message.to_owned(), hint }
    }
}
