//! The lists that several words need, asked side by side and once a run.

use std::sync::Arc;

use serde_json::Value;

use super::run::Run;
use crate::evidence::cluster::{Kind, ListQuery};
use crate::evidence::error::EvidenceError;
use crate::evidence::side_by_side::side_by_side;
use crate::model::service::Service;

/// The answer to a list, shared.
pub type Listed = Arc<Result<Vec<Value>, EvidenceError>>;

/// The questions about one Service that are worth asking at once.
#[must_use]
pub fn questions(run: &Run, service: &Service) -> Vec<(&'static str, ListQuery)> {
    let namespace = metallb_namespace(run);
    let mut all = vec![
        ("slices", slices(service)),
        ("nodes", ListQuery::everywhere(Kind::core("nodes"))),
        ("metallb-pods", ListQuery::within(Kind::core("pods"), &namespace)),
        ("deployments", ListQuery::within(Kind::of("apps", "v1", "deployments"), &namespace)),
        ("daemonsets", ListQuery::within(Kind::of("apps", "v1", "daemonsets"), &namespace)),
        ("pools", ListQuery::within(Kind::metallb("ipaddresspools"), &namespace)),
        ("l2advertisements", ListQuery::within(Kind::metallb("l2advertisements"), &namespace)),
        ("bgpadvertisements", ListQuery::within(Kind::metallb("bgpadvertisements"), &namespace)),
        ("configurationstates", ListQuery::within(Kind::metallb("configurationstates"), &namespace)),
        (
            "l2statuses",
            ListQuery::everywhere(Kind::metallb("servicel2statuses")).labels(format!("metallb.io/service-name={}", service.name)),
        ),
        (
            "events",
            ListQuery::within(Kind::core("events"), &service.namespace)
                .fields(format!("involvedObject.kind=Service,involvedObject.name={}", service.name)),
        ),
    ];
    if !service.selector.is_empty() {
        all.push(("pods", pods(service).labels(selector(service))));
    }
    if service.addresses.is_empty() {
        all.push(("services", ListQuery::everywhere(Kind::core("services"))));
    }
    all
}

/// Every pod of the Service's namespace: asked only when its own selector finds none, to see which one it nearly finds.
#[must_use]
pub fn pods(service: &Service) -> ListQuery {
    ListQuery::within(Kind::core("pods"), &service.namespace)
}

fn selector(service: &Service) -> String {
    service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

fn slices(service: &Service) -> ListQuery {
    ListQuery::within(Kind::of("discovery.k8s.io", "v1", "endpointslices"), &service.namespace)
        .labels(format!("kubernetes.io/service-name={}", service.name))
}

/// MetalLB's namespace: the site's, or the usual one.
#[must_use]
pub fn metallb_namespace(run: &Run) -> String {
    run.site.metallb.namespace.clone().unwrap_or_else(|| "metallb-system".to_owned())
}

/// Asks what was not asked yet, side by side.
pub fn ask(run: &Run, questions: &[(&'static str, ListQuery)]) {
    let open: Vec<&(&'static str, ListQuery)> = questions.iter().filter(|(name, _)| !run.state().lists.contains_key(*name)).collect();
    let answers = side_by_side(&open, |(_, query)| run.evidence.cluster.list(query));
    let mut state = run.state();
    for ((name, _), answer) in open.into_iter().zip(answers) {
        state.lists.insert((*name).to_owned(), Arc::new(answer));
    }
}

/// The answer to a question that `ask` has asked; one that was never asked reads as an empty list.
#[must_use]
pub fn listed(run: &Run, name: &str) -> Listed {
    run.state().lists.get(name).cloned().unwrap_or_else(|| Arc::new(Ok(Vec::new())))
}
