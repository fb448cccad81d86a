//! Every question to the world with its time, and every rule that the judgement tried.

use super::super::page::Page;
use crate::model::outcome::Outcome;
use crate::model::text::one_line;

/// Writes it.
pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    if !outcome.touched.is_empty() {
        page.heading("Questions");
    }
    for touch in &outcome.touched {
        let failed = if touch.result == "ok" { String::new() } else { format!(": {}", touch.result) };
        let line = format!("{} +{} ms, {} ms  {}  {}{failed}", touch.kind, touch.at_ms, touch.took_ms, touch.host, touch.what);
        page.paragraph(2, &line);
    }
    if !outcome.considered.is_empty() {
        page.heading("Rules that were tried");
    }
    for one in &outcome.considered {
        let said = one.said.as_ref().map_or_else(|| "not proven".to_owned(), |name| format!("said {name}"));
        let at = if one.point.is_empty() { String::new() } else { format!(" ({})", one.point) };
        page.paragraph(2, &format!("{}{at}: {said}; needs {}", one_line(&one.rule), one.needs));
    }
}
