//! The kinds of tunnels that packets are followed through.

use serde::{Deserialize, Serialize};

/// A kind of tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tunnel {
    Vxlan,
    Geneve,
    Ipip,
    Gre,
    Fou,
    Gue,
}

impl Tunnel {
    /// Its name, as everywhere in lbdiag.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Ipip => "ipip",
            Self::Gre => "gre",
            Self::Fou => "fou",
            Self::Gue => "gue",
        }
    }
}
