//! Whether packets are lost between two points for their size.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::{Leg, Point, Road, Vanished};
use crate::analysis::state::ways::RouteQuestion;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::probe::Size;
use crate::model::subject::Subject;

/// Connections whose packets passed one point and not the next.
pub(in crate::analysis::judge) struct Lost<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) roads: &'a [&'a Road<'a>],
    pub(super) gone: &'a Vanished,
}

/// What a packet of TCP with timestamps has besides its payload and a ping has not, bytes: such a ping makes a packet as large.
const TO_PING: u32 = 24;

/// Payload was lost between two points while smaller packets of the same direction pass, those without payload at least: no try with
/// less payload tells whether the size of the lost ones is why, or their content.
pub(in crate::analysis::judge) fn size_or_content(roads: &[&Road], gone: &Vanished) -> Option<Gap> {
    let passes = roads.iter().any(|road| road.passed(if gone.leg == Leg::RequestData { Leg::Request } else { Leg::Reply }, &gone.next));
    let largest = roads.iter().map(|road| road.largest(gone.leg, &gone.next)).max().unwrap_or_default();
    let smallest_lost = roads.iter().filter_map(|road| road.smallest_lost(gone)).min()?;
    (passes && largest < smallest_lost).then(|| {
        let (from, to) = (gone.last.place(), gone.next.place());
        let passed = if largest == 0 { "those without payload pass".to_owned() } else { format!("those of {largest} bytes pass") };
        Gap::new(
            names::EVIDENCE_UNDECIDED,
            Subject::network(from, to),
            format!("packets with {smallest_lost} bytes of payload and more leave {from} and do not come to {to}; {passed}"),
            "whether their size is why (an MTU on the way), or their content (a filter that reads it)".to_owned(),
        )
        .with_next(format!(
            "Ask for the size alone, from {from} to {to}: ping -M do -s {} with the other's address; where that comes through, it is what they hold.",
            smallest_lost + TO_PING
        ))
        .decisive()
    })
}

/// The node's own route to where these packets go bears fewer bytes than those that were lost have, and as many as those that passed.
fn narrow_route(lost: &Lost) -> Option<String> {
    const HEADERS: [u32; 2] = [40, 60];
    let Lost { case, roads, gone } = lost;
    let node = gone.last.place();
    let state = &case.node_state(node)?.after;
    let most = |point: &Point| roads.iter().map(|road| road.largest(gone.leg, point)).max().unwrap_or_default();
    let (passed, smallest) = (most(&gone.next), roads.iter().filter_map(|road| road.smallest_lost(gone)).min()?);
    let to = roads
        .iter()
        .find_map(|road| if gone.leg == Leg::ReplyData { road.connection.attempt.source } else { road.endpoint().map(|(ip, _)| ip) })?;
    let mtu = state.way(&RouteQuestion::to(to))?.mtu?;
    let headers = HEADERS[usize::from(to.is_ipv6())];
    (smallest + headers > mtu && passed + headers <= mtu).then(|| {
        format!(
            "`ip route get {to}` on {node}: mtu {mtu}; packets with {smallest} bytes of payload and more do not leave it, and whoever sends them has \
             not learned that (ICMP that says so may be dropped on its way, or in the pod)"
        )
    })
}

/// The largest that passed a point. What has more than its place's interfaces send at once is no packet: the kernel hands several to an
/// interface in one piece, which cuts it.
fn largest_told(case: &Case, place: &str, what: &str, point: &Point, bytes: u32) -> String {
    const HEADERS: u32 = 40;
    let links = case.states().find(|pair| pair.after.place.to_string() == place).and_then(|pair| pair.after.links());
    let mtu = links.and_then(|links| links.iter().filter(|link| link.name != "lo").map(|link| link.mtu).max());
    match mtu {
        Some(mtu) if bytes + HEADERS <= mtu => {
            format!("the largest packet of these {what} that passed {point} has {bytes} bytes of payload")
        }
        Some(mtu) => format!(
            "the largest piece of these {what} that passed {point} has {bytes} bytes of payload: its interface (MTU {mtu}) cuts it into packets of at most {}",
            mtu.saturating_sub(HEADERS)
        ),
        None => format!("the largest piece of these {what} that passed {point} has {bytes} bytes of payload, which may be several packets"),
    }
}

/// Payload was lost between two points while small packets pass: a size problem. `None` when sizes do not matter.
pub(super) fn sizes(lost: &Lost) -> Option<Finding> {
    let Lost { case, roads, gone } = lost;
    // Only the same endpoint compares: another pod's small requests take another road.
    let ends: BTreeSet<IpAddr> = roads.iter().filter_map(|road| road.endpoint()).map(|(ip, _)| ip).collect();
    let all = case.roads();
    let small = |answered: bool| {
        all.iter().any(|road| {
            let same = road.endpoint().is_some_and(|(ip, _)| ends.contains(&ip));
            same && road.connection.attempt.size == Size::Small && road.connection.attempt.answered() == answered
        })
    };
    let overtaken = roads.iter().find_map(|road| road.overtaken(gone));
    let narrow = narrow_route(lost);
    if (!small(true) || small(false)) && overtaken.is_none() && narrow.is_none() {
        return None;
    }
    let largest = |point: &Point| roads.iter().map(|road| road.largest(gone.leg, point)).max().unwrap_or_default();
    let (from, to) = (gone.last.place(), gone.next.place());
    let what = if gone.leg == Leg::RequestData { "requests" } else { "answers" };
    let evidence = vec![
        largest_told(case, gone.last.place(), what, &gone.last, largest(&gone.last)),
        match largest(&gone.next) {
            0 => format!("none with payload passed {}", gone.next),
            bytes => format!("the largest that passed {} has {bytes} bytes", gone.next),
        },
        match overtaken.filter(|_| narrow.is_none() && (!small(true) || small(false))) {
            _ if let Some(narrow) = &narrow => narrow.clone(),
            Some((passed, lost)) => format!(
                "of the very same answer or request a later packet with {passed} bytes passed, and an earlier one with {lost} bytes did not"
            ),
            None => "small requests of the same kind are answered".to_owned(),
        },
    ];
    let summary = if from == to {
        format!("small packets pass {from}, large ones come as far as {} and not to {}", gone.last, gone.next)
    } else {
        format!("small packets pass between {from} and {to}, large ones vanish")
    };
    if narrow.is_some() {
        let mut finding = found(
            names::OVERLAY_MTU,
            vec![Subject::node(from)],
            format!("a route of {from} bears less than these {what} have, and nobody learns of it: {summary}"),
            evidence,
        );
        finding.next = format!(
            "Raise the route's MTU on {from} (ip route change … mtu), or let ICMP that says \"fragmentation needed\" come to the pods: see filters in the pod and on {from}."
        );
        return Some(finding);
    }
    let client_side = matches!((&gone.last, &gone.next), (Point::Client(_), _) | (_, Point::Client(_)));
    Some(if client_side {
        found(names::WIRE_MTU, vec![Subject::network(from, to)], summary, evidence)
    } else {
        let mut culprits: Vec<Subject> = [from, to].iter().filter(|place| !place.contains('/')).map(|node| Subject::node(node)).collect();
        culprits.dedup();
        if culprits.is_empty() {
            culprits.push(Subject::network(from, to));
        }
        found(names::OVERLAY_MTU, culprits, summary, evidence)
    })
}
