//! The load-balanced Services as a table, for whoever has not said which one is meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::model::plan::typed;
use crate::model::service::Service;
use crate::model::text::one_line;
use crate::words::session::Run;

/// What stands where something could not be read.
const UNREAD: &str = "?";

/// Namespace and name of a Service.
type Path = (String, String);

/// The table, and how to go on.
pub(super) fn listing(run: &Run, services: &[Service], namespace: Option<&str>) -> String {
    let balanced: Vec<&Service> = services.iter().filter(|service| service.kind == "LoadBalancer").collect();
    let announcers = announcers(run, namespace);
    let endpoints = ready_endpoints(run, namespace);
    let mut rows: Vec<[String; 6]> = balanced.iter().map(|service| row(service, announcers.as_ref(), endpoints.as_ref())).collect();
    rows.sort();
    rows.insert(0, ["NAMESPACE", "NAME", "ADDRESS", "PORTS", "ANNOUNCED BY", "ENDPOINTS"].map(str::to_owned));
    let widths: Vec<usize> = (0..6).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
        })
        .collect();
    // The first of the table, so that the command can be taken as it is.
    if let Some([namespace, name, ..]) = rows.get(1) {
        let command = one_line(&format!("lbdiag run {} -n {} {}", named(&run.playbook), typed(namespace), typed(name)));
        let told = match balanced.len() {
            1 => format!("1 Service was not asked; to ask it, run: {command}"),
            count => format!("{count} Services were not asked; to ask one, run: {command}"),
        };
        lines.splice(0..0, [told, String::new()]);
    }
    lines.join("\n")
}

/// A playbook as commands name it: a shipped one, or one beside the caller, is found by its name alone.
fn named(path: &str) -> String {
    let name = path.strip_prefix("playbooks/").unwrap_or(path);
    match name.strip_suffix(".rhai") {
        Some(name) if !name.contains('/') => typed(name),
        _ => typed(path),
    }
}

fn row(
    service: &Service,
    announcers: Option<&BTreeMap<Path, BTreeSet<String>>>,
    endpoints: Option<&BTreeMap<Path, (usize, usize)>>,
) -> [String; 6] {
    let path = (service.namespace.clone(), service.name.clone());
    let address = service.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let ports = service.ports.iter().map(|port| format!("{}/{}", port.port, port.protocol.name())).collect::<Vec<_>>().join(",");
    let by = announcers.map_or_else(
        || UNREAD.to_owned(),
        |all| all.get(&path).map_or_else(|| "-".to_owned(), |nodes| nodes.iter().cloned().collect::<Vec<_>>().join(",")),
    );
    let (ready, all) = endpoints.and_then(|all| all.get(&path)).copied().unwrap_or_default();
    let ends = if endpoints.is_some() { format!("{ready}/{all} ready") } else { UNREAD.to_owned() };
    let address = if address.is_empty() { "pending".to_owned() } else { address };
    [service.namespace.clone(), service.name.clone(), address, ports, by, ends].map(|cell| one_line(&cell))
}

fn objects(run: &Run, kind: Kind, namespace: Option<&str>) -> Option<Vec<Value>> {
    let query = match namespace {
        Some(namespace) => ListQuery::within(kind, namespace),
        None => ListQuery::everywhere(kind),
    };
    run.evidence.cluster.list(&query).and_then(List::all).ok()
}

fn label(object: &Value, name: &str) -> String {
    object.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What MetalLB's status objects say; `None` where neither kind could be read. A speaker that is gone leaves its objects behind, so that a run
/// asks further sources.
fn announcers(run: &Run, namespace: Option<&str>) -> Option<BTreeMap<Path, BTreeSet<String>>> {
    let kinds = ["servicel2statuses", "servicebgpstatuses"].map(|plural| objects(run, Kind::metallb(plural), None));
    if kinds.iter().all(Option::is_none) {
        return None;
    }
    let mut all: BTreeMap<Path, BTreeSet<String>> = BTreeMap::new();
    for object in kinds.iter().flatten().flatten() {
        let path = (label(object, "metallb.io/service-namespace"), label(object, "metallb.io/service-name"));
        let node = object.pointer("/status/node").and_then(Value::as_str).map_or_else(|| label(object, "metallb.io/node"), str::to_owned);
        if namespace.is_none_or(|wanted| wanted == path.0) && !node.is_empty() {
            all.entry(path).or_default().insert(node);
        }
    }
    Some(all)
}

/// Ready endpoints and all endpoints of each Service, by address.
fn ready_endpoints(run: &Run, namespace: Option<&str>) -> Option<BTreeMap<Path, (usize, usize)>> {
    let slices = objects(run, Kind::of("discovery.k8s.io", "v1", "endpointslices"), namespace)?;
    let mut known: BTreeMap<Path, BTreeMap<String, bool>> = BTreeMap::new();
    for slice in &slices {
        let namespace = slice.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        let of = known.entry((namespace, label(slice, "kubernetes.io/service-name"))).or_default();
        for endpoint in slice.get("endpoints").and_then(Value::as_array).into_iter().flatten() {
            let address = endpoint.pointer("/addresses").and_then(|all| all.get(0)).and_then(Value::as_str).unwrap_or_default().to_owned();
            // Without a word on it the API means that it is.
            *of.entry(address).or_default() |= endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true);
        }
    }
    Some(known.into_iter().map(|(path, all)| (path, (all.values().filter(|ready| **ready).count(), all.len()))).collect())
}
