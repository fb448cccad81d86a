//! Everything ends: `--timeout`, a signal and a panic end a run whatever it is doing, and the report of what was found still comes.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod binary;
#[path = "../nobody/mod.rs"]
mod nobody;
mod stuck;
