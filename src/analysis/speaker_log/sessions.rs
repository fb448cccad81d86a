//! What a log says of BGP sessions, in native mode. FRR's own sessions are not in the speaker's log.

use std::collections::VecDeque;

use super::NAME_LENGTH;
use super::line::{Fields, Said, shortened};
use crate::analysis::timestamps::second;
use crate::model::announcement::SessionLog;
use crate::model::bgp::peer_address;

/// Changes of one session whose times are kept, to know how many came in the last minute.
const MOST_TIMES: usize = 64;

/// Peers that are told apart.
const MOST_PEERS: usize = 256;

/// The sessions of one log, by peer.
#[derive(Default)]
pub(super) struct Sessions(Vec<Session>);

#[derive(Default)]
struct Session {
    log: SessionLog,
    /// Seconds since the epoch of the newest changes.
    times: VecDeque<i64>,
}

impl Sessions {
    /// Takes a line about a session; `None` when it is about something else.
    pub(super) fn take(&mut self, fields: &Fields, msg: &str, at: Option<&str>) -> Option<Said> {
        let event = fields.text("event");
        let failed = msg == "failed to connect to peer";
        if !failed && !matches!(event, "sessionUp" | "sessionDown" | "peerNotification" | "peerAdded" | "peerRemoved") {
            return None;
        }
        let peer = fields.text("peer");
        if peer.is_empty() {
            return Some(Said::Nonsense);
        }
        if event == "peerRemoved" {
            self.0.retain(|session| !is_same(&session.log.peer, peer));
            return Some(Said::Something);
        }
        let Some(session) = self.of(peer) else { return Some(Said::Nothing) };
        session.log.at = at.map(str::to_owned);
        match event {
            "peerAdded" => {}
            "sessionUp" => session.changed(true, at),
            "sessionDown" => session.changed(false, at),
            _ => {
                session.log.error = Some(shortened(fields.text("error"), 200));
                if failed {
                    session.log.up = Some(false);
                }
            }
        }
        Some(Said::Something)
    }

    pub(super) fn finish(self) -> Vec<SessionLog> {
        self.0
            .into_iter()
            .map(|session| {
                let end = session.log.at.as_deref().and_then(second).unwrap_or(i64::MAX);
                let recent = session.times.iter().filter(|time| end.saturating_sub(**time) <= 60).count();
                SessionLog { changes_last_minute: u32::try_from(recent).unwrap_or(u32::MAX), ..session.log }
            })
            .collect()
    }

    fn of(&mut self, peer: &str) -> Option<&mut Session> {
        let peer = &shortened(peer, NAME_LENGTH);
        let known = self.0.iter().position(|session| is_same(&session.log.peer, peer));
        if known.is_none() && self.0.len() == MOST_PEERS {
            return None;
        }
        let index = known.unwrap_or_else(|| {
            self.0.push(Session { log: SessionLog { peer: peer.to_owned(), ..SessionLog::default() }, times: VecDeque::new() });
            self.0.len() - 1
        });
        self.0.get_mut(index)
    }
}

impl Session {
    fn changed(&mut self, up: bool, at: Option<&str>) {
        if self.log.up == Some(up) {
            return;
        }
        self.log.up = Some(up);
        self.log.changes = self.log.changes.saturating_add(1);
        if let Some(time) = at.and_then(second) {
            if self.times.len() == MOST_TIMES {
                self.times.pop_front();
            }
            self.times.push_back(time);
        }
    }
}

/// Until 0.12 a session names its peer with the port, and the configuration without. A peer may be an interface, too.
fn is_same(one: &str, other: &str) -> bool {
    one == other || peer_address(one).is_some_and(|address| Some(address) == peer_address(other))
}
