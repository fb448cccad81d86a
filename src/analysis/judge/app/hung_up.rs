//! A pod that closes its connections without an answer.

use crate::analysis::judge::case::Case;
use crate::model::probe::Speech;

/// What is said of it, and what shows it.
pub(super) fn told(case: &Case, pods: &str) -> (String, String) {
    // A plain connection was sent nothing: who waits to be spoken to would have kept it.
    if case.probes().all(|probe| probe.speech == Speech::Tcp) {
        let summary = format!("{pods} accepts the connection and closes it at once");
        return (summary, "the pod closes the connection, and nothing that it says left it before".to_owned());
    }
    (
        format!("{pods} accepts the connection, takes the request and closes without an answer"),
        "the pod closes the connection, and no answer left it".to_owned(),
    )
}
