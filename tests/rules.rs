//! Which of the judgement's rules the recordings show at work: each is proven in one of them, or stands here with the reason why not.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::analysis::judge::rules;
use lbdiag::engine::{self, Inputs, RunOptions};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::considered::Considered;

/// Rules that no recording proves, and what shows them at work instead.
const UNCOVERED: [(&str, &str); 18] = [
    ("a packet filter that drops answers", "the lab's six-answers-dropped"),
    ("a rule that leaves packets too few hops", "the lab's node-hop-limit-two"),
    ("the traffic control of an interface, or an IPsec policy", "the lab's node-ipsec-policy-blocks"),
    ("the reverse path filter", "the lab's faults of rp_filter"),
    ("an address that kube-proxy does not translate", "the lab's nft-proxy-rules-gone"),
    ("kube-proxy's rules that lead to an endpoint that is gone", "the lab's proxy-stale"),
    ("policy Local without a pod", "the lab's etp-local-elsewhere"),
    ("an old entry of the connection table", "unit tests alone: the lab cannot keep such an entry"),
    ("a connection table that is full", "nothing yet: a lab that fills its table loses its own API server's connections"),
    ("a way to the pod that the kernel refuses", "unit tests alone"),
    ("a NetworkPolicy that is enforced outside of packet filters", "nothing yet: the lab has no such plugin"),
    ("a way back to the client that the kernel refuses", "the lab's return-route-missing"),
    ("a way back to the client that the kernel refuses for what comes in from the pods", "the lab's node-policy-route-swallows-answers"),
    ("a rule that keeps answers from being translated back", "the lab's node-untracked-answers"),
    ("a client that the node takes for a neighbour", "unit tests alone"),
    ("a way back to whom the pod answers that the kernel refuses", "unit tests alone"),
    ("answers that the pod sends to the wrong neighbour", "unit tests alone"),
    ("a rule that keeps requests out of the connection table, so that answers count as invalid", "the lab's far-untracked-requests"),
];

/// One recording after the other: what a run may hold is counted for the whole process.
fn considered(recording: &Path) -> Vec<Considered> {
    let (evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    if manifest.playbook.name != "metallb-flow" {
        return Vec::new();
    }
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&playbook).map_err(|broken| broken.to_string()).expect("a playbook that loads");
    let inputs = Inputs { recorded: Some(manifest.params.clone()), ..Inputs::default() };
    let params = engine::resolve(&playbook.header, &inputs).expect("parameters from the recording");
    let options = RunOptions { time_limit: Duration::from_secs(120), progress: Arc::new(|_| {}) };
    engine::run(&playbook, params, &evidence, &manifest.site.site(), &options).outcome.considered
}

#[test]
fn every_rule_is_proven_by_a_recording_or_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lbdiag"))
        .collect();
    let mut proven: BTreeMap<String, usize> = rules().into_iter().map(|rule| (rule.to_owned(), 0)).collect();
    for tried in files.iter().flat_map(|file| considered(file)) {
        let times = proven.entry(tried.rule).or_default();
        if let Some(said) = &tried.said {
            *times += 1;
            assert!(tried.names.contains(said), "a rule says {said}, which is not among its names {:?}", tried.names);
        }
    }
    let never: BTreeSet<&str> = proven.iter().filter(|(_, times)| **times == 0).map(|(rule, _)| rule.as_str()).collect();
    let listed: BTreeSet<&str> = UNCOVERED.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(never, listed, "of {proven:#?}");
}
