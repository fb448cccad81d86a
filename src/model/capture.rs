//! Captures: what is to be captured, and what came of it.

use serde::{Deserialize, Serialize};

use super::packet::Packet;
use super::place::Place;

/// A bounded capture. All bounds are always on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CaptureRequest {
    pub place: Place,
    /// An interface's name, or `any`.
    pub interface: String,
    /// A pcap filter, made from values.
    pub filter: String,
    /// Bytes kept of each packet, on the wire and here.
    pub snaplen: u32,
    pub most_packets: u64,
    pub most_seconds: u64,
    pub most_bytes: u64,
}

/// What tcpdump counted, and what arrived here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    pub captured: Option<u64>,
    pub received_by_filter: Option<u64>,
    pub dropped_by_kernel: Option<u64>,
    pub arrived: u64,
}

impl Counters {
    /// Whether every packet that passed the filter is here, by tcpdump's own count.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.dropped_by_kernel == Some(0) && self.captured == Some(self.arrived) && self.received_by_filter == Some(self.arrived)
    }
}

/// How a capture ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureEnd {
    /// Stopped by us.
    Stopped,
    /// One of its bounds ended it, which one.
    Bounded(String),
    /// It broke, why.
    Broken(String),
}

/// A finished capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub request: CaptureRequest,
    pub packets: Vec<Packet>,
    pub counters: Counters,
    pub end: CaptureEnd,
    /// When tcpdump said that it listens, and when the stop was asked for: nanoseconds since the epoch by our clock.
    pub listening_at: i64,
    pub stopped_at: i64,
    /// What proved the network namespace, for a pod.
    pub proof: String,
    /// Names of the interfaces that the place had when the capture began.
    #[serde(default)]
    pub links: Vec<String>,
}

impl Capture {
    /// Whether "it was not seen here" means "it was not here".
    #[must_use]
    pub fn trustworthy(&self) -> bool {
        self.end == CaptureEnd::Stopped && self.counters.complete()
    }
}
