//! `step(title, closure)`: one question of the run, with what the site runs before and after it.

use std::sync::Arc;

use rhai::{Dynamic, Engine, FnPtr, ImmutableString, NativeCallContext};

use super::hooks::hooked;
use super::question::step;
use crate::words::session::Run;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("step", move |context: NativeCallContext, title: ImmutableString, body: FnPtr| {
        hooked(&run, &context, &title, || step(&run, &title, || body.call_within_context::<Dynamic>(&context, ())))
    });
}
