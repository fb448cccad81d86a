//! Where something was looked at: a host as SSH reaches it, and a place on it.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A machine that can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Host {
    /// The node's name, or the name that a person gave.
    pub name: String,
    /// What SSH connects to unless `ssh_config` says otherwise.
    pub address: String,
    pub kind: HostKind,
}

impl Host {
    /// This machine.
    #[must_use]
    pub fn local() -> Self {
        Self { name: "local".to_owned(), address: String::new(), kind: HostKind::Local }
    }
}

/// What a host is to the diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// This machine; nothing is sent over SSH.
    Local,
    Node,
    /// A machine that stands for a client.
    Client,
}

/// The network namespace that is looked at on a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The host's own.
    Host(Host),
    /// A pod's, on its node.
    Pod { host: Host, namespace: String, name: String, ips: Vec<IpAddr>, container_ids: Vec<String> },
}

impl Place {
    /// A host's own, where its address is its name.
    #[cfg(test)]
    pub(crate) fn sample(name: &str, kind: HostKind) -> Self {
        Self::Host(Host { name: name.to_owned(), address: name.to_owned(), kind })
    }

    #[must_use]
    pub fn host(&self) -> &Host {
        match self {
            Self::Host(host) | Self::Pod { host, .. } => host,
        }
    }

    /// What names it to a script that may enter a pod (`enter_place`): `host` or `pod`, and a pod's container ids and addresses, each by comma.
    #[must_use]
    pub fn as_arguments(&self) -> [String; 3] {
        match self {
            Self::Host(_) => ["host".to_owned(), String::new(), String::new()],
            Self::Pod { ips, container_ids, .. } => {
                // Without the runtime's name in front, as the API writes it (`containerd://…`).
                let ids: Vec<&str> = container_ids.iter().map(|id| id.rsplit('/').next().unwrap_or(id)).collect();
                let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
                ["pod".to_owned(), ids.join(","), ips.join(",")]
            }
        }
    }

    /// The pod's name, when it is a pod's namespace.
    #[must_use]
    pub fn pod_name(&self) -> Option<&str> {
        match self {
            Self::Host(_) => None,
            Self::Pod { name, .. } => Some(name),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(&host.name),
            Self::Pod { namespace, name, .. } => write!(f, "{namespace}/{name}"),
        }
    }
}
