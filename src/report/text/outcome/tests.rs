//! The text report of outcomes that are made for it.

use std::collections::BTreeMap;

use super::*;
use crate::model::announcement::{Agreement, Side, Source};
use crate::model::answers::Spread;
use crate::model::basis::Basis;
use crate::model::connection::{Path, PathHop, Sighting};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::{AnnouncementSeen, EndpointSeen, Observed, PathSeen, ServiceSeen, Stage, StageName, TargetSeen, Tries};
use crate::model::outcome::{Step, StepState, Touch, Verdict};
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Ending, Speech};
use crate::model::remedy::Remedy;
use crate::model::service::Protocol;
use crate::model::subject::Subject;
use crate::report::style::BOLD;

fn finding(name: &str, severity: Severity, because: Option<&str>) -> Finding {
    Finding {
        name: name.to_owned(),
        severity,
        culprits: vec![Subject::from("node/n2/rule/raw/PREROUTING/1")],
        summary: format!("summary of {name}."),
        because: because.map(str::to_owned),
        scope: None,
        from: Vec::new(),
        evidence: Vec::new(),
        rests_on: Vec::new(),
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
        again: "lbdiag run metallb-flow -n stacklight --service iam-proxy-alertmanager".to_owned(),
        verdict: Verdict::Fail,
        summary: "stacklight/iam-proxy-alertmanager is not answered from c2: a packet filter on n2 drops its requests.".to_owned(),
        findings: vec![
            root,
            finding("endpoints/some-not-ready", Severity::Info, None),
            finding("node/lost-inside", Severity::Fail, Some("node/firewall-drop")),
        ],
        tables: Vec::new(),
        attachments: Vec::new(),
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
        ran: Vec::new(),
        considered: Vec::new(),
        witnesses: Vec::new(),
        observed: Observed::default(),
        remedies: Vec::new(),
        captures: Vec::new(),
        clocks: Vec::new(),
        touched: vec![touch("api", "https://10.88.0.10:6443"), touch("command", "n2"), touch("command", "n3"), touch("probe", "c1")],
        answers: Vec::new(),
        set_aside: Vec::new(),
        cleanup: "proven".to_owned(),
        ended: None,
        diagnostics: Vec::new(),
    }
}

fn touch(kind: &str, host: &str) -> Touch {
    Touch { kind: kind.to_owned(), host: host.to_owned(), what: "look".to_owned(), at_ms: 1, took_ms: 2, result: "ok".to_owned() }
}

fn hop(at: &str, passage: Passage, after_us: Option<i64>) -> PathHop {
    PathHop {
        at: at.to_owned(),
        place: at.split('/').next().unwrap_or_default().to_owned(),
        interface: String::new(),
        passage,
        tunnel: None,
        what: Sighting::Syn,
        source: "10.88.192.50:26139".to_owned(),
        destination: "10.88.64.100:443".to_owned(),
        length: 0,
        packets: 1,
        after_us,
        error_us: Some(0),
    }
}

fn tries(from: &str, answered: usize) -> Tries {
    Tries {
        from: from.to_owned(),
        speech: Speech::Https,
        tool: "python3".to_owned(),
        tried: 16,
        answered,
        again: None,
        errors: if answered < 16 { BTreeMap::from([(Ending::ConnectTimeout, 16 - answered)]) } else { BTreeMap::new() },
        first_failure: (answered < 16).then_some(Ending::ConnectTimeout),
        statuses: if answered > 0 { BTreeMap::from([(200, answered)]) } else { BTreeMap::new() },
        connect_ms: None,
        largest_answer: (answered > 0).then_some(16_500),
        total_ms: (answered > 0).then_some(Spread { least: 1, median: 2, most: 9 }),
        sizes: BTreeMap::new(),
        sent_again: 0,
        certificates: Vec::new(),
        error: None,
    }
}

/// What such a run saw.
fn seen() -> Observed {
    let endpoint = |pod: &str, node: &str, answered| EndpointSeen {
        pod: Some(pod.to_owned()),
        address: "10.88.130.19".parse().unwrap(),
        port: Some(4180),
        node: Some(node.to_owned()),
        ready: true,
        serving: true,
        terminating: false,
        answered,
    };
    Observed {
        service: Some(ServiceSeen {
            namespace: "stacklight".to_owned(),
            name: "iam-proxy-alertmanager".to_owned(),
            address: "10.88.64.100".parse().ok(),
            port: Some(443),
            port_name: "https".to_owned(),
            protocol: Some(Protocol::Tcp),
        }),
        announcement: Some(AnnouncementSeen {
            protocol: "layer2".to_owned(),
            nodes: vec!["n2".to_owned()],
            expected: Some("n2".to_owned()),
            candidates: vec!["n2".to_owned(), "n3".to_owned()],
            excluded: Vec::new(),
            agreement: Agreement::Agree,
            because: "all name n2".to_owned(),
            sides: vec![Side { node: "n2".to_owned(), sources: vec!["wire".to_owned(), "log".to_owned(), "l2status".to_owned()] }],
            sources: Vec::new(),
            since: None,
            resolved: Vec::new(),
        }),
        target: Some(TargetSeen {
            target_port: "4180".to_owned(),
            slices_read: true,
            endpoints: vec![endpoint("web-1", "n2", 12), endpoint("web-2", "n3", 4)],
        }),
        tries: vec![tries("ssh:c1", 16), tries("ssh:c2", 0)],
        paths: vec![PathSeen {
            path: Path {
                from: "ssh:c2".to_owned(),
                number: 1,
                pod: None,
                answered: false,
                ending: Ending::ConnectTimeout,
                request: vec![hop("c2/eth0 out", Passage::Out, Some(0)), hop("n2/mlb in", Passage::In, Some(30))],
                answer: Vec::new(),
                last_seen: None,
                not_joined: None,
            },
            tries: 16,
            source_ports: vec![26139],
        }],
        states: Vec::new(),
        stages: [(StageName::Read, 100), (StageName::Ask, 6_000), (StageName::Clean, 440)]
            .map(|(name, took_ms)| Stage { name, started_ms: 0, took_ms })
            .to_vec(),
    }
}

/// The same as a run of the shipped playbook gives it.
pub(in crate::report) fn judged() -> Outcome {
    let mut outcome = broken();
    outcome.observed = seen();
    outcome.gaps.clear();
    outcome.findings.truncate(1);
    outcome.findings[0].summary = "a packet filter on n2 drops it: -A PREROUTING -s 10.88.192.0/24 -j DROP".to_owned();
    let command = "iptables -t raw -D PREROUTING -s 10.88.192.0/24 -j DROP".to_owned();
    outcome.remedies = vec![Remedy { finding: "node/firewall-drop".to_owned(), on: "n2".to_owned(), command }];
    outcome
}

#[test]
fn the_answer_comes_first_and_on_one_screen() {
    let expected = "\
FAIL stacklight/iam-proxy-alertmanager 10.88.64.100:443 — a packet filter on n2 drops c2's packets:
     -A PREROUTING -s 10.88.192.0/24 -j DROP

  from  answered  first failure    median  HTTP
  c1    16/16     –                2 ms    200
  c2    0/16      connect timeout  –

Why    n2: raw PREROUTING rule 1 counted 24 packets
       n2 mlb: 24 SYNs in, none on cni0
Do     on n2: iptables -t raw -D PREROUTING -s 10.88.192.0/24 -j DROP
       Remove the rule where it is managed.
Check  lbdiag run metallb-flow -n stacklight --service iam-proxy-alertmanager
Sure?  Not the cause: the announcement (every source names n2), the endpoints (all 2 answered c1) ·
       everything was looked at

Path of a failing try (c2)
  c2/eth0 out  +0.00 ms   10.88.192.50:26139 → 10.88.64.100:443
  n2/mlb in    +0.03 ms
  ✗ seen nowhere after n2/mlb in

announced by n2 (ARP, log, status agree) · Kubernetes counts 2 of 2 endpoints as ready
6.5 s (read 0.1, ask 6.0, clean up 0.4) · nothing left behind · more: -v, lbdiag explain
node/firewall-drop
";
    assert_eq!(text(&judged(), Style::PLAIN), expected);
}

#[test]
fn a_short_path_shows_where_it_was_seen_last_and_every_place_that_it_came_to() {
    let mut outcome = judged();
    let all = [
        "c2/eth0 out",
        "n2/mlb in",
        "n2/vx out",
        "n2/eth0 out",
        "n1/eth0 in",
        "n1/vx in",
        "n1/vx out",
        "n3/eth0 in",
        "n3/vx in",
        "n3/cni0 out",
    ];
    let hops: Vec<PathHop> = all.iter().chain(&["w/eth0 in", "w/eth0 out"]).map(|at| hop(at, Passage::In, None)).collect();
    outcome.observed.paths[0].path.last_seen = Some(hops[6].clone());
    outcome.observed.paths[0].path.request = hops;
    outcome.findings[0].evidence = (0..2).map(|at| format!("proof {at}")).collect();
    let told = text(&outcome, Style::PLAIN);
    assert!(told.lines().count() <= 32 && told.contains(" more spots"), "{told}");
    for shown in ["c2/eth0 out", "n2/mlb in", "n1/eth0 in", "n1/vx out", "n3/eth0 in", "w/eth0 in", "w/eth0 out"] {
        assert!(told.contains(&format!("  {shown}")), "{shown}: {told}");
    }
}

#[test]
fn a_place_is_named_although_its_name_begins_another_one() {
    let mut outcome = judged();
    outcome.findings[0].culprits[0] = Subject::from("router/10.88.64.1");
    outcome.findings[0].summary = "somebody sends what is for 10.88.64.100 astray, asked from ssh:c2".to_owned();
    let told = text(&outcome, Style { width: 300, ..Style::PLAIN });
    assert!(told.contains("— router 10.88.64.1: somebody sends what is for 10.88.64.100 astray, asked from c2\n"), "{told}");
}

#[test]
fn whose_packets_are_dropped_is_said_with_the_node_of_the_pod() {
    let mut outcome = judged();
    outcome.findings[0].culprits[0] = Subject::pod("stacklight", "web-2");
    outcome.findings[0].summary = "a packet filter inside the pod's namespace rejects it: -A INPUT -j REJECT".to_owned();
    outcome.observed.tries = vec![tries("ssh:c1", 9), tries("ssh:c2", 7)];
    let wide = Style { width: 300, ..Style::PLAIN };
    let told = text(&outcome, wide);
    assert!(told.contains("— pod web-2 on n3: a packet filter inside the pod's namespace rejects some packets of c1 and c2: "), "{told}");
    if let Some(target) = &mut outcome.observed.target {
        target.endpoints[1].answered = 0;
    }
    let told = text(&outcome, wide);
    assert!(told.contains("rejects every packet of c1 and c2 that comes to it: -A INPUT"), "{told}");
}

#[test]
fn who_is_answered_late_is_told_that_nothing_is_down() {
    let mut outcome = judged();
    outcome.observed.tries = vec![tries("ssh:c1", 16), Tries { sent_again: 3, ..tries("ssh:c2", 16) }];
    let told = text(&outcome, Style { width: 300, ..Style::PLAIN });
    assert!(
        told.contains("; slow, not down: all 32 tries are answered, 3 of them only when their first packet was sent again\n"),
        "{told}"
    );
}

#[test]
fn sources_that_differ_are_told_with_their_ages_the_newest_first() {
    let mut outcome = judged();
    let seen = outcome.observed.announcement.as_mut().unwrap();
    let source = |kind: &str, node: &str, age_s| Source {
        kind: kind.to_owned(),
        node: Some(node.to_owned()),
        protocol: String::new(),
        at: None,
        age_s: Some(age_s),
        detail: String::new(),
        trusted: true,
    };
    let side = |node: &str, kind: &str| Side { node: node.to_owned(), sources: vec![kind.to_owned()] };
    seen.agreement = Agreement::Conflict;
    seen.sources = vec![source("l2status", "n2", 7_300), source("log", "n3", 4)];
    seen.sides = vec![side("n2", "l2status"), side("n3", "log")];
    let told = text(&outcome, Style { width: 300, ..Style::PLAIN });
    assert!(told.contains("the newest first: n3 (log 4 s ago), n2 (status 2 h ago)"), "{told}");
}

#[test]
fn a_healthy_run_is_told_in_a_few_lines_however_many_asked() {
    let mut outcome = judged();
    outcome.verdict = Verdict::Pass;
    outcome.findings.clear();
    outcome.remedies.clear();
    outcome.observed.tries[1] = tries("ssh:c2", 16);
    outcome.observed.paths.clear();
    let two = text(&outcome, Style::PLAIN);
    let expected = "\
PASS stacklight/iam-proxy-alertmanager 10.88.64.100:443 — 32 of 32 tries answered, from c1 and c2
  c1  16/16, HTTP 200, median 2 ms (1 to 9), answers of up to 16 KiB
  c2  16/16, HTTP 200, median 2 ms (1 to 9), answers of up to 16 KiB
  2 of 2 ready endpoints answered · announced by n2 (ARP, log, status agree)
  6.5 s (read 0.1, ask 6.0, clean up 0.4) · nothing left behind · more: -v
";
    assert_eq!(two, expected);
    outcome.observed.tries = (0..40).map(|at| tries(&format!("ssh:c{at}"), 16)).collect();
    assert!(text(&outcome, Style::PLAIN).lines().count() <= 8, "{}", text(&outcome, Style::PLAIN));
}

#[test]
fn many_places_that_fared_alike_are_one_row() {
    let mut outcome = judged();
    outcome.observed.tries = (0..40).map(|at| tries(&format!("ssh:c{at}"), if at < 3 { 0 } else { 16 })).collect();
    let told = text(&outcome, Style::PLAIN);
    assert!(told.contains("  c0, c1 and c2           0/16 ") && told.contains("  c3, c4, c5 and 34 more  16/16"), "{told}");
    assert!(told.starts_with("FAIL") && told.contains("drops c0, c1 and\n     c2's packets"), "{told}");
}

#[test]
fn lines_keep_to_any_width_and_tear_no_address() {
    for width in [60, 80, 100, 200] {
        let told = text(&judged(), Style { width, ..Style::PLAIN });
        let longest = told.lines().filter(|line| !line.contains('→')).map(|line| line.chars().count()).max();
        assert!(longest <= Some(width), "{width}: {told}");
        for whole in ["10.88.64.100:443", "stacklight/iam-proxy-alertmanager", "10.88.192.0/24"] {
            assert!(told.contains(whole), "{width}: {told}");
        }
    }
}

#[test]
fn ascii_is_enough_where_nothing_else_can_be_shown() {
    let mut outcome = judged();
    outcome.findings[0].evidence[0] = "log of größe".to_owned();
    for detail in [Detail::Answer, Detail::Facts, Detail::Questions] {
        let told = text(&outcome, Style { ascii: true, detail, ..Style::PLAIN });
        assert!(told.is_ascii() && told.contains("10.88.192.50:26139 -> 10.88.64.100:443") && told.contains("gr\\u{f6}\\u{df}e"), "{told}");
    }
}

#[test]
fn the_text_is_made_of_the_json_alone() {
    let back: Outcome = serde_json::from_str(&crate::report::json(&judged())).unwrap();
    for detail in [Detail::Answer, Detail::Facts, Detail::Questions] {
        let style = Style { detail, ..Style::PLAIN };
        assert_eq!(text(&back, style), text(&judged(), style));
    }
}

const FACTS: Style = Style { detail: Detail::Facts, ..Style::PLAIN };

#[test]
fn the_whole_proof_stands_behind_the_answer() {
    let expected = "

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
  evidence/log-unreadable pod/metallb-system/speaker-x
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
    let told = text(&broken(), FACTS);
    assert!(told.ends_with(expected.trim_start_matches('\n')), "{told}");
    assert!(told.starts_with("FAIL stacklight/iam-proxy-alertmanager is not answered from c2: a packet filter on n2 drops its\n"));
}

#[test]
fn colour_is_only_dress() {
    let coloured = text(&broken(), Style { colour: true, ..FACTS });
    assert!(coloured.starts_with("\u{1b}[1;31mFAIL\u{1b}[0m "));
    let mut stripped = coloured;
    for code in [RED, GREEN, YELLOW, CYAN, BOLD, DIM, "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(stripped, text(&broken(), FACTS));
}

#[test]
fn consequences_without_or_in_a_ring_of_causes_are_shown_once() {
    let mut outcome = broken();
    outcome.findings = vec![
        finding("wire/mtu", Severity::Fail, Some("overlay/mtu")),
        finding("pod/silent", Severity::Fail, Some("app/closes")),
        finding("app/closes", Severity::Fail, Some("pod/silent")),
    ];
    let text = text(&outcome, FACTS);
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
        let text = text(&outcome, FACTS);
        assert_eq!(text.matches("fail  x/").count(), 80_000);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}

#[test]
fn a_finding_of_the_same_name_as_a_cause_leaves_its_consequences_where_they_are() {
    let mut outcome = broken();
    outcome.findings =
        vec![finding("a/a", Severity::Fail, None), finding("b/b", Severity::Warn, Some("a/a")), finding("a/a", Severity::Fail, None)];
    let text = text(&outcome, FACTS);
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
    let text = text(&outcome, FACTS);
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
    let text = text(&outcome, FACTS);
    assert!(text.starts_with("INCONCLUSIVE "));
    assert!(text.contains("touched: nothing\n"));
    assert!(!text.contains("Findings"));
}

#[test]
fn what_a_finding_rests_on_stands_where_every_question_does() {
    let mut outcome = judged();
    let place = Place::sample("n2", HostKind::Node);
    outcome.findings[0].rests_on = vec![Basis::state(&place, "iptables", true), Basis::capture(&place), Basis::probe("c2")];
    let line = "rests on: n2 iptables, capture n2, probe c2\n";
    let told = |detail| text(&outcome, Style { detail, ..Style::PLAIN });
    assert!(told(Detail::Questions).contains(line) && !told(Detail::Facts).contains(line));
}
