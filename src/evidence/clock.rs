//! The time, as a question like any other: a replay answers with the recorded time.

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the run began. `label` names the question, so that a replay finds its answer.
    fn elapsed_ms(&self, label: &str) -> u64;
    /// When the run began, RFC 3339 in UTC with seconds.
    fn started(&self) -> String;
}
