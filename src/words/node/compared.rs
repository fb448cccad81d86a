//! The MACs and addresses of the nodes that may take the address, where nothing is suspicious: while the switch keeps to one of two ports,
//! everybody is answered who asks a node that has its MAC in common with another.

use std::time::Duration;

use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::sections::place_state;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::Command;
use crate::evidence::host::script::Script;
use crate::evidence::side_by_side::side_by_side;
use crate::model::finding::Gap;
use crate::model::place::{Host, Place};
use crate::model::subject::Subject;
use crate::words::manual::node::INTERFACES;
use crate::words::session::Run;

/// A node that does not answer in this time is not waited for: nothing is suspicious.
const LIMIT: Duration = Duration::from_secs(2);

/// Connects to the nodes that are compared once the tries are over.
pub fn get_ready(run: &Run, nodes: &[String]) {
    let hosts: Vec<Host> = nodes.iter().map(|name| run.node_host(name)).collect();
    run.evidence.hosts.warm(&hosts);
}

/// What was read, of at least two nodes; a recording of before they were compared has none. What could not be read of a node on the way of
/// requests may be all that tells of the fault; of one that only might take the address it is said, and no more.
pub fn read(run: &Run, nodes: &[String], on_the_way: &[String]) -> Vec<StatePair> {
    let answers = side_by_side(nodes, |name| state(run, name));
    let mut states = Vec::new();
    for (name, answer) in nodes.iter().zip(answers) {
        match answer {
            Ok(state) => states.push(StatePair::unchanged(state)),
            Err(error) if matches!(error.kind, ErrorKind::NotRecorded | ErrorKind::Interrupted) => {}
            Err(error) => {
                let undecided = format!("whether another node has a MAC of {name}, too");
                let gap: Gap = error.gap(Subject::node(name), undecided);
                // What a site keeps out of reach it does without.
                let needed = on_the_way.contains(name) && gap.kind != Some(ErrorKind::Forbidden);
                run.gap(if needed { gap.decisive() } else { gap });
            }
        }
    }
    if states.len() < 2 { Vec::new() } else { states }
}

fn state(run: &Run, node: &str) -> Result<PlaceState, EvidenceError> {
    let place = Place::Host(run.node_host(node));
    let mut args = place.as_arguments().to_vec();
    args.push(INTERFACES.name.to_owned());
    let command = Command { script: Script::State, args, limit: LIMIT, most_bytes: 1 << 20 };
    let output = run.evidence.hosts.run(place.host(), &command)?;
    Ok(place_state(place, &output.stdout).without_missing_families())
}
