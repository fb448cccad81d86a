//! JSON, for programs: the outcome, the plan and the connections as they are, with keys in a fixed order.

use serde::Serialize;

use super::format::{Format, TraceFormat};
use super::style::Style;
use crate::model::diagnostic::Diagnostic;
use crate::model::outcome::Outcome;
use crate::model::plan::Plan;
use crate::model::text::escaped_json;
use crate::model::trace::{TraceSummary, Traced};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    outcome: Some(|outcome: &Outcome, _style: Style| json(outcome)),
    shows_answers: false,
    plan: Some(|plan: &Plan, _style: Style, _scripts: bool| json(plan)),
    trace: Some(TraceFormat { begin, connection, end }),
    mistakes: Some(mistakes),
};

/// An outcome or a plan as indented JSON with a line end. The keys come in the order of its fields, those of maps sorted.
///
/// Every character that steers or is not seen is escaped, so that the text may meet a terminal and loses nothing.
#[must_use]
pub fn json(report: &impl Serialize) -> String {
    // Both are made of strings, numbers and maps with string keys: serialising it has no way to fail.
    let plain = serde_json::to_string_pretty(report).unwrap_or_else(|error| format!("{{\"error\": \"write the report: {error}\"}}"));
    let mut safe = escaped_json(&plain);
    safe.push('\n');
    safe
}

fn begin() -> String {
    format!("{{\"format\": \"lbdiag-trace/1\", \"lbdiag\": \"{}\", \"connections\": [\n", env!("CARGO_PKG_VERSION"))
}

fn connection(traced: &Traced, first: bool, _style: Style) -> String {
    format!("{}{}", if first { "" } else { "," }, json(traced))
}

fn end(summary: &TraceSummary) -> String {
    format!("], \"summary\": {}}}\n", json(summary).trim_end())
}

/// Whoever reads a report by a program gets one in any case.
fn mistakes(diagnostics: &[Diagnostic]) -> String {
    #[derive(Serialize)]
    struct Mistakes<'a> {
        format: &'static str,
        lbdiag: &'static str,
        diagnostics: &'a [Diagnostic],
    }
    json(&Mistakes { format: "lbdiag-diagnostics/1", lbdiag: env!("CARGO_PKG_VERSION"), diagnostics })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::outcome::tests::broken;

    #[test]
    fn keys_come_in_the_order_of_the_outcome() {
        let json = json(&broken());
        let places: Vec<usize> = ["\"format\"", "\"verdict\"", "\"findings\"", "\"gaps\"", "\"steps\"", "\"touched\"", "\"cleanup\""]
            .iter()
            .map(|key| json.find(key).expect("the key"))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(json, super::json(&broken()));
    }

    #[test]
    fn it_reads_back_as_the_same_outcome() {
        let outcome = broken();
        let back: Outcome = serde_json::from_str(&json(&outcome)).expect("valid JSON");
        assert_eq!(back, outcome);
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut outcome = broken();
        outcome.summary = "a\u{1b}[2Jb\u{9b}31mc\u{7f}".to_owned();
        let json = json(&outcome);
        assert!(json.contains("a\\u001b[2Jb\\u009b31mc\\u007f"));
        assert!(!json.chars().any(|c| c.is_control() && c != '\n'));
        let back: Outcome = serde_json::from_str(&json).expect("valid JSON");
        assert_eq!(back.summary, outcome.summary);
    }
}
