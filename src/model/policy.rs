//! NetworkPolicies: Kubernetes' own as far as they decide what may come into a pod, a network plugin's by name.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::label_selector::LabelSelector;
use super::service::Protocol;

/// A `NetworkPolicy` with its rules for what comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPolicy {
    pub namespace: String,
    pub name: String,
    /// The pods of its namespace that it is about.
    pub pods: LabelSelector,
    /// Whether it decides what comes in at all; one of type Egress alone does not.
    pub ingress: bool,
    /// What it lets in; nothing when there is no rule.
    pub rules: Vec<IngressRule>,
}

/// A policy that a network plugin's own API holds, by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// None of one for the whole cluster.
    pub namespace: Option<String>,
    /// Without the default tier, which stands before it in Calico's own objects.
    pub name: String,
}

/// One rule: from any of these, to any of these ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngressRule {
    /// `None` lets everybody in. A rule whose peers could not be read lets nobody in that is known.
    pub from: Option<Vec<Peer>>,
    /// `None` lets every port in.
    pub ports: Option<Vec<PolicyPort>>,
}

/// Who may come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// `ipBlock`.
    Block { cidr: IpNet, except: Vec<IpNet> },
    /// By labels of pods or namespaces: never an address outside the pod network.
    Pods,
}

/// A port of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPort {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// A number or the name of a container's port; `None` is every port.
    pub port: Option<String>,
    /// The last number of a range that begins with `port`.
    pub last: Option<u16>,
}

/// A packet that wants to come into a pod.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    pub source: IpAddr,
    /// Whether the source may be a pod, which rules by labels may let in.
    pub from_pod: bool,
    pub protocol: Protocol,
    pub port: u16,
    /// The pod's names for its ports.
    pub names: &'a BTreeMap<String, u16>,
}

impl NetworkPolicy {
    /// Whether it is about what comes into a pod with these labels.
    #[must_use]
    pub fn selects(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        self.ingress && self.namespace == namespace && self.pods.selects(labels)
    }

    /// Whether one of its rules may let the packet in; what cannot be known counts as let in.
    #[must_use]
    pub fn may_let_in(&self, packet: &Incoming) -> bool {
        self.rules.iter().any(|rule| rule.may_let_in(packet))
    }
}

impl IngressRule {
    fn may_let_in(&self, packet: &Incoming) -> bool {
        let from = self.from.as_ref().is_none_or(|peers| {
            peers.iter().any(|peer| match peer {
                Peer::Block { cidr, except } => cidr.contains(&packet.source) && !except.iter().any(|net| net.contains(&packet.source)),
                Peer::Pods => packet.from_pod,
            })
        });
        from && self.ports.as_ref().is_none_or(|ports| ports.iter().any(|port| port.takes(packet)))
    }
}

impl PolicyPort {
    fn takes(&self, packet: &Incoming) -> bool {
        if !self.protocol.eq_ignore_ascii_case(packet.protocol.name()) {
            return false;
        }
        let Some(port) = &self.port else { return true };
        let first = port.parse().ok().or_else(|| packet.names.get(port).copied());
        first.is_some_and(|first: u16| (first..=self.last.unwrap_or(first)).contains(&packet.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: Option<Vec<Peer>>, ports: Option<Vec<PolicyPort>>, source: &str, from_pod: bool, expected: bool) {
        let names = BTreeMap::from([("https".to_owned(), 4180)]);
        let packet = Incoming { source: source.parse().unwrap(), from_pod, protocol: Protocol::Tcp, port: 4180, names: &names };
        let rules = vec![IngressRule { from, ports }];
        let policy = NetworkPolicy { namespace: "a".into(), name: "p".into(), pods: LabelSelector::default(), ingress: true, rules };
        assert_eq!(policy.may_let_in(&packet), expected);
    }

    fn block() -> Vec<Peer> {
        vec![Peer::Block { cidr: "10.0.0.0/8".parse().unwrap(), except: vec!["10.9.0.0/16".parse().unwrap()] }]
    }

    fn port(protocol: &str, port: &str, last: Option<u16>) -> Vec<PolicyPort> {
        vec![PolicyPort { protocol: protocol.into(), port: (!port.is_empty()).then(|| port.into()), last }]
    }

    #[test]
    fn blocks_let_in_what_they_hold_and_do_not_except() {
        check(Some(block()), None, "10.1.2.3", false, true);
        check(Some(block()), None, "10.9.2.3", false, false);
        check(Some(block()), None, "192.0.2.1", false, false);
        check(None, None, "192.0.2.1", false, true);
    }

    #[test]
    fn labels_let_in_pods_alone() {
        check(Some(vec![Peer::Pods]), None, "10.1.2.3", false, false);
        check(Some(vec![Peer::Pods]), None, "10.1.2.3", true, true);
    }

    #[test]
    fn ports_by_number_name_and_range() {
        check(None, Some(port("TCP", "4180", None)), "10.1.2.3", false, true);
        check(None, Some(port("TCP", "https", None)), "10.1.2.3", false, true);
        check(None, Some(port("TCP", "4000", Some(5000))), "10.1.2.3", false, true);
        check(None, Some(port("TCP", "", None)), "10.1.2.3", false, true);
        check(None, Some(port("TCP", "443", None)), "10.1.2.3", false, false);
        check(None, Some(port("UDP", "4180", None)), "10.1.2.3", false, false);
        check(None, Some(port("TCP", "nobody", None)), "10.1.2.3", false, false);
    }
}
