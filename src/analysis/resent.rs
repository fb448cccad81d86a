//! Tries that were answered late: the first packet was lost, and one that the client's kernel sent again came through. Who waits a second
//! longer for every other connection is not served well, and what takes the first packets is found as if none had come after them.

use std::collections::BTreeMap;

use crate::model::capture::Capture;
use crate::model::clock::Offsets;
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending};

/// Between two packets of which the later is the earlier one sent again lies more than this, nanoseconds. Kernels wait for a second
/// (RFC 6298, section 2.1), and one packet passes the interfaces of one place within much less.
const APART: i64 = 500_000_000;

/// The worst comparison of a host's clock with ours that still tells the two packets apart, microseconds.
const WORST_ERROR: u64 = 100_000;

/// What was seen of each answered try before the packet that was answered left: a try of its own, which nobody answered. The connections
/// are on one clock. Where a clock on the road is not known nothing is told.
#[must_use]
pub fn resent(connections: &[Connection], captures: &[Capture], clocks: &Offsets) -> Vec<Connection> {
    let known: BTreeMap<String, bool> =
        captures.iter().map(|capture| (capture.request.place.to_string(), is_known(&capture.request.place, clocks))).collect();
    let told = |hop: &Hop| known.get(&hop.place).copied().unwrap_or(false);
    let answered = connections.iter().filter(|connection| connection.attempt.answered() && connection.hops.iter().all(told));
    answered.filter_map(before_the_last).collect()
}

fn is_known(place: &Place, clocks: &Offsets) -> bool {
    let host = place.host();
    host.kind == HostKind::Local || clocks.0.get(&host.name).is_some_and(|offset| offset.error_us <= WORST_ERROR)
}

/// The try as it would have been without the last packet that asked for a connection.
fn before_the_last(connection: &Connection) -> Option<Connection> {
    let client = connection.vantage.place();
    let asks = |hop: &&Hop| hop.request && hop.what == Sighting::Syn && hop.passage == Passage::Out && hop.place == client;
    let sent: Vec<i64> = connection.hops.iter().filter(asks).map(|hop| hop.at).collect();
    let last = *sent.iter().max()?;
    let before = sent.iter().copied().filter(|at| last.saturating_sub(*at) > APART).max()?;
    let end = last - (last - before) / 2;
    let hops = connection.hops.iter().filter(|hop| hop.at < end).cloned().collect();
    let waited = u64::try_from((last - before) / 1_000_000).unwrap_or_default();
    let attempt = Attempt {
        ending: Ending::ConnectTimeout,
        status: None,
        connect_ms: None,
        total_ms: waited,
        detail: "the first packet was sent again".to_owned(),
        certificate: None,
        received: None,
        ..connection.attempt.clone()
    };
    Some(Connection { attempt, hops, pod: None, ..connection.clone() })
}

#[cfg(test)]
mod tests;
