//! One command on a host, from its begin to its end, within its bounds.

use std::time::Duration;

use super::carrier::Carrier;
use super::refusals::{BEGIN_LIMIT, never_began};
use super::{LiveHosts, Piece, Process};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::script::Script;
use crate::evidence::host::{Command, Output};
use crate::evidence::memory;
use crate::model::place::Host;

/// Standard error that is kept of a command, bytes.
pub(super) const MOST_ERRORS: usize = 64 * 1024;

impl LiveHosts {
    pub(super) async fn run_to_its_end(&self, host: &Host, command: &Command, operation: &str) -> Result<Output, EvidenceError> {
        let connection = self.inner.connected(host).await?;
        let asked = connection.clone();
        let began = tokio::time::Instant::now();
        let too_long = || EvidenceError::new(ErrorKind::TimedOut, operation, format!("no end within {:.1} s", command.limit.as_secs_f64()));
        let run = async {
            let mut process =
                self.inner.start(host, connection, command.script, &command.args, command.seconds(), command.script.needs_root()).await?;
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            let mut beginning = Beginning::of(asked.as_ref());
            while let Some(piece) = self.piece(host, command.script, &mut process, &mut beginning).await? {
                match piece {
                    Piece::Output(bytes) => stdout.extend(bytes),
                    Piece::Errors(bytes) => stderr.extend(bytes.into_iter().take(MOST_ERRORS.saturating_sub(stderr.len()))),
                }
                if stdout.len() > command.most_bytes {
                    let reason = format!("it printed more than {} bytes", command.most_bytes);
                    return Err(EvidenceError::new(ErrorKind::Garbled, operation, reason));
                }
                // Many hosts print at the same time.
                if !memory::has_room(0) {
                    return Err(memory::full(operation));
                }
            }
            let stderr = String::from_utf8_lossy(&stderr).into_owned();
            if let Some(refusal) = self.refusal(host, command.script, &process, &stderr).await {
                return Err(refusal);
            }
            Ok(Output { status: process.status().unwrap_or(-1), stdout: text(stdout), stderr })
        };
        match tokio::time::timeout_at(began + command.limit, run).await {
            Ok(Ok(output)) if output.status == 124 && began.elapsed() + Duration::from_millis(500) > command.limit => Err(too_long()),
            Ok(result) => result,
            Err(_) => {
                if let Some(connection) = asked {
                    connection.waited_in_vain(began.into_std()).await;
                }
                Err(too_long())
            }
        }
    }
}

/// Until when the first script on a host has to have begun. Later ones may wait: the host has shown that it runs them.
struct Beginning(Option<tokio::time::Instant>);

impl Beginning {
    fn of(carrier: Option<&Carrier>) -> Self {
        Self(carrier.filter(|carrier| carrier.never_ran()).map(|_| tokio::time::Instant::now() + BEGIN_LIMIT))
    }
}

impl LiveHosts {
    /// The next piece. A host that takes a command and runs something else, or nothing, is found out once and remembered.
    async fn piece(
        &self,
        host: &Host,
        script: Script,
        process: &mut Process,
        beginning: &mut Beginning,
    ) -> Result<Option<Piece>, EvidenceError> {
        let Some(until) = beginning.0.filter(|_| !process.began()) else { return Ok(process.next().await) };
        let Ok(piece) = tokio::time::timeout_at(until, process.next()).await else {
            let refusal = never_began(host, script, &process.chatter());
            if let Ok(Some(carrier)) = self.inner.connected(host).await {
                carrier.refused_all(&refusal, false);
            }
            return Err(refusal);
        };
        if process.began() {
            beginning.0 = None;
            if let Ok(Some(carrier)) = self.inner.connected(host).await {
                carrier.ran();
            }
        }
        Ok(piece)
    }
}

/// What was printed as text, without a copy where it is text.
fn text(printed: Vec<u8>) -> String {
    String::from_utf8(printed).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
