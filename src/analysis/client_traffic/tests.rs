//! What packets tell of a client's tries, and what they do not.

use serde_json::{Value, json};

use super::*;
use crate::model::capture::CaptureRequest;
use crate::model::clock::ClockOffset;
use crate::model::probe::Vantage;

const CLIENT: &str = "10.9.9.9";
const VIP: &str = "10.0.0.1";

fn awaited(speech: Speech) -> Awaited {
    Awaited { client: CLIENT.parse().unwrap(), address: VIP.parse().unwrap(), port: 443, speech, seconds: 60, took_ms: 0 }
}

/// A segment on the node's client side, at tenths of a second.
fn segment(tenths: i64, from_client: bool, flags: u8, sequence: u32, acknowledgement: u32, length: u32) -> Packet {
    let (source, sp, destination, dp) = if from_client { (CLIENT, 30_000, VIP, 443) } else { (VIP, 443, CLIENT, 30_000) };
    let body =
        json!({"tcp": {"s": source, "d": destination, "sp": sp, "dp": dp, "q": sequence, "a": acknowledgement, "f": flags, "l": length}});
    packet(tenths, from_client, &body)
}

fn packet(tenths: i64, inward: bool, body: &Value) -> Packet {
    let passage = if inward { Passage::In } else { Passage::Out };
    Packet {
        at: tenths * SECOND / 10,
        interface: "mlb".into(),
        passage,
        source_mac: None,
        body: serde_json::from_value(body.clone()).unwrap(),
        tunnel: None,
        outer: None,
        ttl: None,
    }
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const PUSH: u8 = 24;
const RST: u8 = 4;
const FIN: u8 = 17;

fn syn(tenths: i64) -> Packet {
    segment(tenths, true, SYN, 7, 0, 0)
}

/// SYN, SYN-ACK and ACK.
fn made() -> Vec<Packet> {
    vec![syn(0), segment(1, false, SYN | ACK, 90, 8, 0), segment(2, true, ACK, 8, 91, 0)]
}

/// How the only try ended, when it was over at that time in tenths of a second.
fn ending(packets: &[Packet], until: i64) -> Option<Ending> {
    let seen = Seen { place: "n2".to_owned(), packets: packets.iter().collect(), until: until * SECOND / 10, complete: true };
    let all = tries(&[seen], &awaited(Speech::Tcp));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].attempt.source_port, 30_000);
    all[0].over.then_some(all[0].attempt.ending)
}

fn with(mut packets: Vec<Packet>, more: impl IntoIterator<Item = Packet>) -> Vec<Packet> {
    packets.extend(more);
    packets
}

#[test]
fn what_the_client_acknowledged_it_got() {
    let asked = with(made(), [segment(3, true, PUSH, 8, 91, 200), segment(4, false, PUSH, 91, 208, 900)]);
    assert_eq!(ending(&with(asked.clone(), [segment(5, true, ACK, 208, 991, 0)]), 6), Some(Ending::Answered));
    // An acknowledgement of what came before it is none.
    let repeated = with(asked, [segment(5, true, ACK, 208, 91, 0)]);
    assert_eq!(ending(&repeated, 6), None);
    assert_eq!(ending(&repeated, 50), Some(Ending::AnswerTimeout));
}

#[test]
fn a_try_has_failed_only_when_it_was_given_time() {
    assert_eq!(ending(&[syn(0)], 10), None);
    assert_eq!(ending(&[syn(0)], 31), Some(Ending::ConnectTimeout));
    assert_eq!(ending(&[syn(0), syn(10), syn(30)], 30), Some(Ending::ConnectTimeout));
    // The same packet on a bridge and on its port is one.
    assert_eq!(ending(&[syn(0), syn(0), syn(0), syn(1)], 1), None);
    assert_eq!(ending(&with(made(), [segment(3, true, PUSH, 8, 91, 200)]), 20), None);
    assert_eq!(ending(&with(made(), [segment(3, true, PUSH, 8, 91, 200)]), 44), Some(Ending::AnswerTimeout));
}

#[test]
fn every_end_of_a_connection_is_known() {
    let refused = [syn(0), segment(1, false, RST | ACK, 0, 8, 0)];
    assert_eq!(ending(&refused, 1), Some(Ending::Refused));
    let unknown = [syn(0), segment(1, false, SYN | ACK, 90, 8, 0), segment(1, true, RST, 8, 0, 0)];
    assert_eq!(ending(&unknown, 1), Some(Ending::Reset));
    assert_eq!(ending(&with(made(), [segment(3, true, FIN, 8, 91, 0)]), 3), Some(Ending::Answered));
    assert_eq!(ending(&made(), 3), None);
    assert_eq!(ending(&made(), 33), Some(Ending::Answered));
    let asked = with(made(), [segment(3, true, PUSH, 8, 91, 200)]);
    assert_eq!(ending(&with(asked.clone(), [segment(4, false, FIN, 91, 208, 0)]), 4), Some(Ending::Closed));
    assert_eq!(ending(&with(asked.clone(), [segment(4, false, RST, 91, 208, 0)]), 4), Some(Ending::Reset));
    // After a while the Service may have missed the rest of a request that was lost on its way.
    assert_eq!(ending(&with(asked.clone(), [segment(100, false, FIN, 91, 208, 0)]), 101), Some(Ending::AnswerTimeout));
    assert_eq!(ending(&with(asked, [segment(20, true, FIN, 208, 91, 0)]), 21), Some(Ending::AnswerTimeout));
    let error =
        json!({"icmp": {"source": "10.0.0.12", "destination": CLIENT, "kind": 3, "code": 3, "quoted": [6, CLIENT, VIP, 30_000, 443]}});
    assert_eq!(ending(&[syn(0), packet(1, false, &error)], 1), Some(Ending::Refused));
}

#[test]
fn a_capture_that_lost_packets_proves_no_failure() {
    let packets = [syn(0), syn(10), syn(30)];
    let seen = Seen { place: "n2".to_owned(), packets: packets.iter().collect(), until: 90 * SECOND, complete: false };
    assert!(!tries(&[seen], &awaited(Speech::Tcp))[0].over);
}

#[test]
fn others_and_what_was_under_way_are_no_tries() {
    let under_way = [segment(0, true, PUSH, 8, 91, 200), segment(1, false, PUSH, 91, 208, 9)];
    let mut passing = syn(0);
    passing.passage = Passage::Other;
    let elsewhere = json!({"tcp": {"s": CLIENT, "d": VIP, "sp": 1, "dp": 80, "q": 1, "a": 0, "f": SYN, "l": 0}});
    let another = json!({"tcp": {"s": "10.9.9.8", "d": VIP, "sp": 1, "dp": 443, "q": 1, "a": 0, "f": SYN, "l": 0}});
    let arp = json!({"arp": {"reply": false, "sender_mac": "02:00:00:00:00:0a", "sender": CLIENT, "target": VIP}});
    let mut packets = under_way.to_vec();
    packets.extend([passing, packet(2, true, &elsewhere), packet(2, true, &another), packet(2, true, &arp)]);
    let place = Place::sample("n2", HostKind::Node);
    let capture = Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place), 9, 0) };
    let awaited = awaited(Speech::Tcp);
    let mut probe =
        Probe { awaited: Some(awaited.clone()), ..Probe::new(Vantage::Client(CLIENT.into()), awaited.address, 443, Speech::Tcp) };
    assert_eq!((fill(&mut probe, std::slice::from_ref(&capture), &Offsets::default()), probe.attempts.len()), (0, 0));
    let traces = traces(&[capture], &awaited, &BTreeSet::new()).join("; ");
    for part in
        ["1 ARP requests of 10.9.9.9", "its packets pass n2 addressed to another host's MAC", "TCP port 80", "requests came from 10.9.9.8"]
    {
        assert!(traces.contains(part), "{part}: {traces}");
    }
}

#[test]
fn the_end_of_the_capture_counts_by_the_host_s_own_clock() {
    let place = Place::sample("n2", HostKind::Node);
    let capture = Capture {
        packets: [syn(1_000)].into_iter().collect(),
        stopped_at: 50 * SECOND,
        ..Capture::sample(CaptureRequest::sample(place), 9, 0)
    };
    let offsets = |ahead_us: i64| {
        let offset = ClockOffset { host: "n2".into(), ahead_us, error_us: 0, took_ms: 0 };
        Offsets([("n2".to_owned(), offset)].into())
    };
    let over = |clocks: &Offsets| tries(&seen(std::slice::from_ref(&capture), clocks), &awaited(Speech::Tcp))[0].over;
    assert!(over(&offsets(54_000_000)), "104 s there, and the try began at 100 s");
    assert!(!over(&offsets(51_000_000)));
    assert!(!over(&Offsets::default()), "nothing is known of that clock");
}

#[test]
fn datagrams_are_tries_by_their_port() {
    let datagram = |tenths: i64, from_client: bool, port: u16| {
        let (source, sp, destination, dp) = if from_client { (CLIENT, port, VIP, 443) } else { (VIP, 443, CLIENT, port) };
        packet(tenths, from_client, &json!({"udp": {"s": source, "d": destination, "sp": sp, "dp": dp, "id": 1, "h": 2, "l": 20}}))
    };
    let packets = [datagram(0, true, 1), datagram(1, false, 1), datagram(0, true, 2), datagram(20, true, 2), datagram(40, true, 2)];
    let seen = Seen { place: "n2".to_owned(), packets: packets.iter().collect(), until: 4 * SECOND, complete: true };
    let all = tries(&[seen], &awaited(Speech::Udp));
    let endings: Vec<_> = all.iter().map(|one| (one.over, one.attempt.ending)).collect();
    assert_eq!(endings, [(true, Ending::Answered), (true, Ending::AnswerTimeout)]);
}

#[test]
fn a_try_that_asks_for_ever_is_remembered_by_its_first_packets() {
    let mut times = Vec::new();
    (0..1_000_000).for_each(|second| anew(&mut times, second * SECOND));
    assert_eq!(times.len(), MOST_TIMES);
    anew(&mut times, i64::MIN);
}
