//! The positions of a playbook that runs came to, as the language itself tells them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rhai::debugger::DebuggerCommand;
use rhai::{Engine, Position};

use crate::evidence::side_by_side::lock;

/// Filled by runs, of which many may go on at once.
#[derive(Clone, Debug, Default)]
pub struct CameTo(Arc<Mutex<BTreeSet<Position>>>);

impl CameTo {
    /// Has an engine tell of every statement and expression that it evaluates.
    #[expect(deprecated, reason = "it is marked so because it may change with another version of Rhai, whose version is pinned")]
    pub(super) fn watch(&self, engine: &mut Engine) {
        let covered = self.clone();
        engine.register_debugger(
            |_, debugger| debugger,
            move |_, _, _, _, position| {
                covered.at(position);
                Ok(DebuggerCommand::StepInto)
            },
        );
    }

    fn at(&self, position: Position) {
        if !position.is_none() {
            lock(&self.0).insert(position);
        }
    }

    /// The positions that were come to.
    pub(super) fn positions(&self) -> BTreeSet<Position> {
        lock(&self.0).clone()
    }
}
