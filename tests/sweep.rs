//! Who announces what, in a cluster of a thousand Services: the process that asks stays below 256 MiB.
//!
//! It is the only test of its binary, since what is measured is the process.

#![expect(clippy::expect_used, reason = "a test fails by them")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, Inputs, RunOptions};
use lbdiag::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::{Evidence, EvidenceError};
use serde_json::{Value, json};

const SERVICES: usize = 1_000;
const PODS_EACH: usize = 5;

/// The most that the process may have resident. KiB.
const MOST_RESIDENT: u64 = 256 << 10;

/// A cluster on paper, with a speaker on each node. Over BGP all of them announce every address, otherwise one does.
struct Paper {
    bgp: bool,
    nodes: usize,
}

impl Paper {
    fn protocol(&self) -> &'static str {
        if self.bgp { "bgp" } else { "layer2" }
    }

    fn announces(&self, node: usize, service: usize) -> bool {
        self.bgp || service % self.nodes == node
    }
}

impl Cluster for Paper {
    fn get(&self, _query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        Ok(None)
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let within = |namespace: &str| query.namespace.as_deref().is_none_or(|wanted| wanted == namespace);
        Ok(List::whole(match query.kind.plural.as_str() {
            "services" => (0..SERVICES).map(service).collect(),
            "nodes" => (0..self.nodes).map(node).collect(),
            "endpointslices" => {
                (0..SERVICES).filter(|number| within(&namespace(*number))).map(|number| slice(number, self.nodes)).collect()
            }
            "pods" if within("metallb-system") => (0..self.nodes).map(speaker).collect(),
            "ipaddresspools" => {
                vec![json!({"metadata": {"name": "all", "namespace": "metallb-system"}, "spec": {"addresses": ["10.99.0.0/16"]}})]
            }
            "l2advertisements" if !self.bgp => vec![json!({"metadata": {"name": "all", "namespace": "metallb-system"}, "spec": {}})],
            "bgpadvertisements" if self.bgp => vec![json!({"metadata": {"name": "all", "namespace": "metallb-system"}, "spec": {}})],
            "bgppeers" if self.bgp => {
                let spec = json!({"myASN": 64512, "peerASN": 64513, "peerAddress": "10.201.1.1"});
                vec![json!({"metadata": {"name": "router", "namespace": "metallb-system"}, "spec": spec})]
            }
            _ => Vec::new(),
        }))
    }

    /// Each speaker tells of every address: it announces its own, and withdrew the others.
    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let number = number(&query.pod);
        for service in 0..SERVICES {
            let (address, name) = (address(service), format!("{}/svc-{service:04}", namespace(service)));
            let says = if self.announces(number, service) {
                format!("\"event\":\"serviceAnnounced\",\"ips\":[\"{address}\"],\"msg\":\"service has IP, announcing\",\"pool\":\"all\"")
            } else {
                format!(
                    "\"event\":\"serviceWithdrawn\",\"ip\":null,\"ips\":[\"{address}\"],\"msg\":\"withdrawing service announcement\",\"reason\":\"notOwner\""
                )
            };
            line(&format!(
                "2026-11-23T17:50:13.000000000Z {{\"caller\":\"main.go:420\",\"level\":\"info\",{says},\"protocol\":\"{}\",\"service\":\"{name}\",\"ts\":\"2026-11-23T17:50:13Z\"}}",
                self.protocol()
            ));
        }
        Ok(())
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        line("metallb_k8s_client_config_stale_bool 0");
        for service in (0..SERVICES).filter(|service| self.announces(number(&query.pod), *service)) {
            line(&format!(
                "metallb_speaker_announced{{ip=\"{}\",node=\"paper-{:03}\",protocol=\"{}\",service=\"{}/svc-{service:04}\"}} 1",
                address(service),
                number(&query.pod),
                self.protocol(),
                namespace(service)
            ));
        }
        Ok(())
    }

    fn may(&self, _query: &AccessQuery) -> Result<bool, EvidenceError> {
        Ok(true)
    }
}

/// The number of a speaker's node.
fn number(pod: &str) -> usize {
    pod.trim_start_matches("speaker-").parse().expect("a number")
}

fn namespace(number: usize) -> String {
    format!("fill-{:02}", number % 20)
}

fn address(number: usize) -> String {
    format!("10.99.{}.{}", number / 250, number % 250 + 1)
}

fn service(number: usize) -> Value {
    let name = format!("svc-{number:04}");
    json!({
        "metadata": {"name": name, "namespace": namespace(number), "labels": {"app.kubernetes.io/name": name}},
        "spec": {"type": "LoadBalancer", "selector": {"app.kubernetes.io/name": name}, "externalTrafficPolicy": "Cluster",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}]},
        "status": {"loadBalancer": {"ingress": [{"ip": address(number), "ipMode": "VIP"}]}},
    })
}

fn node(number: usize) -> Value {
    let name = format!("paper-{number:03}");
    let conditions: Vec<Value> = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", "Ready"]
        .map(|kind| json!({"type": kind, "status": if kind == "Ready" { "True" } else { "False" }, "message": "kubelet says so"}))
        .into();
    let images: Vec<Value> =
        (0..50).map(|image| json!({"names": [format!("registry.example/team/app-{image}@sha256:{image:064x}")]})).collect();
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "spec": {"podCIDR": format!("10.200.{number}.0/24"), "podCIDRs": [format!("10.200.{number}.0/24")]},
        "status": {"addresses": [{"type": "InternalIP", "address": format!("10.201.0.{}", number + 1)}], "conditions": conditions, "images": images},
    })
}

fn slice(number: usize, nodes: usize) -> Value {
    let name = format!("svc-{number:04}");
    let endpoints: Vec<Value> = (0..PODS_EACH)
        .map(|pod| {
            let node = (number * PODS_EACH + pod) % nodes;
            json!({"addresses": [format!("10.200.{node}.{}", 2 + (number * PODS_EACH + pod) / nodes)], "nodeName": format!("paper-{node:03}"),
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": namespace(number), "name": format!("{name}-{pod}")}})
        })
        .collect();
    json!({
        "metadata": {"name": format!("{name}-x"), "namespace": namespace(number), "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4", "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}], "endpoints": endpoints,
    })
}

fn speaker(number: usize) -> Value {
    let env: Vec<Value> = ["METALLB_NODE_NAME", "METALLB_HOST", "METALLB_ML_BIND_ADDR"].map(|name| json!({"name": name})).into();
    json!({
        "metadata": {"name": format!("speaker-{number}"), "namespace": "metallb-system", "labels": {"app": "metallb", "component": "speaker"}},
        "spec": {"nodeName": format!("paper-{number:03}"), "containers": [{"name": "speaker", "image": "quay.io/metallb/speaker:v0.15.2",
            "args": ["--port=7472", "--log-level=info"], "env": env}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"name": "speaker", "ready": true,
            "restartCount": 0, "state": {"running": {"startedAt": "2026-11-20T00:00:00Z"}}}]},
    })
}

#[test]
fn a_sweep_of_a_thousand_services_stays_within_the_memory_of_a_process() {
    let before = resident();
    // Over BGP every node says something of every address, which takes as long as more nodes do at layer 2.
    for (bgp, nodes) in [(false, 100), (true, 40)] {
        sweep(Paper { bgp, nodes });
        let most = resident();
        assert!(most < MOST_RESIDENT, "{} MiB were resident, {} MiB before", most >> 10, before >> 10);
    }
}

fn sweep(paper: Paper) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let playbook = engine::load(&root.join("examples/who-announces.rhai")).map_err(|broken| broken.to_string()).expect("the playbook");
    // Everything but the cluster is as in a recording, and is not asked.
    let (recorded, manifest) = recorded::open(&root.join("tests/recordings/healthy.lbdiag")).expect("a recording");
    let protocol = paper.protocol();
    let evidence = Evidence { cluster: Arc::new(paper), ..recorded };
    let params = engine::resolve(&playbook.header, &Inputs::default()).expect("no parameters");
    let options = RunOptions { time_limit: Duration::from_secs(120), progress: Arc::new(|_| {}) };
    let end = engine::run(&playbook, params, &evidence, &manifest.site.site(), &options);
    let text = lbdiag::report::text(&end.outcome, lbdiag::report::Style::PLAIN);
    let json = lbdiag::report::json(&end.outcome);
    assert!(end.outcome.ended.is_none(), "{text}");
    let rows = &end.outcome.tables.first().expect("a table").rows;
    assert_eq!(rows.len(), SERVICES);
    assert!(rows.iter().all(|row| row[2] == protocol), "{:?}", rows[0]);
    assert!(text.contains("10.99.3.250") && json.contains("10.99.3.250"));
}

/// The most that this process had resident so far, KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status of this process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.expect("the peak")
}
