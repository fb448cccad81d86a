//! Outcomes of runs against each other: what changed that means anything. Knows the model alone, and nothing of where an outcome came from.

mod baseline;
mod compare;
mod role;
mod shown;

pub use baseline::set_aside;
pub use compare::{About, Change, Comparison, Result, RunSeen, Weight, compare, compare_runs};
pub use shown::{json, markdown, text};
