//! Sessions, peers and routers, as the lab's faults showed them.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::target::target;
use crate::model::announcement::{SessionMetric, SpeakerLog, SpeakerMetrics};
use crate::model::bgp::{Neighbour, RouterPath, RouterRoute};
use crate::model::flow::Flow;
use crate::model::metallb::Metallb;
use crate::model::place::{Host, HostKind, Place};

const ADDRESS: &str = "10.88.100.10";

/// Three nodes that announce 10.88.100.10 to the peer rt at 10.88.64.1.
struct Lab {
    peer: serde_json::Value,
    advertisement: serde_json::Value,
    /// The session's own word, for each of n1, n2, n3.
    up: [bool; 3],
    /// Prefixes that each sends.
    prefixes: u64,
    router: Option<Router>,
    sockets: BTreeMap<&'static str, String>,
}

fn healthy() -> Lab {
    Lab {
        peer: json!({"metadata": {"name": "rt"}, "spec": {"peerAddress": "10.88.64.1", "holdTime": "9s"}}),
        advertisement: json!({"metadata": {"name": "bgp"}, "spec": {}}),
        up: [true; 3],
        prefixes: 1,
        router: None,
        sockets: BTreeMap::new(),
    }
}

fn router(paths: Vec<RouterPath>, installed: &[&str]) -> Router {
    let neighbours = (11..14).map(|last| Neighbour {
        address: format!("10.88.64.{last}").parse().unwrap(),
        remote_asn: Some(64_500),
        state: "Established".to_owned(),
        received: Some(1),
    });
    Router {
        host: "rt".to_owned(),
        asn: Some(64_512),
        addresses: vec!["10.88.64.1".parse().unwrap()],
        neighbours: neighbours.collect(),
        neighbours_read: true,
        routes: vec![RouterRoute {
            address: ADDRESS.parse().unwrap(),
            paths: Some(paths),
            installed: Some(installed.iter().map(|hop| hop.parse().unwrap()).collect()),
        }],
    }
}

impl Lab {
    fn says(&self) -> Vec<Finding> {
        let service = objects::service(&json!({"metadata": {"namespace": "web", "name": "bgp"}, "spec": {"type": "LoadBalancer",
            "selector": {"app": "web"}, "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}));
        let slice = json!({"ports": [{"name": "", "port": 443}], "endpoints": [{"addresses": ["10.88.129.5"], "nodeName": "n1"}]});
        let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
        let names = ["n1", "n2", "n3"];
        let speaker = |node: &str| {
            objects::pod(
                &json!({"metadata": {"name": format!("speaker-{node}")}, "spec": {"nodeName": node, "containers": [{"name": "speaker"}]},
                "status": {"phase": "Running", "containerStatuses": [{"name": "speaker", "state": {"running": {}}}]}}),
            )
        };
        let metallb = Metallb {
            version: Some("0.15.2".to_owned()),
            speakers: names.map(speaker).to_vec().into(),
            speakers_read: true,
            pools: Some(vec![read_metallb::pool(&json!({"metadata": {"name": "bgp"}, "spec": {"addresses": ["10.88.100.0/24"]}}))]),
            l2_advertisements: Some(Vec::new()),
            bgp_advertisements: Some(vec![read_metallb::advertisement(&self.advertisement)]),
            peers: Some(vec![read_metallb::peer(&self.peer)]),
            ..Metallb::default()
        };
        let metrics = |(index, node): (usize, &str)| SpeakerMetrics {
            pod: format!("speaker-{node}"),
            node: node.to_owned(),
            announced: vec![("bgp".to_owned(), ADDRESS.parse().unwrap())],
            sessions: vec![SessionMetric { peer: "10.88.64.1:179".to_owned(), up: Some(self.up[index]), prefixes: Some(self.prefixes) }],
            ..SpeakerMetrics::default()
        };
        let log = |node: &str| SpeakerLog { node: node.to_owned(), complete: true, ..SpeakerLog::default() };
        let found = announcement(Gathered {
            target: Some(&target),
            nodes: names.map(|name| objects::node(&json!({"metadata": {"name": name}}))).to_vec().into(),
            logs: names.map(log).into(),
            metrics: names.iter().copied().enumerate().map(metrics).collect(),
            router: self.router.clone(),
            ..Gathered::of_objects(&service, metallb)
        });
        let states = names.iter().zip(11..).map(|(name, last)| {
            let connected = format!("ESTAB 0 0 10.88.64.{last}:51137 10.88.64.1:179");
            let sections = BTreeMap::from([
                ("bgp-sockets".to_owned(), self.sockets.get(name).cloned().unwrap_or_else(|| format!("{connected}\n\t lastrcv:1200\n"))),
                ("addresses".to_owned(), format!("3: mlb    inet 10.88.64.{last}/24 scope global mlb")),
            ]);
            let host = Host { name: (*name).to_owned(), address: String::new(), kind: HostKind::Node };
            let state = PlaceState::new(Place::Host(host), sections, BTreeMap::new());
            StatePair::unchanged(state)
        });
        let closer = Closer { states: states.collect(), again: Flow::default(), ..Closer::default() };
        let case =
            Case { service: &service, announcement: Some(&found), target: Some(&target), flow: None, closer: Some(&closer), gaps: &[] };
        findings(&case, &Log::default(), &found)
    }

    fn check(&self, expected: &[(&str, Severity, &str)]) {
        let said = self.says();
        let said: Vec<(&str, Severity, String)> =
            said.iter().map(|finding| (finding.name.as_str(), finding.severity, finding.culprits[0].to_string())).collect();
        let expected: Vec<(&str, Severity, String)> =
            expected.iter().map(|(name, severity, culprit)| (*name, *severity, (*culprit).to_owned())).collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn nothing_is_said_of_what_works() {
    healthy().check(&[]);
    Lab { router: Some(router(vec![RouterPath { valid: true, used: true, ..RouterPath::default() }], &["10.88.64.11"])), ..healthy() }
        .check(&[]);
}

#[test]
fn sessions_that_are_all_down_are_the_cause_and_one_of_them_is_a_warning() {
    Lab { up: [false; 3], ..healthy() }.check(&[("bgp/session-down", Severity::Fail, "peer/rt")]);
    Lab { up: [false, true, true], ..healthy() }.check(&[("bgp/session-down", Severity::Warn, "peer/rt")]);
}

/// Native mode has no hold timer of its own: its metric stays at 1, and only the kernel tells.
#[test]
fn a_session_that_only_one_side_believes_in() {
    let silent =
        "ESTAB 0 152 10.88.64.11:51137 10.88.64.1:179 timer:(on,4.484ms,6)\n\t lastsnd:8572 lastrcv:21660 unacked:1 backoff:6\n".to_owned();
    let busy = silent.replace("lastrcv:21660", "lastrcv:2100");
    Lab { sockets: BTreeMap::from([("n1", silent.clone()), ("n2", busy)]), ..healthy() }.check(&[(
        "bgp/session-stalled",
        Severity::Warn,
        "node/n1",
    )]);
    let all = ["n1", "n2", "n3"].map(|node| (node, silent.clone())).into_iter().collect();
    Lab { sockets: all, ..healthy() }.check(&[("bgp/session-stalled", Severity::Fail, "node/n1")]);
    // The router knows too: it has no such neighbour.
    let mut gone = router(vec![RouterPath { valid: true, ..RouterPath::default() }], &["10.88.64.12"]);
    gone.neighbours.remove(0);
    let old_kernel = "ESTAB 0 0 10.88.64.11:51137 10.88.64.1:179\n".to_owned();
    let sockets = BTreeMap::from([("n1", old_kernel)]);
    Lab { router: Some(gone.clone()), sockets: sockets.clone(), ..healthy() }.check(&[("bgp/session-stalled", Severity::Warn, "node/n1")]);
    // FRR's summary hides some sessions that work: a path from the node, and what its kernel heard, contradict it.
    let busy = silent.replace("lastrcv:21660", "lastrcv:2100");
    Lab { router: Some(gone.clone()), sockets: BTreeMap::from([("n1", busy)]), ..healthy() }.check(&[]);
    let path = RouterPath { valid: true, from: "10.88.64.11".to_owned(), ..RouterPath::default() };
    gone.routes[0].paths.get_or_insert_default().push(path);
    Lab { router: Some(gone), sockets, ..healthy() }.check(&[]);
    // A frozen speaker's connection is gone, and its log ends with a session that is up.
    for none in ["", "CLOSE-WAIT 1 0 10.88.64.11:51137 10.88.64.1:179\n"] {
        let sockets = BTreeMap::from([("n1", none.to_owned())]);
        Lab { sockets, ..healthy() }.check(&[("bgp/session-stalled", Severity::Warn, "node/n1")]);
    }
}

#[test]
fn what_the_router_does_not_take_or_cannot_use_is_the_routers() {
    Lab { router: Some(router(Vec::new(), &[])), ..healthy() }.check(&[("bgp/filtered", Severity::Fail, "router/10.88.64.1")]);
    let unusable = RouterPath { next_hops: vec!["10.99.9.9".to_owned()], ..RouterPath::default() };
    Lab { router: Some(router(vec![unusable], &[])), ..healthy() }.check(&[("bgp/filtered", Severity::Fail, "router/10.88.64.1")]);
    // A table that could not be read says nothing.
    let mut unread = router(Vec::new(), &[]);
    unread.routes[0].paths = None;
    Lab { router: Some(unread), ..healthy() }.check(&[]);
}

#[test]
fn selectors_and_peers_that_leave_nobody() {
    let nowhere =
        json!({"metadata": {"name": "rt"}, "spec": {"peerAddress": "10.88.64.1", "nodeSelectors": [{"matchLabels": {"rack": "none"}}]}});
    Lab { peer: nowhere, ..healthy() }.check(&[("bgp/no-peer-for-node", Severity::Fail, "peer/rt")]);
    let other = json!({"metadata": {"name": "bgp"}, "spec": {"peers": ["other"]}});
    Lab { advertisement: other, ..healthy() }.check(&[("bgp/not-advertised", Severity::Fail, "advertisement/bgp/bgp")]);
}

#[test]
fn sessions_over_which_nothing_is_sent() {
    Lab { prefixes: 0, ..healthy() }.check(&[("bgp/not-advertised", Severity::Fail, "advertisement/bgp/bgp")]);
}
