//! `pod_netns_capture(pod, options)`: a bounded capture inside a pod's network namespace.

use std::sync::Arc;

use rhai::{Engine, ImmutableString, Map, NativeCallContext};

use super::node_capture::{Options, Point, begin, service_filter};
use super::reference::Word;
use super::run::{Answer, Run};
use crate::evidence::capture::filter;
use crate::model::endpoint::Target;
use crate::model::place::Place;

pub const WORD: Word = Word {
    name: "pod_netns_capture",
    capability: "pod.capture",
    signature: "pod_netns_capture(pod, #{ service, target, … }) -> Capture",
    meaning: "A bounded capture in the network namespace of one of the target's pods, entered on its node by its container's process and believed only when it holds the pod's address. A pod on the host's network is captured on its node.",
    register,
};

fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("pod_netns_capture", move |context: NativeCallContext, pod: ImmutableString, options: Map| -> Answer<Point> {
        run.allow(&context, WORD.name, WORD.capability)?;
        let options = Options::read(&context, options)?;
        let (Some(service), Some(target)) = (&options.service, &options.target) else {
            return Err(Run::refuse(&context, "pod_netns_capture needs `service` and `target`"));
        };
        let Some(place) = place(&run, &target.0, &pod) else {
            return Err(Run::refuse(&context, format!("the target has no pod {pod} that runs on a node")));
        };
        let filter = match (&options.filter, &place) {
            (Some(filter), _) => filter.clone(),
            (None, Place::Host(_)) => service_filter(&context, &service.0, &target.0)?,
            (None, Place::Pod { ips, .. }) => {
                let endpoint = target.0.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod.as_str()));
                let ip = endpoint.map(|endpoint| endpoint.ip).or_else(|| ips.first().copied());
                let port = endpoint.and_then(|endpoint| endpoint.port).unwrap_or(target.0.port.port);
                let Some(ip) = ip else { return Err(Run::refuse(&context, format!("pod {pod} has no address"))) };
                filter::pod_flow(ip, port, target.0.port.protocol)
            }
        };
        Ok(begin(&run, place, filter, &options))
    });
}

/// The place of a pod: its own namespace, or its node's when it is on the host's network.
#[must_use]
pub fn place(run: &Run, target: &Target, name: &str) -> Option<Place> {
    let pod = target.pod(name)?;
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
