//! What carries our scripts to a host: an SSH connection, or a pod that is there already. Whoever runs scripts does not
//! see the difference.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::command_line::Call;
use super::connection::Connection;
use super::pod::PodLink;
use super::process::Process;
use super::standing::Standing;
use crate::evidence::error::EvidenceError;

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
