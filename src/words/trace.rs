//! `trace(flow)`: the road of each connection, hop by hop, with where it was last seen.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use super::fact::Fact;
use super::reference::Word;
use super::run::{Answer, Run};
use super::state::hand;
use crate::analysis::paths::paths;
use crate::model::flow::Flow;

pub const WORD: Word = Word {
    name: "trace",
    capability: "",
    signature: "trace(flow) -> array of #{ from, number, pod, answered, ending, request, answer, last_seen, not_joined }",
    meaning: "Each connection of a flow that `during` gave, followed through its captures across translation and tunnels: `request` has the hops of the first packet from the client on, `answer` those of the answer to it, as #{ at, place, interface, passage, tunnel, what, source, destination, length, packets, after_us, error_us }. `at` reads n2/mlb in; `source` and `destination` are ADDRESS:PORT as they are written there; `packets` counts all that passed there in that direction; `after_us` is microseconds after the first sighting, give or take `error_us`, or () where nothing tells how the hosts' clocks compare. `last_seen` is such a hop: of a connection that was not answered the furthest place of the packet that it waits behind, be it the first one, the answer to it, or data. `not_joined` says why a connection could not be followed.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("trace", move |context: NativeCallContext, flow: Fact<Flow>| -> Answer<Dynamic> {
        run.enter(WORD.name);
        hand(&context, &paths(&flow.0))
    });
}
