//! Answers that are read line by line as they come: logs and metrics.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::Instant;

use super::exchange::{Failure, is_page};
use super::lines::Lines;
use super::{LiveCluster, again};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;

/// How long a log's first bytes may take: a kubelet answers at once, or its node is gone and nobody should wait for it.
const BEGIN_LIMIT: Duration = Duration::from_secs(3);

/// The same for a pod whose log did not begin in time: metrics do not pass its kubelet, so that they may come all the same, but a node that
/// is gone is not waited for twice.
const SILENT_LIMIT: Duration = Duration::from_millis(500);

impl LiveCluster {
    /// Gives every whole line until the end, or until the limit. A connection that breaks before the first line is made once more;
    /// later the lines would come twice, so that the stream is cut there.
    pub(super) async fn stream(
        &self,
        operation: &str,
        path: &str,
        begin: Duration,
        limit: Duration,
        give: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let until = Instant::now() + limit;
        let mut given: u64 = 0;
        let mut counted = |line: &str| {
            given += 1;
            give(line);
        };
        match self.stream_once(operation, path, begin, until, &mut counted).await {
            Err(Failure::Broke(_)) if given == 0 => {
                tokio::time::sleep(again::SECOND_TRY).await;
                let mut counted = |line: &str| {
                    given += 1;
                    give(line);
                };
                self.stream_once(operation, path, begin, until, &mut counted).await.map_err(|failure| cut(failure, given))
            }
            end => end.map_err(|failure| cut(failure, given)),
        }
    }

    /// How long the first bytes of what comes of a pod are waited for.
    pub(super) fn begins_within(&self, namespace: &str, pod: &str) -> Duration {
        let silent = lock(&self.silent).contains(&(namespace.to_owned(), pod.to_owned()));
        self.limit.min(if silent { SILENT_LIMIT } else { BEGIN_LIMIT })
    }

    async fn stream_once(
        &self,
        operation: &str,
        path: &str,
        limit: Duration,
        until: Instant,
        give: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let asked = self.deliver(operation, limit, || Request::get(path).body(Body::from(Vec::new())));
        let response = tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
            let late = self.late(operation, limit);
            Err(Failure::Error(late.hint("the API server asks the node's kubelet for it: is the node up?")))
        })?;
        if is_page(&response) {
            let reason = format!("the answer of {} is a page for people", self.server);
            let error = EvidenceError::new(ErrorKind::Garbled, operation, reason);
            return Err(Failure::Error(error.hint("something other than a Kubernetes API may answer there")));
        }
        let mut body = response.into_body();
        let mut lines = Lines::default();
        while let Some(frame) = tokio::time::timeout_at(until, body.frame()).await.map_err(|_| endless(operation))? {
            // A line that was cut off by the error is not given: half a line says something else.
            let frame = frame.map_err(|error| self.broke_within(operation, &error))?;
            if let Some(data) = frame.data_ref() {
                lines.push(data, give);
            }
            // A stream that always has more would never let the clock be looked at.
            if Instant::now() >= until {
                return Err(endless(operation));
            }
        }
        lines.finish(give);
        Ok(())
    }
}

/// A stream that has no end, or that fell silent in the middle.
fn endless(operation: &str) -> Failure {
    let error = EvidenceError::new(ErrorKind::TimedOut, operation, "it began and came to no end in time");
    Failure::Error(error.hint("the connection to the node's kubelet may hang; see whether `kubectl logs` ends"))
}

/// Says of a stream that broke off how much came before.
fn cut(failure: Failure, given: u64) -> Failure {
    let told = |mut error: EvidenceError| {
        if given > 0 {
            if error.kind == ErrorKind::TimedOut {
                // The node's kubelet answers: it is not one that is silent.
                error.kind = ErrorKind::Disconnected;
            }
            error.reason = format!("it was cut after {given} lines: {}", error.reason);
        }
        error
    };
    match failure {
        Failure::Broke(error) => Failure::Broke(told(error)),
        Failure::Error(error) => Failure::Error(told(error)),
        Failure::Refused(refusal) => Failure::Refused(refusal),
    }
}
