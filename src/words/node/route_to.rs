//! `route_to(place, address, options)`: the way to an address, from the kernel itself.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, address, hand, look};
use crate::analysis::state::ways::RouteQuestion;
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
    let (from, iif) = (options.address("from"), options.text("iif").filter(|iif| !iif.is_empty()));
    if iif.is_some() && from.is_none() {
        return Err(Run::refuse(context, "route_to: the option `iif` needs `from`: the kernel asks who sends what comes in there"));
    }
    let values = RouteQuestion::with(to, from, iif, options.mark("mark")).arguments().to_vec();
    let Some(state) = look(run, context, &Look { word: &WORD, place, values, needed: &["route-get"] })? else { return Ok(Dynamic::UNIT) };
    hand(context, &WORD, &state.only_way())
}
