//! What a Service asks of MetalLB, by annotation or in its spec.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Rules;
use crate::analysis::addresses::{Family, pool_of};
use crate::model::metallb::Metallb;
use crate::model::service::Service;

/// The prefix of MetalLB's annotations from 0.14.9, and the one before, which is still accepted.
pub const PREFIX: &str = "metallb.io/";
pub const OLD_PREFIX: &str = "metallb.universe.tf/";

/// What is asked for; both may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub addresses: Vec<IpAddr>,
    pub pool: Option<String>,
}

/// A request that is refused whatever the pools are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misworded {
    /// Annotation and `spec.loadBalancerIP` together.
    AskedTwice {
        annotation: String,
        spec: String,
    },
    NotAnAddress {
        text: String,
        in_spec: bool,
    },
    /// Two addresses of one family.
    OneFamily(Vec<IpAddr>),
    /// More than one address of each family.
    TooMany(Vec<IpAddr>),
}

impl Wish {
    /// What the Service asks for.
    ///
    /// # Errors
    /// When its wording alone is refused.
    pub fn of(service: &Service, rules: Rules) -> Result<Self, Misworded> {
        let annotated = annotation(service, "loadBalancerIPs", rules).filter(|text| !text.is_empty());
        let pool = annotation(service, "address-pool", rules).filter(|name| !name.is_empty()).map(str::to_owned);
        let addresses = match (annotated, service.wanted_address.as_deref()) {
            (Some(annotation), Some(spec)) => {
                return Err(Misworded::AskedTwice { annotation: annotation.to_owned(), spec: spec.to_owned() });
            }
            (Some(list), None) => list.split(',').map(|text| parsed(text.trim(), false)).collect::<Result<Vec<_>, _>>()?,
            (None, Some(one)) => vec![parsed(one, true)?],
            (None, None) => Vec::new(),
        };
        let families = |family| addresses.iter().filter(|address| Family::of(**address) == family).count();
        if addresses.len() > 2 {
            return Err(Misworded::TooMany(addresses));
        }
        if families(Family::V4) > 1 || families(Family::V6) > 1 {
            return Err(Misworded::OneFamily(addresses));
        }
        Ok(Self { addresses, pool })
    }
}

fn parsed(text: &str, in_spec: bool) -> Result<IpAddr, Misworded> {
    text.parse().map_err(|_| Misworded::NotAnAddress { text: text.to_owned(), in_spec })
}

/// One of MetalLB's annotations: the new prefix first where the version knows it, then the old one.
#[must_use]
pub fn annotation<'a>(service: &'a Service, name: &str, rules: Rules) -> Option<&'a str> {
    let with = |prefix: &str| service.annotations.get(&format!("{prefix}{name}")).map(String::as_str);
    with(PREFIX).filter(|_| rules.knows_new_prefix()).or_else(|| with(OLD_PREFIX))
}

/// How what a Service has differs from what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// This version of MetalLB does not know these annotations: the new prefix before 0.14.9.
    PassedOver(Vec<String>),
    Misworded(Misworded),
    /// It has another address, or one of another pool.
    Other,
}

/// Whether a Service that has an address has the one it asks for.
#[must_use]
pub fn unmet(service: &Service, metallb: &Metallb) -> Option<Unmet> {
    let rules = Rules::of(metallb);
    let unknown = unknown_annotations(service, rules);
    if !unknown.is_empty() && differs(service, metallb, Rules::newest()) {
        return Some(Unmet::PassedOver(unknown));
    }
    match Wish::of(service, rules) {
        Err(misworded) => Some(Unmet::Misworded(misworded)),
        Ok(_) => differs(service, metallb, rules).then_some(Unmet::Other),
    }
}

/// Whether it asks for other addresses, or for another pool, than it has.
fn differs(service: &Service, metallb: &Metallb, rules: Rules) -> bool {
    let Ok(wish) = Wish::of(service, rules) else { return true };
    let wanted: BTreeSet<IpAddr> = wish.addresses.iter().copied().collect();
    let has: BTreeSet<IpAddr> = service.addresses.iter().copied().collect();
    if !wanted.is_empty() && wanted != has {
        return true;
    }
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let pool = service.addresses.first().and_then(|address| pool_of(pools, *address));
    pool.is_some_and(|pool| wish.pool.is_some_and(|wanted| wanted != pool.name))
}

/// The annotations that this version of MetalLB passes over in silence: those with the new prefix, alone, before 0.14.9.
#[must_use]
pub fn unknown_annotations(service: &Service, rules: Rules) -> Vec<String> {
    if rules.knows_new_prefix() {
        return Vec::new();
    }
    ["loadBalancerIPs", "address-pool", "allow-shared-ip"]
        .iter()
        .filter(|name| !service.annotations.contains_key(&format!("{OLD_PREFIX}{name}")))
        .map(|name| format!("{PREFIX}{name}"))
        .filter(|name| service.annotations.contains_key(name))
        .collect()
}
