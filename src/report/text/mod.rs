//! Text, for a person at a terminal: what a run found, what one would do, what followed connections show, what is wrong with a playbook.
//!
//! Whatever comes of strangers is made harmless here, and every line is broken at the width of its `Style`.

mod diagnostics;
mod layout;
pub(super) mod outcome;
mod page;
mod plan;
mod table;
pub(super) mod told;
mod trace;

pub use diagnostics::{diagnostic, diagnostics};
pub use layout::wrap as wrapped;
pub use outcome::text;

use super::format::{Format, TraceFormat};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "text",
    outcome: Some(text),
    shows_answers: false,
    plan: Some(plan::plan),
    trace: Some(TraceFormat { begin: String::new, connection: trace::connection, end: trace::summary }),
    // They are told on standard error in any case.
    mistakes: None,
};
