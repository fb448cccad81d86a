//! `note(text)`: a plain line in the current step of the report, or between the steps.

use std::sync::Arc;

use rhai::{Engine, ImmutableString};

use crate::words::session::Run;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("note", move |text: ImmutableString| run.note(text.to_string()));
}
