//! MetalLB is found wherever it is and whatever its parts are called. The API server is a handful of objects here, because the lab's
//! MetalLB is its own manifest's.

#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod nobody;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lbdiag::engine::{self, RunOptions};
use lbdiag::evidence::Evidence;
use lbdiag::evidence::clock::{Clock, LiveClock};
use lbdiag::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use lbdiag::evidence::error::{ErrorKind, EvidenceError};
use lbdiag::evidence::interrupt::Interrupt;
use lbdiag::evidence::recording::tape::Tape;
use lbdiag::evidence::site::Site;
use lbdiag::model::outcome::Outcome;
use nobody::Nobody;
use serde_json::{Value, json};

/// Objects by plural; a list is filtered by namespace and by the labels of its query.
struct Objects {
    objects: BTreeMap<&'static str, Vec<Value>>,
    logs_asked: Mutex<Vec<String>>,
}

fn labelled(object: &Value, selector: &str) -> bool {
    selector.split(',').all(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        object.pointer(&format!("/metadata/labels/{}", key.replace('/', "~1"))).and_then(Value::as_str) == Some(value)
    })
}

impl Cluster for Objects {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        Ok(self
            .objects
            .get(query.kind.plural.as_str())
            .into_iter()
            .flatten()
            .find(|object| object["metadata"]["name"] == query.name)
            .cloned())
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let within = |object: &&Value| query.namespace.as_ref().is_none_or(|namespace| object["metadata"]["namespace"] == *namespace);
        let all = self.objects.get(query.kind.plural.as_str()).into_iter().flatten().filter(within);
        let found = all.filter(|object| query.labels.as_ref().is_none_or(|labels| labelled(object, labels))).cloned().collect();
        Ok(List::whole(found))
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.logs_asked.lock().expect("the lock").push(format!("{}/{}/{}", query.namespace, query.pod, query.container));
        line(r#"2026-11-24T10:00:00Z {"msg":"MetalLB speaker starting version 0.15.2 (commit 'x', branch 'y')","version":"0.15.2"}"#);
        if query.pod.ends_with("n1") {
            line(r#"2026-11-24T10:00:01Z {"event":"serviceAnnounced","ips":["10.88.64.100"],"pool":"p","protocol":"layer2"}"#);
        }
        Ok(())
    }

    fn read_metrics(&self, query: &MetricsQuery, _line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        Err(EvidenceError::new(ErrorKind::NotFound, format!("read metrics of {}", query.pod), "nobody listens"))
    }

    fn may(&self, _query: &AccessQuery) -> Result<bool, EvidenceError> {
        Ok(true)
    }
}

/// A speaker, as one flavour of MetalLB labels it.
fn speaker(namespace: &str, name: &str, node: &str, labels: &Value, containers: &Value) -> Value {
    let running = |container: &Value| json!({"name": container["name"], "state": {"running": {}}});
    let statuses: Vec<Value> = containers.as_array().into_iter().flatten().map(running).collect();
    json!({"metadata": {"namespace": namespace, "name": name, "labels": labels}, "spec": {"nodeName": node, "containers": containers},
        "status": {"phase": "Running", "containerStatuses": statuses}})
}

/// A cluster of two nodes whose MetalLB is in `namespace`, with the given pods.
fn cluster(namespace: &str, pods: Vec<Value>) -> Arc<Objects> {
    let node = |name: &str| json!({"metadata": {"name": name}});
    let here = |name: &str, spec: Value| json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec});
    let objects = [
        (
            "services",
            vec![json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "selector": {"app": "web"},
            "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}})],
        ),
        ("nodes", vec![node("n1"), node("n2")]),
        ("ipaddresspools", vec![here("p", json!({"addresses": ["10.88.64.0/24"]}))]),
        ("l2advertisements", vec![here("a", json!({}))]),
        (
            "endpointslices",
            vec![json!({"metadata": {"namespace": "a", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "ports": [{"name": "", "port": 443}], "endpoints": [{"addresses": ["10.88.129.5"], "nodeName": "n1"}]})],
        ),
        ("pods", pods),
    ];
    Arc::new(Objects { objects: objects.into_iter().collect(), logs_asked: Mutex::default() })
}

fn run(cluster: &Arc<Objects>, site: &Site) -> Outcome {
    let source = "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! uses: [cluster.read]\n//! ---\n\
        let found = find_announcer(service(\"a\", \"web\"));\n\
        finding(\"site/announcer\", \"info\", \"node/\" + found.node, found.agreement);\n";
    let playbook = engine::playbook::read("a.rhai", source.to_owned()).map_err(|broken| broken.to_string()).expect("a playbook");
    let clock: Arc<dyn Clock> = Arc::new(LiveClock::since(std::time::Instant::now()));
    let evidence = Evidence {
        cluster: Arc::clone(cluster) as Arc<dyn Cluster>,
        hosts: Arc::new(Nobody { breaks: false }),
        captures: Arc::new(Nobody { breaks: false }),
        clocks: Arc::new(Nobody { breaks: false }),
        clock,
        tape: Arc::new(Tape::default()),
        interrupt: Interrupt::default(),
    };
    let options = RunOptions { time_limit: Duration::from_secs(10), progress: Arc::new(|_| {}) };
    engine::run(&playbook, BTreeMap::new(), &evidence, site, &options).outcome
}

fn check(namespace: &str, labels: &Value, containers: &Value, site: &Site) {
    let mut pods = ["n1", "n2"].map(|node| speaker(namespace, &format!("lb-{node}"), node, labels, containers)).to_vec();
    // Other programs have speakers too, and other pods live beside MetalLB.
    pods.push(speaker(
        "audio",
        "loud-n1",
        "n1",
        &json!({"component": "speaker", "app": "speaker"}),
        &json!([{"name": "loud", "image": "loud:1"}]),
    ));
    pods.push(speaker(namespace, "beside", "n2", &json!({"app": "beside"}), &json!([{"name": "beside", "image": "beside:1"}])));
    let cluster = cluster(namespace, pods);
    let outcome = run(&cluster, site);
    let found = outcome.findings.first().expect("a finding");
    assert_eq!((found.culprits[0].to_string().as_str(), found.summary.as_str()), ("node/n1", "agree"), "{outcome:?}");
    let mut asked = cluster.logs_asked.lock().expect("the lock").clone();
    asked.sort();
    let container = containers.as_array().and_then(|all| all.iter().find(|one| one["env"] != Value::Null)).unwrap_or(&containers[0]);
    let expected = ["n1", "n2"].map(|node| format!("{namespace}/lb-{node}/{}", container["name"].as_str().unwrap_or_default()));
    assert_eq!(asked, expected);
}

const ENV: &str = "METALLB_NODE_NAME";

#[test]
fn the_manifests_labels_in_the_usual_namespace() {
    let containers = json!([{"name": "speaker", "image": "quay.io/metallb/speaker:v0.15.2", "env": [{"name": ENV}]}]);
    check("metallb-system", &json!({"app": "metallb", "component": "speaker"}), &containers, &Site::default());
}

#[test]
fn the_charts_labels_in_a_namespace_of_its_own() {
    let labels = json!({"app.kubernetes.io/name": "metallb", "app.kubernetes.io/component": "speaker"});
    let containers = json!([{"name": "metallb-speaker", "image": "registry.example/metallb-speaker:v0.14.9", "env": [{"name": ENV}]}]);
    check("balancers", &labels, &containers, &Site::default());
}

/// FRR mode: the pod's first container is not the speaker.
#[test]
fn the_speaker_among_other_containers() {
    let containers = json!([{"name": "frr", "image": "quay.io/frrouting/frr:9"}, {"name": "speaker", "image": "x/speaker:v0.15.2", "env": [{"name": ENV}]}]);
    check("metallb-system", &json!({"component": "speaker", "app": "metallb"}), &containers, &Site::default());
}

/// A vendor renamed everything: MetalLB's own objects show the namespace, and its variables show the speakers.
#[test]
fn renamed_labels_images_and_names() {
    let containers =
        json!([{"name": "main", "image": "registry.example/lb:v0.15.2", "env": [{"name": ENV}, {"name": "METALLB_ML_BIND_ADDR"}]}]);
    check("kaas", &json!({"app": "mcc-lb"}), &containers, &Site::default());
}

#[test]
fn the_site_file_names_what_nothing_shows() {
    let mut site = Site::default();
    site.metallb.namespace = Some("kaas".to_owned());
    site.metallb.speaker_labels = Some("app=mcc-metallb-speaker".to_owned());
    check("kaas", &json!({"app": "mcc-metallb-speaker"}), &json!([{"name": "main", "image": "registry.example/lb:1"}]), &site);
}
