//! A pod that asks its own Service: led to itself over a port with hairpin off, and what is beside that.

use serde_json::json;

use super::{may_take, off};
use crate::analysis::judge::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::connection::{Connection, Hop};
use crate::model::finding::Finding;
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending};

const OWN: &str = "10.88.130.2";
const OTHER: &str = "10.88.131.3";

struct Given {
    /// Who is lost, and where the answered tries of the pod on n2 ended.
    lost: Vec<&'static str>,
    answered: Vec<&'static str>,
    serving: Vec<&'static str>,
    port: &'static str,
    rules: &'static str,
}

impl Default for Given {
    fn default() -> Self {
        let (port, rules) = ("master cni0 state UP \\    veth \\    bridge_slave state forwarding hairpin off guard off", OWN);
        Self { lost: vec![OWN; 3], answered: vec![OTHER; 3], serving: vec![OWN, OTHER], port, rules }
    }
}

fn place(pod: Option<(&str, &str)>) -> Place {
    let host = Host { name: "n2".into(), address: String::new(), kind: HostKind::Node };
    match pod {
        None => Place::Host(host),
        Some((name, ip)) => {
            Place::Pod { host, namespace: "a".into(), name: name.into(), ips: vec![ip.parse().unwrap()], container_ids: Vec::new() }
        }
    }
}

/// What is said, and whether the port may take what was lost.
fn judged(given: &Given) -> (Option<Finding>, bool) {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"name": "https", "port": 443, "targetPort": 4180}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    let endpoint = |ip: &&str| {
        let (node, name) = if *ip == OWN { ("n2", "own") } else { ("n3", "other") };
        json!({"addresses": [ip], "nodeName": node, "targetRef": {"kind": "Pod", "name": name}, "conditions": {"ready": true, "serving": true}})
    };
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 4180, "protocol": "TCP"}],
        "endpoints": given.serving.iter().map(endpoint).collect::<Vec<_>>()});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let node = format!(
        "=== links\n5: cni0: <UP,LOWER_UP> mtu 1450 state UP \\    bridge\n6: veth1@if2: <UP,LOWER_UP> mtu 1450 {}\n=== end 0\n\
         === iptables\n*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A\n\
         -A KUBE-SVC-A -j KUBE-SEP-1\n-A KUBE-SEP-1 -p tcp -j DNAT --to-destination {}:4180\nCOMMIT\n=== end 0\n",
        given.port, given.rules
    );
    let states = vec![
        StatePair::unchanged(place_state(place(None), &node)),
        StatePair::unchanged(place_state(
            place(Some(("own", OWN))),
            "=== links\n2: eth0@if6: <UP,LOWER_UP> mtu 1450 state UP\n=== end 0\n",
        )),
    ];
    let connection = |(number, source, to, ending): (usize, &str, Option<&str>, Ending)| {
        let port = 20_000 + u16::try_from(number).unwrap();
        let from = (source.parse().unwrap(), port);
        let mut hops = vec![Hop::sample("n2", Passage::In, from, ("10.0.0.1".parse().unwrap(), 443))];
        hops.extend(to.map(|to| Hop::sample("n2", Passage::Out, from, (to.parse().unwrap(), 4180))));
        Connection::sample(Attempt { source: Some(from.0), source_port: port, ending, ..Attempt::sample() }, hops)
    };
    let lost = given.lost.iter().map(|source| (*source, None, Ending::ConnectTimeout));
    let all = lost.chain(given.answered.iter().map(|to| (OWN, Some(*to), Ending::Answered)));
    let connections = all.enumerate().map(|(number, (source, to, ending))| connection((number, source, to, ending))).collect();
    let closer = Closer { states, again: Flow { connections, ..Flow::default() }, ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: None, closer: Some(&closer), gaps: &[] };
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    (off(&case, &closer.states[0], "n2", &failing), may_take(&case, &closer.states[0], "n2", &failing).is_some())
}

#[test]
fn what_is_led_back_to_itself_is_lost_at_its_port() {
    let (found, _) = judged(&Given::default());
    let found = found.unwrap();
    assert_eq!((found.name.as_str(), found.culprits[0].to_string().as_str()), ("node/hairpin-off", "node/n2/interface/veth1"));
    assert!(found.next.contains("bridge link set dev veth1 hairpin on"), "{}", found.next);
    assert!(found.evidence[1].contains("none of its 3 answered tries went there"), "{:?}", found.evidence);
    // It is the only endpoint: every try is led to itself.
    let (found, _) = judged(&Given { answered: Vec::new(), serving: vec![OWN], ..Given::default() });
    assert!(found.unwrap().evidence[1].contains("lead to 10.88.130.2 alone"));
}

#[test]
fn others_are_not_lost_for_that() {
    let on = "master cni0 state UP \\    veth \\    bridge_slave state forwarding hairpin on guard off";
    let beside = [
        // Hairpin is on, or the pod's link is no port of a bridge.
        (Given { port: on, ..Given::default() }, false),
        (Given { port: "state UP \\    veth", ..Given::default() }, false),
        // It was led to itself and answered; nothing else was answered although others serve; the rules do not lead to it.
        (Given { answered: vec![OTHER, OWN], ..Given::default() }, true),
        (Given { answered: Vec::new(), ..Given::default() }, true),
        (Given { rules: OTHER, ..Given::default() }, true),
        // Another pod is lost too, which is no endpoint; one try alone.
        (Given { lost: vec![OWN, "10.88.130.9"], ..Given::default() }, true),
        (Given { lost: vec![OWN], ..Given::default() }, true),
    ];
    for (number, (given, may)) in beside.iter().enumerate() {
        let (found, takes) = judged(given);
        assert!(found.is_none(), "{number}: {found:#?}");
        assert_eq!(takes, *may, "{number}");
    }
}
