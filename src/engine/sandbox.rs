//! The engine that runs playbooks: the language with the words of a run.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Engine, NativeCallContext};

use super::{bounded, equality, sorting};
use crate::evidence::memory;
use crate::language::sandbox::bare;
use crate::words::code::code;
use crate::words::left_out;
use crate::words::mistake;
use crate::words::session::{Answer, Run, Stop};

/// Why a playbook ends that takes more than it may.
fn outgrown() -> Dynamic {
    format!("the playbook's values take more than {} MiB; keep fewer of them at a time", memory::MOST_OF_A_PLAYBOOK >> 20).into()
}

/// An engine with the words of a run.
#[must_use]
pub(super) fn with_words(run: &Arc<Run>) -> Engine {
    let mut engine = bare();
    bounded::register(&mut engine);
    sorting::register(&mut engine);
    equality::register(&mut engine);
    let interrupt = run.evidence.interrupt.clone();
    let working = Arc::clone(run);
    let (before, under_way) = (memory::held(), memory::UnderWay::begin());
    engine.on_progress(move |_| {
        working.leave();
        // As long as the engine is there, its run is under way.
        let _ = &under_way;
        if !memory::playbook_fits(before) {
            return Some(outgrown());
        }
        interrupt.reason().map(|_| Dynamic::UNIT)
    });
    let printing = Arc::clone(run);
    engine.on_print(move |text| printing.note(text));
    let debugging = Arc::clone(run);
    engine.on_debug(move |text, _, _| debugging.note(text));
    let sleeping = Arc::clone(run);
    engine.register_fn("sleep", move |context: NativeCallContext, seconds: i64| {
        sleep(&sleeping, &context, Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    });
    let sleeping = Arc::clone(run);
    engine.register_fn("sleep", move |context: NativeCallContext, seconds: f64| {
        // What is less than nothing, or no number, is no time at all.
        let seconds = if seconds > LONGEST_SLEEP.as_secs_f64() { LONGEST_SLEEP.as_secs_f64() } else { seconds };
        sleep(&sleeping, &context, Duration::try_from_secs_f64(seconds).unwrap_or_default())
    });
    mistake::register(&mut engine);
    left_out::register(&mut engine);
    for (_, register) in code() {
        register(&mut engine, run);
    }
    engine
}

/// Longer than any run.
const LONGEST_SLEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// The language's own `sleep` would keep the run from ending. This one ends with it, and passes at once in a replay.
fn sleep(run: &Run, context: &NativeCallContext, time: Duration) -> Answer<()> {
    run.enter("sleep");
    run.evidence.clock.wait(time.min(LONGEST_SLEEP), &run.evidence.interrupt);
    if run.evidence.interrupt.reason().is_some() { Err(run.end(context, Stop::Interrupted)) } else { Ok(()) }
}
