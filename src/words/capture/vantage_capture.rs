//! `vantage_capture(vantage, options)`: a bounded capture on the machine from which a probe starts.

use std::sync::{Arc, Mutex};

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::capture_options::{Options, filter_at_client};
use super::node_capture::{Point, begin};
use crate::evidence::error::EvidenceError;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::Vantage;
use crate::model::vantage_text;
use crate::words::manual::capture::VANTAGE_CAPTURE as WORD;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("vantage_capture", move |context: NativeCallContext, from: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&run, &context, &WORD, options)?;
        let vantage = vantage_text::parse(&vantage_text::in_full(&from)).map_err(|error| Run::refuse(&context, error))?;
        let Some(vantage) = vantage.first() else { return Err(Run::refuse(&context, "no vantage point")) };
        let filter = filter_at_client(&context, WORD.name, &options)?;
        // What is wrong with a pod is told as that of any capture that could not begin.
        let place = vantage::place(&run, vantage);
        Ok(place
            .map_or_else(|error| unopened(vantage, filter.clone(), &options, error), |place| begin(&run, place, filter.clone(), &options)))
    });
}

/// A capture that `during` tells of as a gap.
fn unopened(vantage: &Vantage, filter: String, options: &Options, error: EvidenceError) -> Point {
    let nowhere = Host { name: vantage.place().to_owned(), address: String::new(), kind: HostKind::Client };
    Point { request: options.request(Place::Host(nowhere), filter), open: Arc::new(Mutex::new(Some(Err(error)))), about: String::new() }
}
