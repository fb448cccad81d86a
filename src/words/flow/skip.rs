//! `skip(reason)`: leaves the rest of a step out, and says why.

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

use crate::words::session::{Answer, Run};

/// What a script ends a step with; no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped(pub String);

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_type_with_name::<Skipped>("Skipped");
    engine.register_fn("to_string", |skipped: &mut Skipped| format!("skipped: {}", skipped.0));
    engine.register_fn("skip", |context: NativeCallContext, reason: ImmutableString| -> Answer<()> {
        Err(Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(Skipped(reason.to_string())), context.call_position())))
    });
}
