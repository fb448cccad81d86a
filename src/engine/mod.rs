//! Runs one playbook, within limits: finds it, gathers what it runs with (`prepare`), hands it the words (`run`), makes an outcome of what
//! they found (`end`), and keeps it (`record`). The command line and the tests run playbooks by the same code.
//!
//! It never reads arguments, never opens a live world, and never prints.

mod again;
mod bounded;
mod came_to;
mod conclusion;
mod declarations;
mod earlier;
mod end;
mod equality;
mod find;
mod folder;
mod given;
mod hooks;
mod library;
mod modules;
mod plan;
mod prepare;
mod ran;
mod record;
mod redact;
mod run;
mod sandbox;
mod script_thread;
mod signed;
mod site_mistakes;
mod site_weights;
mod sorting;
pub mod testing;
pub mod world;

pub use came_to::CameTo;
pub use declarations::{Declaration, declarations};
pub use end::EndKind;
pub use find::{Refusal, file, load, open, shipped, something_else};
pub use folder::playbooks;
pub use given::Asked;
pub use hooks::steps;
pub use plan::{plan, rehearse};
pub use prepare::{Prepared, Unprepared};
pub use record::record;
pub use redact::{Reworded, redact};
pub use run::{RunEnd, RunOptions, run, run_without};
pub use site_mistakes::{hook_mistakes, site_mistakes};

pub use crate::language::header::{Header, Param, ParamKind};
pub use crate::language::params::{Inputs, resolve, sources};
pub use crate::language::playbook::{self, Broken, Playbook};
pub use crate::words::session::Progress;
