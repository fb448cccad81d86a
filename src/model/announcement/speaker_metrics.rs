//! What one speaker's metrics say.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What one speaker's metrics say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerMetrics {
    pub pod: String,
    pub node: String,
    /// Protocol and address of every `metallb_speaker_announced`, by address.
    pub announced: Vec<(String, IpAddr)>,
    pub sessions: Vec<SessionMetric>,
    /// `metallb_k8s_client_config_stale_bool`
    pub config_stale: Option<bool>,
}

impl SpeakerMetrics {
    /// The protocols over which it announces the address.
    #[must_use]
    pub fn protocols(&self, address: IpAddr) -> &[(String, IpAddr)] {
        let from = self.announced.partition_point(|(_, ip)| *ip < address);
        let to = self.announced.partition_point(|(_, ip)| *ip <= address);
        self.announced.get(from..to).unwrap_or_default()
    }

    /// Whether it announces the address over that protocol.
    #[must_use]
    pub fn announces(&self, protocol: &str, address: IpAddr) -> bool {
        self.protocols(address).iter().any(|(by, _)| by == protocol)
    }
}

/// What metrics say of one BGP session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionMetric {
    /// As written, with its port.
    pub peer: String,
    pub up: Option<bool>,
    pub prefixes: Option<u64>,
}
