//! What a finding rests on: the questions whose answers its proof looked at, as data that leads to them.

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::probe::Vantage;

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BasisKind {
    /// A section of a place's state, such as `iptables`.
    State,
    /// The packets that were captured at a place.
    Capture,
    /// The tries that a place made.
    Probe,
    /// Who answers a place by ARP.
    Arp,
    /// Whether a host answers at all.
    Host,
    /// Objects of the API.
    Objects,
    /// A container's log.
    Log,
    /// A pod's metrics.
    Metrics,
}

/// An answer that a proof looked at, or the part of it that it looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    pub kind: BasisKind,
    /// A host's name, or a pod's as `NAMESPACE/NAME`. Of objects their namespace; empty where all namespaces were asked, or they have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The section of a state, or the kind of the objects in the plural, such as `endpointslices`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// The host that a pod was looked at from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The addresses of a pod, by which questions about it are told from those about others on its host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Of a state: what was read before the tries were repeated was looked at too. Without it what was read last alone was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compared: bool,
}

impl Basis {
    fn of(kind: BasisKind, place: &str) -> Self {
        Self { kind, place: place.to_owned(), part: String::new(), host: String::new(), addresses: Vec::new(), compared: false }
    }

    fn at(kind: BasisKind, place: &Place) -> Self {
        let (host, addresses) = match place {
            Place::Host(_) => (String::new(), Vec::new()),
            Place::Pod { host, ips, .. } => (host.name.clone(), ips.clone()),
        };
        Self { host, addresses, ..Self::of(kind, &place.to_string()) }
    }

    /// A section of a place's state.
    #[must_use]
    pub fn state(place: &Place, section: &str, compared: bool) -> Self {
        Self { part: section.to_owned(), compared, ..Self::at(BasisKind::State, place) }
    }

    /// What was captured at a place.
    #[must_use]
    pub fn capture(place: &Place) -> Self {
        Self::at(BasisKind::Capture, place)
    }

    /// The tries that were made from a place; of a pod only its place tells from which host. `None` for a client that asks by itself.
    #[must_use]
    pub fn tries(vantage: &Vantage, place: Option<&Place>) -> Option<Self> {
        match vantage {
            Vantage::Client(_) => None,
            Vantage::Pod(_) => place.map(|place| Self::at(BasisKind::Probe, place)),
            Vantage::Local | Vantage::Ssh(_) | Vantage::Node(_) => Some(Self::probe(vantage.place())),
        }
    }

    /// The tries of a host.
    #[must_use]
    pub fn probe(host: &str) -> Self {
        Self::of(BasisKind::Probe, host)
    }

    /// Who answers a host by ARP.
    #[must_use]
    pub fn arp(host: &str) -> Self {
        Self::of(BasisKind::Arp, host)
    }

    /// Whether a host answers.
    #[must_use]
    pub fn host(name: &str) -> Self {
        Self::of(BasisKind::Host, name)
    }

    /// Objects of a kind, by its plural, in a namespace; in none, those of the whole cluster.
    #[must_use]
    pub fn objects(plural: &str, namespace: &str) -> Self {
        Self { part: plural.to_owned(), ..Self::of(BasisKind::Objects, namespace) }
    }

    /// The log of a pod.
    #[must_use]
    pub fn log(namespace: &str, pod: &str) -> Self {
        Self::of(BasisKind::Log, &format!("{namespace}/{pod}"))
    }

    /// The metrics of a pod.
    #[must_use]
    pub fn metrics(namespace: &str, pod: &str) -> Self {
        Self::of(BasisKind::Metrics, &format!("{namespace}/{pod}"))
    }
}

impl fmt::Display for Basis {
    /// As a person names it: `n2 iptables`, `capture n2`, `endpointslices in web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, part, .. } = self;
        match kind {
            BasisKind::State => write!(f, "{place} {part}"),
            BasisKind::Capture => write!(f, "capture {place}"),
            BasisKind::Probe => write!(f, "probe {place}"),
            BasisKind::Arp => write!(f, "arp {place}"),
            BasisKind::Host => write!(f, "whether {place} answers"),
            BasisKind::Objects if place.is_empty() => f.write_str(part),
            BasisKind::Objects => write!(f, "{part} in {place}"),
            BasisKind::Log => write!(f, "log {place}"),
            BasisKind::Metrics => write!(f, "metrics {place}"),
        }
    }
}
