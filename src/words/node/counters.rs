//! `counters(place)`: what the kernel and the interfaces counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use serde::Serialize;

use super::state::{Look, hand, look};
use crate::analysis::state::counters::Traffic;
use crate::words::manual::node::COUNTERS as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("counters", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["counters", "devices"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &Counters { kernel: state.nstat().unwrap_or_default(), interfaces: state.traffic().unwrap_or_default() })
    });
}

#[derive(Serialize)]
struct Counters {
    kernel: BTreeMap<String, u64>,
    interfaces: BTreeMap<String, Traffic>,
}
