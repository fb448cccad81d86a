//! What a Service that answers has not shown: its other addresses and ports, and the endpoints that no try went to.

use std::collections::BTreeSet;

use super::case::Case;
use super::road::Road;
use crate::model::announcement::{Agreement, Announcement};
use crate::model::catalogue::names;
use crate::model::finding::Gap;

/// Nobody was to be asked: what the objects and logs do not tell either, so that they are no pass.
pub(super) fn objects(case: &Case) -> Option<Gap> {
    let open = |reason: &str, undecided: &str| Some(Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, undecided).decisive());
    let announced = |announcement: &&Announcement| match announcement.agreement {
        Agreement::Agree => true,
        // Over BGP several nodes announce by design.
        Agreement::Several => announcement.protocol == "bgp",
        Agreement::Conflict | Agreement::None | Agreement::Unknown => false,
    };
    // What metrics would say, the speakers' logs say as well.
    let beside = [names::EVIDENCE_NOBODY_ASKED, names::EVIDENCE_METRICS_UNREADABLE];
    if let Some(gap) = case.gaps.iter().find(|gap| !beside.contains(&gap.name.as_str())) {
        return open(&gap.reason, &gap.undecided);
    }
    match (case.announcement, case.target) {
        (None, _) => open("who announces the address could not be read", "whether any node announces it"),
        (Some(announcement), _) if !announced(&announcement) => open(&announcement.because, "whether one node announces the address"),
        (_, Some(target)) if target.slices_read && !target.serving().is_empty() => None,
        _ => open("the Service's EndpointSlices could not be read", "whether any endpoint serves"),
    }
}

/// Everybody is answered: was the road really seen, and every endpoint reached?
pub(super) fn parts(case: &Case, gaps: &mut Vec<Gap>) {
    if let Some((asked, others)) = case.service.addresses.split_first().filter(|(_, others)| !others.is_empty()) {
        let others = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        gaps.push(Gap::new(
            names::EVIDENCE_ADDRESS_NOT_ASKED,
            case.service,
            format!("{asked} alone was asked"),
            format!("whether the Service answers at {others}"),
        ));
    }
    let Some(target) = case.target else { return };
    let asked: BTreeSet<u16> = case.probes().map(|probe| probe.port).chain([target.port.port]).collect();
    let others = case.service.ports.iter().filter(|port| !asked.contains(&port.port));
    let others: Vec<String> = others.map(|port| format!("{}/{}", port.port, port.protocol.name())).collect();
    if !others.is_empty() {
        let asked: Vec<String> = asked.iter().map(u16::to_string).collect();
        gaps.push(Gap::new(
            names::EVIDENCE_PORT_NOT_ASKED,
            case.service,
            format!("port {} alone was asked", asked.join(" and ")),
            format!("whether the Service answers at {}", others.join(" and ")),
        ));
    }
    let roads = case.roads();
    let reached: Vec<std::net::IpAddr> = roads.iter().filter_map(Road::endpoint).map(|(ip, _)| ip).collect();
    // Policy Local and topology hints keep the announcing node from some of them.
    let within = case.announcer().map_or_else(|| target.serving(), |node| target.hit_from(&node));
    let missed: Vec<String> = within
        .iter()
        .filter(|endpoint| !reached.contains(&endpoint.ip))
        .map(|endpoint| endpoint.pod.clone().unwrap_or_else(|| endpoint.ip.to_string()))
        .collect();
    // Without the announcing node's whole capture it is not known where a try went.
    let watched = case.announcer().is_some_and(|node| roads.iter().all(|road| road.watched(&node)));
    if !missed.is_empty() && watched {
        // A node's own requests are translated before any capture sees them.
        let lost_sight = roads.iter().filter(|road| road.connection.attempt.answered() && road.endpoint().is_none()).count();
        let missed = missed.join(", ");
        let reason = match lost_sight {
            0 => format!("no try reached {missed}"),
            tries => format!("no try was seen to reach {missed}, and {tries} could not be followed to an endpoint"),
        };
        gaps.push(Gap::new(names::EVIDENCE_ENDPOINT_NOT_REACHED, case.service, reason, "whether these endpoints answer"));
    }
}
