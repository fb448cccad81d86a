//! Where the TTL fell, and what is no cause because answered tries have it, too.

use super::*;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::Connection;
use crate::model::flow::Flow;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Vantage};
use crate::model::service::Service;

const CLIENT: (&str, u16) = ("10.88.192.50", 20_000);
const VIP: (&str, u16) = ("10.88.64.100", 443);

fn service() -> Service {
    crate::analysis::read::objects::service(&serde_json::json!({
        "metadata": {"namespace": "a", "name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": VIP.1}]},
        "status": {"loadBalancer": {"ingress": [{"ip": VIP.0}]}},
    }))
}

/// A request as it was seen at each place with that TTL.
fn connection(seen: &[(&str, Passage, u8)], ending: Ending) -> Connection {
    let hop = |(place, passage, ttl): &(&str, Passage, u8)| Hop {
        ttl: Some(*ttl),
        ..Hop::sample(place, *passage, (CLIENT.0.parse().unwrap(), CLIENT.1), (VIP.0.parse().unwrap(), VIP.1))
    };
    Connection {
        vantage: Vantage::Ssh("c2".to_owned()),
        attempt: Attempt { ending, source: CLIENT.0.parse().ok(), ..Attempt::sample() },
        hops: seen.iter().map(hop).collect(),
        pod: None,
        not_joined: None,
    }
}

/// The finding about n2 of tries that failed beside one that was answered: its summary and first culprit.
fn told(failing: &[(&str, Passage, u8)], answered: &[(&str, Passage, u8)]) -> Option<(String, String)> {
    let captures = [("c2", HostKind::Client), ("n2", HostKind::Node)]
        .map(|(name, kind)| Capture::sample(CaptureRequest::sample(Place::sample(name, kind)), 9, 0));
    let flow = Flow {
        captures: captures.to_vec(),
        connections: vec![connection(failing, Ending::ConnectTimeout), connection(answered, Ending::Answered)],
        ..Flow::default()
    };
    let service = service();
    let case = Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] };
    let roads = case.roads();
    spent_at(&case, &[&roads[0]], "n2", true).map(|finding| (finding.summary, finding.culprits[0].to_string()))
}

#[test]
fn where_the_ttl_fell_is_whose_it_is() {
    let fine = [("c2", Passage::Out, 64), ("n2", Passage::In, 63)];
    let (summary, culprit) = told(&[("c2", Passage::Out, 64), ("n2", Passage::In, 1)], &fine).unwrap();
    assert_eq!(culprit, "network/c2..n2");
    assert!(summary.ends_with("something between c2 and n2 lowers the TTL from 64 to 1"), "{summary}");
    let (summary, culprit) = told(&[("c2", Passage::Out, 2), ("n2", Passage::In, 1)], &fine).unwrap();
    assert_eq!(culprit, "client/10.88.192.50");
    assert!(summary.ends_with("c2 sends with a TTL of 2"), "{summary}");
    // A client that was not watched is not accused.
    let (summary, culprit) = told(&[("n2", Passage::In, 1)], &fine).unwrap();
    assert_eq!((culprit.as_str(), summary.ends_with("from c2 to n2 packets come with a TTL of 1")), ("network/c2..n2", true));
}

#[test]
fn what_is_answered_as_well_is_no_cause() {
    let short = [("c2", Passage::Out, 64), ("n2", Passage::In, 1)];
    assert_eq!(told(&short, &short), None);
    assert_eq!(told(&[("c2", Passage::Out, 64), ("n2", Passage::In, 63)], &short[..1]), None);
}
