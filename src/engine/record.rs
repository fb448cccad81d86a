//! Keeps a run as a recording.

use std::path::Path;

use super::prepare::Prepared;
use crate::evidence::EvidenceError;
use crate::evidence::recording::manifest::{self, Manifest};
use crate::evidence::recording::{file, tape::Tape};
use crate::model::outcome::Outcome;

/// Writes the recording of a run.
///
/// # Errors
/// When the file cannot be written.
pub fn record(path: &Path, prepared: &Prepared, tape: &Tape, outcome: &Outcome) -> Result<(), EvidenceError> {
    let playbook = &prepared.playbook;
    let made_by =
        manifest::Playbook { name: playbook.header.name.clone(), version: playbook.header.version.clone(), sha256: playbook.sha256() };
    let manifest = Manifest::new(made_by, outcome.started.clone(), outcome.took_ms, outcome.params.clone(), &prepared.site);
    file::write(path, &manifest, tape)
}
