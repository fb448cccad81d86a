//! An outcome that somebody kept: as `--report json=FILE` wrote it, or in a recording, of which it is made again.

use std::path::Path;
use std::time::Duration;

use crate::engine::{self, Prepared, Refusal};
use crate::evidence::recording::recorded;
use crate::evidence::text_file;
use crate::model::outcome::Outcome;

/// Bytes of a report that is read. One of a run holds 8 MiB of text at most, which JSON writes out longer.
const MOST_OF_A_REPORT: u64 = 64 << 20;

/// Longest replay: it waits for nothing.
const REPLAY_LIMIT: Duration = Duration::from_secs(120);

/// Reads it, whichever it is.
///
/// # Errors
/// When the file is neither, or cannot be read.
pub(super) fn outcome(file: &Path) -> Result<Outcome, String> {
    outcome_of(file, None)
}

/// As `outcome`; the run of a recording is made again by this playbook, or by the one that its name leads to, with its answers word for word.
///
/// # Errors
/// As `outcome`.
pub(super) fn outcome_of(file: &Path, playbook: Option<&Path>) -> Result<Outcome, String> {
    let shown = file.display();
    let first = text_file::bytes(file, MOST_OF_A_REPORT).map_err(|error| format!("read {shown}: {error}"))?;
    match serde_json::from_slice::<Outcome>(&first) {
        Ok(outcome) => Ok(outcome),
        Err(no_report) => {
            let opened = recorded::open(file).map_err(|no_recording| {
                format!("{shown} is neither an outcome (--report json=FILE) nor a recording (--record FILE): {no_report}; {no_recording}")
            })?;
            opened.0.tape.show_answers();
            let name = opened.1.playbook.name.clone();
            let playbook = engine::open(playbook.unwrap_or(Path::new(&name))).map_err(|refusal| match refusal {
                Refusal::Unknown(message) => format!("{message}; lbdiag report and lbdiag view take it as --playbook FILE"),
                Refusal::Broken(broken) => broken.to_string(),
            })?;
            let prepared = Prepared::replay(playbook, opened, &[]).map_err(|error| format!("replay {shown}: {error}"))?;
            prepared.replayed(REPLAY_LIMIT).map(|end| end.outcome).ok_or_else(|| format!("{shown} holds no run"))
        }
    }
}
