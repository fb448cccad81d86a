//! c1 asks a Service that has a pod on n2 and one on n3, which takes connections and says nothing.

use serde_json::json;

use super::*;
use crate::analysis::judge::flow;
use crate::analysis::judge::rule::Log;
use crate::analysis::read::objects;
use crate::analysis::target::target;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::flow::Flow;
use crate::model::place::{HostKind, Place};
use crate::model::probe::Attempt;

const NEAR: &str = "10.88.130.2";
const FAR: &str = "10.88.131.3";

/// A try that was led to a pod: how it ended, and whether the client was told that its request arrived.
fn tried(number: u16, pod: &str, ending: Ending, acknowledged: bool) -> Connection {
    let (client, vip) = (("10.88.64.50".parse().unwrap(), 20_000 + number), ("10.88.64.100".parse().unwrap(), 443));
    let pod = (pod.parse().unwrap(), 4180);
    let at = |at: i64, hop: Hop| Hop { at, ..hop };
    let data = Hop { what: Sighting::Data, length: 517, ..Hop::sample("c1", Passage::Out, client, vip) };
    let mut hops = vec![
        at(1, Hop::sample("c1", Passage::Out, client, vip)),
        at(2, Hop::sample("n2", Passage::In, client, vip)),
        at(3, Hop::sample("n2", Passage::Out, client, pod)),
        at(4, Hop::sample("n2", Passage::In, client, pod).back()),
        at(4, Hop::sample("n2", Passage::Out, client, vip).back()),
        at(5, Hop::sample("c1", Passage::In, client, vip).back()),
        at(6, data.clone()),
        at(7, Hop { place: "n2".to_owned(), passage: Passage::In, ..data.clone() }),
        at(8, Hop { place: "n2".to_owned(), destination: pod, ..data }),
    ];
    if acknowledged {
        hops.push(at(9, Hop { what: Sighting::Ack, ..Hop::sample("n2", Passage::Out, client, vip).back() }));
        hops.push(at(10, Hop { what: Sighting::Ack, ..Hop::sample("c1", Passage::In, client, vip).back() }));
    }
    let attempt = Attempt { source: Some(client.0), source_port: client.1, ending, ..Attempt::sample() };
    Connection::sample(attempt, hops)
}

fn ssh(kind: ErrorKind) -> Gap {
    Gap { kind: Some(kind), ..Gap::new(names::EVIDENCE_NODE_UNREACHABLE, Subject::node("n3"), "no", "which packets pass n3") }
}

fn log(kind: ErrorKind) -> Gap {
    Gap { kind: Some(kind), ..Gap::new(names::EVIDENCE_LOG_UNREADABLE, Subject::speaker("n3"), "no", "its log") }
}

/// The findings of all tries by name and culprit, and the reasons of what stays open.
fn judged(connections: Vec<Connection>, gaps: &[Gap]) -> (Vec<(String, String)>, Vec<String>) {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "selector": {"app": "web"}, "ports": [{"name": "https", "port": 443, "targetPort": 4180}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}));
    let endpoint = |pod: &str, ip: &str, node: &str| json!({"addresses": [ip], "nodeName": node, "conditions": {"ready": true, "serving": true}, "targetRef": {"kind": "Pod", "name": pod}});
    let slice = json!({"metadata": {"name": "s", "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
        "ports": [{"name": "https", "port": 4180, "protocol": "TCP"}], "endpoints": [endpoint("near", NEAR, "n2"), endpoint("far", FAR, "n3")]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let watched = |name: &str, kind| Capture::sample(CaptureRequest::sample(Place::sample(name, kind)), 9, 0);
    let captures = vec![watched("c1", HostKind::Client), watched("n2", HostKind::Node)];
    let flow = Flow { captures, connections, ..Flow::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: Some(&flow), closer: None, gaps };
    let (mut findings, mut open) = (Vec::new(), Vec::new());
    flow::findings(&case, &Log::default(), Vec::new(), &mut findings, &mut open);
    (
        findings.into_iter().map(|finding| (finding.name, finding.culprits[0].to_string())).collect(),
        open.into_iter().map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect(),
    )
}

fn tries(far: Ending, acknowledged: bool) -> Vec<Connection> {
    vec![
        tried(1, NEAR, Ending::Answered, true),
        tried(2, FAR, far, acknowledged),
        tried(3, FAR, far, acknowledged),
        tried(4, NEAR, Ending::Answered, true),
    ]
}

#[test]
fn a_node_of_which_no_program_says_a_word() {
    let hangs = vec![("node/hangs".to_owned(), "node/n3".to_owned())];
    let silent = [ssh(ErrorKind::HostSilent), log(ErrorKind::TimedOut)];
    assert_eq!(judged(tries(Ending::TlsTimeout, true), &silent).0, hangs);
    // Plain HTTP that is not answered, and a login that says no more than that nothing came.
    let unreachable = [ssh(ErrorKind::HostUnreachable), log(ErrorKind::HostUnreachable)];
    assert_eq!(judged(tries(Ending::AnswerTimeout, true), &unreachable).0, hangs);
}

#[test]
fn what_may_be_the_pod_or_the_network_is_no_node_that_hangs() {
    let silent = [ssh(ErrorKind::HostSilent), log(ErrorKind::TimedOut)];
    let none = |connections: Vec<Connection>, gaps: &[Gap], why: &str| {
        let (findings, open) = judged(connections, gaps);
        assert!(findings.iter().all(|(name, _)| name != "node/hangs"), "{why}: {findings:?}");
        open
    };
    let open = none(tries(Ending::TlsTimeout, true), &silent[..1], "its kubelet speaks");
    let told = "pod/a/far: the 2 connections that are not answered were all made with far on n3, which could not be watched, and all 2 that are answered with others";
    assert_eq!(open, [told]);
    none(tries(Ending::TlsTimeout, true), &silent[1..], "its sshd speaks");
    none(tries(Ending::TlsTimeout, true), &[ssh(ErrorKind::LoginRefused), silent[1].clone()], "its sshd speaks");
    none(tries(Ending::TlsTimeout, false), &silent, "the request may not have come there");
    none(tries(Ending::ConnectTimeout, true), &silent, "its kernel does not take connections");
    let answers = [tries(Ending::TlsTimeout, true), vec![tried(5, FAR, Ending::Answered, true)]].concat();
    none(answers, &silent, "a pod there answers");
    let others = [tries(Ending::TlsTimeout, true), vec![tried(5, NEAR, Ending::TlsTimeout, true)]].concat();
    none(others, &silent, "another node's pod hangs as well");
}
