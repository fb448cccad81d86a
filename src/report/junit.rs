//! `JUnit`'s XML for continuous integrations: a suite for the run, a case for each place that asked and for each judgement.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::format::Format;
use super::style::Style;
use super::text::told;
use crate::model::finding::{Finding, Severity};
use crate::model::observed::Tries;
use crate::model::outcome::{Outcome, Verdict};
use crate::model::text::one_line;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "junit",
    outcome: Some(|outcome: &Outcome, _style: Style| written(outcome)),
    shows_answers: false,
    plan: None,
    trace: None,
    mistakes: None,
};

fn written(outcome: &Outcome) -> String {
    let mut suite = TestSuite::new(suite(outcome));
    suite.set_time(Duration::from_millis(outcome.took_ms));
    suite.add_test_cases(outcome.observed.tries.iter().map(|tries| place(tries, outcome)));
    let counts = |finding: &&Finding| finding.severity > Severity::Info || outcome.set_aside.iter().any(|one| one.finding == finding.name);
    let judged: Vec<TestCase> = outcome.findings.iter().filter(counts).map(|finding| judgement(finding, outcome)).collect();
    if outcome.verdict != Verdict::Fail || judged.is_empty() {
        suite.add_test_case(verdict(outcome));
    }
    suite.add_test_cases(judged);
    let mut report = Report::new("lbdiag run");
    report.add_test_suite(suite);
    // It is made of strings and numbers, and what XML cannot hold is left out: writing it has no way to fail.
    report.to_string().map_or_else(|error| format!("<!-- write the run as JUnit: {error} -->\n"), |text| format!("{}\n", text.trim_end()))
}

/// What the run is called: the playbook, and the Service that it is about.
fn suite(outcome: &Outcome) -> String {
    let of = outcome.observed.service.as_ref().map(|service| format!(" {}/{}", service.namespace, service.name)).unwrap_or_default();
    one_line(&format!("{}{of}", outcome.playbook))
}

fn case(name: &str, status: TestCaseStatus, outcome: &Outcome) -> TestCase {
    let mut case = TestCase::new(one_line(name), status);
    case.set_classname(suite(outcome));
    case
}

fn place(tries: &Tries, outcome: &Outcome) -> TestCase {
    let shared = format!("{} of {} tries answered", tries.answered, tries.tried);
    let explains =
        |finding: &&Finding| finding.severity == Severity::Fail && (finding.from.is_empty() || finding.from.contains(&tries.from));
    let found = outcome.findings.iter().find(explains);
    let status = match (found, outcome.verdict) {
        _ if tries.tried == 0 || tries.error.is_some() => skipped(tries.error.as_deref().unwrap_or("no try could be made")),
        _ if tries.answered == tries.tried => TestCaseStatus::success(),
        (Some(finding), _) => failure(finding, outcome),
        (None, Verdict::Inconclusive) => skipped(&outcome.summary),
        (None, Verdict::Fail) => failed(&shared, &outcome.summary),
        // Nothing of it counts: what was found is set aside or weighs less.
        (None, Verdict::Pass | Verdict::Warn) => TestCaseStatus::success(),
    };
    let mut case = case(&format!("answered from {}", tries.from), status, outcome);
    case.set_system_out(shared);
    case
}

fn judgement(finding: &Finding, outcome: &Outcome) -> TestCase {
    let of = finding.culprits.first().map(|culprit| format!(" of {culprit}")).unwrap_or_default();
    let status = if finding.severity == Severity::Fail { failure(finding, outcome) } else { TestCaseStatus::success() };
    let mut case = case(&format!("{}{of}", finding.name), status, outcome);
    if finding.severity < Severity::Fail {
        let aside =
            outcome.set_aside.iter().find(|one| one.finding == finding.name).map(|one| format!("\nset aside: {}", one_line(&one.by)));
        case.set_system_out(format!("{}: {}{}", finding.severity.word(), one_line(&finding.summary), aside.unwrap_or_default()));
    }
    case
}

/// The run as a whole, where no finding of it fails.
fn verdict(outcome: &Outcome) -> TestCase {
    let status = match outcome.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Fail => failed(&told::headline(outcome), &outcome.summary),
        Verdict::Inconclusive => {
            let open: Vec<String> =
                outcome.gaps.iter().filter(|gap| gap.decisive).map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect();
            skipped(&std::iter::once(outcome.summary.clone()).chain(open).collect::<Vec<_>>().join("; "))
        }
    };
    case("verdict", status, outcome)
}

fn failure(finding: &Finding, outcome: &Outcome) -> TestCaseStatus {
    let remedies = outcome.remedies.iter().filter(|remedy| remedy.finding == finding.name);
    let remedies = remedies.map(|remedy| format!("on {}: {}", one_line(&remedy.on), one_line(&remedy.command)));
    let lines = finding.scope.iter().chain(&finding.evidence).map(|line| one_line(line)).chain(remedies).chain([one_line(&finding.next)]);
    let mut status = failed(&finding.summary, &lines.collect::<Vec<_>>().join("\n"));
    status.set_type(one_line(&finding.name));
    status
}

fn failed(message: &str, told: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(one_line(message)).set_description(XmlString::new(told));
    status
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(one_line(why));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::outcome::tests::{broken, judged};

    #[test]
    fn a_place_and_a_finding_are_a_case_each() {
        let text = written(&judged());
        for wanted in [
            "<testsuite name=\"metallb-flow stacklight/iam-proxy-alertmanager\" tests=\"3\" skipped=\"0\" errors=\"0\" failures=\"2\" time=\"6.540\">",
            "<testcase name=\"answered from ssh:c1\"",
            "<testcase name=\"node/firewall-drop of node/n2/rule/raw/PREROUTING/1\"",
            "<failure message=\"a packet filter on n2 drops it: -A PREROUTING -s 10.88.192.0/24 -j DROP\" type=\"node/firewall-drop\">",
            "n2 mlb: 24 SYNs in, none on cni0",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_skipped_and_hostile_text_stays_text() {
        let mut outcome = broken();
        outcome.findings.clear();
        outcome.verdict = Verdict::Inconclusive;
        outcome.summary = "not known: <b>\"'&\u{1b}[2J]]>".to_owned();
        let text = written(&outcome);
        assert!(text.contains("<skipped message=\"not known: &lt;b&gt;"), "{text}");
        assert!(text.contains("failures=\"0\"") && !text.contains('\u{1b}') && !text.contains("<b>"), "{text}");
    }
}
