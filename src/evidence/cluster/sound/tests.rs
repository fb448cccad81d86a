//! What cannot be an object, kind by kind, and that what real clusters give always can.

use serde_json::json;

use super::*;

fn why(plural: &str, namespace: Option<&str>, object: &Value) -> Option<String> {
    flaw(&Kind::core(plural), namespace, object)
}

fn pod() -> Value {
    json!({"metadata": {"name": "speaker-1", "namespace": "m", "labels": {"a": "b"}}, "spec": {"nodeName": "n1", "containers": [
        {"name": "speaker", "image": "x", "ports": [{"containerPort": 7472}]}]}, "status": {"podIPs": [{"ip": "10.0.0.1"}], "phase": "Running"}})
}

/// The pod with something else at a place.
fn with(pointer: &str, value: Value) -> Value {
    let mut pod = pod();
    *pod.pointer_mut(pointer).unwrap() = value;
    pod
}

#[test]
fn an_object_has_a_name_and_is_where_it_was_asked_for() {
    assert_eq!(why("pods", Some("m"), &pod()), None);
    assert_eq!(why("pods", None, &pod()), None);
    let refused = |object: Value| why("pods", Some("m"), &object).unwrap();
    assert_eq!(refused(json!({})), "has no metadata");
    assert_eq!(refused(json!("speaker-1")), "is a text");
    assert_eq!(refused(json!({"metadata": {"namespace": "m"}})), "has no name");
    assert_eq!(refused(with("/metadata/name", json!(7))), "has a number for a name");
    assert_eq!(refused(with("/metadata/name", json!(""))), "has a name that no object can have");
    assert_eq!(refused(with("/metadata/name", json!("a\u{1b}[2J"))), "has a name that no object can have");
    assert_eq!(refused(with("/metadata/namespace", json!("other"))), "is not in the namespace m");
    assert_eq!(refused(with("/metadata/namespace", json!(["m"]))), "has an array for a namespace");
    assert_eq!(why("pods", None, &json!({"metadata": {"name": "a"}})).unwrap(), "is in no namespace");
    assert_eq!(why("nodes", None, &json!({"metadata": {"name": "n1"}})), None);
}

#[test]
fn a_field_that_is_read_has_its_type() {
    for (pointer, value, told) in [
        ("/metadata/labels", json!({"a": 1}), "has something other than texts at metadata.labels"),
        ("/spec/nodeName", json!(1), "has a number at spec.nodeName"),
        ("/spec/containers", json!({}), "has an object at spec.containers[]"),
        ("/spec/containers/0", json!([]), "has an array at spec.containers[]"),
        ("/spec/containers/0/name", Value::Null, "has nothing at spec.containers[].name"),
        ("/spec/containers/0/ports/0/containerPort", json!(70_000), "has the number 70000 at spec.containers[].ports[].containerPort"),
        ("/spec/containers/0/ports/0/containerPort", json!("7472"), "has a text at spec.containers[].ports[].containerPort"),
        ("/status/podIPs/0/ip", json!("10.0.0.999"), "has `10.0.0.999` at status.podIPs[].ip"),
        ("/status", json!("Running"), "has a text at status"),
    ] {
        assert_eq!(why("pods", Some("m"), &with(pointer, value)).as_deref(), Some(told));
    }
    assert_eq!(why("pods", Some("m"), &with("/spec/nodeName", Value::Null)), None, "null is absent");
    let service = json!({"metadata": {"name": "web", "namespace": "m"}, "spec": {"type": "LoadBalancer", "ports": [{"port": "443"}]}});
    assert_eq!(why("services", Some("m"), &service).as_deref(), Some("has a text at spec.ports[].port"));
    let slice = |address: &str, port: u16, kind: &str| {
        let slice = json!({"metadata": {"name": "web-1", "namespace": "m"}, "addressType": kind, "ports": [{"port": port}],
            "endpoints": [{"addresses": [address]}]});
        why("endpointslices", Some("m"), &slice)
    };
    assert_eq!((slice("10.0.0.1", 443, "IPv4"), slice("fd00::1", 443, "IPv6"), slice("a.example", 443, "FQDN")), (None, None, None));
    assert_eq!(slice("not-an-ip", 443, "IPv4").as_deref(), Some("has `not-an-ip` at endpoints[].addresses[]"));
    assert_eq!(slice("999.1.1.1", 443, "IPv4").as_deref(), Some("has `999.1.1.1` at endpoints[].addresses[]"));
    assert_eq!(slice("10.0.0.1", 0, "IPv4").as_deref(), Some("has the number 0 at ports[].port"));
    assert_eq!(
        why("pods", Some("m"), &with("/spec/containers/0/ports/0/containerPort", json!(0))).as_deref(),
        Some("has the number 0 at spec.containers[].ports[].containerPort")
    );
    let policy = json!({"metadata": {"name": "p", "namespace": "m"}, "spec": {"ingress": [{"from": [{"ipBlock": {"cidr": "all"}}]}]}});
    assert_eq!(why("networkpolicies", Some("m"), &policy).as_deref(), Some("has `all` at spec.ingress[].from[].ipBlock.cidr"));
}

#[test]
fn a_kind_that_is_told_is_the_one_that_was_asked_for() {
    for (kind, plural) in [
        ("Pod", "pods"),
        ("EndpointSlice", "endpointslices"),
        ("NetworkPolicy", "networkpolicies"),
        ("ServiceL2Status", "servicel2statuses"),
        ("ServiceBGPStatus", "servicebgpstatuses"),
        ("IPAddressPool", "ipaddresspools"),
        ("BGPPeer", "bgppeers"),
        ("Endpoints", "endpoints"),
    ] {
        assert!(is_kind(kind, plural), "{kind}");
    }
    let status = json!({"kind": "Status", "metadata": {"name": "x"}});
    assert_eq!(why("nodes", None, &status).unwrap(), "is of the kind Status");
}

#[test]
fn a_list_leaves_garbage_out_and_says_how_much() {
    let objects = vec![pod(), json!({}), json!(1), with("/metadata/name", json!(5)), with("/spec/nodeName", json!(5)), json!(null)];
    let query = ListQuery::within(Kind::core("pods"), "m");
    let list = sift(&query, "list pods in m", List::whole(objects));
    assert_eq!(list.objects, [pod()]);
    let error = list.lacks.unwrap();
    assert_eq!(error.kind, ErrorKind::Garbled);
    assert_eq!(
        error.reason,
        "5 of 6 cannot be pods: one without a name has no metadata, one without a name is a number, m/one without a name has a number for a name, …"
    );
    assert_eq!(sift(&query, "list pods in m", List::whole(vec![pod()])), List::whole(vec![pod()]));
}

#[test]
fn an_object_is_the_one_that_was_asked_for() {
    let query = |name: &str| ObjectQuery { kind: Kind::core("pods"), namespace: Some("m".to_owned()), name: name.to_owned() };
    assert_eq!(checked(&query("speaker-1"), "get", pod()), Ok(pod()));
    let error = checked(&query("speaker-2"), "get pods m/speaker-2", pod()).unwrap_err();
    assert_eq!((error.kind, error.reason.as_str()), (ErrorKind::Garbled, "what came cannot be that object: it is speaker-1"));
}

#[test]
fn what_the_api_always_fills_in_is_never_left_to_a_default() {
    let service = |spec: Value| json!({"metadata": {"name": "web", "namespace": "a"}, "spec": spec});
    let kind = Kind::core("services");
    assert_eq!(flaw(&kind, Some("a"), &service(json!({"type": "LoadBalancer"}))), None);
    let none = json!({"metadata": {"name": "web", "namespace": "a"}});
    for without in [service(json!({})), service(Value::Null), service(json!({"type": ""})), none] {
        let flaw = flaw(&kind, Some("a"), &without).unwrap_or_default();
        assert!(flaw.contains("at spec.type"), "{without}: {flaw}");
    }
}
