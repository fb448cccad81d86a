//! `counters(place)`: what the kernel and the interfaces counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use serde::Serialize;

use super::{CAPABILITY, Look, hand, look};
use crate::analysis::state::counters::{Traffic, interfaces, kernel};
use crate::words::reference::Word;
use crate::words::run::{Answer, Run};

pub const WORD: Word = Word {
    name: "counters",
    capability: CAPABILITY,
    signature: "counters(place) -> #{ kernel, interfaces }",
    meaning: concat!(
        "What was counted since the start: `kernel` maps the names of nstat, such as TcpExtListenDrops, to numbers; `interfaces` maps names to #{ rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped }. Read it before and after, and compare. ",
        crate::places!()
    ),
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("counters", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) = look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["counters", "devices"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &Counters { kernel: kernel(&state), interfaces: interfaces(&state) })
    });
}

#[derive(Serialize)]
struct Counters {
    kernel: BTreeMap<String, u64>,
    interfaces: BTreeMap<String, Traffic>,
}
