//! The lists that several words need, asked side by side and once a run.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::analysis::read::{map, text};
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::EvidenceError;
use crate::evidence::side_by_side::side_by_side;
use crate::model::service::Service;
use crate::words::session::{Listed, Run};

/// A question with the name under which its answer is kept.
pub type Question = (String, ListQuery);

/// Namespaces that are listed one by one; with more, a kind is listed over the whole cluster.
const MOST_NAMESPACES: usize = 12;

/// The questions about one Service that every run asks, at once, MetalLB's objects among them.
#[must_use]
pub fn questions(run: &Run, service: &Service) -> Vec<Question> {
    let mut all = of_metallb(&metallb_namespace(run));
    let ours = |name| of(service, name);
    all.extend([
        (ours("slices"), slices(service)),
        (
            ours("l2statuses"),
            ListQuery::everywhere(Kind::metallb("servicel2statuses")).labels(format!("metallb.io/service-name={}", service.name)),
        ),
    ]);
    if !service.selector.is_empty() {
        all.push((ours("pods"), pods(service).labels(selector(service))));
    }
    if service.addresses.is_empty() {
        all.push(every_service());
    }
    all
}

/// All Services: who else lists the address, or holds those that one waits for.
#[must_use]
pub fn every_service() -> Question {
    ("services".to_owned(), ListQuery::everywhere(Kind::core("services")))
}

/// The further questions about one Service, which a run may leave out while all is well.
#[must_use]
pub fn rest(run: &Run, service: &Service) -> Vec<Question> {
    let mut all = rest_of_metallb(&metallb_namespace(run));
    all.push((
        of(service, "events"),
        ListQuery::within(Kind::core("events"), &service.namespace)
            .fields(format!("involvedObject.kind=Service,involvedObject.name={}", service.name)),
    ));
    all
}

/// The further questions about MetalLB: who runs it, and what its parts say of the configuration.
#[must_use]
pub fn rest_of_metallb(namespace: &str) -> Vec<Question> {
    let within = |kind| ListQuery::within(kind, namespace);
    [
        ("deployments", within(Kind::of("apps", "v1", "deployments"))),
        ("daemonsets", within(Kind::of("apps", "v1", "daemonsets"))),
        ("configurationstates", within(Kind::metallb("configurationstates"))),
    ]
    .map(|(name, query)| (name.to_owned(), query))
    .to_vec()
}

/// The questions about the cluster and its MetalLB, which are the same for every Service.
#[must_use]
pub fn of_metallb(namespace: &str) -> Vec<Question> {
    let within = |kind| ListQuery::within(kind, namespace);
    [
        ("nodes", ListQuery::everywhere(Kind::core("nodes"))),
        ("metallb-pods", within(Kind::core("pods"))),
        ("pools", within(Kind::metallb("ipaddresspools"))),
        ("l2advertisements", within(Kind::metallb("l2advertisements"))),
        ("bgpadvertisements", within(Kind::metallb("bgpadvertisements"))),
    ]
    .map(|(name, query)| (name.to_owned(), query))
    .to_vec()
}

/// The questions about BGP, asked where a BGPAdvertisement selects the address's pool.
#[must_use]
pub fn of_bgp(namespace: &str, service: &Service) -> Vec<Question> {
    vec![
        ("bgppeers".to_owned(), ListQuery::within(Kind::of("metallb.io", "v1beta2", "bgppeers"), namespace)),
        ("bgpsessionstates".to_owned(), ListQuery::everywhere(Kind::of("frrk8s.metallb.io", "v1beta1", "bgpsessionstates"))),
        (
            of(service, "bgpstatuses"),
            ListQuery::everywhere(Kind::metallb("servicebgpstatuses")).labels(format!("metallb.io/service-name={}", service.name)),
        ),
    ]
}

/// Asks for many Services what `questions` asks for one, in as few requests, and keeps each Service's part under its own name. Pods are
/// left out: who announces does not depend on them.
pub fn ask_for_all(run: &Run, services: &[Service]) {
    let namespaces: BTreeSet<&str> = services.iter().map(|service| service.namespace.as_str()).collect();
    let namespace = metallb_namespace(run);
    let mut all = of_metallb(&namespace);
    all.extend(rest_of_metallb(&namespace));
    for (name, kind) in [("l2statuses", Kind::metallb("servicel2statuses")), ("bgpstatuses", Kind::metallb("servicebgpstatuses"))] {
        all.push((format!("all {name}"), ListQuery::everywhere(kind)));
    }
    let slices = Kind::of("discovery.k8s.io", "v1", "endpointslices");
    let events = "involvedObject.kind=Service";
    if namespaces.len() <= MOST_NAMESPACES {
        for namespace in &namespaces {
            all.push((format!("all slices {namespace}"), ListQuery::within(slices.clone(), namespace)));
            all.push((format!("all events {namespace}"), ListQuery::within(Kind::core("events"), namespace).fields(events)));
        }
    } else {
        all.push(("all slices".to_owned(), ListQuery::everywhere(slices)));
        all.push(("all events".to_owned(), ListQuery::everywhere(Kind::core("events")).fields(events)));
    }
    ask(run, &all);
    let parts = ["slices", "events", "l2statuses", "bgpstatuses"];
    for service in services {
        for name in parts {
            let one = format!("all {name} {}", service.namespace);
            let whole = if run.state().lists.contains_key(&one) { listed(run, &one) } else { listed(run, &format!("all {name}")) };
            let part = match &*whole {
                Ok(list) => Ok(list.iter().filter(|object| belongs(object, name, service)).cloned().collect()),
                Err(error) => Err(error.clone()),
            };
            // Of a list that is not whole nobody knows what it lacks of this Service.
            run.state().lists.entry(of(service, name)).or_insert_with(|| Arc::new(part));
        }
    }
}

/// Whether an object of a whole list is about the Service.
fn belongs(object: &Value, name: &str, service: &Service) -> bool {
    let labels = || map(object, "/metadata/labels");
    let is = |pointer: &str, wanted: &str| text(object, pointer) == wanted;
    match name {
        "slices" => is("/metadata/namespace", &service.namespace) && labels().get("kubernetes.io/service-name") == Some(&service.name),
        "events" => is("/involvedObject/namespace", &service.namespace) && is("/involvedObject/name", &service.name),
        _ => labels().get("metallb.io/service-name") == Some(&service.name),
    }
}

/// The name of a list that belongs to one Service.
#[must_use]
pub fn of(service: &Service, name: &str) -> String {
    format!("{}: {name}", service.path())
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

/// MetalLB's namespace: the site's, the one that was found, or the usual one.
#[must_use]
pub fn metallb_namespace(run: &Run) -> String {
    let found = run.state().metallb_namespace.clone();
    run.site.metallb.namespace.clone().or(found).unwrap_or_else(|| "metallb-system".to_owned())
}

/// Asks what was not asked yet, side by side.
pub fn ask(run: &Run, questions: &[Question]) {
    let open: Vec<&Question> = questions.iter().filter(|(name, _)| !run.state().lists.contains_key(name)).collect();
    let answers = side_by_side(&open, |(_, query)| run.evidence.cluster.list(query));
    for ((name, _), answer) in open.into_iter().zip(answers) {
        keep(run, name, answer);
    }
}

/// Keeps an answer under its name. A list that lacks anything is kept as the error that says so, and what came of it beside that.
pub fn keep(run: &Run, name: &str, answer: Result<List, EvidenceError>) {
    let mut state = run.state();
    state.parts.remove(name);
    let answer = answer.and_then(|list| {
        if list.lacks.is_some() {
            state.parts.insert(name.to_owned(), Arc::new(list.objects.clone()));
        }
        list.all()
    });
    state.lists.insert(name.to_owned(), Arc::new(answer));
}

/// The objects of a list as far as they came: enough for what is there, and never for what is not.
#[must_use]
pub fn came(run: &Run, name: &str) -> Arc<Vec<Value>> {
    if let Some(part) = run.state().parts.get(name) {
        return Arc::clone(part);
    }
    Arc::new((*listed(run, name)).as_ref().cloned().unwrap_or_default())
}

/// Whether a question has been asked.
#[must_use]
pub fn asked(run: &Run, name: &str) -> bool {
    run.state().lists.contains_key(name)
}

/// The answer to a question that `ask` has asked; one that was never asked reads as an empty list.
#[must_use]
pub fn listed(run: &Run, name: &str) -> Listed {
    run.state().lists.get(name).cloned().unwrap_or_else(|| Arc::new(Ok(Vec::new())))
}
