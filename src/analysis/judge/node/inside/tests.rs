//! What is told of requests that came in on a node: no more than its capture saw.

use serde_json::json;

use super::came_in;
use crate::analysis::judge::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::analysis::target::target;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending};

/// What came in on n2 of so many requests; of some the handshake passes it and the data is lost there, the rest is lost at once.
fn told(at_once: usize, data: usize, lost_by_capture: u64) -> String {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"name": "https", "port": 443, "targetPort": 4180}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 4180, "protocol": "TCP"}],
        "endpoints": [{"addresses": ["10.88.130.2"], "nodeName": "n2", "conditions": {"ready": true, "serving": true}}]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let connections = (0..at_once + data).map(|number| {
        let port = 20_000 + u16::try_from(number).unwrap();
        let client = ("10.9.9.9".parse().unwrap(), port);
        let outside = Hop { interface: "mlb".into(), ..Hop::sample("n2", Passage::In, client, ("10.0.0.1".parse().unwrap(), 443)) };
        let inside = Hop::sample("n2", Passage::Out, client, ("10.88.130.2".parse().unwrap(), 4180));
        let sent = Hop { passage: Passage::Out, place: "c1".into(), ..outside.clone() };
        let mut hops = vec![sent.clone(), outside.clone()];
        if number < data {
            let answer = |hop: &Hop, passage| Hop { passage, ..hop.clone().back() };
            hops.extend([inside.clone(), answer(&inside, Passage::In), answer(&outside, Passage::Out), answer(&sent, Passage::In)]);
            let segment = |hop: &Hop| Hop { what: Sighting::Data, sequence: 8, length: 517, ..hop.clone() };
            hops.extend([segment(&sent), segment(&outside)]);
        }
        Connection::sample(Attempt { source: Some(client.0), source_port: port, ending: Ending::TlsTimeout, ..Attempt::sample() }, hops)
    });
    let places = [(Place::sample("c1", HostKind::Client), 0), (Place::sample("n2", HostKind::Node), lost_by_capture)];
    let captures = places.map(|(place, lost)| Capture::sample(CaptureRequest::sample(place), 9, lost)).to_vec();
    let flow = Flow { captures, connections: connections.collect(), ..Flow::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: Some(&flow), closer: None, gaps: &[] };
    let roads = case.roads();
    came_in(&roads.iter().collect::<Vec<&Road>>(), "n2", Some("mlb"))
}

#[test]
fn nothing_is_said_of_what_was_not_watched() {
    assert_eq!(told(3, 0, 0), "3 requests came in on n2/mlb, none left it towards an endpoint");
    assert_eq!(told(3, 0, 5), "3 requests came in on n2/mlb");
}

#[test]
fn a_handshake_that_passed_is_not_called_lost() {
    let whole = "3 requests came in on n2/mlb: their first packets left it towards an endpoint, and their data did not";
    assert_eq!(told(0, 3, 0), whole);
    let some = "3 requests came in on n2/mlb: of 2 the first packets left it towards an endpoint and their data did not, and nothing of the others";
    assert_eq!(told(1, 2, 0), some);
}
