//! `step(title, closure)`: one question of the run, with what the site runs before, after and around it.

use std::sync::Arc;

use rhai::{Engine, FnPtr, ImmutableString, NativeCallContext};

use super::hooks::hooked;
use super::question::StepFailed;
use crate::words::session::Run;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine
        .register_fn("step", move |context: NativeCallContext, title: ImmutableString, body: FnPtr| hooked(&run, &context, &title, &body));
    engine.register_type_with_name::<StepFailed>("StepFailed");
    engine.register_fn("to_string", |failed: &mut StepFailed| failed.to_string());
    engine.register_fn("to_debug", |failed: &mut StepFailed| failed.to_string());
}
