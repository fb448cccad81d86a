//! Roads walked point by point, and where they end.

use serde_json::json;

use super::{Leg, Point, Road, Vanished};
use crate::analysis::judge::Case;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::Attempt;

fn capture(name: &str, kind: HostKind, lost: u64) -> Capture {
    let place = Place::sample(name, kind);
    Capture::sample(CaptureRequest::sample(place), 9, lost)
}

fn hop(place: &str, passage: Passage, request: bool, what: Sighting, sequence: u32, length: u32) -> Hop {
    let (client, vip) = (("10.9.9.9".parse().unwrap(), 20_000), ("10.0.0.1".parse().unwrap(), 443));
    let seen = Hop::sample(place, passage, client, vip);
    Hop { what, sequence, length, ..if request { seen } else { seen.back() } }
}

fn check(hops: Vec<Hop>, lost_on_node: u64, expected: Option<&Vanished>) {
    let service = objects::service(
        &json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
    );
    let case = Case { service: &service, announcement: None, target: None, flow: None, closer: None, gaps: &[] };
    let attempt = Attempt { source: "10.9.9.9".parse().ok(), source_port: 20_000, ..Attempt::sample() };
    let connection = Connection::sample(attempt, hops);
    let captures = [capture("c1", HostKind::Client, 0), capture("n2", HostKind::Node, lost_on_node)];
    let road = Road::new(&case, &connection, captures.iter().collect());
    assert_eq!(road.vanished().as_ref(), expected);
}

/// What `WireGuard` carries is seen at its ends alone: between these there is no point at which a packet could be missed.
#[test]
fn a_tunnel_that_nobody_can_look_into_has_no_points_between_its_ends() {
    let tunnelled = |links: &str| {
        let place = Place::sample("n2", HostKind::Node);
        let state = place_state(place, &format!("=== links\n{links}\n=== end 0\n"));
        let closer = Closer { states: vec![StatePair::unchanged(state)], ..Closer::default() };
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
        Case { service: &service, announcement: None, target: None, flow: None, closer: Some(&closer), gaps: &[] }.tunnelled()
    };
    let link =
        |kind: &str| format!("7: pods: <UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\\    link/none \\    {kind} numtxqueues 1");
    assert_eq!(["vxlan", "geneve", "ipip", "wireguard", "dummy"].map(|kind| tunnelled(&link(kind))), [true, true, true, false, false]);
}

fn request() -> Vec<Hop> {
    vec![hop("c1", Passage::Out, true, Sighting::Syn, 7, 0), hop("n2", Passage::In, true, Sighting::Syn, 7, 0)]
}

#[test]
fn a_request_that_the_node_takes_and_never_answers_vanished_there() {
    let node = Point::NodeClientSide("n2".into());
    check(request(), 0, Some(&Vanished { leg: Leg::Reply, last: node.clone(), next: node }));
}

#[test]
fn an_answer_that_leaves_the_node_and_does_not_arrive_vanished_between() {
    let mut hops = request();
    hops.push(hop("n2", Passage::Out, false, Sighting::SynAck, 3, 0));
    check(hops, 0, Some(&Vanished { leg: Leg::Reply, last: Point::NodeClientSide("n2".into()), next: Point::Client("c1".into()) }));
}

#[test]
fn a_capture_that_lost_packets_is_no_point_of_the_road() {
    let client = Point::Client("c1".into());
    check(request(), 3, Some(&Vanished { leg: Leg::Reply, last: client.clone(), next: client }));
}

#[test]
fn lost_payload_is_found_across_wrapped_sequence_numbers() {
    let mut hops = request();
    hops.push(hop("n2", Passage::Out, false, Sighting::SynAck, 3, 0));
    hops.push(hop("c1", Passage::In, false, Sighting::SynAck, 3, 0));
    for (place, passage) in [("c1", Passage::Out), ("n2", Passage::In)] {
        hops.push(hop(place, passage, true, Sighting::Data, u32::MAX - 99, 200));
    }
    // The second segment begins after the wrap and reaches the client's interface only.
    hops.push(hop("c1", Passage::Out, true, Sighting::Data, 100, 1_400));
    check(hops, 0, Some(&Vanished { leg: Leg::RequestData, last: Point::Client("c1".into()), next: Point::NodeClientSide("n2".into()) }));
}
