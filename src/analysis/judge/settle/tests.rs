//! What a lost look forbids, by where it was lost and not by which word tried it.

use serde_json::json;

use super::super::node::gone;
use super::super::{Case, judge};
use crate::analysis::read::objects;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::error_kind::ErrorKind;
use crate::model::finding::Gap;
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};
use crate::model::subject::Subject;

const VIP: &str = "10.0.0.1";

/// A try from c1 that is answered, as n2 saw it come in, or as nobody did.
fn answered(seen: bool) -> Flow {
    let vantage = Vantage::Ssh("c1".to_owned());
    let attempt = Attempt { source: "10.0.0.9".parse().ok(), source_port: 20_000, ending: Ending::Answered, ..Attempt::sample() };
    let hop = Hop::sample("n2", Passage::In, ("10.0.0.9".parse().unwrap(), 20_000), (VIP.parse().unwrap(), 443));
    let hops = if seen { vec![hop] } else { Vec::new() };
    let node = Place::sample("n2", HostKind::Node);
    Flow {
        captures: vec![Capture::sample(CaptureRequest::sample(node), 1, 0)],
        probes: vec![Probe { attempts: vec![attempt.clone()], ..Probe::new(vantage.clone(), VIP.parse().unwrap(), 443, Speech::Tcp) }],
        connections: vec![Connection { vantage, attempt, hops, pod: None, not_joined: None }],
        ..Flow::default()
    }
}

/// Whether a run passes although a look was lost there.
fn forbids(gap: &Gap, flow: &Flow) -> bool {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let gaps = [gap.clone()];
    let case = Case { service: &service, announcement: None, target: None, flow: Some(flow), closer: None, gaps: &gaps };
    judge(&case).gaps[0].decisive
}

fn lost(subject: impl Into<Subject>) -> Gap {
    Gap { kind: Some(ErrorKind::CaptureRefused), ..Gap::new("evidence/capture-refused", subject, "tcpdump refused", "what passes there") }
}

#[test]
fn a_lost_capture_at_a_client_matters_where_nobody_else_saw_its_requests() {
    let host = |kind| Host { name: "c1".to_owned(), address: String::new(), kind };
    // As the capture words, the probe and the state words name it.
    for client in [Subject::from(&Place::Host(host(HostKind::Client))), Subject::from(&Vantage::Ssh("c1".to_owned()))] {
        assert!(!forbids(&lost(&client), &answered(true)), "{client}");
        assert!(forbids(&lost(&client), &answered(false)), "{client}");
    }
    // Nothing was asked from there.
    assert!(!forbids(&lost(Subject::client("c2")), &answered(false)));
    // This machine is a client too.
    assert!(!forbids(&lost(&host(HostKind::Local)), &answered(true)));
}

#[test]
fn only_a_node_that_does_not_answer_counts_as_gone() {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
    let gone = |login: ErrorKind, log: ErrorKind| {
        let gap = |name: &str, subject, kind| Gap { kind: Some(kind), ..Gap::new(name, subject, "did not answer within 5 s", "much") };
        let gaps =
            [gap("evidence/node-unreachable", Subject::node("n2"), login), gap("evidence/log-unreadable", Subject::speaker("n2"), log)];
        let case = Case { service: &service, announcement: None, target: None, flow: None, closer: None, gaps: &gaps };
        gone::lost(&case, "n2").is_some()
    };
    assert!(gone(ErrorKind::HostUnreachable, ErrorKind::HostUnreachable));
    assert!(gone(ErrorKind::HostUnreachable, ErrorKind::TimedOut));
    // Its key changed, or it lets nobody in: it answers.
    assert!(!gone(ErrorKind::HostKey, ErrorKind::HostUnreachable));
    assert!(!gone(ErrorKind::LoginRefused, ErrorKind::HostUnreachable));
    // Its kubelet refuses, or the log may not be read, whatever the words are.
    assert!(!gone(ErrorKind::HostUnreachable, ErrorKind::Refused));
    assert!(!gone(ErrorKind::HostUnreachable, ErrorKind::Forbidden));
}

#[test]
fn a_lost_capture_on_the_road_between_always_matters() {
    for subject in [Subject::node("n2"), Subject::pod("a", "web-1")] {
        assert!(forbids(&lost(&subject), &answered(true)), "{subject}");
    }
    // What is read beside the road decides nothing by itself.
    for subject in [Subject::speaker("n2"), Subject::workload("metallb-system", "speaker"), Subject::Router("r1".to_owned())] {
        assert!(!forbids(&lost(&subject), &answered(true)), "{subject}");
    }
}
