//! The sweep of one host: ends whatever carries the run's tag there, and proves that nothing is left.

use std::sync::Arc;
use std::time::Duration;

use super::carrier::Carrier;
use super::connection::Connection;
use super::to_the_end::MOST_ERRORS;
use super::{Inner, SWEEP_LIMIT, refusal, settings};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::live::Piece;
use crate::evidence::host::script::Script;
use crate::model::place::{Host, HostKind};

/// How long a host has to show that a sweep begins there, when the run was interrupted: whoever did that waits for the end.
const SIGN_OF_LIFE: Duration = Duration::from_millis(700);
/// The same where the connection is gone, and another one has to be made first.
const SIGN_OF_LIFE_ANEW: Duration = Duration::from_millis(1500);
/// How long a sweep tries the connection that is there before it makes a new one.
const SWEEP_FIRST_TRY: Duration = Duration::from_secs(4);

impl Inner {
    /// The sweep within its bounds. An interrupt on the way leaves it a moment more.
    pub(super) async fn sweep_in_time(self: &Arc<Self>, host: &Host, root: bool) -> Result<(), EvidenceError> {
        let late = |reason: &str| Err(EvidenceError::new(ErrorKind::TimedOut, format!("sweep {}", host.name), reason));
        let interrupted = self.interrupt.reason().is_some();
        let hurried = async {
            self.interrupt.wait().await;
            tokio::time::sleep(if interrupted { SWEEP_LIMIT } else { SIGN_OF_LIFE }).await;
        };
        tokio::select! {
            proven = self.sweep_one(host, root) => proven,
            () = hurried => late("the run was interrupted before it was proven"),
            () = tokio::time::sleep(SWEEP_LIMIT) => late("no proof within 10 s"),
        }
    }

    /// Looks, ends what is left, looks again. Over the connection that is there, or over a new one when that is dead.
    async fn sweep_one(self: &Arc<Self>, host: &Host, root: bool) -> Result<(), EvidenceError> {
        if host.kind == HostKind::Local {
            return self.sweep_over(host, None, root, None).await;
        }
        if self.interrupt.reason().is_some() {
            return self.sweep_soon(host, root).await;
        }
        let first_try = async {
            let connection = self.connecting(host).await?;
            if let Some(known) = connection.known_sweep() {
                return Ok(known);
            }
            let swept =
                if connection.is_closed() { Err(connection.broken()) } else { self.sweep_over(host, Some(connection), root, None).await };
            swept.map(Ok)
        };
        let first = match tokio::time::timeout(SWEEP_FIRST_TRY, first_try).await {
            // What is known to run nothing runs nothing over another connection either.
            Ok(Ok(known)) => return known,
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // What was found and could not be ended stays found over another connection.
        if let Some(error @ EvidenceError { kind: ErrorKind::Garbled | ErrorKind::Forbidden, .. }) = first {
            return Err(error);
        }
        if let (Some(pods), HostKind::Node) = (&self.pods, host.kind) {
            return self.sweep_over(host, Some(Carrier::Pod(Arc::new(pods.link(host).await?))), root, None).await;
        }
        let Some(connection) = self.anew(host).await? else { return Ok(()) };
        self.sweep_over(host, Some(connection), root, None).await
    }

    /// Another connection to a host that was reached before.
    async fn anew(self: &Arc<Self>, host: &Host) -> Result<Option<Carrier>, EvidenceError> {
        let mut way = settings::route(host, &self.site).await?;
        let Some(target) = way.pop() else { return Ok(None) };
        let via = if way.is_empty() { None } else { Some(self.open(&way, &host.name).await?) };
        let connection = Connection::open(&target, via, &host.name, &self.passphrases).await?;
        Ok(Some(Carrier::Ssh(Arc::new(connection))))
    }

    /// The sweep of a run that was interrupted. A host on which it begins has all the time of a sweep; one that gives no sign of life is
    /// not waited for, and its guards end by themselves.
    async fn sweep_soon(self: &Arc<Self>, host: &Host, root: bool) -> Result<(), EvidenceError> {
        let now = tokio::time::Instant::now();
        let silent = || EvidenceError::new(ErrorKind::TimedOut, format!("sweep {}", host.name), "it gave no sign of life");
        let reached = tokio::time::timeout_at(now + SIGN_OF_LIFE, self.connecting(host)).await.map_err(|_| silent())?;
        if let Ok(connection) = &reached
            && let Some(known) = connection.known_sweep()
        {
            return known;
        }
        let (connection, by) = match reached {
            Ok(connection) if !connection.is_closed() => (Some(connection), now + SIGN_OF_LIFE),
            Err(_) | Ok(Carrier::Pod(_)) => return Err(silent()),
            Ok(_) => {
                let by = now + SIGN_OF_LIFE_ANEW;
                (tokio::time::timeout_at(by, self.anew(host)).await.map_err(|_| silent())??, by)
            }
        };
        let Some(connection) = connection else { return Ok(()) };
        self.sweep_over(host, Some(connection), root, Some(by)).await
    }

    /// Sweeps over what carries our scripts there. With a time until which it has to begin, later is too late.
    async fn sweep_over(
        &self,
        host: &Host,
        connection: Option<Carrier>,
        root: bool,
        begins_by: Option<tokio::time::Instant>,
    ) -> Result<(), EvidenceError> {
        // Where nobody becomes root, nothing of ours ran as root.
        let root = root && !connection.as_ref().is_some_and(|connection| connection.no_root());
        let user = connection.as_ref().map_or_else(|| "this user".to_owned(), |connection| connection.user.clone());
        let broken = connection.as_ref().map(|connection| connection.broken());
        let args = self.tag.halves().map(str::to_owned);
        let by = begins_by.unwrap_or_else(|| tokio::time::Instant::now() + SWEEP_LIMIT);
        let silent = |_| EvidenceError::new(ErrorKind::TimedOut, format!("sweep {}", host.name), "it gave no sign of life");
        let starting = self.start(host, connection, Script::Sweep, &args, SWEEP_LIMIT.as_secs(), root);
        let mut process = tokio::time::timeout_at(by, starting).await.map_err(silent)??;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            let piece = match tokio::time::timeout_at(by, process.next()).await {
                Ok(piece) => piece,
                Err(_) if process.began() => process.next().await,
                Err(late) => return Err(silent(late)),
            };
            let Some(piece) = piece else { break };
            match piece {
                Piece::Output(bytes) => stdout.extend(bytes.into_iter().take(MOST_ERRORS.saturating_sub(stdout.len()))),
                Piece::Errors(bytes) => stderr.extend(bytes.into_iter().take(MOST_ERRORS.saturating_sub(stderr.len()))),
            }
        }
        let stderr = format!("{}{}", process.chatter(), String::from_utf8_lossy(&stderr));
        match (process.status(), broken) {
            (Some(0), _) if process.began() => Ok(()),
            (None, Some(broken)) => Err(broken),
            (status, _) => Err(refusal(host, &user, Script::Sweep, status, process.began(), &stderr).unwrap_or_else(|| {
                let left = String::from_utf8_lossy(&stdout).trim().replace('\n', "; ");
                EvidenceError::new(ErrorKind::Garbled, format!("sweep {}", host.name), format!("still running there: {left}{stderr}"))
            })),
        }
    }
}
