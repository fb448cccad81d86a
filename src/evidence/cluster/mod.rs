//! The cluster as its API tells it.

mod fields;
pub mod kinds;
mod list;
pub mod live;
mod metallb;
pub mod projection;
pub(in crate::evidence) mod sound;
pub mod unreached;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use list::List;

use super::error::EvidenceError;

/// A kind of object, by its place in the API: (group, version, plural). The core group is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kind {
    pub group: String,
    pub version: String,
    pub plural: String,
    /// Fields that the caller reads beside those that are always taken (`fields`), written as there: `spec.ports[].port`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
}

impl Kind {
    /// A kind of the core group, version v1.
    #[must_use]
    pub fn core(plural: &str) -> Self {
        Self { group: String::new(), version: "v1".to_owned(), plural: plural.to_owned(), reads: Vec::new() }
    }

    /// A kind of a named group.
    #[must_use]
    pub fn of(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), plural: plural.to_owned(), reads: Vec::new() }
    }

    /// A kind of MetalLB's, `metallb.io/v1beta1`.
    #[must_use]
    pub fn metallb(plural: &str) -> Self {
        Self::of("metallb.io", "v1beta1", plural)
    }

    /// The same kind, of which these fields are taken too. Of a kind that lbdiag does not know nothing else is.
    #[must_use]
    pub fn reading<F: Into<String>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.reads.extend(fields.into_iter().map(Into::into));
        self
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectQuery {
    pub kind: Kind,
    pub namespace: Option<String>,
    pub name: String,
}

/// A list of objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ListQuery {
    pub kind: Kind,
    /// `None` lists over all namespaces.
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<String>,
}

impl ListQuery {
    /// Every object of the kind in one namespace.
    #[must_use]
    pub fn within(kind: Kind, namespace: &str) -> Self {
        Self { kind, namespace: Some(namespace.to_owned()), labels: None, fields: None }
    }

    /// Every object of the kind in the cluster.
    #[must_use]
    pub fn everywhere(kind: Kind) -> Self {
        Self { kind, namespace: None, labels: None, fields: None }
    }

    #[must_use]
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }

    #[must_use]
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.fields = Some(selector.into());
        self
    }
}

/// A container's log, from its start as far as the kubelet still has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogQuery {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// The container before the last restart.
    pub previous: bool,
}

/// The metrics of one pod, asked through the API server's proxy to pods.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MetricsQuery {
    pub namespace: String,
    pub pod: String,
    pub port: u16,
    /// HTTPS; the API server does not verify a pod's certificate.
    pub tls: bool,
}

/// Something that a user may or may not do with a kind of objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessQuery {
    /// `get`, `list`, `create` …
    pub verb: String,
    pub group: String,
    pub resource: String,
    /// Such as `log` or `proxy` of pods; empty for the object itself.
    pub subresource: String,
    /// `None` asks for all namespaces.
    pub namespace: Option<String>,
}

/// Whether a line is worth keeping in a recording. A replay gives the lines that were kept and no others: a line that
/// changes anything in the outcome, be it a count, has to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    Yes,
    No,
    /// Tells what the next line is about: kept when a line that is kept follows before another of its kind.
    Context,
    /// This is to be kept in its place, and changes the same.
    Instead(String),
}

/// Reads the API. Only ever gets, lists, reads logs and metrics, and asks what this user may do.
pub trait Cluster: Send + Sync {
    /// The object, or `None` when there is none of that name. Of it only the fields that are listed (see `fields`).
    ///
    /// # Errors
    /// When the API cannot be reached, refuses, or answers garbage; what cannot be that object is garbage.
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError>;

    /// The objects that the query selects, page by page, within bounds. A list that was cut, or that held what cannot be such an
    /// object, says so, and never proves that an object does not exist.
    ///
    /// # Errors
    /// As `get`, when nothing came at all; a kind that the cluster does not know is `NotFound`.
    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError>;

    /// Streams a log line by line with the kubelet's RFC 3339 timestamp in front; memory stays constant.
    ///
    /// # Errors
    /// As `get`; lines that came before the error have been given already, and are not all.
    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError>;

    /// Streams a pod's `/metrics` line by line, as Prometheus writes them; memory stays constant.
    ///
    /// # Errors
    /// As `read_log`. A refusal of the pod itself (401, 500) is `Forbidden`; one that listens nowhere is `NotFound`.
    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError>;

    /// Whether this user may do it, by a `SelfSubjectAccessReview`, which changes nothing.
    ///
    /// # Errors
    /// As `get`.
    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError>;
}
