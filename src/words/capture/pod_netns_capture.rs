//! `pod_netns_capture(pod, options)`: a bounded capture inside a pod's network namespace.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::capture_options::{Options, needs_filter, service_filter};
use super::node_capture::{Point, begin};
use crate::analysis::read::objects;
use crate::evidence::capture::filter;
use crate::evidence::cluster::{Kind, ObjectQuery};
use crate::evidence::error::EvidenceError;
use crate::model::endpoint::Target;
use crate::model::kubernetes::Pod;
use crate::model::place::Place;
use crate::words::manual::capture::POD_NETNS_CAPTURE as WORD;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("pod_netns_capture", move |context: NativeCallContext, pod: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&run, &context, &WORD, options)?;
        let pod = named(&run, &context, &pod, &options)?;
        let Some(place) = place_of(&run, &pod) else {
            return Err(Run::refuse(&context, format!("pod {}/{} runs on no node", pod.namespace, pod.name)));
        };
        let filter = match (options.own_filter(), &options.service, &options.target) {
            (Some(filter), _, _) => filter,
            (None, Some(service), Some(target)) => match &place {
                Place::Host(_) => service_filter(&context, &service.0, &target.0)?,
                Place::Pod { ips, .. } => pod_filter(&context, &pod, ips, &target.0)?,
            },
            _ => return Err(needs_filter(&context, WORD.name)),
        };
        Ok(Point { about: about(&pod), ..begin(&run, place, filter, &options) })
    });
}

/// The pod that is meant: one of the target's, or one that is read now.
fn named(run: &Run, context: &NativeCallContext, text: &str, options: &Options) -> Answer<Pod> {
    let Some((namespace, name)) = text.split_once('/') else {
        let known = options.target.as_ref().and_then(|target| target.0.pod(text).cloned());
        return known
            .ok_or_else(|| Run::refuse(context, format!("the target has no pod {text}; any other pod is named as NAMESPACE/NAME")));
    };
    if let Some(pod) = options.target.as_ref().and_then(|target| target.0.pod(name)).filter(|pod| pod.namespace == namespace) {
        return Ok(pod.clone());
    }
    run.allow(context, WORD.name, "cluster.read")?;
    let query = ObjectQuery { kind: Kind::core("pods"), namespace: Some(namespace.to_owned()), name: name.to_owned() };
    let refused = |error: EvidenceError| Run::refuse(context, error.to_string());
    let object = run.evidence.cluster.get(&query).map_err(refused)?;
    object.as_ref().map(objects::pod).ok_or_else(|| Run::refuse(context, format!("there is no pod {text}")))
}

fn pod_filter(context: &NativeCallContext, pod: &Pod, ips: &[IpAddr], target: &Target) -> Answer<String> {
    let endpoint = target.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod.name.as_str()));
    let ip = endpoint.map(|endpoint| endpoint.ip).or_else(|| ips.first().copied());
    let port = endpoint.and_then(|endpoint| endpoint.port).unwrap_or(target.port.port);
    let Some(ip) = ip else { return Err(Run::refuse(context, format!("pod {} has no address", pod.name))) };
    Ok(filter::pod_flow(ip, port, target.port.protocol))
}

/// What explains a namespace that does not show itself.
fn about(pod: &Pod) -> String {
    match &pod.runtime_class {
        Some(class) => format!(
            "; the pod's RuntimeClass is {class}: a sandbox (gVisor, Kata) keeps the pod's network inside itself, so that its address is not seen from the node"
        ),
        None if pod.terminating => "; the pod is being deleted".to_owned(),
        None if pod.phase != "Running" => format!("; the pod is {}", pod.phase),
        None => String::new(),
    }
}

/// The place of one of the target's pods.
#[must_use]
pub fn place(run: &Run, target: &Target, name: &str) -> Option<Place> {
    place_of(run, target.pod(name)?)
}

/// The place of a pod: its own namespace, or its node's when it is on the host's network.
#[must_use]
pub fn place_of(run: &Run, pod: &Pod) -> Option<Place> {
    let host = run.node_host(pod.node.as_deref()?);
    if pod.host_network {
        return Some(Place::Host(host));
    }
    let container_ids: Vec<String> = pod
        .containers
        .iter()
        .filter(|container| container.running && !container.id.is_empty())
        .map(|container| container.id.clone())
        .collect();
    Some(Place::Pod { host, namespace: pod.namespace.clone(), name: pod.name.clone(), ips: pod.ips.clone(), container_ids })
}
