//! `lbdiag explain NAME --why REPORT`: why a run did not say a finding, from what its report tells of the rules that were tried.

use std::fmt::Write;
use std::path::Path;

use super::exit::Exit;
use super::{print, refuse};
use crate::evidence::text_file;
use crate::model::considered::Considered;
use crate::model::outcome::Outcome;

/// Bytes of a report that is read. One of a run holds 8 MiB of text at most, which JSON writes out longer.
const MOST_OF_A_REPORT: u64 = 64 << 20;

/// Prints where the name stands in the report, and what became of the rules that could have said it.
pub(super) fn why(name: &str, report: &Path) -> Exit {
    let read = text_file::bytes(report, MOST_OF_A_REPORT).map_err(|error| error.to_string());
    let outcome = read.and_then(|text| serde_json::from_slice::<Outcome>(&text).map_err(|error| error.to_string()));
    match outcome {
        Ok(outcome) => print(&told(name, &outcome)),
        Err(error) => {
            let hint = "write one with `lbdiag run … --report json=FILE`";
            refuse(Exit::Usage, &format!("read the report {}: {error} ({hint})", report.display()))
        }
    }
}

fn told(name: &str, outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(finding) = outcome.findings.iter().find(|finding| finding.name == name) {
        let culprits: Vec<String> = finding.culprits.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "{name} was said, of {}: {}", culprits.join(", "), finding.summary);
        return text;
    }
    let may_say = |tried: &&Considered| tried.names.iter().any(|other| other == name);
    let tried: Vec<&Considered> = outcome.considered.iter().filter(may_say).collect();
    if tried.is_empty() {
        let _ = writeln!(text, "no rule that may say {name} was tried along the path{}", instead(outcome));
        return text;
    }
    for tried in tried {
        let came = match &tried.said {
            None => "not proven".to_owned(),
            Some(said) => format!("proved {said} in its place"),
        };
        let _ = writeln!(text, "{}: {}: {came}\n    it needs {}", tried.point, tried.rule, tried.needs);
    }
    let _ = writeln!(text, "what was proven{}", instead(outcome));
    text
}

/// What the run said in its place.
fn instead(outcome: &Outcome) -> String {
    let proven = outcome.considered.iter().find_map(|tried| tried.said.as_ref().map(|said| format!("{said}, at {}", tried.point)));
    let first = || outcome.findings.first().map(|finding| finding.name.clone());
    proven.or_else(first).map_or_else(|| ": nothing".to_owned(), |said| format!(": {said}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn broken() -> Outcome {
        serde_json::from_value(json!({
            "format": "lbdiag-outcome/1", "lbdiag": "0", "playbook": "metallb-flow", "playbook_version": "1", "started": "", "took_ms": 1,
            "params": {}, "verdict": "fail", "summary": "", "gaps": [], "steps": [], "touched": [], "cleanup": "proven",
            "findings": [{"name": "node/firewall-drop", "severity": "fail", "culprits": ["node/n2/rule/raw/PREROUTING/478e1190"],
                "summary": "a packet filter on n2 drops it", "evidence": [], "next": ""}],
        }))
        .unwrap()
    }

    fn considered(point: &str, said: Option<&str>) -> Considered {
        Considered {
            rule: "the reverse path filter".to_owned(),
            names: vec!["node/reverse-path-filter".to_owned()],
            point: point.to_owned(),
            needs: "rp_filter in force".to_owned(),
            said: said.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_tried_is_told_with_what_it_needs() {
        let outcome = Outcome { considered: vec![considered("the request inside n2", None)], ..broken() };
        let text = told("node/reverse-path-filter", &outcome);
        assert!(text.contains("the request inside n2: the reverse path filter: not proven\n    it needs rp_filter in force\n"), "{text}");
        assert!(text.ends_with("what was proven: node/firewall-drop\n"), "{text}");
    }

    #[test]
    fn what_was_said_or_never_tried_is_told_too() {
        let outcome = Outcome { considered: vec![considered("the request inside n2", Some("node/proxy-down"))], ..broken() };
        assert!(told("node/firewall-drop", &outcome).starts_with("node/firewall-drop was said, of node/n2/rule/"));
        let never = told("node/conntrack-full", &outcome);
        assert_eq!(never, "no rule that may say node/conntrack-full was tried along the path: node/proxy-down, at the request inside n2\n");
        assert!(told("node/reverse-path-filter", &outcome).contains("proved node/proxy-down in its place"));
    }
}
