//! `rules(place)`: the policy rules that choose a routing table.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::routes::rules;
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "rules",
    capability: CAPABILITY,
    signature: "rules(place) -> array of #{ family, priority, not, from, to, mark, iif, oif, table, text }",
    meaning: concat!(
        "The rules by which the kernel chooses a routing table, IPv4 first, in their order. `table` is () for a rule that refuses, `text` is the whole rule. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("rules", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["rules", "rules6"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &rules(&state))
    });
}
