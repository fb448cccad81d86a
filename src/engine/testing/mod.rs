//! Tests of playbooks: `NAME.tests.yaml` beside `NAME.rhai` says what runs on recordings and worlds have to give.
//!
//! `lbdiag test` and the house's own tests run them by this code. It touches no cluster and no host: what a test runs on is a file, or
//! nothing at all.

mod coverage;
mod expected;
mod file;
mod replay;
mod run;
mod update;

pub use expected::Expected;
pub use file::{Test, TestFile, files};
pub use replay::{Replayed, exit_code, replay};
pub use run::{Testing, Untestable, test};
