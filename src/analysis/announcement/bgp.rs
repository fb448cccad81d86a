//! What each node does with an address over BGP, and in which sessions.

use ipnet::IpNet;

use super::{Gathered, bgp_advertisements};
use crate::analysis::election::{self, Electorate};
use crate::analysis::timestamps::age_s;
use crate::model::announcement::{LogState, SessionLog};
use crate::model::bgp::{Bgp, BgpNode, Peer, Prefix, Session};
use crate::model::kubernetes::Node;
use crate::model::metallb::{Advertisement, Metallb, Pool};

/// BGP's part of the announcement; `None` when no BGPAdvertisement selects the pool.
pub(super) fn bgp(electorate: &Electorate, pool: Option<&Pool>, gathered: &Gathered) -> Option<Bgp> {
    let metallb = electorate.metallb;
    let advertisements = bgp_advertisements(electorate.service, metallb, pool);
    if advertisements.is_empty() {
        return None;
    }
    let elected = election::bgp(electorate, &advertisements);
    let nodes = electorate
        .nodes
        .iter()
        .filter(|node| metallb.speakers.iter().any(|pod| pod.node.as_deref() == Some(node.name.as_str())))
        .map(|node| of_node(node, &advertisements, gathered))
        .collect();
    Some(Bgp {
        mode: mode(metallb),
        advertisements: advertisements.iter().map(|advertisement| advertisement.name.clone()).collect(),
        candidates: elected.nodes,
        excluded: elected.excluded,
        nodes,
        prefixes: prefixes(electorate, &advertisements),
        peers: metallb.peers.clone().unwrap_or_default(),
        peers_read: metallb.peers.is_some(),
        router: gathered.router.clone(),
    })
}

/// `METALLB_BGP_TYPE` of the speakers; the binary's default is native.
fn mode(metallb: &Metallb) -> String {
    let told = metallb.speakers.iter().flat_map(|pod| &pod.containers).find_map(|container| container.env.get("METALLB_BGP_TYPE"));
    told.filter(|mode| !mode.is_empty()).cloned().unwrap_or_else(|| "native".to_owned())
}

fn of_node(node: &Node, advertisements: &[&Advertisement], gathered: &Gathered) -> BgpNode {
    let peers: Vec<&Peer> = gathered.metallb.peers.iter().flatten().filter(|peer| peer.reaches(node)).collect();
    let tells = |peer: &Peer| {
        let mut selecting = advertisements.iter().filter(|advertisement| advertisement.selects_node(node));
        selecting.any(|advertisement| advertisement.peers.is_empty() || advertisement.peers.contains(&peer.name))
    };
    let (announces, reason) = own_word(node, gathered);
    BgpNode {
        node: node.name.clone(),
        announces,
        reason,
        advertised_to: peers.iter().filter(|peer| tells(peer)).map(|peer| peer.name.clone()).collect(),
        status: gathered
            .metallb
            .bgp_statuses
            .iter()
            .flatten()
            .find(|status| status.status_node == node.name)
            .map(|status| status.peers.clone()),
        sessions: peers.iter().map(|peer| session(node, peer, gathered)).collect(),
        peers: peers.into_iter().map(|peer| peer.name.clone()).collect(),
    }
}

/// Whether the node's speaker says that it announces the Service's first address over BGP.
fn own_word(node: &Node, gathered: &Gathered) -> (Option<bool>, String) {
    let Some(address) = gathered.service.addresses.first().copied() else { return (None, String::new()) };
    let log = gathered.logs.iter().find(|log| log.node == node.name);
    let word = log.and_then(|log| log.address(address)).and_then(|words| words.protocols.iter().find(|word| word.protocol == "bgp"));
    let reason = word.filter(|word| word.state == LogState::Withdrawn).map(|word| word.reason.clone()).unwrap_or_default();
    if let Some(metrics) = gathered.metrics.iter().find(|metrics| metrics.node == node.name) {
        return (Some(metrics.announces("bgp", address)), reason);
    }
    let announces = match (word, log) {
        (Some(word), _) if word.state != LogState::Unsure => Some(word.state == LogState::Announced),
        (None, Some(log)) if log.complete => Some(false),
        _ => None,
    };
    (announces, reason)
}

fn session(node: &Node, peer: &Peer, gathered: &Gathered) -> Session {
    let mut says = Vec::new();
    // Oldest kind of evidence first: each later one knows better.
    let mut up = None;
    let mut reason = None;
    let (mut changes, mut changes_last_minute) = (0, 0);
    let mut prefixes = None;
    if let Some(log) = gathered.logs.iter().find(|log| log.node == node.name)
        && let Some(word) = log.sessions.iter().find(|session| peer.is_called(&session.peer))
        // That a peer was configured is no word about its session, which in FRR mode is not the speaker's.
        && (word.up.is_some() || word.error.is_some())
    {
        // A peer that only ever failed has no up or down of its own.
        up = word.up.or(word.error.is_some().then_some(false));
        reason.clone_from(&word.error);
        (changes, changes_last_minute) = (word.changes, if rested(word, &gathered.now) { 0 } else { word.changes_last_minute });
        let state = match up {
            Some(true) => "up",
            Some(false) => "down",
            None => "not told",
        };
        let error = word.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        says.push(format!("log of {}: session with {} {state}{error}", log.pod, word.peer));
    }
    for state in gathered.metallb.session_states.iter().flatten().filter(|state| state.node == node.name && peer.is_called(&state.peer)) {
        up = Some(state.bgp == "Established");
        says.push(format!("BGPSessionState of {} with {}: {}", node.name, state.peer, state.bgp));
    }
    if let Some(metrics) = gathered.metrics.iter().find(|metrics| metrics.node == node.name) {
        // Up to 0.15 native mode keeps a series without a port for ever, which tells nothing.
        let native = mode(&gathered.metallb) == "native";
        let told = |name: &str| peer.is_called(name) && (!native || crate::model::bgp::has_port(name));
        let mut met = metrics.sessions.iter().filter(|session| told(&session.peer)).peekable();
        if met.peek().is_none() && !metrics.sessions.is_empty() && up != Some(true) {
            says.push(format!("metrics of {}: no session with {}", metrics.pod, peer.address));
            up = Some(false);
        }
        for session in met {
            if let Some(is_up) = session.up {
                up = Some(is_up);
                says.push(format!("metrics of {}: session with {} {}", metrics.pod, session.peer, if is_up { "up" } else { "down" }));
            }
            prefixes = prefixes.or(session.prefixes);
        }
    }
    Session {
        node: node.name.clone(),
        peer: peer.name.clone(),
        address: peer.address.clone(),
        up,
        reason,
        changes,
        changes_last_minute,
        says,
        prefixes,
    }
}

/// Whether a session that is up has said nothing new for a minute, so that what it went through before is over.
fn rested(word: &SessionLog, now: &str) -> bool {
    word.up == Some(true) && age_s(word.at.as_deref(), now).is_some_and(|age| age > 60)
}

/// The prefixes that are announced: each address cut to the advertisement's aggregation length.
fn prefixes(electorate: &Electorate, advertisements: &[&Advertisement]) -> Vec<Prefix> {
    let mut all: Vec<Prefix> = Vec::new();
    for advertisement in advertisements {
        for address in &electorate.service.addresses {
            let length = if address.is_ipv4() { advertisement.aggregation.0 } else { advertisement.aggregation.1 };
            if let Ok(prefix) = IpNet::new(*address, length) {
                all.push(Prefix { address: *address, prefix: prefix.trunc(), advertisement: advertisement.name.clone() });
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_came_to_rest_has_no_changes_of_late() {
        let word =
            |up| SessionLog { up: Some(up), at: Some("2026-11-24T10:00:00Z".to_owned()), changes_last_minute: 8, ..SessionLog::default() };
        assert!(rested(&word(true), "2026-11-24T10:01:01Z"));
        assert!(!rested(&word(true), "2026-11-24T10:00:59Z"));
        assert!(!rested(&word(false), "2026-11-24T11:00:00Z"), "down is down, however long");
    }
}
