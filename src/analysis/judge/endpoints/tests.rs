//! Each rule in the situation that proves it, and in the one beside it that does not.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::{Case, judge};
use super::{explains, findings, sought_by};
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::Log;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::{Surroundings, hold, near_misses, target, template, templates};
use crate::model::connection::{Connection, Hop};
use crate::model::endpoint::Target;
use crate::model::finding::{Finding, Severity};
use crate::model::flow::Flow;
use crate::model::kubernetes::Pod;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech};
use crate::model::service::Service;

fn web(spec: &Value) -> Service {
    let mut whole = json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "selector": {"app": "web"},
        "ports": [{"name": "https", "port": 443, "targetPort": "https"}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}});
    if let (Some(all), Some(more)) = (whole["spec"].as_object_mut(), spec.as_object()) {
        all.extend(more.clone());
    }
    objects::service(&whole)
}

/// A pod of the Deployment whose name is the part before the dash; what `ready` is not says why.
fn pod(name: &str, ip: &str, ports: &Value, ready: bool) -> Value {
    let owner = format!("{}-5d4f", name.split('-').next().unwrap());
    json!({"metadata": {"namespace": "a", "name": name, "labels": {"app": "web"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": true}]},
        "spec": {"nodeName": "n2", "containers": [{"name": "web", "ports": ports, "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}}}]},
        "status": {"phase": "Running", "podIPs": [{"ip": ip}], "conditions": [
            {"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": "2026-11-24T10:00:00Z"}],
            "containerStatuses": [{"name": "web", "ready": ready, "started": true, "state": {"running": {}}}]}})
}

fn https(number: u16) -> Value {
    json!([{"name": "https", "containerPort": number}])
}

/// A slice of Kubernetes' own, or of somebody else.
fn slice(name: &str, by: &str, port: &Value, endpoints: &[(&str, &str, bool)]) -> Value {
    let endpoints: Vec<Value> = endpoints
        .iter()
        .map(|(pod, ip, ready)| {
            let pod = (!pod.is_empty()).then(|| json!({"kind": "Pod", "name": pod}));
            json!({"addresses": [ip], "nodeName": "n2", "conditions": {"ready": ready, "serving": ready}, "targetRef": pod})
        })
        .collect();
    json!({"metadata": {"name": name, "labels": {"endpointslice.kubernetes.io/managed-by": by}}, "ports": port, "endpoints": endpoints})
}

const OWN: &str = "endpointslice-controller.k8s.io";

fn numbered(number: u16) -> Value {
    json!([{"name": "https", "port": number, "protocol": "TCP"}])
}

fn read(service: &Service, slices: &[Value], pods: &[Value]) -> Target {
    let pods: Vec<Pod> = pods.iter().map(objects::pod).collect();
    target(service, &service.ports[0], Some(slices), Some(&pods))
}

/// One node that tells its pod network.
fn around() -> Surroundings {
    Surroundings::of(vec![objects::node(&json!({"metadata": {"name": "n3"}, "spec": {"podCIDRs": ["10.88.131.0/24"]}}))])
}

fn case<'a>(service: &'a Service, target: &'a Target, flow: Option<&'a Flow>) -> Case<'a> {
    Case { service, announcement: None, target: Some(target), flow, closer: None, gaps: &[] }
}

/// The first finding as (name, severity, first culprit); what follows it is looked at where a story needs it.
fn check(service: &Service, target: &Target, expected: (&str, Severity, &str)) -> Finding {
    let all = findings(&case(service, target, None), &Log::default());
    let first = all.first().unwrap_or_else(|| panic!("no finding, expected {expected:?}")).clone();
    assert_eq!((first.name.as_str(), first.severity, first.culprits[0].to_string().as_str()), expected, "{first:#?}");
    first
}

fn nothing(service: &Service, target: &Target) {
    let all = findings(&case(service, target, None), &Log::default());
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn a_healthy_service_has_no_finding() {
    let service = web(&json!({}));
    let there = [pod("web-1", "10.88.131.5", &https(4180), true)];
    nothing(&service, &read(&service, &[slice("s", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)])], &there));
}

#[test]
fn a_selector_that_matches_nothing_names_what_it_nearly_matches() {
    let service = web(&json!({"selector": {"app": "wbe"}}));
    let all: Vec<Pod> = [pod("web-1", "10.88.131.5", &https(4180), true)].iter().map(objects::pod).collect();
    let mut empty = read(&service, &[slice("s", OWN, &json!([]), &[])], &[]);
    empty.near_misses = near_misses(&service, &all, &empty);
    let found = check(&service, &empty, ("endpoints/selector-matches-nothing", Severity::Fail, "service/a/web"));
    assert!(found.evidence[1].contains("pod web-1 nearly matches: it has app=web, the selector wants app=wbe"), "{found:#?}");
}

#[test]
fn pods_in_another_namespace_are_named() {
    let service = web(&json!({}));
    let mut empty = read(&service, &[], &[]);
    empty.elsewhere = vec!["b".to_owned()];
    let found = check(&service, &empty, ("endpoints/selector-matches-nothing", Severity::Fail, "service/a/web"));
    assert!(found.evidence.iter().any(|line| line.contains("are in b")), "{found:#?}");
}

fn workload(kind: &str, replicas: u32, conditions: &Value) -> (BTreeMap<String, String>, crate::model::endpoint::Template) {
    template(
        kind,
        &json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "web"}}}},
        "status": {"conditions": conditions}}),
    )
}

#[test]
fn a_workload_that_is_scaled_to_0_is_the_culprit_and_not_the_selector() {
    let service = web(&json!({}));
    let mut empty = read(&service, &[], &[]);
    empty.templates = templates(&service.selector, vec![workload("Deployment", 0, &json!([]))]).0;
    let found = check(&service, &empty, ("endpoints/none-ready", Severity::Fail, "workload/a/web"));
    assert_eq!(found.summary, "Deployment web, whose pods the Service selects, is scaled to 0");
    let daemon = workload("DaemonSet", 3, &json!([]));
    empty.templates = templates(&service.selector, vec![daemon]).0;
    let found = check(&service, &empty, ("endpoints/none-ready", Severity::Fail, "workload/a/web"));
    assert!(found.evidence[1].contains("wanted on no node"), "{found:#?}");
}

#[test]
fn a_workload_that_may_not_make_pods_says_who_forbids_it() {
    let service = web(&json!({}));
    let mut empty = read(&service, &[], &[]);
    let refused =
        json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "forbidden: exceeded quota: tight"}]);
    empty.templates = templates(&service.selector, vec![workload("Deployment", 2, &refused)]).0;
    let found = check(&service, &empty, ("endpoints/none-ready", Severity::Fail, "workload/a/web"));
    assert!(found.summary.contains("cannot make any: FailedCreate: forbidden: exceeded quota: tight"), "{}", found.summary);
}

#[test]
fn pods_that_are_not_ready_are_told_with_probe_time_and_event() {
    let service = web(&json!({}));
    let all = [pod("web-1", "10.88.131.5", &https(4180), false), pod("web-2", "10.88.131.6", &https(4180), false)];
    let listed = [("web-1", "10.88.131.5", false), ("web-2", "10.88.131.6", false)];
    let mut none = read(&service, &[slice("s", OWN, &numbered(4180), &listed)], &all);
    let unhealthy = json!({"type": "Warning", "reason": "Unhealthy", "count": 9, "lastTimestamp": "2026-11-24T10:05:00Z",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 500"});
    none.pod_events.insert("web-1".to_owned(), vec![objects::event(&unhealthy)]);
    let found = check(&service, &none, ("endpoints/none-ready", Severity::Fail, "workload/a/web"));
    assert_eq!(found.culprits[1].to_string(), "pod/a/web-1/container/web");
    let proof = found.evidence.join("\n");
    for part in ["http-get :8080/healthz", "since 2026-11-24T10:00:00Z", "statuscode: 500", "9 times"] {
        assert!(proof.contains(part), "{part} in {proof}");
    }
}

#[test]
fn some_that_are_not_ready_are_noted_and_their_workload_only_when_all_of_it_is() {
    let service = web(&json!({}));
    let listed = [("web-1", "10.88.131.5", true), ("web-2", "10.88.131.6", false)];
    let both = [pod("web-1", "10.88.131.5", &https(4180), true), pod("web-2", "10.88.131.6", &https(4180), false)];
    let some = read(&service, &[slice("s", OWN, &numbered(4180), &listed)], &both);
    check(&service, &some, ("endpoints/some-not-ready", Severity::Info, "pod/a/web-2/container/web"));
    let others = [both[0].clone(), pod("canary-2", "10.88.131.6", &https(4180), false)];
    let listed = [listed[0], ("canary-2", "10.88.131.6", false)];
    let some = read(&service, &[slice("s", OWN, &numbered(4180), &listed)], &others);
    check(&service, &some, ("endpoints/some-not-ready", Severity::Info, "workload/a/canary"));
}

#[test]
fn what_is_published_unready_serves() {
    let service = web(&json!({"publishNotReadyAddresses": true}));
    let listed = [("web-1", "10.88.131.5", true)];
    let published = read(&service, &[slice("s", OWN, &numbered(4180), &listed)], &[pod("web-1", "10.88.131.5", &https(4180), false)]);
    let found = check(&service, &published, ("endpoints/some-not-ready", Severity::Info, "workload/a/web"));
    assert!(found.summary.contains("get traffic all the same"));
}

#[test]
fn a_port_name_that_no_pod_declares_is_missing() {
    let service = web(&json!({}));
    let none =
        read(&service, &[slice("s", OWN, &json!([]), &[("web-1", "10.88.131.5", true)])], &[pod("web-1", "10.88.131.5", &json!([]), true)]);
    check(&service, &none, ("endpoints/port-name-missing", Severity::Fail, "service/a/web/port/https"));
}

#[test]
fn a_port_name_that_some_pods_lack_warns_and_says_which() {
    let service = web(&json!({}));
    let slices = [
        slice("s1", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)]),
        slice("s2", OWN, &json!([]), &[("old-1", "10.88.131.6", true)]),
    ];
    let some = read(&service, &slices, &[pod("web-1", "10.88.131.5", &https(4180), true), pod("old-1", "10.88.131.6", &json!([]), true)]);
    let found = check(&service, &some, ("endpoints/port-name-missing", Severity::Warn, "service/a/web/port/https"));
    assert_eq!(found.scope.as_deref(), Some("old-1 get no traffic; web-1 serve"));
    assert_eq!(found.culprits[1].to_string(), "workload/a/old");
}

#[test]
fn a_port_that_the_pods_declare_for_the_other_protocol_is_a_mismatch() {
    let service = web(&json!({}));
    let udp = json!([{"name": "https", "containerPort": 4180, "protocol": "UDP"}]);
    let none =
        read(&service, &[slice("s", OWN, &json!([]), &[("web-1", "10.88.131.5", true)])], &[pod("web-1", "10.88.131.5", &udp, true)]);
    check(&service, &none, ("endpoints/protocol-mismatch", Severity::Fail, "service/a/web/port/https"));
    // A number that is declared for another protocol proves nothing: declaring is optional.
    let by_number = web(&json!({"ports": [{"name": "https", "port": 443, "targetPort": 4180}]}));
    nothing(
        &by_number,
        &read(
            &by_number,
            &[slice("s", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)])],
            &[pod("web-1", "10.88.131.5", &udp, true)],
        ),
    );
}

#[test]
fn one_name_for_two_numbers_is_noted() {
    let service = web(&json!({}));
    let slices = [
        slice("s1", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)]),
        slice("s2", OWN, &numbered(8443), &[("web-2", "10.88.131.6", true)]),
    ];
    let both = [pod("web-1", "10.88.131.5", &https(4180), true), pod("web-2", "10.88.131.6", &https(8443), true)];
    check(&service, &read(&service, &slices, &both), ("endpoints/port-name-differs", Severity::Info, "service/a/web/port/https"));
}

#[test]
fn without_a_selector_the_slice_is_what_has_to_be_changed() {
    let service = web(&json!({"selector": null}));
    let made = |port: &Value, ready: bool| read(&service, &[slice("hand", "staff", port, &[("", "192.0.2.9", ready)])], &[]);
    check(&service, &read(&service, &[], &[]), ("endpoints/none-ready", Severity::Fail, "service/a/web"));
    check(&service, &made(&numbered(4180), false), ("endpoints/none-ready", Severity::Fail, "endpointslice/a/hand"));
    check(
        &service,
        &made(&json!([{"name": "", "port": 4180}]), true),
        ("endpoints/port-name-missing", Severity::Fail, "endpointslice/a/hand"),
    );
    let udp = json!([{"name": "https", "port": 4180, "protocol": "UDP"}]);
    check(&service, &made(&udp, true), ("endpoints/protocol-mismatch", Severity::Fail, "endpointslice/a/hand"));
    // An address outside the cluster is somebody's server.
    nothing(&service, &made(&numbered(4180), true));
}

/// One hand-made endpoint for each address, those of which nobody is known looked up in vain.
fn hand_made(service: &Service, addresses: &[&str]) -> Target {
    let endpoints: Vec<(&str, &str, bool)> = addresses.iter().map(|ip| ("", *ip, true)).collect();
    let mut made = read(service, &[slice("hand", "staff", &numbered(4180), &endpoints)], &[]);
    let nobody: BTreeMap<IpAddr, Vec<Pod>> = addresses.iter().map(|ip| (ip.parse().unwrap(), Vec::new())).collect();
    hold(service, &mut made, &nobody, &around());
    made
}

#[test]
fn an_address_that_nobody_holds_fails_alone_and_warns_beside_others() {
    let service = web(&json!({"selector": null}));
    check(&service, &hand_made(&service, &["10.88.131.77"]), ("endpoints/address-of-no-pod", Severity::Fail, "endpointslice/a/hand"));
    let beside = hand_made(&service, &["10.88.131.77", "192.0.2.9"]);
    let found = check(&service, &beside, ("endpoints/address-of-no-pod", Severity::Warn, "endpointslice/a/hand"));
    assert!(found.scope.is_some_and(|scope| scope.contains("1 of 2 endpoints")));
    nothing(&service, &hand_made(&service, &["192.0.2.9"]));
}

/// A try from c1 that was translated to that endpoint.
fn connection(endpoint: &str, ending: Ending) -> Connection {
    let (client, pod): (IpAddr, IpAddr) = ("10.9.9.9".parse().unwrap(), endpoint.parse().unwrap());
    let attempt = Attempt { source: Some(client), source_port: 20_000, ending, ..Attempt::sample() };
    let hop = Hop { interface: "cni0".into(), ..Hop::sample("n2", Passage::Out, (client, 20_000), (pod, 4180)) };
    Connection::sample(attempt, vec![hop])
}

fn flow(connections: Vec<Connection>) -> Flow {
    let attempts = connections.iter().map(|connection| connection.attempt.clone()).collect();
    let probe = Probe { speech: Speech::Https, ..Probe::sample("10.0.0.1", attempts) };
    Flow { probes: vec![probe], connections, ..Flow::default() }
}

#[test]
fn tries_that_end_at_nobodys_address_prove_the_failure() {
    let service = web(&json!({"selector": null}));
    let beside = hand_made(&service, &["10.88.131.77", "192.0.2.9"]);
    let seen = flow(vec![connection("192.0.2.9", Ending::Answered), connection("10.88.131.77", Ending::ConnectTimeout)]);
    let judged = judge(&case(&service, &beside, Some(&seen)));
    let first = &judged.findings[0];
    assert_eq!((first.name.as_str(), first.severity), ("endpoints/address-of-no-pod", Severity::Fail), "{judged:#?}");
    assert_eq!(judged.findings.iter().filter(|finding| finding.name == first.name).count(), 1);
    assert!(!judged.gaps.iter().any(|gap| gap.decisive), "{:#?}", judged.gaps);
}

/// What n2 was seen to have in its neighbour table.
fn neighbours(text: &str) -> Closer {
    let place = Place::sample("n2", HostKind::Node);
    let state = place_state(place, &format!("=== neighbours\n{text}\n=== end 0\n"));
    Closer { states: vec![StatePair::unchanged(state)], again: Flow::default(), ..Closer::default() }
}

#[test]
fn where_the_api_knows_no_pod_network_a_node_that_asks_in_vain_proves_it() {
    let service = web(&json!({"selector": null}));
    let beside = hand_made(&service, &["192.0.2.77", "192.0.2.9"]);
    let failing = connection("192.0.2.77", Ending::ConnectTimeout);
    let seen = flow(vec![connection("192.0.2.9", Ending::Answered), failing.clone()]);
    let first = |closer: &Closer| {
        let whole = Case { closer: Some(closer), ..case(&service, &beside, Some(&seen)) };
        let judged = judge(&whole);
        let sought = sought_by(&whole, &[&Road::new(&whole, &failing, Vec::new())], "n2");
        (judged.findings.first().map(|finding| (finding.name.clone(), finding.severity)), sought.is_some())
    };
    let expected = ("endpoints/address-of-no-pod".to_owned(), Severity::Fail);
    assert_eq!(first(&neighbours("192.0.2.77 dev cni0 FAILED")), (Some(expected), true));
    // Somebody answers by ARP there: that nothing comes back has another reason.
    let (judged, sought) = first(&neighbours("192.0.2.77 dev eth0 lladdr 52:54:00:00:00:01 REACHABLE"));
    assert!(judged.is_none_or(|(name, _)| name != "endpoints/address-of-no-pod") && !sought);
}

#[test]
fn whoever_answers_holds_the_address() {
    let service = web(&json!({"selector": null}));
    let one = hand_made(&service, &["10.88.131.77"]);
    let seen = flow(vec![connection("10.88.131.77", Ending::Answered)]);
    assert!(findings(&case(&service, &one, Some(&seen)), &Log::default()).is_empty());
}

#[test]
fn a_pod_that_is_gone_and_still_listed_makes_the_slice_stale() {
    let service = web(&json!({}));
    let listed = [("web-1", "10.88.131.5", true), ("gone-1", "10.88.131.77", true)];
    let there = [pod("web-1", "10.88.131.5", &https(4180), true)];
    let mut left = read(&service, &[slice("s", OWN, &numbered(4180), &listed)], &there);
    check(&service, &left, ("endpoints/slice-stale", Severity::Warn, "endpointslice/a/s"));
    hold(&service, &mut left, &BTreeMap::from([("10.88.131.77".parse().unwrap(), Vec::new())]), &around());
    let found = check(&service, &left, ("endpoints/slice-stale", Severity::Warn, "endpointslice/a/s"));
    assert!(found.evidence[0].contains("was the address of pod gone-1, which is gone"), "{found:#?}");
    let failing = connection("10.88.131.77", Ending::HostUnreachable);
    let seen = flow(vec![failing.clone()]);
    let whole = case(&service, &left, Some(&seen));
    assert!(explains(&whole, &Road::new(&whole, &failing, Vec::new())));
    let judged = judge(&whole);
    assert_eq!((judged.findings[0].name.as_str(), judged.findings[0].severity), ("endpoints/slice-stale", Severity::Fail));
}

#[test]
fn ready_pods_that_no_slice_holds_are_withheld() {
    let service = web(&json!({}));
    let none = read(&service, &[slice("s", OWN, &numbered(4180), &[])], &[pod("web-1", "10.88.131.5", &https(4180), true)]);
    let found = check(&service, &none, ("endpoints/slice-stale", Severity::Fail, "service/a/web"));
    assert!(found.summary.contains("do not give them"));
    assert_eq!(findings(&case(&service, &none, None), &Log::default()).len(), 1);
}

#[test]
fn a_slice_of_another_author_beside_the_selector_is_only_noted() {
    let service = web(&json!({}));
    let slices = [
        slice("s", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)]),
        slice("hand", "staff", &numbered(4180), &[("", "192.0.2.9", true)]),
    ];
    let both = read(&service, &slices, &[pod("web-1", "10.88.131.5", &https(4180), true)]);
    check(&service, &both, ("endpoints/slice-stale", Severity::Info, "endpointslice/a/hand"));
}

#[test]
fn pods_without_an_address_of_the_family_serve_none_of_its_clients() {
    let mut service = web(&json!({"ipFamilies": ["IPv6"]}));
    service.addresses = vec!["fd00::1".parse().unwrap()];
    let four = [slice("s", OWN, &numbered(4180), &[("web-1", "10.88.131.5", true)])];
    let there = [pod("web-1", "10.88.131.5", &https(4180), true)];
    let found = check(&service, &read(&service, &four, &there), ("endpoints/none-ready", Severity::Fail, "service/a/web"));
    assert!(found.summary.contains("no pod has an IPv6 address"), "{}", found.summary);
    service.addresses.insert(0, "10.0.0.1".parse().unwrap());
    let found = check(&service, &read(&service, &four, &there), ("endpoints/none-ready", Severity::Warn, "service/a/web"));
    assert!(found.scope.is_some_and(|scope| scope.starts_with("clients with IPv6 at fd00::1")));
}

#[test]
fn only_terminating_pods_warn_while_they_serve_and_fail_when_they_do_not() {
    let service = web(&json!({}));
    let mut ending = pod("web-1", "10.88.131.5", &https(4180), true);
    ending["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z");
    let listed = |serving: bool| {
        json!({"metadata": {"name": "s", "labels": {"endpointslice.kubernetes.io/managed-by": OWN}}, "ports": numbered(4180),
        "endpoints": [{"addresses": ["10.88.131.5"], "conditions": {"ready": false, "serving": serving, "terminating": true}, "targetRef": {"kind": "Pod", "name": "web-1"}}]})
    };
    let serves = read(&service, &[listed(true)], std::slice::from_ref(&ending));
    check(&service, &serves, ("endpoints/none-ready", Severity::Warn, "workload/a/web"));
    ending["status"]["conditions"][0]["status"] = json!("False");
    let ended = read(&service, &[listed(false)], &[ending]);
    let found = check(&service, &ended, ("endpoints/none-ready", Severity::Fail, "workload/a/web"));
    assert!(found.summary.ends_with("terminating"), "{}", found.summary);
}

#[test]
fn what_could_not_be_read_is_never_called_absent() {
    let service = web(&json!({}));
    let unread = target(&service, &service.ports[0], None, None);
    nothing(&service, &unread);
    let slices_only = target(&service, &service.ports[0], Some(&[]), None);
    nothing(&service, &slices_only);
}

#[test]
fn what_the_kubelet_says_again_of_each_sandbox_is_told_once() {
    let said = |id: &str| {
        format!(
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"{id}\": plugin type=\"calico\" failed (add): cannot find a qualified ippool"
        )
    };
    let told = super::pods::plain(&said(&"a1".repeat(32)));
    assert_eq!(
        told,
        "Failed to create pod sandbox: failed to setup network for sandbox …: plugin type=\"calico\" failed (add): cannot find a qualified ippool"
    );
    assert_eq!(told, super::pods::plain(&said(&"b2".repeat(32))));
    assert_eq!(super::pods::plain("Readiness probe failed: HTTP 503 from 10.0.0.1"), "Readiness probe failed: HTTP 503 from 10.0.0.1");
}
