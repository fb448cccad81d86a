//! `find_announcer(service)`: who announces the address, who should, and which source says what.

use std::sync::Arc;

use rhai::{Engine, NativeCallContext};
use serde_json::{Value, json};

use super::address_facts;
use super::cluster_facts::{ask, listed, metallb_namespace, questions};
use super::fact::{Fact, Fields};
use super::reference::Word;
use super::resolve_target_port;
use super::run::{Answer, Run};
use crate::analysis::announcement::announcement;
use crate::analysis::configuration_log::ConfigurationFold;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::analysis::speaker_log::Fold;
use crate::evidence::cluster::{Keep, Kind, ListQuery, LogQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::side_by_side;
use crate::model::announcement::{Agreement, Announcement, SpeakerLog};
use crate::model::finding::Gap;
use crate::model::kubernetes::{Node, Pod};
use crate::model::metallb::{Metallb, Reader};
use crate::model::service::Service;

pub const WORD: Word = Word {
    name: "find_announcer",
    capability: "cluster.read",
    signature: "find_announcer(service) -> Announcement: address, protocol, node, nodes, expected, candidates, excluded, sources, agreement",
    meaning: "Who announces the address and who should. It never believes one source: status objects, speaker logs and events are each read, and the election is computed as MetalLB does.",
    register,
};

impl Fields for Announcement {
    const COMPUTED: &'static [&'static str] = &["node"];

    fn field(&self, name: &str) -> Option<Value> {
        (name == "node").then(|| self.nodes.first().map_or(Value::Null, |node| json!(node)))
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<Announcement>(engine, "Announcement");
    let run = Arc::clone(run);
    engine.register_fn("find_announcer", move |context: NativeCallContext, service: Fact<Service>| find(&run, &context, &service.0));
}

fn find(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Fact<Announcement>> {
    run.allow(context, WORD.name, WORD.capability)?;
    ask(run, &questions(run, service));
    let nodes = nodes(run, context)?;
    let mut metallb = metallb(run, context, service)?;
    address_facts::add(run, context, service, &mut metallb)?;
    let target = match service.ports.first() {
        Some(port) => Some(resolve_target_port::read(run, context, service, port)?),
        None => None,
    };
    let (logs, unread) = logs(run, context, service, &mut metallb)?;
    let found = announcement(service, target.as_ref(), nodes, metallb, logs, unread);
    tell(run, &found);
    Ok(Fact::new(found))
}

fn nodes(run: &Run, context: &NativeCallContext) -> Answer<Vec<Node>> {
    match &*listed(run, "nodes") {
        Ok(list) => {
            let nodes: Vec<Node> = list.iter().map(objects::node).collect();
            run.state().nodes = nodes.iter().map(|node| (node.name.clone(), node.clone())).collect();
            Ok(nodes)
        }
        Err(error) => {
            run.failed_look(context, error, "nodes", "which nodes may announce, and at which address they are reached")?;
            Ok(Vec::new())
        }
    }
}

fn metallb(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Metallb> {
    let mut namespace = metallb_namespace(run);
    let mut pods = listed(run, "metallb-pods");
    if matches!(&*pods, Ok(list) if list.is_empty()) && run.site.metallb.namespace.is_none() {
        // Not where it usually is: look for speakers by the labels that the manifests, the chart and others give them.
        let selectors = ["component=speaker", "app.kubernetes.io/component=speaker", "app=speaker"];
        for found in
            side_by_side(&selectors, |labels| run.evidence.cluster.list(&ListQuery::everywhere(Kind::core("pods")).labels(*labels)))
        {
            if let Ok(list) = found
                && let Some(first) = list.first()
            {
                namespace = crate::analysis::read::text(first, "/metadata/namespace");
                run.fact(format!("MetalLB is in the namespace {namespace}"));
                let again: Vec<_> = super::cluster_facts::questions(run, service)
                    .into_iter()
                    .filter(|(name, _)| !["slices", "nodes", "pods", "services", "events", "l2statuses"].contains(name))
                    .map(|(name, query)| (name, ListQuery { namespace: Some(namespace.clone()), ..query }))
                    .collect();
                run.state().lists.retain(|name, _| !again.iter().any(|(other, _)| other == name));
                ask(run, &again);
                pods = listed(run, "metallb-pods");
                break;
            }
        }
    }
    let all: Option<Vec<Pod>> = (*pods).as_ref().ok().map(|list| list.iter().map(objects::pod).collect());
    if let Err(error) = &*pods {
        run.failed_look(context, error, &format!("namespace {namespace}"), "which speakers run, and where")?;
    }
    let all_pods = all.clone().unwrap_or_default();
    let speakers: Vec<Pod> = all_pods.iter().filter(|pod| is_speaker(run, pod)).cloned().collect();
    let version = speakers.iter().chain(&all_pods).flat_map(|pod| &pod.containers).find_map(|container| version_of(&container.image));
    Ok(Metallb {
        controllers: all_pods.iter().filter(|pod| part(pod, "controller")).cloned().collect(),
        workloads: workloads(run),
        pools: read(run, context, "pools", "which pool holds the address", read_metallb::pool)?,
        l2_advertisements: read(run, context, "l2advertisements", "which layer 2 advertisements exist", read_metallb::advertisement)?,
        bgp_advertisements: read(run, context, "bgpadvertisements", "which BGP advertisements exist", read_metallb::advertisement)?,
        l2_statuses: read(run, context, "l2statuses", "what ServiceL2Status says", read_metallb::l2_status)?,
        events: read(run, context, "events", "what the Service's events say", objects::event)?,
        speakers_read: all.is_some(),
        namespace,
        version,
        speakers,
        ..Metallb::default()
    })
}

fn workloads(run: &Run) -> Option<Vec<crate::model::kubernetes::Workload>> {
    let (deployments, daemon_sets) = (listed(run, "deployments"), listed(run, "daemonsets"));
    let deployments = (*deployments).as_ref().ok()?;
    let daemon_sets = (*daemon_sets).as_ref().ok()?;
    let all = deployments
        .iter()
        .map(|value| objects::workload("Deployment", value))
        .chain(daemon_sets.iter().map(|value| objects::workload("DaemonSet", value)));
    Some(all.collect())
}

/// A list read into the model; a kind that the cluster does not know is an empty list, because then there is none.
fn read<T>(run: &Run, context: &NativeCallContext, name: &str, undecided: &str, each: fn(&Value) -> T) -> Answer<Option<Vec<T>>> {
    match &*listed(run, name) {
        Ok(list) => Ok(Some(list.iter().map(each).collect())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => {
            run.failed_look(context, error, name, undecided)?;
            Ok(None)
        }
    }
}

fn is_speaker(run: &Run, pod: &Pod) -> bool {
    if let Some(labels) = &run.site.metallb.speaker_labels {
        return labels
            .split(',')
            .all(|pair| pair.split_once('=').is_some_and(|(key, value)| pod.labels.get(key).map(String::as_str) == Some(value)));
    }
    part(pod, "speaker")
}

/// Whether a pod is that part of MetalLB: by label as the manifests, the chart and the operator give it, or by container and image.
fn part(pod: &Pod, part: &str) -> bool {
    ["component", "app.kubernetes.io/component", "app"].iter().any(|key| pod.labels.get(*key).map(String::as_str) == Some(part))
        || pod.containers.iter().any(|container| container.image.contains("metallb") && container.image.contains(part))
}

/// `quay.io/metallb/speaker:v0.15.2` gives `0.15.2`.
fn version_of(image: &str) -> Option<String> {
    if !image.contains("metallb") && !image.contains("speaker") {
        return None;
    }
    let tag = image.split('@').next()?.rsplit_once(':')?.1.trim_start_matches('v');
    tag.starts_with("0.").then(|| tag.to_owned())
}

/// Every speaker's log, folded for the address, side by side.
fn logs(run: &Run, context: &NativeCallContext, service: &Service, metallb: &mut Metallb) -> Answer<(Vec<SpeakerLog>, Vec<String>)> {
    let Some(address) = service.addresses.first().copied() else { return Ok((Vec::new(), Vec::new())) };
    let live: Vec<&Pod> = metallb.speakers.iter().filter(|pod| pod.phase == "Running" && !pod.terminating && pod.node.is_some()).collect();
    let answers = side_by_side(&live, |pod| {
        let node = pod.node.clone().unwrap_or_default();
        let container = speaker_container(pod);
        let query = LogQuery { namespace: pod.namespace.clone(), pod: pod.name.clone(), container, previous: false };
        let mut fold = Fold::new(&pod.name, &node, address);
        let mut configuration = ConfigurationFold::new(Reader::Speaker(node.clone()), &pod.name);
        let read = run
            .evidence
            .cluster
            .read_log(&query, &mut |line| if fold.line(line) | configuration.line(line) { Keep::Yes } else { Keep::No });
        (node, fold.finish(), configuration.finish(), read)
    });
    let mut folded = Vec::new();
    let mut unread = Vec::new();
    for (node, log, word, read) in answers {
        metallb.configuration.extend(word);
        match read {
            Ok(()) => folded.push(log),
            Err(error) => {
                log_unread(run, context, &node, &log.pod, &error)?;
                unread.push(node);
            }
        }
    }
    Ok((folded, unread))
}

fn log_unread(run: &Run, context: &NativeCallContext, node: &str, pod: &str, error: &EvidenceError) -> Answer<()> {
    if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable) {
        return run.failed_look(context, error, pod, "");
    }
    run.gap(Gap::new(
        "evidence/log-unreadable",
        format!("pod {pod} on {node}"),
        error.to_string(),
        format!("whether {node} announces, as far as only its log could tell"),
    ));
    Ok(())
}

/// The container that is the speaker itself: in FRR mode the pod's first one is not.
fn speaker_container(pod: &Pod) -> String {
    let named = pod.containers.iter().find(|container| container.name == "speaker" || container.name == "metallb-speaker");
    named
        .or_else(|| pod.containers.iter().find(|container| container.image.contains("speaker")))
        .or_else(|| pod.containers.first())
        .map(|container| container.name.clone())
        .unwrap_or_default()
}

fn tell(run: &Run, found: &Announcement) {
    let Some(address) = found.address else {
        run.fact("the Service has no address, so nobody can announce one");
        return;
    };
    run.fact(match found.agreement {
        Agreement::Agree => format!("{address} is announced by {} ({})", found.nodes.join(", "), found.protocol),
        Agreement::Several => format!("{address} is announced by several nodes: {}", found.nodes.join(", ")),
        Agreement::Conflict => format!("the sources disagree about who announces {address}"),
        Agreement::None => format!("no node announces {address}"),
        Agreement::Unknown => format!("who announces {address} is not certain: {} could not be read", found.unread.join(", ")),
    });
    if let Some(expected) = &found.expected {
        run.fact(format!("by MetalLB's election it should be {expected}, of {}", found.candidates.join(", ")));
    }
    for source in &found.sources {
        run.fact(format!("{}: {}{}", source.kind, source.detail, if source.trusted { "" } else { " (not to be relied on)" }));
    }
    for excluded in &found.excluded {
        run.fact(format!("{} takes no part: it {}", excluded.node, excluded.reason));
    }
}
