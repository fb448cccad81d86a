//! The results of tests: as lines for people, as JSON, and as `JUnit`'s XML for continuous integrations.

use std::fmt::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::style::Style;
use crate::model::tested::{Covered, Difference, Part, Tested, TestedFile, TestedOne};
use crate::model::text::one_line;

/// Missed places of a playbook that are told one by one.
const MOST_MISSED: usize = 20;

/// A terminal's codes for colours.
const GREEN: &str = "32";
const RED: &str = "31";

/// A line for each test, and for what failed what was expected and what was found in its place.
#[must_use]
pub fn text(tested: &Tested, style: Style) -> String {
    let mut text = String::new();
    for file in &tested.files {
        for test in &file.tests {
            one(&mut text, file, test, style);
        }
    }
    for covered in &tested.coverage {
        coverage(&mut text, covered);
    }
    let (passed, failed) = tested.counts();
    let updated = tested.all().filter(|test| test.updated).count();
    let written = if updated > 0 { format!(", {updated} written anew") } else { String::new() };
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "{passed} passed, {failed} failed{written}");
    text
}

fn one(text: &mut String, file: &TestedFile, test: &TestedOne, style: Style) {
    let word = if test.passed() { style.dressed("ok  ", GREEN) } else { style.dressed("FAIL", RED) };
    let _ = writeln!(text, "{word}  {}:{}  {}", one_line(&file.file), test.line, one_line(&test.name));
    if test.passed() {
        return;
    }
    if !test.summary.is_empty() {
        let _ = writeln!(text, "      {}", one_line(&test.summary));
    }
    for difference in &test.differences {
        for line in lines(difference) {
            let _ = writeln!(text, "      {line}");
        }
    }
}

fn lines(difference: &Difference) -> [String; 2] {
    let Difference { what, expected, found } = difference;
    [format!("- {what}: {}", one_line(expected)), format!("+ {what}: {}", one_line(found))]
}

fn coverage(text: &mut String, covered: &Covered) {
    let part = |name: &str, part: &Part| format!("{name} {} of {} ({:.0} %)", part.ran, part.of, part.percent());
    let parts = [part("steps", &covered.steps), part("branches", &covered.branches), part("lines", &covered.lines)];
    let _ = writeln!(text, "coverage of {}: {}", one_line(&covered.playbook), parts.join(", "));
    let missed: Vec<_> = covered.steps.missed.iter().chain(&covered.branches.missed).collect();
    for one in missed.iter().take(MOST_MISSED) {
        let _ = writeln!(text, "      no test runs line {}: {}", one.line, one_line(&one.what));
    }
    if missed.len() > MOST_MISSED {
        let _ = writeln!(text, "      and {} others", missed.len() - MOST_MISSED);
    }
}

/// The same as data.
#[must_use]
pub fn json(tested: &Tested) -> String {
    let (passed, failed) = tested.counts();
    let all = serde_json::json!({
        "format": "lbdiag-tests/1", "lbdiag": env!("CARGO_PKG_VERSION"), "passed": passed, "failed": failed,
        "files": tested.files, "coverage": tested.coverage,
    });
    format!("{all:#}\n")
}

/// The same in `JUnit`'s form: a suite for each file.
///
/// # Errors
/// When it cannot be written as XML.
pub fn junit(tested: &Tested) -> Result<String, String> {
    let mut report = Report::new("lbdiag test");
    for file in &tested.files {
        let mut suite = TestSuite::new(one_line(&file.file));
        suite.add_test_cases(file.tests.iter().map(|test| case(file, test)));
        report.add_test_suite(suite);
    }
    report.to_string().map(|text| format!("{}\n", text.trim_end())).map_err(|error| format!("write the tests as JUnit: {error}"))
}

fn case(file: &TestedFile, test: &TestedOne) -> TestCase {
    let mut status = TestCaseStatus::success();
    if !test.passed() {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let told: Vec<String> = test.differences.iter().flat_map(lines).collect();
        let what: Vec<&str> = test.differences.iter().map(|difference| difference.what.as_str()).collect();
        status.set_message(format!("not as expected: {}", what.join(", ")));
        status.set_description(format!("{}\n{}", one_line(&test.summary), told.join("\n")));
    }
    let mut case = TestCase::new(one_line(&test.name), status);
    case.set_classname(one_line(&file.file));
    case.set_time(Duration::from_millis(test.took_ms));
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tested::Missed;

    fn tested() -> Tested {
        let one = |name: &str, differences: Vec<Difference>| TestedOne {
            name: name.to_owned(),
            line: 3,
            took_ms: 12,
            summary: "fail: <it> is so".to_owned(),
            differences,
            updated: false,
        };
        let difference = Difference { what: "verdict".to_owned(), expected: "pass".to_owned(), found: "fail\u{1b}[31m\nforged".to_owned() };
        let missed = vec![Missed { line: 9, what: "else".to_owned() }];
        Tested {
            files: vec![TestedFile { file: "a.tests.yaml".to_owned(), tests: vec![one("good", Vec::new()), one("bad", vec![difference])] }],
            coverage: vec![Covered {
                playbook: "a.rhai".to_owned(),
                steps: Part { ran: 1, of: 1, missed: Vec::new() },
                branches: Part { ran: 1, of: 2, missed },
                lines: Part { ran: 3, of: 4, missed: Vec::new() },
            }],
        }
    }

    #[test]
    fn each_test_is_a_line_and_each_difference_two() {
        let text = text(&tested(), Style::PLAIN);
        let expected = "ok    a.tests.yaml:3  good\nFAIL  a.tests.yaml:3  bad\n      fail: <it> is so\n      - verdict: pass\n      + verdict: fail\u{fffd}[31m forged\ncoverage of a.rhai: steps 1 of 1 (100 %), branches 1 of 2 (50 %), lines 3 of 4 (75 %)\n      no test runs line 9: else\n1 passed, 1 failed\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn other_programs_get_the_same() {
        let tested = tested();
        let read: serde_json::Value = serde_json::from_str(&json(&tested)).unwrap();
        assert_eq!((read["passed"].clone(), read["files"][0]["tests"][1]["differences"][0]["what"].clone()), (1.into(), "verdict".into()));
        let xml = junit(&tested).unwrap();
        for wanted in ["tests=\"2\"", "failures=\"1\"", "&lt;it&gt; is so", "not as expected: verdict", "time=\"0.012\""] {
            assert!(xml.contains(wanted), "{wanted}: {xml}");
        }
        assert!(!xml.contains('\u{1b}'));
    }

    #[test]
    fn the_least_covered_playbook_counts() {
        assert!((tested().least_covered() - 200.0 / 3.0).abs() < 1e-9);
        assert!((Tested::default().least_covered() - 100.0).abs() < 1e-9);
    }
}
