//! Who answers for an address on the wire.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Who answers on the wire, by ARP or NDP, with every answer's MAC mapped to a node where one has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wire {
    /// Hosts that asked, each on a network that holds the address.
    pub asked_from: Vec<String>,
    pub answers: Vec<WireAnswer>,
    /// Nodes whose interfaces were read; a MAC of nobody among them is foreign only when these are all nodes that may answer.
    pub nodes_read: Vec<String>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WireAnswer {
    pub address: IpAddr,
    pub mac: String,
    /// The node and its interface, when one has that MAC.
    pub node: Option<String>,
    pub interface: Option<String>,
}
