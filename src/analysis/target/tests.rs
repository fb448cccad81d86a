//! Services, slices and pods as the API has them, and where the port ends.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::analysis::read::objects;
use crate::model::endpoint::{DisagreementKind as Kind, Family};
use crate::model::kubernetes::Node;

/// `a/web`, 443 → `https`, selector app=web, with further members of its spec.
fn web(spec: &Value) -> Service {
    let mut whole = json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"selector": {"app": "web"},
        "ports": [{"name": "https", "port": 443, "targetPort": "https"}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}});
    if let (Some(all), Some(more)) = (whole["spec"].as_object_mut(), spec.as_object()) {
        all.extend(more.clone());
    }
    objects::service(&whole)
}

/// A ready pod of `a` whose container declares https at that number.
fn pod(name: &str, ip: &str, number: u16) -> Pod {
    pod_with(name, ip, &json!([{"name": "web", "ports": [{"name": "https", "containerPort": number}]}]), &json!([]))
}

fn pod_with(name: &str, ip: &str, containers: &Value, init: &Value) -> Pod {
    objects::pod(&json!({"metadata": {"namespace": "a", "name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "n2", "containers": containers, "initContainers": init},
        "status": {"phase": "Running", "podIPs": [{"ip": ip}], "conditions": [{"type": "Ready", "status": "True"}]}}))
}

/// A slice that Kubernetes computed, with one number for https.
fn slice(name: &str, number: Option<u16>, endpoints: &[(&str, &str)]) -> Value {
    let ports = number.map_or(json!([]), |number| json!([{"name": "https", "port": number, "protocol": "TCP"}]));
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|(pod, ip)| {
            json!({"addresses": [ip], "nodeName": "n2", "conditions": {"ready": true, "serving": true, "terminating": false},
            "targetRef": {"kind": "Pod", "name": pod, "namespace": "a"}})
        })
        .collect();
    json!({"metadata": {"name": name, "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
        "addressType": "IPv4", "ports": ports, "endpoints": endpoints})
}

fn nodes() -> Vec<Node> {
    ["a", "a", "b"]
        .iter()
        .zip(1..)
        .map(|(zone, at)| objects::node(&json!({"metadata": {"name": format!("n{at}"), "labels": {"topology.kubernetes.io/zone": zone}},
            "spec": {"podCIDRs": [format!("10.88.13{at}.0/24")]}, "status": {"addresses": [{"type": "InternalIP", "address": format!("10.9.0.{at}")}]}})))
        .collect()
}

fn read(service: &Service, slices: &[Value], pods: &[Pod]) -> Target {
    target(service, &service.ports[0], Some(slices), Some(pods))
}

fn kinds(target: &Target) -> Vec<Kind> {
    target.disagreements.iter().map(|one| one.kind).collect()
}

#[test]
fn a_port_name_that_no_pod_has_leaves_addresses_without_ports() {
    let other = pod_with("p", "10.88.131.5", &json!([{"name": "web", "ports": [{"name": "web", "containerPort": 80}]}]), &json!([]));
    let read = read(&web(&json!({})), &[slice("s", None, &[("p", "10.88.131.5")])], &[other]);
    assert_eq!((read.endpoints[0].port, read.endpoints[0].declared), (None, None));
    assert!(read.serving().is_empty() && read.disagreements.is_empty());
}

#[test]
fn a_name_may_be_another_number_in_each_pod() {
    let slices = [slice("s1", Some(4180), &[("p", "10.88.131.5")]), slice("s2", Some(8443), &[("q", "10.88.131.6")])];
    let read = read(&web(&json!({})), &slices, &[pod("p", "10.88.131.5", 4180), pod("q", "10.88.131.6", 8443)]);
    let numbers: Vec<Option<u16>> = read.endpoints.iter().map(|endpoint| endpoint.port).collect();
    assert_eq!(numbers, [Some(4180), Some(8443)]);
    assert!(read.disagreements.is_empty(), "{:?}", read.disagreements);
}

#[test]
fn the_first_container_with_name_and_protocol_wins_then_a_sidecar_never_an_init_container() {
    let service = web(&json!({}));
    let number = |containers: &Value, init: &Value| {
        declared(&service.ports[0], &pod_with("p", "10.0.0.9", containers, init)).map(|(number, _)| number)
    };
    let udp_first = json!([{"name": "a", "ports": [{"name": "https", "containerPort": 1, "protocol": "UDP"}]},
        {"name": "b", "ports": [{"name": "https", "containerPort": 2}]}, {"name": "c", "ports": [{"name": "https", "containerPort": 3}]}]);
    assert_eq!(number(&udp_first, &json!([])), Some(2));
    let init = json!([{"name": "setup", "ports": [{"name": "https", "containerPort": 4}]},
        {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "https", "containerPort": 5}]}]);
    assert_eq!(number(&json!([{"name": "web"}]), &init), Some(5));
    assert_eq!(number(&json!([{"name": "web"}]), &json!([init[0]])), None);
}

#[test]
fn a_number_is_itself_whether_a_container_declares_it_or_not() {
    let service = web(&json!({"ports": [{"name": "https", "port": 443, "targetPort": 4180}]}));
    let declares = pod("p", "10.0.0.9", 4180);
    assert_eq!(
        declared(&service.ports[0], &declares).map(|(number, by)| (number, by.map(|by| by.name.as_str()))),
        Some((4180, Some("web")))
    );
    assert_eq!(declared(&service.ports[0], &pod("q", "10.0.0.8", 1)).map(|(number, by)| (number, by.is_some())), Some((4180, false)));
}

#[test]
fn name_and_protocol_of_a_slices_port_must_be_the_services() {
    let service = web(&json!({"selector": null, "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}));
    let made = |name: &str, protocol: &str| json!({"metadata": {"name": "hand"}, "ports": [{"name": name, "port": 5353, "protocol": protocol}], "endpoints": [{"addresses": ["192.0.2.1"]}]});
    let number = |slice: Value| read(&service, &[slice], &[]).endpoints[0].port;
    assert_eq!(number(made("dns", "UDP")), Some(5353));
    assert_eq!(number(made("dns", "TCP")), None);
    assert_eq!(number(made("", "UDP")), None);
}

#[test]
fn conditions_that_are_left_out_read_as_the_api_has_it() {
    let service = web(&json!({"selector": null}));
    let endpoint = |conditions: Value| {
        let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 1}], "endpoints": [{"addresses": ["192.0.2.1"], "conditions": conditions}]});
        let target = read(&service, &[slice], &[]);
        let one = target.endpoints[0].clone();
        (one.ready, one.serving, one.terminating, target.serving().len())
    };
    assert_eq!(endpoint(json!({})), (true, true, false, 1));
    assert_eq!(endpoint(json!({"ready": false})), (false, false, false, 0));
    assert_eq!(endpoint(json!({"ready": false, "serving": true, "terminating": true})), (false, true, true, 1));
    // Only while it terminates does serving without ready count.
    assert_eq!(endpoint(json!({"ready": false, "serving": true})), (false, true, false, 0));
}

#[test]
fn duplicates_over_slices_are_merged() {
    let service = web(&json!({}));
    let twice = [slice("s1", Some(4180), &[("p", "10.88.131.5")]), slice("s2", Some(4180), &[("p", "10.88.131.5")])];
    assert_eq!(target(&service, &service.ports[0], Some(&twice), None).endpoints.len(), 1);
    let without = [slice("s1", None, &[("p", "10.88.131.5")]), slice("s2", Some(4180), &[("p", "10.88.131.5")])];
    let merged = target(&service, &service.ports[0], Some(&without), None);
    assert_eq!(merged.endpoints.iter().map(|endpoint| endpoint.port).collect::<Vec<_>>(), [Some(4180)]);
    assert!(!merged.pods_read);
}

#[test]
fn five_thousand_endpoints_in_fifty_slices_take_no_time() {
    let service = web(&json!({}));
    let address = |at: u32| format!("10.{}.{}.{}", 100 + at / 65_000, at / 250 % 250, at % 250 + 1);
    let pods: Vec<Pod> = (0..5_000).map(|at| pod(&format!("web-{at:04}"), &address(at), 4180)).collect();
    let names: Vec<(String, String)> = (0..5_000).map(|at| (format!("web-{at:04}"), address(at))).collect();
    let mut slices: Vec<Value> = names
        .chunks(100)
        .enumerate()
        .map(|(at, part)| {
            slice(&format!("s{at}"), Some(4180), &part.iter().map(|(pod, ip)| (pod.as_str(), ip.as_str())).collect::<Vec<_>>())
        })
        .collect();
    // One slice stands there twice, as while slices are rebalanced.
    slices.push(slices[7].clone());
    let begin = Instant::now();
    let read = read(&service, &slices, &pods);
    let pods_found = read.serving().iter().filter(|endpoint| endpoint.pod.as_deref().is_some_and(|name| read.pod(name).is_some())).count();
    assert_eq!((read.endpoints.len(), pods_found, read.disagreements.len()), (5_000, 5_000, 0));
    // Unoptimised, on a busy machine; every pod against every endpoint would take minutes.
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

#[test]
fn the_family_of_the_address_decides_which_endpoints_count() {
    let service = web(&json!({}));
    let six = json!({"metadata": {"name": "s6"}, "addressType": "IPv6", "ports": [{"name": "https", "port": 4180}], "endpoints": [{"addresses": ["fd00::5"]}]});
    let read = read(&service, &[slice("s4", Some(4180), &[("p", "10.88.131.5")]), six.clone()], &[pod("p", "10.88.131.5", 4180)]);
    assert_eq!((read.endpoints.len(), read.serving().len()), (2, 1));
    assert_eq!(read.serving_in(Some(Family::V6)).len(), 1);
    let only_six = super::target(&service, &service.ports[0], Some(&[six]), Some(&[]));
    assert!(only_six.serving().is_empty());
}

#[test]
fn without_slices_the_pods_own_specs_are_the_best_that_is_known() {
    let service = web(&json!({}));
    let mut gone = pod("q", "10.88.131.6", 4180);
    gone.phase = "Failed".to_owned();
    let read = target(&service, &service.ports[0], None, Some(&[pod("p", "10.88.131.5", 4180), gone]));
    let told: Vec<(Option<&str>, Option<u16>, &str)> = read.endpoints.iter().map(|e| (e.pod.as_deref(), e.port, e.from.as_str())).collect();
    assert_eq!(told, [(Some("p"), Some(4180), "pod spec")]);
    assert!(!read.slices_read);
}

#[test]
fn a_slice_left_behind_is_told_from_the_pods() {
    let service = web(&json!({}));
    let check = |slice: Value, pods: &[Pod], expected: &[Kind]| assert_eq!(kinds(&read(&service, &[slice], pods)), expected);
    let there = pod("p", "10.88.131.5", 4180);
    check(slice("s", Some(4180), &[("p", "10.88.131.5")]), std::slice::from_ref(&there), &[]);
    check(slice("s", Some(4180), &[("p", "10.88.131.5"), ("old", "10.88.131.4")]), std::slice::from_ref(&there), &[Kind::PodGone]);
    check(slice("s", Some(4180), &[("p", "10.88.131.4")]), std::slice::from_ref(&there), &[Kind::AddressDiffers]);
    check(slice("s", Some(4181), &[("p", "10.88.131.5")]), std::slice::from_ref(&there), &[Kind::NumberDiffers]);
    check(slice("s", Some(4180), &[]), std::slice::from_ref(&there), &[Kind::PodMissing]);
    let unready = Pod { ready: false, ..there };
    check(slice("s", Some(4180), &[("p", "10.88.131.5")]), &[unready], &[Kind::ReadyDiffers]);
}

#[test]
fn what_is_published_unready_is_no_difference() {
    let service = web(&json!({"publishNotReadyAddresses": true}));
    let unready = Pod { ready: false, ..pod("p", "10.88.131.5", 4180) };
    assert!(read(&service, &[slice("s", Some(4180), &[("p", "10.88.131.5")])], &[unready]).disagreements.is_empty());
}

#[test]
fn pods_on_the_hosts_network_share_an_address_and_none_is_missing() {
    let service = web(&json!({}));
    let both = [pod("p", "10.9.0.2", 4180), pod("q", "10.9.0.2", 4180)];
    let read = read(&service, &[slice("s", Some(4180), &[("p", "10.9.0.2"), ("q", "10.9.0.2")])], &both);
    assert_eq!((read.endpoints.len(), kinds(&read)), (1, Vec::new()));
}

#[test]
fn a_sidecar_that_an_older_kubernetes_does_not_look_at_is_no_delay() {
    let init = json!([{"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "https", "containerPort": 5}]}]);
    let sidecar = pod_with("p", "10.88.131.5", &json!([{"name": "web"}]), &init);
    assert!(read(&web(&json!({})), &[slice("s", None, &[("p", "10.88.131.5")])], &[sidecar]).disagreements.is_empty());
}

#[test]
fn a_slice_of_another_author_beside_a_selector_is_noted_only_when_it_adds_something() {
    let service = web(&json!({}));
    let made = |ip: &str| {
        json!({"metadata": {"name": "hand", "labels": {"endpointslice.kubernetes.io/managed-by": "staff"}},
        "ports": [{"name": "https", "port": 4180}], "endpoints": [{"addresses": [ip]}]})
    };
    let pods = [pod("p", "10.88.131.5", 4180)];
    let computed = slice("s", Some(4180), &[("p", "10.88.131.5")]);
    assert_eq!(kinds(&read(&service, &[computed.clone(), made("192.0.2.9")], &pods)), [Kind::ForeignSlice]);
    assert!(kinds(&read(&service, &[computed, made("10.88.131.5")], &pods)).is_empty());
}

#[test]
fn only_a_difference_that_stays_is_kept() {
    let service = web(&json!({}));
    let there = [pod("p", "10.88.131.5", 4180)];
    let first =
        read(&service, &[slice("s", Some(4180), &[("p", "10.88.131.5"), ("old", "10.88.131.4"), ("older", "10.88.131.3")])], &there);
    let later =
        read(&service, &[slice("t", Some(4180), &[("p", "10.88.131.5"), ("older", "10.88.131.3"), ("new", "10.88.131.9")])], &there);
    let kept = confirm(&first.disagreements, later.disagreements);
    assert_eq!(kept.iter().map(|one| one.pod.as_deref()).collect::<Vec<_>>(), [Some("older")]);
}

#[test]
fn a_hand_made_endpoint_is_a_pods_a_nodes_or_nobodys() {
    let service = web(&json!({"selector": null}));
    let addresses = ["10.88.133.5", "10.9.0.2", "10.88.133.77", "192.0.2.7"];
    let slice = json!({"metadata": {"name": "hand"}, "ports": [{"name": "https", "port": 4180}],
        "endpoints": addresses.map(|ip| json!({"addresses": [ip]}))});
    let mut read = target(&service, &service.ports[0], Some(&[slice]), None);
    let around = Surroundings::of(nodes());
    let asked = unaccounted(&service, &read, &around);
    assert_eq!(asked.len(), 4);
    assert!(asked[0].to_string().starts_with("10.88.133."), "pod networks first: {asked:?}");
    let looked_up: BTreeMap<IpAddr, Vec<Pod>> = asked
        .iter()
        .map(|ip| (*ip, if ip.to_string() == "10.88.133.5" { vec![pod("p", "10.88.133.5", 4180)] } else { Vec::new() }))
        .collect();
    hold(&service, &mut read, &looked_up, &around);
    let told = |ip: &str| {
        let endpoint = read.endpoints.iter().find(|endpoint| endpoint.ip.to_string() == ip).unwrap();
        (endpoint.holder.as_deref(), endpoint.dead.is_some())
    };
    assert_eq!(told("10.88.133.5"), (Some("pod a/p"), false));
    assert_eq!(told("10.9.0.2"), (Some("node n2"), false));
    assert_eq!(told("10.88.133.77"), (None, true));
    assert_eq!(told("192.0.2.7"), (None, false));
    assert!(read.pod("p").is_some(), "a pod that was found can be captured in");
}

#[test]
fn policy_local_leaves_each_node_its_own_pods() {
    let service = web(&json!({"externalTrafficPolicy": "Local"}));
    let mut read = read(&service, &[slice("s", Some(4180), &[("p", "10.88.131.5")])], &[pod("p", "10.88.131.5", 4180)]);
    read.reach = reach(&service, &read, &nodes());
    assert_eq!(read.hit_from("n2").len(), 1);
    assert!(read.hit_from("n1").is_empty());
    let local = &settings(&service, &service.ports[0], &read)[0];
    assert!(local.means.contains("these have one: n2"), "{}", local.means);
}

#[test]
fn hints_restrict_a_node_only_when_every_ready_endpoint_has_one_and_its_zone_is_served() {
    let service = web(&json!({"trafficDistribution": "PreferClose"}));
    let hinted = |zones: &[Option<&str>]| {
        let endpoints: Vec<Value> = zones
            .iter()
            .zip(1..)
            .map(|(zone, at)| json!({"addresses": [format!("10.88.131.{at}")], "hints": zone.map(|zone| json!({"forZones": [{"name": zone}]}))}))
            .collect();
        let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 1}], "endpoints": endpoints});
        let mut read = target(&service, &service.ports[0], Some(&[slice]), None);
        read.reach = reach(&service, &read, &nodes());
        (read.hit_from("n1").len(), read.hit_from("n3").len())
    };
    assert_eq!(hinted(&[Some("a"), Some("a"), Some("b")]), (2, 1));
    assert_eq!(hinted(&[Some("a"), Some("a"), None]), (3, 3));
    // No endpoint for zone b: its nodes send to all.
    assert_eq!(hinted(&[Some("a"), Some("c"), Some("c")]), (1, 3));
}

#[test]
fn hints_for_nodes_come_before_those_for_zones() {
    let service = web(&json!({"trafficDistribution": "PreferSameNode"}));
    let endpoint = |at: u8, node: &str, zone: &str| {
        json!({"addresses": [format!("10.88.131.{at}")],
        "hints": {"forNodes": [{"name": node}], "forZones": [{"name": zone}]}})
    };
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 1}],
        "endpoints": [endpoint(1, "n1", "a"), endpoint(2, "n2", "a"), endpoint(3, "n3", "b")]});
    let mut read = target(&service, &service.ports[0], Some(&[slice]), None);
    read.reach = reach(&service, &read, &nodes());
    assert_eq!(read.hit_from("n2").iter().map(|endpoint| endpoint.ip.to_string()).collect::<Vec<_>>(), ["10.88.131.2"]);
}

#[test]
fn settings_say_what_they_mean_and_defaults_say_nothing() {
    let plain = web(&json!({"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster"}));
    let none = read(&plain, &[], &[]);
    assert!(settings(&plain, &plain.ports[0], &none).is_empty());
    let set = objects::service(
        &json!({"metadata": {"namespace": "a", "name": "web", "annotations": {"service.kubernetes.io/topology-mode": "Auto"}},
        "spec": {"type": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"], "sessionAffinity": "ClientIP", "loadBalancerClass": "x/y",
        "allocateLoadBalancerNodePorts": false, "internalTrafficPolicy": "Local", "loadBalancerSourceRanges": ["10.0.0.0/8"], "publishNotReadyAddresses": true,
        "ports": [{"port": 443, "appProtocol": "https"}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1", "ipMode": "Proxy"}]}}}),
    );
    let told = settings(&set, &set.ports[0], &none);
    let names: Vec<&str> = told.iter().map(|setting| setting.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "loadBalancerClass",
            "ipMode",
            "ipFamilies",
            "loadBalancerSourceRanges",
            "internalTrafficPolicy",
            "sessionAffinity",
            "service.kubernetes.io/topology-mode",
            "publishNotReadyAddresses",
            "appProtocol",
            "allocateLoadBalancerNodePorts"
        ]
    );
    assert!(told.iter().all(|setting| !setting.means.is_empty() && !setting.means.ends_with('.')));
}

#[test]
fn a_typing_error_in_the_selector_is_seen() {
    let service = web(&json!({"selector": {"app": "web-server"}}));
    let labelled = |name: &str, app: &str| objects::pod(&json!({"metadata": {"name": name, "labels": {"app": app}}}));
    let read = read(&service, &[], &[labelled("p", "web-servr"), labelled("q", "database")]);
    assert_eq!(read.near_misses.keys().collect::<Vec<_>>(), ["p"]);
}

#[test]
fn workloads_are_matched_by_their_templates() {
    let service = web(&json!({}));
    let deployment = |name: &str, app: &str, replicas: u32, conditions: Value| {
        template(
            "Deployment",
            &json!({"metadata": {"name": name}, "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": app}}}},
            "status": {"conditions": conditions}}),
        )
    };
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods \"x\" is forbidden: exceeded quota: q"}]);
    let (matched, missed) = templates(
        &service.selector,
        vec![deployment("web", "web", 0, json!([])), deployment("wep", "wep", 2, json!([])), deployment("blocked", "web", 2, refused)],
    );
    assert_eq!(matched.iter().map(|one| (one.name.as_str(), one.desired)).collect::<Vec<_>>(), [("web", 0), ("blocked", 2)]);
    assert_eq!(matched[1].trouble, "FailedCreate: pods \"x\" is forbidden: exceeded quota: q");
    assert_eq!(missed.keys().collect::<Vec<_>>(), ["Deployment wep"]);
}

#[test]
fn garbage_reads_as_absent() {
    let service = web(&json!({}));
    let odd =
        [json!(7), json!({"endpoints": [{"addresses": ["name.example", 5, "10.0.0.300"]}], "ports": "x"}), json!({"endpoints": {"a": 1}})];
    assert!(target(&service, &service.ports[0], Some(&odd), Some(&[])).endpoints.is_empty());
}
