//! What MetalLB's answer means to the Service's owner, with its proof.

use crate::analysis::judge::case::{Case, found};
use std::fmt::Write as _;

use super::{own, words};
use crate::analysis::addresses::{Family, capacity, odd_last_octet};
use crate::analysis::allocation::pools::{NotServed, held};
use crate::analysis::allocation::wish::{Misworded, PREFIX, unknown_annotations};
use crate::analysis::allocation::{Refusal, Rules};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::metallb::{Metallb, Pool};
use crate::model::nearest::nearest;
use crate::model::subject::Subject;

/// The finding for one refusal; MetalLB's own words stand beneath as confirmation.
pub(super) fn finding(case: &Case, metallb: &Metallb, refused: &Refusal) -> Finding {
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let mut finding = match refused {
        Refusal::NoPool => {
            let mut evidence = vec![format!("no ipaddresspools in {}", metallb.namespace)];
            evidence.extend(metallb.strayed_pools.iter().map(|pool| format!("pool {pool} lies in a namespace that MetalLB does not read")));
            missing(case, "MetalLB has no IPAddressPool", evidence)
        }
        Refusal::NoneServes(others) => missing(
            case,
            "no IPAddressPool serves this Service's namespace and labels",
            others.iter().map(|(pool, why)| format!("pool {pool}: {why}")).collect(),
        ),
        Refusal::OnlyByRequest(names) => found(
            names::ADDRESS_POOL_NOT_AUTOMATIC,
            names.iter().map(|name| Subject::pool(name)).collect(),
            "every pool that would fit has autoAssign: false, and the Service asks for no address",
            names.iter().map(|name| format!("pool {name} ({}): autoAssign is false", ranges(pools, name))).collect(),
        ),
        Refusal::Full { pools: names, family } => full(metallb, names, *family),
        other => request(case, metallb, other),
    };
    finding.evidence.extend(words::quoted(metallb));
    finding
}

fn missing(case: &Case, summary: &str, evidence: Vec<String>) -> Finding {
    found(names::ADDRESS_POOL_MISSING, vec![own(case)], summary, evidence)
}

fn full(metallb: &Metallb, names: &[String], family: Option<Family>) -> Finding {
    let pools: Vec<&Pool> = metallb.pools.iter().flatten().filter(|pool| names.contains(&pool.name)).collect();
    let mut evidence = Vec::new();
    for pool in &pools {
        let families = family.map_or_else(|| vec![Family::V4, Family::V6], |family| vec![family]);
        for family in families.into_iter().filter(|family| capacity(pool, *family) > 0) {
            evidence.push(filling(metallb, pool, family));
        }
    }
    let what = match family {
        Some(family) if pools.iter().any(|pool| capacity(pool, Family::V4) > 0 && capacity(pool, Family::V6) > 0) => {
            format!("every {} address", family.name())
        }
        _ => "every address".to_owned(),
    };
    found(
        names::ADDRESS_POOL_EXHAUSTED,
        names.iter().map(|name| Subject::pool(name)).collect(),
        format!("{what} of {} is taken", names.iter().map(|name| format!("pool \"{name}\"")).collect::<Vec<_>>().join(" and ")),
        evidence,
    )
}

/// `pool p (A-B): 3 of 3 IPv4 addresses are held: A by ns/a, …`
fn filling(metallb: &Metallb, pool: &Pool, family: Family) -> String {
    let size = capacity(pool, family);
    let mut text = format!("pool {} ({}): ", pool.name, pool.addresses.join(", "));
    if let Some(holders) = metallb.holders.as_deref() {
        let held = held(pool, family, holders);
        let _ = write!(text, "{} of {size} {} addresses are held", held.len(), family.name());
        for (index, (address, who)) in held.iter().take(4).enumerate() {
            let who: Vec<String> = who.iter().map(|holder| holder.path()).collect();
            let _ = write!(text, "{} {address} by {}", if index == 0 { ":" } else { "," }, who.join(" and "));
        }
        if held.len() > 4 {
            text.push_str(" …");
        }
    } else {
        let _ = write!(text, "its status says that none of its {size} {} addresses is left", family.name());
    }
    if pool.avoid_buggy_ips && family == Family::V4 {
        text.push_str("; avoidBuggyIPs leaves out .0 and .255");
    }
    text
}

/// What the Service asks for cannot be had.
fn request(case: &Case, metallb: &Metallb, refused: &Refusal) -> Finding {
    let pools = metallb.pools.as_deref().unwrap_or_default();
    let mut evidence = Vec::new();
    let reason = match refused {
        Refusal::Misworded(misworded) => worded(misworded),
        Refusal::OneClusterIp => {
            evidence.push(format!("spec.clusterIPs: {}", addresses(&case.service.cluster_ips)));
            "its ipFamilyPolicy is RequireDualStack, and it has one ClusterIP only".to_owned()
        }
        Refusal::OtherFamily { asked, own } => {
            evidence.push(format!("spec.clusterIPs: {}", addresses(&case.service.cluster_ips)));
            format!("it asks for {}, and its own families are {}", families(asked), families(own))
        }
        Refusal::OutsidePools(address) => {
            evidence.push(all(pools));
            format!("{address} lies in no pool")
        }
        Refusal::Avoided { address, pool } => {
            evidence.push(format!("pool {pool} ({}) has avoidBuggyIPs: true", ranges(pools, pool)));
            format!("{address} ends in .{}, which pool {pool} avoids", odd_last_octet(*address).unwrap_or_default())
        }
        Refusal::NoCommonPool(found) => {
            evidence.extend(found.iter().map(|(address, pool)| format!("{address} lies in pool {pool}")));
            "its addresses lie in different pools, and MetalLB takes them from one".to_owned()
        }
        Refusal::NotServed { pool, asked, why } => {
            evidence.extend(serving(pools, pool));
            evidence.push(who_asks(case, why));
            match asked {
                Some(address) => format!("{address} lies in pool {pool}, which does not serve this Service: {why}"),
                None => format!("pool {pool} does not serve this Service: {why}"),
            }
        }
        Refusal::Held { address, holder, clash } => format!("{address} is held by {holder}, {clash}"),
        Refusal::OtherPool { address, pool, asked } => format!("{address} lies in pool {pool}, and the Service asks for pool {asked}"),
        Refusal::UnknownPool(name) => {
            evidence.push(all(pools));
            let near = nearest(name, pools.iter().map(|pool| pool.name.as_str()));
            format!("there is no pool {name}{}", near.map(|near| format!("; the nearest is {near}")).unwrap_or_default())
        }
        Refusal::LacksFamily { pools: names, needed, both } => {
            evidence.push(format!("spec.clusterIPs: {}", addresses(&case.service.cluster_ips)));
            evidence.extend(case.service.ip_family_policy.iter().map(|policy| format!("spec.ipFamilyPolicy is {policy}")));
            evidence.extend(names.iter().map(|name| format!("pool {name}: {}", ranges(pools, name))));
            let needed: Vec<&str> = needed.iter().map(|family| family.name()).collect();
            if *both {
                format!("it needs {} from one pool, and no pool that serves it has both", needed.join(" and "))
            } else {
                format!("it needs {}, and no pool that serves it has any", needed.join(" or "))
            }
        }
        Refusal::NoPool | Refusal::NoneServes(_) | Refusal::OnlyByRequest(_) | Refusal::Full { .. } => String::new(),
    };
    let mut asks = asks(case);
    let unknown = unknown_annotations(case.service, Rules::of(metallb));
    if !unknown.is_empty() {
        asks.push(format!("MetalLB {} does not know {}", metallb.version.as_deref().unwrap_or_default(), unknown.join(", ")));
    }
    asks.extend(evidence);
    found(names::ADDRESS_REQUEST_REFUSED, vec![own(case)], format!("the Service cannot get what it asks for: {reason}"), asks)
}

fn worded(misworded: &Misworded) -> String {
    match misworded {
        Misworded::AskedTwice { annotation, spec } => {
            format!("it has both the annotation {PREFIX}loadBalancerIPs ({annotation}) and spec.loadBalancerIP ({spec})")
        }
        Misworded::NotAnAddress { text, in_spec: true } => format!("spec.loadBalancerIP `{text}` is no IP address"),
        Misworded::NotAnAddress { text, in_spec: false } => format!("`{text}` in the annotation loadBalancerIPs is no IP address"),
        Misworded::OneFamily(all) => format!("it asks for several addresses of one family ({}); MetalLB gives one of each", addresses(all)),
        Misworded::TooMany(all) => format!("it asks for {} addresses ({}); MetalLB gives one of each family", all.len(), addresses(all)),
    }
}

/// What the Service says that it wants, as it says it.
fn asks(case: &Case) -> Vec<String> {
    let keys = ["loadBalancerIPs", "address-pool", "allow-shared-ip"];
    let mut asks: Vec<String> = case
        .service
        .annotations
        .iter()
        .filter(|(key, _)| key.starts_with("metallb.") && keys.iter().any(|name| key.ends_with(name)))
        .map(|(key, value)| format!("annotation {key}: {value}"))
        .collect();
    asks.extend(case.service.wanted_address.iter().map(|address| format!("spec.loadBalancerIP: {address}")));
    asks
}

fn who_asks(case: &Case, why: &NotServed) -> String {
    if *why == NotServed::Labels {
        let labels: Vec<String> = case.service.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return format!("the Service's labels: {}", if labels.is_empty() { "none".to_owned() } else { labels.join(", ") });
    }
    format!("the Service's namespace: {}", case.service.namespace)
}

/// The other pools that would serve everybody are worth naming too.
fn serving(pools: &[Pool], but: &str) -> Option<String> {
    let others: Vec<&str> = pools.iter().filter(|pool| pool.name != but && !pool.restricted).map(|pool| pool.name.as_str()).collect();
    (!others.is_empty()).then(|| format!("pools without restriction: {}", others.join(", ")))
}

fn all(pools: &[Pool]) -> String {
    let mut shown: Vec<String> = pools.iter().take(8).map(|pool| format!("{} {}", pool.name, pool.addresses.join(", "))).collect();
    if pools.len() > 8 {
        shown.push(format!("and {} more", pools.len() - 8));
    }
    format!("pools: {}", shown.join("; "))
}

fn ranges(pools: &[Pool], name: &str) -> String {
    pools.iter().find(|pool| pool.name == name).map(|pool| pool.addresses.join(", ")).unwrap_or_default()
}

fn addresses(all: &[std::net::IpAddr]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn families(families: &[Family]) -> String {
    families.iter().map(|family| family.name()).collect::<Vec<_>>().join(" and ")
}
