//! Whether two Services may hold one address.
//!
//! Source: `sharingOK` and `checkSharing` of MetalLB's allocator, and `BackendKey` of `k8salloc`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use super::Rules;
use super::wish::annotation;
use crate::model::service::{Protocol, Service, TrafficPolicy};

/// Why two Services may not share an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    HolderHasNoKey,
    ServiceHasNoKey,
    KeysDiffer {
        holder: String,
        service: String,
    },
    /// With policy Local the selectors must be the same, and both must be Local.
    BackendsDiffer {
        holder: String,
        service: String,
    },
    SamePort {
        protocol: Protocol,
        port: u16,
    },
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HolderHasNoKey => f.write_str("which has no allow-shared-ip key"),
            Self::ServiceHasNoKey => f.write_str("which would share it, but this Service has no allow-shared-ip key"),
            Self::KeysDiffer { holder, service } => {
                write!(f, "whose allow-shared-ip key is `{holder}`, while this Service's is `{service}`")
            }
            Self::BackendsDiffer { holder, service } => write!(
                f,
                "and the two may not share it although their keys agree: {holder} there, {service} here (both must be Cluster, or both Local with the same selector)"
            ),
            Self::SamePort { protocol, port } => {
                let protocol = match protocol {
                    Protocol::Tcp => "TCP",
                    Protocol::Udp => "UDP",
                    Protocol::Sctp => "SCTP",
                };
                write!(f, "which uses the same port {protocol}/{port}")
            }
        }
    }
}

/// The first other Service that keeps this one from the address, and why.
#[must_use]
pub fn clash<'a>(service: &Service, holders: &'a [Service], address: IpAddr, rules: Rules) -> Option<(&'a Service, Clash)> {
    holders
        .iter()
        .filter(|holder| holder.addresses.contains(&address) && holder.path() != service.path())
        .find_map(|holder| with(holder, service, rules).map(|clash| (holder, clash)))
}

/// Why the two may not hold one address together, if they may not.
#[must_use]
pub fn with(holder: &Service, service: &Service, rules: Rules) -> Option<Clash> {
    let key = |of| annotation(of, "allow-shared-ip", rules).unwrap_or_default().to_owned();
    let (theirs, ours) = (key(holder), key(service));
    if theirs.is_empty() {
        return Some(Clash::HolderHasNoKey);
    }
    if ours.is_empty() {
        return Some(Clash::ServiceHasNoKey);
    }
    if theirs != ours {
        return Some(Clash::KeysDiffer { holder: theirs, service: ours });
    }
    if backend(holder) != backend(service) {
        return Some(Clash::BackendsDiffer { holder: policy(holder), service: policy(service) });
    }
    service.ports.iter().find_map(|ours| {
        holder
            .ports
            .iter()
            .any(|theirs| (theirs.protocol, theirs.port) == (ours.protocol, ours.port))
            .then_some(Clash::SamePort { protocol: ours.protocol, port: ours.port })
    })
}

/// With policy Local the pods decide which node answers, so that they must be the same ones; otherwise they do not matter.
fn backend(service: &Service) -> Option<&BTreeMap<String, String>> {
    (service.external_policy == TrafficPolicy::Local && !service.selector.is_empty()).then_some(&service.selector)
}

fn policy(service: &Service) -> String {
    match service.external_policy {
        TrafficPolicy::Cluster => "policy Cluster".to_owned(),
        TrafficPolicy::Local => {
            let selector: Vec<String> = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("policy Local with selector {}", selector.join(","))
        }
    }
}
