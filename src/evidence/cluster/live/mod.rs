//! The cluster's API over kube: the one place that knows the client.
//!
//! Requests are made by path, because a playbook's kind is data. Nothing is retried, everything is bounded, and every
//! object is scrubbed before anybody sees it.

mod config;
mod failure;
mod lines;
mod proxy;
mod request;

#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;

use self::config::Surroundings;
use self::failure::Refusal;
use self::lines::Lines;
use self::request::Unnameable;
use super::scrub;
use super::{AccessQuery, Cluster, Keep, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::live::LiveOptions;

/// Bound on one request when nothing else was said.
const USUAL_LIMIT: Duration = Duration::from_secs(10);

/// Bound on reading a whole log.
const LOG_LIMIT: Duration = Duration::from_secs(30);

/// Bound on reading a pod's metrics: they are one small answer, and no verdict waits for them.
const METRICS_LIMIT: Duration = Duration::from_secs(6);

/// How long a log's first bytes may take: a kubelet answers at once, or its node is gone and nobody should wait for it.
const LOG_BEGIN_LIMIT: Duration = Duration::from_secs(4);

/// Bound on getting credentials, which may run a program that asks a person.
const LOGIN_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of one answer that are taken.
const MOST_BYTES: usize = 64 << 20;

/// Bytes of a refusal that are taken.
const MOST_REFUSAL_BYTES: usize = 64 << 10;

/// Objects of one list that are taken.
const MOST_OBJECTS: usize = 50_000;

/// The API server of one context.
pub struct LiveCluster {
    client: Client,
    runtime: Handle,
    interrupt: Interrupt,
    /// Bound on one request.
    limit: Duration,
    /// Its address, for errors.
    server: String,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    more: Option<String>,
}

/// Why a request gave no answer.
enum Failure {
    Refused(Refusal),
    Error(EvidenceError),
}

impl LiveCluster {
    /// Reads the kubeconfig and gets the credentials. Nothing is asked of the API server yet.
    ///
    /// # Errors
    /// When there is no kubeconfig, no such context, or no credentials.
    pub fn connect(runtime: Handle, options: &LiveOptions, interrupt: Interrupt) -> Result<Self, EvidenceError> {
        let limit = if options.api_limit.is_zero() { USUAL_LIMIT } else { options.api_limit };
        let around = Surroundings::from_environment();
        let config = runtime.block_on(config::load(options.kubeconfig.as_deref(), options.context.as_deref(), limit, &around))?;
        let server = match &config.proxy_url {
            Some(proxy) => format!("{} (through the proxy {})", shown(&config.cluster_url), shown(proxy)),
            None => shown(&config.cluster_url),
        };
        let operation = "log in to the cluster";
        let client = runtime.block_on(async {
            // A credential plugin is a program that blocks; it must not take the interrupt's thread.
            let building = tokio::task::spawn_blocking(move || Client::try_from(config));
            tokio::select! {
                biased;
                () = interrupt.wait() => Err(interrupted(operation)),
                built = tokio::time::timeout(LOGIN_LIMIT, building) => match built {
                    Ok(Ok(built)) => built.map_err(|error| failure::unreachable(operation, &server, &error)),
                    Ok(Err(broken)) => Err(EvidenceError::new(ErrorKind::ApiUnreachable, operation, broken)),
                    Err(_) => Err(EvidenceError::new(ErrorKind::ApiUnreachable, operation, "the credential plugin did not end within a minute")),
                },
            }
        })?;
        Ok(Self { client, runtime, interrupt, limit, server })
    }

    /// The client, for what is no request for an object: exec in a pod.
    pub(in crate::evidence) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Waits for an answer on the caller's thread, until the limit passes or the run is interrupted.
    fn wait<A>(&self, operation: &str, limit: Duration, asked: impl Future<Output = Result<A, Failure>>) -> Result<A, Failure> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.interrupt.wait() => Err(Failure::Error(interrupted(operation))),
                answer = tokio::time::timeout(limit, asked) => answer.unwrap_or_else(|_| Err(Failure::Error(self.late(operation, limit)))),
            }
        })
    }

    fn late(&self, operation: &str, limit: Duration) -> EvidenceError {
        EvidenceError::new(ErrorKind::TimedOut, operation, format!("{} did not answer within {limit:?}", self.server))
            .hint("the API server is overloaded or cannot reach what it needs; look at `kubectl get --raw /readyz?verbose`")
    }

    /// Sends a request and gives the answer once its head is there.
    async fn send(&self, operation: &str, path: &str) -> Result<Response<Body>, Failure> {
        self.deliver(operation, Request::get(path).body(Body::from(Vec::new()))).await
    }

    async fn deliver(&self, operation: &str, request: http::Result<Request<Body>>) -> Result<Response<Body>, Failure> {
        let request = request.map_err(|error| Failure::Error(EvidenceError::new(ErrorKind::Garbled, operation, error)))?;
        let response =
            self.client.send(request).await.map_err(|error| Failure::Error(failure::unreachable(operation, &self.server, &error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let code = response.status();
        let body = self.collect(operation, response, MOST_REFUSAL_BYTES).await.unwrap_or_default();
        Err(Failure::Refused(Refusal::new(code, &body)))
    }

    /// The whole body of an answer, bounded.
    async fn collect(&self, operation: &str, response: Response<Body>, most: usize) -> Result<Vec<u8>, Failure> {
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::Error(failure::unreachable(operation, &self.server, &error)))?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > most {
                let reason = format!("the answer of {} is larger than {} MiB", self.server, most >> 20);
                return Err(Failure::Error(EvidenceError::new(ErrorKind::Garbled, operation, reason)));
            }
        }
        Ok(bytes)
    }

    async fn fetch<A: for<'a> Deserialize<'a>>(&self, operation: &str, path: &str) -> Result<A, Failure> {
        let response = self.send(operation, path).await?;
        self.parse(operation, response).await
    }

    async fn parse<A: for<'a> Deserialize<'a>>(&self, operation: &str, response: Response<Body>) -> Result<A, Failure> {
        let bytes = self.collect(operation, response, MOST_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let reason = format!("the answer of {} makes no sense: {error}", self.server);
            Failure::Error(
                EvidenceError::new(ErrorKind::Garbled, operation, reason).hint("something other than a Kubernetes API may answer there"),
            )
        })
    }

    fn told(&self, operation: &str, failure: Failure) -> EvidenceError {
        match failure {
            Failure::Refused(refusal) => refusal.error(operation, &self.server),
            Failure::Error(error) => error,
        }
    }

    fn pages(&self, operation: &str, query: &ListQuery) -> Result<Vec<Value>, Failure> {
        let mut objects = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let path = request::page(query, after.as_deref()).map_err(|word| Failure::Error(unnameable(operation, &word)))?;
            let page: Page = self.wait(operation, self.limit, self.fetch(operation, &path))?;
            for mut object in page.items.unwrap_or_default() {
                scrub::scrub(&mut object);
                objects.push(object);
            }
            if objects.len() > MOST_OBJECTS {
                let error = EvidenceError::new(ErrorKind::Garbled, operation, format!("there are more than {MOST_OBJECTS} of them"));
                return Err(Failure::Error(error.hint("ask for fewer, by namespace or by label")));
            }
            after = page.metadata.more.filter(|mark| !mark.is_empty());
            if after.is_none() {
                return Ok(objects);
            }
        }
    }

    async fn stream_log(&self, operation: &str, path: &str, give: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let limit = self.limit.min(LOG_BEGIN_LIMIT);
        let head = tokio::time::timeout(limit, self.send(operation, path)).await;
        let response = head.unwrap_or_else(|_| {
            let late = self.late(operation, limit);
            Err(Failure::Error(late.hint("the API server asks the node's kubelet for it: is the node up?")))
        })?;
        let mut body = response.into_body();
        let mut lines = Lines::default();
        while let Some(frame) = body.frame().await {
            // A line that was cut off by the error is not given: half a line says something else.
            let frame = frame.map_err(|error| Failure::Error(failure::unreachable(operation, &self.server, &error)))?;
            if let Some(data) = frame.data_ref() {
                lines.push(data, give);
            }
        }
        lines.finish(give);
        Ok(())
    }
}

impl Cluster for LiveCluster {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        scrub::allowed(&query.kind)?;
        let within = query.namespace.as_ref().map_or_else(String::new, |namespace| format!("{namespace}/"));
        let operation = format!("get {} {within}{}", query.kind.plural, query.name);
        let path = match request::object(query) {
            Ok(path) => path,
            // Nothing can have that name, so it is not there; callers suggest the nearest that is.
            Err(Unnameable { part: "name" | "namespace", .. }) => return Ok(None),
            Err(word) => return Err(unnameable(&operation, &word)),
        };
        match self.wait(&operation, self.limit, self.fetch::<Value>(&operation, &path)) {
            Ok(mut object) => {
                scrub::scrub(&mut object);
                Ok(Some(object))
            }
            Err(Failure::Refused(refusal)) if refusal.object_is_missing() => Ok(None),
            Err(failure) => Err(self.told(&operation, failure)),
        }
    }

    fn list(&self, query: &ListQuery) -> Result<Vec<Value>, EvidenceError> {
        scrub::allowed(&query.kind)?;
        let within = query.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        let operation = format!("list {}{within}", query.kind.plural);
        match self.pages(&operation, query) {
            // The list changed for so long that its continuation expired; a second time is an error.
            Err(Failure::Refused(refusal)) if refusal.code == http::StatusCode::GONE => self.pages(&operation, query),
            answer => answer,
        }
        .map_err(|failure| self.told(&operation, failure))
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let operation = format!("read log {}/{}/{}", query.namespace, query.pod, query.container);
        let path = request::log(query).map_err(|word| unnameable(&operation, &word))?;
        let mut give = |text: &str| {
            line(text);
        };
        match self.wait(&operation, LOG_LIMIT, self.stream_log(&operation, &path, &mut give)) {
            Err(Failure::Refused(refusal)) => Err(refusal.log_error(&operation, &self.server)),
            Err(Failure::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let operation = format!("read metrics {}/{}:{}", query.namespace, query.pod, query.port);
        let path = request::metrics(query).map_err(|word| unnameable(&operation, &word))?;
        let mut give = |text: &str| {
            line(text);
        };
        match self.wait(&operation, METRICS_LIMIT, self.stream_log(&operation, &path, &mut give)) {
            Err(Failure::Refused(refusal)) => Err(refusal.metrics_error(&operation, &self.server)),
            Err(Failure::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        let operation = format!("ask whether this user may {} {}", query.verb, query.resource);
        let asked = async {
            let request = Request::post(request::ACCESS_REVIEWS)
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(Body::from(request::access_review(query)));
            let response = self.deliver(&operation, request).await?;
            self.parse::<Value>(&operation, response).await
        };
        let review = self.wait(&operation, self.limit, asked).map_err(|failure| self.told(&operation, failure))?;
        Ok(review.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or_default())
    }
}

fn interrupted(operation: &str) -> EvidenceError {
    EvidenceError::new(ErrorKind::Interrupted, operation, "the run was interrupted")
}

fn unnameable(operation: &str, word: &Unnameable) -> EvidenceError {
    EvidenceError::new(ErrorKind::NotFound, operation, format!("`{}` cannot be a {} in Kubernetes", word.word, word.part))
        .hint("lower-case letters, digits, `-` and `.` make a name")
}

/// A server's address without the credentials that it may carry.
fn shown(server: &Uri) -> String {
    let authority = server.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    format!("{}://{place}", server.scheme_str().unwrap_or("https"))
}
