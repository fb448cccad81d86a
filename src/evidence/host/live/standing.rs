//! How a host stands with this run: how much is asked of it at once, and what it has refused or let run out of time.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;

/// `MaxSessions` of an sshd that nobody has changed.
pub(super) const MOST_SESSIONS: usize = 10;
/// Captures among these; the other sessions are for commands.
const MOST_CAPTURES: usize = 8;
/// How long a run waits in vain for one host, all its commands together.
const PATIENCE: Duration = Duration::from_secs(30);

/// One host's standing.
pub(in crate::evidence) struct Standing {
    /// The host's name, for messages.
    pub(super) name: String,
    /// As whom we are there.
    pub(super) user: String,
    pub(super) sessions: Arc<Semaphore>,
    pub(super) captures: Arc<Semaphore>,
    /// Sessions that are open, of commands and of captures: a server that allows fewer than usual lets the next one begin when one ends.
    open: [Arc<Semaphore>; 2],
    seen: Arc<Mutex<Seen>>,
}

/// What was seen of a host.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each was seen by itself, and may be without the others")]
pub(super) struct Seen {
    /// Why the host's key was refused.
    pub(super) refusal: Option<EvidenceError>,
    /// It took the connection, whatever it said then.
    pub(super) connected: bool,
    /// Why the connection ended.
    pub(super) end: Option<String>,
    /// It does not answer any more, though nobody has closed anything.
    silent: bool,
    /// Time that was waited for in vain, and until when that is counted: commands run side by side.
    lost: Duration,
    counted: Option<Instant>,
    /// Why nobody becomes root there.
    no_root: Option<EvidenceError>,
    /// Why nothing of ours runs there at all.
    runs_nothing: Option<EvidenceError>,
    /// A session was let begin there.
    let_in: bool,
    /// Something of ours began there.
    ran: bool,
    /// The server said so itself, before anything could begin.
    began_nothing: bool,
}

impl Standing {
    pub(super) fn new(name: &str, user: &str, seen: Arc<Mutex<Seen>>) -> Self {
        let [sessions, captures] = [MOST_SESSIONS, MOST_CAPTURES].map(|most| Arc::new(Semaphore::new(most)));
        let open = [(); 2].map(|()| Arc::new(Semaphore::new(MOST_SESSIONS)));
        Self { name: name.to_owned(), user: user.to_owned(), sessions, captures, open, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// Why nothing more can be asked.
    pub(super) fn broken(&self) -> EvidenceError {
        let reason = self.seen().end.clone().filter(|end| !end.is_empty()).unwrap_or_else(|| "the connection broke".to_owned());
        EvidenceError::new(ErrorKind::HostUnreachable, format!("talk to {}", self.name), reason)
    }

    /// Refuses what would be waited for in vain.
    ///
    /// # Errors
    /// When the host has cost too much time already, or root is needed and not to be had.
    pub(super) fn worth_asking(&self, root: bool) -> Result<(), EvidenceError> {
        let seen = self.seen();
        if seen.lost >= PATIENCE {
            let reason = format!("it was waited for in vain for {} s in this run", seen.lost.as_secs());
            return Err(EvidenceError::new(ErrorKind::TimedOut, format!("ask {}", self.name), reason));
        }
        if let Some(refusal) = &seen.runs_nothing {
            return Err(refusal.clone());
        }
        seen.no_root.clone().filter(|_| root).map_or(Ok(()), Err)
    }

    /// Remembers that nothing of ours runs there, so that nobody waits for the same answer again. `surely` when the server said so
    /// itself, and nothing can have begun.
    pub(super) fn refused_all(&self, refusal: &EvidenceError, surely: bool) {
        let mut seen = self.seen();
        seen.runs_nothing.get_or_insert_with(|| refusal.clone());
        seen.began_nothing |= surely;
    }

    /// What a sweep would come to, where it would be waited for in vain: all is well where nothing can have begun.
    pub(super) fn known_sweep(&self) -> Option<Result<(), EvidenceError>> {
        let seen = self.seen();
        let refusal = seen.runs_nothing.clone()?;
        Some(if seen.began_nothing { Ok(()) } else { Err(refusal) })
    }

    /// Remembers that the server lets sessions begin.
    pub(super) fn let_in(&self) {
        self.seen().let_in = true;
    }

    /// Whether the server was never seen to let a session begin.
    pub(super) fn never_let_in(&self) -> bool {
        !self.seen().let_in
    }

    /// Remembers that something of ours began there.
    pub(super) fn ran(&self) {
        self.seen().ran = true;
    }

    /// Whether nothing of ours was ever seen to begin there.
    pub(super) fn never_ran(&self) -> bool {
        !self.seen().ran
    }

    /// Remembers that since then was waited for in vain. Whether the host might be looked for: while packets flood in, an
    /// answer may stand behind them, and that proves nothing.
    pub(super) fn lost_since(&self, began: Instant) -> bool {
        let now = Instant::now();
        let mut seen = self.seen();
        let from = seen.counted.map_or(began, |counted| counted.max(began));
        seen.lost += now.saturating_duration_since(from);
        seen.counted = Some(now);
        self.captures.available_permits() == MOST_CAPTURES
    }

    /// A session is open, as long as what is given is kept.
    pub(super) fn opened(&self, capture: bool) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.open[usize::from(capture)]).try_acquire_owned().ok()
    }

    /// Whether a command is under way there, and whether a capture is.
    pub(super) fn under_way(&self) -> [bool; 2] {
        self.open.each_ref().map(|open| open.available_permits() < MOST_SESSIONS)
    }

    /// Whether a session that is refused may begin in a moment: another one, a command's or a capture's, has just ended, or just began.
    pub(super) fn may_make_room(&self) -> bool {
        !self.never_let_in() || self.sessions.available_permits() + 1 < MOST_SESSIONS
    }

    /// Remembers why an end came.
    pub(super) fn ended(&self, reason: &str) {
        self.seen().end = Some(reason.to_owned());
    }

    pub(super) fn fell_silent(&self) {
        let mut seen = self.seen();
        seen.silent = true;
        seen.end.get_or_insert_with(|| "it does not answer any more".to_owned());
    }

    pub(super) fn is_silent(&self) -> bool {
        self.seen().silent
    }

    /// Remembers that nobody becomes root there.
    pub(super) fn refused_root(&self, refusal: &EvidenceError) {
        self.seen().no_root.get_or_insert_with(|| refusal.clone());
    }

    pub(super) fn no_root(&self) -> bool {
        self.seen().no_root.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_costs_too_much_time_is_asked_no_more() {
        let standing = Standing::new("n1", "root", Arc::default());
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        assert!(standing.lost_since(ago(20)), "nothing is captured there, so it may be looked for");
        standing.lost_since(ago(20));
        standing.worth_asking(true).expect("two side by side took no longer than one");
        let _capture = standing.captures.try_acquire().unwrap();
        standing.seen().counted = None;
        assert!(!standing.lost_since(ago(10)));
        assert_eq!(standing.worth_asking(false).unwrap_err().kind, ErrorKind::TimedOut);
    }

    #[test]
    fn a_host_that_runs_nothing_is_not_asked_again_and_swept_only_where_something_may_be_left() {
        let refusal = EvidenceError::new(ErrorKind::HostUnreachable, "run links on n1", "no");
        let standing = Standing::new("n1", "ops", Arc::default());
        assert_eq!(standing.known_sweep(), None);
        standing.refused_all(&refusal, false);
        assert_eq!(standing.worth_asking(false), Err(refusal.clone()));
        assert_eq!(standing.known_sweep(), Some(Err(refusal.clone())));
        standing.refused_all(&refusal, true);
        assert_eq!(standing.known_sweep(), Some(Ok(())));
    }

    #[test]
    fn where_a_session_was_let_begin_a_refused_one_may_begin_in_a_moment() {
        let standing = Standing::new("n1", "root", Arc::default());
        let _own = standing.sessions.try_acquire().unwrap();
        assert!(!standing.may_make_room(), "the very first one is refused: so is the next");
        standing.let_in();
        assert!(standing.may_make_room(), "a capture began and ended, though nothing was seen to run");
    }

    #[test]
    fn who_may_not_become_root_still_looks_at_the_rest() {
        let standing = Standing::new("n1", "ops", Arc::default());
        let refusal = EvidenceError::new(ErrorKind::Forbidden, "run inspect on n1", "no");
        standing.refused_root(&refusal);
        assert_eq!(standing.worth_asking(true), Err(refusal));
        standing.worth_asking(false).unwrap();
    }
}
