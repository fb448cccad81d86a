//! Runs one test: on a recording, on a world, or where nothing can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde_json::Value;

use super::file::Test;
use crate::engine::EndKind;
use crate::engine::came_to::CameTo;
use crate::engine::prepare::Prepared;
use crate::engine::run::{self, RunEnd, RunOptions};
use crate::evidence::Evidence;
use crate::evidence::interrupt::{Interrupt, Reason};
use crate::evidence::recording::manifest::Manifest;
use crate::evidence::recording::recorded::{self, Recording};
use crate::language::header::ParamKind;
use crate::language::params::Inputs;
use crate::language::playbook::Playbook;
use crate::model::outcome::Verdict;

/// A test that was run.
pub struct Replayed {
    pub end: RunEnd,
    /// The exit code of such a run.
    pub exit: u8,
}

/// Runs a playbook as a test says. `ran` is told which of its statements ran.
///
/// # Errors
/// When the recording cannot be read, or the playbook does not take the parameters.
pub fn replay(playbook: &Playbook, test: &Test, limit: Duration, ran: Option<&CameTo>) -> Result<Replayed, String> {
    let (evidence, manifest) = match &test.recording {
        Some(file) => Recording::read(file).map(|recording| (recording.world(), recording.manifest)).map_err(|error| error.to_string())?,
        None => recorded::nothing(),
    };
    let prepared = prepare(playbook, test, evidence.clone(), manifest)?;
    let options = RunOptions { time_limit: limit, progress: Arc::new(|_| {}) };
    let end = within(limit, &evidence.interrupt, || {
        run::run_watched(&prepared.playbook, prepared.params.clone(), &evidence, &prepared.site, &options, ran)
    });
    Ok(Replayed { exit: exit_code(&end), end })
}

/// The parameters are the test's, and after them the recorded run's; those of a world are of the run that asked everything.
fn prepare(playbook: &Playbook, test: &Test, evidence: Evidence, manifest: Manifest) -> Result<Prepared, String> {
    let site = test.site.clone().map_or_else(|| manifest.site.site(), |site| manifest.site.under(site));
    let recorded = if test.of_a_world { BTreeMap::new() } else { manifest.params };
    let mut params = test.params.clone();
    for param in playbook.header.params.iter().filter(|param| param.kind == ParamKind::Outcome) {
        // It is looked for beside the file of tests, as recordings are.
        if let Some(file) = params.get(&param.name).and_then(Value::as_str).map(|file| test.folder.join(file)) {
            params.insert(param.name.clone(), file.display().to_string().into());
        }
    }
    let inputs = Inputs { params_file: Some(params), site: site.defaults.clone(), recorded: Some(recorded), ..Inputs::default() };
    Prepared::of(playbook.clone(), &inputs, site, Some(evidence))
}

/// The exit code that `lbdiag run` gives such an end.
#[must_use]
pub fn exit_code(end: &RunEnd) -> u8 {
    match (&end.kind, end.outcome.verdict) {
        (EndKind::CouldNotWork(_), _) => 1,
        (EndKind::BrokenPlaybook(_) | EndKind::Usage(_) | EndKind::Listed(_), _) => 2,
        (EndKind::Interrupted, _) => 130,
        (_, Verdict::Pass) => 0,
        (_, Verdict::Fail) => 3,
        (_, Verdict::Warn) => 4,
        (_, Verdict::Inconclusive) => 5,
    }
}

/// Does the work; a run that takes longer is interrupted.
fn within<A>(limit: Duration, interrupt: &Interrupt, work: impl FnOnce() -> A) -> A {
    let (done, over) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                interrupt.set(Reason::TimeLimit);
            }
        });
        let answer = work();
        drop(done);
        answer
    })
}
