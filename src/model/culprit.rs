//! The path of the thing that has to be changed or looked at, such as `node/n2/interface/mlb`.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A path below one of the roots that `findings` use: `service/NS/NAME`, `node/NAME/…`, `network/A..B` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Culprit(pub String);

impl Culprit {
    /// `service/NS/NAME`
    #[must_use]
    pub fn service(namespace: &str, name: &str) -> Self {
        Self(format!("service/{namespace}/{name}"))
    }

    /// `service/NS/NAME/port/PORT`
    #[must_use]
    pub fn service_port(namespace: &str, name: &str, port: &str) -> Self {
        Self(format!("service/{namespace}/{name}/port/{port}"))
    }

    /// `pod/NS/NAME`
    #[must_use]
    pub fn pod(namespace: &str, name: &str) -> Self {
        Self(format!("pod/{namespace}/{name}"))
    }

    /// `workload/NS/NAME`: a Deployment, DaemonSet or StatefulSet.
    #[must_use]
    pub fn workload(namespace: &str, name: &str) -> Self {
        Self(format!("workload/{namespace}/{name}"))
    }

    /// `node/NAME`
    #[must_use]
    pub fn node(name: &str) -> Self {
        Self(format!("node/{name}"))
    }

    /// A part of a node: `node/NAME/PART`, where the part is itself a path such as `interface/mlb`.
    #[must_use]
    pub fn node_part(name: &str, part: &str) -> Self {
        Self(format!("node/{name}/{part}"))
    }

    /// `network/A..B`: what lies between two places where we could look.
    #[must_use]
    pub fn network(from: &str, to: &str) -> Self {
        Self(format!("network/{from}..{to}"))
    }

    /// `client/ADDRESS`
    #[must_use]
    pub fn client(address: &str) -> Self {
        Self(format!("client/{address}"))
    }

    /// `mac/ADDRESS`
    #[must_use]
    pub fn mac(address: &str) -> Self {
        Self(format!("mac/{address}"))
    }

    /// `router/ADDRESS`
    #[must_use]
    pub fn router(address: IpAddr) -> Self {
        Self(format!("router/{address}"))
    }

    /// `pool/NAME`
    #[must_use]
    pub fn pool(name: &str) -> Self {
        Self(format!("pool/{name}"))
    }

    /// `advertisement/l2/NAME`
    #[must_use]
    pub fn l2_advertisement(name: &str) -> Self {
        Self(format!("advertisement/l2/{name}"))
    }

    /// `advertisement/bgp/NAME`
    #[must_use]
    pub fn bgp_advertisement(name: &str) -> Self {
        Self(format!("advertisement/bgp/{name}"))
    }

    /// `peer/NAME`: a BGPPeer.
    #[must_use]
    pub fn peer(name: &str) -> Self {
        Self(format!("peer/{name}"))
    }

    /// `address/ADDRESS`
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self(format!("address/{address}"))
    }

    /// `networkpolicy/NS/NAME`.
    #[must_use]
    pub fn network_policy(namespace: &str, name: &str) -> Self {
        Self(format!("networkpolicy/{namespace}/{name}"))
    }

    /// `endpointslice/NS/NAME`
    #[must_use]
    pub fn endpoint_slice(namespace: &str, name: &str) -> Self {
        Self(format!("endpointslice/{namespace}/{name}"))
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
