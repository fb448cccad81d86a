//! `vantage_capture(vantage, options)`: a bounded capture on the machine from which a probe starts.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::node_capture::{Options, Point, begin, client_filter};
use super::reference::Word;
use super::run::{Answer, Run};
use super::vantage;
use crate::model::place::Place;

pub const WORD: Word = Word {
    name: "vantage_capture",
    capability: "probe",
    signature: "vantage_capture(vantage, #{ service, target, … }) -> Capture",
    meaning: "A bounded capture on the machine of a vantage point (`local`, `ssh:HOST`, `node:NAME`): what leaves the client and what comes back to it.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("vantage_capture", move |context: NativeCallContext, from: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&context, options)?;
        let (Some(service), Some(target)) = (&options.service, &options.target) else {
            return Err(Run::refuse(&context, "vantage_capture needs `service` and `target`"));
        };
        let vantage = vantage::parse(&from).map_err(|error| Run::refuse(&context, error))?;
        let Some(vantage) = vantage.first() else { return Err(Run::refuse(&context, "no vantage point")) };
        let filter = match &options.filter {
            Some(filter) => filter.clone(),
            None => client_filter(&context, &service.0, target.0.port.port, target.0.port.protocol)?,
        };
        Ok(begin(&run, Place::Host(vantage::host(&run, vantage)), filter, &options))
    });
}
