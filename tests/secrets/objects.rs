//! A small cluster with a secret in every place that takes text.

use serde_json::{Value, json};

use crate::planted::Planted;

/// Annotations as people and tools write them.
fn annotations(planted: &Planted, kind: &str) -> Value {
    let at = |what: &str| planted.at(&format!("annotation of {kind}: {what}"));
    json!({
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"env\":[{{\"value\":\"{}\"}}]}}", at("last applied")),
        "example.com/webhook": format!("https://bot:{}@hooks.example.com/in", at("address")),
        "example.com/login": format!("admin:{}", at("login")),
        "meta.helm.sh/values": format!("adminPassword: {}", at("Helm values")),
        "example.com/bearer": format!("Bearer {}", at("bearer")),
    })
}

fn metadata(planted: &Planted, kind: &str, name: &str, labels: &Value) -> Value {
    json!({
        "name": name, "namespace": "web", "uid": format!("uid-{name}"), "labels": labels, "creationTimestamp": "2026-11-23T10:00:00Z",
        "managedFields": [{"manager": "x", "fieldsV1": {"f:x": planted.at(&format!("managed field of {kind}"))}}],
        "annotations": annotations(planted, kind),
    })
}

fn container(planted: &Planted, name: &str, image: &str) -> Value {
    let at = |what: &str| planted.at(&format!("container {name}: {what}"));
    json!({
        "name": name, "image": image, "ports": [{"name": "http", "containerPort": 8080}],
        "command": ["sh", "-c", format!("serve {}", at("command"))],
        "args": ["--port=7472", "--log-level=info", "--password", at("--password X"), format!("--pass={}", at("--pass=")),
                 "-p", at("-p X"), format!("--auth-key={}", at("--auth-key="))],
        "env": [
            {"name": "METALLB_NODE_NAME", "value": "n1"},
            {"name": "METALLB_ML_SECRET_KEY", "value": at("memberlist's key")},
            {"name": "METALLB_TOKEN_NEW", "value": at("a new variable of MetalLB's")},
            {"name": "DB_PASSWORD", "value": at("variable")},
        ],
        "readinessProbe": {"httpGet": {"path": format!("/ready?token={}", at("path of its probe")), "port": 8080,
                                       "httpHeaders": [{"name": "Authorization", "value": at("header of its probe")}]}},
        "livenessProbe": {"exec": {"command": ["check", at("command of its probe")]}},
        "lifecycle": {"preStop": {"exec": {"command": [at("command of its hook")]}}},
    })
}

fn pod(planted: &Planted, name: &str, labels: &Value, image: &str, ready: bool) -> Value {
    let at = |what: &str| planted.at(&format!("pod {name}: {what}"));
    let state = if ready {
        json!({"running": {"startedAt": "2026-11-23T10:00:00Z"}})
    } else {
        json!({"waiting": {"reason": "CreateContainerError", "message": format!("cannot start: args [--db-password={}]", at("waiting message"))}})
    };
    json!({
        "metadata": metadata(planted, &format!("pod {name}"), name, labels),
        "spec": {
            "nodeName": "n1", "containers": [container(planted, name, image)],
            "volumes": [{"name": "v", "csi": {"volumeAttributes": {"password": at("volume")}}}],
            "imagePullSecrets": [{"name": at("name of a pull secret")}],
        },
        "status": {
            "phase": "Running", "podIP": "10.88.130.3", "podIPs": [{"ip": "10.88.130.3"}],
            "message": format!("password={}", at("status message")),
            "conditions": [
                {"type": "Ready", "status": if ready { "True" } else { "False" }, "reason": "ContainersNotReady",
                 "message": format!("token: {}", at("condition"))},
                {"type": "PodScheduled", "status": "True"},
            ],
            "containerStatuses": [{
                "name": name, "ready": ready, "restartCount": 3, "containerID": "containerd://abc", "state": state,
                "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "message": at("last words")}},
            }],
        },
    })
}

fn event(planted: &Planted, kind: &str, name: &str, reason: &str, message: &str) -> Value {
    json!({
        "metadata": metadata(planted, "event", "e", &json!({})),
        "type": "Warning", "reason": reason, "message": message, "count": 2, "lastTimestamp": "2026-11-23T11:00:00Z",
        "source": {"component": "kubelet"}, "involvedObject": {"kind": kind, "namespace": "web", "name": name, "uid": format!("uid-{name}")},
    })
}

fn events(planted: &Planted, kind: &str, name: &str) -> Vec<Value> {
    let at = |what: &str| planted.at(&format!("event of {kind}: {what}"));
    vec![
        event(planted, kind, name, "Failed", &format!("Error: GET https://ci:{}@registry.example.com/v2/ was refused", at("address"))),
        event(planted, kind, name, "BackOff", &format!("exec [\"app\",\"--api-key\",\"{}\"] failed", at("argument"))),
        event(planted, kind, name, "Unhealthy", &format!("probe failed: Authorization: Bearer {}", at("bearer"))),
        event(planted, kind, name, "FailedMount", &format!("{{\"clientSecret\":\"{}\"}}", at("JSON"))),
    ]
}

/// The items of a kind's list.
pub(crate) fn items(planted: &Planted, plural: &str, path: &str) -> Vec<Value> {
    let meta = |kind: &str, name: &str, labels: &Value| metadata(planted, kind, name, labels);
    let app = json!({"app": "web"});
    match plural {
        "services" => vec![service(planted)],
        "nodes" => vec![json!({"metadata": meta("node", "n1", &json!({"kubernetes.io/hostname": "n1"})),
            "spec": {"podCIDRs": ["10.88.130.0/24"]},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.88.64.11"}],
                       "nodeInfo": {"machineID": planted.at("node information")},
                       "conditions": [{"type": "Ready", "status": "True", "message": planted.at("condition of a node")}]}})],
        "pods" if path.contains("metallb-system") || path.contains("speaker") => {
            let labels = json!({"app": "metallb", "component": "speaker"});
            vec![
                pod(planted, "speaker", &labels, "quay.io/metallb/speaker:v0.15.2", true),
                pod(
                    planted,
                    "controller",
                    &json!({"app": "metallb", "component": "controller"}),
                    "quay.io/metallb/controller:v0.15.2",
                    true,
                ),
            ]
        }
        "pods" => vec![pod(planted, "web-1", &app, "registry.example.com/web:1", false)],
        "events" if path.contains("Pod") => events(planted, "Pod", "web-1"),
        "events" => events(planted, "Service", "web"),
        "endpointslices" => vec![json!({"metadata": meta("slice", "web-x", &json!({"kubernetes.io/service-name": "web"})),
            "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.88.130.3"], "conditions": {"ready": false}, "nodeName": "n1",
                           "deprecatedTopology": {"x": planted.at("endpoint")}, "targetRef": {"kind": "Pod", "name": "web-1"}}]})],
        "ipaddresspools" => {
            vec![json!({"metadata": meta("pool", "public", &json!({})), "spec": {"addresses": ["10.88.64.100-10.88.64.110"]}})]
        }
        "l2advertisements" => vec![json!({"metadata": meta("advertisement", "l2", &json!({})), "spec": {}})],
        "bgpadvertisements" => vec![json!({"metadata": meta("BGP advertisement", "bgp", &json!({})), "spec": {}})],
        "bgppeers" => vec![json!({"metadata": meta("peer", "router", &json!({})),
            "spec": {"peerAddress": "10.88.64.1", "peerASN": 64512, "myASN": 64500, "password": planted.at("password of a peer"),
                     "passwordSecret": {"name": "bgp", "value": planted.at("value beside a reference")}}})],
        "servicel2statuses" | "servicebgpstatuses" => vec![json!({
            "metadata": meta("status of a Service", "l2-x", &json!({"metallb.io/service-name": "web", "metallb.io/service-namespace": "web", "metallb.io/node": "n1"})),
            "status": {"node": "n1", "serviceName": "web", "debug": planted.at("status of a Service")}})],
        "configurationstates" => vec![json!({
            "metadata": meta("configuration", "speaker-n1", &json!({"metallb.io/component-type": "speaker", "metallb.io/node-name": "n1"})),
            "status": {"result": "Invalid", "errorSummary": format!("peer router: password={}", planted.at("error of the configuration"))}})],
        "deployments" | "daemonsets" | "statefulsets" => vec![json!({
            "metadata": meta(plural, "speaker", &app),
            "spec": {"replicas": 1, "template": {"metadata": meta("template", "t", &app), "spec": {"containers": [container(planted, "template", "x")]}}},
            "status": {"readyReplicas": 1, "desiredNumberScheduled": 1, "numberReady": 1,
                       "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                                       "message": format!("webhook https://a:{}@hook.example.com refused", planted.at("condition of a workload"))}]}})],
        _ => Vec::new(),
    }
}

pub(crate) fn service(planted: &Planted) -> Value {
    let mut metadata = metadata(planted, "Service", "web", &json!({"app": "web"}));
    metadata["annotations"]["metallb.io/allow-shared-ip"] = json!(format!("password={}", planted.at("annotation that is read")));
    metadata["annotations"]["metallb.io/address-pool"] = json!(format!("https://u:{}@pool", planted.at("another annotation that is read")));
    json!({
        "metadata": metadata,
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                 "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP", "secret": planted.at("field of a port")}],
                 "secret": planted.at("secret of a Service"), "pwd": planted.at("pwd of a Service"), "auth": {"accessKey": [planted.at("accessKey of a Service")]}},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]},
                   "conditions": [{"type": "X", "message": planted.at("condition of a Service")}]},
    })
}

/// A speaker's log.
pub(crate) fn log(planted: &Planted) -> String {
    let at = |what: &str| planted.at(&format!("log: {what}"));
    let jwt = planted.shaped(
        "log: JSON web token",
        &format!("eyJ{}.eyJ{}.{}", crate::planted::random(30), crate::planted::random(40), crate::planted::random(43)),
    );
    let join = planted
        .shaped("log: join token", &format!("{}.{}", crate::planted::random(6).to_lowercase(), crate::planted::random(16).to_lowercase()));
    let lines = [
        r#"{"caller":"main.go:100","branch":"dev","goversion":"go1.22","level":"info","msg":"MetalLB speaker starting version 0.15.2"}"#.to_owned(),
        r#"{"caller":"main.go:420","event":"serviceAnnounced","ips":["10.88.64.100"],"level":"info","msg":"service has IP, announcing","pool":"public","protocol":"layer2"}"#.to_owned(),
        format!(r#"{{"caller":"main.go:1","event":"serviceAnnounced","ips":["10.88.64.100"],"level":"info","msg":"token={}","pool":"public","protocol":"layer2"}}"#, at("beside an announcement")),
        format!(r#"{{"caller":"bgp.go:63","level":"error","op":"session","peer":"10.88.64.1","error":"dial: password={}","msg":"failed to connect"}}"#, at("error of a session")),
        format!(r#"{{"caller":"config.go:1","level":"error","op":"setConfig","error":"peer router: password \"{}\" is too long","msg":"failed to parse configuration"}}"#, at("error of the configuration")),
        format!(r#"{{"caller":"frr.go:9","level":"debug","msg":"neighbor 10.88.64.1 password {}\n key-string {}"}}"#, at("configuration of FRR"), at("key-string")),
        format!("ip ospf message-digest-key 1 md5 {}", at("message-digest-key")),
        format!("authentication string {}", at("authentication string")),
        format!("tcp-ao 1 hmac {}", at("tcp-ao")),
        format!(r#"{{"level":"error","msg":"Reconciler error","error":"token {jwt} was refused, {join} too","service":"web/web"}}"#),
        format!("-----BEGIN PRIVATE KEY-----\n{0}{0}{0}\n-----END PRIVATE KEY-----", at("private key")),
        format!(r#"{{"level":"error","error":"GET https://a:{}@api.example.com","msg":"webhook","service":"web/web"}}"#, at("address")),
    ];
    lines
        .iter()
        .flat_map(|line| line.split('\n'))
        .map(|line| format!("2026-11-23T11:00:00.000000000Z {line}\n"))
        .collect::<Vec<_>>()
        .concat()
}
