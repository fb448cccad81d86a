//! Stories of Services without the address that they should have. Objects and events are MetalLB's own where a version is named
//! (recorded from 0.13.12 to 0.16.1), cut to what is read.

mod held;
mod parts;
mod pools;
mod requests;

use serde_json::{Value, json};

use super::super::{Case, Judgement, judge};
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::configuration_log::ControllerFold;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::model::announcement::{Announcement, SpeakerLog};
use crate::model::kubernetes::Pod;
use crate::model::metallb::Metallb;
use crate::model::service::Service;

/// A Service `web/NAME` of type LoadBalancer, changed by `with`.
fn service(name: &str, with: &Value) -> Value {
    let mut value = json!({
        "metadata": {"namespace": "web", "name": name, "annotations": {}, "labels": {"app": "web"}},
        "spec": {
            "type": "LoadBalancer", "clusterIPs": ["10.96.0.9"], "ipFamilyPolicy": "SingleStack", "externalTrafficPolicy": "Cluster",
            "selector": {"app": "web"}, "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}]
        },
        "status": {"loadBalancer": {}}
    });
    merge(&mut value, with);
    value
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn annotated(name: &str, annotations: &Value) -> Value {
    service(name, &json!({"metadata": {"annotations": annotations}}))
}

/// A Service that holds an address.
fn holder(name: &str, address: &str, with: &Value) -> Value {
    let mut value = service(name, &json!({"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}));
    merge(&mut value, with);
    value
}

fn pool(name: &str, addresses: &[&str], with: &Value) -> Value {
    let mut value = json!({"metadata": {"name": name, "creationTimestamp": "2026-11-23T05:22:53Z"}, "spec": {"addresses": addresses, "autoAssign": true}});
    merge(&mut value, with);
    value
}

fn services_pool() -> Value {
    pool("services", &["10.88.64.100-10.88.64.120"], &json!({}))
}

fn part(name: &str, args: &[&str]) -> Value {
    json!({
        "metadata": {"namespace": "metallb-system", "name": name, "labels": {"component": name.split('-').next()},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "controller-65f7d5c9f", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": name.split('-').next(), "image": "quay.io/metallb/x:v0.15.2", "args": args}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    })
}

fn event(reason: &str, count: u32, at: &str, message: &str) -> Value {
    json!({"type": "Warning", "reason": reason, "count": count, "lastTimestamp": at, "message": message, "source": {"component": "metallb-controller"}})
}

/// A cluster in which all is well but what the story changes.
#[derive(Clone)]
struct Cluster {
    version: &'static str,
    pools: Vec<Value>,
    others: Option<Vec<Value>>,
    events: Vec<Value>,
    controllers: Vec<Value>,
    speakers: Vec<Value>,
    deployment: Value,
    namespace: Option<Value>,
    states: Vec<Value>,
    log: Vec<&'static str>,
    daemon_sets: Vec<Value>,
}

fn cluster(pools: Vec<Value>) -> Cluster {
    Cluster {
        version: "0.15.2",
        pools,
        others: Some(Vec::new()),
        events: Vec::new(),
        controllers: vec![part("controller-65f7d5c9f-x", &[])],
        speakers: vec![part("speaker-a", &[])],
        deployment: json!({"metadata": {"namespace": "metallb-system", "name": "controller"}, "spec": {"replicas": 1}, "status": {"readyReplicas": 1}}),
        namespace: None,
        states: Vec::new(),
        log: Vec::new(),
        daemon_sets: Vec::new(),
    }
}

fn events(value: &[Value]) -> Vec<crate::model::kubernetes::Event> {
    value.iter().map(objects::event).collect()
}

impl Cluster {
    fn metallb(&self, service: &Service) -> Metallb {
        let mut metallb = Metallb {
            namespace: "metallb-system".to_owned(),
            version: Some(self.version.to_owned()),
            speakers: self.speakers.iter().map(objects::pod).collect::<Vec<_>>().into(),
            controllers: self.controllers.iter().map(objects::pod).collect(),
            workloads: Some(vec![
                objects::workload("Deployment", &self.deployment),
                objects::workload("DaemonSet", &json!({"metadata": {"namespace": "metallb-system", "name": "speaker"}})),
            ]),
            pools: Some(self.pools.iter().map(read_metallb::pool).collect()),
            l2_advertisements: Some(vec![read_metallb::advertisement(&json!({"metadata": {"name": "services"}}))]),
            bgp_advertisements: Some(Vec::new()),
            events: Some(events(&self.events)),
            speakers_read: true,
            asked_at: "2026-11-23T05:47:00Z".to_owned(),
            holders: self.others.as_ref().map(|all| all.iter().map(objects::service).collect()),
            namespace_labels: self.namespace.as_ref().map(|value| crate::analysis::read::map(value, "/metadata/labels")),
            configuration: self.states.iter().filter_map(read_metallb::configuration_state).collect(),
            daemon_sets: Some(self.daemon_sets.iter().map(|value| objects::workload("DaemonSet", value)).collect()),
            ..Metallb::default()
        };
        let mut fold = ControllerFold::new("controller-65f7d5c9f-x", service);
        for line in &self.log {
            fold.line(line);
        }
        let (word, log) = fold.finish();
        metallb.configuration.extend(word);
        metallb.controller_log = Some(log);
        metallb
    }

    fn judged(&self, value: &Value) -> Judgement {
        let service = objects::service(value);
        let metallb = self.metallb(&service);
        // Every speaker's log was read from its start, and says nothing of the address.
        let silent = |pod: &Pod| SpeakerLog {
            pod: pod.name.clone(),
            node: pod.node.clone().unwrap_or_default(),
            complete: true,
            ..SpeakerLog::default()
        };
        let logs = metallb.speakers.iter().map(silent).collect();
        let announcement: Announcement = announcement(Gathered { logs, ..Gathered::of_objects(&service, metallb) });
        judge(&Case { service: &service, announcement: Some(&announcement), target: None, flow: None, closer: None, gaps: &[] })
    }

    /// The first finding is this one, about this culprit, and its text and evidence hold these words.
    fn says(&self, value: &Value, name: &str, culprit: &str, words: &[&str]) -> Judgement {
        let judgement = self.judged(value);
        let first = judgement.findings.first().unwrap_or_else(|| panic!("no finding; gaps {:?}", judgement.gaps));
        assert_eq!((first.name.as_str(), first.culprits[0].to_string().as_str()), (name, culprit), "{first:#?}");
        let text = format!("{} {}", first.summary, first.evidence.join(" "));
        for word in words {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
        judgement
    }

    /// Nothing is claimed, and a gap says what would decide.
    fn stays_open(&self, value: &Value, words: &str) {
        let judgement = self.judged(value);
        assert!(judgement.findings.is_empty(), "{:#?}", judgement.findings);
        assert!(judgement.gaps.iter().any(|gap| gap.decisive && gap.reason.contains(words)), "{:#?}", judgement.gaps);
    }
}

const WEB: &str = "service/web/late";
