//! The answers that a finding rests on, taken away.

use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::host::Command;
use lbdiag::evidence::host::script::Script;
use lbdiag::model::basis::{Basis, BasisKind};
use lbdiag::model::place::Host;

use super::sections;
use super::world::Change;

fn refused(what: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::TimedOut, what, "it was taken away")
}

/// Without what is captured, printed, logged and listed there.
pub(super) fn without(bases: &[Basis]) -> Change {
    let (of_runs, of_captures, of_logs, of_lists) = (bases.to_vec(), bases.to_vec(), bases.to_vec(), bases.to_vec());
    Change {
        title: "without what it rests on".to_owned(),
        run: Some(Box::new(move |host, command, answer| {
            let asked = |kind: BasisKind| of_runs.iter().any(|basis| basis.kind == kind && place(basis) == host.name);
            match command.script {
                Script::Probe | Script::ProbePod if asked(BasisKind::Probe) => Err(refused("probe")),
                Script::Arping if asked(BasisKind::Arp) => Err(refused("arping")),
                Script::Inspect | Script::State => {
                    let own = of_runs.iter().filter(|basis| basis.kind == BasisKind::State && is_of(basis, host, command));
                    answer.map(|output| own.fold(output, |output, basis| sections::without(output, &basis.part)))
                }
                _ => answer,
            }
        })),
        refuse: Some(Box::new(move |request, _| {
            let named = |basis: &Basis| basis.kind == BasisKind::Capture && basis.place == request.place.to_string();
            of_captures.iter().any(named).then(|| refused("capture"))
        })),
        log: Some(Box::new(move |query, lines| {
            let pod = format!("{}/{}", query.namespace, query.pod);
            if of_logs.iter().any(|basis| basis.kind == BasisKind::Log && basis.place == pod) {
                Err(refused("read log"))
            } else {
                Ok(lines)
            }
        })),
        list: Some(Box::new(move |query, answer| {
            let within = |basis: &Basis| query.namespace.as_deref().unwrap_or_default() == basis.place || query.namespace.is_none();
            let named = |basis: &Basis| basis.kind == BasisKind::Objects && basis.part == query.kind.plural && within(basis);
            if of_lists.iter().any(named) { Err(refused("list")) } else { answer }
        })),
        ..Change::default()
    }
}

fn place(basis: &Basis) -> &str {
    if basis.host.is_empty() { &basis.place } else { &basis.host }
}

/// Whether a script was sent to the place itself.
fn is_of(basis: &Basis, host: &Host, command: &Command) -> bool {
    let addresses = basis.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let inside = command.args.first().is_some_and(|word| word == "pod");
    place(basis) == host.name && inside != basis.host.is_empty() && (!inside || command.args.get(2) == Some(&addresses))
}
