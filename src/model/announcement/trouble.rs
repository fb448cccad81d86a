//! What a speaker says that it could not do, and what that means for its addresses.

use serde::{Deserialize, Serialize};

/// Something that a speaker says it could not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub meaning: TroubleMeaning,
    /// The interface that it is about; empty when it is about none.
    pub interface: String,
    /// The speaker's own words.
    pub text: String,
    /// The kubelet's time of the first line that said it.
    pub at: Option<String>,
}

/// What a speaker's error means for the addresses that it announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleMeaning {
    /// It has no responder on the interface, so that nobody gets an answer by ARP there.
    CannotAnswer,
    /// The same by NDP, for its IPv6 addresses.
    CannotAnswerNdp,
    /// One packet of ARP or NDP was not sent, or one address is not listened for.
    CannotSend,
    /// It could not read the node's interfaces or their addresses.
    Interfaces,
    /// Speakers do not find each other.
    Members,
    /// A BGP session, or what is sent over it.
    Session,
    /// What is to become FRR's configuration.
    Reload,
    /// MetalLB's configuration was not read or not taken.
    Configuration,
    /// A Service was not handled.
    Service,
    /// It ends, or a part of it never began.
    Startup,
    /// It cannot list objects that it works by: they are refused to it, or the API server is not reached.
    Api,
    /// Its own bookkeeping: indexes, status objects, the port of its metrics.
    Bookkeeping,
    /// No version that is known writes this.
    Unknown,
}

impl TroubleMeaning {
    /// Whether it stays true until the log says otherwise. The others pass: a member that was not found at the start, a session that came
    /// up after its first try.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(self, Self::CannotAnswer | Self::CannotAnswerNdp | Self::Reload | Self::Startup | Self::Unknown)
    }
}
