//! What a format is: a name, and how it writes each kind of report.

use super::style::Style;
use crate::model::diagnostic::Diagnostic;
use crate::model::outcome::Outcome;
use crate::model::plan::Plan;
use crate::model::trace::{TraceSummary, Traced};

/// A format of reports. What it cannot write is `None`, and is refused before anything is done.
pub struct Format {
    /// As it stands on the command line.
    pub name: &'static str,
    /// What a run came to.
    pub outcome: Option<fn(&Outcome, Style) -> String>,
    /// Whether it shows answers word for word, which are kept only for that.
    pub shows_answers: bool,
    /// What a run would do; `true` with the text of every script.
    pub plan: Option<fn(&Plan, Style, bool) -> String>,
    /// What followed connections show.
    pub trace: Option<TraceFormat>,
    /// What is wrong with playbooks, for programs; people are told by `diagnostics`.
    pub mistakes: Option<fn(&[Diagnostic]) -> String>,
}

/// How a report of followed connections grows: a begin, a part for each connection, an end.
#[derive(Clone, Copy)]
pub struct TraceFormat {
    pub begin: fn() -> String,
    /// `true` for the first one.
    pub connection: fn(&Traced, bool, Style) -> String,
    pub end: fn(&TraceSummary) -> String,
}
