//! What MetalLB refuses in its configuration, recomputed from its objects, and which object a refusal means.
//!
//! Source: `internal/config/config.go` of MetalLB 0.13.12 to 0.16.1. Only rules that need nothing but pools and advertisements
//! are recomputed; the others are known by MetalLB's own words. An advertisement that names an unknown pool is not refused.

use std::collections::{BTreeMap, BTreeSet};

use super::addresses::{Range, range};
use crate::model::metallb::{Advertisement, LabelSelector, Metallb, Pool};
use crate::model::subject::Subject;

/// Something that MetalLB refuses, with the objects that have to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: String,
    pub culprits: Vec<Subject>,
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
        refused.extend(twice(ad, Subject::l2_advertisement(&ad.name)));
    }
    for ad in metallb.bgp_advertisements.iter().flatten() {
        refused.extend(twice(ad, bgp_advertisement(&ad.name)));
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
    Some(Refused { reason: format!("pool {}: {reason}", pool.name), culprits: vec![Subject::pool(&pool.name)], by_controller: true })
}

/// Pairs of pools that overlap and are told: MetalLB refuses all of them at the first.
const MOST_OVERLAPS: usize = 64;

/// Pools whose ranges hold the same address, the newer one first, as many as are told. In the order in which the ranges stand.
fn overlapping(pools: &[Pool]) -> Vec<Refused> {
    let ranges: Vec<(&Pool, &str, Range)> = pools
        .iter()
        .flat_map(|pool| pool.addresses.iter().filter_map(move |text| Some((pool, text.as_str(), range(text).ok()?))))
        .collect();
    let mut pairs = overlaps(&ranges);
    pairs.sort_unstable();
    let mut refused: Vec<Refused> = Vec::new();
    for ((pool, text, _), (other, other_text, _)) in
        pairs.into_iter().filter_map(|(one, other)| Some((ranges.get(one)?, ranges.get(other)?)))
    {
        let mut culprits = vec![pool, other];
        culprits.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| b.name.cmp(&a.name)));
        let mut culprits: Vec<Subject> = culprits.into_iter().map(|pool| Subject::pool(&pool.name)).collect();
        culprits.dedup();
        let reason = format!("the range {text} of pool {} overlaps {other_text} of pool {}", pool.name, other.name);
        refused.push(Refused { reason, culprits, by_controller: true });
    }
    refused
}

/// Ranges that overlap, by their places, of each pair of pools the first ones that are found. The ranges are gone through in the order of
/// their beginnings, so that each is held against those alone that still last, and of one pool against the one that lasts longest.
fn overlaps(ranges: &[(&Pool, &str, Range)]) -> Vec<(usize, usize)> {
    // A range of two families holds nothing.
    let mut order: Vec<usize> = (0..ranges.len()).filter(|at| ranges[*at].2.holds(ranges[*at].2.first)).collect();
    order.sort_by_key(|at| (ranges[*at].2.first, *at));
    let mut lasting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut pairs = Vec::new();
    for at in order {
        let (pool, _, range) = &ranges[at];
        lasting.retain(|_, other| ranges[*other].2.last >= range.first);
        for (name, other) in &lasting {
            let (one, two) = (pool.name.as_str().min(name), pool.name.as_str().max(name));
            if ranges[*other].2.overlaps(range) && seen.insert((one, two)) {
                pairs.push((at.min(*other), at.max(*other)));
                if pairs.len() == MOST_OVERLAPS {
                    return pairs;
                }
            }
        }
        let longest = lasting.entry(&pool.name).or_insert(at);
        if ranges[*longest].2.last < range.last {
            *longest = at;
        }
    }
    pairs
}

/// An advertisement that names something twice.
fn twice(ad: &Advertisement, culprit: Subject) -> Option<Refused> {
    let reason = if let Some(pool) = repeated(&ad.pools) {
        format!("it names the pool {pool} twice")
    } else {
        [&ad.pool_selectors, &ad.node_selectors, &ad.service_selectors].iter().find_map(|selectors| repeated_selector(selectors))?
    };
    Some(Refused { reason: format!("{culprit}: {reason}"), culprits: vec![culprit], by_controller: false })
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(*name))
}

fn repeated_selector(selectors: &[LabelSelector]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let same = selectors.iter().any(|selector| !seen.insert(format!("{selector:?}")));
    let value = selectors.iter().flat_map(|selector| &selector.expressions).find_map(|expression| repeated(&expression.values));
    match (same, value) {
        (true, _) => Some("has the same selector twice".to_owned()),
        (false, Some(value)) => Some(format!("has a selector that names {value} twice")),
        (false, None) => None,
    }
}

/// The objects that MetalLB's refusal names; empty when it names none.
///
/// The texts say `pool "NAME"`, `address pool NAME`, `for NAME`, `in NAME`, `peer NAME` or `peer ADDRESS`, or only a range or a rule.
#[must_use]
pub fn named_in(text: &str, metallb: &Metallb) -> Vec<Subject> {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(|c: char| "\"'`:,;.()".contains(c))).collect();
    let mut culprits: Vec<Subject> = words.windows(2).filter_map(|pair| named_by(pair[0], pair[1], metallb)).collect();
    culprits.extend(implied_by(text, metallb));
    let mut seen = BTreeSet::new();
    culprits.retain(|culprit| seen.insert(culprit.clone()));
    culprits
}

/// The object that two words of a refusal name together, when there is one of that name.
fn named_by(kind: &str, name: &str, metallb: &Metallb) -> Option<Subject> {
    let has = |ads: &Option<Vec<Advertisement>>| ads.iter().flatten().any(|ad| ad.name == name);
    let peer = metallb.peers.iter().flatten().find(|peer| peer.name == name || peer.address == name);
    match kind {
        "pool" if metallb.pools.iter().flatten().any(|pool| pool.name == name) => Some(Subject::pool(name)),
        "for" | "in" | "advertisement" | "bgpadvertisement" if has(&metallb.bgp_advertisements) => Some(bgp_advertisement(name)),
        "for" | "in" | "advertisement" if has(&metallb.l2_advertisements) => Some(Subject::l2_advertisement(name)),
        // 0.13 refuses a configuration under which a Service would lose its address.
        "service" => name.split_once('/').map(|(namespace, name)| Subject::service(namespace, name)),
        "peer" => peer.map(|peer| Subject::peer(&peer.name)),
        _ => None,
    }
}

/// What a refusal means that names no object: the owner of a range, or the advertisements that a rule is about.
fn implied_by(text: &str, metallb: &Metallb) -> Vec<Subject> {
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let of_range = |range: &Range| {
        let own = |pool: &&Pool| pool.addresses.iter().filter_map(|text| super::addresses::range(text).ok()).any(|own| own.overlaps(range));
        pools.iter().filter(own).collect::<Vec<&Pool>>()
    };
    let last = |mark: &str| text.rsplit_once(mark).and_then(|(_, rest)| range(rest.trim().trim_matches('"')).ok());
    if let Some(range) = last("already defined CIDR") {
        return of_range(&range).into_iter().map(|pool| Subject::pool(&pool.name)).collect();
    }
    let bgp = metallb.bgp_advertisements.as_deref().unwrap_or_default();
    if let Some(range) = text.contains("aggregation length").then(|| last("for addresses")).flatten() {
        // An advertisement aggregates wider than the pool is.
        let pools = of_range(&range);
        let selecting = bgp.iter().filter(|ad| pools.iter().any(|pool| ad.selects_pool(pool))).map(|ad| bgp_advertisement(&ad.name));
        return selecting.chain(pools.iter().map(|pool| Subject::pool(&pool.name))).collect();
    }
    if text.contains("local preference") {
        return bgp.iter().map(|ad| bgp_advertisement(&ad.name)).collect();
    }
    Vec::new()
}

fn bgp_advertisement(name: &str) -> Subject {
    Subject::bgp_advertisement(name)
}

#[cfg(test)]
mod tests {
    use super::{named_in, refused};
    use crate::analysis::read::metallb::{advertisement, pool};
    use crate::model::bgp::Peer;
    use crate::model::metallb::Metallb;
    use serde_json::json;

    fn metallb() -> Metallb {
        let ad = |name: &str, pool: &str| advertisement(&json!({"metadata": {"name": name}, "spec": {"ipAddressPools": [pool]}}));
        let pool = |name: &str, range: &str, created: &str| {
            pool(&json!({"metadata": {"name": name, "creationTimestamp": created}, "spec": {"addresses": [range]}}))
        };
        Metallb {
            pools: Some(vec![
                pool("overlap", "10.88.64.110-10.88.64.140", "2026-11-23T05:28:40Z"),
                pool("services", "10.88.64.100-10.88.64.120", "2026-11-23T05:22:53Z"),
            ]),
            l2_advertisements: Some(vec![ad("services", "services")]),
            bgp_advertisements: Some(vec![ad("wide", "services"), ad("other", "none")]),
            peers: Some(vec![Peer { name: "router".to_owned(), address: "10.88.64.1".to_owned(), ..Peer::default() }]),
            ..Metallb::default()
        }
    }

    fn check(text: &str, expected: &[&str]) {
        let named: Vec<String> = named_in(text, &metallb()).into_iter().map(|culprit| culprit.to_string()).collect();
        assert_eq!(named, expected, "{text}");
    }

    /// The texts of `internal/config` (0.13.12 to 0.16.1); the first two were recorded.
    #[test]
    fn a_refusal_names_its_objects() {
        check(
            "configuration error: CIDR \"10.88.64.110/31\" in pool \"overlap\" overlaps with already defined CIDR \"10.88.64.104/29\"",
            &["pool/overlap", "pool/services"],
        );
        check("parsing address pool overlap: invalid CIDR \"10.88.64.300-10.88.64.310\" in pool \"overlap\"", &["pool/overlap"]);
        check("failed to parse node selector for services", &["advertisement/l2/services"]);
        check("peer router referencing non existing bfd profile fast", &["peer/router"]);
        check("peer 10.88.64.1 has bfd-profile set on native bgp mode", &["peer/router"]);
        check(
            "invalid aggregation length 24: prefix 27 in this pool is more specific than the aggregation length for addresses 10.88.64.100-10.88.64.105",
            &["advertisement/bgp/wide", "pool/services"],
        );
        check(
            "new config not compatible with assigned IPs: service \"web/s6\" cannot own [\"10.88.64.106\"] under new config",
            &["service/web/s6"],
        );
        check("parsing community \"x\": invalid community format", &[]);
    }

    fn pools(count: u32, range: impl Fn(u32) -> String) -> Metallb {
        let of = |number| pool(&json!({"metadata": {"name": format!("p{number}")}, "spec": {"addresses": [range(number)]}}));
        Metallb { pools: Some((0..count).map(of).collect()), ..Metallb::default() }
    }

    /// Each held against each, and each pair against all that were found, these would take hours.
    #[test]
    fn many_pools_are_gone_through_once() {
        let apart = |number: u32| format!("{}/32", std::net::Ipv4Addr::from(0x0a00_0000 + number));
        assert_eq!(refused(&pools(50_000, apart)), []);
        assert_eq!(refused(&pools(50_000, |_| "10.0.0.0/24".to_owned())).len(), super::MOST_OVERLAPS);
        let one = json!({"metadata": {"name": "one"}, "spec": {"addresses": vec!["10.0.0.0/24"; 20_000]}});
        assert_eq!(refused(&Metallb { pools: Some(vec![pool(&one)]), ..Metallb::default() }).len(), 1);
        let names: Vec<String> = (0..50_000).map(|number| format!("p{number}")).collect();
        assert_eq!(super::repeated(&names), None);
    }

    #[test]
    fn of_two_overlapping_pools_the_newer_stands_first() {
        let refused = refused(&metallb());
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].culprits.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pool/overlap", "pool/services"]);
    }
}
