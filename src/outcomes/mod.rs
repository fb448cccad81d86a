//! Outcomes of runs against each other: what changed that means anything. Knows the model alone, and nothing of where an outcome came from.

mod compare;
mod role;
mod shown;

pub use compare::{About, Change, Comparison, Result, Weight, compare};
pub use shown::{json, markdown, text};
