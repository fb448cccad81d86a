//! `neighbours(place)`: the neighbour entries (ARP and NDP) of a place.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::network::neighbours;
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "neighbours",
    capability: CAPABILITY,
    signature: "neighbours(place) -> array of #{ address, dev, mac, state }",
    meaning: concat!(
        "The entries of ARP and NDP: `mac` is () where nobody has answered, `state` is REACHABLE, STALE, FAILED and the like. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("neighbours", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["neighbours"] })? else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &neighbours(&state))
    });
}
