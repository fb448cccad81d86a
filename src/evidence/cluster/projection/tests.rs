//! What is taken of objects, with something planted into every place that is not listed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

const PLANTED: &str = "hunter2-Planted";

fn taken(kind: &Kind, object: Value) -> Value {
    Projection::of_list(kind).unwrap().take(object)
}

fn pods() -> Kind {
    Kind::core("pods")
}

/// A pod's spec with a secret in every place that takes text.
fn planted_spec() -> Value {
    let container = json!({
        "name": "app",
        "image": "registry.example/app:1",
        "args": ["--password", PLANTED, "--port=1"],
        "command": ["sh", "-c", format!("login {PLANTED}")],
        "workingDir": format!("/srv/{PLANTED}"),
        "env": [{"name": "DB_PASSWORD", "value": PLANTED}, {"name": PLANTED, "value": "x"}, {"name": "METALLB_OTHER", "value": PLANTED}],
        "envFrom": [{"secretRef": {"name": PLANTED}}],
        "volumeMounts": [{"name": PLANTED, "mountPath": format!("/{PLANTED}")}],
        "lifecycle": {"preStop": {"exec": {"command": [PLANTED]}}},
        "readinessProbe": {"httpGet": {"path": format!("/ready?token={PLANTED}"), "port": "https", "httpHeaders": [{"name": "Authorization", "value": PLANTED}]}},
        "livenessProbe": {"exec": {"command": ["curl", "-u", PLANTED]}, "periodSeconds": 3},
        "ports": [{"name": "https", "containerPort": 4180}],
        "addedNextYear": {"text": PLANTED},
    });
    json!({
        "nodeName": "n2",
        "hostNetwork": true,
        "containers": [container.clone(), PLANTED, [PLANTED]],
        "initContainers": [container.clone()],
        "ephemeralContainers": [container],
        "volumes": [{"name": "v", "csi": {"volumeAttributes": {"key": PLANTED}}}],
        "imagePullSecrets": [{"name": PLANTED}],
        "password": {"list": [PLANTED]},
        "runtimeClassName": {"not": ["a", PLANTED]},
    })
}

fn planted_metadata() -> Value {
    json!({
        "name": "web",
        "labels": {"app": "web"},
        "managedFields": [{"fieldsV1": {"f:x": PLANTED}}],
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"env\": \"{PLANTED}\"}}"),
            "example.com/webhook": format!("https://user:{PLANTED}@example.com/"),
            "example.com/login": format!("user:{PLANTED}"),
            "meta.helm.sh/values": PLANTED,
            "metallb.io/address-pool": "public",
        },
    })
}

#[test]
fn a_secret_leaves_by_no_place_of_a_pod() {
    let pod = taken(
        &pods(),
        json!({
            "metadata": planted_metadata(),
            "spec": planted_spec(),
            "secret": PLANTED,
            "status": {
                "podIP": "10.88.130.2",
                "conditions": [{"type": "Ready", "message": format!("cannot log in: password={PLANTED}")}],
                "containerStatuses": [{
                    "name": "app",
                    "containerID": "containerd://abc",
                    "imageID": PLANTED,
                    "lastState": {"terminated": {"exitCode": 1, "message": PLANTED}},
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": format!("args [--token {PLANTED}]")}},
                }],
            },
        }),
    );
    assert!(!pod.to_string().contains(PLANTED), "{pod:#}");
    assert_eq!(pod["metadata"], json!({"name": "web", "labels": {"app": "web"}}));
    assert_eq!((&pod["spec"]["nodeName"], &pod["spec"]["hostNetwork"]), (&json!("n2"), &json!(true)));
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["ports"][0], json!({"name": "https", "containerPort": 4180}));
    assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/ready", "port": "https"}));
    assert_eq!(container["livenessProbe"], json!({"exec": {}}));
    assert_eq!(pod["status"]["conditions"][0]["message"], "cannot log in: password=(removed)");
    assert_eq!(pod["status"]["containerStatuses"][0]["containerID"], "containerd://abc");
}

#[test]
fn a_template_gives_the_labels_of_its_pods_alone() {
    for plural in ["deployments", "statefulsets", "daemonsets"] {
        let template = json!({"metadata": planted_metadata(), "spec": planted_spec()});
        let object =
            taken(&Kind::of("apps", "v1", plural), json!({"metadata": planted_metadata(), "spec": {"replicas": 2, "template": template}}));
        assert_eq!(object["spec"], json!({"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}}}));
        assert!(!object.to_string().contains(PLANTED), "{object:#}");
    }
}

#[test]
fn of_a_kind_that_nobody_knows_only_what_is_named_is_taken() {
    let secret = json!({"metadata": planted_metadata(), "kind": "Vault", "spec": {"a": {"b": [{"c": 1, "d": PLANTED}]}, "e": PLANTED}, "data": {"x": PLANTED}});
    let kind = Kind::of("example.com", "v1", "vaults");
    let bare = json!({"metadata": {"name": "web", "labels": {"app": "web"}}, "kind": "Vault"});
    assert_eq!(taken(&kind, secret.clone()), bare);
    let named = taken(&kind.clone().reading(["spec.a.b[].c", "spec.none"]), secret.clone());
    assert_eq!(named["spec"], json!({"a": {"b": [{"c": 1}]}}));
    // A whole object is not one field.
    assert_eq!(taken(&kind.clone().reading(["spec"]), secret)["spec"], json!({}));
    for field in [
        "spec.password",
        "spec.auth.token",
        "data{client-secret}",
        "metadata.annotations{kubectl.kubernetes.io/last-applied-configuration}",
    ] {
        assert_eq!(
            Projection::of_list(&kind.clone().reading([field])).err().map(|error| error.kind),
            Some(ErrorKind::Forbidden),
            "{field}"
        );
    }
}

#[test]
fn passwords_of_bgp_sessions_go() {
    let kind = Kind::of("metallb.io", "v1beta2", "bgppeers");
    let peer =
        taken(&kind, json!({"spec": {"peerAddress": "10.0.0.1", "password": PLANTED, "passwordSecret": {"name": "bgp", "x": PLANTED}}}));
    assert_eq!(peer, json!({"spec": {"peerAddress": "10.0.0.1", "passwordSecret": {"name": "bgp"}, "hasPassword": true}}));
    assert_eq!(taken(&kind, peer.clone()), peer);
    assert_eq!(taken(&kind, json!({"spec": {"password": ""}})), json!({"spec": {}}));
    for (group, plural) in [("frrk8s.metallb.io", "frrnodestates"), ("metallb.io", "frrconfigurations")] {
        let texts = json!({"status": {"runningConfig": PLANTED}, "spec": {"raw": {"rawConfig": PLANTED}}});
        assert_eq!(taken(&Kind::of(group, "v1beta1", plural), texts), json!({}));
    }
}

#[test]
fn of_metallb_the_known_flags_and_variables_are_taken() {
    let speaker = |image: &str, name: &str| {
        let object = json!({"spec": {"containers": [{
            "name": "speaker", "image": image,
            "args": ["--port=7472", "--log-level=debug", "-lb-class", "internal", format!("--token={PLANTED}"), "--password", PLANTED,
                     "-p", PLANTED, format!("--auth-key={PLANTED}"), format!("--pass={PLANTED}"), format!("--lb-class=a password={PLANTED}"), PLANTED],
            "env": [
                {"name": name, "valueFrom": {"fieldRef": {"fieldPath": PLANTED}}},
                {"name": "METALLB_BGP_TYPE", "value": "frr"},
                {"name": "METALLB_ML_SECRET_KEY", "value": PLANTED},
                {"name": "METALLB_ML_SECRET_KEY_PATH", "value": "/etc/ml_secret_key"},
                {"name": "METALLB_NEW", "value": PLANTED},
                {"name": "OTHER", "value": PLANTED},
            ],
        }]}});
        taken(&pods(), object)["spec"]["containers"][0].clone()
    };
    for (image, name) in [("quay.io/metallb/speaker:v0.15.2", "X"), ("registry.example/s:1", "METALLB_NODE_NAME")] {
        let container = speaker(image, name);
        assert!(!container.to_string().contains(PLANTED), "{container:#}");
        assert_eq!(container["args"], json!(["--port=7472", "--log-level=debug", "-lb-class", "internal"]));
        let names: Vec<&str> = container["env"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        assert!(names.ends_with(&["METALLB_BGP_TYPE", "METALLB_ML_SECRET_KEY", "METALLB_ML_SECRET_KEY_PATH"]), "{names:?}");
    }
    assert_eq!(speaker("nginx", "METALLB_X").get("args"), None);
    assert_eq!(speaker("nginx", "METALLB_X").get("env"), None);
}

#[test]
fn of_annotations_the_named_ones_are_taken_and_of_nodes_the_addresses_in_them() {
    let annotations = json!({"metallb.io/allow-shared-ip": "a", "x/y": PLANTED, "flannel.alpha.coreos.com/public-ip": "10.0.0.7", "z": format!("user:{PLANTED} at fd00::1/64")});
    let object = json!({"metadata": {"annotations": annotations}});
    assert_eq!(taken(&Kind::core("services"), object.clone())["metadata"]["annotations"], json!({"metallb.io/allow-shared-ip": "a"}));
    assert_eq!(
        taken(&Kind::core("nodes"), object.clone())["metadata"]["annotations"],
        json!({"flannel.alpha.coreos.com/public-ip": "10.0.0.7", "z": "fd00::1"})
    );
    assert_eq!(taken(&pods(), object)["metadata"], json!({}));
    let long = json!({"metadata": {"annotations": {"metallb.io/allow-shared-ip": "x".repeat(LONGEST_ANNOTATION + 1)}}});
    assert_eq!(taken(&Kind::core("services"), long)["metadata"]["annotations"], json!({}));
}

#[test]
fn selectors_and_labels_stay_whole() {
    let service = json!({"metadata": {"labels": {"password-reset": "yes"}}, "spec": {"selector": {"token-service": "a", "app": "b"}}});
    assert_eq!(taken(&Kind::core("services"), service.clone()), service);
}

#[test]
fn kinds_that_hold_secrets_are_refused() {
    for kind in [Kind::core("secrets"), Kind::core("configmaps"), Kind::core("Secrets"), Kind::of("any.group", "v1", "secrets")] {
        assert_eq!(Projection::of_list(&kind).err().map(|error| error.kind), Some(ErrorKind::Forbidden));
        assert_eq!(Projection::of_object(&kind, Some("a"), "b").err().map(|error| error.kind), Some(ErrorKind::Forbidden));
    }
    assert!(Projection::of_list(&Kind::core("services")).is_ok());
}

#[test]
fn odd_shapes_do_no_harm_and_what_was_taken_once_stays() {
    for kind in [
        pods(),
        Kind::core("services"),
        Kind::core("nodes"),
        Kind::of("x", "v1", "y").reading(["a..b", "[]", "{}", "a[", "{k}.b", "a|b|c"]),
    ] {
        for object in [
            Value::Null,
            json!([]),
            json!(3),
            json!({"spec": 3}),
            json!({"spec": [[]], "metadata": "x"}),
            json!({"metadata": planted_metadata(), "spec": planted_spec()}),
        ] {
            let once = taken(&kind, object);
            assert_eq!(taken(&kind, once.clone()), once);
        }
    }
}

/// The sources of a directory, tests and readers of other things than the API left out.
fn sources(directory: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, all);
        } else if !["tests.rs", "router.rs", "certificate.rs"].iter().any(|name| entry.ends_with(name)) {
            all.push(entry);
        }
    }
}

/// Every JSON pointer that analysis and words read has its parts in the table, so that no reader waits for a field that never comes.
#[test]
fn every_pointer_that_is_read_is_listed() {
    // The value of a variable, which `metallb` takes.
    let mut listed: BTreeSet<&str> = ["value"].into();
    for path in KINDS.iter().flat_map(|kind| kind.fields).chain(ALWAYS).chain(PROBE).chain(STATUS) {
        listed.extend(path.split(['.', '[', ']', '{', '}', '|', '?']));
    }
    let mut files = Vec::new();
    for layer in ["analysis/read", "analysis/target", "words"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer), &mut files);
    }
    let pointer = regex::Regex::new(r#"(?:text|texts|array|map|flag|number|optional_text|pointer|selectors|condition|is|hints|policy|port)(?:::<[a-z0-9]+>)?\((?:&?\w+, )?"(/[A-Za-z0-9/~._-]+)""#).unwrap();
    let mut read = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for found in pointer.captures_iter(code) {
            read += 1;
            for part in found[1].split('/').filter(|part| !part.is_empty() && !part.contains("~1")) {
                assert!(listed.contains(part), "{}: {} is read, and no kind lists {part}", file.display(), &found[1]);
            }
        }
    }
    assert!(read > 150, "{read} pointers were found");
}
