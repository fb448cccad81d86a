//! What a site allows: a playbook that may reach less says less, and never anything else.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lbdiag::engine::{self, EndKind, Prepared, Progress, RunEnd, RunOptions};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::site::Site;
use lbdiag::model::outcome::{Outcome, Verdict};
use lbdiag::model::reach::Reach;

fn recording(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(format!("{name}.lbdiag"))
}

fn flow(name: &str, change: impl Fn(&mut Site)) -> Outcome {
    let playbook = engine::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai")).expect("the playbook");
    let mut prepared = Prepared::replay(playbook, recorded::open(&recording(name)).expect("a recording"), &[]).expect("its parameters");
    change(&mut prepared.site);
    prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn a_playbook_that_may_reach_less_names_no_other_cause() {
    let narrow = [
        Reach { hosts: Some(list(&["n*"])), ..Reach::default() },
        Reach { hosts: Some(list(&["c1", "c2"])), ..Reach::default() },
        Reach { hosts: Some(list(&[])), ..Reach::default() },
        Reach { namespaces: Some(list(&["stacklight"])), ..Reach::default() },
        Reach { namespaces: Some(list(&["metallb-system"])), ..Reach::default() },
    ];
    for name in ["healthy", "node-firewall-drops-only-routed-client-network", "pod-app-frozen-in-one-pod", "ann-no-l2advertisement"] {
        let whole = flow(name, |_| {});
        for reach in &narrow {
            let outcome = flow(name, |site| site.reach = Some(reach.clone()));
            let cause = |outcome: &Outcome| outcome.findings.first().map(|finding| (finding.name.clone(), finding.culprits.clone()));
            let same = outcome.verdict == whole.verdict && cause(&outcome) == cause(&whole);
            assert!(same || outcome.verdict == Verdict::Inconclusive, "{name} {reach:?}: {} {:?}", outcome.verdict.word(), outcome.summary);
            let told = outcome.gaps.iter().any(|gap| gap.reason.contains("the site does not let this playbook reach"));
            assert!(told || same, "{name} {reach:?}: {:?}", outcome.gaps);
        }
    }
}

/// The MACs of nodes are compared where everybody is answered. What a site keeps out of reach leaves a gap that nothing rests on, on the way of
/// requests and beside it.
#[test]
fn a_node_out_of_reach_whose_mac_is_not_compared_forbids_no_pass() {
    let without = |node: &str| {
        let hosts = ["c1", "c2", "n1", "n2", "n3"].into_iter().filter(|host| *host != node).collect::<Vec<_>>();
        flow("two-nodes-on-the-way-have-one-mac", |site| site.reach = Some(Reach { hosts: Some(list(&hosts)), ..Reach::default() }))
    };
    for (node, verdict) in [("n1", Verdict::Warn), ("n3", Verdict::Pass)] {
        let outcome = without(node);
        let about = format!("whether another node has a MAC of {node}, too");
        let gap = outcome.gaps.iter().find(|gap| gap.undecided == about);
        assert!(gap.is_some_and(|gap| !gap.decisive), "{node}: {:?}", outcome.gaps);
        assert_eq!(outcome.verdict, verdict, "{node}: {:?}", outcome.gaps);
    }
}

/// A playbook of one line, run on the healthy recording at a site; and the notices of its run.
fn captured(uses: &str, options: &str, allowed: Option<Vec<String>>) -> (RunEnd, Vec<String>) {
    let text = format!(
        "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! uses: [{uses}]\n//! ---\nduring([node_capture(\"n2\", #{{ {options} }})], || 1);\n"
    );
    let playbook = engine::playbook::read("a.rhai", text).expect("a playbook");
    let (evidence, manifest) = recorded::open(&recording("healthy")).expect("a recording");
    let mut prepared = Prepared {
        playbook,
        replayed: None,
        params: [].into(),
        sources: [].into(),
        site: manifest.site.site(),
        recorded_by: None,
        trace_steps: false,
    };
    prepared.site.uses = allowed;
    let notices = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&notices);
    let progress = Arc::new(move |event| {
        if let Progress::Note(text) = event {
            told.lock().expect("nobody panicked").push(text);
        }
    });
    let end = prepared.run(&evidence, &RunOptions { time_limit: Duration::from_secs(60), progress });
    let notices = notices.lock().expect("nobody panicked").clone();
    (end, notices)
}

#[test]
fn a_capture_of_anything_and_one_of_payload_have_capabilities_of_their_own() {
    let new = ["node.capture.any", "capture.payload"];
    let options =
        ["address: \"10.88.64.100\"", "service: service(\"stacklight\", \"iam-proxy-alertmanager\"), snaplen: 1500, filter: \"tcp\""];
    // A header from before goes on working, and is told what it will need.
    let (_, notices) = captured("cluster.read, node.capture", options[0], None);
    assert!(notices.iter().any(|one| one.contains(new[0]) && one.contains("0.3")), "{notices:?}");
    let (_, notices) = captured("cluster.read, node.capture", options[1], None);
    assert!(new.iter().all(|capability| notices.iter().any(|one| one.contains(capability))), "{notices:?}");
    // One that lists them is told nothing.
    let (_, notices) = captured("cluster.read, node.capture, node.capture.any, capture.payload", options[1], None);
    assert!(notices.iter().all(|one| !one.contains("capability")), "{notices:?}");
    // A site that says what may be used has to say this, too.
    let (end, _) = captured("cluster.read, node.capture", options[0], Some(list(&["cluster.read", "node.capture"])));
    let EndKind::BrokenPlaybook(why) = &end.kind else { unreachable!("{:?}", end.kind) };
    assert!(why.message.contains(new[0]) && why.message.contains("site file"), "{}", why.message);
}
