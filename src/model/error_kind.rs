//! The kinds of failed looks, which rules tell apart without reading what anybody said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The API server or the whole cluster cannot be reached, and never could: the run cannot do its work.
    ApiUnreachable,
    /// The API server was reached, and did not give this answer, or not to its end: a connection broke, or what stands before it spoke
    /// in its place.
    Disconnected,
    /// RBAC or authentication refused.
    Forbidden,
    /// The object or kind does not exist.
    NotFound,
    /// A host does not answer, or no way leads to it; of a log, the node's kubelet.
    HostUnreachable,
    /// The host takes a connection, and says nothing.
    HostSilent,
    /// The host answers, and lets nobody in with what there is.
    LoginRefused,
    /// The host answers, and nothing listens there: of a log, no kubelet.
    Refused,
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
