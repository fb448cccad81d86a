//! `routes(place)`: every route of every table.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::state::{Look, hand, look};
use crate::analysis::state::routes::Routes;
use crate::words::manual::node::ROUTES as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("routes", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["routes", "routes6"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &state.routes().map(Routes::all))
    });
}
