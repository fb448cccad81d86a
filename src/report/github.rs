//! Annotations of GitHub's workflows: a line for each mistake of a playbook, shown beside the line that it is about.
//!
//! The form: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.

use std::fmt::Write;

use super::format::Format;
use super::style::Style;
use super::text::told::headline;
use crate::model::diagnostic::{Diagnostic, Level};
use crate::model::finding::Severity;
use crate::model::outcome::Outcome;
use crate::model::text::one_line;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "github",
    outcome: Some(|outcome: &Outcome, _style: Style| told(outcome)),
    shows_answers: false,
    plan: None,
    trace: None,
    mistakes: Some(mistakes),
};

/// A line for each finding that counts, and for a gap that the verdict rests on.
fn told(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut line = |command: &str, title: &str, message: &str| {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "::{command} title={}::{}", property(title), data(&one_line(message)));
    };
    for finding in outcome.findings.iter().filter(|finding| finding.because.is_none()) {
        match finding.severity {
            Severity::Fail => line("error", &finding.name, &finding.summary),
            Severity::Warn => line("warning", &finding.name, &finding.summary),
            Severity::Info => {}
        }
    }
    for gap in outcome.gaps.iter().filter(|gap| gap.decisive) {
        line("warning", &gap.name, &gap.undecided);
    }
    line("notice", &format!("lbdiag {}", outcome.verdict.word()), &headline(outcome));
    text
}

fn mistakes(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for one in diagnostics {
        let command = match one.severity {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let place = one.spot.as_ref().map_or_else(String::new, |spot| {
            let (start, end) = (spot.span.start, spot.span.end);
            // Columns are taken of a single line alone.
            let columns = if start.line == end.line { format!(",col={},endColumn={}", start.column, end.column) } else { String::new() };
            format!("file={},line={},endLine={}{columns},", property(&spot.file), start.line, end.line)
        });
        let lines: Vec<String> = std::iter::once(&one.message).chain(&one.notes).chain(&one.hint).map(|text| one_line(text)).collect();
        let message = data(&lines.join("\n"));
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "::{command} {place}title={}::{message}", property(&one.code));
    }
    text
}

/// A message: a line of its own, whatever is in it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&one_line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diagnostic::Source;

    #[test]
    fn a_finding_is_one_line_too() {
        let mut outcome = crate::report::text::outcome::tests::broken();
        outcome.findings[0].summary = "it\n::error::forged, 100%".to_owned();
        let text = told(&outcome);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], "::error title=node/firewall-drop::it ::error::forged, 100%25");
        assert!(lines[1].starts_with("::notice title=lbdiag fail::"), "{text}");
    }

    #[test]
    fn a_mistake_is_one_line_whatever_it_quotes() {
        let source = Source { file: "play,books/a:b.rhai", text: "let x = 1;\nfind_anouncer(x);\n" };
        let mut one = Diagnostic::new("E0202", Some(source.spot(11..24)), "there is no word `find_anouncer`\n::error::forged, 100%");
        one.hint = Some("did you mean find_announcer?".to_owned());
        let nowhere = Diagnostic::new("E0401", None, "read playbook x: gone");
        let text = mistakes(&[one, nowhere]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].starts_with("::error file=play%2Cbooks/a%3Ab.rhai,line=2,endLine=2,col=1,endColumn=14,title=E0202::there is no word"),
            "{text}"
        );
        assert!(lines[0].ends_with("100%25%0Adid you mean find_announcer?"), "{text}");
        assert_eq!(lines[1], "::error title=E0401::read playbook x: gone");
    }
}
