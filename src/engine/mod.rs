//! Runs one playbook, within limits: reads its header, checks its words and parameters, and hands it the words.
//!
//! It never reads arguments and never prints.

mod bounded;
pub mod diagnostics;
mod end;
mod equality;
pub mod header;
pub mod lint;
pub mod params;
pub mod playbook;
pub mod read_header;
pub mod run;
pub mod sandbox;
mod script_thread;
mod sorting;

pub use end::EndKind;
pub use header::{Header, Param, ParamKind};
pub use params::{Inputs, resolve, sources};
pub use playbook::{Broken, Playbook, load};
pub use run::{RunEnd, RunOptions, run};

pub use crate::words::run::Progress;
