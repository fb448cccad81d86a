//! The clocks of hosts against our own: times of several hosts can only be compared when it is known how far they are apart.

pub mod live;

use super::error::EvidenceError;
use crate::model::clock::ClockOffset;
use crate::model::place::Host;

/// Compares hosts' clocks with ours, each once a run.
pub trait Clocks: Send + Sync {
    /// Begins a comparison and returns at once, so that it goes on beside other work.
    fn begin(&self, host: &Host);

    /// How far the host's clock is ahead; waits for a comparison under way.
    ///
    /// # Errors
    /// When the host cannot be reached or tells no time.
    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError>;
}
