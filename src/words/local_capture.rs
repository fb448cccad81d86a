//! `local_capture(options)`: a bounded capture on this machine.

use std::sync::Arc;

use rhai::{Engine, Map, NativeCallContext};

use super::capture_options::{Options, filter_at_client};
use super::node_capture::{Point, begin};
use super::reference::Word;
use super::run::{Answer, Run};
use crate::model::place::{Host, Place};

pub const WORD: Word = Word {
    name: "local_capture",
    capability: "probe",
    signature: concat!("local_capture(", crate::capture_options!(), ") -> Capture"),
    meaning: "A bounded capture on this machine by its own tcpdump, as root or by `sudo -n`; where neither is allowed, that is a gap. Options as for `node_capture`; a filter from `service` and `target` takes the client's side.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("local_capture", move |context: NativeCallContext, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&context, options)?;
        let filter = filter_at_client(&context, WORD.name, &options)?;
        Ok(begin(&run, Place::Host(Host::local()), filter, &options))
    });
}
