//! Reads playbooks: header, parameters, script, and everything that can be said of them before a run.
//!
//! It touches nothing: no file, no host, no cluster. Of the words it names their descriptions alone, so that a check or an editor
//! that uses it provably looks at nothing; `tests/architecture.rs` follows its imports.

pub mod at_a_step;
pub mod check;
mod compile;
pub mod diagnostics;
mod elsewhere;
pub mod format;
pub mod header;
mod header_places;
pub mod modules;
pub mod params;
pub mod playbook;
pub mod read_header;
mod read_kind;
pub mod sandbox;
pub mod steps;
