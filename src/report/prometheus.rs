//! Metrics for the textfile collector of Prometheus' node exporter: what a run that is repeated came to.
//!
//! The form: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use std::fmt::Write;

use super::format::Format;
use super::style::Style;
use crate::model::finding::Severity;
use crate::model::outcome::{Outcome, Verdict};
use crate::model::text::one_line;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "prometheus",
    outcome: Some(|outcome: &Outcome, _style: Style| written(outcome)),
    shows_answers: false,
    plan: None,
    trace: None,
    mistakes: None,
};

fn written(outcome: &Outcome) -> String {
    let mut labels = vec![("playbook", outcome.playbook.as_str())];
    if let Some(service) = &outcome.observed.service {
        labels.extend([("namespace", service.namespace.as_str()), ("service", service.name.as_str())]);
    }
    let mut text = String::new();
    let verdicts = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Inconclusive];
    let verdicts = verdicts.map(|verdict| (vec![("verdict", verdict.word())], u64::from(verdict == outcome.verdict).to_string()));
    metric(&mut text, "lbdiag_run_verdict", "Whether the run came to this verdict.", &labels, &verdicts);
    let took = format!("{}.{:03}", outcome.took_ms / 1000, outcome.took_ms % 1000);
    metric(&mut text, "lbdiag_run_duration_seconds", "How long the run took.", &labels, &[(Vec::new(), took)]);
    if let Ok(began) = outcome.started.parse::<jiff::Timestamp>() {
        let began = began.as_second().to_string();
        metric(&mut text, "lbdiag_run_timestamp_seconds", "When the run began.", &labels, &[(Vec::new(), began)]);
    }
    let count = |severity| outcome.findings.iter().filter(|finding| finding.severity == severity).count().to_string();
    let findings = [("fail", Severity::Fail), ("warn", Severity::Warn)].map(|(word, severity)| (vec![("severity", word)], count(severity)));
    metric(&mut text, "lbdiag_run_findings", "Findings of the run.", &labels, &findings);
    let tries = |of: fn(&crate::model::observed::Tries) -> usize| -> Vec<(Vec<(&str, &str)>, String)> {
        outcome.observed.tries.iter().map(|tries| (vec![("from", tries.from.as_str())], of(tries).to_string())).collect()
    };
    metric(&mut text, "lbdiag_tries", "Tries that were made from a place.", &labels, &tries(|tries| tries.tried));
    metric(&mut text, "lbdiag_tries_answered", "Tries of a place that were answered.", &labels, &tries(|tries| tries.answered));
    text
}

/// A gauge with a sample for each value.
fn metric(text: &mut String, name: &str, help: &str, labels: &[(&str, &str)], samples: &[(Vec<(&str, &str)>, String)]) {
    if samples.is_empty() {
        return;
    }
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (own, value) in samples {
        let all: Vec<String> = labels.iter().chain(own).map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let _ = writeln!(text, "{name}{{{}}} {value}", all.join(","));
    }
}

fn escaped(value: &str) -> String {
    one_line(value).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::outcome::tests::broken;

    #[test]
    fn each_sample_is_a_line_whatever_names_hold() {
        let mut outcome = broken();
        outcome.playbook = "a\"b\\c\nd".to_owned();
        let text = written(&outcome);
        assert!(text.contains("lbdiag_run_verdict{playbook=\"a\\\"b\\\\c d\",verdict=\"fail\"} 1\n"), "{text}");
        assert!(text.contains("verdict=\"pass\"} 0\n") && text.contains("lbdiag_run_duration_seconds{"), "{text}");
        let form = regex::Regex::new(r#"^(# (HELP|TYPE) lbdiag_\w+ .+|lbdiag_\w+\{(\w+="([^"\\]|\\.)*",?)+\} [0-9.]+)$"#).unwrap();
        for line in text.lines() {
            assert!(form.is_match(line), "{line}");
        }
    }
}
