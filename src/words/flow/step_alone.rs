//! A step without what the site runs at it.

use rhai::{Dynamic, EvalAltResult, FnPtr, ImmutableString, NativeCallContext};

use super::question::{Ended, ended};
use crate::words::flow::skip::Skipped;
use crate::words::printed;
use crate::words::room;
use crate::words::session::{Answer, Progress, Run};

/// Does a step alone, without what the site runs at it.
///
/// # Errors
/// When the run ends, or on a mistake of the playbook.
pub(super) fn alone(run: &Run, context: &NativeCallContext, title: &str, body: &FnPtr) -> Answer<Ended> {
    ended(run, title, || {
        let result = body.call_within_context::<Dynamic>(context, ());
        if run.traces {
            trace(run, context, title, &result);
        }
        result
    })
}

/// Tells whoever watches what a step gave, or how it ended; an error names the calls that led to it.
fn trace(run: &Run, context: &NativeCallContext, title: &str, result: &Answer<Dynamic>) {
    let text = |value: &Dynamic| match context.call_native_fn::<ImmutableString>("to_string", (value.clone(),)) {
        Ok(text) => text.to_string(),
        Err(_) => printed::shown(value),
    };
    let told = match result {
        Ok(value) if value.is_unit() => "gave ()".to_owned(),
        Ok(value) if value.is_array() || value.is_map() => format!("gave {}", printed::written(value, &text)),
        Ok(value) => format!("gave {}", text(value)),
        Err(error) => match error.unwrap_inner() {
            EvalAltResult::ErrorRuntime(value, _) if value.is::<Skipped>() => text(value),
            _ => format!("failed: {error}"),
        },
    };
    (run.progress)(Progress::Traced(format!("step \"{title}\" {}", room::text(&told))));
}
