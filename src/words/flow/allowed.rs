//! `allowed(capability)`: whether this run may do it, so that a playbook can go without.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use crate::model::capability::CAPABILITIES;
use crate::model::diagnostic::{codes, did_you_mean};
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("allowed", move |context: NativeCallContext, capability: ImmutableString| -> Answer<bool> {
        if !CAPABILITIES.contains(&capability.as_str()) {
            let message = format!("there is no capability `{capability}`");
            let hint = did_you_mean(&capability, CAPABILITIES);
            return Err(Mistake { code: codes::HEADER_CAPABILITY, message, hint }.raised(&context));
        }
        Ok(run.uses.contains(capability.as_str()))
    });
}
