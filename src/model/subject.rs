//! The thing that a finding blames or that a gap is about, with its one spelling, such as `node/n2/interface/mlb`.

mod part;
mod spelling;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use part::Part;

use super::place::{Host, HostKind, Place};
use super::probe::Vantage;
use super::service::Service;

/// What has to be changed, or could not be looked at. A path whose first part says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", from = "String")]
pub enum Subject {
    /// `run`: the run as a whole.
    Run,
    /// `step/TITLE`: a step of the playbook.
    Step(String),
    /// `api/KIND`: what the API server tells of a kind, such as `api/nodes`.
    Api(String),
    /// `namespace/NAME`
    Namespace(String),
    /// `node/NAME`
    Node(String),
    /// `node/NAME/PART`
    NodePart(String, Part),
    /// `client/NAME`: a host that asks and is no node, by its name or address.
    Client(String),
    /// `router/ADDRESS`, or its name where no address is known.
    Router(String),
    /// `network/A..B`: what lies between two places where we could look.
    Network { from: String, to: String },
    /// `mac/ADDRESS`
    Mac(String),
    /// `address/ADDRESS`
    Address(String),
    /// `pod/NS/NAME`
    Pod { namespace: String, name: String },
    /// `pod/NS/NAME/container/CONTAINER`
    Container { namespace: String, pod: String, name: String },
    /// `workload/NS/NAME`: a Deployment, DaemonSet or StatefulSet.
    Workload { namespace: String, name: String },
    /// `service/NS/NAME`
    Service { namespace: String, name: String },
    /// `service/NS/NAME/port/PORT`
    ServicePort { namespace: String, name: String, port: String },
    /// `endpointslice/NS/NAME`
    EndpointSlice { namespace: String, name: String },
    /// `networkpolicy/NS/NAME`
    NetworkPolicy { namespace: String, name: String },
    /// `pool/NAME`
    Pool(String),
    /// `advertisement/l2/NAME`
    L2Advertisement(String),
    /// `advertisement/bgp/NAME`
    BgpAdvertisement(String),
    /// `peer/NAME`: a BGPPeer.
    Peer(String),
    /// Any other path, as a playbook or a source of announcements names it.
    Other(String),
}

impl Subject {
    #[must_use]
    pub fn service(namespace: &str, name: &str) -> Self {
        Self::Service { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn service_port(namespace: &str, name: &str, port: &str) -> Self {
        Self::ServicePort { namespace: namespace.to_owned(), name: name.to_owned(), port: port.to_owned() }
    }

    #[must_use]
    pub fn pod(namespace: &str, name: &str) -> Self {
        Self::Pod { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn container(namespace: &str, pod: &str, name: &str) -> Self {
        Self::Container { namespace: namespace.to_owned(), pod: pod.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn workload(namespace: &str, name: &str) -> Self {
        Self::Workload { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn endpoint_slice(namespace: &str, name: &str) -> Self {
        Self::EndpointSlice { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn network_policy(namespace: &str, name: &str) -> Self {
        Self::NetworkPolicy { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    #[must_use]
    pub fn node(name: &str) -> Self {
        Self::Node(name.to_owned())
    }

    #[must_use]
    pub fn interface(node: &str, name: &str) -> Self {
        Self::NodePart(node.to_owned(), Part::Interface(name.to_owned()))
    }

    /// A node's route to a destination, which is an address or a network.
    #[must_use]
    pub fn route(node: &str, destination: impl fmt::Display) -> Self {
        Self::NodePart(node.to_owned(), Part::Route(destination.to_string()))
    }

    #[must_use]
    pub fn sysctl(node: &str, name: &str) -> Self {
        Self::NodePart(node.to_owned(), Part::Sysctl(name.to_owned()))
    }

    /// A rule of a node's packet filters: where it stands now, as `TABLE/CHAIN/POSITION`, and its text.
    #[must_use]
    pub fn rule(node: &str, position: &str, text: &str) -> Self {
        Self::NodePart(node.to_owned(), Part::rule(position, text))
    }

    #[must_use]
    pub fn speaker(node: &str) -> Self {
        Self::NodePart(node.to_owned(), Part::Speaker)
    }

    #[must_use]
    pub fn kube_proxy(node: &str) -> Self {
        Self::NodePart(node.to_owned(), Part::KubeProxy)
    }

    #[must_use]
    pub fn network(from: &str, to: &str) -> Self {
        Self::Network { from: from.to_owned(), to: to.to_owned() }
    }

    #[must_use]
    pub fn client(name: &str) -> Self {
        Self::Client(name.to_owned())
    }

    #[must_use]
    pub fn mac(address: &str) -> Self {
        Self::Mac(address.to_owned())
    }

    #[must_use]
    pub fn router(address: IpAddr) -> Self {
        Self::Router(address.to_string())
    }

    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(address.to_string())
    }

    #[must_use]
    pub fn pool(name: &str) -> Self {
        Self::Pool(name.to_owned())
    }

    #[must_use]
    pub fn l2_advertisement(name: &str) -> Self {
        Self::L2Advertisement(name.to_owned())
    }

    #[must_use]
    pub fn bgp_advertisement(name: &str) -> Self {
        Self::BgpAdvertisement(name.to_owned())
    }

    #[must_use]
    pub fn peer(name: &str) -> Self {
        Self::Peer(name.to_owned())
    }

    /// The node that it is, or is a part of.
    #[must_use]
    pub fn on_node(&self) -> Option<&str> {
        match self {
            Self::Node(name) | Self::NodePart(name, _) => Some(name),
            _ => None,
        }
    }

    /// The chain of a packet filter's rule.
    #[must_use]
    pub fn chain(&self) -> Option<&str> {
        if let Self::NodePart(_, Part::Rule { chain, .. }) = self { Some(chain) } else { None }
    }
}

impl From<&Subject> for Subject {
    fn from(subject: &Subject) -> Self {
        subject.clone()
    }
}

impl From<&Host> for Subject {
    fn from(host: &Host) -> Self {
        match host.kind {
            HostKind::Node => Self::node(&host.name),
            HostKind::Client | HostKind::Local => Self::client(&host.name),
        }
    }
}

impl From<&Place> for Subject {
    fn from(place: &Place) -> Self {
        match place {
            Place::Host(host) => Self::from(host),
            Place::Pod { namespace, name, .. } => Self::pod(namespace, name),
        }
    }
}

impl From<&Vantage> for Subject {
    fn from(vantage: &Vantage) -> Self {
        match vantage {
            Vantage::Node(name) => Self::node(name),
            Vantage::Pod(path) => {
                path.split_once('/').map_or_else(|| Self::Other(path.clone()), |(namespace, name)| Self::pod(namespace, name))
            }
            Vantage::Local | Vantage::Ssh(_) | Vantage::Client(_) => Self::client(vantage.place()),
        }
    }
}

impl From<&Service> for Subject {
    fn from(service: &Service) -> Self {
        Self::service(&service.namespace, &service.name)
    }
}
