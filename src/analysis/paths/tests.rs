//! Paths of a run, as reports draw them.

use super::paths;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Path, Sighting};
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe};

const VIP: &str = "10.0.0.1:443";
const POD: &str = "10.1.0.7:4180";

/// A sighting of the request or the answer, with the Service's end of its addresses, microseconds and the sequence number.
fn hop(spot: (&str, &str, Passage), request: bool, what: Sighting, service: &str, at: i64, (sequence, length): (u32, u32)) -> Hop {
    let parts = |text: &str| text.parse::<std::net::SocketAddr>().map(|end| (end.ip(), end.port())).unwrap();
    let (client, service) = (parts("10.9.9.9:20001"), parts(service));
    let (source, destination) = if request { (client, service) } else { (service, client) };
    Hop { interface: spot.1.into(), request, what, sequence, length, at: at * 1000, ..Hop::sample(spot.0, spot.2, source, destination) }
}

fn followed(hops: Vec<Hop>, ending: Ending) -> Path {
    let capture = |name: &str, kind| {
        let place = Place::sample(name, kind);
        Capture::sample(CaptureRequest::sample(place), 9, 0)
    };
    let attempt = Attempt { source: "10.9.9.9".parse().ok(), source_port: 20_001, ending, ..Attempt::sample() };
    let probe = Probe::sample("10.0.0.1", vec![attempt.clone()]);
    let connection = Connection::sample(attempt, hops);
    let captures = vec![capture("c1", HostKind::Client), capture("n2", HostKind::Node)];
    paths(&Flow { captures, probes: vec![probe], connections: vec![connection], ..Flow::default() }).remove(0)
}

const OUT: (&str, &str, Passage) = ("c1", "eth0", Passage::Out);
const BACK: (&str, &str, Passage) = ("c1", "eth0", Passage::In);
const ENTERS: (&str, &str, Passage) = ("n2", "mlb", Passage::In);
const TO_POD: (&str, &str, Passage) = ("n2", "cni0", Passage::Out);
const LEAVES: (&str, &str, Passage) = ("n2", "mlb", Passage::Out);

/// n2's clock is 5 s behind, and nobody compared it.
fn handshake() -> Vec<Hop> {
    let behind = -5_000_000;
    vec![
        hop(ENTERS, true, Sighting::Syn, VIP, behind + 100, (7, 0)),
        hop(TO_POD, true, Sighting::Syn, POD, behind + 130, (7, 0)),
        hop(LEAVES, false, Sighting::SynAck, VIP, behind + 300, (3, 0)),
        hop(OUT, true, Sighting::Syn, VIP, 0, (7, 0)),
        hop(BACK, false, Sighting::SynAck, VIP, 400, (3, 0)),
    ]
}

#[test]
fn hops_are_in_the_order_of_the_road_and_on_one_clock() {
    let path = followed(handshake(), Ending::Answered);
    let spots: Vec<&str> = path.request.iter().map(|hop| hop.at.as_str()).collect();
    assert_eq!(spots, ["c1/eth0 out", "n2/mlb in", "n2/cni0 out"]);
    assert_eq!((path.request[1].destination.as_str(), path.request[2].destination.as_str()), (VIP, POD));
    // The packets alone bound the difference of the clocks to 100 µs either way.
    let times: Vec<_> = path.request.iter().chain(&path.answer).map(|hop| (hop.after_us, hop.error_us)).collect();
    assert_eq!(times, [(0, 0), (100, 100), (130, 100), (300, 100), (400, 0)].map(|(after, error)| (Some(after), Some(error))));
}

#[test]
fn without_an_answer_nothing_bounds_the_clocks() {
    let path = followed(vec![handshake().remove(0), handshake().remove(3)], Ending::ConnectTimeout);
    let times: Vec<_> = path.request.iter().map(|hop| hop.after_us).collect();
    assert_eq!(times, [Some(0), None]);
    assert_eq!(path.last_seen.unwrap().at, "n2/mlb in");
}

#[test]
fn an_answer_that_does_not_arrive_was_last_seen_on_its_way() {
    let mut hops = handshake();
    hops.pop();
    assert_eq!(followed(hops, Ending::ConnectTimeout).last_seen.unwrap().at, "n2/mlb out");
}

#[test]
fn data_that_vanishes_was_last_seen_where_the_piece_that_got_least_far_was() {
    let mut hops = handshake();
    hops.extend([
        hop(OUT, true, Sighting::Data, VIP, 500, (8, 200)),
        hop(ENTERS, true, Sighting::Data, VIP, -4_999_400, (8, 200)),
        hop(TO_POD, true, Sighting::Data, POD, -4_999_380, (8, 200)),
        hop(LEAVES, false, Sighting::Data, VIP, -4_999_000, (4, 90)),
        hop(BACK, false, Sighting::Data, VIP, 1_000, (4, 90)),
        // Of the large request only the short end comes through.
        hop(OUT, true, Sighting::Data, VIP, 1_200, (208, 3_000)),
        hop(ENTERS, true, Sighting::Data, VIP, -4_998_700, (208, 1_448)),
        hop(ENTERS, true, Sighting::Data, VIP, -4_998_695, (1_656, 1_448)),
        hop(ENTERS, true, Sighting::Data, VIP, -4_998_690, (3_104, 104)),
        hop(TO_POD, true, Sighting::Data, POD, -4_998_680, (3_104, 104)),
    ]);
    let last = followed(hops, Ending::AnswerTimeout).last_seen.unwrap();
    assert_eq!((last.at.as_str(), last.length, last.what), ("n2/mlb in", 1_448, Sighting::Data));
}

/// Each sighting held against each would take hours.
#[test]
fn very_many_sightings_are_gone_through_once() {
    let mut hops = handshake();
    for number in 0..50_000_u32 {
        let spot = if number % 2 == 0 { OUT } else { ENTERS };
        hops.push(hop(spot, true, Sighting::Data, VIP, 500 + i64::from(number), (8 + number / 2 * 100, 100)));
    }
    hops.push(hop(OUT, true, Sighting::Data, VIP, 100_000, (8 + 2_500_000, 100)));
    let names: Vec<String> = (0..20_000).map(|number| format!("veth{number}")).collect();
    hops.extend(names.iter().map(|name| hop(("n2", name, Passage::Other), true, Sighting::Syn, VIP, 200, (7, 0))));
    let path = followed(hops, Ending::AnswerTimeout);
    assert_eq!(path.last_seen.map(|last| (last.at, last.packets)), Some(("c1/eth0 out".to_owned(), 25_002)));
}
