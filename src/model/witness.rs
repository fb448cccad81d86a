//! What ties the answers to tries to the Service's own endpoints. An answer alone proves nothing: somebody else may have given it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tries of one place whose answers came from one endpoint of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    /// Where they were made, as a person writes it.
    pub from: String,
    /// `ADDRESS:PORT` of the endpoint; empty where only the kind of answer is known.
    pub endpoint: String,
    pub by: Tie,
    /// The tries, by the port that each was made from.
    pub source_ports: Vec<u16>,
}

/// How an answer is known to come from an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tie {
    /// Its request was followed to the endpoint.
    Path,
    /// Packets between the endpoint and the try's own source were seen.
    Translation,
    /// A node's table of connections leads from the try to the endpoint.
    Conntrack,
    /// It shows the certificate that tries show which were followed.
    Certificate,
    /// Somebody in between asks in the clients' place, and as many connections came in at the endpoints.
    Proxy,
}
