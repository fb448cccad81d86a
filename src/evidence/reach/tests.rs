//! What is out of reach is refused, and what is within it passes.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;
use crate::evidence::capture::{Captures, OpenCapture};
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, Kind, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Hosts, Output};
use crate::evidence::side_by_side::lock;
use crate::model::capture::CaptureRequest;
use crate::model::place::{Host, HostKind, Place};
use crate::model::reach::CaptureReach;

/// A world that answers everything, and remembers what reached it.
#[derive(Default)]
struct Open(Mutex<Vec<String>>);

impl Open {
    fn came(&self, what: impl Into<String>) {
        lock(&self.0).push(what.into());
    }
}

impl Cluster for Open {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        self.came(format!("get {}", query.name));
        Ok(None)
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        self.came(format!("list {}", query.kind.plural));
        let object = |namespace: Option<&str>| json!({"metadata": {"name": "x", "namespace": namespace}});
        Ok(List::whole(if query.kind.plural == "nodes" { vec![object(None)] } else { vec![object(Some("web")), object(Some("db"))] }))
    }

    fn read_log(&self, query: &LogQuery, _: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.came(format!("log {}", query.pod));
        Ok(())
    }

    fn read_metrics(&self, query: &MetricsQuery, _: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.came(format!("metrics {}", query.pod));
        Ok(())
    }

    fn may(&self, _: &AccessQuery) -> Result<bool, EvidenceError> {
        Ok(true)
    }
}

impl Hosts for Open {
    fn warm(&self, hosts: &[Host]) {
        for host in hosts {
            self.came(format!("warm {}", host.name));
        }
    }

    fn run(&self, host: &Host, _: &Command) -> Result<Output, EvidenceError> {
        self.came(format!("run {}", host.name));
        Ok(Output { status: 0, stdout: String::new(), stderr: String::new() })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        self.came("sweep");
        Vec::new()
    }
}

impl Captures for Open {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        self.came(format!("capture {} {} {}", request.place, request.most_seconds, request.snaplen));
        Err(EvidenceError::new(ErrorKind::CaptureRefused, "capture", "a test has none"))
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|one| (*one).to_owned()).collect()
}

fn reach() -> Arc<Reach> {
    let capture = CaptureReach { seconds: Some(10), snaplen: Some(96), ..CaptureReach::default() };
    Arc::new(Reach { hosts: Some(names(&["n?"])), namespaces: Some(names(&["web"])), capture, ..Reach::default() })
}

fn host(name: &str) -> Host {
    Host { name: name.to_owned(), address: name.to_owned(), kind: HostKind::Node }
}

#[test]
fn what_is_out_of_reach_is_refused_and_never_asked() {
    let world = Arc::new(Open::default());
    let cluster = cluster::Narrowed { all: Arc::clone(&world) as Arc<dyn Cluster>, reach: reach() };
    let get = |namespace: &str| {
        cluster.get(&ObjectQuery { kind: Kind::core("pods"), namespace: Some(namespace.to_owned()), name: "p".to_owned() })
    };
    assert!(get("web").is_ok());
    let refused = get("db").unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    assert!(refused.to_string().contains("namespace db") && refused.hint.contains("`namespaces`"), "{refused}");
    assert!(cluster.list(&ListQuery::within(Kind::core("pods"), "db")).is_err());
    let log = LogQuery { namespace: "db".to_owned(), pod: "p".to_owned(), container: "c".to_owned(), previous: false };
    assert!(cluster.read_log(&log, &mut |_| Keep::No).is_err());
    let metrics = MetricsQuery { namespace: "db".to_owned(), pod: "p".to_owned(), port: 1, tls: false };
    assert!(cluster.read_metrics(&metrics, &mut |_| Keep::No).is_err());
    assert_eq!(*lock(&world.0), ["get p"]);
}

#[test]
fn a_list_of_the_whole_cluster_says_what_it_holds_back() {
    let cluster = cluster::Narrowed { all: Arc::new(Open::default()), reach: reach() };
    let pods = cluster.list(&ListQuery::everywhere(Kind::core("pods"))).unwrap();
    assert_eq!(pods.objects.len(), 1);
    assert!(pods.lacks.unwrap().reason.contains("1 objects of other namespaces"));
    let nodes = cluster.list(&ListQuery::everywhere(Kind::core("nodes"))).unwrap();
    assert!(nodes.objects.len() == 1 && nodes.lacks.is_none(), "what has no namespace is not narrowed");
}

#[test]
fn hosts_are_neither_connected_to_nor_asked_and_are_swept_all_the_same() {
    let world = Arc::new(Open::default());
    let hosts = hosts::Narrowed { all: Arc::clone(&world) as Arc<dyn Hosts>, reach: reach() };
    hosts.warm(&[host("n1"), host("c1")]);
    let command = Command { script: Script::Links, args: Vec::new(), limit: std::time::Duration::from_secs(1), most_bytes: 1 };
    assert!(hosts.run(&host("n1"), &command).is_ok());
    let refused = hosts.run(&host("c1"), &command).unwrap_err();
    assert!(refused.kind == ErrorKind::Forbidden && refused.hint.contains("`hosts`"), "{refused}");
    hosts.sweep();
    assert_eq!(*lock(&world.0), ["warm n1", "run n1", "sweep"]);
}

#[test]
fn a_capture_has_no_bound_above_the_sites() {
    let world = Arc::new(Open::default());
    let captures = captures::Narrowed { all: Arc::clone(&world) as Arc<dyn Captures>, reach: reach() };
    let request = |place| CaptureRequest { most_seconds: 3600, snaplen: 65_535, ..CaptureRequest::sample(place) };
    let pod = |namespace: &str| Place::Pod {
        host: host("n1"),
        namespace: namespace.to_owned(),
        name: "p".to_owned(),
        ips: Vec::new(),
        container_ids: Vec::new(),
    };
    let kinds = [Place::Host(host("n1")), Place::Host(host("c1")), pod("web"), pod("db")]
        .map(|place| captures.open(&request(place)).err().unwrap().kind);
    assert_eq!(kinds, [ErrorKind::CaptureRefused, ErrorKind::Forbidden, ErrorKind::CaptureRefused, ErrorKind::Forbidden]);
    assert_eq!(*lock(&world.0), ["capture n1 10 96", "capture web/p 10 96"]);
}
