//! A node that is not there, and what cannot be told of one that is.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::model::catalogue::names;
use crate::model::error_kind::ErrorKind;
use crate::model::finding::Finding;
use crate::model::finding::Gap;
use crate::model::subject::Subject;

/// Why a node counts as lost: it does not answer by SSH, and the API has it as not ready or gets nothing from its kubelet either.
pub(in crate::analysis::judge) fn lost(case: &Case, node: &str) -> Option<Vec<String>> {
    let mut evidence = vec![refuses(case, node)?];
    if mute(case, node) {
        evidence.push(format!("the API server cannot read the log of the speaker on {node}"));
    }
    if case.node(node).is_some_and(|node| !node.ready) {
        evidence.push(format!("the API has {node} as not ready"));
    }
    (evidence.len() > 1).then_some(evidence)
}

/// That the node does not answer by SSH, when it does not.
pub(in crate::analysis::judge) fn refuses(case: &Case, node: &str) -> Option<String> {
    let refused = case.gaps.iter().any(|gap| gap.kind == Some(ErrorKind::HostUnreachable) && *gap.subject == Subject::node(node));
    refused.then(|| format!("{node} does not answer by SSH"))
}

/// The API server gets nothing from the node's kubelet. A log that nobody may read is another matter.
pub(in crate::analysis::judge) fn mute(case: &Case, node: &str) -> bool {
    let of_node = |gap: &Gap| gap.name == names::EVIDENCE_LOG_UNREADABLE && *gap.subject == Subject::speaker(node);
    let unanswered = |gap: &Gap| matches!(gap.kind, Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable));
    case.gaps.iter().any(|gap| of_node(gap) && unanswered(gap))
}

/// The pod's node, which is not there: requests for its pods pass the last node that was watched, and nothing comes back.
pub(in crate::analysis::judge) fn far(case: &Case, roads: &[&Road], last: &str) -> Option<Finding> {
    let (ip, _) = roads.iter().find_map(|road| road.endpoint())?;
    let far = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == ip)?.node.clone().filter(|far| far != last)?;
    let addresses = case.node(&far).map(|node| node.internal_ips.clone()).unwrap_or_default();
    let unresolved = case.node_state(last).is_some_and(|pair| {
        pair.after
            .neighbours()
            .unwrap_or_default()
            .iter()
            .any(|entry| addresses.contains(&entry.address) && matches!(entry.state.as_str(), "FAILED" | "INCOMPLETE"))
    });
    // A node that does not answer by SSH wants a second witness.
    let witnesses = lost(case, &far).or_else(|| refuses(case, &far).filter(|_| unresolved).map(|refused| vec![refused]))?;
    let mut evidence = vec![format!("requests for its pods leave {last} and nothing comes back")];
    evidence.extend(witnesses);
    if unresolved {
        evidence.push(format!("{last} cannot resolve the address of {far} by ARP"));
    }
    Some(found(
        names::NODE_UNREACHABLE,
        vec![Subject::node(&far)],
        format!("{far} cannot be reached, and its pods still count as endpoints"),
        evidence,
    ))
}

/// A node's inside that explains nothing: what would decide is said.
pub(in crate::analysis::judge) fn unseen(node: &str, reason: &str) -> Gap {
    Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(node), reason, format!("what takes the packet inside {node}")).decisive()
}
