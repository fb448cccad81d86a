//! Workloads that should give a selector its pods: Deployments, `StatefulSets` and DaemonSets with a template that it matches.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{near, selects};
use crate::analysis::read::{array, flag, map, number, said, text};
use crate::model::endpoint::Template;

/// A workload of that kind, with the labels of its pods.
#[must_use]
pub fn template(kind: &str, value: &Value) -> (BTreeMap<String, String>, Template) {
    let desired = if kind == "DaemonSet" {
        number(value, "/status/desiredNumberScheduled").unwrap_or_default()
    } else {
        number(value, "/spec/replicas").unwrap_or(1)
    };
    let failure = array(value, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == "ReplicaFailure" && text(condition, "/status") == "True")
        .map(|condition| said(&text(condition, "/reason"), &text(condition, "/message")));
    let paused = flag(value, "/spec/paused").then(|| "its roll-out is paused".to_owned());
    let template =
        Template { kind: kind.to_owned(), name: text(value, "/metadata/name"), desired, trouble: failure.or(paused).unwrap_or_default() };
    (map(value, "/spec/template/metadata/labels"), template)
}

/// Those whose pods the selector matches, and those that it misses by one label, by kind and name.
#[must_use]
pub fn templates(
    selector: &BTreeMap<String, String>,
    all: Vec<(BTreeMap<String, String>, Template)>,
) -> (Vec<Template>, BTreeMap<String, String>) {
    let mut matched = Vec::new();
    let mut missed = BTreeMap::new();
    for (labels, template) in all {
        if selects(selector, &labels) {
            matched.push(template);
        } else if let Some(differs) = near::miss(selector, &labels, false) {
            missed.insert(format!("{} {}", template.kind, template.name), differs);
        }
    }
    (matched, missed)
}
