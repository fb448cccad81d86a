//! What may stay unread while all is well: objects and logs that change nothing unless something else is already odd.
//!
//! Two questions, both pure. `may_wait` is asked when the objects are read and before the logs are; `calm` when the logs are read too.
//! Where either says no, everything is read at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::announcement::{Gathered, announcement, sources_of};
use super::judge::another_giver_suspected;
use super::timestamps::second;
use super::{allocation, configuration};
use crate::model::announcement::{Agreement, Announcement, Exclusion, Move, Spared, SpeakerLog, TroubleMeaning};
use crate::model::metallb::Metallb;

/// How long events live in a cluster of the usual settings, twice over, in seconds: an older move has left none that could be stale.
const EVENTS_LIVE: i64 = 7_200;

/// How long ago, in seconds, the Service must last have lost its address: somebody who takes it away again and again did so more lately.
const AT_REST: i64 = 1_800;

/// What may wait, by the objects alone; nothing when any of them calls for more.
///
/// What waits are the Service's events, MetalLB's workloads and its `ConfigurationState` objects, and the logs of speakers whose nodes are kept out of
/// the election by their own label or by every advertisement: a state of long standing, that such a speaker has seen long since.
#[must_use]
pub fn may_wait(gathered: &Gathered) -> Spared {
    let found = announcement(gathered.clone());
    if !plain(gathered, &found) {
        return Spared::default();
    }
    let kept_out = |why: Exclusion| matches!(why, Exclusion::Label | Exclusion::Advertisement);
    let logs = found.excluded.iter().filter(|out| kept_out(out.why)).map(|out| out.node.clone()).collect();
    Spared { objects: true, logs }
}

/// Whether the objects are those of an address that one node announces at layer 2, with nothing odd about them.
fn plain(gathered: &Gathered, found: &Announcement) -> bool {
    let (service, metallb) = (gathered.service, &gathered.metallb);
    service.kind == "LoadBalancer"
        && found.address.is_some()
        && found.pool.is_some()
        && metallb.bgp_advertisements.is_some()
        && found.bgp.is_none()
        && !found.advertisements.is_empty()
        && one_status(found)
        && controller_works(metallb)
        && !another_giver_suspected(service, metallb)
        && allocation::wish::unmet(service, metallb).is_none()
        && configuration::refused(metallb).is_empty()
}

/// Whether exactly one ServiceL2Status tells of the address, and names a node of the election.
fn one_status(found: &Announcement) -> bool {
    let sources = sources_of(found);
    let mut statuses = sources.iter().filter(|source| source.kind == "l2status");
    let (Some(status), None) = (statuses.next(), statuses.next()) else { return false };
    status.trusted && status.node.as_ref().is_some_and(|node| found.candidates.contains(node))
}

/// Whether a controller is ready: only the Deployment tells why none is.
fn controller_works(metallb: &Metallb) -> bool {
    metallb.controllers.iter().any(|pod| pod.ready && !pod.terminating)
}

/// Whether the logs that were read leave no reason to read what was spared: the elected node announces, everybody says so, every log is
/// whole, nobody refuses the configuration, and the address has rested where it is.
#[must_use]
pub fn calm(gathered: &Gathered, found: &Announcement) -> bool {
    let [node] = found.nodes.as_slice() else { return false };
    found.agreement == Agreement::Agree
        && found.protocol == "layer2"
        && found.expected.as_ref() == Some(node)
        && found.unread.is_empty()
        && found.history.changes == 0
        && gathered.metallb.configuration.iter().all(|word| word.refused.is_none())
        && found.logs.iter().all(|log| whole(log, &found.addresses))
        && rested(found, node, &gathered.now)
}

/// Whether a log has its beginning and tells of nothing that went wrong.
fn whole(log: &SpeakerLog, addresses: &[IpAddr]) -> bool {
    log.complete
        && log.failed_members.is_empty()
        && log.reload_error.is_none()
        && !log.troubles.iter().any(|trouble| {
            matches!(
                trouble.meaning,
                TroubleMeaning::CannotAnswer
                    | TroubleMeaning::CannotAnswerNdp
                    | TroubleMeaning::Api
                    | TroubleMeaning::Configuration
                    | TroubleMeaning::Unknown
            )
        })
        && log.of(addresses).all(|words| words.interface_warning.is_none() && words.moves_dropped == 0)
}

/// Whether no other node took the address after the one that announces first did, and that one did not lose it lately but to the election:
/// then no event can name another node as the newest, and nobody fights over the Service's status.
fn rested(found: &Announcement, node: &str, now: &str) -> bool {
    let Some(now) = second(now) else { return false };
    let moves = |own: bool| {
        let some = found.logs.iter().filter(move |log| (log.node == node) == own);
        let some = some.flat_map(|log| log.of(&found.addresses)).flat_map(|words| &words.moves);
        some.collect::<Vec<&Move>>()
    };
    let at = |step: &Move| step.at.as_deref().and_then(second);
    let Some(first) = moves(true).into_iter().filter(|step| step.gained).filter_map(at).min() else { return false };
    let elsewhere = moves(false).into_iter().filter(|step| step.gained);
    let later = elsewhere.filter(|step| at(step).is_none_or(|at| at >= first && now - at <= EVENTS_LIVE));
    let lost = moves(true).into_iter().filter(|step| !step.gained && step.reason != "notOwner");
    let taken = lost.filter(|step| at(step).is_none_or(|at| now - at <= AT_REST));
    later.count() == 0 && taken.count() == 0
}

/// What was spared, for a person; nothing when nothing was.
#[must_use]
pub fn told(found: &Announcement) -> Option<String> {
    let spared = &found.spared;
    if spared.is_empty() {
        return None;
    }
    let with_speaker: BTreeSet<&String> = found.metallb.speakers.iter().filter_map(|pod| pod.node.as_ref()).collect();
    let nodes: Vec<&str> = spared.logs.iter().filter(|node| with_speaker.contains(node)).map(String::as_str).collect();
    let logs =
        if nodes.is_empty() { String::new() } else { format!(", and the logs of speakers that take no part ({})", nodes.join(", ")) };
    Some(format!("not asked for, because nothing calls for it: events, MetalLB's workloads and configuration states{logs}"))
}

#[cfg(test)]
mod tests;
