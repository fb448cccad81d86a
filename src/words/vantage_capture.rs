//! `vantage_capture(vantage, options)`: a bounded capture on the machine from which a probe starts.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::capture_options::{Options, filter_at_client};
use super::node_capture::{Point, begin};
use super::reference::Word;
use super::run::{Answer, Run};
use super::vantage;
use crate::model::place::Place;

pub const WORD: Word = Word {
    name: "vantage_capture",
    capability: "probe",
    signature: concat!("vantage_capture(vantage, ", crate::capture_options!(), ") -> Capture"),
    meaning: "A bounded capture on the machine of a vantage point (`local`, `ssh:HOST`, `node:NAME`): what leaves the client and what comes back to it. Options as for `node_capture`.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("vantage_capture", move |context: NativeCallContext, from: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&context, options)?;
        let vantage = vantage::parse(&from).map_err(|error| Run::refuse(&context, error))?;
        let Some(vantage) = vantage.first() else { return Err(Run::refuse(&context, "no vantage point")) };
        let filter = filter_at_client(&context, WORD.name, &options)?;
        Ok(begin(&run, Place::Host(vantage::host(&run, vantage)), filter, &options))
    });
}
