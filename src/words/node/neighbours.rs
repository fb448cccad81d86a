//! `neighbours(place)`: the neighbour entries (ARP and NDP) of a place.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::state::{Look, hand, look};
use crate::words::manual::node::NEIGHBOURS as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("neighbours", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["neighbours"] })? else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &state.neighbours())
    });
}
