//! What a finding rests on, in every recording: it is named as data, each of it leads to a question that was answered, and it holds what
//! decides and nothing that cannot.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::asked_by::asks_for;
use lbdiag::model::basis::{Basis, BasisKind};
use lbdiag::model::outcome::{Outcome, Touch};
use lbdiag::model::sections::sections;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// The outcome of a recording of the main job, with all answers; `None` for another playbook's.
fn outcome(recording: &Path) -> Option<Outcome> {
    let (evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    if manifest.playbook.name != "metallb-flow" {
        return None;
    }
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&playbook).map_err(|broken| broken.to_string()).expect("the playbook");
    evidence.tape.show_answers();
    let prepared = Prepared::replay(playbook, (evidence, manifest), &[]).expect("parameters from the recording");
    Some(prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome)
}

/// Every outcome with a finding that the judgement says first, by the recording's name.
fn judged() -> BTreeMap<String, Outcome> {
    let entries = std::fs::read_dir(folder()).expect("recordings").map(|entry| entry.expect("an entry").path());
    let all: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "lbdiag")).collect();
    let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let halves: Vec<Vec<PathBuf>> = (0..2).map(|half| all.iter().skip(half).step_by(2).cloned().collect()).collect();
    let outcomes = side_by_side(&halves, |half| half.iter().filter_map(|path| Some((name(path), outcome(path)?))).collect::<Vec<_>>());
    let said = |outcome: &Outcome| {
        let first = outcome.findings.first();
        first.is_some_and(|first| outcome.considered.iter().any(|tried| tried.said.as_ref() == Some(&first.name)))
    };
    outcomes.into_iter().flatten().filter(|(_, outcome)| said(outcome)).collect()
}

/// Whether a question of the run asked for it and was answered; of a section, whether its answer has it.
fn resolves(outcome: &Outcome, basis: &Basis) -> bool {
    let has = |touch: &Touch| {
        let own = outcome.answers.iter().find(|one| (&one.host, &one.what, one.at_ms) == (&touch.host, &touch.what, touch.at_ms));
        // An answer that is too long for a report is cut.
        own.is_none_or(|answer| {
            answer.text.contains(" more bytes") || sections(&answer.text).iter().any(|section| section.name == basis.part)
        })
    };
    let answered = |touch: &&Touch| touch.result == "ok" || basis.kind == BasisKind::Host || basis.kind == BasisKind::Log;
    let mut asked = outcome.touched.iter().filter(|touch| asks_for(touch, basis)).filter(answered);
    if basis.kind == BasisKind::State { asked.any(has) } else { asked.next().is_some() }
}

#[test]
fn every_judged_finding_rests_on_answers_of_its_run() {
    let all = judged();
    assert!(all.len() >= 80, "{} recordings", all.len());
    let mut wrong = Vec::new();
    for (name, outcome) in &all {
        let first = &outcome.findings[0];
        if first.rests_on.is_empty() {
            wrong.push(format!("{name}: {} rests on nothing", first.name));
        }
        for finding in &outcome.findings {
            wrong.extend(
                finding.rests_on.iter().filter(|basis| !resolves(outcome, basis)).map(|basis| format!("{name}: {}: {basis}", finding.name)),
            );
            assert!(finding.rests_on.is_sorted(), "{name}: {:?}", finding.rests_on);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A recording, its first finding, what it surely rests on, and beginnings of what it cannot rest on.
type Expected = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const EXPECTED: &[Expected] = &[
    (
        "node-firewall-drops-only-routed-client-network",
        "node/firewall-drop",
        &["n2 iptables twice", "n2 nft twice", "capture c2", "capture n2", "probe c2"],
        &["n1 ", "n3 ", "c1 ", "c2 ", "probe c1", "capture n3", "log ", "pods"],
    ),
    ("node-forwarding-off-on-one-interface", "node/forwarding-off", &["n2 settings", "capture n2"], &["n1 ", "n3 ", "n2 iptables", "log "]),
    (
        "node-shapes-the-answers",
        "node/firewall-drop",
        &["n2 traffic-control twice", "capture n2", "probe c1"],
        &["n1 ", "n3 ", "n2 iptables"],
    ),
    (
        "pod-firewall-in-one-pod",
        "pod/firewall-drop",
        &["stacklight/iam-proxy-alertmanager-79cb5df4b5-svmfd iptables twice"],
        &["n1 ", "n2 ", "n3 "],
    ),
    ("pod-queue-overflows", "pod/silent", &["stacklight/iam-proxy-alertmanager-7b8b7cc779-959zl counters twice"], &["n1 ", "n2 ", "n3 "]),
    (
        "ep-selector-matches-nothing",
        "endpoints/selector-matches-nothing",
        &["services in stacklight", "endpointslices in stacklight", "pods in stacklight"],
        &["n1 ", "n2 ", "capture", "probe", "arp", "log", "ipaddresspools"],
    ),
    (
        "alloc-pool-exhausted",
        "address/pool-exhausted",
        &["ipaddresspools in metallb-system", "services"],
        &["n1 ", "capture", "probe", "log"],
    ),
    (
        "ann-no-l2advertisement",
        "announce/no-advertisement",
        &["l2advertisements in metallb-system", "ipaddresspools in metallb-system"],
        &["n1 ", "n2 ", "capture", "probe", "arp", "endpointslices"],
    ),
    (
        "announcer-renamed-its-interface-clients-cached",
        "announce/interface-missing",
        &["l2advertisements in metallb-system", "log ", "capture n2"],
        &["probe"],
    ),
    ("ann-split-brain-memberlist-blocked", "announce/split-brain", &["n2 links", "n3 links", "arp c1", "log "], &["n2 iptables", "probe"]),
    ("arp-one-client-does-not-hear-the-answers", "client/firewall", &["c1 nft", "capture c1", "probe c1"], &["c2 ", "n2 ", "probe c2"]),
    ("l2-client-stale-arp", "wire/stale-neighbour", &["c1 neighbours twice", "n2 links", "arp c1"], &["c2 ", "n2 iptables", "probe c2"]),
    ("overlay-vxlan-port-blocked-inbound", "node/firewall-drop", &["n3 iptables twice", "capture n3", "probe c1"], &["n1 ", "n2 ", "c1 "]),
    ("overlay-route-to-pod-network-missing", "route/pod-network-missing", &["n2 routes", "n2 route-get"], &["n1 ", "n3 ", "n2 iptables"]),
    (
        "cal-policy-denies-in-a-later-rule",
        "policy/denied",
        &["networkpolicies in stacklight", "n2 iptables twice", "capture n2"],
        &["n1 ", "n3 ", "c1 ", "log "],
    ),
    ("announcer-off", "node/unreachable", &["whether n2 answers", "n3 neighbours", "nodes"], &["n1 ", "n2 "]),
    ("node-takes-connections-and-hangs", "node/hangs", &["whether n3 answers", "capture c1", "probe c1"], &["n3 "]),
    ("ep-kubelets-stopped", "node/control-plane-cut-off", &["nodes", "pods in stacklight"], &["capture c1", "capture c2", "n1 "]),
    (
        "application-says-503-with-an-expired-certificate",
        "app/answers-with-errors",
        &["probe c1", "probe c2"],
        &["n1 ", "n2 ", "log ", "nodes"],
    ),
];

#[test]
fn what_decides_is_named_and_what_cannot_decide_is_not() {
    let mut wrong = Vec::new();
    for (name, finding, must, never) in EXPECTED {
        let outcome = outcome(&folder().join(format!("{name}.lbdiag"))).expect("a recording of the main job");
        let first = &outcome.findings[0];
        assert_eq!(first.name, *finding, "{name}");
        let named: Vec<String> =
            first.rests_on.iter().map(|basis| format!("{basis}{}", if basis.compared { " twice" } else { "" })).collect();
        let holds = |wanted: &str| named.iter().any(|one| one == wanted || (wanted.ends_with(' ') && one.starts_with(wanted)));
        wrong.extend(must.iter().filter(|wanted| !holds(wanted)).map(|wanted| format!("{name}: no {wanted} in {named:?}")));
        let excess = named.iter().filter(|one| never.iter().any(|begin| one.starts_with(begin)));
        wrong.extend(excess.map(|one| format!("{name}: {one} in {named:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
