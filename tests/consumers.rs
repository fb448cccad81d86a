//! Programs that others wrote read what lbdiag writes for them: junitparser the XML of `JUnit`, Prometheus' promtool the metrics and the alerts on them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Recordings of each verdict.
const OF_EACH_VERDICT: [(&str, &str); 4] = [
    ("healthy", "pass"),
    ("node-firewall-drops-only-routed-client-network", "fail"),
    ("application-says-503-with-an-expired-certificate", "warn"),
    ("node-rule-comes-and-goes", "inconclusive"),
];

/// What junitparser sees in a file: each suite with its numbers, and each case with what came of it.
const READ: &str = r#"
import json, sys
from junitparser import JUnitXml
read = JUnitXml.fromfile(sys.argv[1])
case = lambda c: {"name": c.name, "class": c.classname, "results": [[type(r).__name__, r.message, r.type, r.text] for r in c.result], "out": c.system_out}
suite = lambda s: {"name": s.name, "tests": s.tests, "failures": s.failures, "errors": s.errors, "skipped": s.skipped, "cases": [case(c) for c in s]}
print(json.dumps([suite(s) for s in read]))
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn lbdiag(words: &[&str]) -> String {
    let told = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(words).current_dir(root()).output().unwrap();
    String::from_utf8(told.stdout).unwrap()
}

fn report(recording: &str, format: &str) -> String {
    lbdiag(&["report", &format!("tests/recordings/{recording}.lbdiag"), "--report", format])
}

fn outcome(recording: &str) -> Value {
    serde_json::from_str(&report(recording, "json")).unwrap()
}

/// What a foreign reader says of a file.
fn suites(xml: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.xml");
    std::fs::write(&file, xml).unwrap();
    // Debian's own, since its package brings the parser to no other.
    let python = ["/usr/bin/python3", "python3"].into_iter().find(|one| *one == "python3" || Path::new(one).exists()).unwrap();
    let read = Command::new(python).args(["-c", READ]).arg(&file).output().unwrap();
    let why = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{xml}: {why} (`make test` installs junitparser, where it can)");
    serde_json::from_slice(&read.stdout).unwrap()
}

/// How many cases have a result of that kind.
fn with(suite: &Value, kind: &str) -> u64 {
    let cases = suite["cases"].as_array().unwrap().iter();
    cases.filter(|case| case["results"].as_array().unwrap().iter().any(|result| result[0] == kind)).count() as u64
}

fn promtool(words: &[&str], given: &str) -> Output {
    let own = root().join("target/promtool/usr/bin/promtool");
    let program = if own.exists() { own } else { "promtool".into() };
    let started = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = started.expect("promtool: `make test` fetches it, where it can");
    // One that does not read what it is given ends before all of it is written.
    let _ = running.stdin.take().unwrap().write_all(given.as_bytes());
    running.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn junitparser_counts_what_the_outcome_says() {
    for (recording, verdict) in OF_EACH_VERDICT {
        let (outcome, suites) = (outcome(recording), suites(&report(recording, "junit")));
        assert_eq!(outcome["verdict"], verdict, "{recording}");
        let [suite] = &suites[..] else { panic!("{recording}: {} suites", suites.len()) };
        let counted = ["failures", "errors", "skipped"].map(|of| suite[of].as_u64().unwrap());
        assert_eq!(counted, [with(suite, "Failure"), with(suite, "Error"), with(suite, "Skipped")], "{recording}");
        assert_eq!(suite["tests"].as_u64().unwrap(), suite["cases"].as_array().unwrap().len() as u64, "{recording}");
        let (failed, skipped) = (counted[0] > 0, counted[2] > 0);
        assert_eq!((failed, skipped), (verdict == "fail", verdict == "inconclusive"), "{recording}: {suite}");
        let names: Vec<&str> = suite["cases"].as_array().unwrap().iter().map(|case| case["name"].as_str().unwrap()).collect();
        for tries in outcome["observed"]["tries"].as_array().unwrap() {
            assert!(names.contains(&format!("answered from {}", tries["from"].as_str().unwrap()).as_str()), "{recording}: {names:?}");
        }
        for finding in outcome["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "fail") {
            let of = |case: &&Value| case["name"].as_str().unwrap().starts_with(finding["name"].as_str().unwrap());
            let case = suite["cases"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{recording}: {names:?}"));
            assert_eq!((&case["results"][0][1], &case["results"][0][2]), (&finding["summary"], &finding["name"]), "{recording}");
        }
    }
}

#[test]
fn junitparser_reads_the_tests_of_playbooks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tests.xml");
    lbdiag(&["test", "examples/as-expected.tests.yaml", "--report", &format!("junit={}", file.display())]);
    let suites = suites(&std::fs::read_to_string(&file).unwrap());
    let cases: Vec<&Value> = suites.iter().flat_map(|suite| suite["cases"].as_array().unwrap()).collect();
    assert!(!cases.is_empty() && cases.iter().all(|case| case["results"].as_array().unwrap().is_empty()), "{suites:?}");
}

#[test]
fn promtool_takes_the_metrics_of_each_verdict() {
    for (recording, _) in OF_EACH_VERDICT {
        let metrics = report(recording, "prometheus");
        let checked = promtool(&["check", "metrics"], &metrics);
        assert!(checked.status.success() && said(&checked).trim().is_empty(), "{recording}: {}", said(&checked));
    }
    assert!(!promtool(&["check", "metrics"], "lbdiag_run_verdict{verdict=\"fail} 1\n").status.success(), "it takes anything");
}

/// The alerts that a recording's metrics raise when they stay as they are for a number of minutes after the run.
fn alerts(recording: &str, minutes: u32) -> BTreeMap<String, usize> {
    let metrics = report(recording, "prometheus");
    // promtool's clock begins at 0, and so did this run.
    let series = metrics.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let value = if name.starts_with("lbdiag_run_timestamp") { "0" } else { value };
        json!({"series": name, "values": format!("{value}x{}", minutes + 5)})
    });
    let rules = root().join("examples/alerts.yaml");
    let known: Value = serde_yaml::from_str(&std::fs::read_to_string(&rules).unwrap()).unwrap();
    let names = known["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| rule["alert"].as_str().unwrap().to_owned());
    let series: Vec<Value> = series.collect();
    let mut raised = BTreeMap::new();
    for name in names {
        // It says what an alert is raised for by telling what was expected in its place.
        let expected = json!([{"eval_time": format!("{minutes}m"), "alertname": name, "exp_alerts": [{"exp_labels": {"nobody": "x"}}]}]);
        let test =
            json!({"rule_files": [rules], "tests": [{"interval": "1m", "input_series": series.clone(), "alert_rule_test": expected}]});
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alerts.test.yaml");
        std::fs::write(&file, test.to_string()).unwrap();
        let told = said(&promtool(&["test", "rules", file.to_str().unwrap()], ""));
        let got = told.split("got:").nth(1).unwrap_or_else(|| panic!("{name}: {told}"));
        raised.insert(name.clone(), got.matches("Labels:{").count());
    }
    raised.retain(|_, many| *many > 0);
    raised
}

#[test]
fn the_alerts_are_raised_by_what_they_are_for() {
    let raised = |recording: &str, minutes: u32| alerts(recording, minutes).into_keys().collect::<Vec<_>>();
    assert!(promtool(&["check", "rules", root().join("examples/alerts.yaml").to_str().unwrap()], "").status.success());
    assert_eq!(raised("healthy", 30), Vec::<String>::new());
    assert_eq!(raised("healthy", 70), ["ServiceNotChecked"]);
    assert_eq!(raised("node-firewall-drops-only-routed-client-network", 5), ["ServiceNotReached"]);
    assert_eq!(raised("node-firewall-drops-only-routed-client-network", 25), ["ServiceNotReached", "ServiceReachedLessThanAsked"]);
    let open = raised("node-rule-comes-and-goes", 65);
    assert!(open.contains(&"ServiceReachNotDecided".to_owned()) && !open.contains(&"ServiceNotReached".to_owned()), "{open:?}");
}
