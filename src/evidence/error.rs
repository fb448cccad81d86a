//! Why something could not be looked at.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::model::catalogue::names;
pub use crate::model::error_kind::ErrorKind;
use crate::model::finding::Gap;
use crate::model::scrub::scrub;
use crate::model::subject::Subject;
use crate::model::text::{harmless, one_line};

/// A look that failed: what was tried, at what, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceError {
    pub kind: ErrorKind,
    /// What was tried, as a lower-case fragment: `list pods`, `connect to n2`.
    pub operation: String,
    /// The reason, in the words of whoever refused, without control characters and credentials.
    #[serde(deserialize_with = "scrubbed")]
    pub reason: String,
    /// What to try; empty when there is nothing to add.
    pub hint: String,
}

impl EvidenceError {
    /// An error without a hint.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            kind,
            operation: one_line(&operation.into()),
            reason: scrub(&harmless(&reason.to_string())).into_owned(),
            hint: String::new(),
        }
    }

    /// The same error with what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = scrub(&one_line(&hint.into())).into_owned();
        self
    }

    /// The name of the gap that this leaves.
    #[must_use]
    pub fn gap_name(&self) -> &'static str {
        match self.kind {
            ErrorKind::HostUnreachable | ErrorKind::HostSilent | ErrorKind::LoginRefused | ErrorKind::HostKey => {
                names::EVIDENCE_NODE_UNREACHABLE
            }
            ErrorKind::Forbidden => names::EVIDENCE_FORBIDDEN,
            ErrorKind::ToolMissing => names::EVIDENCE_TOOL_MISSING,
            ErrorKind::NamespaceUnproven => names::EVIDENCE_NETNS_UNPROVEN,
            ErrorKind::CaptureRefused => names::EVIDENCE_CAPTURE_REFUSED,
            ErrorKind::LeftOut => names::EVIDENCE_BOUNDED,
            ErrorKind::TimedOut | ErrorKind::Interrupted => names::EVIDENCE_TIME_RAN_OUT,
            ErrorKind::NotRecorded => names::EVIDENCE_NOT_RECORDED,
            ErrorKind::ApiUnreachable | ErrorKind::Disconnected | ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Garbled => {
                names::EVIDENCE_UNREADABLE
            }
        }
    }

    /// The gap that this leaves at a place or thing, and the question that stays open.
    #[must_use]
    pub fn gap(&self, subject: impl Into<Subject>, undecided: impl Into<String>) -> Gap {
        Gap { kind: Some(self.kind), next: self.next(), ..Gap::new(self.gap_name(), subject, self.to_string(), undecided) }
    }

    /// What would let it be looked at, where the gap's name tells another way: of a host that says nothing no login has to be corrected.
    fn next(&self) -> Option<String> {
        let host = self.operation.strip_prefix("connect to ")?;
        match self.kind {
            ErrorKind::HostUnreachable => Some(format!(
                "See whether {host} is up (its console, ping), whether its address is the right one and sshd runs there; then ssh {host} by hand, and run again."
            )),
            ErrorKind::HostSilent => Some(format!(
                "Look at the console of {host}: its kernel takes connections and sshd says nothing. Memory, disks and frozen processes first; no login has to be corrected."
            )),
            _ => None,
        }
    }

    /// As `gap`, where what could not be read has a name of its own in the catalogue.
    #[must_use]
    pub fn gap_named(&self, name: &str, subject: impl Into<Subject>, undecided: impl Into<String>) -> Gap {
        Gap { name: name.to_owned(), ..self.gap(subject, undecided) }
    }
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

impl std::error::Error for EvidenceError {}

/// A reason as an older recording has it.
fn scrubbed<'de, D: Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    String::deserialize(text).map(|text| scrub(&text).into_owned())
}
