//! Says why a playbook cannot be used.

use super::exit::Exit;
use super::reports::Wanted;
use super::{refuse, reports, streams};
use crate::engine::Refusal;
use crate::report;

/// Says on standard error why a playbook cannot be used, and where a report for programs was asked for, there too.
pub(super) fn tell(refusal: Refusal, wanted: &[Wanted]) -> Exit {
    match refusal {
        Refusal::Unknown(message) => refuse(Exit::Usage, &message),
        Refusal::Broken(broken) => {
            streams::say(&report::diagnostics(&broken.diagnostics, streams::error_style()));
            match reports::write_mistakes(wanted, &broken.diagnostics) {
                Ok(()) => Exit::Usage,
                Err(error) => refuse(Exit::CouldNotWork, &error),
            }
        }
    }
}
