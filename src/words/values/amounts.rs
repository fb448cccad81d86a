//! `duration(text)`, `duration_text(seconds)` and `size(text)`: spans of time and sizes as people write them.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use crate::model::amount;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("duration", |context: NativeCallContext, text: ImmutableString| -> Answer<i64> {
        amount::seconds(&text).map_err(|why| Run::refuse(&context, format!("duration: {why}")))
    });
}

/// Gives the word to an engine.
pub fn register_text(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("duration_text", |seconds: i64| amount::span(seconds));
}

/// Gives the word to an engine.
pub fn register_size(engine: &mut Engine, _run: &Arc<Run>) {
    engine.register_fn("size", |context: NativeCallContext, text: ImmutableString| -> Answer<i64> {
        amount::bytes(&text).map_err(|why| Run::refuse(&context, format!("size: {why}")))
    });
}
