//! What carries our scripts to a host: an SSH connection, or a pod that is there already. Whoever runs scripts does not
//! see the difference.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::command_line::Call;
use super::connection::{Connection, OPENING};
use super::pod::PodLink;
use super::process::Process;
use super::standing::{MOST_SESSIONS, Standing};
use crate::evidence::error::{ErrorKind, EvidenceError};

/// A way to one host that is open.
#[derive(Clone)]
pub(in crate::evidence) enum Carrier {
    Ssh(Arc<Connection>),
    Pod(Arc<PodLink>),
}

impl Deref for Carrier {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        match self {
            Self::Ssh(connection) => &connection.standing,
            Self::Pod(link) => &link.standing,
        }
    }
}

impl Carrier {
    pub(super) async fn start(&self, call: &Call<'_>, session: OwnedSemaphorePermit) -> Result<Process, EvidenceError> {
        match self {
            Self::Ssh(connection) => Process::remote(Arc::clone(connection), call, session).await,
            Self::Pod(link) => Process::in_pod(Arc::clone(link), call, session).await,
        }
    }

    /// A server that does not let the very first session begin, with no other beside it, lets none begin: nobody asks it again.
    pub(super) fn was_not_started(&self, error: &EvidenceError) {
        let first = matches!(self, Self::Ssh(_)) && self.never_ran() && self.sessions.available_permits() + 1 >= MOST_SESSIONS;
        if first && matches!(error.kind, ErrorKind::HostUnreachable | ErrorKind::HostSilent | ErrorKind::LoginRefused) {
            self.refused_all(error, self.never_let_in() && error.operation.starts_with(OPENING));
        }
    }

    /// Whether nothing more can come this way.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Ssh(connection) => connection.is_closed(),
            Self::Pod(link) => link.standing.is_silent(),
        }
    }

    /// Remembers that a command ran out of time, and finds out whether the host is still there.
    pub(super) async fn waited_in_vain(&self, since: Instant) {
        if self.lost_since(since)
            && let Self::Ssh(connection) = self
        {
            connection.find_out().await;
        }
    }
}
