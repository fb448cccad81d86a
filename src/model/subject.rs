//! The thing that a finding blames or that a gap is about, with its one spelling, such as `node/n2/interface/mlb`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::place::{Host, HostKind, Place};
use super::probe::Vantage;
use super::service::Service;

/// What has to be changed, or could not be looked at. A path whose first part says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

/// A part of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// `interface/NAME`
    Interface(String),
    /// `route/DESTINATION`
    Route(String),
    /// `sysctl/NAME`
    Sysctl(String),
    /// `rule/TABLE/CHAIN/RULE`: a rule of its packet filters, which its chain and text name wherever it stands, or the chain's `policy`.
    Rule { table: String, chain: String, rule: String },
    /// `speaker`: MetalLB's.
    Speaker,
    /// `kube-proxy`
    KubeProxy,
    /// Any other.
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
        let part = match chain_of(position) {
            Some((table, chain, "policy")) => Part::in_chain(table, chain, "policy"),
            Some((table, chain, _)) => Part::in_chain(table, chain, &short_name(text)),
            None => Part::Other(format!("rule/{position}")),
        };
        Self::NodePart(node.to_owned(), part)
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

impl Part {
    fn in_chain(table: &str, chain: &str, rule: &str) -> Self {
        Self::Rule { table: table.to_owned(), chain: chain.to_owned(), rule: rule.to_owned() }
    }
}

/// Table, chain and last part of a rule's path. A chain of nftables may have slashes in its name.
fn chain_of(path: &str) -> Option<(&str, &str, &str)> {
    let (table, rest) = path.split_once('/')?;
    let (chain, rule) = rest.rsplit_once('/')?;
    Some((table, chain, rule))
}

/// What names a rule wherever it stands in its chain: the first 8 digits of the SHA-256 of its text, without what it counted.
fn short_name(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take_while(|word| *word != "#").collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        // nftables prints `counter packets 5 bytes 300`, and of a quota `used 3 kbytes`.
        at += match (*word, words.get(at + 2)) {
            ("packets", Some(&"bytes")) => 4,
            ("used", Some(unit)) if unit.ends_with("bytes") => 3,
            _ => {
                kept.push(word);
                1
            }
        };
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(kept.join(" ")));
    format!("{a:02x}{b:02x}{c:02x}{d:02x}")
}

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

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "interface/{name}"),
            Self::Route(destination) => write!(f, "route/{destination}"),
            Self::Sysctl(name) => write!(f, "sysctl/{name}"),
            Self::Rule { table, chain, rule } => write!(f, "rule/{table}/{chain}/{rule}"),
            Self::Speaker => f.write_str("speaker"),
            Self::KubeProxy => f.write_str("kube-proxy"),
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

impl From<&str> for Part {
    fn from(path: &str) -> Self {
        let of = |rest: &str| rest.to_owned();
        match path.split_once('/') {
            None if path == "speaker" => Self::Speaker,
            None if path == "kube-proxy" => Self::KubeProxy,
            Some(("interface", name)) => Self::Interface(of(name)),
            Some(("route", destination)) => Self::Route(of(destination)),
            Some(("sysctl", name)) => Self::Sysctl(of(name)),
            Some(("rule", rule)) => match chain_of(rule) {
                Some((table, chain, rule)) => Self::in_chain(table, chain, rule),
                None => Self::Other(of(path)),
            },
            _ => Self::Other(of(path)),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read_back_as_what_it_was() {
        for path in [
            "run",
            "step/Who announces the address",
            "api/nodes",
            "namespace/metallb-system",
            "node/n2",
            "node/n2/interface/mlb",
            "node/n2/route/10.88.131.0/24",
            "node/n2/sysctl/net.ipv4.conf.mlb.forwarding",
            "node/n2/rule/raw/PREROUTING/0c4a1b2d",
            "node/n2/rule/ip-kube-proxy/service-X-a/web/tcp/https/policy",
            "node/n2/speaker",
            "node/n2/kube-proxy",
            "client/c1",
            "router/10.88.64.1",
            "network/c1+c2..n2",
            "mac/52:d9:de:ce:c5:c5",
            "address/fd00::1",
            "pod/stacklight/web-1",
            "pod/stacklight/web-1/container/app",
            "workload/stacklight/web",
            "service/stacklight/web",
            "service/stacklight/web/port/https",
            "endpointslice/stacklight/web-x",
            "networkpolicy/stacklight/only",
            "pool/services",
            "advertisement/l2/services",
            "advertisement/bgp/services",
            "peer/rt",
        ] {
            let subject = Subject::from(path);
            assert!(!matches!(subject, Subject::Other(_) | Subject::NodePart(_, Part::Other(_))), "{path}");
            assert_eq!(subject.to_string(), path);
            assert_eq!(serde_json::to_value(&subject).unwrap(), path);
            assert_eq!(serde_json::from_value::<Subject>(path.into()).unwrap(), subject);
        }
    }

    #[test]
    fn a_rule_keeps_its_name_wherever_it_stands_and_whatever_it_counted() {
        let named = |position: &str, text: &str| Subject::rule("n2", position, text).to_string();
        let drop = "-A PREROUTING -s 10.88.192.0/24 -i mlb -j DROP";
        assert_eq!(named("raw/PREROUTING/1", drop), named("raw/PREROUTING/7", drop));
        // As `printf %s '-A PREROUTING …' | sha256sum` has it.
        assert_eq!(named("raw/PREROUTING/1", drop), "node/n2/rule/raw/PREROUTING/478e1190");
        assert_ne!(named("raw/PREROUTING/1", drop), named("raw/PREROUTING/1", "-A PREROUTING -s 10.88.193.0/24 -i mlb -j DROP"));
        assert_ne!(named("raw/PREROUTING/1", drop), named("mangle/PREROUTING/1", drop));
        assert_eq!(named("filter/FORWARD/policy", "policy DROP"), "node/n2/rule/filter/FORWARD/policy");
        for (one, other) in [
            ("tcp dport 443 counter packets 5 bytes 300 drop", "tcp dport 443 counter packets 0 bytes 0 drop"),
            ("tcp dport 443 counter packets 5 bytes 300 drop # handle 4", "tcp dport 443 counter packets 6 bytes 1 drop # handle 9"),
            ("quota over 25 mbytes used 3 kbytes drop", "quota over 25 mbytes used 0 bytes drop"),
        ] {
            assert_eq!(named("inet-guard/pre/1", one), named("inet-guard/pre/2", other), "{one}");
        }
        assert_ne!(
            named("inet-guard/pre/1", "limit rate 5/second burst 5 packets drop"),
            named("inet-guard/pre/1", "limit rate 5/second burst 9 packets drop")
        );
    }

    #[test]
    fn a_path_of_no_known_form_stays_as_it_was_written() {
        for path in ["", "switch/7", "pod/only-a-name", "network/one-end", "node/n2/disk/sda", "advertisement/x", "pool/"] {
            assert_eq!(Subject::from(path).to_string(), path);
        }
    }

    #[test]
    fn a_place_has_one_name_whoever_looked() {
        let host = |kind| Host { name: "c1".to_owned(), address: String::new(), kind };
        let of_place = Subject::from(&Place::Host(host(HostKind::Client)));
        assert_eq!(of_place, Subject::from(&Vantage::Ssh("c1".to_owned())));
        assert_eq!(of_place.to_string(), "client/c1");
        assert_eq!(Subject::from(&host(HostKind::Node)), Subject::from(&Vantage::Node("c1".to_owned())));
        let pod = Place::Pod { host: host(HostKind::Node), namespace: "a".into(), name: "b".into(), ips: vec![], container_ids: vec![] };
        assert_eq!(Subject::from(&pod), Subject::from(&Vantage::Pod("a/b".to_owned())));
    }
}
