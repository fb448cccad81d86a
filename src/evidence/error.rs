//! Why something could not be looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A look that failed: what was tried, at what, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceError {
    pub kind: ErrorKind,
    /// What was tried, as a lower-case fragment: `list pods`, `connect to n2`.
    pub operation: String,
    /// The reason, in the words of whoever refused, without control characters.
    pub reason: String,
    /// What to try; empty when there is nothing to add.
    pub hint: String,
}

/// The kinds of failures that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The API server or the whole cluster cannot be reached: the run cannot do its work.
    ApiUnreachable,
    /// RBAC or authentication refused.
    Forbidden,
    /// The object or kind does not exist.
    NotFound,
    /// A host cannot be reached or logged in to.
    HostUnreachable,
    /// The host's key is unknown, changed or revoked.
    HostKey,
    /// A tool is missing on the host.
    ToolMissing,
    /// The pod's network namespace could not be proven.
    NamespaceUnproven,
    /// tcpdump refused, or the filter does not compile.
    CaptureRefused,
    /// One of lbdiag's own bounds leaves it out.
    LeftOut,
    TimedOut,
    /// Ctrl-C, a signal, or the run's time limit.
    Interrupted,
    /// The recording holds no answer to this question.
    NotRecorded,
    /// The answer made no sense.
    Garbled,
}

impl EvidenceError {
    /// An error without a hint.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { kind, operation: operation.into(), reason: printable(&reason.to_string()), hint: String::new() }
    }

    /// The same error with what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The name of the gap that this leaves.
    #[must_use]
    pub fn gap_name(&self) -> &'static str {
        match self.kind {
            ErrorKind::HostUnreachable | ErrorKind::HostKey => "evidence/node-unreachable",
            ErrorKind::Forbidden => "evidence/forbidden",
            ErrorKind::ToolMissing => "evidence/tool-missing",
            ErrorKind::NamespaceUnproven => "evidence/netns-unproven",
            ErrorKind::CaptureRefused => "evidence/capture-refused",
            ErrorKind::LeftOut => "evidence/bounded",
            ErrorKind::TimedOut | ErrorKind::Interrupted => "evidence/time-ran-out",
            ErrorKind::NotRecorded => "evidence/not-recorded",
            ErrorKind::ApiUnreachable | ErrorKind::NotFound | ErrorKind::Garbled => "evidence/unreadable",
        }
    }
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.reason)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

impl std::error::Error for EvidenceError {}

/// Text from outside with its control characters made harmless, so that it may meet a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
