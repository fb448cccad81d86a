//! Every playbook's own tests: a recording of a real run, replayed, gives the verdict and the findings that it should.
//!
//! `playbooks/NAME.tests.yaml` lists them. A recording that no test names, or that is too large to keep, fails here too.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lbdiag::engine::testing::{self, TestFile, Testing};
use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::Evidence;
use lbdiag::evidence::recording::manifest::Manifest;
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::evidence::site::Site;
use lbdiag::model::finding::{Finding, Severity};
use lbdiag::model::outcome::{Outcome, Verdict};

/// The most that a recording may weigh.
const MOST_BYTES: u64 = 300 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A playbook's run on a recording, and the outcome as the JSON report writes it.
fn replay(playbook: &Path, recording: &Path) -> (Outcome, String) {
    replay_with(playbook, recording, |_| {})
}

/// As `replay`, at a site that was changed.
fn replay_with(playbook: &Path, recording: &Path, change: impl Fn(&mut Site)) -> (Outcome, String) {
    replay_of(playbook, recorded::open(recording).expect("a recording that opens"), change)
}

fn replay_of(playbook: &Path, opened: (Evidence, Manifest), change: impl Fn(&mut Site)) -> (Outcome, String) {
    let playbook = engine::load(playbook).map_err(|broken| broken.to_string()).expect("a playbook that loads");
    let mut prepared = Prepared::replay(playbook, opened, &[]).expect("parameters from the recording");
    change(&mut prepared.site);
    let end = prepared.replayed(Duration::from_secs(120)).expect("a replay");
    let text = lbdiag::report::json(&end.outcome);
    (end.outcome, text)
}

/// What is held against a test beside what it expects itself.
fn check(playbook: &Path, recording: &Path) -> Result<(), String> {
    let name = recording.display();
    let text = replay(playbook, recording).1;
    let again = replay(playbook, recording).1;
    if again != text {
        return Err(format!("{name}: two replays give different reports"));
    }
    // Another name of the file changes nothing.
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let renamed = folder.path().join("another name.lbdiag");
    std::fs::copy(recording, &renamed).map_err(|error| error.to_string())?;
    if replay(playbook, &renamed).1 != text {
        return Err(format!("{name}: under another name the report is another"));
    }
    // What is left out of objects and texts today matters to no judgement.
    let whole = replay_of(playbook, recorded::open_whole(recording).expect("the recording"), |_| {}).1;
    if whole != text {
        return Err(format!("{name}: with everything that the recording holds the report is another"));
    }
    Ok(())
}

/// The files of tests of the playbooks that ship and of the examples.
fn files() -> Vec<PathBuf> {
    ["playbooks", "examples"].iter().flat_map(|folder| testing::files(&root().join(folder)).expect("a folder of playbooks")).collect()
}

#[test]
fn every_recording_gives_what_its_playbook_expects() {
    let files = files();
    let testing = Testing { limit: Duration::from_secs(120), coverage: false, update: false };
    let tested = testing::test(&files, &testing).unwrap_or_else(|broken| panic!("{:?}", broken.0));
    assert_eq!(tested.counts().1, 0, "{}", lbdiag::report::tested::text(&tested, lbdiag::report::Style::PLAIN));
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for path in files {
        let file = TestFile::read(&path).expect("a test file in its form");
        let recordings: Vec<PathBuf> = file.tests.iter().filter_map(|test| test.recording.clone()).collect();
        if recordings.is_empty() {
            continue;
        }
        // What has to be given besides stands in the tests themselves.
        let alone = engine::load(&file.playbook)
            .is_ok_and(|playbook| recorded::open(&recordings[0]).is_ok_and(|opened| Prepared::replay(playbook, opened, &[]).is_ok()));
        let recordings = if alone { recordings } else { Vec::new() };
        wrong.extend(side_by_side(&recordings, |recording| check(&file.playbook, recording)).into_iter().filter_map(Result::err));
        named.extend(recordings.iter().filter_map(|recording| recording.file_name().map(ToOwned::to_owned)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for entry in std::fs::read_dir(root().join("tests/recordings")).expect("recordings") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            // Those have a test of their own.
            continue;
        }
        let bytes = entry.metadata().expect("its size").len();
        assert!(bytes <= MOST_BYTES, "{} has {bytes} bytes", entry.path().display());
        assert!(named.contains(&entry.file_name()), "no test names {}", entry.path().display());
    }
}

/// What `--static` leaves, and a site that forbids captures: less is seen, and nothing else is said.
#[test]
fn with_less_allowed_a_run_says_less_and_nothing_wrong() {
    let playbook = root().join("playbooks/metallb-flow.rhai");
    let (mut by_the_api_alone, mut told) = (0, 0);
    for entry in std::fs::read_dir(root().join("tests/recordings")).expect("recordings") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let whole = replay(&playbook, &path).0;
        if whole.ended.is_some() {
            continue;
        }
        for uses in [&["cluster.read"][..], &["cluster.read", "probe"]] {
            let narrow = |site: &mut Site| site.uses = Some(uses.iter().map(|one| (*one).to_owned()).collect());
            let part = replay_with(&playbook, &path, narrow).0;
            let shown = format!("{} with {uses:?}: {} {}", path.display(), part.verdict.word(), part.summary);
            // A replay sweeps the hosts that the recorded run swept.
            let touched: Vec<&str> = part.touched.iter().filter(|touch| touch.what != "sweep").map(|touch| touch.kind.as_str()).collect();
            if uses.len() == 1 {
                // Nobody was asked, so that nothing is known to work.
                assert_ne!(part.verdict, Verdict::Pass, "{shown}");
                assert!(touched.iter().all(|kind| *kind == "api"), "{shown}");
            }
            told += 1;
            if let Some(finding) = part.findings.iter().find(|finding| finding.severity == Severity::Fail) {
                by_the_api_alone += usize::from(uses.len() == 1);
                assert!(whole.findings.iter().any(|known| known.name == finding.name && known.culprits == finding.culprits), "{shown}");
            }
        }
    }
    assert!(told >= 40 && by_the_api_alone >= 3, "{told} runs, {by_the_api_alone} faults found by the API alone");
}

#[test]
fn a_recording_asked_something_else_says_so() {
    let recording = root().join("tests/recordings/healthy.lbdiag");
    let playbook = engine::load(&root().join("playbooks/metallb-flow.rhai")).map_err(|broken| broken.to_string()).expect("the playbook");
    let opened = recorded::open(&recording).expect("the recording");
    let prepared = Prepared::replay(playbook, opened, &[("service", "another")]).expect("parameters");
    let end = prepared.replayed(Duration::from_secs(120)).expect("a replay");
    assert_ne!(end.outcome.verdict.word(), "pass");
    assert!(end.outcome.ended.unwrap_or_default().contains("recording"), "{}", end.outcome.summary);
}

/// Secrets never enter a recording: the words that would give one away are in none of them.
#[test]
fn recordings_hold_no_secrets() {
    let folders = ["tests/recordings", "tests/recordings/elections", "tests/recordings/state"]
        .map(|name| std::fs::read_dir(root().join(name)).expect("recordings"));
    let files = folders.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    for path in files.filter(|path| path.extension().is_some_and(|end| end == "lbdiag")) {
        let mut text = String::new();
        let file = std::fs::File::open(&path).expect("a recording");
        std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut text).expect("a recording that unpacks");
        let lower = text.to_lowercase();
        for word in ["private key", "\"token\"", "bearer ", "password=", "last-applied-configuration", "managedfields"] {
            assert!(!lower.contains(word), "{} holds `{word}`", path.display());
        }
    }
}

/// The findings without what they rest on.
fn said(outcome: &Outcome) -> Vec<Finding> {
    outcome.findings.iter().map(|finding| Finding { rests_on: Vec::new(), ..finding.clone() }).collect()
}

/// The same playbook, which reads everything at once.
fn unsparing(directory: &Path) -> PathBuf {
    let text = std::fs::read_to_string(root().join("playbooks/metallb-flow.rhai")).expect("the playbook");
    let changed = text.replace("#{ router: router, asks_from: params.from }", "#{ router: router }");
    assert_ne!(changed, text, "the playbook decides elsewhere what is spared");
    let path = directory.join("metallb-flow.rhai");
    std::fs::write(&path, changed).expect("a written playbook");
    path
}

#[test]
fn what_a_run_spares_changes_no_finding_and_a_healthy_one_asks_twelve_times() {
    let directory = tempfile::tempdir().expect("a directory");
    let (sparing, whole) = (root().join("playbooks/metallb-flow.rhai"), unsparing(directory.path()));
    let listed = std::fs::read_dir(root().join("tests/recordings")).expect("recordings");
    let mut all: Vec<PathBuf> = listed.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "lbdiag"));
    let mut least = usize::MAX;
    let mut compared = 0;
    for path in all.iter().filter(|path| recorded::open(path).is_ok_and(|(_, manifest)| manifest.playbook.name == "metallb-flow")) {
        let requests = |outcome: &Outcome| outcome.touched.iter().filter(|touch| touch.kind == "api").count();
        let (spared, full) = (replay(&sparing, path).0, replay(&whole, path).0);
        assert_eq!(spared.verdict, full.verdict, "{}", path.display());
        // Of a cause's objects the one that read everything names more.
        assert_eq!(said(&spared), said(&full), "{}", path.display());
        assert!(requests(&spared) <= requests(&full), "{}", path.display());
        least = least.min(requests(&spared));
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if matches!(name, "healthy" | "udp-healthy") {
            assert!(requests(&spared) <= 12, "{name}: {} requests", requests(&spared));
        }
        compared += 1;
    }
    assert!(compared > 15, "only {compared} recordings were compared");
    assert!(least <= 12, "a healthy run spares nothing");
}
