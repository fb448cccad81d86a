//! A world where nobody is there: no host answers, nothing is captured, no clock is compared.

use lbdiag::evidence::EvidenceError;
use lbdiag::evidence::capture::{Captures, OpenCapture};
use lbdiag::evidence::clocks::Clocks;
use lbdiag::evidence::error::ErrorKind;
use lbdiag::evidence::host::{Command, Hosts, Output};
use lbdiag::model::capture::CaptureRequest;
use lbdiag::model::clock::ClockOffset;
use lbdiag::model::place::Host;

/// Hosts of which none is there.
pub(crate) struct Nobody {
    /// Whether the sweep panics.
    pub(crate) breaks: bool,
}

impl Hosts for Nobody {
    fn warm(&self, _hosts: &[Host]) {}

    fn run(&self, host: &Host, _command: &Command) -> Result<Output, EvidenceError> {
        Err(EvidenceError::new(ErrorKind::HostUnreachable, format!("connect to {}", host.name), "nobody is there"))
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        assert!(!self.breaks, "the broom broke");
        vec![("n1".to_owned(), Ok(()))]
    }
}

impl Captures for Nobody {
    fn open(&self, _request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        Err(EvidenceError::new(ErrorKind::CaptureRefused, "capture", "nobody is there"))
    }
}

impl Clocks for Nobody {
    fn begin(&self, _host: &Host) {}

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        Err(EvidenceError::new(ErrorKind::HostUnreachable, format!("compare the clock of {}", host.name), "nobody is there"))
    }
}
