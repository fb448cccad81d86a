//! Looks at the world, live or recorded, and knows nothing of Rhai, playbooks or what a fact means.
//!
//! Three small traits, blocking on the surface: `cluster`, `host` and `capture`; `clocks` compares hosts' clocks with
//! ours, and a `clock` tells the time, so that a replay tells the recorded one. Everything async stays below `live`.

pub mod capture;
pub mod clock;
pub mod clocks;
pub mod cluster;
pub mod error;
pub mod host;
pub mod inside;
pub mod interrupt;
pub mod lane;
pub mod live;
pub mod memory;
pub mod output;
pub mod panicked;
pub mod planned;
pub mod reach;
pub mod recording;
pub mod side_by_side;
pub mod signature;
pub mod site;
pub mod site_additions;
mod site_keys;
pub mod text_file;

use std::sync::Arc;

pub use error::EvidenceError;
use recording::tape::Tape;

/// Everything that words may look with.
#[derive(Clone)]
pub struct Evidence {
    pub cluster: Arc<dyn cluster::Cluster>,
    pub hosts: Arc<dyn host::Hosts>,
    pub captures: Arc<dyn capture::Captures>,
    pub clocks: Arc<dyn clocks::Clocks>,
    pub clock: Arc<dyn clock::Clock>,
    /// What was touched, and what a recording keeps.
    pub tape: Arc<Tape>,
    pub interrupt: interrupt::Interrupt,
}
