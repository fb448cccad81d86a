//! Finds MetalLB in the cluster and reads its objects: where it is, which version, with which settings.

use std::sync::Arc;

use rhai::NativeCallContext;
use serde_json::Value;

use super::cluster_facts::{ask, asked, came, listed, metallb_namespace, of, of_bgp, of_metallb, rest_of_metallb};
use super::instead;
use super::service::unknown_namespace;
use crate::analysis::announcement::{bgp_advertisements, pool};
use crate::analysis::read::{metallb as read_metallb, objects, text};
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::side_by_side;
use crate::model::kubernetes::{Node, Pod, Workload};
use crate::model::metallb::Metallb;
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::model::text::one_line;
use crate::words::session::{Answer, Listed, Run, Stop};

/// Labels of speakers: the manifests' and the operator's, the chart's, and a vendor's.
const SPEAKER_LABELS: [&str; 3] = ["component=speaker", "app.kubernetes.io/component=speaker", "app=speaker"];

/// The cluster's nodes, kept for whoever has to reach one.
///
/// # Errors
/// When the run ends.
pub fn nodes(run: &Run, context: &NativeCallContext) -> Answer<Arc<Vec<Node>>> {
    let listed = listed(run, "nodes");
    match &*listed {
        Ok(list) => {
            let mut state = run.state();
            // Every announcement of a sweep holds them; there is one copy for all.
            if !state.all_nodes.as_ref().is_some_and(|(of, _)| Arc::ptr_eq(of, &listed)) {
                let nodes: Vec<Node> = list.iter().map(objects::node).collect();
                state.nodes = nodes.iter().map(|node| (node.name.clone(), node.clone())).collect();
                state.all_nodes = Some((Arc::clone(&listed), Arc::new(nodes)));
            }
            Ok(state.all_nodes.as_ref().map(|(_, nodes)| Arc::clone(nodes)).unwrap_or_default())
        }
        Err(error) => {
            run.failed_look(
                context,
                error,
                Subject::Api("nodes".to_owned()),
                "which nodes may announce, and at which address they are reached",
            )?;
            // Those that came can be reached. An election among them could have another winner than that among all.
            let came: Vec<Node> = came(run, "nodes").iter().map(objects::node).collect();
            run.state().nodes = came.into_iter().map(|node| (node.name.clone(), node)).collect();
            Ok(Arc::default())
        }
    }
}

/// MetalLB's parts and objects as far as they concern the Service. The lists of `cluster_facts::questions` have been asked; what only
/// those of `cluster_facts::rest` tell is `None` as long as they were not.
///
/// # Errors
/// When the run ends.
pub fn metallb(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Metallb> {
    let searched = find(run, context)?;
    let namespace = metallb_namespace(run);
    let pods = listed(run, "metallb-pods");
    for error in searched.as_ref().err().into_iter().chain((*pods).as_ref().err()) {
        run.failed_look(context, error, Subject::Namespace(namespace.clone()), "which speakers run, and where")?;
    }
    let (all_pods, speakers) = all_pods(run, &pods);
    let version = speakers.iter().chain(&*all_pods).flat_map(|pod| &pod.containers).find_map(|container| version_of(&container.image));
    // A digest in place of a tag tells nothing; the chart's label does.
    let version = version.or_else(|| speakers.iter().find_map(|pod| plain_version(pod.labels.get("app.kubernetes.io/version")?)));
    let mut metallb = Metallb {
        controllers: all_pods.iter().filter(|pod| part(pod, "controller")).cloned().collect(),
        workloads: workloads(run, context)?,
        pools: read(run, context, "pools", "which pool holds the address", read_metallb::pool)?,
        l2_advertisements: read(run, context, "l2advertisements", "which layer 2 advertisements exist", read_metallb::advertisement)?,
        bgp_advertisements: read(run, context, "bgpadvertisements", "which BGP advertisements exist", read_metallb::advertisement)?,
        l2_statuses: of_service(run, context, service, "l2statuses", "what ServiceL2Status says", read_metallb::l2_status)?,
        events: if asked(run, &of(service, "events")) {
            read(run, context, &of(service, "events"), "what the Service's events say", objects::event)?
        } else {
            None
        },
        speakers_read: pods.is_ok() && searched.is_ok(),
        namespace,
        version,
        speakers,
        ..Metallb::default()
    };
    if metallb.speakers_read && metallb.speakers.is_empty() && metallb.controllers.is_empty() && instead::kinds_are_unknown(run) {
        metallb.instead = Some(instead::read(run, context, service)?);
    }
    if !bgp_advertisements(service, &metallb, pool(service, &metallb)).is_empty() {
        ask(run, &of_bgp(&metallb.namespace, service));
        metallb.peers = read(run, context, "bgppeers", "with which routers the speakers talk BGP", read_metallb::peer)?;
        metallb.bgp_statuses = of_service(run, context, service, "bgpstatuses", "what ServiceBGPStatus says", read_metallb::bgp_status)?;
        metallb.session_states = read(run, context, "bgpsessionstates", "what FRR-K8s says of its sessions", read_metallb::session_state)?;
    }
    Ok(metallb)
}

/// MetalLB's pods, and the speakers among them: read once for all who hold them.
fn all_pods(run: &Run, listed: &Listed) -> (Arc<Vec<Pod>>, Arc<Vec<Pod>>) {
    let known = run.state().metallb_pods.clone().filter(|(of, ..)| Arc::ptr_eq(of, listed));
    if let Some((_, all, speakers)) = known {
        return (all, speakers);
    }
    let all: Vec<Pod> = came(run, "metallb-pods").iter().map(objects::pod).collect();
    let speakers: Vec<Pod> = all.iter().filter(|pod| is_speaker(run, pod)).cloned().collect();
    let (all, speakers) = (Arc::new(all), Arc::new(speakers));
    run.state().metallb_pods = Some((Arc::clone(listed), Arc::clone(&all), Arc::clone(&speakers)));
    (all, speakers)
}

/// Looks for MetalLB elsewhere when it is not in its usual namespace: by the labels of its speakers, and by its own objects, which it
/// reads from its own namespace only.
///
/// # Errors
/// Ends the run when the site file names a namespace that is not MetalLB's: of what would be read there nothing is true. The inner error
/// says that it was not found, and that one of the looks failed that could have shown it.
fn find(run: &Run, context: &NativeCallContext) -> Answer<Result<(), EvidenceError>> {
    let pods = listed(run, "metallb-pods");
    if let Some((_, ended)) = run.state().metallb_sought.clone().filter(|(of, _)| Arc::ptr_eq(of, &pods)) {
        return Ok(ended);
    }
    let ended = seek(run, context, &pods)?;
    run.state().metallb_sought = Some((pods, ended.clone()));
    Ok(ended)
}

fn seek(run: &Run, context: &NativeCallContext, pods: &Listed) -> Answer<Result<(), EvidenceError>> {
    let here = matches!(&**pods, Ok(list) if list.iter().map(objects::pod).any(|pod| is_speaker(run, &pod) || part(&pod, "controller")));
    if here || pods.is_err() || run.state().metallb_namespace.is_some() {
        return Ok(Ok(()));
    }
    let mut queries: Vec<ListQuery> =
        SPEAKER_LABELS.iter().map(|labels| ListQuery::everywhere(Kind::core("pods")).labels(*labels)).collect();
    queries.push(ListQuery::everywhere(Kind::metallb("ipaddresspools")));
    let mut namespaces: Vec<String> = Vec::new();
    let mut failed = None;
    for (index, found) in side_by_side(&queries, |query| run.evidence.cluster.list(query)).into_iter().enumerate() {
        let by_label = index < SPEAKER_LABELS.len();
        let found = found.unwrap_or_else(|error| List { objects: Vec::new(), lacks: Some(error) });
        // A cluster without this kind has no MetalLB, and an older recording was not asked.
        failed = failed.or(found.lacks.filter(|error| !matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotRecorded)));
        for object in found.objects {
            // Other programs have speakers too.
            if by_label && !is_speaker(run, &objects::pod(&object)) {
                continue;
            }
            let namespace = text(&object, "/metadata/namespace");
            if !namespaces.contains(&namespace) {
                namespaces.push(namespace);
            }
        }
    }
    if let Some(named) = &run.site.metallb.namespace {
        let elsewhere = namespaces.iter().find(|namespace| *namespace != named).filter(|_| !namespaces.contains(named));
        let why = elsewhere.map(|found| format!("MetalLB is in the namespace {found}, and not in {}", one_line(named)));
        return match why.or_else(|| unknown_namespace(run, named)) {
            Some(why) => Err(run.end(context, Stop::Usage(format!("{why}; the site file names it (metallb.namespace)")))),
            None => Ok(failed.map_or(Ok(()), Err)),
        };
    }
    let Some(namespace) = namespaces.into_iter().next() else { return Ok(failed.map_or(Ok(()), Err)) };
    run.fact(format!("MetalLB is in the namespace {namespace}"));
    let mut again = of_metallb(&namespace);
    again.extend(rest_of_metallb(&namespace).into_iter().filter(|(name, _)| asked(run, name)));
    let mut state = run.state();
    state.metallb_namespace = Some(namespace);
    state.lists.retain(|name, _| name == "nodes" || !again.iter().any(|(other, _)| other == name));
    drop(state);
    ask(run, &again);
    Ok(Ok(()))
}

/// What the cluster wants of MetalLB's own workloads. `None` when one of the lists was not asked for or could not be read.
fn workloads(run: &Run, context: &NativeCallContext) -> Answer<Option<Vec<Workload>>> {
    let mut all = Vec::new();
    for (kind, name, undecided) in [
        ("Deployment", "deployments", "whether MetalLB's controller is wanted and runs"),
        ("DaemonSet", "daemonsets", "whether all of MetalLB's speakers run"),
    ] {
        if !asked(run, name) {
            return Ok(None);
        }
        match &*listed(run, name) {
            Ok(list) => all.extend(list.iter().map(|value| objects::workload(kind, value))),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotRecorded) => return Ok(None),
            Err(error) => {
                run.failed_look(context, error, Subject::Api(name.to_owned()), undecided)?;
                return Ok(None);
            }
        }
    }
    Ok(Some(all))
}

/// A list read into the model; a kind that the cluster does not know is an empty list, because then there is none.
fn read<T>(run: &Run, context: &NativeCallContext, name: &str, undecided: &str, each: fn(&Value) -> T) -> Answer<Option<Vec<T>>> {
    match &*listed(run, name) {
        Ok(list) => Ok(Some(list.iter().map(each).collect())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => {
            run.failed_look(context, error, Subject::Api(name.to_owned()), undecided)?;
            Ok(None)
        }
    }
}

/// As `read`, of the Service's own list; another namespace may have a Service of the same name.
fn of_service<T>(
    run: &Run,
    context: &NativeCallContext,
    service: &Service,
    name: &str,
    undecided: &str,
    each: fn(&Value) -> T,
) -> Answer<Option<Vec<T>>> {
    let ours = |object: &&Value| {
        let label = text(object, "/metadata/labels/metallb.io~1service-namespace");
        let namespace = if label.is_empty() { text(object, "/metadata/namespace") } else { label };
        namespace == service.namespace
    };
    match &*listed(run, &of(service, name)) {
        Ok(list) => Ok(Some(list.iter().filter(ours).map(each).collect())),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Some(Vec::new())),
        Err(error) => {
            run.failed_look(context, error, Subject::Api(name.to_owned()), undecided)?;
            Ok(None)
        }
    }
}

/// Whether a pod is a speaker: by the site's labels, otherwise by its own variables, labels or image.
#[must_use]
pub fn is_speaker(run: &Run, pod: &Pod) -> bool {
    if let Some(labels) = &run.site.metallb.speaker_labels {
        return labels
            .split(',')
            .all(|pair| pair.split_once('=').is_some_and(|(key, value)| pod.labels.get(key).map(String::as_str) == Some(value)));
    }
    // Every flavour of a speaker has this variable, whatever its labels are.
    pod.containers.iter().any(|container| container.env.contains_key("METALLB_NODE_NAME")) || part(pod, "speaker")
}

/// Whether a pod is that part of MetalLB: by label as the manifests, the chart and the operator give it, or by container and image.
fn part(pod: &Pod, part: &str) -> bool {
    let labelled = ["component", "app.kubernetes.io/component"].iter().any(|key| pod.labels.get(*key).map(String::as_str) == Some(part));
    let metallbs = pod.labels.values().any(|value| value.contains("metallb"))
        || pod.containers.iter().any(|container| container.image.contains("metallb"));
    (labelled && metallbs) || pod.containers.iter().any(|container| container.image.contains("metallb") && container.image.contains(part))
}

/// `quay.io/metallb/speaker:v0.15.2` gives `0.15.2`.
fn version_of(image: &str) -> Option<String> {
    if !image.contains("metallb") && !image.contains("speaker") {
        return None;
    }
    plain_version(image.split('@').next()?.rsplit_once(':')?.1)
}

/// `v0.15.2` gives `0.15.2`; MetalLB has no other major version, and what is none of its versions tells nothing.
fn plain_version(text: &str) -> Option<String> {
    let text = text.trim_start_matches('v');
    (text.starts_with("0.") && text.split('.').count() >= 3).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn versions_are_read_from_tags_alone() {
        assert_eq!(version_of("quay.io/metallb/speaker:v0.15.2").as_deref(), Some("0.15.2"));
        assert_eq!(version_of("registry.example:5000/metallb-speaker:0.14.9-debian-12-r3").as_deref(), Some("0.14.9-debian-12-r3"));
        assert_eq!(version_of("quay.io/metallb/speaker:v0.13.12@sha256:0123").as_deref(), Some("0.13.12"));
        for none in
            ["quay.io/metallb/speaker@sha256:0123", "quay.io/metallb/speaker:main", "registry.example:5000/metallb/speaker", "nginx:0.15.2"]
        {
            assert_eq!(version_of(none), None, "{none}");
        }
    }
}
