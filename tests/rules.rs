//! Which of the judgement's proofs the recordings show at work. Each is left out in turn: some recording then gives another outcome, or the
//! proof stands in `rules-unrecorded.tsv` with what shows it instead.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lbdiag::analysis::judge::rules;
use lbdiag::engine::{self, Inputs, RunOptions};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::finding::Finding;
use lbdiag::model::outcome::Outcome;

/// Proofs that no recording shows at work, by their titles, and what shows them instead.
fn unrecorded() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("rules-unrecorded.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once('\t').expect("a title and a reason")).collect()
}

/// A recording's outcome by the shipped playbook, with one proof left out; `None` for another playbook's recording.
fn outcome(recording: &Path, without: Option<&str>) -> Option<Outcome> {
    let (evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    if manifest.playbook.name != "metallb-flow" {
        return None;
    }
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai");
    let playbook = engine::load(&playbook).map_err(|broken| broken.to_string()).expect("a playbook that loads");
    let inputs = Inputs { recorded: Some(manifest.params.clone()), ..Inputs::default() };
    let params = engine::resolve(&playbook.header, &inputs).expect("parameters from the recording");
    let options = RunOptions { time_limit: Duration::from_secs(120), progress: Arc::new(|_| {}) };
    Some(engine::run_without(without, &playbook, params, &evidence, &manifest.site.site(), &options).outcome)
}

/// `look` for each of some items, on as many threads as there are processors.
fn on_each<T: Sync, A: Send>(items: &[T], look: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = look(item);
                    answers.lock().expect("no other thread failed").push(answer);
                }
            });
        }
    });
    answers.into_inner().expect("no thread failed")
}

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let entries = std::fs::read_dir(folder).expect("recordings").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "lbdiag")).collect()
}

/// The recordings in which each proof is found, with their outcomes.
fn found() -> BTreeMap<String, Vec<(PathBuf, Arc<Outcome>)>> {
    let mut found: BTreeMap<String, Vec<(PathBuf, Arc<Outcome>)>> = BTreeMap::new();
    let outcomes = on_each(&recordings(), |path| Some((path.clone(), Arc::new(outcome(path, None)?))));
    for (path, outcome) in outcomes.into_iter().flatten() {
        for tried in outcome.considered.iter().filter(|tried| tried.said.is_some()) {
            assert!(tried.said.iter().all(|said| tried.names.contains(said)), "{tried:?}");
            let all = found.entry(tried.rule.clone()).or_default();
            if !all.iter().any(|(known, _)| *known == path) {
                all.push((path.clone(), Arc::clone(&outcome)));
            }
        }
    }
    found
}

/// The findings without what they rest on: another proof of the same says the same.
fn said(outcome: &Outcome) -> Vec<Finding> {
    outcome.findings.iter().map(|finding| Finding { rests_on: Vec::new(), ..finding.clone() }).collect()
}

#[test]
fn every_proof_changes_a_recording_when_it_is_left_out_or_is_listed() {
    let found: Vec<_> = found().into_iter().collect();
    let same = |one: &Outcome, other: &Outcome| {
        (one.verdict, said(one), &one.gaps, &one.summary) == (other.verdict, said(other), &other.gaps, &other.summary)
    };
    let changes = on_each(&found, |(proof, seen)| {
        let mut others = seen.iter().filter_map(|(path, whole)| Some((outcome(path, Some(proof))?, whole)));
        (proof.clone(), others.any(|(without, whole)| !same(&without, whole)))
    });
    let covered: BTreeSet<&str> = changes.iter().filter(|(_, changes)| *changes).map(|(proof, _)| proof.as_str()).collect();
    let all: BTreeSet<&str> = rules().iter().map(|row| row.proof).collect();
    let listed: BTreeSet<&str> = unrecorded().into_keys().collect();
    assert!(covered.is_subset(&all), "no table has {:#?}", covered.difference(&all));
    let never: BTreeSet<&str> = all.difference(&covered).copied().collect();
    let (missing, others): (Vec<_>, Vec<_>) = (never.difference(&listed).collect(), listed.difference(&never).collect());
    assert!(missing.is_empty() && others.is_empty(), "change no recording: {missing:#?}\nlisted, and covered or gone: {others:#?}");
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
