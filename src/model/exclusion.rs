//! Nodes that cannot announce an address, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node that is not in the election, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excluded {
    pub node: String,
    pub reason: String,
    pub why: Exclusion,
}

/// The kinds of reasons that keep a node out of MetalLB's election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    NoSpeaker,
    SpeakerNotReady,
    Label,
    NetworkUnavailable,
    Unschedulable,
    Advertisement,
    NoEndpoint,
    /// MetalLB does not look at the Service: its class is another.
    Class,
    /// Memberlist is off, in a version that then has no candidates.
    Memberlist,
    /// The other speakers no longer see its speaker.
    Lost,
    /// BGP only: no BGPPeer for the node.
    NoPeer,
}

impl Exclusion {
    /// Whether the speaker itself is why, and not what the objects ask for.
    #[must_use]
    pub fn is_about_the_speaker(self) -> bool {
        matches!(self, Self::NoSpeaker | Self::SpeakerNotReady | Self::Lost)
    }
}
