//! The cluster's API over kube: the one place that knows the client.
//!
//! Requests are made by path, because a playbook's kind is data. Everything is bounded, what is asked again is asked within the same
//! bounds (`again`), and every object is checked and cut to the fields that are listed before anybody sees it.

mod again;
mod config;
mod exchange;
mod failure;
mod lines;
mod lists;
mod parser;
mod plugin;
mod proxy;
mod request;
mod streams;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::{Request, Uri};
use kube::client::Body;
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Handle;

use self::config::Surroundings;
pub use self::config::namespace;
use self::exchange::Failure;
use self::request::Unnameable;
use super::projection::Projection;
use super::sound;
use super::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::{Interrupt, Reason};
use crate::evidence::live::options::LiveOptions;
use crate::evidence::panicked;
use crate::evidence::side_by_side::lock;

/// Bound on one request when nothing else was said.
const USUAL_LIMIT: Duration = Duration::from_secs(10);

/// Bound on reading a whole log.
const LOG_LIMIT: Duration = Duration::from_secs(30);

/// Bound on reading a pod's metrics: they are one small answer, and no verdict waits for them.
const METRICS_LIMIT: Duration = Duration::from_secs(6);

/// How much longer a stream is waited for than it may take: it ends itself, and says how much came.
const STREAM_GRACE: Duration = Duration::from_secs(1);

/// Bound on getting credentials, which may run a program that asks a person.
const LOGIN_LIMIT: Duration = Duration::from_secs(60);

/// The API server of one context.
pub struct LiveCluster {
    client: Client,
    runtime: Handle,
    interrupt: Interrupt,
    /// Bound on one request.
    limit: Duration,
    /// Its address, for errors.
    server: String,
    /// Whether it ever answered.
    reached: AtomicBool,
    /// Pods, by namespace and name, whose log did not begin in time: their node is hardly there.
    silent: Mutex<HashSet<(String, String)>>,
}

impl LiveCluster {
    /// Reads the kubeconfig and gets the credentials: the inner result. Nothing is asked of the API server yet.
    ///
    /// # Errors
    /// When there is no kubeconfig, or no such context; the inner one when there are no credentials.
    pub fn connect(runtime: Handle, options: &LiveOptions, interrupt: Interrupt) -> Result<Result<Self, EvidenceError>, EvidenceError> {
        let limit = if options.api_limit.is_zero() { USUAL_LIMIT } else { options.api_limit };
        let around = Surroundings::from_environment();
        let mut config = runtime.block_on(config::load(options.kubeconfig.as_deref(), options.context.as_deref(), limit, &around))?;
        if options.impersonate.is_some() {
            config.auth_info.impersonate.clone_from(&options.impersonate);
        }
        Ok(Self::log_in(runtime, config, limit, interrupt))
    }

    fn log_in(runtime: Handle, config: Config, limit: Duration, interrupt: Interrupt) -> Result<Self, EvidenceError> {
        let server = match &config.proxy_url {
            Some(proxy) => format!("{} (through the proxy {})", shown(&config.cluster_url), shown(proxy)),
            None => shown(&config.cluster_url),
        };
        let operation = "log in to the cluster";
        let client = runtime.block_on(async {
            // A credential plugin is a program that blocks; it must not take the interrupt's thread.
            let building = tokio::task::spawn_blocking(move || panicked::quietly(|| Client::try_from(config)));
            tokio::select! {
                biased;
                () = interrupt.wait() => Err(interrupted(operation, &interrupt)),
                built = tokio::time::timeout(LOGIN_LIMIT, building) => match built {
                    Ok(Ok(Ok(built))) => built.map_err(|error| failure::unreachable(operation, &server, &error)),
                    // The client takes a token for one that can be sent, and panics at any other.
                    Ok(Ok(Err(words))) => Err(failure::unsendable(operation, &words)),
                    Ok(Err(broken)) => Err(EvidenceError::new(ErrorKind::ApiUnreachable, operation, broken)),
                    Err(_) => Err(EvidenceError::new(ErrorKind::ApiUnreachable, operation, "the credential plugin did not end within a minute")),
                },
            }
        })?;
        Ok(Self { client, runtime, interrupt, limit, server, reached: AtomicBool::new(false), silent: Mutex::default() })
    }

    /// The client, for what is no request for an object: exec in a pod.
    pub(in crate::evidence) fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Cluster for LiveCluster {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        let taken = Projection::of_object(&query.kind, query.namespace.as_deref(), &query.name)?;
        let within = query.namespace.as_ref().map_or_else(String::new, |namespace| format!("{namespace}/"));
        let operation = format!("get {} {within}{}", query.kind.plural, query.name);
        let path = match request::object(query) {
            Ok(path) => path,
            // Nothing can have that name, so it is not there; callers suggest the nearest that is.
            Err(Unnameable { part: "name" | "namespace", .. }) => return Ok(None),
            Err(word) => return Err(unnameable(&operation, &word)),
        };
        match self.wait(&operation, self.limit, self.fetch(&operation, &path, move |object: Value| taken.take(object))) {
            Ok(object) => sound::checked(query, &operation, object).map(Some),
            Err(Failure::Refused(refusal)) if refusal.object_is_missing() => Ok(None),
            Err(failure) => Err(self.told(&operation, failure)),
        }
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let within = query.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in {namespace}"));
        self.pages(&format!("list {}{within}", query.kind.plural), query)
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let operation = format!("read log {}/{}/{}", query.namespace, query.pod, query.container);
        let path = request::log(query).map_err(|word| unnameable(&operation, &word))?;
        let mut give = |text: &str| {
            line(text);
        };
        let begin = self.begins_within(&query.namespace, &query.pod);
        let stream = self.stream(&operation, &path, begin, LOG_LIMIT, &mut give);
        match self.wait(&operation, LOG_LIMIT + STREAM_GRACE, stream) {
            Err(Failure::Refused(refusal)) => Err(self.weighed(refusal.log_error(&operation, &self.server))),
            Err(Failure::Broke(error) | Failure::Error(error)) => {
                if error.kind == ErrorKind::TimedOut {
                    lock(&self.silent).insert((query.namespace.clone(), query.pod.clone()));
                }
                Err(self.weighed(error))
            }
            Ok(()) => Ok(()),
        }
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let operation = format!("read metrics {}/{}:{}", query.namespace, query.pod, query.port);
        let path = request::metrics(query).map_err(|word| unnameable(&operation, &word))?;
        let mut give = |text: &str| {
            line(text);
        };
        let begin = self.begins_within(&query.namespace, &query.pod);
        let stream = self.stream(&operation, &path, begin, METRICS_LIMIT, &mut give);
        match self.wait(&operation, METRICS_LIMIT + STREAM_GRACE, stream) {
            Err(Failure::Refused(refusal)) => Err(self.weighed(refusal.metrics_error(&operation, &self.server))),
            Err(Failure::Broke(error) | Failure::Error(error)) => Err(self.weighed(error)),
            Ok(()) => Ok(()),
        }
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        let operation = format!("ask whether this user may {} {}", query.verb, query.resource);
        let request = || {
            Request::post(request::ACCESS_REVIEWS)
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(Body::from(request::access_review(query)))
        };
        let ask = self.ask(&operation, request, |review: Value| review.pointer("/status/allowed").and_then(Value::as_bool));
        // A review without this word is none, and no refusal.
        self.wait(&operation, self.limit, ask).map_err(|failure| self.told(&operation, failure))?.ok_or_else(|| {
            let reason = format!("the answer of {} does not say it", self.server);
            EvidenceError::new(ErrorKind::Garbled, operation, reason).hint("something other than a Kubernetes API may answer there")
        })
    }
}

fn interrupted(operation: &str, interrupt: &Interrupt) -> EvidenceError {
    EvidenceError::new(ErrorKind::Interrupted, operation, interrupt.reason().unwrap_or(Reason::Signal).told())
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
