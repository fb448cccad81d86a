//! The API's objects, as far as a site lets a playbook reach: those of its namespaces, and those that have none.

use std::sync::Arc;

use serde_json::Value;

use super::refused;
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::EvidenceError;
use crate::model::reach::Reach;

/// A cluster of which some namespaces are not shown.
pub(super) struct Narrowed {
    pub(super) all: Arc<dyn Cluster>,
    pub(super) reach: Arc<Reach>,
}

impl Narrowed {
    fn allowed(&self, namespace: Option<&str>, operation: impl FnOnce() -> String) -> Result<(), EvidenceError> {
        match namespace.filter(|name| !self.reach.allows_namespace(name)) {
            Some(name) => Err(refused(operation(), &format!("namespace {name}"), "namespaces")),
            None => Ok(()),
        }
    }
}

impl Cluster for Narrowed {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        self.allowed(query.namespace.as_deref(), || format!("get {} {}", query.kind.plural, query.name))?;
        self.all.get(query)
    }

    /// A list of the whole cluster gives what may be seen of it, and says that it is not all.
    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        self.allowed(query.namespace.as_deref(), || format!("list {}", query.kind.plural))?;
        let mut list = self.all.list(query)?;
        let before = list.objects.len();
        list.objects.retain(|object| object["metadata"]["namespace"].as_str().is_none_or(|name| self.reach.allows_namespace(name)));
        let held_back = before - list.objects.len();
        if held_back > 0 {
            list.lack(refused(format!("list {}", query.kind.plural), &format!("{held_back} objects of other namespaces"), "namespaces"));
        }
        Ok(list)
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.allowed(Some(&query.namespace), || format!("read the log of {}", query.pod))?;
        self.all.read_log(query, line)
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.allowed(Some(&query.namespace), || format!("read the metrics of {}", query.pod))?;
        self.all.read_metrics(query, line)
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        self.all.may(query)
    }
}
