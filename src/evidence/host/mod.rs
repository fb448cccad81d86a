//! Machines that can be asked: nodes, and hosts that stand for clients.

pub mod live;
pub mod script;
pub mod ssh_entries;
pub(in crate::evidence) mod texts;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::EvidenceError;
use crate::model::place::Host;
use script::Script;

/// One of our fixed scripts with its values. Values are positional parameters, never part of the script's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    pub script: Script,
    pub args: Vec<String>,
    pub limit: Duration,
    /// Bytes of standard output that are read; more ends the command with an error.
    pub most_bytes: usize,
}

impl Command {
    /// Its limit in whole seconds, as its guard counts.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.limit.as_secs() + u64::from(self.limit.subsec_nanos() > 0)
    }
}

/// What a command gave. Text that is not UTF-8 is replaced, control characters are kept (callers parse).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs our scripts on hosts, one connection a host for the whole run.
pub trait Hosts: Send + Sync {
    /// Begins to connect and returns at once, so that the connection is there when it is needed.
    fn warm(&self, hosts: &[Host]);

    /// Whether no host is touched and every answer is assumed.
    fn assumes(&self) -> bool {
        false
    }

    /// Hosts on which something of this run may still run: it was started, and no sweep has proven that it is gone.
    fn unswept(&self) -> Vec<String> {
        Vec::new()
    }

    /// Runs the script to its end.
    ///
    /// # Errors
    /// When the host cannot be reached, the host key is not known, or a bound ended the command. A status other than
    /// zero is not an error.
    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError>;

    /// Ends whatever this run left on the hosts that were touched, and proves that nothing is left: one line a host,
    /// host name to `Ok` or why it could not be proven. Idempotent.
    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)>;
}
