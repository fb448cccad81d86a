//! Why a Service has no address, or none that may be asked for.

use std::net::IpAddr;

use super::{Case, found};
use crate::analysis::addresses::{pool_of, range_size_v4};
use crate::model::culprit::Culprit;
use crate::model::finding::{Finding, Severity};
use crate::model::metallb::{Metallb, Pool};

/// Findings about the Service's type and address.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let service = case.service;
    let culprit = Culprit::service(&service.namespace, &service.name);
    if service.kind != "LoadBalancer" {
        return vec![found(
            "address/not-a-load-balancer",
            vec![culprit],
            format!("the Service is of type {}, so MetalLB gives it no address and announces none", service.kind),
            vec![format!("spec.type of service/{} is {}", service.path(), service.kind)],
        )];
    }
    let Some(metallb) = case.announcement.map(|announcement| &announcement.metallb) else { return Vec::new() };
    match case.address() {
        None => no_address(case, metallb, culprit),
        Some(address) => last_octet(metallb, address),
    }
}

/// Some networks drop .0 and .255, which `avoidBuggyIPs` exists for; worth saying, never a cause by itself.
fn last_octet(metallb: &Metallb, address: IpAddr) -> Vec<Finding> {
    let IpAddr::V4(v4) = address else { return Vec::new() };
    let last = v4.octets()[3];
    let avoided = metallb.pools.as_deref().and_then(|pools| pool_of(pools, address)).is_some_and(|pool| pool.avoid_buggy_ips);
    if (last != 0 && last != 255) || avoided {
        return Vec::new();
    }
    let mut finding = found(
        "address/last-octet",
        vec![Culprit::address(address)],
        format!("{address} ends in .{last}, which some devices take for a network or broadcast address"),
        vec![format!("status.loadBalancer.ingress holds {address}")],
    );
    finding.severity = Severity::Info;
    vec![finding]
}

fn no_address(case: &Case, metallb: &Metallb, culprit: Culprit) -> Vec<Finding> {
    let service = case.service;
    if let Some(class) = &service.class
        && !served_classes(metallb).contains(class)
    {
        return vec![found(
            "address/class-unserved",
            vec![culprit],
            format!("the Service asks for the load balancer class {class}, which this MetalLB does not serve"),
            vec![format!("spec.loadBalancerClass is {class}; MetalLB's arguments name {}", served_classes(metallb).join(", "))],
        )];
    }
    if let Some(down) = controller_down(metallb) {
        return vec![down];
    }
    let Some(pools) = metallb.pools.as_deref() else { return Vec::new() };
    if pools.is_empty() {
        return vec![found(
            "address/pool-missing",
            vec![culprit],
            "MetalLB has no IPAddressPool",
            vec![format!("no ipaddresspools in {}", metallb.namespace)],
        )];
    }
    let refusal = newest_refusal(metallb);
    let events: Vec<String> = refusal.iter().map(|text| format!("event AllocationFailed: {text}")).collect();
    if let Some(wanted) = wanted(case) {
        return requested(case, metallb, pools, &wanted, culprit, events);
    }
    let fitting: Vec<&Pool> = pools.iter().filter(|pool| serves(case, pool)).collect();
    if fitting.is_empty() {
        return vec![found("address/pool-missing", vec![culprit], "no IPAddressPool serves this Service's namespace and labels", events)];
    }
    if fitting.iter().all(|pool| !pool.auto_assign) {
        let pools = fitting.iter().map(|pool| Culprit::pool(&pool.name)).collect();
        return vec![found(
            "address/pool-not-automatic",
            pools,
            "every pool that would fit has autoAssign: false, and the Service asks for no address",
            events,
        )];
    }
    let full: Vec<&&Pool> = fitting.iter().filter(|pool| pool.auto_assign && exhausted(metallb, pool)).collect();
    if !full.is_empty() && full.len() == fitting.iter().filter(|pool| pool.auto_assign).count() {
        let evidence = full
            .iter()
            .map(|pool| format!("pool {} ({}): no address is free", pool.name, pool.addresses.join(", ")))
            .chain(events)
            .collect();
        return vec![found(
            "address/pool-exhausted",
            full.iter().map(|pool| Culprit::pool(&pool.name)).collect(),
            format!(
                "every address of {} is taken",
                full.iter().map(|pool| format!("pool {}", pool.name)).collect::<Vec<_>>().join(" and ")
            ),
            evidence,
        )];
    }
    Vec::new()
}

/// The classes of `--lb-class`, the default being none.
fn served_classes(metallb: &Metallb) -> Vec<String> {
    metallb
        .controllers
        .iter()
        .chain(&metallb.speakers)
        .flat_map(|pod| &pod.containers)
        .flat_map(|container| &container.args)
        .filter_map(|arg| arg.trim_start_matches('-').strip_prefix("lb-class="))
        .map(str::to_owned)
        .collect()
}

fn controller_down(metallb: &Metallb) -> Option<Finding> {
    let deployment =
        metallb.workloads.as_ref()?.iter().find(|workload| workload.kind == "Deployment" && workload.name.contains("controller"))?;
    let ready = metallb.controllers.iter().any(|pod| pod.ready && !pod.terminating);
    if ready || deployment.ready > 0 {
        return None;
    }
    let mut evidence =
        vec![format!("Deployment {}/{}: {} of {} ready", deployment.namespace, deployment.name, deployment.ready, deployment.desired)];
    evidence.extend(metallb.controllers.iter().map(|pod| format!("pod {}: {}", pod.name, pod.not_ready_because)));
    Some(found(
        "address/controller-down",
        vec![Culprit::workload(&deployment.namespace, &deployment.name)],
        "MetalLB's controller does not run, so that nobody gives addresses",
        evidence,
    ))
}

/// The addresses that the Service asks for, by annotation (old and new name) or `spec.loadBalancerIP`.
fn wanted(case: &Case) -> Option<Vec<String>> {
    let annotations = &case.service.annotations;
    let text = annotations
        .get("metallb.io/loadBalancerIPs")
        .or_else(|| annotations.get("metallb.universe.tf/loadBalancerIPs"))
        .cloned()
        .or_else(|| case.service.wanted_address.clone())?;
    Some(text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect())
}

fn requested(case: &Case, metallb: &Metallb, pools: &[Pool], wanted: &[String], culprit: Culprit, events: Vec<String>) -> Vec<Finding> {
    for text in wanted {
        let mut evidence = vec![format!("the Service asks for {text}")];
        let reason = match text.parse::<IpAddr>() {
            Err(_) => format!("`{text}` is not an IP address"),
            Ok(address) => match pool_of(pools, address) {
                None => {
                    evidence.push(format!(
                        "pools: {}",
                        pools.iter().map(|pool| format!("{} {}", pool.name, pool.addresses.join(", "))).collect::<Vec<_>>().join("; ")
                    ));
                    format!("{address} lies in no pool")
                }
                Some(pool) if !serves(case, pool) => {
                    format!("{address} lies in pool {}, which does not serve this Service's namespace or labels", pool.name)
                }
                Some(_) => match metallb.taken.iter().flatten().find(|(who, ip)| *ip == address && *who != case.service.path()) {
                    Some((who, _)) => format!("{address} is held by {who}, and it may not be shared as the two Services are"),
                    None => continue,
                },
            },
        };
        evidence.extend(events);
        return vec![found(
            "address/request-refused",
            vec![culprit],
            format!("the Service asks for an address that it cannot get: {reason}"),
            evidence,
        )];
    }
    Vec::new()
}

/// Whether a pool serves the Service's namespace and labels. A namespace selector cannot be decided here and does not exclude.
fn serves(case: &Case, pool: &Pool) -> bool {
    let namespace = pool.namespaces.is_empty() || pool.namespaces.contains(&case.service.namespace) || !pool.namespace_selectors.is_empty();
    let labels = pool.service_selectors.is_empty() || pool.service_selectors.iter().any(|selector| selector.selects(&case.service.labels));
    namespace && labels
}

/// No address is left: by the pool's own status, or by counting what the Services hold.
fn exhausted(metallb: &Metallb, pool: &Pool) -> bool {
    if let Some(taken) = &metallb.taken {
        let size: u64 = pool.addresses.iter().map(|range| range_size_v4(range)).sum();
        let mut held: Vec<IpAddr> = taken
            .iter()
            .map(|(_, ip)| *ip)
            .filter(|ip| pool.addresses.iter().any(|range| crate::analysis::addresses::range_holds(range, *ip)))
            .collect();
        held.sort();
        held.dedup();
        if size > 0 && held.len() as u64 >= size {
            return true;
        }
    }
    pool.available_v4 == Some(0)
}

fn newest_refusal(metallb: &Metallb) -> Option<String> {
    metallb
        .events
        .iter()
        .flatten()
        .filter(|event| event.reason == "AllocationFailed")
        .max_by(|a, b| a.at.cmp(&b.at))
        .map(|event| event.message.clone())
}
