//! A node whose kube-proxy knows the address and not the port that is asked, beside nodes that know it.

use serde_json::json;

use super::{down, not_programmed};
use crate::analysis::judge::Case;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::place::{HostKind, Place};

fn state(node: &str, sections: &str) -> PlaceState {
    place_state(Place::sample(node, HostKind::Node), sections)
}

/// kube-proxy's chains with rules for these ports of the address, each as `tcp 443`.
fn chains(ports: &[(&str, u16)]) -> String {
    let rule = |(protocol, port): &(&str, u16)| {
        format!("-A KUBE-SERVICES -d 10.0.0.1/32 -p {protocol} -m {protocol} --dport {port} -j KUBE-EXT-{port}\n")
    };
    let rules = ports.iter().map(rule).collect::<Vec<_>>().concat();
    format!(
        "=== iptables\n*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n{rules}COMMIT\n=== end 0\n"
    )
}

/// The table of IPVS with servers for these ports of the address.
fn servers(ports: &[(&str, u16)]) -> String {
    let server = |(protocol, port): &(&str, u16)| format!("{}  0A000001:{port:04X} rr\n", protocol.to_uppercase());
    let servers = ports.iter().map(server).collect::<Vec<_>>().concat();
    format!(
        "=== iptables\n*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT\nCOMMIT\n=== end 0\n\
        === ipvs-table\n{servers}=== end 0\n"
    )
}

/// What is said of port 8443/TCP on n2: the finding's name and summary, and the evidence.
fn of(n2: &str, n3: &str) -> Option<(String, String, Vec<String>)> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"name": "https", "port": 443, "targetPort": 4180}, {"name": "alt", "port": 8443, "targetPort": 4180}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    let target = target(&service, &service.ports[1], Some(&[]), Some(&[]));
    let states = vec![StatePair::unchanged(state("n2", n2)), StatePair::unchanged(state("n3", n3))];
    let closer = Closer { states, ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: None, closer: Some(&closer), gaps: &[] };
    let pair = &closer.states[0];
    let found = down(&case, pair, "n2").or_else(|| not_programmed(&case, pair, "n2"))?;
    Some((found.name, found.summary, found.evidence))
}

#[test]
fn a_port_that_one_node_does_not_know_is_named_with_those_that_do() {
    let both = [("tcp", 443), ("tcp", 8443)];
    let (name, summary, evidence) = of(&chains(&both[..1]), &chains(&both)).unwrap();
    assert_eq!((name.as_str(), summary.as_str()), ("node/not-programmed", "n2's kube-proxy has no rule for 10.0.0.1:8443/tcp"));
    assert_eq!(evidence[1], "the rules on n2 know 443/tcp of 10.0.0.1 alone; 10.0.0.1:8443/tcp stands in those of n3");
    let (name, summary, _) = of(&servers(&both[..1]), &servers(&both)).unwrap();
    assert_eq!((name.as_str(), summary.as_str()), ("node/not-programmed", "n2's kube-proxy has no rule for 10.0.0.1:8443/tcp"));
    for whole in [chains(&both), servers(&both)] {
        assert_eq!(of(&whole, &whole), None);
    }
}

#[test]
fn the_same_number_of_the_other_protocol_is_another_port() {
    let (_, summary, evidence) = of(&chains(&[("udp", 8443)]), &chains(&[])).unwrap();
    assert_eq!(summary, "n2's kube-proxy has no rule for 10.0.0.1:8443/tcp");
    assert_eq!(evidence[1], "the rules on n2 know 8443/udp of 10.0.0.1 alone");
}

#[test]
fn a_kube_proxy_that_was_stopped_before_the_port_was_added() {
    let stopped = format!("{}=== processes\nkube-proxy T\n=== end 0\n", chains(&[("tcp", 443)]));
    let (name, summary, _) = of(&stopped, "").unwrap();
    assert_eq!(
        (name.as_str(), summary.as_str()),
        ("node/proxy-down", "kube-proxy does not work on n2, and has no rule there for 10.0.0.1:8443/tcp")
    );
}

#[test]
fn without_any_rule_for_the_address_the_address_is_named() {
    let (name, summary, _) = of(&chains(&[]), &chains(&[("tcp", 8443)])).unwrap();
    assert_eq!(
        (name.as_str(), summary.as_str()),
        ("node/not-programmed", "n2 does not translate the address: KUBE-SERVICES has no rule for the address")
    );
}
