//! `note(text)`: a plain line in the current step of the report.

use std::sync::Arc;

use rhai::{Engine, ImmutableString};

use super::reference::Word;
use super::run::Run;

pub const WORD: Word =
    Word { name: "note", capability: "", signature: "note(text)", meaning: "Adds a line to the current step of the report.", register };

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("note", move |text: ImmutableString| run.fact(text.to_string()));
}
