//! `trace(flow)`: the path of each connection, hop by hop, with where it was last seen.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::paths::paths;
use crate::model::flow::Flow;
use crate::words::fact::Fact;
use crate::words::manual::capture::TRACE as WORD;
use crate::words::node::state::hand;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("trace", move |context: NativeCallContext, flow: Fact<Flow>| -> Answer<Dynamic> {
        run.enter(WORD.name);
        hand(&context, &WORD, &paths(&flow.0))
    });
}
