//! Makes an object safe and small before it leaves the API layer: what a run never needs and what may hold a secret.
//!
//! Everything that a recording keeps of the API has passed here. Containers are cut to a list of fields that are
//! known to be harmless, because whatever Kubernetes adds to them next year is not.

use serde_json::{Map, Value};

use super::super::error::{ErrorKind, EvidenceError};
use super::Kind;

/// Kinds whose whole purpose is to hold what lbdiag must never see.
const REFUSED: [&str; 2] = ["secrets", "configmaps"];

/// Annotations that hold a whole copy of the object, scrubbed or not.
const COPIES: [&str; 4] = ["last-applied", "rio.cattle.io/applied", "kapp.k14s.io/original", "kopf.zalando.org"];

/// Annotations longer than this are somebody's data, not settings. Bytes.
const LONGEST_ANNOTATION: usize = 4096;

/// What stays of a container, besides its arguments and environment where those are MetalLB's.
const CONTAINER_FIELDS: [&str; 9] =
    ["name", "image", "ports", "readinessProbe", "livenessProbe", "startupProbe", "restartPolicy", "imagePullPolicy", "resources"];

/// Lists of containers in a pod's spec; their presence is what makes an object a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Members of a pod's spec that name or hold secrets, or that only make it big.
const POD_SPEC_DROPS: [&str; 2] = ["volumes", "imagePullSecrets"];

/// Members that are dropped wherever they stand and whatever they hold.
const ALWAYS_DROPPED: [&str; 7] = ["managedFields", "images", "volumeMounts", "volumeDevices", "envFrom", "lifecycle", "caBundle"];

/// Texts of a whole router's configuration, in which passwords stand in lines of their own.
const ROUTER_TEXTS: [&str; 2] = ["rawConfig", "runningConfig"];

/// Refuses kinds that hold secrets, before anything is asked.
///
/// # Errors
/// `Forbidden` for Secrets and `ConfigMaps`, in any group.
pub fn allowed(kind: &Kind) -> Result<(), EvidenceError> {
    if REFUSED.contains(&kind.plural.to_ascii_lowercase().as_str()) {
        return Err(EvidenceError::new(
            ErrorKind::Forbidden,
            format!("read {}", kind.plural),
            "lbdiag never reads objects that hold secrets or free configuration",
        )
        .hint("look at it with kubectl, outside of the playbook"));
    }
    Ok(())
}

/// Takes everything out of one object that may hold a secret or that no diagnosis reads.
pub fn scrub(object: &mut Value) {
    match object {
        Value::Object(map) => scrub_map(map),
        Value::Array(items) => items.iter_mut().for_each(scrub),
        _ => {}
    }
}

fn scrub_map(map: &mut Map<String, Value>) {
    // That a BGP session is signed is worth knowing; with what is not.
    if map.contains_key("peerAddress") && map.get("password").and_then(Value::as_str).is_some_and(|password| !password.is_empty()) {
        map.insert("hasPassword".to_owned(), Value::Bool(true));
    }
    map.retain(|key, value| !ALWAYS_DROPPED.contains(&key.as_str()) && !(names_a_secret(key) && (value.is_string() || value.is_number())));
    if CONTAINER_LISTS.iter().any(|list| map.get(*list).is_some_and(Value::is_array)) {
        for key in POD_SPEC_DROPS {
            map.remove(key);
        }
    }
    for (key, value) in map.iter_mut() {
        match key.as_str() {
            // A label is public, and a selector that lost a part would select something else.
            "labels" | "matchLabels" | "selector" | "nodeSelector" if is_flat(value) => {}
            "annotations" => scrub_annotations(value),
            "env" => scrub_environment(value),
            "containers" | "initContainers" | "ephemeralContainers" => scrub_containers(value),
            // What a container wrote as its last words may be anything, its whole environment included.
            "terminated" => drop(value.as_object_mut().and_then(|state| state.remove("message"))),
            text if ROUTER_TEXTS.contains(&text) => mask_passwords(value),
            _ => scrub(value),
        }
    }
}

/// Whether it is a map of plain texts, as labels are.
fn is_flat(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.values().all(Value::is_string))
}

/// An environment outside of a container, as some operators' objects have one.
fn scrub_environment(environment: &mut Value) {
    match environment.as_array() {
        Some(variables) => *environment = Value::Array(variables.iter().filter_map(metallb_variable).collect()),
        None => *environment = Value::Null,
    }
}

fn scrub_annotations(annotations: &mut Value) {
    let Some(map) = annotations.as_object_mut() else { return };
    map.retain(|key, value| {
        !COPIES.iter().any(|copy| key.contains(copy))
            && !names_a_secret(key)
            && value.as_str().is_some_and(|text| text.len() <= LONGEST_ANNOTATION)
    });
}

fn scrub_containers(containers: &mut Value) {
    let Some(list) = containers.as_array_mut() else {
        // Something else that happens to have the same name, such as a count.
        scrub(containers);
        return;
    };
    for container in list {
        if let Value::Object(map) = container {
            scrub_container(map);
        } else {
            *container = Value::Null;
        }
    }
}

fn scrub_container(map: &mut Map<String, Value>) {
    let environment: Vec<Value> = map.get("env").and_then(Value::as_array).into_iter().flatten().filter_map(metallb_variable).collect();
    let image = map.get("image").and_then(Value::as_str).unwrap_or_default();
    let metallb = !environment.is_empty() || image.contains("metallb");
    map.retain(|key, _| CONTAINER_FIELDS.contains(&key.as_str()) || (metallb && (key == "args" || key == "command")));
    for key in ["args", "command"] {
        if let Some(words) = map.get_mut(key).and_then(Value::as_array_mut) {
            words.retain(|word| word.as_str().is_some_and(|word| !names_a_secret(word.split('=').next().unwrap_or(word))));
        }
    }
    if !environment.is_empty() {
        map.insert("env".to_owned(), Value::Array(environment));
    }
    for key in ["readinessProbe", "livenessProbe", "startupProbe"] {
        if let Some(probe) = map.get_mut(key) {
            scrub_probe(probe);
        }
    }
}

/// A kubelet's probe, without the command it runs and the headers it sends.
fn scrub_probe(probe: &mut Value) {
    if let Some(command) = probe.get_mut("exec").and_then(Value::as_object_mut) {
        command.clear();
    }
    if let Some(request) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
        request.remove("httpHeaders");
        if let Some(path) = request.get_mut("path")
            && let Some((before, _)) = path.as_str().and_then(|text| text.split_once('?'))
        {
            *path = Value::String(before.to_owned());
        }
    }
}

/// A variable of MetalLB's own, by name, with its value unless that is a key. Every other variable is nobody's business.
fn metallb_variable(variable: &Value) -> Option<Value> {
    let name = variable.get("name")?.as_str()?;
    if !name.starts_with("METALLB_") {
        return None;
    }
    let mut kept = Map::new();
    kept.insert("name".to_owned(), Value::String(name.to_owned()));
    if !names_a_secret(name)
        && let Some(value) = variable.get("value").filter(|value| value.is_string())
    {
        kept.insert("value".to_owned(), value.clone());
    }
    Some(Value::Object(kept))
}

/// Whether something of that name holds a secret itself, rather than say where one is.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let tells_where = ["path", "file", "name", "ref"].iter().any(|end| name.ends_with(end));
    let secret = [
        "password",
        "passwd",
        "passphrase",
        "token",
        "secretkey",
        "secret_key",
        "secret-key",
        "privatekey",
        "private_key",
        "apikey",
        "api_key",
        "credential",
    ];
    !tells_where && secret.iter().any(|word| name.contains(word))
}

/// Takes the word after every `password` or `key` out of a router's configuration.
fn mask_passwords(text: &mut Value) {
    let Some(config) = text.as_str() else { return scrub(text) };
    let masked: Vec<String> = config.lines().map(mask_line).collect();
    *text = Value::String(masked.join("\n"));
}

fn mask_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    match ["password", "key-string", "secret", "community"].iter().filter_map(|word| lower.find(word).map(|at| at + word.len())).min() {
        // Lower case by ASCII keeps every byte's place.
        Some(end) => format!("{} (removed)", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLANTED: &str = "hunter2-Planted";

    fn scrubbed(mut object: Value) -> Value {
        scrub(&mut object);
        object
    }

    /// A pod's spec with a secret in every place that takes text.
    fn planted_spec() -> Value {
        let container = json!({
            "name": "app",
            "image": "registry.example/app:1",
            "args": ["--password", PLANTED],
            "command": ["sh", "-c", format!("login {PLANTED}")],
            "workingDir": format!("/srv/{PLANTED}"),
            "env": [{"name": "DB_PASSWORD", "value": PLANTED}, {"name": PLANTED, "value": "x"}],
            "envFrom": [{"secretRef": {"name": PLANTED}}],
            "volumeMounts": [{"name": PLANTED, "mountPath": format!("/{PLANTED}")}],
            "volumeDevices": [{"name": PLANTED, "devicePath": "/dev/x"}],
            "lifecycle": {"preStop": {"exec": {"command": [PLANTED]}}},
            "readinessProbe": {"httpGet": {"path": format!("/ready?token={PLANTED}"), "port": "https", "httpHeaders": [{"name": "Authorization", "value": PLANTED}]}},
            "livenessProbe": {"exec": {"command": ["curl", "-u", PLANTED]}, "periodSeconds": 3},
            "ports": [{"name": "https", "containerPort": 4180}],
            "addedNextYear": {"text": PLANTED},
        });
        json!({
            "nodeName": "n2",
            "hostNetwork": true,
            "automountServiceAccountToken": true,
            "containers": [container.clone(), PLANTED],
            "initContainers": [container.clone()],
            "ephemeralContainers": [container],
            "volumes": [{"name": "v", "csi": {"volumeAttributes": {"key": PLANTED}}}],
            "imagePullSecrets": [{"name": PLANTED}],
        })
    }

    fn planted_metadata() -> Value {
        json!({
            "name": "web",
            "labels": {"app": "web"},
            "managedFields": [{"fieldsV1": {"f:x": PLANTED}}],
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"env\": \"{PLANTED}\"}}"),
                "objectset.rio.cattle.io/applied": PLANTED,
                "example.com/api-token": PLANTED,
                "example.com/state": format!("{}{PLANTED}", "x".repeat(LONGEST_ANNOTATION)),
                "metallb.io/address-pool": "public",
            },
        })
    }

    #[test]
    fn a_secret_leaves_by_no_place_of_a_pod() {
        let pod = scrubbed(json!({
            "metadata": planted_metadata(),
            "spec": planted_spec(),
            "status": {
                "podIP": "10.88.130.2",
                "conditions": [{"type": "Ready", "message": "containers with unready status: [app]"}],
                "containerStatuses": [
                    {"name": "app", "containerID": "containerd://abc", "lastState": {"terminated": {"exitCode": 1, "message": PLANTED}},
                     "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}},
                ],
            },
        }));
        assert!(!pod.to_string().contains(PLANTED), "{pod:#}");
        assert_eq!(pod["spec"]["nodeName"], "n2");
        assert_eq!(pod["spec"]["hostNetwork"], true);
        assert_eq!(pod["spec"]["containers"][0]["ports"][0]["containerPort"], 4180);
        assert_eq!(pod["spec"]["containers"][0]["readinessProbe"]["httpGet"], json!({"path": "/ready", "port": "https"}));
        assert_eq!(pod["spec"]["containers"][0]["livenessProbe"]["periodSeconds"], 3);
        assert_eq!(pod["status"]["conditions"][0]["message"], "containers with unready status: [app]");
        assert_eq!(pod["status"]["containerStatuses"][0]["containerID"], "containerd://abc");
        assert_eq!(pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"], "back-off");
        assert_eq!(pod["metadata"]["annotations"], json!({"metallb.io/address-pool": "public"}));
    }

    #[test]
    fn templates_are_scrubbed_however_deep_they_lie() {
        for object in [
            json!({"metadata": planted_metadata(), "spec": {"template": {"metadata": planted_metadata(), "spec": planted_spec()}}}),
            json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": planted_spec()}}}}}),
            json!({"data": {"spec": {"template": {"spec": planted_spec()}}}}),
            json!({"items": [{"spec": planted_spec()}]}),
        ] {
            let text = scrubbed(object).to_string();
            assert!(!text.contains(PLANTED), "{text}");
            assert!(text.contains("containerPort"));
        }
    }

    #[test]
    fn passwords_of_bgp_sessions_go() {
        let peer = scrubbed(json!({"spec": {"peerAddress": "10.0.0.1", "password": PLANTED, "passwordSecret": {"name": "bgp"}}}));
        assert_eq!(peer, json!({"spec": {"peerAddress": "10.0.0.1", "passwordSecret": {"name": "bgp"}, "hasPassword": true}}));
        let number = scrubbed(json!({"spec": {"password": 4711}}));
        assert_eq!(number, json!({"spec": {}}));
        let state =
            scrubbed(json!({"status": {"runningConfig": format!("router bgp 64512\n neighbor 10.0.0.1 Password 8 {PLANTED}\nend")}}));
        assert_eq!(state["status"]["runningConfig"], "router bgp 64512\n neighbor 10.0.0.1 Password (removed)\nend");
        let raw = scrubbed(json!({"spec": {"raw": {"rawConfig": format!("İ key-string {PLANTED}")}}}));
        assert!(!raw.to_string().contains(PLANTED));
    }

    #[test]
    fn metallb_keeps_its_arguments_and_the_names_of_its_variables() {
        let speaker = scrubbed(json!({"containers": [{
            "name": "speaker", "image": "quay.io/metallb/speaker:v0.15.2",
            "args": ["--port=7472", "--log-level=debug", format!("--token={PLANTED}")],
            "env": [
                {"name": "METALLB_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "METALLB_ML_LABELS", "value": "app=metallb"},
                {"name": "METALLB_ML_SECRET_KEY", "value": PLANTED},
                {"name": "METALLB_ML_SECRET_KEY_PATH", "value": "/etc/ml_secret_key"},
                {"name": "OTHER", "value": PLANTED},
            ],
        }]}));
        let container = &speaker["containers"][0];
        assert!(!speaker.to_string().contains(PLANTED));
        assert_eq!(container["args"], json!(["--port=7472", "--log-level=debug"]));
        assert_eq!(
            container["env"],
            json!([
                {"name": "METALLB_NODE_NAME"},
                {"name": "METALLB_ML_LABELS", "value": "app=metallb"},
                {"name": "METALLB_ML_SECRET_KEY"},
                {"name": "METALLB_ML_SECRET_KEY_PATH", "value": "/etc/ml_secret_key"},
            ])
        );
    }

    #[test]
    fn selectors_and_labels_stay_whole() {
        let service = json!({"spec": {"selector": {"token-service": "a", "app": "b"}}, "metadata": {"labels": {"password-reset": "yes"}}});
        assert_eq!(scrubbed(service.clone()), service);
    }

    #[test]
    fn kinds_that_hold_secrets_are_refused() {
        for plural in ["secrets", "configmaps", "Secrets"] {
            assert_eq!(allowed(&Kind::core(plural)).unwrap_err().kind, ErrorKind::Forbidden);
        }
        assert!(allowed(&Kind::of("any.group", "v1", "secrets")).is_err());
        assert!(allowed(&Kind::core("services")).is_ok());
    }

    #[test]
    fn odd_shapes_do_no_harm() {
        for object in [Value::Null, json!([]), json!({"containers": 3}), json!({"env": "x", "annotations": 4, "containers": [[]]})] {
            scrubbed(object);
        }
    }
}
