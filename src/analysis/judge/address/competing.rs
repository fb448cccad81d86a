//! Somebody else gives the same Service an address.
//!
//! Two things together prove it: something in the status that MetalLB cannot have written, and either somebody's mark on the
//! Service or the same thing written again and again.

use crate::analysis::judge::case::{Case, found};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::{class, own};
use crate::analysis::addresses::{holds, pool_of};
use crate::analysis::allocation::class::controller_serves;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::kubernetes::{Event, Workload};
use crate::model::metallb::Metallb;
use crate::model::service::Service;
use crate::model::subject::Subject;

/// How often MetalLB must have cleared one foreign address: a failed write makes it do so twice.
const OFTEN: u32 = 3;

/// How old the newest of them may be.
const LATELY: SignedDuration = SignedDuration::from_mins(10);

/// How old it may be for the fight to go on right now.
const NOW: SignedDuration = SignedDuration::from_mins(1);

/// How many times as long as a fight took it must have been quiet for it to be over.
const RESTS: i32 = 4;

/// Annotations and status conditions that other controllers leave on the Services they handle, and whose they are.
const MARKS: [(&str, &str); 7] = [
    ("service.kubernetes.io/load-balancer-cleanup", "a cloud provider's service controller or k3s ServiceLB"),
    ("kube-vip.io/vipHost", "kube-vip"),
    ("cilium.io/IPAMRequestSatisfied", "Cilium's LB-IPAM"),
    ("purelb.io/allocated-by", "PureLB"),
    ("loadbalancer.openstack.org/load-balancer-id", "the OpenStack cloud controller"),
    ("lb.kubesphere.io/v1alpha1", "OpenELB"),
    ("ncp/internal_ip_for_policy", "NSX"),
];

/// Reasons of events by which load balancer controllers other than MetalLB speak of a Service.
const REASONS: [&str; 6] = [
    "EnsuringLoadBalancer",
    "EnsuredLoadBalancer",
    "UpdatedLoadBalancer",
    "SyncLoadBalancerFailed",
    "AppliedDaemonSet",
    "LoadBalancerSourceRanges",
];

/// The beginnings of names of DaemonSets that carry load balancers.
const NAMES: [&str; 4] = ["svclb-", "kube-vip", "cilium", "openelb"];

/// The other controller, when it is proven that there is one.
pub(super) fn other(case: &Case, metallb: &Metallb) -> Option<Finding> {
    if controller_serves(metallb, case.service) == Some(false) || class::silences(case, metallb) {
        // Not MetalLB's to serve: who does it competes with nobody.
        return None;
    }
    let foreign = foreign(case.service, metallb);
    let again = written_again(metallb);
    let marks = marks(case.service, metallb);
    if (foreign.is_empty() || (marks.is_empty() && case.service.hostnames.is_empty())) && again.is_none() {
        return None;
    }
    let carriers: Vec<&Workload> = metallb
        .daemon_sets
        .iter()
        .flatten()
        .filter(|set| NAMES.iter().any(|name| set.name.starts_with(name)))
        .filter(|set| !set.name.starts_with("svclb-") || set.name.starts_with(&format!("svclb-{}-", case.service.name)))
        .collect();
    let mut culprits: Vec<Subject> = carriers.iter().map(|set| Subject::workload(&set.namespace, &set.name)).collect();
    culprits.push(own(case));
    let mut evidence: Vec<String> =
        foreign.iter().map(|what| format!("status.loadBalancer.ingress holds {what}, which MetalLB did not give")).collect();
    evidence.extend(
        again
            .iter()
            .map(|(address, count)| format!("MetalLB cleared {address} {count} times, and it lies in no pool: somebody writes it again")),
    );
    evidence.extend(marks.iter().map(|(_, proof)| proof.clone()));
    evidence.extend(carriers.iter().map(|set| format!("DaemonSet {}/{} runs", set.namespace, set.name)));
    let who = marks.first().map_or("somebody else", |(who, _)| who.as_str());
    Some(found(
        names::ADDRESS_COMPETING_CONTROLLER,
        culprits,
        format!("{who} gives this Service an address too, so that it and MetalLB overwrite each other"),
        evidence,
    ))
}

/// Whether the address that the Service shows is not MetalLB's, so that no speaker announces it.
pub(super) fn silences(case: &Case, metallb: &Metallb) -> bool {
    case.address().is_some_and(|address| metallb.pools.as_deref().is_some_and(|pools| pool_of(pools, address).is_none()))
}

/// Whether anything calls for a look at what else the cluster runs.
pub(super) fn suspected(service: &Service, metallb: &Metallb) -> bool {
    !foreign(service, metallb).is_empty() || cleared_often(metallb, LATELY).is_some()
}

/// What the status holds that MetalLB cannot have given: host names, and addresses of no pool.
fn foreign(service: &Service, metallb: &Metallb) -> Vec<String> {
    let mut foreign = service.hostnames.clone();
    let given: Vec<&str> =
        super::words::events(metallb).iter().filter(|event| event.reason == "IPAllocated").map(|event| event.message.as_str()).collect();
    if let Some(pools) = metallb.pools.as_deref() {
        foreign.extend(
            service
                .addresses
                .iter()
                .filter(|address| !pools.iter().any(|pool| holds(pool, **address)))
                // A pool that is gone leaves such an address as well; then MetalLB gave it.
                .filter(|address| !given.iter().any(|text| text.contains(&format!("\"{address}\""))))
                .map(ToString::to_string),
        );
    }
    foreign
}

/// An address of no pool that MetalLB cleared again and again, and how often.
fn written_again(metallb: &Metallb) -> Option<(IpAddr, u32)> {
    let fails = metallb.controller_log.as_ref().is_none_or(|log| log.write_failed.is_some());
    // What cannot be written is cleared again and again without anybody else's doing.
    if fails { None } else { cleared_often(metallb, LATELY) }
}

/// Whether the address is taken away again and again at this very time.
pub(super) fn goes_on(metallb: &Metallb) -> bool {
    written_again(metallb).is_some() && cleared_often(metallb, NOW).is_some()
}

fn cleared_often(metallb: &Metallb, at_most: SignedDuration) -> Option<(IpAddr, u32)> {
    let pools = metallb.pools.as_deref()?;
    metallb
        .events
        .iter()
        .flatten()
        .filter(|event| event.reason == "ClearAssignment" && event.count >= OFTEN)
        .filter(|event| fresh(&event.at, &metallb.asked_at, at_most) && !rests(event, &metallb.asked_at))
        .filter_map(|event| {
            let address = event.message.rsplit_once("[\"")?.1.split('"').next()?.parse::<IpAddr>().ok()?;
            Some((address, event.count))
        })
        .find(|(address, _)| pool_of(pools, *address).is_none())
}

/// Whether that is no older: a fight that is over keeps nobody out.
fn fresh(at: &str, now: &str, at_most: SignedDuration) -> bool {
    let (Ok(at), Ok(now)) = (at.parse::<Timestamp>(), now.parse::<Timestamp>()) else { return false };
    now.duration_since(at) <= at_most
}

/// Whether it has been quiet for much longer than it took to happen so often.
fn rests(event: &Event, now: &str) -> bool {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let (Some(first), Some(last), Some(now)) = (at(&event.since), at(&event.at), at(now)) else { return false };
    let quiet = now.duration_since(last);
    quiet > NOW && quiet > last.duration_since(first).saturating_mul(RESTS)
}

/// Who left a mark on the Service, and which.
fn marks(service: &Service, metallb: &Metallb) -> Vec<(String, String)> {
    let mut marks: Vec<(String, String)> = metallb
        .events
        .iter()
        .flatten()
        .filter(|event| REASONS.contains(&event.reason.as_str()) && !event.component.starts_with("metallb"))
        .map(|event| (event.component.clone(), format!("event {} of {}: {}", event.reason, event.component, event.message)))
        .collect();
    for (mark, who) in MARKS {
        let place = if service.finalizers.iter().any(|finalizer| finalizer == mark) {
            "finalizer"
        } else if service.annotations.contains_key(mark) {
            "annotation"
        } else if service.conditions.iter().any(|condition| condition == mark) {
            "status condition"
        } else {
            continue;
        };
        marks.push((who.to_owned(), format!("the Service carries the {place} {mark}")));
    }
    marks
}
