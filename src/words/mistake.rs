//! An author's mistake that shows only when the playbook runs. It ends the run, also within a `step`: it is no fact that could not be had.

use std::fmt;

use crate::model::diagnostic::codes;
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

/// What is wrong, with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl Mistake {
    /// An argument that the word does not take.
    #[must_use]
    pub fn argument(word: &str, why: &str) -> Self {
        let message = if why.starts_with(word) { why.to_owned() } else { format!("{word}: {why}") };
        Self { code: codes::ARGUMENTS, message, hint: Some(format!("`lbdiag words {word}` tells what it takes")) }
    }

    /// The error that carries it, at the place of the call.
    #[must_use]
    pub fn raised(self, context: &NativeCallContext) -> Box<EvalAltResult> {
        Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(self), context.call_position()))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// Lets a script that catches one read it.
pub fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Mistake>("Mistake");
    engine.register_get("code", |mistake: &mut Mistake| ImmutableString::from(mistake.code));
    engine.register_get("message", |mistake: &mut Mistake| ImmutableString::from(mistake.message.as_str()));
    engine.register_fn("to_string", |mistake: &mut Mistake| mistake.to_string());
    engine.register_fn("to_debug", |mistake: &mut Mistake| mistake.to_string());
}
