//! A quiet cluster is spared questions, and whatever is odd about it calls for all of them.

use serde_json::{Value, json};

use super::*;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::model::announcement::{AddressLog, History, LogState, ProtocolLog};
use crate::model::kubernetes::Node;
use crate::model::metallb::{ConfigurationWord, Reader};
use crate::model::service::Service;

const NODES: [&str; 4] = ["n0", "n1", "n2", "n3"];

/// Four nodes, of which n2 should announce 10.88.64.100, and n0 carries the label that keeps it out.
struct Quiet {
    service: Value,
    nodes: Vec<Node>,
    metallb: Metallb,
    logs: Vec<SpeakerLog>,
    history: History,
}

impl Quiet {
    fn new() -> Self {
        let labels =
            |name: &str| if name == "n0" { json!({"node.kubernetes.io/exclude-from-external-load-balancers": ""}) } else { json!({}) };
        let status = json!({"metadata": {"name": "l2-a", "labels": {"metallb.io/node": "n2"}, "ownerReferences": [{"kind": "Pod", "name": "speaker-n2"}]},
            "status": {"node": "n2"}});
        Self {
            service: json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"},
                "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}),
            nodes: NODES.map(|name| objects::node(&json!({"metadata": {"name": name, "labels": labels(name)}}))).to_vec(),
            metallb: Metallb {
                version: Some("0.15.2".to_owned()),
                speakers: NODES.map(|node| pod("speaker", node)).to_vec().into(),
                controllers: vec![pod("controller", "n3")],
                speakers_read: true,
                pools: Some(vec![read_metallb::pool(&json!({"metadata": {"name": "p"}, "spec": {"addresses": ["10.88.64.0/24"]}}))]),
                l2_advertisements: Some(vec![read_metallb::advertisement(&json!({"metadata": {"name": "a"}}))]),
                bgp_advertisements: Some(Vec::new()),
                l2_statuses: Some(vec![read_metallb::l2_status(&status)]),
                ..Metallb::default()
            },
            logs: vec![log("n1", &["10:00", "-11:00"]), log("n2", &["11:00"]), log("n3", &[])],
            history: History::default(),
        }
    }

    fn with<T>(&self, look: impl Fn(&Gathered) -> T) -> T {
        let service: Service = objects::service(&self.service);
        look(&Gathered { nodes: self.nodes.clone().into(), ..Gathered::of_objects(&service, self.metallb.clone()) })
    }

    fn spared(&self) -> Spared {
        self.with(may_wait)
    }

    fn is_calm(&self) -> bool {
        self.with(|objects| {
            let gathered = Gathered {
                logs: self.logs.clone().into(),
                history: self.history.clone(),
                spared: Spared { objects: true, logs: BTreeSet::from(["n0".to_owned()]) },
                now: "2026-11-24T12:30:00Z".to_owned(),
                ..objects.clone()
            };
            calm(&gathered, &announcement(gathered.clone()))
        })
    }
}

fn pod(part: &str, node: &str) -> crate::model::kubernetes::Pod {
    objects::pod(&json!({"metadata": {"name": format!("{part}-{node}")}, "spec": {"nodeName": node, "containers": [{"name": part}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": part, "ready": true, "state": {"running": {}}}]}}))
}

/// A speaker's log; `-` before a time of the day is a loss.
fn log(node: &str, steps: &[&str]) -> SpeakerLog {
    let step = |step: &&str| Move {
        at: Some(format!("2026-11-24T{}:00Z", step.trim_start_matches('-'))),
        gained: !step.starts_with('-'),
        protocol: "layer2".to_owned(),
        reason: "noIPAllocated".to_owned(),
    };
    let announces = steps.last().is_some_and(|step| !step.starts_with('-'));
    let words = AddressLog {
        protocols: vec![ProtocolLog {
            protocol: "layer2".to_owned(),
            state: if announces { LogState::Announced } else { LogState::Withdrawn },
            at: None,
            since: None,
            reason: "notOwner".to_owned(),
        }],
        moves: steps.iter().map(step).collect(),
        ..AddressLog::silent("10.88.64.100".parse().unwrap())
    };
    SpeakerLog { pod: format!("speaker-{node}"), node: node.to_owned(), addresses: vec![words], complete: true, ..SpeakerLog::default() }
}

#[test]
fn a_quiet_cluster_is_spared_the_log_of_a_node_that_is_kept_out() {
    assert_eq!(Quiet::new().spared(), Spared { objects: true, logs: BTreeSet::from(["n0".to_owned()]) });
    assert!(Quiet::new().is_calm());
}

#[test]
fn a_node_that_may_take_part_any_moment_is_always_heard() {
    let mut quiet = Quiet::new();
    quiet.nodes[3].network_unavailable = true;
    assert_eq!(quiet.spared().logs, BTreeSet::from(["n0".to_owned()]));
}

#[test]
fn odd_objects_call_for_everything() {
    let check = |what: &str, change: &dyn Fn(&mut Quiet)| {
        let mut quiet = Quiet::new();
        change(&mut quiet);
        assert_eq!(quiet.spared(), Spared::default(), "{what}");
    };
    let overlapping = || read_metallb::pool(&json!({"metadata": {"name": "q"}, "spec": {"addresses": ["10.88.64.7-10.88.64.9"]}}));
    let status = |node: &str, owner: &str| {
        read_metallb::l2_status(&json!({"metadata": {"name": "l2-b", "labels": {"metallb.io/node": node},
            "ownerReferences": [{"kind": "Pod", "name": owner}]}, "status": {"node": node}}))
    };
    check("no controller is ready", &|quiet| quiet.metallb.controllers[0].ready = false);
    check("no controller is there", &|quiet| quiet.metallb.controllers.clear());
    check("pools that overlap", &|quiet| quiet.metallb.pools.as_mut().unwrap().push(overlapping()));
    check("an address of no pool", &|quiet| quiet.metallb.pools.as_mut().unwrap().clear());
    check("no advertisement", &|quiet| quiet.metallb.l2_advertisements = Some(Vec::new()));
    check("BGP as well", &|quiet| quiet.metallb.bgp_advertisements.clone_from(&quiet.metallb.l2_advertisements));
    check("BGP is not known", &|quiet| quiet.metallb.bgp_advertisements = None);
    check("a second status", &|quiet| quiet.metallb.l2_statuses.as_mut().unwrap().push(status("n3", "speaker-n3")));
    check("no status", &|quiet| quiet.metallb.l2_statuses = Some(Vec::new()));
    check("a status whose speaker is gone", &|quiet| quiet.metallb.l2_statuses = Some(vec![status("n2", "speaker-old")]));
    check("a status of a node that is kept out", &|quiet| quiet.metallb.l2_statuses = Some(vec![status("n0", "speaker-n0")]));
    check("another type", &|quiet| quiet.service["spec"]["type"] = json!("NodePort"));
    check("somebody else's host name", &|quiet| quiet.service["status"]["loadBalancer"]["ingress"][0]["hostname"] = json!("lb.example"));
    check("a wish that is not met", &|quiet| quiet.service["spec"]["loadBalancerIP"] = json!("10.88.64.7"));
}

#[test]
fn odd_logs_call_for_everything() {
    let check = |what: &str, change: &dyn Fn(&mut Quiet)| {
        let mut quiet = Quiet::new();
        change(&mut quiet);
        assert!(!quiet.is_calm(), "{what}");
    };
    check("another node announces", &|quiet| quiet.logs = vec![log("n1", &[]), log("n2", &[]), log("n3", &["11:00"])]);
    check("two announce", &|quiet| quiet.logs[2] = log("n3", &["10:00"]));
    check("a log is missing", &|quiet| drop(quiet.logs.remove(2)));
    check("a log lost its beginning", &|quiet| quiet.logs[1].complete = false);
    check("a member is lost", &|quiet| quiet.logs[1].failed_members = vec!["n3".to_owned()]);
    check("it moved often", &|quiet| quiet.history.changes = 2);
    check("another node had it since", &|quiet| quiet.logs[2] = log("n3", &["12:00", "-12:01"]));
    check("it was taken away lately", &|quiet| quiet.logs[1] = log("n2", &["11:00", "-12:20", "12:21"]));
    check("the configuration is refused", &|quiet| {
        quiet.metallb.configuration = vec![ConfigurationWord {
            reader: Reader::Speaker("n1".to_owned()),
            source: "log of speaker-n1".to_owned(),
            at: None,
            refused: Some("peer router referencing non existing bfd profile".to_owned()),
        }];
    });
    check("an interface does not exist", &|quiet| quiet.logs[1].addresses[0].interface_warning = Some("eth9".to_owned()));
}

#[test]
fn an_old_failover_and_back_is_calm_again() {
    let mut quiet = Quiet::new();
    quiet.logs = vec![log("n1", &[]), log("n2", &["05:00", "-06:00", "07:00"]), log("n3", &["06:00", "-07:00"])];
    assert!(quiet.is_calm());
}

#[test]
fn the_election_may_take_it_away_for_a_moment() {
    let mut quiet = Quiet::new();
    quiet.logs[1] = log("n2", &["11:00", "-12:20", "12:21"]);
    quiet.logs[1].addresses[0].moves[1].reason = "notOwner".to_owned();
    assert!(quiet.is_calm());
}

#[test]
fn what_was_spared_is_told() {
    let quiet = Quiet::new();
    let line = quiet.with(|objects| {
        let spared = Spared { objects: true, logs: BTreeSet::from(["n0".to_owned()]) };
        told(&announcement(Gathered { spared, ..objects.clone() }))
    });
    assert!(line.unwrap().ends_with("the logs of speakers that take no part (n0)"));
    assert_eq!(quiet.with(|objects| told(&announcement(objects.clone()))), None);
}
