//! The Service has an address: is it the one that it asks for, and one that MetalLB gave? None of it keeps a client out by itself, so that all
//! of it is latent.

use crate::analysis::judge::case::{Case, found};
use std::net::IpAddr;

use super::{Giving, class, controller, latent, own, refusal, words};
use crate::analysis::addresses::{odd_last_octet, pool_of};
use crate::analysis::allocation::wish::{PREFIX, Unmet, annotation, unmet};
use crate::analysis::allocation::{Answer, Refusal, Rules};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::metallb::Metallb;
use crate::model::subject::Subject;

/// The class is not MetalLB's: the address is another load balancer's, or nobody's.
pub(super) fn unserved(giving: &Giving) -> Option<Finding> {
    let Giving { case, metallb, .. } = giving;
    let unserved = class::unserved(case, metallb)?;
    let theirs = metallb.pools.as_deref().is_some_and(|pools| case.address().is_some_and(|address| pool_of(pools, address).is_none()));
    Some(if theirs && case.all_answered() {
        // Another load balancer's Service, and it works.
        Finding { severity: Severity::Info, ..unserved }
    } else {
        latent(unserved, "the address is announced by nobody of MetalLB's")
    })
}

/// The Service asks for another address, or for another pool, than it has.
pub(super) fn other_than_wanted(giving: &Giving) -> Option<Finding> {
    let Giving { case, metallb, answer, .. } = giving;
    let unmet = unmet(case.service, metallb)?;
    let has = case.service.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let keeps = format!("the Service keeps {has}, which is not what it asks for");
    let finding = match unmet {
        Unmet::PassedOver(annotations) => found(
            names::ADDRESS_REQUEST_REFUSED,
            vec![own(case)],
            format!(
                "MetalLB {} does not know the annotation {}: it passes over what the Service asks for",
                metallb.version.as_deref().unwrap_or("of this version"),
                annotations.join(", ")
            ),
            vec![format!("the prefix {PREFIX} is known from 0.14.9; before, it is metallb.universe.tf/")],
        ),
        Unmet::Misworded(misworded) => refusal::finding(case, metallb, &Refusal::Misworded(misworded)),
        Unmet::Other => {
            if let Some(down) = controller::down(metallb) {
                return Some(latent(down, &keeps));
            }
            match answer {
                Answer::Refused(refused) => refusal::finding(case, metallb, refused),
                Answer::Granted(_) | Answer::Unknown(_) => {
                    let text = words::refusal(metallb)?;
                    found(
                        names::ADDRESS_REQUEST_REFUSED,
                        vec![own(case)],
                        format!("MetalLB refused what the Service asks for: {text}"),
                        words::quoted(metallb),
                    )
                }
            }
        }
    };
    Some(latent(finding, &keeps))
}

/// What is not known about a wish that is not met.
pub(super) fn undecided(case: &Case, metallb: &Metallb) -> Option<Gap> {
    unmet(case.service, metallb)?;
    let rules = Rules::of(metallb);
    let wanted = ["loadBalancerIPs", "address-pool"].iter().filter_map(|name| annotation(case.service, name, rules)).collect::<Vec<_>>();
    let wanted = if wanted.is_empty() { case.service.wanted_address.clone().unwrap_or_default() } else { wanted.join(", ") };
    Some(Gap::new(
        names::EVIDENCE_UNDECIDED,
        case.service,
        format!("the Service asks for {wanted} and has another address, and nothing that was read says why"),
        "why it does not have what it asks for; an event of MetalLB's or a second look in a minute would tell",
    ))
}

/// Some networks drop .0 and .255, which `avoidBuggyIPs` exists for; worth saying, never a cause by itself.
pub(super) fn last_octet(metallb: &Metallb, address: IpAddr) -> Option<Finding> {
    let last = odd_last_octet(address)?;
    let pool = metallb.pools.as_deref().and_then(|pools| pool_of(pools, address));
    let mut evidence = vec![format!("status.loadBalancer.ingress holds {address}")];
    evidence.extend(pool.map(|pool| format!("pool {} has avoidBuggyIPs: {}", pool.name, pool.avoid_buggy_ips)));
    let mut finding = found(
        names::ADDRESS_LAST_OCTET,
        vec![Subject::address(address)],
        format!("{address} ends in .{last}, which some devices take for a network or broadcast address"),
        evidence,
    );
    finding.severity = Severity::Info;
    Some(finding)
}
