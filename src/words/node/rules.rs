//! `rules(place)`: the policy rules that choose a routing table.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::state::{Look, hand, look};
use crate::words::manual::node::RULES as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("rules", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["rules", "rules6"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &state.policy_rules())
    });
}
