//! EndpointSlices as kube-proxy reads them.
//!
//! Source: `pkg/proxy/endpointslicecache.go` of Kubernetes 1.34 (join by name and protocol, ports without a number left out).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use serde_json::Value;

use crate::analysis::read::objects::protocol;
use crate::analysis::read::{array, map, number, optional_text, text, texts};
use crate::model::endpoint::{Endpoint, Family, Slice, SlicePort};
use crate::model::service::ServicePort;

/// A slice without its endpoints.
pub(super) fn slice(value: &Value) -> Slice {
    Slice {
        name: text(value, "/metadata/name"),
        managed_by: map(value, "/metadata/labels").remove("endpointslice.kubernetes.io/managed-by").unwrap_or_default(),
        addresses: array(value, "/endpoints").iter().map(|entry| array(entry, "/addresses").len()).sum(),
        ports: array(value, "/ports")
            .iter()
            .map(|entry| SlicePort {
                name: text(entry, "/name"),
                number: number::<u16>(entry, "/port").filter(|port| *port != 0),
                protocol: protocol(&text(entry, "/protocol")),
            })
            .collect(),
    }
}

/// The endpoints of all slices for one port, each once, ordered by pod and address.
pub(super) fn endpoints(slices: &[Value], port: &ServicePort) -> Vec<Endpoint> {
    let mut place: HashMap<(IpAddr, Option<u16>), usize> = HashMap::new();
    let mut all: Vec<Endpoint> = Vec::new();
    for value in slices {
        for endpoint in of_slice(value, port) {
            if let Some(at) = place.get(&(endpoint.ip, endpoint.port)) {
                merge(&mut all[*at], endpoint);
            } else {
                place.insert((endpoint.ip, endpoint.port), all.len());
                all.push(endpoint);
            }
        }
    }
    // An address that one slice lists with a number is an endpoint of the port, whatever another slice leaves out.
    let numbered: HashSet<IpAddr> = all.iter().filter(|endpoint| endpoint.port.is_some()).map(|endpoint| endpoint.ip).collect();
    all.retain(|endpoint| endpoint.port.is_some() || !numbered.contains(&endpoint.ip));
    all.sort_by(|a, b| (&a.pod, a.ip, a.port).cmp(&(&b.pod, b.ip, b.port)));
    all
}

/// The same address in two slices, as while one is filled from the other: what any of them allows, holds.
fn merge(known: &mut Endpoint, other: Endpoint) {
    if other.ready && !known.ready {
        *known = Endpoint { pod: other.pod.or(known.pod.take()), node: other.node.or(known.node.take()), ..other };
        return;
    }
    known.serving |= other.serving;
    known.pod = known.pod.take().or(other.pod);
    known.node = known.node.take().or(other.node);
}

/// The endpoints of one slice, as they stand there.
pub(super) fn of_slice(value: &Value, port: &ServicePort) -> Vec<Endpoint> {
    let slice = slice(value);
    let number = slice.number(port);
    array(value, "/endpoints").iter().flat_map(|entry| of_entry(entry, port, number, &slice.name)).collect()
}

fn of_entry(entry: &Value, port: &ServicePort, number: Option<u16>, from: &str) -> Vec<Endpoint> {
    // Conditions that are left out read as the API has it: ready; serving as ready; not terminating.
    let condition = |name: &str, usual: bool| entry.pointer(name).and_then(Value::as_bool).unwrap_or(usual);
    let ready = condition("/conditions/ready", true);
    let is_pod = text(entry, "/targetRef/kind") == "Pod";
    let hints = |pointer: &str| array(entry, pointer).iter().map(|hint| text(hint, "/name")).collect::<Vec<_>>();
    texts(entry, "/addresses")
        .iter()
        // A slice of names (addressType FQDN) is nothing that kube-proxy could send to.
        .filter_map(|address| address.parse::<IpAddr>().ok())
        .map(|ip| Endpoint {
            pod: is_pod.then(|| text(entry, "/targetRef/name")),
            ip,
            family: Family::of(ip),
            node: optional_text(entry, "/nodeName"),
            port: number,
            name: port.name.clone(),
            ready,
            serving: condition("/conditions/serving", ready),
            terminating: condition("/conditions/terminating", false),
            from: from.to_owned(),
            for_zones: hints("/hints/forZones"),
            for_nodes: hints("/hints/forNodes"),
            declared: None,
            holder: None,
            unheld: false,
            dead: None,
        })
        .collect()
}

/// The pods that stand in the slices, each with its addresses there: before duplicates are merged, because pods on the host's
/// network share one.
pub(super) fn pods_in(slices: &[Value], port: &ServicePort) -> BTreeMap<String, Vec<IpAddr>> {
    let mut all: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for endpoint in slices.iter().flat_map(|value| of_slice(value, port)) {
        if let Some(pod) = endpoint.pod {
            all.entry(pod).or_default().push(endpoint.ip);
        }
    }
    all
}
