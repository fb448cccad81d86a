//! What is right: the comparison of one run with what was expected.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Expect;

/// How a run was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judgement {
    #[serde(rename = "right")]
    Right,
    #[serde(rename = "inconclusive")]
    Inconclusive,
    #[serde(rename = "wrong")]
    Wrong,
    #[serde(rename = "not injected")]
    NotInjected,
}

impl Judgement {
    pub fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Inconclusive => "inconclusive",
            Self::Wrong => "wrong",
            Self::NotInjected => "not injected",
        }
    }
}

/// What a run said, taken from its exit status and its JSON report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub verdict: String,
    /// Names, the root cause first.
    pub findings: Vec<String>,
    /// Names of what could not be looked at or decided.
    pub gaps: Vec<String>,
    /// The first culprit of the first finding.
    pub culprit: String,
    /// Why the run cannot be taken at its word: a crash, a time-out, a report that is missing or at odds with the exit status.
    pub broken: Option<String>,
}

impl Said {
    /// Reads the report of a run that ended with `status` (`None`: killed, or out of time).
    pub fn read(status: Option<i32>, report: Result<&str, String>) -> Self {
        let mut said = Self::default();
        match report {
            Err(error) => said.broken = Some(error),
            Ok(text) => match serde_json::from_str::<Value>(text) {
                Err(error) => said.broken = Some(format!("the report is not JSON: {error}")),
                Ok(report) => said.take(&report),
            },
        }
        let promised = match said.verdict.as_str() {
            "pass" => Some(0),
            "fail" => Some(3),
            "warn" => Some(4),
            "inconclusive" => Some(5),
            _ => None,
        };
        if said.broken.is_none() && promised.is_none() {
            said.broken = Some(format!("`{}` is no verdict", said.verdict));
        }
        if said.broken.is_none() && status != promised {
            let seen = status.map_or_else(|| "a signal or a time-out".to_owned(), |status| format!("exit status {status}"));
            said.broken = Some(format!("the verdict {} came with {seen}", said.verdict));
        }
        said
    }

    fn take(&mut self, report: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.verdict = text(&report["verdict"]);
        let Some(findings) = report["findings"].as_array() else {
            self.broken = Some("the report has no list of findings".to_owned());
            return;
        };
        self.findings = findings.iter().map(|finding| text(&finding["name"])).collect();
        let gaps = report["gaps"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.gaps = gaps.iter().map(|gap| text(&gap["name"])).collect();
        self.culprit = findings.first().map_or_else(String::new, |first| text(&first["culprits"][0]));
    }
}

/// Judges what was said against what was expected (its strings already expanded).
pub fn judge(said: &Said, expect: &Expect) -> Judgement {
    if said.broken.is_some() {
        return Judgement::Wrong;
    }
    if !expect.verdict.contains(&said.verdict) {
        return if said.verdict == "inconclusive" { Judgement::Inconclusive } else { Judgement::Wrong };
    }
    if expect.finding.is_empty() {
        return Judgement::Right;
    }
    // Whoever allows that it is left open may say as what: a gap has no culprit.
    if said.verdict == "inconclusive" {
        let named = expect.finding.iter().any(|name| name.starts_with("evidence/"));
        let told = said.gaps.iter().any(|gap| expect.finding.contains(gap));
        return if told || !named { Judgement::Right } else { Judgement::Inconclusive };
    }
    let finding = said.findings.first().is_some_and(|first| expect.finding.contains(first));
    let culprit = expect.culprit.is_empty() || expect.culprit.iter().any(|expected| lies_at_or_below(&said.culprit, expected));
    if finding && culprit { Judgement::Right } else { Judgement::Wrong }
}

/// Whether a culprit is the expected path or lies below it: `node/n2` accepts `node/n2/rule/…`, and not `node/n21`.
pub fn lies_at_or_below(culprit: &str, expected: &str) -> bool {
    let expected = expected.trim_end_matches('/');
    !expected.is_empty() && culprit.strip_prefix(expected).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(verdict: &[&str], finding: &[&str], culprit: &[&str]) -> Expect {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Expect { verdict: owned(verdict), finding: owned(finding), culprit: owned(culprit) }
    }

    fn report(verdict: &str, findings: &[(&str, &str)]) -> String {
        let findings: Vec<Value> =
            findings.iter().map(|(name, culprit)| serde_json::json!({ "name": name, "culprits": [culprit] })).collect();
        serde_json::json!({ "verdict": verdict, "findings": findings }).to_string()
    }

    fn judged(status: i32, verdict: &str, findings: &[(&str, &str)], expected: &Expect) -> Judgement {
        judge(&Said::read(Some(status), Ok(&report(verdict, findings))), expected)
    }

    #[test]
    fn what_may_be_left_open_is_right_as_that() {
        let left = |name: &str| {
            let report = serde_json::json!({ "verdict": "inconclusive", "findings": [], "gaps": [{ "name": name }] }).to_string();
            Said::read(Some(5), Ok(&report))
        };
        let open = expect(&["fail", "inconclusive"], &["overlay/mtu", "evidence/undecided"], &["node/n2"]);
        assert_eq!(judge(&left("evidence/undecided"), &open), Judgement::Right);
        assert_eq!(judge(&left("evidence/forbidden"), &open), Judgement::Inconclusive);
        let anyhow = expect(&["fail", "inconclusive"], &["overlay/mtu"], &["node/n2"]);
        assert_eq!(judge(&left("evidence/undecided"), &anyhow), Judgement::Right);
        assert_eq!(judge(&left("evidence/undecided"), &expect(&["fail"], &["overlay/mtu"], &[])), Judgement::Inconclusive);
    }

    #[test]
    fn a_culprit_is_right_at_the_path_or_below() {
        assert!(lies_at_or_below("node/n2", "node/n2"));
        assert!(lies_at_or_below("node/n2/rule/raw/PREROUTING/1", "node/n2"));
        assert!(lies_at_or_below("node/n2", "node"));
        assert!(lies_at_or_below("node/n2", "node/"));
        assert!(!lies_at_or_below("node/n21", "node/n2"));
        assert!(!lies_at_or_below("node", "node/n2"));
        assert!(!lies_at_or_below("node/n2", ""), "a variable that nobody set must not accept everything");
        assert!(!lies_at_or_below("", "node"));
    }

    #[test]
    fn the_first_finding_and_its_first_culprit_count() {
        let expected = expect(&["fail"], &["node/firewall-drop", "node/lost-inside"], &["node/n2", "network"]);
        assert_eq!(judged(3, "fail", &[("node/firewall-drop", "node/n2/rule/raw")], &expected), Judgement::Right);
        assert_eq!(judged(3, "fail", &[("node/lost-inside", "network/n2..c1")], &expected), Judgement::Right);
        assert_eq!(judged(3, "fail", &[("node/firewall-drop", "node/n3")], &expected), Judgement::Wrong);
        assert_eq!(judged(3, "fail", &[("wire/mtu", "node/n2"), ("node/firewall-drop", "node/n2")], &expected), Judgement::Wrong);
        assert_eq!(judged(3, "fail", &[], &expected), Judgement::Wrong);
    }

    #[test]
    fn without_a_finding_only_the_verdict_counts() {
        let expected = expect(&["fail"], &[], &["node/n2"]);
        assert_eq!(judged(3, "fail", &[("wire/mtu", "network/a..b")], &expected), Judgement::Right);
        assert_eq!(judged(4, "warn", &[("wire/mtu", "network/a..b")], &expected), Judgement::Wrong);
    }

    #[test]
    fn inconclusive_is_neither_right_nor_wrong() {
        assert_eq!(judged(5, "inconclusive", &[], &expect(&["fail"], &["wire/mtu"], &[])), Judgement::Inconclusive);
        assert_eq!(judged(5, "inconclusive", &[], &expect(&["pass"], &[], &[])), Judgement::Inconclusive);
        assert_eq!(judged(5, "inconclusive", &[], &expect(&["inconclusive"], &[], &[])), Judgement::Right);
    }

    #[test]
    fn a_false_alarm_and_a_blind_pass_are_wrong() {
        assert_eq!(judged(3, "fail", &[("wire/mtu", "x/y")], &expect(&["pass"], &[], &[])), Judgement::Wrong);
        assert_eq!(judged(4, "warn", &[("wire/mtu", "x/y")], &expect(&["pass"], &[], &[])), Judgement::Wrong);
        assert_eq!(judged(4, "warn", &[("wire/mtu", "x/y")], &expect(&["pass", "warn"], &[], &[])), Judgement::Right);
        assert_eq!(judged(0, "pass", &[], &expect(&["fail"], &[], &[])), Judgement::Wrong);
        assert_eq!(judged(3, "fail", &[("wire/mtu", "x/y")], &expect(&["warn"], &["wire/mtu"], &[])), Judgement::Wrong);
    }

    #[test]
    fn a_crash_a_timeout_and_an_exit_status_at_odds_are_wrong() {
        let expected = expect(&["fail", "pass", "inconclusive"], &[], &[]);
        assert_eq!(judged(0, "fail", &[], &expected), Judgement::Wrong);
        assert_eq!(judged(1, "inconclusive", &[], &expected), Judgement::Wrong);
        assert_eq!(judge(&Said::read(None, Ok(&report("fail", &[]))), &expected), Judgement::Wrong);
        assert_eq!(judge(&Said::read(Some(3), Err("no report".to_owned())), &expected), Judgement::Wrong);
        assert_eq!(judge(&Said::read(Some(3), Ok("{")), &expected), Judgement::Wrong);
        assert_eq!(judge(&Said::read(Some(3), Ok("{\"verdict\": \"fail\"}")), &expected), Judgement::Wrong);
    }
}
