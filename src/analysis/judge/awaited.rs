//! A client that nobody can log in at: what its own traffic shows, and what it cannot show.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::road::{Leg, Point, Road};
use super::{Case, neighbours, node};
use crate::analysis::client_traffic::{is_node, seen, traces, tries};
use crate::model::culprit::Culprit;
use crate::model::finding::{Finding, Gap};
use crate::model::probe::{Ending, Probe, Speech, Vantage};

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
        "whether requests of {client} are lost between it and the nodes, or come with another address, or were never made: a capture on {client} while it asks tells, or --set from=ssh:… with a login there"
    );
    no_vantage(probe, reason, &undecided)
}

fn no_vantage(probe: &Probe, reason: String, undecided: &str) -> Gap {
    Gap::new("evidence/no-vantage", Culprit::client(probe.vantage.place()).to_string(), reason, undecided).decisive()
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

/// Why the client does not take the answer: from the node alone only some of the causes can be told.
pub(super) fn answer_not_taken(case: &Case, roads: &[&Road]) -> Result<Finding, Gap> {
    let node = roads.iter().find_map(|road| road.entry()).map(|(node, _)| node).unwrap_or_default();
    if let Some(finding) = node::asymmetric(case, roads, &node).or_else(|| neighbours::back(case, roads, &node)) {
        return Ok(finding);
    }
    let client = roads.first().map(|road| road.client()).unwrap_or_default();
    let side = Point::NodeClientSide(node.clone());
    let largest = roads.iter().map(|road| road.largest(Leg::ReplyData, &side)).max().unwrap_or_default();
    let (what, causes) = if largest > 0 {
        (
            format!("payload of the answers, up to {largest} bytes a packet,"),
            "large packets are lost between them (wire/mtu), or the client's own filter drops them (client/firewall)",
        )
    } else {
        ("the answer".to_owned(), "it is lost between them (wire/reply-lost), or the client's own filter drops it (client/firewall)")
    };
    Err(Gap::new(
        "evidence/no-vantage",
        Culprit::client(&client).to_string(),
        format!("{what} leaves {node} for {client} by the interface of arrival, and {client} does not acknowledge it"),
        format!("whether {causes}: a capture on {client} while it asks tells"),
    )
    .decisive())
}
