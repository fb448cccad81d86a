//! A client that nobody can log in at: what its own traffic shows, and what it cannot show.

use crate::analysis::judge::case::Case;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::road::{Leg, Point, Road};
use crate::analysis::client_traffic::{is_node, seen, traces, tries};
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::probe::{Awaited, Ending, Probe, Speech, Vantage};
use crate::model::subject::Subject;

/// What is open of clients whose traffic was waited for in the first round.
pub(super) fn undecided(case: &Case) -> Vec<Gap> {
    let waited = case.flow.iter().flat_map(|flow| &flow.probes);
    waited.filter_map(|probe| if probe.nobody_asked() { Some(nothing_came(case, probe)) } else { unseen_answers(probe) }).collect()
}

/// No try of the client's came to a node: it was lost before, or it was never made.
fn nothing_came(case: &Case, probe: &Probe) -> Gap {
    let Some(awaited) = &probe.awaited else { return no_vantage(probe, String::new(), "") };
    let client = awaited.client;
    let captures = case.flow.map(|flow| flow.captures.as_slice()).unwrap_or_default();
    let entrances = case.announcement.map(crate::model::announcement::Announcement::entrances).unwrap_or_default();
    let watched: BTreeSet<String> = captures
        .iter()
        .filter(|capture| is_node(&capture.request.place) && capture.tells_absence())
        .map(|capture| capture.request.place.to_string())
        .collect();
    let blind: Vec<&str> = entrances.iter().filter(|node| !watched.contains(*node)).map(String::as_str).collect();
    let whom = if entrances.is_empty() { "any node that was watched".to_owned() } else { entrances.join(" or ") };
    let mut reason = format!("no packet of {client} for the Service reached {whom} within {} s", awaited.took_ms.div_ceil(1_000));
    let begun = case.flow.map_or(0, |flow| tries(&seen(captures, &flow.clocks), awaited).len());
    if begun > 0 {
        reason = format!(
            "{begun} tries of {client} came to {whom}, and none was over when the wait of {} s ended",
            awaited.took_ms.div_ceil(1_000)
        );
    }
    if !blind.is_empty() {
        reason = format!("{reason}, and {} could not be watched without loss", blind.join(" and "));
    }
    let known: BTreeSet<IpAddr> = case.probes().flat_map(Probe::made).filter_map(|attempt| attempt.source).collect();
    for trace in traces(captures, awaited, &known) {
        reason.push_str("; ");
        reason.push_str(&trace);
    }
    let undecided = format!(
        "whether requests of {client} are lost between it and the nodes, or come with another address, or were never made: {} tells, or --from ssh:{client} with a login there",
        capture_there(Some(awaited), &client.to_string())
    );
    no_vantage(probe, reason, &undecided)
}

fn no_vantage(probe: &Probe, reason: String, undecided: &str) -> Gap {
    Gap::new(names::EVIDENCE_NO_VANTAGE, Subject::client(probe.vantage.place()), reason, undecided).decisive()
}

/// The capture that would decide, as it is typed there.
fn capture_there(awaited: Option<&Awaited>, client: &str) -> String {
    let what = awaited.map(|awaited| format!(" host {} and port {}", awaited.address, awaited.port)).unwrap_or_default();
    format!("`tcpdump -ni any{what}` on {client} while it asks")
}

/// Of a datagram's answer nobody is told that it arrived.
fn unseen_answers(probe: &Probe) -> Option<Gap> {
    let awaited = probe.awaited.as_ref().filter(|awaited| awaited.speech == Speech::Udp)?;
    let answered = probe.made().filter(|attempt| attempt.answered()).count();
    (answered > 0).then(|| {
        let reason =
            format!("answers to {answered} of the datagrams of {} left for it, and nothing tells whether they arrived", awaited.client);
        no_vantage(probe, reason, "whether the client gets the answers: a capture there while it asks tells")
    })
}

/// Whether the answer left for a client that did not take it, although everything that could be watched was passed.
pub(super) fn not_taken(road: &Road) -> bool {
    let Some((node, _)) = road.entry().filter(|_| by_traffic(road)) else { return false };
    let side = Point::NodeClientSide(node);
    match road.connection.attempt.ending {
        Ending::ConnectTimeout => road.passed(Leg::Reply, &side),
        Ending::AnswerTimeout => road.passed(Leg::ReplyData, &side),
        _ => false,
    }
}

/// Whether a try is known from a client's own traffic alone.
pub(super) fn by_traffic(road: &Road) -> bool {
    matches!(road.connection.vantage, Vantage::Client(_))
}

/// The node that took a client's requests, which the client then did not take the answers of.
pub(super) fn taker(roads: &[&Road]) -> String {
    roads.iter().find_map(|road| road.entry()).map(|(node, _)| node).unwrap_or_default()
}

/// Why the client does not take the answer: from the node alone only some of the causes can be told.
pub(super) fn not_acknowledged(roads: &[&Road], node: &str) -> Gap {
    let client = roads.first().map(|road| road.client()).unwrap_or_default();
    let awaited = roads.iter().find_map(|road| road.case.probes().find_map(|probe| probe.awaited.as_ref()));
    let side = Point::NodeClientSide(node.to_owned());
    let largest = roads.iter().map(|road| road.largest(Leg::ReplyData, &side)).max().unwrap_or_default();
    let (what, causes) = if largest > 0 {
        (
            format!("payload of the answers, up to {largest} bytes a packet,"),
            format!(
                "large packets of {node} are lost on the way to {client} (wire/mtu), or the filter of {client} drops them (client/firewall)"
            ),
        )
    } else {
        (
            "the answer".to_owned(),
            format!(
                "{node}'s answer is lost on the way to {client} (wire/reply-lost), or the filter of {client} drops it (client/firewall)"
            ),
        )
    };
    Gap::new(
        names::EVIDENCE_NO_VANTAGE,
        Subject::client(&client),
        format!("{what} leaves {node} for {client} by the interface of arrival, and {client} does not acknowledge it"),
        format!("whether {causes}: {} tells", capture_there(awaited, &client)),
    )
    .decisive()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::analysis::client_traffic::fill;
    use crate::analysis::follow::follow;
    use crate::analysis::judge::{Case, Judgement, judge};
    use crate::analysis::read::objects;
    use crate::model::capture::{Capture, CaptureRequest};
    use crate::model::clock::Offsets;
    use crate::model::finding::Gap;
    use crate::model::flow::Flow;
    use crate::model::packet::Packet;
    use crate::model::place::{HostKind, Place};
    use crate::model::probe::{Awaited, Probe, Speech, Vantage};

    /// A packet on n2 towards the client: tenths of a second, whether it comes in, flags, sequence, acknowledgement, bytes.
    fn packet((tenths, inward, flags, sequence, acknowledgement, length): (i64, bool, u8, u32, u32, u32)) -> Packet {
        let (s, sp, d, dp) = if inward { ("10.9.9.9", 30_000, "10.0.0.1", 443) } else { ("10.0.0.1", 443, "10.9.9.9", 30_000) };
        let body = json!({"tcp": {"s": s, "d": d, "sp": sp, "dp": dp, "q": sequence, "a": acknowledgement, "f": flags, "l": length}});
        let passage = if inward { "in" } else { "out" };
        serde_json::from_value(json!({"t": tenths * 100_000_000, "i": "mlb", "p": passage, "b": body})).unwrap()
    }

    /// The judgement of a client that was waited for, with what n2 saw of it.
    fn check(packets: &[(i64, bool, u8, u32, u32, u32)], others: &Value, lost: u64) -> Judgement {
        let service = objects::service(
            &json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
        );
        let place = Place::sample("n2", HostKind::Node);
        let packets = packets.iter().map(|one| packet(*one)).collect();
        let captures = vec![Capture { packets, ..Capture::sample(CaptureRequest::sample(place), 9, lost) }];
        let (client, address) = ("10.9.9.9".parse().unwrap(), "10.0.0.1".parse().unwrap());
        let awaited = Awaited { client, address, port: 443, speech: Speech::Https, seconds: 60, took_ms: 60_000 };
        let mut probe = Probe { awaited: Some(awaited), ..Probe::new(Vantage::Client("10.9.9.9".into()), address, 443, Speech::Https) };
        fill(&mut probe, &captures, &Offsets::default());
        let mut probes: Vec<Probe> = serde_json::from_value(others.clone()).unwrap();
        probes.push(probe);
        let connections = follow(&captures, &probes, &[].into());
        let flow = Flow { captures, probes, connections, ..Flow::default() };
        judge(&Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] })
    }

    fn decisive(judgement: &Judgement, name: &str) -> Gap {
        assert!(judgement.findings.is_empty(), "{judgement:?}");
        let gap = judgement.gaps.iter().find(|gap| gap.decisive && gap.name == name);
        gap.unwrap_or_else(|| panic!("{judgement:?}")).clone()
    }

    const ANSWERED: [(i64, bool, u8, u32, u32, u32); 6] = [
        (0, true, 2, 7, 0, 0),
        (1, false, 18, 90, 8, 0),
        (2, true, 16, 8, 91, 0),
        (3, true, 24, 8, 91, 200),
        (4, false, 24, 91, 208, 900),
        (5, true, 16, 208, 991, 0),
    ];

    fn elsewhere() -> Value {
        let attempt = json!({"number": 1, "size": "small", "source": "10.0.0.9", "source_port": 1, "ending": "answered", "status": 200,
            "connect_ms": 1, "total_ms": 2, "detail": ""});
        json!([{"vantage": {"ssh": "c1"}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": [attempt], "tool": "curl", "error": null}])
    }

    #[test]
    fn a_client_that_is_answered_leaves_nothing_open() {
        let judgement = check(&ANSWERED, &elsewhere(), 0);
        assert!(judgement.findings.is_empty() && judgement.gaps.iter().all(|gap| !gap.decisive), "{judgement:?}");
        assert!(judgement.summary.contains("from client:10.9.9.9, ssh:c1: 2 of 2 tries"), "{}", judgement.summary);
    }

    #[test]
    fn a_client_of_which_nothing_came_is_no_pass_whatever_others_get() {
        for others in [json!([]), elsewhere()] {
            let judgement = check(&[], &others, 0);
            assert!(judgement.findings.is_empty(), "{judgement:?}");
            let gap = judgement.gaps.iter().find(|gap| gap.name == "evidence/no-vantage").unwrap();
            assert!(gap.decisive && gap.reason.starts_with("no packet of 10.9.9.9"), "{gap:?}");
            assert!(gap.undecided.contains("lost between it and the nodes") && gap.undecided.contains("never made"), "{gap:?}");
        }
    }

    #[test]
    fn an_answer_that_the_client_does_not_take_has_two_explanations() {
        let packets = [(0, true, 2, 7, 0, 0), (1, false, 18, 90, 8, 0), (11, true, 2, 7, 0, 0), (31, true, 2, 7, 0, 0)];
        let gap = decisive(&check(&packets, &elsewhere(), 0), "evidence/no-vantage");
        assert!(gap.undecided.contains("wire/reply-lost") && gap.undecided.contains("client/firewall"), "{gap:?}");
        // Nothing is acknowledged of an answer that has payload.
        let mut large = ANSWERED[..5].to_vec();
        large.extend([(20, false, 24, 91, 208, 900), (50, false, 24, 91, 208, 900)]);
        let gap = decisive(&check(&large, &elsewhere(), 0), "evidence/no-vantage");
        assert!(gap.undecided.contains("wire/mtu") && gap.reason.contains("900 bytes"), "{gap:?}");
    }

    #[test]
    fn a_request_of_which_only_the_client_saw_all_names_no_program() {
        let mut packets = ANSWERED[..4].to_vec();
        packets.push((50, true, 17, 208, 91, 0));
        let judgement = check(&packets, &elsewhere(), 0);
        let gap = judgement.gaps.iter().find(|gap| gap.decisive).unwrap_or_else(|| panic!("{judgement:?}"));
        assert!(judgement.findings.is_empty() && gap.name == "evidence/undecided", "{judgement:?}");
    }

    #[test]
    fn a_capture_that_lost_packets_blames_nobody() {
        let packets = [(0, true, 2, 7, 0, 0), (11, true, 2, 7, 0, 0), (31, true, 2, 7, 0, 0)];
        let judgement = check(&packets, &elsewhere(), 3);
        assert!(judgement.findings.is_empty(), "{judgement:?}");
        assert!(judgement.gaps.iter().any(|gap| gap.decisive && gap.reason.contains("none was over")), "{judgement:?}");
    }
}
