//! Keeps a run as a recording.

use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

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
    let made_by = manifest::Playbook {
        name: playbook.header.name.clone(),
        version: playbook.header.version.clone(),
        sha256: sha256(&playbook.source),
    };
    let manifest = Manifest::new(made_by, outcome.started.clone(), outcome.took_ms, outcome.params.clone(), &prepared.site);
    file::write(path, &manifest, tape)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string has no way to fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_known_by_the_hash_of_its_text() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
