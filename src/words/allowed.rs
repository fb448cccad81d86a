//! `allowed(capability)`: whether this run may do it, so that a playbook can go without.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, NativeCallContext};

use super::reference::{WORDS, Word};
use super::run::{Answer, Run};
use crate::model::nearest::nearest;

pub const WORD: Word = Word {
    name: "allowed",
    capability: "",
    signature: "allowed(capability) -> bool",
    meaning: "Whether the playbook's header, the site and the command line all allow the capability, such as `probe`; with `--static` only `cluster.read` is. A word whose capability is not allowed fails, so that a playbook asks first and goes without.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("allowed", move |context: NativeCallContext, capability: ImmutableString| -> Answer<bool> {
        let known: Vec<&str> = WORDS.iter().map(|word| word.capability).filter(|known| !known.is_empty()).collect();
        if !known.contains(&capability.as_str()) {
            let hint = nearest(&capability, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Run::refuse(&context, format!("there is no capability `{capability}`{hint}")));
        }
        Ok(run.uses.contains(capability.as_str()))
    });
}
