//! Elections that were held: recordings of real clusters, for each version of MetalLB and each phase, beside what the wire said then.
//!
//! `tests/lab/versions` makes them: twenty Services each, and for each address the nodes that answered by ARP.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, Inputs, RunOptions};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::outcome::Outcome;

/// The most that a recording may weigh.
const MOST_BYTES: u64 = 300 * 1024;

const VERSIONS: [&str; 4] = ["v0.13.12", "v0.14.9", "v0.15.2", "v0.16.1"];
const PHASES: [&str; 4] = ["all-nodes", "policy-local", "node-excluded", "node-off"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn replay(recording: &Path) -> Outcome {
    let playbook =
        engine::load(&root().join("examples/who-announces.rhai")).map_err(|broken| broken.rendered).expect("a playbook that loads");
    let (evidence, manifest) = recorded::open(recording).expect("a recording that opens");
    let inputs = Inputs { recorded: Some(manifest.params.clone()), ..Inputs::default() };
    let params = engine::resolve(&playbook.header, &inputs).expect("parameters from the recording");
    let options = RunOptions { time_limit: Duration::from_secs(120), progress: Arc::new(|_| {}) };
    engine::run(&playbook, params, &evidence, &manifest.site.site(), &options).outcome
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
    let mut wrong = Vec::new();
    for name in ["should be", "announced by"] {
        let told = column(&outcome, name);
        for (address, nodes) in &truth {
            let answering = if nodes.is_empty() { "-".to_owned() } else { nodes.join(", ") };
            if told.get(address.as_str()).copied() != Some(answering.as_str()) {
                let told = told.get(address.as_str());
                wrong.push(format!("{}: {address} {name} {told:?}, the wire says {answering}", recording.display()));
            }
        }
    }
    wrong
}

#[test]
fn the_computed_node_is_the_node_that_announces_in_every_version_and_phase() {
    let directory = root().join("tests/recordings/elections");
    let recordings: Vec<PathBuf> = std::fs::read_dir(&directory)
        .expect("recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "lbdiag"))
        .collect();
    let wrong: Vec<String> = side_by_side(&recordings, |recording| check(recording)).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for path in VERSIONS.iter().flat_map(|version| PHASES.map(|phase| directory.join(format!("{version}-{phase}.lbdiag")))) {
        assert!(recordings.contains(&path), "{} is missing", path.display());
    }
    for path in &recordings {
        assert!(path.metadata().expect("its size").len() <= MOST_BYTES, "{} is too large", path.display());
    }
}
