//! Nodes without SSH: our scripts run in a privileged pod that somebody else has put on each node, by the API's exec.
//! Nothing is created in the cluster.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess, ListParams};
use kube::{Api, Client};

use super::standing::Standing;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::site::{PodTools, PodVia};
use crate::model::place::Host;

const ENTER: &str = include_str!("../scripts/enter-node.sh");
/// How long the list of these pods may take, and again the start of a command in one.
const LIMIT: Duration = Duration::from_secs(10);
/// What is held of a stream until somebody reads it, bytes.
const BUFFER: usize = 256 * 1024;

/// Node name to its pod, or the reason why there is no list.
type Found = Shared<BoxFuture<'static, Result<Arc<HashMap<String, Candidate>>, EvidenceError>>>;

/// The pods through which nodes are looked at.
pub(super) struct Pods {
    client: Client,
    via: PodVia,
    found: Found,
}

/// A node's pod, or why it will not do.
type Candidate = Result<String, String>;

impl Pods {
    /// Asks nothing yet.
    pub(super) fn new(client: Client, via: &PodVia) -> Self {
        let found = list(client.clone(), via.clone()).boxed().shared();
        Self { client, via: via.clone(), found }
    }

    /// The way to a node. The pods of all nodes are asked for once.
    pub(super) async fn link(&self, host: &Host) -> Result<PodLink, EvidenceError> {
        let found = self.found.clone().await?;
        let PodVia { namespace, labels, .. } = &self.via;
        let unreachable = |reason: String| {
            EvidenceError::new(ErrorKind::HostUnreachable, format!("reach {} by a pod", host.name), reason)
                .hint("via.pod in the site file names pods that run on every node, privileged and with hostPID")
        };
        let name = match found.get(&host.name) {
            Some(Ok(name)) => name.clone(),
            Some(Err(reason)) => return Err(unreachable(reason.clone())),
            None => return Err(unreachable(format!("no pod with {labels} in {namespace} runs there"))),
        };
        let user = format!("{namespace}/{name}");
        Ok(PodLink {
            client: self.client.clone(),
            via: self.via.clone(),
            pod: name,
            standing: Standing::new(&host.name, &user, Arc::default()),
        })
    }
}

async fn list(client: Client, via: PodVia) -> Result<Arc<HashMap<String, Candidate>>, EvidenceError> {
    let operation = format!("list pods with {} in {}", via.labels, via.namespace);
    let pods: Api<Pod> = Api::namespaced(client, &via.namespace);
    let asked = ListParams::default().labels(&via.labels);
    let listed = match tokio::time::timeout(LIMIT, pods.list(&asked)).await {
        Err(_) => return Err(EvidenceError::new(ErrorKind::TimedOut, operation, format!("no answer within {} s", LIMIT.as_secs()))),
        Ok(Err(error)) => return Err(api_error(&operation, &error)),
        Ok(Ok(listed)) => listed,
    };
    let mut by_node: HashMap<String, Candidate> = HashMap::new();
    for pod in listed {
        let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) else { continue };
        let candidate = judged(&pod, &via);
        // Of several, one that will do.
        if by_node.get(&node).is_none_or(Result::is_err) {
            by_node.insert(node, candidate);
        }
    }
    Ok(Arc::new(by_node))
}

/// Whether a node can be looked at out of this pod.
fn judged(pod: &Pod, via: &PodVia) -> Candidate {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let refused = |reason: String| Err(format!("its pod {}/{name} {reason}", via.namespace));
    let spec = pod.spec.as_ref();
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("unknown");
    if phase != "Running" || pod.metadata.deletion_timestamp.is_some() {
        return refused(format!("is not running ({phase})"));
    }
    if spec.and_then(|spec| spec.host_pid) != Some(true) {
        return refused("does not see the node's processes (hostPID)".to_owned());
    }
    let containers: Vec<&str> = spec.iter().flat_map(|spec| &spec.containers).map(|container| container.name.as_str()).collect();
    match &via.container {
        Some(wanted) if !containers.contains(&wanted.as_str()) => refused(format!("has no container {wanted} ({})", containers.join(", "))),
        None if containers.len() > 1 => refused(format!("has several containers ({}): name one", containers.join(", "))),
        _ => Ok(name),
    }
}

/// One node's pod.
pub(in crate::evidence) struct PodLink {
    client: Client,
    via: PodVia,
    pod: String,
    pub(super) standing: Standing,
}

impl PodLink {
    /// Starts the shell that takes our scripts.
    pub(super) async fn attach(&self) -> Result<AttachedProcess, EvidenceError> {
        let tools = match self.via.tools {
            PodTools::Host => "host",
            PodTools::Pod => "pod",
        };
        let mut how = AttachParams::default()
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .max_stdin_buf_size(BUFFER)
            .max_stdout_buf_size(BUFFER)
            .max_stderr_buf_size(BUFFER);
        if let Some(container) = &self.via.container {
            how = how.container(container);
        }
        let operation = format!("exec in {}/{} for {}", self.via.namespace, self.pod, self.standing.name);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.via.namespace);
        let starting = pods.exec(&self.pod, ["sh", "-c", ENTER, "lbdiag-enter", tools], &how);
        match tokio::time::timeout(LIMIT, starting).await {
            Err(_) => Err(EvidenceError::new(ErrorKind::TimedOut, operation, format!("no start within {} s", LIMIT.as_secs()))
                .hint("the API server asks the node's kubelet for it: is the node up?")),
            Ok(Err(error)) => Err(api_error(&operation, &error)),
            Ok(Ok(attached)) => Ok(attached),
        }
    }
}

fn api_error(operation: &str, error: &kube::Error) -> EvidenceError {
    let (kind, hint) = match error {
        kube::Error::Api(status) if status.code == 403 => {
            (ErrorKind::Forbidden, "reaching nodes by a pod needs `list` of pods and `create` (and `get`) of pods/exec in that namespace")
        }
        kube::Error::Api(status) if status.code == 404 => (ErrorKind::NotFound, "is via.pod in the site file right?"),
        _ => (ErrorKind::HostUnreachable, ""),
    };
    EvidenceError::new(kind, operation, error).hint(hint)
}

/// The exit status of an exec, as the API tells it.
///
/// # Errors
/// Why there is none.
pub(super) fn status_of(status: &Status) -> Result<i32, String> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes.filter(|cause| cause.reason.as_deref() == Some("ExitCode")).find_map(|cause| cause.message.as_deref()?.parse().ok());
    code.ok_or_else(|| status.message.clone().unwrap_or_else(|| "the API told no exit status".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn via(container: Option<&str>) -> PodVia {
        PodVia {
            namespace: "tools".to_owned(),
            labels: "app=tools".to_owned(),
            container: container.map(str::to_owned),
            tools: PodTools::Host,
        }
    }

    fn pod(phase: &str, host_pid: bool, containers: &[&str]) -> Pod {
        let containers: Vec<_> = containers.iter().map(|name| json!({ "name": name })).collect();
        serde_json::from_value(json!({
            "metadata": { "name": "tools-x" },
            "spec": { "nodeName": "n1", "hostPID": host_pid, "containers": containers },
            "status": { "phase": phase },
        }))
        .unwrap()
    }

    #[test]
    fn only_a_pod_that_sees_its_node_will_do() {
        assert_eq!(judged(&pod("Running", true, &["main"]), &via(None)), Ok("tools-x".to_owned()));
        assert_eq!(judged(&pod("Running", true, &["main", "side"]), &via(Some("side"))), Ok("tools-x".to_owned()));
        for (pod, container, reason) in [
            (pod("Pending", true, &["main"]), None, "not running"),
            (pod("Running", false, &["main"]), None, "hostPID"),
            (pod("Running", true, &["main", "side"]), None, "several containers (main, side)"),
            (pod("Running", true, &["main"]), Some("tools"), "no container tools (main)"),
        ] {
            let refused = judged(&pod, &via(container)).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn an_exec_s_status_is_read() {
        let status = |value| status_of(&serde_json::from_value(value).unwrap());
        assert_eq!(status(json!({ "status": "Success" })), Ok(0));
        let failed = json!({ "status": "Failure", "reason": "NonZeroExitCode", "details": { "causes": [{ "reason": "ExitCode", "message": "97" }] } });
        assert_eq!(status(failed), Ok(97));
        assert_eq!(status(json!({ "status": "Failure", "message": "the container is gone" })), Err("the container is gone".to_owned()));
    }
}
