//! What MetalLB refuses in its configuration, recomputed from its objects, and which object a refusal means.
//!
//! Source: `internal/config/config.go` of MetalLB 0.13.12 to 0.16.1. Only rules that need nothing but pools and advertisements
//! are recomputed; the others are known by MetalLB's own words. An advertisement that names an unknown pool is not refused.

use super::addresses::{Range, range};
use crate::model::culprit::Culprit;
use crate::model::metallb::{Advertisement, LabelSelector, Metallb, Pool};

/// Something that MetalLB refuses, with the objects that have to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    pub culprits: Vec<Culprit>,
    /// The controller reads pools only; an advertisement matters to the speakers alone.
    pub by_controller: bool,
}

/// Everything in pools and advertisements that MetalLB refuses.
#[must_use]
pub fn refused(metallb: &Metallb) -> Vec<Refused> {
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let mut refused: Vec<Refused> = pools.iter().filter_map(broken).collect();
    refused.extend(overlapping(pools));
    for ad in metallb.l2_advertisements.iter().flatten() {
        refused.extend(twice(ad, Culprit::l2_advertisement(&ad.name)));
    }
    for ad in metallb.bgp_advertisements.iter().flatten() {
        refused.extend(twice(ad, Culprit(format!("advertisement/bgp/{}", ad.name))));
    }
    refused
}

/// A pool that is refused by itself.
fn broken(pool: &Pool) -> Option<Refused> {
    let reason = if pool.addresses.is_empty() {
        "it has no addresses".to_owned()
    } else if let Some((text, error)) = pool.addresses.iter().find_map(|text| range(text).err().map(|error| (text, error))) {
        format!("its range {text} is no range: {error}")
    } else if let Some(namespace) = repeated(&pool.namespaces) {
        format!("its serviceAllocation names the namespace {namespace} twice")
    } else if let Some(selector) = repeated_selector(&pool.namespace_selectors).or_else(|| repeated_selector(&pool.service_selectors)) {
        format!("its serviceAllocation {selector}")
    } else {
        return None;
    };
    Some(Refused { reason: format!("pool {}: {reason}", pool.name), culprits: vec![Culprit::pool(&pool.name)], by_controller: true })
}

/// Pools whose ranges hold the same address, the newer one first.
fn overlapping(pools: &[Pool]) -> Vec<Refused> {
    let ranges: Vec<(&Pool, &str, Range)> = pools
        .iter()
        .flat_map(|pool| pool.addresses.iter().filter_map(move |text| Some((pool, text.as_str(), range(text).ok()?))))
        .collect();
    let mut refused: Vec<Refused> = Vec::new();
    for (index, (pool, text, range)) in ranges.iter().enumerate() {
        for (other, other_text, other_range) in &ranges[index + 1..] {
            if !range.overlaps(other_range) {
                continue;
            }
            let mut culprits = vec![pool, other];
            culprits.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| b.name.cmp(&a.name)));
            let mut culprits: Vec<Culprit> = culprits.into_iter().map(|pool| Culprit::pool(&pool.name)).collect();
            culprits.dedup();
            if refused.iter().any(|known| known.culprits == culprits) {
                continue;
            }
            let reason = format!("the range {text} of pool {} overlaps {other_text} of pool {}", pool.name, other.name);
            refused.push(Refused { reason, culprits, by_controller: true });
        }
    }
    refused
}

/// An advertisement that names something twice.
fn twice(ad: &Advertisement, culprit: Culprit) -> Option<Refused> {
    let reason = if let Some(pool) = repeated(&ad.pools) {
        format!("it names the pool {pool} twice")
    } else {
        [&ad.pool_selectors, &ad.node_selectors, &ad.service_selectors].iter().find_map(|selectors| repeated_selector(selectors))?
    };
    Some(Refused { reason: format!("{culprit}: {reason}"), culprits: vec![culprit], by_controller: false })
}

fn repeated(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name)
}

fn repeated_selector(selectors: &[LabelSelector]) -> Option<String> {
    let same = selectors.iter().enumerate().any(|(index, selector)| selectors[..index].contains(selector));
    let value = selectors.iter().flat_map(|selector| &selector.expressions).find_map(|expression| repeated(&expression.values));
    match (same, value) {
        (true, _) => Some("has the same selector twice".to_owned()),
        (false, Some(value)) => Some(format!("has a selector that names {value} twice")),
        (false, None) => None,
    }
}

/// The objects that MetalLB's refusal names, those that exist first; empty when it names none.
///
/// The texts say `pool "NAME"`, `address pool NAME`, `peer NAME`, `advertisement NAME`, a range, or a selector without a name.
#[must_use]
pub fn named_in(text: &str, metallb: &Metallb) -> Vec<Culprit> {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(|c: char| "\"'`:,;.()".contains(c))).collect();
    let after = |kinds: &[&str], exists: &dyn Fn(&str) -> bool| -> Vec<String> {
        words.windows(2).filter(|pair| kinds.contains(&pair[0]) && exists(pair[1])).map(|pair| pair[1].to_owned()).collect()
    };
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let mut culprits: Vec<Culprit> =
        after(&["pool", "for"], &|name| pools.iter().any(|pool| pool.name == name)).iter().map(|name| Culprit::pool(name)).collect();
    let l2 = metallb.l2_advertisements.as_deref().unwrap_or_default();
    let bgp = metallb.bgp_advertisements.as_deref().unwrap_or_default();
    culprits.extend(
        after(&["for", "in", "advertisement", "bgpadvertisement"], &|name| l2.iter().chain(bgp).any(|ad| ad.name == name)).iter().map(
            |name| {
                if bgp.iter().any(|ad| ad.name == *name) {
                    Culprit(format!("advertisement/bgp/{name}"))
                } else {
                    Culprit::l2_advertisement(name)
                }
            },
        ),
    );
    culprits.extend(
        after(&["peer"], &|name| !name.is_empty() && name.parse::<std::net::IpAddr>().is_err())
            .iter()
            .map(|name| Culprit(format!("peer/{name}"))),
    );
    // "overlaps with already defined CIDR X" does not say whose it is.
    if let Some(range) = text.rsplit_once("already defined CIDR").and_then(|(_, rest)| range(rest.trim().trim_matches('"')).ok()) {
        culprits.extend(
            pools
                .iter()
                .filter(|pool| pool.addresses.iter().filter_map(|text| super::addresses::range(text).ok()).any(|own| own.overlaps(&range)))
                .map(|pool| Culprit::pool(&pool.name)),
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    culprits.retain(|culprit| seen.insert(culprit.clone()));
    culprits
}
