//! `lbdiag test`, as somebody calls it who writes a playbook: what it prints, how it ends, what it writes.

#![expect(clippy::expect_used, reason = "a command that cannot be run has failed its test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const HEADER: &str = "//! ---\n//! name: own\n//! version: 1.0.0\n//! about: A check of one's own.\n//! uses: [cluster.read]\n//! params:\n//!   limit: { type: int, default: 3 }\n//! ---\n";

const BODY: &str = "step(\"Count\", || {\n    if params.limit > 2 {\n        finding(\"site/many\", \"fail\", \"cluster\", `more than 2: ${params.limit}`);\n    } else {\n        finding(\"site/few\", \"info\", \"cluster\", \"few\");\n    }\n    note(`limit ${params.limit}`);\n});\ntable(\"Limits\", [\"limit\", \"what\"], [[params.limit, \"own\"]]);\n";

fn folder(tests: &str) -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("own.rhai"), format!("{HEADER}{BODY}")).expect("a playbook");
    std::fs::write(place.path().join("own.tests.yaml"), tests).expect("its tests");
    place
}

fn lbdiag(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(arguments).current_dir(place).env("NO_COLOR", "1").output().expect("lbdiag runs")
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

const GOOD: &str =
    "tests:\n- name: many\n  expect: { verdict: fail, finding: site/many, findings: [site/many], culprit: cluster, exit: 3 }\n";

#[test]
fn what_is_as_expected_passes() {
    let place = folder(GOOD);
    for path in ["own.tests.yaml", "own.rhai", "own", "."] {
        let (code, text) = said(&lbdiag(place.path(), &["test", path]));
        assert_eq!(code, Some(0), "{path}: {text}");
        assert!(text.ends_with("1 passed, 0 failed\n") && text.contains("own.tests.yaml:2  many"), "{text}");
    }
}

const WRONG: &str = "# My own.\ntests:\n- name: many\n  expect:\n    # It is too much.\n    verdict: pass\n    facts: [limit 4]\n    rows:\n    - { limit: 9, what: own }\n    gaps: [evidence/tool-missing]\n    exit: 0\n- name: few\n  params: { limit: 1 }\n  expect: { verdict: pass, findings: [site/few], facts: [limit 1], rows: [{ limit: 1 }] }\n";

#[test]
fn what_is_not_as_expected_is_told_line_by_line() {
    let place = folder(WRONG);
    let (code, text) = said(&lbdiag(place.path(), &["test", "own.tests.yaml"]));
    assert_eq!(code, Some(3), "{text}");
    let expected = "FAIL  own.tests.yaml:3  many
      fail: more than 2: 3
      - verdict: pass
      + verdict: fail
      - facts: limit 4
      + facts: limit 3
      - rows: { limit: 9, what: own }
      + rows: { limit: 3, what: own }
      - gaps: evidence/tool-missing
      + gaps: none
      - exit: 0
      + exit: 3
ok    own.tests.yaml:12  few
1 passed, 1 failed
";
    assert_eq!(text, expected);
}

#[test]
fn expectations_are_written_anew_and_nothing_else() {
    let place = folder(WRONG);
    let (code, text) = said(&lbdiag(place.path(), &["test", "--update", "."]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with("1 passed, 1 failed, 1 written anew\n"), "{text}");
    let expected = WRONG
        .replace("    verdict: pass\n    facts: [limit 4]", "    verdict: fail\n    facts:\n    - \"limit 3\"")
        .replace("{ limit: 9, what: own }", "{ limit: \"3\", what: own }")
        .replace("    gaps: [evidence/tool-missing]\n", "")
        .replace("    exit: 0", "    exit: 3");
    assert_eq!(std::fs::read_to_string(place.path().join("own.tests.yaml")).expect("the tests"), expected);
    assert_eq!(lbdiag(place.path(), &["test", "."]).status.code(), Some(0));
}

#[test]
fn broken_files_are_told_with_their_places_and_nothing_runs() {
    let place = folder("tests:\n- name: many\n  expect: { verdikt: fail }\n");
    std::fs::write(place.path().join("other.tests.yaml"), GOOD).expect("tests");
    let (code, text) = said(&lbdiag(place.path(), &["test", "."]));
    assert_eq!(code, Some(2), "{text}");
    for wanted in ["own.tests.yaml:3", "did you mean `verdict`?", "there is no ./other.rhai beside it"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("passed"), "{text}");
    let (code, text) = said(&lbdiag(place.path(), &["test", "nothing"]));
    assert!(code == Some(2) && text.contains("there is no nothing"), "{text}");
    let empty = tempfile::tempdir().expect("a folder");
    let (code, text) = said(&lbdiag(empty.path(), &["test", "."]));
    assert!(code == Some(2) && text.contains("there are no tests in"), "{text}");
}

#[test]
fn a_parameter_that_there_is_not_fails_the_test() {
    let place = folder("tests:\n- params: { limt: 1 }\n  expect: { verdict: pass }\n");
    let (code, text) = said(&lbdiag(place.path(), &["test", "."]));
    assert!(code == Some(3) && text.contains("did you mean `limit`?"), "{text}");
}

#[test]
fn a_test_that_never_ends_is_ended() {
    let place = folder(GOOD);
    std::fs::write(place.path().join("own.rhai"), format!("{HEADER}while true {{ sleep(3600); }}\n")).expect("a playbook");
    let (code, text) = said(&lbdiag(place.path(), &["test", ".", "--timeout", "1s"]));
    assert!(code == Some(3) && text.contains("+ verdict: inconclusive"), "{text}");
}

#[test]
fn coverage_tells_what_no_test_ran_and_may_be_demanded() {
    let place = folder(GOOD);
    let (code, text) = said(&lbdiag(place.path(), &["test", ".", "--coverage"]));
    assert_eq!(code, Some(0), "{text}");
    let told =
        "coverage of ./own.rhai: steps 1 of 1 (100 %), branches 1 of 2 (50 %), lines 5 of 6 (83 %)\n      no test runs line 13: else\n";
    assert!(text.contains(told), "{text}");
    let (code, text) = said(&lbdiag(place.path(), &["test", ".", "--coverage-least", "90"]));
    assert!(code == Some(3) && text.contains("66.7 %"), "{text}");
    let both = format!("{GOOD}- name: few\n  params: {{ limit: 1 }}\n  expect: {{ verdict: pass }}\n");
    std::fs::write(place.path().join("own.tests.yaml"), both).expect("the tests");
    let (code, text) = said(&lbdiag(place.path(), &["test", ".", "--coverage-least", "100"]));
    assert!(code == Some(0) && text.contains("branches 2 of 2 (100 %)"), "{text}");
}

#[test]
fn reports_are_written_for_other_programs_and_over_nothing_that_is_read() {
    let place = folder(WRONG);
    let arguments = ["test", ".", "--report", "junit=tests.xml", "--report", "json"];
    let output = lbdiag(place.path(), &arguments);
    assert_eq!(output.status.code(), Some(3));
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&read["passed"], &read["failed"]), (&1.into(), &1.into()));
    let xml = std::fs::read_to_string(place.path().join("tests.xml")).expect("the report");
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\"") && xml.contains("+ verdict: fail"), "{xml}");
    let (code, text) = said(&lbdiag(place.path(), &["test", ".", "--report", "junit=own.tests.yaml"]));
    assert!(code == Some(2) && text.contains("would overwrite"), "{text}");
}

#[test]
fn a_recording_answers_and_a_site_narrows() {
    let recording = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/healthy.lbdiag");
    let place = folder(GOOD);
    let playbook = "//! ---\n//! name: own\n//! version: 1.0.0\n//! about: b\n//! uses: [cluster.read, probe]\n//! params:\n//!   namespace: { type: string }\n//!   service: { type: string }\n//! ---\nlet svc = service(params.namespace, params.service);\nnote(svc.address);\nif allowed(\"probe\") { finding(\"site/may-ask\", \"warn\", \"cluster\", \"may ask\"); } else { finding(\"site/may-not\", \"info\", \"cluster\", \"may not\"); }\n";
    std::fs::write(place.path().join("own.rhai"), playbook).expect("a playbook");
    let shown = recording.display();
    let tests = format!(
        "tests:\n- recording: {shown}\n  expect: {{ verdict: warn, finding: site/may-ask }}\n- recording: {shown}\n  site: {{ uses: [cluster.read] }}\n  expect: {{ verdict: pass, finding: site/may-not }}\n- name: another\n  recording: {shown}\n  params: {{ service: another }}\n  expect: {{ verdict: inconclusive }}\n"
    );
    std::fs::write(place.path().join("own.tests.yaml"), tests).expect("tests");
    let (code, text) = said(&lbdiag(place.path(), &["test", "."]));
    assert_eq!(code, Some(0), "{text}");
}
