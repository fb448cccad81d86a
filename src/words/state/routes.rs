//! `routes(place)`: every route of every table.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};

use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::routes::routes;
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "routes",
    capability: CAPABILITY,
    signature: "routes(place) -> array of #{ dst, via, dev, src, metric, table, kind, protocol, nexthops }",
    meaning: concat!(
        "Every route of every table, IPv4 first: `dst` is default, an address or a network; `table` is main, local, a number or a name; `kind` is unicast, local, blackhole and the like; `nexthops` are #{ via, dev, weight } of a route with several ways. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("routes", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["routes", "routes6"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &routes(&state))
    });
}
