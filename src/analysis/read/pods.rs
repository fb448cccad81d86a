//! Pods, and why one is not ready: which container, which probe, which condition.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::{array, flag, map, number, optional_text, said, text};
use crate::model::kubernetes::{Container, ContainerPort, Pod};

/// A `v1/Pod`.
#[must_use]
pub fn pod(value: &Value) -> Pod {
    let containers = containers(value, "/spec/containers", "/status/containerStatuses");
    let init_containers = self::containers(value, "/spec/initContainers", "/status/initContainerStatuses");
    let ready = condition(value, "Ready").is_some_and(|condition| text(condition, "/status") == "True");
    let mut ips: Vec<IpAddr> = array(value, "/status/podIPs").iter().filter_map(|entry| text(entry, "/ip").parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(text(value, "/status/podIP").parse::<IpAddr>());
    }
    let owner = array(value, "/metadata/ownerReferences")
        .iter()
        .find(|owner| flag(owner, "/controller"))
        .map(|owner| (text(owner, "/kind"), text(owner, "/name")));
    let (not_ready_because, not_ready_container) =
        if ready { (String::new(), None) } else { why_not_ready(value, &containers, &init_containers) };
    Pod {
        namespace: text(value, "/metadata/namespace"),
        name: text(value, "/metadata/name"),
        uid: text(value, "/metadata/uid"),
        labels: map(value, "/metadata/labels"),
        node: optional_text(value, "/spec/nodeName"),
        ips,
        host_network: flag(value, "/spec/hostNetwork"),
        phase: text(value, "/status/phase"),
        ready,
        terminating: value.pointer("/metadata/deletionTimestamp").is_some(),
        not_ready_because,
        not_ready_container,
        ready_since: condition(value, "Ready").and_then(|condition| optional_text(condition, "/lastTransitionTime")),
        owner,
        containers,
        init_containers,
    }
}

fn condition<'a>(value: &'a Value, kind: &str) -> Option<&'a Value> {
    array(value, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

fn containers(value: &Value, specs: &str, statuses: &str) -> Vec<Container> {
    let statuses = array(value, statuses);
    array(value, specs).iter().map(|spec| container(spec, status(statuses, &text(spec, "/name")))).collect()
}

fn status<'a>(statuses: &'a [Value], name: &str) -> &'a Value {
    statuses.iter().find(|status| text(status, "/name") == name).unwrap_or(&Value::Null)
}

fn container(spec: &Value, status: &Value) -> Container {
    let id = text(status, "/containerID");
    Container {
        name: text(spec, "/name"),
        image: text(spec, "/image"),
        args: super::texts(spec, "/args"),
        env: array(spec, "/env").iter().map(|variable| (text(variable, "/name"), text(variable, "/value"))).collect(),
        ports: array(spec, "/ports").iter().filter_map(container_port).collect(),
        id: id.rsplit_once("://").map_or(id.as_str(), |(_, id)| id).to_owned(),
        running: status.pointer("/state/running").is_some(),
        ready: flag(status, "/ready"),
        restarts: number(status, "/restartCount").unwrap_or_default(),
        started_at: optional_text(status, "/state/running/startedAt"),
        sidecar: text(spec, "/restartPolicy") == "Always",
        probes: ["readiness", "startup", "liveness"]
            .iter()
            .filter_map(|kind| Some(((*kind).to_owned(), probe(spec.get(format!("{kind}Probe"))?))))
            .collect::<BTreeMap<String, String>>(),
    }
}

fn container_port(port: &Value) -> Option<ContainerPort> {
    Some(ContainerPort {
        name: text(port, "/name"),
        number: number(port, "/containerPort")?,
        protocol: optional_text(port, "/protocol").unwrap_or_else(|| "TCP".to_owned()),
        host_port: number(port, "/hostPort").filter(|port| *port != 0),
    })
}

/// A probe as `kubectl describe` begins it: what is asked, and how late it begins.
fn probe(probe: &Value) -> String {
    // A port is a number or the name of one.
    let port = |pointer: &str| match probe.pointer(pointer) {
        Some(Value::String(name)) => name.clone(),
        Some(number) => number.to_string(),
        None => String::new(),
    };
    let said = if probe.get("httpGet").is_some() {
        let scheme = text(probe, "/httpGet/scheme");
        let scheme = if scheme == "HTTPS" { "https://" } else { "" };
        format!("http-get {scheme}{}:{}{}", text(probe, "/httpGet/host"), port("/httpGet/port"), text(probe, "/httpGet/path"))
    } else if probe.get("tcpSocket").is_some() {
        format!("tcp-socket {}:{}", text(probe, "/tcpSocket/host"), port("/tcpSocket/port"))
    } else if probe.get("grpc").is_some() {
        format!("grpc :{} {}", port("/grpc/port"), text(probe, "/grpc/service")).trim_end().to_owned()
    } else if probe.get("exec").is_some() {
        "exec, a command in the container".to_owned()
    } else {
        "of an unknown kind".to_owned()
    };
    match number::<u32>(probe, "/initialDelaySeconds") {
        Some(delay) if delay > 0 => format!("{said}, {delay} s after the start"),
        _ => said,
    }
}

/// The reason, and the container that is at fault when it is one. The API holds it at several places; the first that says something
/// is the one that the later ones follow from.
fn why_not_ready(value: &Value, containers: &[Container], init: &[Container]) -> (String, Option<String>) {
    let phase = text(value, "/status/phase");
    if phase == "Failed" || phase == "Succeeded" {
        let why = said(&text(value, "/status/reason"), &text(value, "/status/message"));
        return (if why.is_empty() { format!("has ended: {phase}") } else { format!("has ended: {why}") }, None);
    }
    if let Some(condition) = condition(value, "PodScheduled").filter(|condition| text(condition, "/status") == "False") {
        return (format!("not scheduled: {}", said(&text(condition, "/reason"), &text(condition, "/message"))), None);
    }
    let statuses = array(value, "/status/containerStatuses");
    let init_statuses = array(value, "/status/initContainerStatuses");
    let before = init
        .iter()
        .filter(|container| !container.sidecar)
        .find_map(|container| unfinished(container, status(init_statuses, &container.name)));
    let beside =
        init.iter().filter(|container| container.sidecar).map(|container| (container, status(init_statuses, &container.name), "sidecar"));
    let all: Vec<(&Container, &Value, &str)> =
        containers.iter().map(|container| (container, status(statuses, &container.name), "container")).chain(beside).collect();
    // What has failed says more than what merely waits for its turn.
    let found = all
        .iter()
        .find_map(|(container, status, kind)| failed(container, status, kind))
        .or(before)
        .or_else(|| all.iter().find_map(|(container, status, kind)| unready(container, status, kind)))
        .or_else(|| all.iter().find_map(|(container, status, kind)| waits(container, status, kind)));
    if let Some((reason, container)) = found {
        return (reason, Some(container));
    }
    (gate(value).or_else(|| ready_condition(value)).unwrap_or_else(|| format!("phase {phase}")), None)
}

/// A container that waits after a failure, or has ended.
fn failed(container: &Container, status: &Value, kind: &str) -> Option<(String, String)> {
    let name = &container.name;
    let waiting = text(status, "/state/waiting/reason");
    if !waiting.is_empty() && waiting != "PodInitializing" && waiting != "ContainerCreating" {
        let message = text(status, "/state/waiting/message");
        let why = if waiting == "CrashLoopBackOff" { waiting } else { said(&waiting, &message) };
        return Some((format!("{kind} {name} waits: {why}{}", ended_before(status)), name.clone()));
    }
    status
        .pointer("/state/terminated")
        .is_some()
        .then(|| (format!("{kind} {name} ended: {}", ending(status, "/state/terminated")), name.clone()))
}

/// How it ended, by reason and exit code.
fn ending(status: &Value, pointer: &str) -> String {
    let reason = text(status, &format!("{pointer}/reason"));
    let code = status.pointer(&format!("{pointer}/exitCode")).and_then(Value::as_i64);
    match (reason.is_empty(), code) {
        (false, Some(code)) => format!("{reason}, exit code {code}"),
        (false, None) => reason,
        (true, Some(code)) => format!("exit code {code}"),
        (true, None) => "for no reason that is told".to_owned(),
    }
}

fn ended_before(status: &Value) -> String {
    let restarts: u32 = number(status, "/restartCount").unwrap_or_default();
    if status.pointer("/lastState/terminated").is_none() {
        return String::new();
    }
    format!("; it ended before ({}), {restarts} restarts", ending(status, "/lastState/terminated"))
}

/// An init container that the others still wait for.
fn unfinished(container: &Container, status: &Value) -> Option<(String, String)> {
    if status.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0) {
        return None;
    }
    if container.running {
        let since = container.started_at.as_ref().map(|at| format!(" since {at}")).unwrap_or_default();
        return Some((format!("init container {} runs{since} and has not finished", container.name), container.name.clone()));
    }
    failed(container, status, "init container")
}

/// A container that runs and is not ready.
fn unready(container: &Container, status: &Value, kind: &str) -> Option<(String, String)> {
    if container.ready || !container.running {
        return None;
    }
    let started = status.pointer("/started").and_then(Value::as_bool);
    let which = match (started, container.probes.get("startup"), container.probes.get("readiness")) {
        (Some(false), Some(startup), _) => format!("its startup probe ({startup}) has not succeeded yet"),
        (_, _, Some(readiness)) => format!("its readiness probe ({readiness}) does not succeed"),
        _ => "is not ready".to_owned(),
    };
    let but = if which == "is not ready" { "and" } else { "but" };
    Some((format!("{kind} {} runs {but} {which}{}", container.name, ended_before(status)), container.name.clone()))
}

/// A container that has not been made yet; the pod's events say what it waits for.
fn waits(container: &Container, status: &Value, kind: &str) -> Option<(String, String)> {
    let waiting = text(status, "/state/waiting/reason");
    (!waiting.is_empty()).then(|| {
        let why = said(&waiting, &text(status, "/state/waiting/message"));
        (format!("{kind} {} waits: {why}", container.name), container.name.clone())
    })
}

/// A readiness gate that nobody has set.
fn gate(value: &Value) -> Option<String> {
    array(value, "/spec/readinessGates").iter().map(|gate| text(gate, "/conditionType")).find_map(|gate| match condition(value, &gate) {
        None => Some(format!("its readiness gate {gate} was never set: nobody has written that condition")),
        Some(condition) if text(condition, "/status") != "True" => {
            let why = said(&text(condition, "/reason"), &text(condition, "/message"));
            Some(format!("its readiness gate {gate} is {}{}{why}", text(condition, "/status"), if why.is_empty() { "" } else { ": " }))
        }
        Some(_) => None,
    })
}

fn ready_condition(value: &Value) -> Option<String> {
    let ready = condition(value, "Ready")?;
    let why = said(&text(ready, "/reason"), &text(ready, "/message"));
    if !why.is_empty() {
        return Some(why);
    }
    let containers = condition(value, "ContainersReady").is_some_and(|condition| text(condition, "/status") == "True");
    containers.then(|| "its containers are ready, and the API has the pod as not ready: its node's kubelet may not report".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::pod;

    /// A pod with one container, its state, and whatever else the story needs.
    fn because(container: &Value, state: &Value) -> String {
        pod(&json!({"spec": {"containers": [container]}, "status": {"phase": "Running", "containerStatuses": [state]}})).not_ready_because
    }

    fn check(container: &Value, state: &Value, expected: &str) {
        assert_eq!(because(container, state), expected);
    }

    #[test]
    fn a_waiting_container_says_why() {
        check(
            &json!({"name": "web"}),
            &json!({"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x/y:1\""}}}),
            "container web waits: ImagePullBackOff: Back-off pulling image \"x/y:1\"",
        );
        check(
            &json!({"name": "web"}),
            &json!({"name": "web", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s …"}},
                "lastState": {"terminated": {"reason": "Error", "exitCode": 1}}}),
            "container web waits: CrashLoopBackOff; it ended before (Error, exit code 1), 5 restarts",
        );
    }

    #[test]
    fn the_probe_that_fails_is_named_with_its_question() {
        let probe = json!({"httpGet": {"path": "/healthz", "port": 4181, "scheme": "HTTPS"}});
        let running = json!({"name": "web", "ready": false, "started": true, "state": {"running": {}}});
        check(
            &json!({"name": "web", "readinessProbe": probe}),
            &running,
            "container web runs but its readiness probe (http-get https://:4181/healthz) does not succeed",
        );
        check(
            &json!({"name": "web", "readinessProbe": {"exec": {}, "initialDelaySeconds": 600}}),
            &running,
            "container web runs but its readiness probe (exec, a command in the container, 600 s after the start) does not succeed",
        );
        let starting = json!({"name": "web", "ready": false, "started": false, "state": {"running": {}}});
        check(
            &json!({"name": "web", "readinessProbe": probe, "startupProbe": {"tcpSocket": {"port": "https"}}}),
            &starting,
            "container web runs but its startup probe (tcp-socket :https) has not succeeded yet",
        );
    }

    #[test]
    fn an_init_container_that_does_not_end_comes_before_those_that_wait_for_it() {
        let read =
            pod(&json!({"spec": {"initContainers": [{"name": "wait"}], "containers": [{"name": "web"}]}, "status": {"phase": "Pending",
            "initContainerStatuses": [{"name": "wait", "state": {"running": {"startedAt": "2026-11-24T10:00:00Z"}}}],
            "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}}));
        assert_eq!(read.not_ready_because, "init container wait runs since 2026-11-24T10:00:00Z and has not finished");
        assert_eq!(read.not_ready_container.as_deref(), Some("wait"));
    }

    #[test]
    fn a_pod_that_no_node_takes_says_what_the_scheduler_said() {
        let read = pod(&json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/4 nodes are available:\n 4 Insufficient cpu."}]}}));
        assert_eq!(read.not_ready_because, "not scheduled: Unschedulable: 0/4 nodes are available: 4 Insufficient cpu.");
    }

    #[test]
    fn a_readiness_gate_that_nobody_sets_is_named() {
        let ready = json!({"name": "web", "ready": true, "state": {"running": {}}});
        let with = |conditions: Value| {
            pod(&json!({"spec": {"containers": [{"name": "web"}], "readinessGates": [{"conditionType": "example.com/lb"}]},
                "status": {"phase": "Running", "containerStatuses": [ready], "conditions": conditions}}))
            .not_ready_because
        };
        let containers = json!({"type": "ContainersReady", "status": "True"});
        let unready = json!({"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": "…"});
        assert!(with(json!([containers, unready])).starts_with("its readiness gate example.com/lb was never set"));
        let set = json!({"type": "example.com/lb", "status": "False", "reason": "NotRegistered"});
        assert_eq!(with(json!([containers, unready, set])), "its readiness gate example.com/lb is False: NotRegistered");
    }

    #[test]
    fn sidecars_are_told_from_what_merely_runs_first() {
        let read = pod(&json!({"spec": {"initContainers": [{"name": "setup", "ports": [{"name": "https", "containerPort": 1}]},
            {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "https", "containerPort": 2, "hostPort": 8443}]}],
            "containers": [{"name": "web"}]}}));
        let serving: Vec<&str> = read.serving_containers().map(|container| container.name.as_str()).collect();
        assert_eq!(serving, ["web", "proxy"]);
        assert_eq!(read.init_containers[1].ports[0].host_port, Some(8443));
    }

    #[test]
    fn an_evicted_pod_has_ended() {
        let read = pod(&json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}}));
        assert_eq!(read.not_ready_because, "has ended: Evicted: The node was low on resource: memory.");
        assert!(read.finished());
    }

    #[test]
    fn garbage_reads_as_absent() {
        let read = pod(&json!({"spec": 7, "status": []}));
        assert!(read.containers.is_empty() && !read.ready);
        assert_eq!(pod(&json!({"status": {"phase": "Running"}})).not_ready_because, "phase Running");
    }
}
