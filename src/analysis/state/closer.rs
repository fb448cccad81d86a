//! The closer look at a request that was followed, where it vanished.

use std::net::IpAddr;

use serde::Serialize;

use super::place_state::StatePair;
use crate::model::flow::{ArpAsk, Flow};
use crate::model::policy::{Held, NetworkPolicy};

/// The state of the places on the path, read before and after the same probe was repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Closer {
    pub states: Vec<StatePair>,
    /// What was seen of the repeated probe.
    pub again: Flow,
    /// The NetworkPolicies of the Service's namespace, as far as they could be read.
    pub policies: Vec<NetworkPolicy>,
    /// Whether these are all of them.
    #[serde(skip)]
    pub policies_read: bool,
    /// Calico's own policies; `None` where they were not all read, or where Calico may keep them elsewhere than in this API.
    #[serde(skip)]
    pub calicos: Option<Vec<Held>>,
    /// Who answers by ARP for the router of a client that is never answered, asked from that client.
    #[serde(skip)]
    pub next_hops: Vec<(IpAddr, ArpAsk)>,
}
