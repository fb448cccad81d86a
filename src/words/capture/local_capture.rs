//! `local_capture(options)`: a bounded capture on this machine.

use std::sync::Arc;

use rhai::{Engine, Map, NativeCallContext};

use super::capture_options::{Options, filter_at_client};
use super::node_capture::{Point, begin};
use crate::model::place::{Host, Place};
use crate::words::manual::capture::LOCAL_CAPTURE as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("local_capture", move |context: NativeCallContext, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&run, &context, &WORD, options)?;
        let filter = filter_at_client(&context, WORD.name, &options)?;
        Ok(begin(&run, Place::Host(Host::local()), filter, &options))
    });
}
