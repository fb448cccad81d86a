//! The engine that runs playbooks: no files, no network, no `eval`, and bounds on everything.

use std::sync::Arc;
use std::time::Duration;

use rhai::module_resolvers::DummyModuleResolver;
use rhai::{Dynamic, Engine, NativeCallContext, OptimizationLevel};

use super::{bounded, equality, sorting};
use crate::evidence::memory;
use crate::words::reference::WORDS;
use crate::words::run::{Answer, Run, Stop};

/// Operations of one run; a playbook's own work is small, its words do the looking.
const MOST_OPERATIONS: u64 = 5_000_000;

/// Bytes that a playbook's values, and what its words keep for it, may take. A copy of all of it may come on top before it is seen.
const MOST_BYTES: usize = 128 << 20;

/// Why a playbook ends that takes more.
const OUTGROWN: &str = "the playbook's values take more than 128 MiB; keep fewer of them at a time";

/// An engine that knows the language but no words: for reading a playbook.
#[must_use]
pub fn bare() -> Engine {
    let mut engine = Engine::new();
    // Constants such as `params` have other values when the playbook runs than when it is read.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_operations(MOST_OPERATIONS);
    engine.set_max_call_levels(64);
    engine.set_max_expr_depths(64, 32);
    engine.set_max_string_size(1 << 20);
    engine.set_max_array_size(100_000);
    // A map that is written out is compared key by key with itself while it is read.
    engine.set_max_map_size(5_000);
    engine.set_max_variables(1_000);
    engine.set_max_functions(1_000);
    engine.set_max_modules(32);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_module_resolver(DummyModuleResolver::new());
    engine.disable_symbol("eval");
    bounded::register(&mut engine);
    sorting::register(&mut engine);
    equality::register(&mut engine);
    engine
}

/// An engine with the words of a run.
#[must_use]
pub fn with_words(run: &Arc<Run>) -> Engine {
    let mut engine = bare();
    let interrupt = run.evidence.interrupt.clone();
    let working = Arc::clone(run);
    let before = memory::held();
    engine.on_progress(move |_| {
        working.leave();
        if memory::held().saturating_sub(before) > MOST_BYTES {
            return Some(OUTGROWN.into());
        }
        interrupt.reason().map(|_| Dynamic::UNIT)
    });
    let printing = Arc::clone(run);
    engine.on_print(move |text| printing.fact(text));
    let debugging = Arc::clone(run);
    engine.on_debug(move |text, _, _| debugging.fact(text));
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
    for word in WORDS {
        (word.register)(&mut engine, run);
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
