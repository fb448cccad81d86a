//! Hosts and their clocks, as far as a site lets a playbook reach.

use std::sync::Arc;

use super::refused;
use crate::evidence::clocks::Clocks;
use crate::evidence::error::EvidenceError;
use crate::evidence::host::{Command, Hosts, Output};
use crate::model::clock::ClockOffset;
use crate::model::place::Host;
use crate::model::reach::Reach;

/// Hosts of which some may not be asked.
pub(super) struct Narrowed {
    pub(super) all: Arc<dyn Hosts>,
    pub(super) reach: Arc<Reach>,
}

/// Their clocks.
pub(super) struct NarrowedClocks {
    pub(super) all: Arc<dyn Clocks>,
    pub(super) reach: Arc<Reach>,
}

/// Refuses what would go to a host that is not among those which the site allows.
pub(super) fn allowed(reach: &Reach, host: &Host, operation: &str) -> Result<(), EvidenceError> {
    if reach.allows_host(&host.name) { Ok(()) } else { Err(refused(format!("{operation} {}", host.name), &host.name, "hosts")) }
}

impl Hosts for Narrowed {
    fn warm(&self, hosts: &[Host]) {
        let near: Vec<Host> = hosts.iter().filter(|host| self.reach.allows_host(&host.name)).cloned().collect();
        self.all.warm(&near);
    }

    fn assumes(&self) -> bool {
        self.all.assumes()
    }

    fn unswept(&self) -> Vec<String> {
        self.all.unswept()
    }

    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        allowed(&self.reach, host, "run a command on")?;
        self.all.run(host, command)
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        self.all.sweep()
    }
}

impl Clocks for NarrowedClocks {
    fn begin(&self, host: &Host) {
        if self.reach.allows_host(&host.name) {
            self.all.begin(host);
        }
    }

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        allowed(&self.reach, host, "compare the clock of")?;
        self.all.offset(host)
    }
}
