//! How a subject is written as a path, and read back.

use std::fmt;
use std::str::FromStr;

use super::{Part, Subject};

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Step(title) => write!(f, "step/{title}"),
            Self::Api(kind) => write!(f, "api/{kind}"),
            Self::Namespace(name) => write!(f, "namespace/{name}"),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::NodePart(name, part) => write!(f, "node/{name}/{part}"),
            Self::Client(name) => write!(f, "client/{name}"),
            Self::Router(name) => write!(f, "router/{name}"),
            Self::Network { from, to } => write!(f, "network/{from}..{to}"),
            Self::Mac(address) => write!(f, "mac/{address}"),
            Self::Address(address) => write!(f, "address/{address}"),
            Self::Pod { namespace, name } => write!(f, "pod/{namespace}/{name}"),
            Self::Container { namespace, pod, name } => write!(f, "pod/{namespace}/{pod}/container/{name}"),
            Self::Workload { namespace, name } => write!(f, "workload/{namespace}/{name}"),
            Self::Service { namespace, name } => write!(f, "service/{namespace}/{name}"),
            Self::ServicePort { namespace, name, port } => write!(f, "service/{namespace}/{name}/port/{port}"),
            Self::EndpointSlice { namespace, name } => write!(f, "endpointslice/{namespace}/{name}"),
            Self::NetworkPolicy { namespace, name } => write!(f, "networkpolicy/{namespace}/{name}"),
            Self::Pool(name) => write!(f, "pool/{name}"),
            Self::L2Advertisement(name) => write!(f, "advertisement/l2/{name}"),
            Self::BgpAdvertisement(name) => write!(f, "advertisement/bgp/{name}"),
            Self::Peer(name) => write!(f, "peer/{name}"),
            Self::Other(path) => f.write_str(path),
        }
    }
}

/// Reads a path back. One of no known form is `Other`, so that nothing is lost of what a playbook wrote.
impl From<&str> for Subject {
    fn from(path: &str) -> Self {
        let named = |name: &str, make: fn(String) -> Self| (!name.is_empty()).then(|| make(name.to_owned()));
        let known = match path.split_once('/') {
            None => (path == "run").then_some(Self::Run),
            Some(("step", title)) => named(title, Self::Step),
            Some(("api", kind)) => named(kind, Self::Api),
            Some(("namespace", name)) => named(name, Self::Namespace),
            Some(("node", rest)) => Some(match rest.split_once('/') {
                None => Self::Node(rest.to_owned()),
                Some((name, part)) => Self::NodePart(name.to_owned(), Part::from(part)),
            }),
            Some(("client", name)) => named(name, Self::Client),
            Some(("router", name)) => named(name, Self::Router),
            Some(("network", ends)) => ends.split_once("..").map(|(from, to)| Self::network(from, to)),
            Some(("mac", address)) => named(address, Self::Mac),
            Some(("address", address)) => named(address, Self::Address),
            Some(("pool", name)) => named(name, Self::Pool),
            Some(("peer", name)) => named(name, Self::Peer),
            Some(("advertisement", rest)) => match rest.split_once('/') {
                Some(("l2", name)) => named(name, Self::L2Advertisement),
                Some(("bgp", name)) => named(name, Self::BgpAdvertisement),
                _ => None,
            },
            Some((root, rest)) => namespaced(root, rest),
        };
        known.unwrap_or_else(|| Self::Other(path.to_owned()))
    }
}

/// The things that a namespace holds.
fn namespaced(root: &str, rest: &str) -> Option<Subject> {
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match (root, parts.as_slice()) {
        ("pod", [namespace, name]) => Subject::pod(namespace, name),
        ("pod", [namespace, pod, "container", name]) => Subject::container(namespace, pod, name),
        ("workload", [namespace, name]) => Subject::workload(namespace, name),
        ("service", [namespace, name]) => Subject::service(namespace, name),
        ("service", [namespace, name, "port", port]) => Subject::service_port(namespace, name, port),
        ("endpointslice", [namespace, name]) => Subject::endpoint_slice(namespace, name),
        ("networkpolicy", [namespace, name]) => Subject::network_policy(namespace, name),
        _ => return None,
    })
}

impl FromStr for Subject {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(path))
    }
}

impl From<String> for Subject {
    fn from(path: String) -> Self {
        Self::from(path.as_str())
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}
