//! `route_to(place, address, options)`: the way to an address, from the kernel itself.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::options::{Options, address};
use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::network::way_of;
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "route_to",
    capability: CAPABILITY,
    signature: "route_to(place, address, #{ from, iif, mark }) -> #{ dev, via, src, table, kind, refused }",
    meaning: concat!(
        "Asks the kernel itself which way a packet to the address takes (`ip route get`); with `from` and `iif` as one that comes in there, with `mark` as one that is marked so. The options may be left out. `refused` is the kernel's refusal, such as Network is unreachable, otherwise (). ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
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
    let options = Options::new(context, WORD.name, options, &["from", "iif", "mark"])?;
    let from = options.address("from")?.map(|from| from.to_string()).unwrap_or_default();
    let iif = options.interface("iif")?.unwrap_or_default();
    let mark = options.mark("mark")?.map(|mark| mark.to_string()).unwrap_or_default();
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
    hand(context, &way)
}
