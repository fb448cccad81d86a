//! A node that is not there, and what cannot be told of one that is.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::looked_at;
use crate::model::basis::Basis;
use crate::model::catalogue::names;
use crate::model::connection::Sighting;
use crate::model::error_kind::ErrorKind;
use crate::model::finding::Finding;
use crate::model::finding::Gap;
use crate::model::packet::Passage;
use crate::model::probe::Ending;
use crate::model::subject::Subject;
use std::collections::BTreeSet;
use std::net::IpAddr;

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
    let of_node = |gap: &&Gap| *gap.subject == Subject::node(node);
    let told = |gap: &Gap| match gap.kind {
        Some(ErrorKind::HostUnreachable) => Some(format!("{node} does not answer by SSH")),
        Some(ErrorKind::HostSilent) => Some(format!("{node} takes a connection by SSH, and its sshd says nothing")),
        _ => None,
    };
    let told = case.gaps.iter().filter(of_node).find_map(told)?;
    looked_at::note(|| Basis::host(node));
    Some(told)
}

/// The API server gets nothing from the node's kubelet. A log that nobody may read is another matter.
pub(in crate::analysis::judge) fn mute(case: &Case, node: &str) -> bool {
    let of_node = |gap: &Gap| gap.name == names::EVIDENCE_LOG_UNREADABLE && *gap.subject == Subject::speaker(node);
    let unanswered = |gap: &Gap| matches!(gap.kind, Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::HostSilent));
    case.gaps.iter().any(|gap| of_node(gap) && unanswered(gap))
}

/// The pod's node, which is not there: requests for its pods pass the last node that was watched, and nothing comes back.
pub(in crate::analysis::judge) fn far(case: &Case, roads: &[&Road], last: &str) -> Option<Finding> {
    let (ip, _) = roads.iter().find_map(|road| road.endpoint())?;
    let far = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == ip)?.node.clone().filter(|far| far != last)?;
    let addresses = case.node(&far).map(|node| node.internal_ips.clone()).unwrap_or_default();
    let unresolved = case.node_state(last).is_some_and(|pair| {
        pair.after.neighbours().unwrap_or_default().iter().any(|entry| addresses.contains(&entry.address) && entry.unresolved())
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

/// Tries that have to hang: one alone may be a slow program's.
const ENOUGH: usize = 2;

/// A node whose kernel takes connections, and of which no program says a word: those of its pods, sshd and the kubelet alike. Every try that
/// was led there hangs, and none that was led elsewhere.
pub(in crate::analysis::judge) fn hangs(case: &Case) -> Option<Finding> {
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    let node_of = |road: &Road| {
        let (ip, _) = road.endpoint()?;
        case.target?.endpoints.iter().find(|endpoint| endpoint.ip == ip)?.node.clone()
    };
    let nodes: BTreeSet<Option<String>> = failing.iter().map(|road| node_of(road)).collect();
    let [Some(node)] = nodes.iter().collect::<Vec<_>>()[..] else { return None };
    let hung = |road: &&Road| matches!(road.connection.attempt.ending, Ending::TlsTimeout | Ending::AnswerTimeout) && took_request(road);
    let answered: Vec<String> = roads.iter().filter(|road| road.connection.attempt.answered()).filter_map(node_of).collect();
    if failing.len() < ENOUGH || !failing.iter().all(hung) || answered.is_empty() || answered.contains(node) {
        return None;
    }
    // That it is not the pod alone others on the node tell: sshd, and the kubelet.
    let witnesses = lost(case, node)?;
    let mut evidence = vec![
        format!(
            "all {} tries that are not answered were led to pods of {node}, and the {} that are answered to others",
            failing.len(),
            answered.len()
        ),
        format!("the kernel of {node} takes these connections and acknowledges the requests, and nothing is said on them"),
    ];
    evidence.extend(witnesses);
    let summary =
        format!("{node} takes connections and says nothing: neither its pods nor its sshd nor its kubelet does, while its kernel answers");
    Some(found(names::NODE_HANGS, vec![Subject::node(node)], summary, evidence))
}

/// Whether the request came to the pod's kernel: it acknowledged after the request had been sent.
fn took_request(road: &Road) -> bool {
    let client = road.connection.vantage.place();
    let sent = road.hops(|hop| hop.request && hop.what == Sighting::Data).filter(|hop| hop.place == client).map(|hop| hop.at).min();
    let acknowledged = |sent: i64| {
        let back = road.hops(move |hop| !hop.request && hop.passage == Passage::In && hop.place == client && hop.at > sent);
        let mut back = back.map(|hop| hop.what);
        back.any(|what| matches!(what, Sighting::Ack | Sighting::Fin))
    };
    sent.is_some_and(acknowledged)
}

/// Where tries that are not answered were all led to one pod that could not be watched: which, and that no answered one was.
pub(in crate::analysis::judge) fn led_to_one(case: &Case, roads: &[&Road]) -> Option<(Subject, String)> {
    let ends: BTreeSet<Option<IpAddr>> = roads.iter().map(|road| Some(road.endpoint()?.0)).collect();
    let [Some(ip)] = ends.iter().collect::<Vec<_>>()[..] else { return None };
    let endpoint = case.target?.endpoints.iter().find(|endpoint| endpoint.ip == *ip)?;
    let (pod, node) = (endpoint.pod.as_ref()?, endpoint.node.as_ref()?);
    let all = case.roads();
    let answered: Vec<&Road> = all.iter().filter(|road| road.connection.attempt.answered() && road.endpoint().is_some()).collect();
    let also = answered.iter().filter(|road| road.endpoint().is_some_and(|(to, _)| to == *ip)).count();
    let others = match (answered.len(), also) {
        (0, _) => String::new(),
        (all, 0) => format!(", and all {all} that are answered with others"),
        (all, also) => format!(", as were {also} of the {all} that are answered"),
    };
    let reason = format!(
        "the {} connections that are not answered were all made with {pod} on {node}, which could not be watched{others}",
        roads.len()
    );
    Some((Subject::pod(&case.service.namespace, pod), reason))
}

/// A node's inside that explains nothing: what would decide is said.
pub(in crate::analysis::judge) fn unseen(node: &str, reason: &str) -> Gap {
    Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(node), reason, format!("what takes the packet inside {node}")).decisive()
}

#[cfg(test)]
mod tests;
