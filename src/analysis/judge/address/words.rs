//! What MetalLB's controller itself said about the Service: events, and its log.

use crate::model::kubernetes::Event;
use crate::model::metallb::Metallb;

/// The reasons that the controller gives its events about an address.
const REASONS: [&str; 9] = [
    "IPAllocated",
    "AllocationFailed",
    "ClearAssignment",
    "LoadBalancerFailed",
    "AdditionalAssignFailed",
    "not enough clusterips",
    "nolbIPsIPFamily",
    "noclusterIPsIPFamily",
    "InternalError",
];

/// The controller's events, the newest first.
pub(super) fn events(metallb: &Metallb) -> Vec<&Event> {
    let mut events: Vec<&Event> = metallb.events.iter().flatten().filter(|event| REASONS.contains(&event.reason.as_str())).collect();
    events.sort_by(|a, b| b.at.cmp(&a.at));
    events
}

/// The newest refusal, unless something newer says that an address was given; in MetalLB's words.
pub(super) fn refusal(metallb: &Metallb) -> Option<String> {
    let newest = events(metallb).into_iter().find(|event| event.reason != "ClearAssignment");
    if let Some(event) = newest {
        return (event.reason != "IPAllocated").then(|| event.message.clone());
    }
    metallb.controller_log.as_ref().and_then(|log| log.about_service.as_ref()).map(|(_, text)| text.clone())
}

/// The controller's words as evidence: the newest of each kind, three at most, and its log's last error.
pub(super) fn quoted(metallb: &Metallb) -> Vec<String> {
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    for event in events(metallb) {
        if seen.contains(&event.reason) || lines.len() == 3 {
            continue;
        }
        seen.push(event.reason.clone());
        let times = if event.count > 1 { format!("{} times, last ", event.count) } else { String::new() };
        lines.push(format!("event {} ({times}at {}): {}", event.reason, event.at, event.message));
    }
    if let Some(log) = &metallb.controller_log {
        if lines.is_empty()
            && let Some((at, text)) = &log.about_service
        {
            lines.push(format!("log of {} ({at}): {text}", log.pod));
        }
        if let Some((at, text)) = &log.write_failed {
            lines.push(format!("log of {} ({at}): it could not write the Service's status: {text}", log.pod));
        }
    }
    lines
}
