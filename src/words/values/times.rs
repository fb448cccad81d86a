//! `now()`, `age(time)` and `time_text(seconds)`: the time at which the run began, and how long before it something was.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use crate::analysis::timestamps::{second, written};
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("now", move || ImmutableString::from(run.evidence.clock.started()));
}

/// Gives the word to an engine.
pub fn register_age(engine: &mut Engine, run: &Arc<Run>) {
    let epoch = Arc::clone(run);
    engine.register_fn("age", move |context: NativeCallContext, time: i64| -> Answer<i64> {
        let started = epoch.evidence.clock.started();
        let began = second(&started).ok_or_else(|| Run::refuse(&context, format!("age: when the run began is not known: `{started}`")))?;
        Ok(began.saturating_sub(time))
    });
    let run = Arc::clone(run);
    engine.register_fn("age", move |context: NativeCallContext, time: ImmutableString| -> Answer<i64> {
        let of = |text: &str| {
            second(text).ok_or_else(|| Run::refuse(&context, format!("age: `{text}` is no time, such as 2026-11-23T16:20:01Z")))
        };
        Ok(of(&run.evidence.clock.started())?.saturating_sub(of(&time)?))
    });
}

/// Gives the word to an engine.
pub fn register_text(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("time_text", |context: NativeCallContext, seconds: i64| -> Answer<ImmutableString> {
        let time = written(seconds).ok_or_else(|| Run::refuse(&context, format!("time_text: {seconds} seconds since 1970 is no time")))?;
        Ok(time.into())
    });
}
