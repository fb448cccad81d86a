//! Whether MetalLB's controller runs at all.

use crate::analysis::judge::case::found;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::kubernetes::{Pod, Workload};
use crate::model::metallb::Metallb;
use crate::model::subject::Subject;

/// The controller is scaled to 0, crashes, is not ready, or does not exist. Nothing when that could not be read.
pub(super) fn down(metallb: &Metallb) -> Option<Finding> {
    let pods: Vec<&Pod> = metallb.controllers.iter().filter(|pod| !only_webhook(pod)).collect();
    if pods.iter().any(|pod| pod.ready && !pod.terminating) {
        return None;
    }
    let deployments: Vec<&Workload> = metallb.workloads.iter().flatten().filter(|workload| workload.kind == "Deployment").collect();
    let deployment = deployments
        .iter()
        .find(|deployment| pods.iter().any(|pod| pod.workload() == deployment.name))
        .or_else(|| deployments.iter().find(|deployment| deployment.name == "controller" || deployment.name.ends_with("-controller")));
    let Some(deployment) = deployment else { return missing(metallb, &pods) };
    // Pods of that name that carry other labels may work all the same: without any pod seen, the Deployment's count decides.
    if !metallb.speakers_read || (pods.is_empty() && deployment.ready > 0) {
        return None;
    }
    let mut culprits = vec![Subject::workload(&deployment.namespace, &deployment.name)];
    culprits.extend(pods.iter().map(|pod| Subject::pod(&pod.namespace, &pod.name)));
    let mut evidence =
        vec![format!("Deployment {}/{}: {} of {} ready", deployment.namespace, deployment.name, deployment.ready, deployment.desired)];
    evidence.extend(pods.iter().map(|pod| format!("pod {}: {}", pod.name, why(pod))));
    let summary = if deployment.desired == 0 {
        "MetalLB's controller is scaled to 0, so that nobody gives addresses".to_owned()
    } else if let Some(pod) = pods.iter().find(|pod| !pod.terminating) {
        format!("MetalLB's controller does not run ({}), so that nobody gives addresses", why(pod))
    } else {
        "MetalLB's controller has no pod, so that nobody gives addresses".to_owned()
    };
    Some(found(names::ADDRESS_CONTROLLER_DOWN, culprits, summary, evidence))
}

/// It chose an address and could not write it: the API refuses, and no later try succeeded.
pub(super) fn unhealthy(metallb: &Metallb) -> Option<Finding> {
    let log = metallb.controller_log.as_ref()?;
    let (at, error) = log.write_failed.as_ref()?;
    let pod = metallb.controllers.iter().find(|pod| pod.name == log.pod)?;
    if terse(&[pod]) {
        // Such a log does not say when it went well again.
        return None;
    }
    Some(found(
        names::ADDRESS_CONTROLLER_UNHEALTHY,
        vec![Subject::workload(&pod.namespace, &pod.workload()), Subject::pod(&pod.namespace, &pod.name)],
        format!("MetalLB's controller cannot write the Service's address into its status: {error}"),
        vec![format!("log of {} ({at}): {error}", log.pod)],
    ))
}

/// Whether these pods log warnings and errors only.
pub(super) fn terse(pods: &[&Pod]) -> bool {
    pods.iter()
        .flat_map(|pod| &pod.containers)
        .flat_map(|container| &container.args)
        .any(|arg| ["log-level=warn", "log-level=error", "log-level=none"].contains(&arg.trim_start_matches('-')))
}

/// Deployments and pods were read, MetalLB's speakers are among them, and none is a controller.
fn missing(metallb: &Metallb, pods: &[&Pod]) -> Option<Finding> {
    let here = !metallb.speakers.is_empty() || metallb.workloads.iter().flatten().any(|workload| workload.kind == "DaemonSet");
    if metallb.workloads.is_none() || !metallb.speakers_read || !pods.is_empty() || !here {
        return None;
    }
    let namespace = &metallb.namespace;
    Some(found(
        names::ADDRESS_CONTROLLER_DOWN,
        vec![Subject::workload(namespace, "controller")],
        format!("the namespace {namespace} has no controller of MetalLB's, so that nobody gives addresses"),
        vec![format!("neither a Deployment nor a pod in {namespace} is MetalLB's controller")],
    ))
}

fn why(pod: &Pod) -> String {
    if pod.terminating {
        return "it is terminating".to_owned();
    }
    let restarts = pod.containers.iter().map(|container| container.restarts).max().unwrap_or_default();
    let reason = if pod.not_ready_because.is_empty() { "it is not ready" } else { &pod.not_ready_because };
    if restarts == 0 { reason.to_owned() } else { format!("{reason}; restarted {restarts} times") }
}

/// A controller that answers webhooks and gives no addresses (`--webhook-mode=onlywebhook`).
fn only_webhook(pod: &Pod) -> bool {
    pod.containers.iter().flat_map(|container| &container.args).any(|arg| arg.trim_start_matches('-') == "webhook-mode=onlywebhook")
}
