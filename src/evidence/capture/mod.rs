//! Captures on hosts and in pods' network namespaces.

pub mod decode;
pub mod file;
pub mod filter;
pub mod live;
pub mod pcapng;

use super::error::EvidenceError;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::packet::Packet;

/// Opens captures.
pub trait Captures: Send + Sync {
    /// Begins a capture and returns at once; it is not listening yet.
    ///
    /// # Errors
    /// When the filter does not compile, or the host takes no further capture (eight at most).
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError>;
}

/// Packets of a capture that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub packets: Vec<Packet>,
    /// Whether nothing will come after them: the capture has ended, or it never saw anything but what is known.
    pub last: bool,
}

/// A capture under way. Dropping it ends it on the host too.
pub trait OpenCapture: Send {
    /// Waits until tcpdump has said that it listens. Gives what proved a pod's network namespace.
    ///
    /// # Errors
    /// When the host cannot be reached, tcpdump is missing or refuses, or the namespace cannot be proven.
    fn wait_listening(&mut self) -> Result<String, EvidenceError>;

    /// What it has seen since this was last asked. A recording tells all at once.
    fn news(&mut self) -> News;

    /// Ends it without losing the last packets and gives all that was seen. A capture that broke on the way is not an
    /// error here: `Capture::end` says so, and the packets that came before stay.
    ///
    /// # Errors
    /// When it never listened.
    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError>;
}
