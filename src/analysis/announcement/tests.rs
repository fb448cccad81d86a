//! Sources that agree, that lie, and that cannot be read.

use serde_json::json;

use super::*;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::analysis::target::target;
use crate::model::announcement::{AddressLog, Agreement, LogState, ProtocolLog, Spared, WireAnswer};
use crate::model::kubernetes::Container;

const ADDRESS: &str = "10.88.64.100";

/// Three nodes with a speaker each; n2 wins the election.
struct Case {
    service: Service,
    gathered: Vec<(&'static str, LogState)>,
    unread: Vec<&'static str>,
    incomplete: bool,
    metallb: Metallb,
    metrics: Vec<SpeakerMetrics>,
    wire: Option<Wire>,
    /// n2 warned that it has none of the advertisement's interfaces; whether it did with each announcement since its start.
    warned: Option<bool>,
    /// The same of an address of IPv6.
    warned_of_six: bool,
}

fn speaker(node: &str) -> crate::model::kubernetes::Pod {
    objects::pod(&json!({"metadata": {"name": format!("speaker-{node}")}, "status": {"phase": "Running",
        "containerStatuses": [{"name": "speaker", "state": {"running": {}}}]},
        "spec": {"nodeName": node, "containers": [{"name": "speaker", "image": "quay.io/metallb/speaker:v0.15.2",
        "env": [{"name": "METALLB_NODE_NAME"}, {"name": "METALLB_ML_BIND_ADDR"}]}]}}))
}

fn log(node: &str, state: LogState, complete: bool) -> SpeakerLog {
    let protocol = ProtocolLog {
        protocol: "layer2".to_owned(),
        state,
        at: Some("2026-11-24T10:00:00Z".to_owned()),
        since: None,
        reason: "notOwner".to_owned(),
    };
    let protocols = if state == LogState::Silent { Vec::new() } else { vec![protocol] };
    SpeakerLog {
        pod: format!("speaker-{node}"),
        node: node.to_owned(),
        addresses: vec![AddressLog { protocols, ..AddressLog::silent(ADDRESS.parse().unwrap()) }],
        complete,
        ..SpeakerLog::default()
    }
}

fn answer(node: Option<&str>, mac: &str) -> WireAnswer {
    WireAnswer {
        address: ADDRESS.parse().unwrap(),
        mac: mac.to_owned(),
        node: node.map(str::to_owned),
        interface: node.map(|_| "mlb".to_owned()),
    }
}

fn wire(answers: Vec<WireAnswer>) -> Wire {
    let nodes_read = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
    Wire { asked_from: vec!["c1".to_owned()], answers, nodes_read }
}

fn status(node: &str, label: &str) -> crate::model::metallb::L2Status {
    read_metallb::l2_status(&json!({"metadata": {"name": "l2-a", "labels": {"metallb.io/node": label},
        "ownerReferences": [{"name": format!("speaker-{label}")}]}, "status": {"node": node}}))
}

impl Case {
    /// n2 announces, the others withdrew or never said a word.
    fn healthy() -> Self {
        let pool = read_metallb::pool(&json!({"metadata": {"name": "services"}, "spec": {"addresses": ["10.88.64.100-10.88.64.120"]}}));
        let advertisement = read_metallb::advertisement(&json!({"metadata": {"name": "services"}, "spec": {}}));
        Self {
            service: objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
                "selector": {"app": "web"}, "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}})),
            gathered: vec![("n1", LogState::Withdrawn), ("n2", LogState::Announced), ("n3", LogState::Silent)],
            unread: Vec::new(),
            incomplete: false,
            metallb: Metallb {
                version: Some("0.15.2".to_owned()),
                speakers: ["n1", "n2", "n3"].map(speaker).to_vec().into(),
                speakers_read: true,
                pools: Some(vec![pool]),
                l2_advertisements: Some(vec![advertisement]),
                bgp_advertisements: Some(Vec::new()),
                l2_statuses: Some(vec![status("n2", "n2")]),
                events: Some(Vec::new()),
                ..Metallb::default()
            },
            metrics: Vec::new(),
            wire: None,
            warned: None,
            warned_of_six: false,
        }
    }

    fn found(&self) -> Announcement {
        let slice = json!({"ports": [{"name": "", "port": 443}], "endpoints": [{"addresses": ["10.88.130.5"], "nodeName": "n2"}]});
        let target = target(&self.service, &self.service.ports[0], Some(&[slice]), Some(&[]));
        let mut logs: Vec<SpeakerLog> = self.gathered.iter().map(|(node, state)| log(node, *state, !self.incomplete)).collect();
        for log in logs.iter_mut().filter(|log| log.node == "n2") {
            if let Some(nowhere) = self.warned {
                log.addresses[0].interface_warning = Some("eth0, mlb".to_owned());
                log.addresses[0].announces_nowhere = nowhere;
            }
            if self.service.addresses.len() > 1 {
                let six = AddressLog {
                    address: self.service.addresses[1],
                    interface_warning: self.warned_of_six.then(|| "eth0".to_owned()),
                    announces_nowhere: self.warned_of_six,
                    ..log.addresses[0].clone()
                };
                log.addresses.push(six);
            }
        }
        announcement(Gathered {
            service: &self.service,
            target: Some(&target),
            nodes: ["n1", "n2", "n3"].map(|name| objects::node(&json!({"metadata": {"name": name}}))).to_vec().into(),
            metallb: self.metallb.clone(),
            logs: logs.into(),
            unread: self.unread.iter().map(ToString::to_string).collect(),
            metrics: self.metrics.clone().into(),
            wire: self.wire.clone(),
            router: None,
            history: History::default(),
            spared: Spared::default(),
            now: "2026-11-24T11:00:00Z".to_owned(),
        })
    }

    fn check(&self, agreement: Agreement, nodes: &[&str]) {
        let found = self.found();
        assert_eq!(
            (found.agreement, found.nodes.iter().map(String::as_str).collect::<Vec<_>>()),
            (agreement, nodes.to_vec()),
            "{}",
            found.because
        );
    }
}

#[test]
fn sources_that_agree_name_one_node() {
    let case = Case::healthy();
    case.check(Agreement::Agree, &["n2"]);
    let found = case.found();
    assert_eq!(found.expected.as_deref(), Some("n2"));
    assert_eq!(found.pod.as_deref(), Some("speaker-n2"));
    assert_eq!(found.sides.len(), 1);
    assert_eq!(found.sides[0].sources, ["log", "l2status"]);
    let sources = sources_of(&found);
    let log = sources.iter().find(|source| source.kind == "log" && source.node.is_some()).unwrap();
    assert_eq!(log.age_s, Some(3_600));
}

/// metallb#2626, #2705, #2930: the status names the node that announced before.
#[test]
fn a_status_that_is_stuck_is_a_conflict_that_the_wire_decides() {
    let mut case = Case::healthy();
    case.metallb.l2_statuses = Some(vec![status("n1", "n2")]);
    case.check(Agreement::Conflict, &["n2"]);
    case.wire = Some(wire(vec![answer(Some("n2"), "02:00:00:00:00:02")]));
    case.check(Agreement::Agree, &["n2"]);
}

#[test]
fn a_log_that_cannot_be_read_leaves_it_unknown_until_the_wire_is_asked() {
    let mut case = Case::healthy();
    case.gathered.pop();
    case.unread = vec!["n3"];
    case.check(Agreement::Unknown, &["n2"]);
    case.wire = Some(wire(vec![answer(Some("n2"), "02:00:00:00:00:02")]));
    case.check(Agreement::Agree, &["n2"]);
}

#[test]
fn a_log_without_its_beginning_leaves_it_unknown_until_the_metrics_are_read() {
    let mut case = Case::healthy();
    case.incomplete = true;
    case.check(Agreement::Unknown, &["n2"]);
    let metrics = |node: &str, announced: bool| SpeakerMetrics {
        pod: format!("speaker-{node}"),
        node: node.to_owned(),
        announced: if announced { vec![("layer2".to_owned(), ADDRESS.parse().unwrap())] } else { Vec::new() },
        ..SpeakerMetrics::default()
    };
    case.metrics = vec![metrics("n1", false), metrics("n2", true), metrics("n3", false)];
    case.check(Agreement::Agree, &["n2"]);
    // 0.12 left its series behind (metallb#1972): there they settle nothing.
    case.metallb.version = Some("0.12.1".to_owned());
    case.check(Agreement::Unknown, &["n2"]);
}

#[test]
fn a_log_level_that_hides_announcements_makes_silence_say_nothing() {
    let mut case = Case::healthy();
    Arc::make_mut(&mut case.metallb.speakers)[0].containers[0].args = vec!["--log-level=error".to_owned()];
    case.check(Agreement::Unknown, &["n2"]);
}

#[test]
fn what_a_speaker_said_before_it_ended_is_over() {
    let mut case = Case::healthy();
    case.gathered[0].1 = LogState::Announced;
    case.check(Agreement::Several, &["n2", "n1"]);
    // FRR's container goes on beside it.
    let helper = Container { name: "frr".to_owned(), ..Arc::make_mut(&mut case.metallb.speakers)[0].containers[0].clone() };
    let containers = &mut Arc::make_mut(&mut case.metallb.speakers)[0].containers;
    containers[0].running = false;
    containers.push(helper);
    case.check(Agreement::Agree, &["n2"]);
}

#[test]
fn two_speakers_that_announce_are_several() {
    let mut case = Case::healthy();
    case.gathered[0].1 = LogState::Announced;
    case.check(Agreement::Several, &["n2", "n1"]);
    case.wire = Some(wire(vec![answer(Some("n2"), "02:00:00:00:00:02"), answer(Some("n1"), "02:00:00:00:00:01")]));
    case.check(Agreement::Several, &["n2", "n1"]);
    // Only one of them answers: the other's word is not enough to say that it does.
    case.wire = Some(wire(vec![answer(Some("n2"), "02:00:00:00:00:02")]));
    case.check(Agreement::Conflict, &["n2", "n1"]);
}

#[test]
fn words_without_an_answer_and_answers_without_words_are_conflicts() {
    let mut case = Case::healthy();
    case.wire = Some(wire(Vec::new()));
    case.check(Agreement::Conflict, &["n2"]);
    case.wire = Some(wire(vec![answer(None, "02:00:00:00:00:99")]));
    case.check(Agreement::Conflict, &["n2"]);
    case.wire = Some(wire(vec![answer(Some("n1"), "02:00:00:00:00:01")]));
    case.check(Agreement::Conflict, &["n2", "n1"]);
    // A host that is on no network of the address asked nothing: its silence says nothing.
    case.wire = Some(Wire::default());
    case.check(Agreement::Agree, &["n2"]);
}

/// Of a large cluster, or of one with a node that is off, not every node's interfaces are read.
#[test]
fn a_mac_of_nobody_may_be_that_of_a_node_that_was_not_read() {
    let mut case = Case::healthy();
    let mut wire = wire(vec![answer(None, "02:00:00:00:00:99")]);
    wire.nodes_read.pop();
    case.wire = Some(wire);
    case.check(Agreement::Unknown, &["n2"]);
}

#[test]
fn nobody_is_said_only_when_everybody_was_heard() {
    let mut case = Case::healthy();
    case.gathered[1].1 = LogState::Withdrawn;
    case.metallb.l2_statuses = Some(Vec::new());
    case.check(Agreement::None, &[]);
    case.gathered.remove(0);
    case.unread = vec!["n1"];
    case.check(Agreement::Unknown, &[]);
}

#[test]
fn another_pools_advertisement_leaves_nobody_who_should() {
    let mut case = Case::healthy();
    let other = json!({"metadata": {"name": "other"}, "spec": {"ipAddressPools": ["another"]}});
    case.metallb.l2_advertisements = Some(vec![read_metallb::advertisement(&other)]);
    assert_eq!(case.found().expected, None);
    // What could not be read may exist.
    case.metallb.l2_advertisements = None;
    assert_eq!(case.found().expected.as_deref(), Some("n2"));
}

#[test]
fn service_selectors_count_from_0_16() {
    let mut case = Case::healthy();
    let selective = json!({"metadata": {"name": "a"}, "spec": {"serviceSelectors": [{"matchLabels": {"tier": "gold"}}]}});
    case.metallb.l2_advertisements = Some(vec![read_metallb::advertisement(&selective)]);
    assert_eq!(case.found().advertisements, ["a"]);
    case.metallb.version = Some("0.16.1".to_owned());
    assert_eq!(case.found().advertisements, [""; 0]);
}

#[test]
fn many_announcers_are_right_over_bgp() {
    let mut case = Case::healthy();
    case.metallb.l2_advertisements = Some(Vec::new());
    case.metallb.bgp_advertisements =
        Some(vec![read_metallb::advertisement(&json!({"metadata": {"name": "bgp"}, "spec": {"aggregationLength": 24}}))]);
    case.metallb.peers = Some(vec![read_metallb::peer(&json!({"metadata": {"name": "rt"}, "spec": {"peerAddress": "10.88.64.1"}}))]);
    case.metallb.bgp_statuses = Some(Vec::new());
    let metrics = |node: &str, up: bool| SpeakerMetrics {
        pod: format!("speaker-{node}"),
        node: node.to_owned(),
        announced: vec![("bgp".to_owned(), ADDRESS.parse().unwrap())],
        sessions: vec![crate::model::announcement::SessionMetric { peer: "10.88.64.1:179".to_owned(), up: Some(up), prefixes: Some(1) }],
        ..SpeakerMetrics::default()
    };
    case.metrics = vec![metrics("n1", true), metrics("n2", true), metrics("n3", false)];
    case.check(Agreement::Several, &["n1", "n2"]);
    let bgp = case.found().bgp.unwrap();
    assert_eq!(bgp.candidates, ["n1", "n2", "n3"]);
    assert_eq!(bgp.prefixes[0].prefix.to_string(), "10.88.64.0/24");
    // Nobody has a session: what the speakers say of themselves is worth nothing.
    case.metrics = vec![metrics("n1", false), metrics("n2", false), metrics("n3", false)];
    case.check(Agreement::Conflict, &["n1", "n2", "n3"]);
}

/// A speaker that warned with each announcement since its start answers on no interface; one that announced before goes on there.
#[test]
fn an_announcement_on_interfaces_of_nobody_is_none() {
    let mut case = Case::healthy();
    let on = json!({"metadata": {"name": "services"}, "spec": {"interfaces": ["bond0"]}});
    case.metallb.l2_advertisements = Some(vec![read_metallb::advertisement(&on)]);
    case.warned = Some(false);
    case.check(Agreement::Agree, &["n2"]);
    case.warned = Some(true);
    case.check(Agreement::None, &[]);
    let because = case.found().because;
    assert!(because.contains("(bond0) are none of that node's, which are eth0, mlb"), "{because}");
}

/// Of a Service with an address of each family one may be answered and the other not.
#[test]
fn a_family_that_nobody_can_answer_is_told_beside_the_other() {
    let mut case = Case::healthy();
    case.service.addresses.push("2001:db8::1".parse().unwrap());
    case.check(Agreement::Agree, &["n2"]);
    case.warned_of_six = true;
    case.check(Agreement::Conflict, &["n2"]);
    let because = case.found().because;
    assert!(because.contains("for 2001:db8::1 the speaker on n2 says that it announces, and that it cannot answer"), "{because}");
}
