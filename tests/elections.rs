//! Elections that were held: recordings of real clusters, one for each version of MetalLB and each situation, beside what the wire said then.
//!
//! `tests/lab/versions` makes them: twenty Services each, and for each address the nodes that answered by ARP.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::outcome::Outcome;

/// The most that a recording may weigh.
const MOST_BYTES: u64 = 300 * 1024;

const VERSIONS: [&str; 4] = ["v0.13.12", "v0.14.9", "v0.15.2", "v0.16.1"];
const SITUATIONS: [&str; 6] = ["all-nodes", "node-excluded", "node-off", "node-deleted-policy-local", "node-back", "policy-local"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn replay(recording: &Path) -> Outcome {
    let playbook =
        engine::load(&root().join("examples/who-announces.rhai")).map_err(|broken| broken.to_string()).expect("a playbook that loads");
    let opened = recorded::open(recording).expect("a recording that opens");
    let prepared = Prepared::replay(playbook, opened, &[]).expect("parameters from the recording");
    prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome
}

/// Address to the cells of a column.
fn column<'a>(outcome: &'a Outcome, name: &str) -> BTreeMap<&'a str, &'a str> {
    let table = outcome.tables.first().expect("a table");
    let at = |wanted: &str| table.columns.iter().position(|column| column == wanted).expect("the column");
    let (address, cell) = (at("address"), at(name));
    table.rows.iter().map(|row| (row[address].as_str(), row[cell].as_str())).collect()
}

fn check(recording: &Path) -> Vec<String> {
    let truth = std::fs::read_to_string(recording.with_extension("json")).expect("what the wire said");
    let truth: BTreeMap<String, Vec<String>> = serde_json::from_str(&truth).expect("address to nodes");
    assert_eq!(truth.len(), 20, "{}", recording.display());
    let outcome = replay(recording);
    let [should, does, agreement] = ["should be", "announced by", "agreement"].map(|name| column(&outcome, name));
    let mut wrong = Vec::new();
    for (address, nodes) in &truth {
        let told = [&should, &does, &agreement].map(|cells| cells.get(address.as_str()).copied().unwrap_or("nothing"));
        let answering = if nodes.is_empty() { "-".to_owned() } else { nodes.join(", ") };
        // Sources may disagree, or one may be unreadable: who announces is still who answers. But nobody agrees on nobody.
        let possible: &[&str] = if nodes.is_empty() { &["none", "unknown"] } else { &["agree", "conflict", "unknown"] };
        if told[0] != answering || told[1] != answering || !possible.contains(&told[2]) {
            wrong.push(format!("{}: {address}: {answering} on the wire; told is {told:?}", recording.display()));
        }
    }
    wrong
}

#[test]
fn the_computed_node_is_the_node_that_announces_in_every_version_and_situation() {
    let directory = root().join("tests/recordings/elections");
    let recordings: Vec<PathBuf> =
        VERSIONS.iter().flat_map(|version| SITUATIONS.map(|name| directory.join(format!("{version}-{name}.lbdiag")))).collect();
    // Few at once: what a run may keep is bounded for the whole process.
    let few = recordings.chunks(3).flat_map(|few| side_by_side(few, |recording| check(recording)));
    let wrong: Vec<String> = few.flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected: BTreeSet<PathBuf> = recordings.into_iter().collect();
    for entry in std::fs::read_dir(&directory).expect("recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "lbdiag") {
            assert!(expected.contains(&path), "no test reads {}", path.display());
            assert!(path.metadata().expect("its size").len() <= MOST_BYTES, "{} is too large", path.display());
        }
    }
}

/// In every version the node that is gone announced something before, and something else is announced once it is back: otherwise the
/// situations would test nothing.
#[test]
fn the_situations_differ() {
    for version in VERSIONS {
        let [all, off, back, local] = ["all-nodes", "node-off", "node-back", "policy-local"].map(|name| {
            std::fs::read_to_string(root().join(format!("tests/recordings/elections/{version}-{name}.json"))).expect("what the wire said")
        });
        assert!(all.contains("n3") && !off.contains("n3") && back == all && local != all, "{version}");
    }
}
