//! The fragments of a site, as a run holds them.

use std::sync::Arc;

use rhai::AST;

use crate::evidence::site_additions::When;

/// A fragment, read and checked.
pub struct StepHook {
    pub when: When,
    /// The step's title.
    pub step: String,
    /// Its file.
    pub path: String,
    pub ast: Arc<AST>,
}

/// Those of one run.
#[derive(Default)]
pub struct Hooks {
    pub all: Vec<StepHook>,
}
