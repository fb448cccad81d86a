//! `sockets(place)`: who listens, and with what queue.

use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use serde::Serialize;

use super::state::{Look, hand, look};
use crate::analysis::state::place_state::PlaceState;
use crate::analysis::state::sockets::Listener;
use crate::model::service::Protocol;
use crate::words::manual::node::SOCKETS as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("sockets", move |context: NativeCallContext, place: ImmutableString| -> Answer<Dynamic> {
        let Some(state) =
            look(&run, &context, &Look { word: &WORD, place: &place, values: Vec::new(), needed: &["sockets", "datagram-sockets"] })?
        else {
            return Ok(Dynamic::UNIT);
        };
        hand(&context, &WORD, &rows(&state))
    });
}

#[derive(Serialize)]
struct Row {
    protocol: &'static str,
    #[serde(flatten)]
    listener: Listener,
}

fn rows(state: &PlaceState) -> Vec<Row> {
    let of = |protocol, name| {
        state.listeners(protocol).unwrap_or_default().iter().map(move |listener| Row { protocol: name, listener: listener.clone() })
    };
    of(Protocol::Tcp, "tcp").chain(of(Protocol::Udp, "udp")).collect()
}
