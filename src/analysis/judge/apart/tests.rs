//! c2's tries fail and c1's are answered: what their first packets have that tells them apart.

use serde_json::json;

use super::*;
use crate::analysis::read::objects;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::flow::Flow;
use crate::model::packet::{Packet, Segment};
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Vantage};

const VIP: &str = "10.88.64.100";
const OFFERS: u8 = Offers::TOLD | Offers::SEGMENT_SIZE | Offers::TIMESTAMPS;

/// A client's first packets: flags, what they offer, TTL.
type Firsts = (u8, u8, u8);

fn side(name: &str, own: &str, ending: Ending, tries: u16, (flags, offers, ttl): Firsts) -> (Capture, Vec<Connection>) {
    let (source, vip) = (own.parse().unwrap(), VIP.parse().unwrap());
    let packet = |port: u16| {
        let body = Body::Tcp(Segment {
            source,
            destination: vip,
            source_port: port,
            destination_port: 443,
            sequence: 1,
            acknowledgement: 0,
            flags: Flags(flags),
            length: 0,
            offers: Offers(offers),
        });
        let passage = Passage::Out;
        Packet { at: 1, interface: "eth0".into(), passage, source_mac: None, body, tunnel: None, outer: None, ttl: Some(ttl) }
    };
    let connection = |port: u16| {
        let attempt = Attempt { source: Some(source), source_port: port, ending, ..Attempt::sample() };
        let hops = vec![Hop::sample(name, Passage::Out, (source, port), (vip, 443))];
        Connection { vantage: Vantage::Ssh(name.to_owned()), ..Connection::sample(attempt, hops) }
    };
    let ports = || 20_000..20_000 + tries;
    let place = CaptureRequest::sample(Place::sample(name, HostKind::Client));
    (Capture { packets: ports().map(packet).collect(), ..Capture::sample(place, 9, 0) }, ports().map(connection).collect())
}

/// What is told of c2's tries, of which there are so many.
fn apart(failing: Firsts, answered: Firsts, tries: u16) -> Vec<String> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let (one, first) = side("c1", "10.88.64.50", Ending::Answered, 4, answered);
    let (two, second) = side("c2", "10.88.192.50", Ending::ConnectTimeout, tries, failing);
    let flow = Flow { captures: vec![one, two], connections: [first, second].concat(), ..Flow::default() };
    let case = Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] };
    let roads = case.roads();
    told(&case, &roads.iter().filter(|road| road.client() == "c2").collect::<Vec<_>>())
}

#[test]
fn a_property_that_all_lost_first_packets_have_and_no_answered_one() {
    let plain = (Flags::SYN, OFFERS, 64);
    let ecn = (Flags::SYN | Flags::ECE | Flags::CWR, OFFERS, 64);
    assert_eq!(
        apart(ecn, plain, 4),
        ["the first packets of the failing tries offer ECN (flags ECE and CWR), those of the answered ones do not"]
    );
    let without = (Flags::SYN, OFFERS & !Offers::TIMESTAMPS, 64);
    assert_eq!(
        apart(without, plain, 4),
        ["the first packets of the answered tries carry TCP timestamps, those of the failing ones do not"]
    );
    let classed = (Flags::SYN, OFFERS | Offers::CLASS, 128);
    assert_eq!(
        apart(classed, plain, 4),
        [
            "the first packets of the failing tries have a DSCP other than 0, those of the answered ones do not; the failing tries leave with a TTL of 128, the answered ones of 64"
        ]
    );
}

#[test]
fn what_both_have_or_was_not_read_or_is_told_of_few_is_nothing() {
    let plain = (Flags::SYN, OFFERS, 64);
    assert!(apart(plain, plain, 4).is_empty());
    assert!(apart((Flags::SYN, 0, 64), plain, 4).is_empty(), "options that were not read are not absent");
    assert!(apart((Flags::SYN | Flags::ECE | Flags::CWR, OFFERS, 64), plain, 2).is_empty());
}
