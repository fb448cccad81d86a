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

/// Proofs that no recording shows at work, by their titles, and what shows them instead.
fn unrecorded() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("rules-unrecorded.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').expect("a title and a reason")).collect()
}

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
    let mut proven: BTreeMap<String, usize> = rules().into_iter().map(|row| (row.proof.to_owned(), 0)).collect();
    for tried in files.iter().flat_map(|file| considered(file)) {
        let times = proven.entry(tried.rule).or_default();
        if let Some(said) = &tried.said {
            *times += 1;
            assert!(tried.names.contains(said), "a rule says {said}, which is not among its names {:?}", tried.names);
        }
    }
    let never: BTreeSet<&str> = proven.iter().filter(|(_, times)| **times == 0).map(|(rule, _)| rule.as_str()).collect();
    let listed: BTreeSet<&str> = unrecorded().into_keys().collect();
    let (missing, covered): (Vec<_>, Vec<_>) = (never.difference(&listed).collect(), listed.difference(&never).collect());
    assert!(
        missing.is_empty() && covered.is_empty(),
        "not listed, and never proven: {missing:#?}\nlisted, and proven or gone: {covered:#?}"
    );
}

#[test]
fn what_shows_an_unrecorded_rule_is_there() {
    let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/faults");
    for (proof, reason) in unrecorded() {
        let known = ["unit tests", "nothing: "].iter().any(|begin| reason.starts_with(begin));
        let fault = reason.strip_prefix("lab:").is_some_and(|name| faults.join(name).with_extension("yaml").exists());
        assert!(known || fault, "{proof}: {reason}");
    }
}
