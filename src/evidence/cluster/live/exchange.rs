//! One question to the API and its answer: bounded in time, bytes and askings, ended by an interrupt.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::failure::{self, Refusal};
use super::{LiveCluster, again, parser};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::memory;

/// Bytes of one answer that are taken.
const MOST_BYTES: usize = 24 << 20;

/// Bytes of a refusal that are taken.
const MOST_REFUSAL_BYTES: usize = 64 << 10;

/// How long a refusal's text may take: its code is known already.
const REFUSAL_LIMIT: Duration = Duration::from_secs(2);

/// Why a request gave no answer.
pub(super) enum Failure {
    Refused(Box<Refusal>),
    /// The connection ended before the answer did.
    Broke(EvidenceError),
    Error(EvidenceError),
}

impl LiveCluster {
    /// Waits for an answer on the caller's thread, until the limit passes or the run is interrupted.
    pub(super) fn wait<A>(&self, operation: &str, limit: Duration, asked: impl Future<Output = Result<A, Failure>>) -> Result<A, Failure> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.interrupt.wait() => Err(Failure::Error(super::interrupted(operation, &self.interrupt))),
                answer = tokio::time::timeout(limit, asked) => answer.unwrap_or_else(|_| Err(Failure::Error(self.late(operation, limit)))),
            }
        })
    }

    pub(super) fn late(&self, operation: &str, limit: Duration) -> EvidenceError {
        EvidenceError::new(ErrorKind::TimedOut, operation, format!("{} did not answer within {limit:?}", self.server))
            .hint("the API server is overloaded or cannot reach what it needs; look at `kubectl get --raw /readyz?verbose`")
    }

    /// Sends a request and gives the answer once its head is there. A server that is too busy and says until when is asked again then,
    /// if that is within the limit.
    pub(super) async fn deliver(
        &self,
        operation: &str,
        limit: Duration,
        request: impl Fn() -> http::Result<Request<Body>>,
    ) -> Result<Response<Body>, Failure> {
        let until = Instant::now() + limit;
        for asking in 1.. {
            let request = request().map_err(|error| Failure::Error(EvidenceError::new(ErrorKind::Garbled, operation, error)))?;
            let response = self.client.send(request).await.map_err(|error| self.broke(operation, &error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            let wait = busy(response.status()).then(|| again::after(response.headers())).flatten();
            let refusal = self.refusal(operation, response).await;
            match wait {
                Some(wait) if asking < again::MOST_ASKINGS && Instant::now() + wait < until => tokio::time::sleep(wait).await,
                _ => return Err(Failure::Refused(Box::new(refusal))),
            }
        }
        Err(Failure::Error(self.late(operation, limit)))
    }

    /// Reads an answer other than the one that was hoped for.
    async fn refusal(&self, operation: &str, response: Response<Body>) -> Refusal {
        let (code, headers) = (response.status(), response.headers().clone());
        let body = tokio::time::timeout(REFUSAL_LIMIT, self.collect(operation, response, MOST_REFUSAL_BYTES)).await;
        let refusal = Refusal::new(code, &body.unwrap_or(Ok(Vec::new())).unwrap_or_default()).with(&headers);
        if refusal.by_api() {
            self.reached.store(true, Ordering::Relaxed);
        }
        refusal
    }

    /// Asks for something by its path. A connection that broke is made once more: nothing is changed by asking twice.
    /// `made` says what is kept of the answer, before the whole of it is given to anybody.
    pub(super) async fn fetch<A: DeserializeOwned, B: Send + 'static>(
        &self,
        operation: &str,
        path: &str,
        made: impl FnOnce(A) -> B + Clone + Send + 'static,
    ) -> Result<B, Failure> {
        self.ask(operation, || Request::get(path).body(Body::from(Vec::new())), made).await
    }

    /// As `fetch`, for any request.
    pub(super) async fn ask<A: DeserializeOwned, B: Send + 'static>(
        &self,
        operation: &str,
        request: impl Fn() -> http::Result<Request<Body>>,
        made: impl FnOnce(A) -> B + Clone + Send + 'static,
    ) -> Result<B, Failure> {
        let until = Instant::now() + self.limit;
        match self.ask_once(operation, self.limit, &request, made.clone()).await {
            Err(Failure::Broke(_)) => {
                tokio::time::sleep(again::SECOND_TRY).await;
                self.ask_once(operation, until.saturating_duration_since(Instant::now()), &request, made).await
            }
            answer => answer,
        }
    }

    async fn ask_once<A: DeserializeOwned, B: Send + 'static>(
        &self,
        operation: &str,
        limit: Duration,
        request: impl Fn() -> http::Result<Request<Body>>,
        made: impl FnOnce(A) -> B + Send + 'static,
    ) -> Result<B, Failure> {
        let response = self.deliver(operation, limit, request).await?;
        let bytes = self.collect(operation, response, MOST_BYTES).await?;
        let answer = parser::parsed(bytes, made).await.map_err(|error| {
            if error.is_io() {
                return Failure::Error(memory::api_full(operation));
            }
            let reason = format!("the answer of {} makes no sense: {error}", self.server);
            Failure::Error(
                EvidenceError::new(ErrorKind::Garbled, operation, reason).hint("something other than a Kubernetes API may answer there"),
            )
        })?;
        self.reached.store(true, Ordering::Relaxed);
        Ok(answer)
    }

    /// The whole body of an answer, bounded.
    async fn collect(&self, operation: &str, response: Response<Body>, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broke_within(operation, &error))?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > most {
                let reason = format!("the answer of {} is larger than {} MiB, so it was left out", self.server, most >> 20);
                return Err(Failure::Error(EvidenceError::new(ErrorKind::LeftOut, operation, reason)));
            }
            if !memory::api_has_room() {
                return Err(Failure::Error(memory::api_full(operation)));
            }
        }
        Ok(bytes)
    }

    /// An error of the connection, and whether it is worth another try.
    pub(super) fn broke(&self, operation: &str, error: &kube::Error) -> Failure {
        let told = failure::unreachable(operation, &self.server, error);
        if failure::is_break(error) { Failure::Broke(told) } else { Failure::Error(told) }
    }

    /// As `broke`, of an answer that had begun.
    pub(super) fn broke_within(&self, operation: &str, error: &kube::Error) -> Failure {
        match self.broke(operation, error) {
            Failure::Broke(mut told) => {
                told.reason = format!("{} closed the connection in the middle of its answer", self.server);
                Failure::Broke(told)
            }
            failure => failure,
        }
    }

    pub(super) fn told(&self, operation: &str, failure: Failure) -> EvidenceError {
        match failure {
            Failure::Refused(refusal) => self.weighed(refusal.error(operation, &self.server)),
            Failure::Broke(error) | Failure::Error(error) => self.weighed(error),
        }
    }

    /// Only a server of which nothing at all was ever heard is out of reach: afterwards a request that fails is one answer less.
    pub(super) fn weighed(&self, mut error: EvidenceError) -> EvidenceError {
        if error.kind == ErrorKind::ApiUnreachable && self.reached.load(Ordering::Relaxed) {
            error.kind = ErrorKind::Disconnected;
        }
        error
    }
}

fn busy(code: StatusCode) -> bool {
    matches!(code, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// Whether an answer says of itself that it is a page for people.
pub(super) fn is_page(response: &Response<Body>) -> bool {
    let told = response.headers().get(header::CONTENT_TYPE).and_then(|told| told.to_str().ok());
    told.is_some_and(|told| told.trim_start().to_ascii_lowercase().starts_with("text/html"))
}
