//! `route_to(place, address, options)`: the way to an address, from the kernel itself.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, address, hand, look};
use crate::analysis::state::network::way_of;
use crate::words::manual::node::ROUTE_TO as WORD;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("route_to", move |context: NativeCallContext, place: ImmutableString, to: Dynamic| {
        ask(&plain, &context, &place, &to, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn("route_to", move |context: NativeCallContext, place: ImmutableString, to: Dynamic, options: Map| {
        ask(&run, &context, &place, &to, options)
    });
}

fn ask(run: &Run, context: &NativeCallContext, place: &str, to: &Dynamic, options: Map) -> Answer<Dynamic> {
    let to = address(context, WORD.name, to)?;
    let options = Options::read(run, context, &WORD, options)?;
    let from = options.address("from").map(|from| from.to_string()).unwrap_or_default();
    let iif = options.text("iif").unwrap_or_default();
    let mark = options.mark("mark").map(|mark| mark.to_string()).unwrap_or_default();
    if !iif.is_empty() && from.is_empty() {
        return Err(Run::refuse(context, "route_to: the option `iif` needs `from`: the kernel asks who sends what comes in there"));
    }
    let values = vec![to.to_string(), from, iif, mark];
    let Some(state) = look(run, context, &Look { word: &WORD, place, values, needed: &["route-get"] })? else { return Ok(Dynamic::UNIT) };
    let mut way = way_of(state.section("route-get").trim());
    if way.device.is_none() && way.refused.is_none() {
        // Another refusal than the kernel's, such as an interface that is not there.
        way.refused = Some(crate::model::text::one_line(state.section("route-get").trim()));
    }
    hand(context, &WORD, &way)
}
