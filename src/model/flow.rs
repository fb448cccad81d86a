//! A request followed.

use serde::{Deserialize, Serialize};

use super::capture::Capture;
use super::clock::Offsets;
use super::connection::Connection;
use super::place::Host;
use super::probe::Probe;

/// Who answers by ARP for the Service's address, asked from one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArpAsk {
    pub host: Host,
    /// The host's interfaces whose network holds the address, each with its own MAC; empty when it is not on that network.
    pub asked: Vec<(String, String)>,
    /// Interface and MAC of every answer.
    pub replies: Vec<(String, String)>,
    pub error: Option<String>,
}

/// What was captured while the Service was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub captures: Vec<Capture>,
    pub probes: Vec<Probe>,
    pub arp: Vec<ArpAsk>,
    pub connections: Vec<Connection>,
    /// What was seen of answered tries until their first packet was sent again, each as a try that nobody answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resent: Vec<Connection>,
    /// How far the clocks of the captures' hosts are ahead of ours.
    #[serde(default, skip_serializing_if = "Offsets::is_empty")]
    pub clocks: Offsets,
}

impl Flow {
    /// Whether every try from every vantage point was answered, and there was one. A client that was waited for in vain made none.
    #[must_use]
    pub fn all_answered(&self) -> bool {
        let mut asked = self.probes.iter().filter(|probe| !probe.nobody_asked()).peekable();
        asked.peek().is_some() && asked.all(Probe::all_answered)
    }

    /// Whether every try was answered, and without delay. One that had to be sent again is no pattern: any network loses a packet.
    #[must_use]
    pub fn all_answered_at_once(&self) -> bool {
        self.all_answered() && self.resent.len() < 2
    }

    /// MAC addresses that answer by ARP, over all hosts that asked.
    #[must_use]
    pub fn answering_macs(&self) -> Vec<String> {
        let mut macs: Vec<String> = self.arp.iter().flat_map(|ask| ask.replies.iter().map(|(_, mac)| mac.clone())).collect();
        macs.sort();
        macs.dedup();
        macs
    }
}
