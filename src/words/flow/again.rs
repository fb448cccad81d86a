//! `retry(#{ times, every }, || …)` and `eventually(#{ every, within }, || …)`: what may fail, or not be so yet, is looked at again.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use crate::model::amount;
use crate::words::flow::skip::Skipped;
use crate::words::manual::flow::{EVENTUALLY, RETRY};
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::session::{Answer, Run, Stop};

/// Looks of one `eventually`, whatever its bounds.
const MOST: u64 = 10_000;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("retry", move |context: NativeCallContext, body: FnPtr| retry(&plain, &context, Map::new(), &body));
    let run = Arc::clone(run);
    engine.register_fn("retry", move |context: NativeCallContext, options: Map, body: FnPtr| retry(&run, &context, options, &body));
}

/// Gives the word to an engine.
pub fn register_eventually(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("eventually", move |context: NativeCallContext, body: FnPtr| eventually(&plain, &context, Map::new(), &body));
    let run = Arc::clone(run);
    engine
        .register_fn("eventually", move |context: NativeCallContext, options: Map, body: FnPtr| eventually(&run, &context, options, &body));
}

fn retry(run: &Run, context: &NativeCallContext, options: Map, body: &FnPtr) -> Answer<Dynamic> {
    let options = Options::read(run, context, &RETRY, options)?;
    let every = span(&options, "every");
    let times = options.whole::<u64>("times").unwrap_or(1);
    let mut tries = 0;
    loop {
        let kept = run.state().mark();
        let result = body.call_within_context::<Dynamic>(context, ());
        tries += 1;
        match result {
            Err(error) if tries < times && may_pass(&error) => {
                forget(run, &kept);
                wait(run, context, "retry", every)?;
            }
            other => return other,
        }
    }
}

fn eventually(run: &Run, context: &NativeCallContext, options: Map, body: &FnPtr) -> Answer<Dynamic> {
    let options = Options::read(run, context, &EVENTUALLY, options)?;
    let (every, within) = (span(&options, "every"), span(&options, "within"));
    // Counted too, since in a replay nothing waits and no time passes.
    let most = (within.as_millis() / every.as_millis().max(1)).min(u128::from(MOST));
    let began = run.evidence.clock.elapsed_ms("eventually: begin");
    let mut looks: u128 = 0;
    loop {
        let kept = run.state().mark();
        let result = body.call_within_context::<Dynamic>(context, ());
        looks += 1;
        let not_yet = match &result {
            Ok(value) => value.is_unit() || value.as_bool() == Ok(false),
            Err(error) => may_pass(error),
        };
        let passed = run.evidence.clock.elapsed_ms("eventually: look").saturating_sub(began);
        if !not_yet || looks > most || u128::from(passed) + every.as_millis() > within.as_millis() {
            return result;
        }
        forget(run, &kept);
        wait(run, context, "eventually", every)?;
    }
}

/// Whether another look may come to something else: a mistake stays one, and what ends the run ends it.
fn may_pass(error: &EvalAltResult) -> bool {
    matches!(error.unwrap_inner(), EvalAltResult::ErrorRuntime(value, _) if !value.is::<Mistake>() && !value.is::<Skipped>())
}

/// Nothing of a look that is made again stays: neither what it told nor the lists that it read.
fn forget(run: &Run, kept: &crate::words::mark::Mark) {
    run.state().back_to(kept);
}

fn wait(run: &Run, context: &NativeCallContext, word: &str, every: Duration) -> Answer<()> {
    run.enter(word);
    run.evidence.clock.wait(every, &run.evidence.interrupt);
    if run.evidence.interrupt.reason().is_some() { Err(run.end(context, Stop::Interrupted)) } else { Ok(()) }
}

/// A span of time: seconds, or as a person writes it. What is neither was refused with the other options.
fn span(options: &Options, name: &str) -> Duration {
    let text = options.text(name).unwrap_or_default();
    let seconds = text.parse::<u64>().ok().or_else(|| amount::seconds(&text).ok().and_then(|seconds| u64::try_from(seconds).ok()));
    Duration::from_secs(seconds.unwrap_or_default().min(7 * 24 * 3_600))
}
