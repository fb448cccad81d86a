//! A world of which a site shows a playbook a part alone: whatever a word asks passes here, so that none can go further.
//!
//! A question that goes too far is refused as an API refuses one, which leaves a gap. It stands before the tape: what was refused is not
//! in a recording, and its replay refuses it again.

mod captures;
mod cluster;
mod hosts;

use std::sync::Arc;

use super::Evidence;
use super::error::{ErrorKind, EvidenceError};
use crate::model::reach::Reach;

/// The same world, as far as the site lets this playbook reach.
#[must_use]
pub fn narrowed(evidence: &Evidence, reach: &Reach) -> Evidence {
    let reach = Arc::new(reach.clone());
    Evidence {
        cluster: Arc::new(cluster::Narrowed { all: Arc::clone(&evidence.cluster), reach: Arc::clone(&reach) }),
        hosts: Arc::new(hosts::Narrowed { all: Arc::clone(&evidence.hosts), reach: Arc::clone(&reach) }),
        clocks: Arc::new(hosts::NarrowedClocks { all: Arc::clone(&evidence.clocks), reach: Arc::clone(&reach) }),
        captures: Arc::new(captures::Narrowed { all: Arc::clone(&evidence.captures), reach }),
        ..evidence.clone()
    }
}

/// The refusal of a question; `list` is the key of the site file that would have to name what was asked about.
fn refused(operation: String, what: &str, list: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::Forbidden, operation, format!("the site does not let this playbook reach {what}"))
        .hint(format!("the site file's `allow` says so; `{list}` there would have to name it"))
}

#[cfg(test)]
mod tests;
