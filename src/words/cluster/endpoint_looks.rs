//! What is asked about endpoints only where they give reason: a second look, who holds an address, and why a pod is none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use rhai::NativeCallContext;
use serde_json::Value;

use super::cluster_facts::{Question, ask, keep, listed, of, pods as namespace_pods, questions};
use crate::analysis::read::objects;
use crate::analysis::target::{Surroundings, confirm, hold, near_misses, template, templates, unaccounted, unheld};
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::ErrorKind;
use crate::evidence::side_by_side::side_by_side;
use crate::model::endpoint::{DisagreementKind, Target, Template};
use crate::model::kubernetes::{Event, Node, Pod};
use crate::model::service::{Service, ServicePort};
use crate::words::session::{Answer, Run};

/// Waits before the further looks at slices and pods that disagree: usually they are one step apart, and agree a moment later.
const SECOND_LOOKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Pods whose events are asked for.
const MOST_PODS: usize = 4;

/// Warnings that the kubelet repeats for pods that are well.
const HARMLESS: [&str; 2] = ["MissingClusterDNS", "DNSConfigForming"];

/// Events that are kept for a pod.
const MOST_EVENTS: usize = 4;

/// Asks whatever the endpoints give reason to ask, and writes it into the target.
///
/// # Errors
/// When the run ends.
pub fn look(run: &Run, context: &NativeCallContext, service: &Service, port: &ServicePort, target: &mut Target) -> Answer<()> {
    again(run, context, service, port, target)?;
    let nodes: Vec<Node> = (*listed(run, "nodes")).as_ref().map(|list| list.iter().map(objects::node).collect()).unwrap_or_default();
    holders(run, context, service, target, nodes)?;
    if target.pods_read && target.slices_read && !service.selector.is_empty() {
        if target.serving().is_empty() {
            missed(run, context, service, target)?;
        }
        events(run, context, service, target)?;
    }
    Ok(())
}

/// Looks again while slices and pods disagree, and keeps the disagreements that stay.
fn again(run: &Run, context: &NativeCallContext, service: &Service, port: &ServicePort, target: &mut Target) -> Answer<()> {
    let names = [of(service, "slices"), of(service, "pods")];
    for wait in SECOND_LOOKS {
        // What somebody wrote by hand is no matter of a moment.
        if target.disagreements.iter().all(|one| one.kind == DisagreementKind::ForeignSlice) {
            return Ok(());
        }
        run.evidence.clock.wait(wait, &run.evidence.interrupt);
        let both: Vec<Question> = questions(run, service).into_iter().filter(|(name, _)| names.contains(name)).collect();
        let answers = side_by_side(&both, |(_, query)| run.evidence.cluster.list(query));
        for ((name, _), answer) in both.iter().zip(answers) {
            match answer.and_then(List::all) {
                Ok(list) => keep(run, name, Ok(List::whole(list))),
                Err(error) => {
                    // One look alone proves nothing: the two lists are of different moments.
                    target.disagreements.clear();
                    return run.failed_look(context, &error, service, "whether slices and pods still disagree");
                }
            }
        }
        let (earlier, family) = (std::mem::take(&mut target.disagreements), target.family);
        *target = super::target_of_port::computed(run, service, port);
        target.disagreements = confirm(&earlier, std::mem::take(&mut target.disagreements));
        target.family = family;
    }
    Ok(())
}

/// Looks up who holds the addresses that the selector does not account for.
fn holders(run: &Run, context: &NativeCallContext, service: &Service, target: &mut Target, nodes: Vec<Node>) -> Answer<()> {
    let mut around = Surroundings::of(nodes);
    let addresses = unaccounted(service, target, &around);
    let name = |ip: &IpAddr| format!("pods at {ip}");
    let all: Vec<Question> =
        addresses.iter().map(|ip| (name(ip), ListQuery::everywhere(Kind::core("pods")).fields(format!("status.podIP={ip}")))).collect();
    ask(run, &all);
    let mut looked_up: BTreeMap<IpAddr, Vec<Pod>> = BTreeMap::new();
    for ip in addresses {
        if let Some(list) = answer(run, context, service, &name(&ip), "who holds an endpoint's address")? {
            looked_up.insert(ip, list.iter().map(objects::pod).collect());
        }
    }
    if !unheld(target, &looked_up, &around).is_empty() {
        around = plugins(run, around);
    }
    hold(service, target, &looked_up, &around);
    Ok(())
}

/// What the usual network plugins tell of the pod networks. It only adds to the proof: a cluster without them, or one that does not
/// let them be read, leaves less proven and nothing undecided.
fn plugins(run: &Run, around: Surroundings) -> Surroundings {
    let all: Vec<Question> = vec![
        ("Calico's pools".to_owned(), ListQuery::everywhere(Kind::of("crd.projectcalico.org", "v1", "ippools"))),
        ("Cilium's nodes".to_owned(), ListQuery::everywhere(Kind::of("cilium.io", "v2", "ciliumnodes"))),
    ];
    ask(run, &all);
    let read = |question: &Question| (*listed(run, &question.0)).as_ref().cloned().unwrap_or_default();
    around.with_plugins(&read(&all[0]), &read(&all[1]))
}

/// The selector gives nothing that serves: what does it nearly match, what should give it pods, and are they in another namespace?
fn missed(run: &Run, context: &NativeCallContext, service: &Service, target: &mut Target) -> Answer<()> {
    let whole = format!("pods in {}", service.namespace);
    let mut all: Vec<Question> = vec![(whole.clone(), namespace_pods(service))];
    let kinds = [("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets")];
    let name = |plural: &str| format!("{plural} in {}", service.namespace);
    let none = target.pods.iter().all(Pod::finished);
    if none {
        all.extend(kinds.iter().map(|(_, plural)| (name(plural), ListQuery::within(Kind::of("apps", "v1", plural), &service.namespace))));
    }
    ask(run, &all);
    if let Some(list) = answer(run, context, service, &whole, "which pods the selector nearly matches")? {
        let pods: Vec<Pod> = list.iter().map(objects::pod).collect();
        target.near_misses = near_misses(service, &pods, target);
    }
    if !none {
        return Ok(());
    }
    let mut workloads = Vec::new();
    for (kind, plural) in kinds {
        let list = answer(run, context, service, &name(plural), "which workload should give the selector its pods")?;
        workloads.extend(list.iter().flatten().map(|value| template(kind, value)));
    }
    let (matched, near) = templates(&service.selector, workloads);
    target.templates = matched;
    target.near_misses.extend(near);
    for template in &mut target.templates {
        if template.desired > 0 && template.trouble.is_empty() {
            template.trouble = trouble(run, context, service, template)?;
        }
    }
    if target.near_misses.is_empty() && target.templates.is_empty() {
        target.elsewhere = elsewhere(run, context, service)?;
    }
    Ok(())
}

/// What a workload's own warnings say.
fn trouble(run: &Run, context: &NativeCallContext, service: &Service, template: &Template) -> Answer<String> {
    let warnings = warnings(run, context, service, &template.kind, &template.name)?;
    Ok(warnings.first().map(|event| format!("{}: {}", event.reason, event.message)).unwrap_or_default())
}

/// Other namespaces with pods that the selector would match.
fn elsewhere(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Vec<String>> {
    let name = of(service, "pods elsewhere");
    let labels = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    ask(run, &[(name.clone(), ListQuery::everywhere(Kind::core("pods")).labels(labels))]);
    let list = answer(run, context, service, &name, "whether pods with these labels are in another namespace")?.unwrap_or_default();
    let namespaces: BTreeSet<String> = list.iter().map(|value| objects::pod(value).namespace).collect();
    Ok(namespaces.into_iter().filter(|namespace| *namespace != service.namespace).collect())
}

/// The warnings of pods that are not ready: those of different reasons first.
fn events(run: &Run, context: &NativeCallContext, service: &Service, target: &mut Target) -> Answer<()> {
    let mut seen = BTreeSet::new();
    let waiting: Vec<&Pod> = target.pods.iter().filter(|pod| !pod.ready && !pod.terminating && !pod.finished()).collect();
    let (mut chosen, same): (Vec<&Pod>, Vec<&Pod>) = waiting.into_iter().partition(|pod| seen.insert(&pod.not_ready_because));
    chosen.extend(same);
    let names: Vec<String> = chosen.iter().take(MOST_PODS).map(|pod| pod.name.clone()).collect();
    let all: Vec<Question> = names.iter().map(|name| events_of(service, "Pod", name)).collect();
    ask(run, &all);
    for name in names {
        let found = warnings(run, context, service, "Pod", &name)?;
        target.pod_events.insert(name, found);
    }
    Ok(())
}

fn events_of(service: &Service, kind: &str, name: &str) -> Question {
    let query = ListQuery::within(Kind::core("events"), &service.namespace);
    (
        format!("events of {kind} {}/{name}", service.namespace),
        query.fields(format!("involvedObject.kind={kind},involvedObject.name={name}")),
    )
}

/// An object's warnings, newest first, one of each reason and message.
fn warnings(run: &Run, context: &NativeCallContext, service: &Service, kind: &str, name: &str) -> Answer<Vec<Event>> {
    let question = events_of(service, kind, name);
    let list_name = question.0.clone();
    ask(run, &[question]);
    let list = answer(run, context, service, &list_name, &format!("what the events of {kind} {name} say"))?.unwrap_or_default();
    let mut all: Vec<Event> =
        list.iter().map(objects::event).filter(|event| event.kind == "Warning" && !HARMLESS.contains(&event.reason.as_str())).collect();
    all.sort_by(|a, b| b.at.cmp(&a.at));
    let mut seen = BTreeSet::new();
    all.retain(|event| seen.insert((event.reason.clone(), event.message.clone())));
    all.truncate(MOST_EVENTS);
    Ok(all)
}

/// The answer to a list that was asked; a refusal is a gap, and a kind that the cluster lacks is an empty list.
fn answer(run: &Run, context: &NativeCallContext, service: &Service, name: &str, undecided: &str) -> Answer<Option<Vec<Value>>> {
    match &*listed(run, name) {
        Ok(list) => Ok(Some(list.clone())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => {
            run.failed_look(context, error, service, undecided)?;
            Ok(None)
        }
    }
}
