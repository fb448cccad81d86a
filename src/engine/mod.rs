//! Runs one playbook, within limits: hands it the words, and makes an outcome of what they found.
//!
//! It never reads arguments and never prints.

mod bounded;
mod end;
mod equality;
pub mod load;
pub mod run;
pub mod sandbox;
mod script_thread;
mod sorting;

pub use end::EndKind;
pub use load::load;
pub use run::{RunEnd, RunOptions, run};

pub use crate::language::header::{Header, Param, ParamKind};
pub use crate::language::params::{Inputs, resolve, sources};
pub use crate::language::playbook::{self, Broken, Playbook};
pub use crate::words::session::Progress;
