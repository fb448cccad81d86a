//! `allowed(capability)`: whether this run may do it, so that a playbook can go without.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use crate::model::capability::CAPABILITIES;
use crate::model::nearest::nearest;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("allowed", move |context: NativeCallContext, capability: ImmutableString| -> Answer<bool> {
        if !CAPABILITIES.contains(&capability.as_str()) {
            let hint = nearest(&capability, CAPABILITIES).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Run::refuse(&context, format!("there is no capability `{capability}`{hint}")));
        }
        Ok(run.uses.contains(capability.as_str()))
    });
}
