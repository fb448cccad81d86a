//! How endpoints, ports and slices are named.

use std::net::IpAddr;

use crate::analysis::judge::case::Case;
use crate::model::endpoint::{Endpoint, Family, Target};
use crate::model::subject::Subject;

/// Why a family has no endpoint that serves.
pub(in crate::analysis::judge) fn no_address(target: &Target, family: Family) -> String {
    let has = |ip: &IpAddr| Family::of(*ip) == family;
    if !target.pods.is_empty() && !target.pods.iter().any(|pod| pod.ips.iter().any(has)) {
        format!("no pod has an {} address", family.name())
    } else {
        format!("no EndpointSlice of {} holds one that is ready", family.name())
    }
}

pub(in crate::analysis::judge) fn pod_addresses(target: &Target) -> Vec<String> {
    let shown = |ips: &[IpAddr]| ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    target.pods.iter().take(6).map(|pod| format!("pod {} has {}", pod.name, shown(&pod.ips))).collect()
}

/// How a port is named in culprits: by name, or by number when it has none.
pub(in crate::analysis::judge) fn port_name(target: &Target) -> String {
    if target.port.name.is_empty() { target.port.port.to_string() } else { target.port.name.clone() }
}

/// The Service's port as a culprit.
pub(in crate::analysis::judge) fn port(case: &Case, target: &Target) -> Subject {
    Subject::service_port(&case.service.namespace, &case.service.name, &port_name(target))
}

pub(in crate::analysis::judge) fn endpoint_line(endpoint: &Endpoint) -> String {
    format!(
        "{} {}{}: ready {}, serving {}, terminating {} ({})",
        endpoint.pod.as_deref().unwrap_or("no pod"),
        endpoint.ip,
        endpoint.port.map(|port| format!(":{port}")).unwrap_or_default(),
        endpoint.ready,
        endpoint.serving,
        endpoint.terminating,
        endpoint.from
    )
}

/// The slices that hold these endpoints, as culprits.
pub(in crate::analysis::judge) fn slices<'a>(case: &Case, endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Vec<Subject> {
    let mut culprits: Vec<Subject> =
        endpoints.into_iter().map(|endpoint| Subject::endpoint_slice(&case.service.namespace, &endpoint.from)).collect();
    culprits.sort();
    culprits.dedup();
    culprits
}

/// Names by comma, and how many more.
pub(in crate::analysis::judge) fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    let shown = all.len().min(6);
    let more = all.len() - shown;
    if more == 0 { all.join(", ") } else { format!("{} and {more} more", all[..shown].join(", ")) }
}
