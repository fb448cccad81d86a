//! Markdown for a ticket: the answer with its proof, for a colleague who was not there.

use std::fmt::Write;

use super::format::Format;
use super::style::Style;
use super::text::told::headline;
use crate::model::answers::listed;
use crate::model::finding::{Finding, Severity};
use crate::model::outcome::Outcome;
use crate::model::text::{markdown, one_line};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "markdown",
    outcome: Some(|outcome: &Outcome, _style: Style| written(outcome)),
    shows_answers: false,
    plan: None,
    trace: None,
    mistakes: None,
};

fn written(outcome: &Outcome) -> String {
    let mut text = format!("### {}: {}\n", outcome.verdict.word().to_uppercase(), markdown(&headline(outcome)));
    places(&mut text, outcome);
    for finding in &outcome.findings {
        found(&mut text, finding, outcome);
    }
    for one in &outcome.set_aside {
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "\nSet aside: {}", markdown(&one.told()));
    }
    if !outcome.gaps.is_empty() {
        text.push_str("\n**Not looked at**\n\n");
        for gap in &outcome.gaps {
            // Writing to a string has no way to fail.
            let _ = writeln!(text, "- `{}` of {}: {}", code(&gap.name), markdown(&gap.subject.to_string()), markdown(&gap.reason));
        }
    }
    if !outcome.again.is_empty() {
        let _ = write!(text, "\nTo ask the same again:\n\n{}", block(&outcome.again));
    }
    let (name, version) = (markdown(&outcome.playbook), markdown(&outcome.playbook_version));
    let _ = writeln!(text, "\n{name} {version} with lbdiag {}, began {}", markdown(&outcome.lbdiag), markdown(&outcome.started));
    text
}

fn places(text: &mut String, outcome: &Outcome) {
    if outcome.observed.tries.is_empty() {
        return;
    }
    text.push_str("\n| from | answered | again | first failure | median | HTTP |\n|---|---|---|---|---|---|\n");
    for tries in &outcome.observed.tries {
        let failure = tries.first_failure.map_or("–", |ending| ending.text());
        let median = tries.total_ms.map_or_else(|| "–".to_owned(), |spread| format!("{} ms", spread.median));
        let from = markdown(&tries.from);
        let again = tries.again.as_ref().map_or_else(|| "–".to_owned(), |again| format!("{}/{}", again.answered, again.tried));
        let _ = writeln!(
            text,
            "| {from} | {}/{} | {again} | {failure} | {median} | {} |",
            tries.answered,
            tries.tried,
            listed(&tries.statuses)
        );
    }
}

fn found(text: &mut String, finding: &Finding, outcome: &Outcome) {
    let severity = match finding.severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Info => "info",
    };
    let because = finding.because.as_ref().map(|cause| format!(", because of `{}`", code(cause))).unwrap_or_default();
    let _ = writeln!(text, "\n**{severity} `{}`**{because}: {}\n", code(&finding.name), markdown(&finding.summary));
    for culprit in &finding.culprits {
        let _ = writeln!(text, "- about `{}`", code(&culprit.to_string()));
    }
    for line in finding.scope.iter().chain(&finding.evidence) {
        let _ = writeln!(text, "- {}", markdown(line));
    }
    if !finding.next.trim().is_empty() {
        let _ = writeln!(text, "\n{}", markdown(&finding.next));
    }
    for remedy in outcome.remedies.iter().filter(|remedy| remedy.finding == finding.name) {
        let _ = write!(text, "\nOn {}:\n\n{}", markdown(&remedy.on), block(&remedy.command));
    }
}

/// A text between backticks, which none of its own may end.
fn code(text: &str) -> String {
    one_line(text).replace('`', "'")
}

/// A line of its own, as it is: indented, so that nothing in it ends it.
fn block(line: &str) -> String {
    format!("    {}\n", one_line(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::outcome::tests::broken;

    #[test]
    fn a_ticket_has_the_answer_with_its_proof_and_hostile_text_stays_text() {
        let mut outcome = broken();
        outcome.findings[0].evidence[0] = "log: <script>x</script> | **bold**\n# title @all".to_owned();
        outcome.findings[0].name = "node/a`b".to_owned();
        let text = written(&outcome);
        assert!(text.starts_with("### FAIL: stacklight/iam-proxy-alertmanager is not answered"), "{text}");
        assert!(text.contains("- log: &lt;script>x&lt;/script> \\| \\*\\*bold\\*\\* \\# title \\@all\n"), "{text}");
        assert!(text.contains("**fail `node/a'b`**: ") && text.contains("    lbdiag run metallb-flow -n stacklight"), "{text}");
    }
}
