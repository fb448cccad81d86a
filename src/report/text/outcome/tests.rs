//! The text report of outcomes that are made for it.

use super::*;
use crate::model::subject::Subject;

fn finding(name: &str, severity: Severity, because: Option<&str>) -> Finding {
    Finding {
        name: name.to_owned(),
        severity,
        culprits: vec![Subject::from("node/n2/rule/raw/PREROUTING/1")],
        summary: format!("summary of {name}."),
        because: because.map(str::to_owned),
        scope: None,
        evidence: Vec::new(),
        next: String::new(),
    }
}

pub(in crate::report) fn broken() -> Outcome {
    let mut root = finding("node/firewall-drop", Severity::Fail, None);
    root.scope = Some("c2 fails 8 of 8, c1 is answered".to_owned());
    root.evidence = vec!["n2: raw PREROUTING rule 1 counted 24 packets".to_owned(), "n2 mlb: 24 SYNs in, none on cni0".to_owned()];
    root.next = "Remove the rule where it is managed.".to_owned();
    Outcome {
        format: "1".to_owned(),
        lbdiag: "0.1.0".to_owned(),
        playbook: "metallb-flow".to_owned(),
        playbook_version: "1.0.0".to_owned(),
        started: "2026-01-02T03:04:05Z".to_owned(),
        took_ms: 6_540,
        params: BTreeMap::new(),
        verdict: Verdict::Fail,
        summary: "stacklight/iam-proxy-alertmanager is not answered from c2: a packet filter on n2 drops its requests.".to_owned(),
        findings: vec![
            root,
            finding("endpoints/some-not-ready", Severity::Info, None),
            finding("node/lost-inside", Severity::Fail, Some("node/firewall-drop")),
        ],
        tables: Vec::new(),
        gaps: vec![Gap::new(
            "evidence/log-unreadable",
            Subject::pod("metallb-system", "speaker-x"),
            "the node is down",
            "who announced before",
        )],
        steps: vec![Step {
            title: "Who announces the address".to_owned(),
            state: StepState::Done,
            facts: vec!["n2 announces\n  since 03:00".to_owned()],
            started_ms: 10,
            took_ms: 420,
        }],
        considered: Vec::new(),
        witnesses: Vec::new(),
        answers: Vec::new(),
        captures: Vec::new(),
        clocks: Vec::new(),
        touched: vec![touch("api", "https://10.88.0.10:6443"), touch("command", "n2"), touch("command", "n3"), touch("probe", "c1")],
        cleanup: "proven".to_owned(),
        ended: None,
        diagnostics: Vec::new(),
    }
}

fn touch(kind: &str, host: &str) -> Touch {
    Touch { kind: kind.to_owned(), host: host.to_owned(), what: "look".to_owned(), at_ms: 1, took_ms: 2, result: "ok".to_owned() }
}

#[test]
fn the_report_reads_from_the_verdict_down() {
    let expected = "\
FAIL stacklight/iam-proxy-alertmanager is not answered from c2: a packet filter on n2 drops its
     requests.

Findings
  fail  node/firewall-drop  node/n2/rule/raw/PREROUTING/1
      summary of node/firewall-drop.
      scope: c2 fails 8 of 8, c1 is answered
      - n2: raw PREROUTING rule 1 counted 24 packets
      - n2 mlb: 24 SYNs in, none on cni0
      next: Remove the rule where it is managed.
      so: fail  node/lost-inside  node/n2/rule/raw/PREROUTING/1
          summary of node/lost-inside.
  info  endpoints/some-not-ready  node/n2/rule/raw/PREROUTING/1
      summary of endpoints/some-not-ready.

Not looked at
  evidence/log-unreadable  pod/metallb-system/speaker-x
      the node is down
      undecided: who announced before

Steps
  Who announces the address  done  0.4 s
      n2 announces
      since 03:00

touched: 1 API request, 2 commands, 1 probe on c1 n2 n3
cleanup: proven
run: metallb-flow 1.0.0 with lbdiag 0.1.0, began 2026-01-02T03:04:05Z, took 6.5 s
";
    assert_eq!(text(&broken(), Style::PLAIN), expected);
}

#[test]
fn colour_is_only_dress() {
    let coloured = text(&broken(), Style { colour: true, ..Style::PLAIN });
    assert!(coloured.starts_with("\u{1b}[1;31mFAIL\u{1b}[0m "));
    let mut stripped = coloured;
    for code in [RED, GREEN, YELLOW, CYAN, BOLD, DIM, "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(stripped, text(&broken(), Style::PLAIN));
}

#[test]
fn consequences_without_or_in_a_ring_of_causes_are_shown_once() {
    let mut outcome = broken();
    outcome.findings = vec![
        finding("wire/mtu", Severity::Fail, Some("overlay/mtu")),
        finding("pod/silent", Severity::Fail, Some("app/closes")),
        finding("app/closes", Severity::Fail, Some("pod/silent")),
    ];
    let text = text(&outcome, Style::PLAIN);
    for name in ["wire/mtu", "pod/silent", "app/closes"] {
        assert_eq!(text.matches(&format!("fail  {name}  ")).count(), 1, "{text}");
    }
}

#[test]
fn many_findings_take_as_long_each_as_a_few() {
    // The chain, the star and the flat list of 80,000; by comparing each with each this takes minutes.
    let chain = |index: usize| (index > 0).then(|| format!("x/{}", index - 1));
    let star = |index: usize| (index > 0).then(|| "x/0".to_owned());
    let shapes: [&dyn Fn(usize) -> Option<String>; 3] = [&chain, &star, &|_| None];
    for because in shapes {
        let mut outcome = broken();
        outcome.findings = (0..80_000).map(|index| finding(&format!("x/{index}"), Severity::Fail, because(index).as_deref())).collect();
        let began = std::time::Instant::now();
        let text = text(&outcome, Style::PLAIN);
        assert_eq!(text.matches("fail  x/").count(), 80_000);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}

#[test]
fn a_finding_of_the_same_name_as_a_cause_leaves_its_consequences_where_they_are() {
    let mut outcome = broken();
    outcome.findings =
        vec![finding("a/a", Severity::Fail, None), finding("b/b", Severity::Warn, Some("a/a")), finding("a/a", Severity::Fail, None)];
    let text = text(&outcome, Style::PLAIN);
    let order: Vec<&str> = text.lines().filter(|line| line.contains("  a/a  ") || line.contains("  b/b  ")).map(str::trim).collect();
    assert!(order[0].starts_with("fail") && order[1].starts_with("so: warn") && order[2].starts_with("fail"), "{order:?}");
}

#[test]
fn nothing_from_outside_drives_the_terminal() {
    let mut outcome = broken();
    outcome.summary = "\u{1b}]0;owned\u{7}".to_owned();
    outcome.findings[0].name = "node/\u{1b}[2J".to_owned();
    outcome.findings[0].culprits[0] = Subject::node("\u{9b}31m");
    outcome.findings[0].evidence[0] = "log: \u{1b}[1A\rgone".to_owned();
    outcome.steps[0].title = "step\u{8}".to_owned();
    *outcome.gaps[0].subject = Subject::from("pod/\u{1b}c");
    outcome.cleanup = "un\u{1b}proven".to_owned();
    outcome.touched[1].host = "n\u{1b}2".to_owned();
    outcome.ended = Some("\u{1b}[31m".to_owned());
    let text = text(&outcome, Style::PLAIN);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn an_empty_outcome_is_short() {
    let mut outcome = broken();
    outcome.findings.clear();
    outcome.gaps.clear();
    outcome.steps.clear();
    outcome.touched.clear();
    outcome.verdict = Verdict::Inconclusive;
    let text = text(&outcome, Style::PLAIN);
    assert!(text.starts_with("INCONCLUSIVE "));
    assert!(text.contains("touched: nothing\n"));
    assert!(!text.contains("Findings"));
}
