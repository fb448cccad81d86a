//! Reports: an outcome as words for people and for pipelines, one file (or folder) a format behind one table. Knows nothing of where the
//! facts came from, opens no file and prints nothing.

mod format;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod prometheus;
mod sarif;
mod style;
pub mod tested;
mod text;

pub use format::{Format, TraceFormat};
pub use html::page;
pub use json::json;
pub use style::{Detail, Style};
pub use text::{diagnostic, diagnostics, text, wrapped};

/// Every format, the usual one first.
pub static FORMATS: [Format; 8] =
    [text::FORMAT, json::FORMAT, html::FORMAT, markdown::FORMAT, junit::FORMAT, prometheus::FORMAT, sarif::FORMAT, github::FORMAT];

/// The names of the formats that can write something, for sentences: `text and json`.
#[must_use]
pub fn names(can: impl Fn(&Format) -> bool) -> String {
    let names: Vec<&str> = FORMATS.iter().filter(|format| can(format)).map(|format| format.name).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_names_of_their_own_and_the_usual_one_writes_everything() {
        let all: std::collections::BTreeSet<&str> = FORMATS.iter().map(|format| format.name).collect();
        assert_eq!(all.len(), FORMATS.len());
        assert!(FORMATS[0].plan.is_some() && FORMATS[0].trace.is_some());
        assert!(FORMATS[0].outcome.is_some());
        assert_eq!(names(|format| format.outcome.is_some()), "text, json, html, markdown, junit, prometheus and github");
        assert_eq!(names(|_| true), "text, json, html, markdown, junit, prometheus, sarif and github");
    }
}
