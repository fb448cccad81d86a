//! Sessions that are down, and sessions that only one side believes in.

use crate::analysis::judge::case::{Case, found};
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::state::bgp_sockets::BgpSocket;
use crate::analysis::state::place_state::PlaceState;
use crate::model::bgp::{Bgp, Peer, RouterPath, Session};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Severity};
use crate::model::subject::Subject;

/// Sessions over which the address should be announced, of nodes that should announce it, or mean to: BGP asks no other speaker, so that one
/// that the others have lost goes on.
fn wanted(bgp: &Bgp) -> Vec<&Session> {
    bgp.nodes
        .iter()
        .filter(|node| bgp.candidates.contains(&node.node) || node.announces == Some(true))
        .flat_map(|node| node.sessions.iter().filter(|session| node.advertised_to.contains(&session.peer)))
        .collect()
}

/// Sessions that their own side knows to be down: a failure when no other is left.
pub(super) fn down(bgp: &Bgp) -> Option<Finding> {
    let all = wanted(bgp);
    let down: Vec<&Session> = all.iter().copied().filter(|session| session.failing()).collect();
    down.first()?;
    let every = down.len() == all.len();
    let nodes = names(&down);
    let peers: BTreeSet<&str> = down.iter().map(|session| session.peer.as_str()).collect();
    let mut culprits: Vec<Subject> = peers.iter().map(|peer| Subject::peer(peer)).collect();
    culprits.extend(nodes.iter().map(|node| Subject::node(node)));
    let reason = down.iter().find_map(|session| session.reason.as_deref()).map(meaning);
    let what = if down.iter().all(|session| session.up == Some(true) || session.changes_last_minute >= 6) {
        "does not stay up"
    } else {
        "is down"
    };
    let summary = format!("the BGP session of {} {what}{}", by_peer(&down), reason.map(|reason| format!(": {reason}")).unwrap_or_default());
    let mut evidence: Vec<String> = down.iter().flat_map(|session| session.says.iter().cloned()).take(12).collect();
    evidence.extend(down.iter().filter(|session| session.changes_last_minute > 0).map(|session| {
        format!("the session of {} with {} changed {} times within a minute", session.node, session.peer, session.changes_last_minute)
    }));
    Some(scoped(found(names::BGP_SESSION_DOWN, culprits, summary, evidence), every, &all, &down))
}

/// Sessions in which the node believes while nothing came in for longer than the hold time, or which the router does not have.
pub(super) fn stalled(case: &Case, bgp: &Bgp) -> Option<Finding> {
    let all = wanted(bgp);
    let mut evidence = Vec::new();
    let mut stalled: Vec<&Session> = Vec::new();
    for session in all.iter().copied().filter(|session| !session.failing()) {
        let said: Vec<String> = silent(case, bgp, session).into_iter().chain(unknown_to_router(case, bgp, session)).collect();
        if !said.is_empty() {
            stalled.push(session);
            evidence.extend(said);
        }
    }
    stalled.first()?;
    let live = all.iter().filter(|session| !session.failing()).count();
    let nodes = names(&stalled);
    let mut culprits: Vec<Subject> = nodes.iter().map(|node| Subject::node(node)).collect();
    culprits.extend(stalled.iter().map(|session| &session.peer).collect::<BTreeSet<_>>().into_iter().map(|peer| Subject::peer(peer)));
    let summary = format!("the BGP session of {} is believed in there, and the other side has given it up", by_peer(&stalled));
    Some(scoped(found(names::BGP_SESSION_STALLED, culprits, summary, evidence), stalled.len() == live, &all, &stalled))
}

/// The kernel's word: there is no connection, or nothing came in for longer than both sides agreed to wait.
fn silent(case: &Case, bgp: &Bgp, session: &Session) -> Option<String> {
    let peer = bgp.peer(&session.peer)?;
    let address: IpAddr = session.address.parse().ok()?;
    // MetalLB sends keepalives every third of the hold time, and so does the router; a hold time of zero means none.
    let hold = u64::try_from(peer.hold()?.as_millis()).ok().filter(|hold| *hold > 0)?;
    let established = established(&case.node_state(&session.node)?.after, address)?;
    // Connections of port 179 are what was read.
    if established.is_empty() && session.up == Some(true) && peer.port == 179 {
        return Some(format!("{}: its kernel has no established connection with {}", session.node, session.address));
    }
    let socket = established.iter().min_by_key(|socket| socket.last_received_ms)?;
    let last = socket.last_received_ms.filter(|last| *last > hold)?;
    let unanswered = if socket.unacknowledged > 0 {
        format!(", {} segments are not acknowledged and were sent again {} times", socket.unacknowledged, socket.backoff)
    } else {
        String::new()
    };
    Some(format!(
        "{}: nothing came from {} for {} s, and the hold time is {} s{unanswered}",
        session.node,
        session.address,
        last / 1000,
        hold / 1000
    ))
}

/// The router's word: it has no established neighbour at any address of the node. FRR leaves a neighbour out of its summary that came in
/// while it was being cleared, so that a path from the node, or a kernel that heard from the router a moment ago, says more.
fn unknown_to_router(case: &Case, bgp: &Bgp, session: &Session) -> Option<String> {
    let router = bgp.router.as_ref().filter(|router| router.neighbours_read && router.holds(&session.address))?;
    if session.up != Some(true) {
        return None;
    }
    let state = &case.node_state(&session.node)?.after;
    let own: BTreeSet<_> = state.addresses().unwrap_or_default().iter().map(|(_, net)| net.addr()).collect();
    let known = router.neighbours.iter().any(|neighbour| own.contains(&neighbour.address) && neighbour.state == "Established");
    let from_it = |path: &RouterPath| path.from.parse().is_ok_and(|from| own.contains(&from));
    let told = router.routes.iter().filter_map(|route| route.paths.as_ref()).flatten().any(from_it);
    (!own.is_empty() && !known && !told && !heard(state, bgp, session))
        .then(|| format!("router {}: no neighbour that is {} is established", router.host, session.node))
}

/// Whether the kernel had data from the peer within the hold time.
fn heard(state: &PlaceState, bgp: &Bgp, session: &Session) -> bool {
    let hold = bgp.peer(&session.peer).and_then(Peer::hold).and_then(|hold| u64::try_from(hold.as_millis()).ok());
    let established = session.address.parse().ok().and_then(|address| established(state, address));
    hold.zip(established)
        .is_some_and(|(hold, sockets)| sockets.iter().any(|socket| socket.last_received_ms.is_some_and(|last| last <= hold)))
}

/// The node's established connections with a peer; `None` when they could not be read.
fn established(state: &PlaceState, peer: IpAddr) -> Option<Vec<&BgpSocket>> {
    let with_peer = |socket: &&BgpSocket| socket.peer == peer && socket.state == "ESTAB";
    Some(state.bgp_sockets()?.iter().filter(with_peer).collect())
}

/// The sessions as a person names them: the nodes, and with whom.
fn by_peer(sessions: &[&Session]) -> String {
    let peers: BTreeSet<(&str, &str)> = sessions.iter().map(|session| (session.peer.as_str(), session.address.as_str())).collect();
    let lines = peers.into_iter().map(|(peer, address)| {
        let with: Vec<&Session> = sessions.iter().copied().filter(|session| session.peer == peer).collect();
        format!("{} with {peer} ({address})", names(&with).join(" and "))
    });
    lines.collect::<Vec<_>>().join(", of ")
}

fn names(sessions: &[&Session]) -> Vec<String> {
    sessions.iter().map(|session| session.node.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A failure when no session is left, otherwise a warning that says which ones work.
fn scoped(finding: Finding, every: bool, all: &[&Session], bad: &[&Session]) -> Finding {
    if every {
        return finding;
    }
    let good: Vec<&Session> = all.iter().copied().filter(|session| !bad.iter().any(|other| other == session)).collect();
    Finding {
        severity: Severity::Warn,
        scope: Some(format!("the sessions of {} work; the router has a next hop less", names(&good).join(" and "))),
        ..finding
    }
}

/// A speaker's error in plain words, with its own beside.
fn meaning(reason: &str) -> String {
    let lower = reason.to_lowercase();
    let plain = if lower.contains("unexpected peer asn") || lower.contains("bad peer as") {
        "the AS numbers do not fit: one side expects another"
    } else if lower.contains("no route to host") {
        "nobody has the peer's address"
    } else if lower.contains("connection refused") {
        "nobody listens at the peer's address and port"
    } else if lower.contains("timeout") || lower.contains("timed out") {
        "connecting times out: a packet filter drops it, or only one side has the TCP password"
    } else if lower.contains("hold timer") {
        "the hold time passed without a word"
    } else {
        return format!("`{reason}`");
    };
    format!("{plain} (`{reason}`)")
}
