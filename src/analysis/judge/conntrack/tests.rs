//! Entries of the connection table that lead a flow astray, and those beside them that do not. The lab cannot give a probe's new
//! source ports an old entry; the lines have the form that conntrack 1.4.8 prints there.

use serde_json::json;

use super::{full, stale};
use crate::analysis::judge::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::connection::Connection;
use crate::model::flow::Flow;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Vantage};

const RULES: &str = "=== iptables\n*nat\n:KUBE-SERVICES - [0:0]\n\
    -A KUBE-SERVICES -d 10.0.0.1/32 -p udp -m udp --dport 53 -j KUBE-EXT-A\n-A KUBE-EXT-A -j KUBE-SVC-A\n-A KUBE-SVC-A -j KUBE-SEP-A\n\
    -A KUBE-SEP-A -p udp -m udp -j DNAT --to-destination 10.88.131.5:5353\nCOMMIT\n=== end 0\n";

fn entry(answered_by: &str, port: u16) -> String {
    format!(
        "=== conntrack\nudp      17 29 src=10.9.9.9 dst=10.0.0.1 sport=20000 dport=53 [UNREPLIED] src={answered_by} dst=10.9.9.9 \
         sport={port} dport=20000 mark=0 use=1\n=== end 0\n"
    )
}

fn state(sections: &str) -> crate::analysis::state::place_state::PlaceState {
    place_state(Place::sample("n2", HostKind::Node), sections)
}

/// What is said of a try from port 20000 with these dumps before it and after it.
fn check(before: &str, after: &str, expected: Option<&str>) {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "dns"}, "spec": {"type": "LoadBalancer",
        "ports": [{"name": "dns", "port": 53, "targetPort": 5353, "protocol": "UDP"}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "dns", "port": 5353, "protocol": "UDP"}],
        "endpoints": [{"addresses": ["10.88.131.5"], "conditions": {"ready": true, "serving": true}}]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let attempt = Attempt { source: "10.9.9.9".parse().ok(), source_port: 20_000, ..Attempt::sample() };
    let connection = Connection { vantage: Vantage::Ssh("c1".into()), attempt, hops: Vec::new(), pod: None, not_joined: None };
    let again = Flow { connections: vec![connection.clone()], ..Flow::default() };
    let closer = Closer { again, ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: None, closer: Some(&closer), gaps: &[] };
    // The same in the first round, before which nothing was read.
    let first = Road::new(&case, &connection, Vec::new());
    let road = Road::new(&case, &closer.again.connections[0], Vec::new());
    let pair = StatePair { before: state(before), after: state(after) };
    assert_eq!(stale(&case, &pair, "n2", &[&first]), None);
    let found = stale(&case, &pair, "n2", &[&road]);
    assert_eq!(
        found.as_ref().map(|finding| (finding.name.as_str(), finding.culprits[0].to_string())),
        expected.map(|name| (name, "node/n2".to_owned()))
    );
}

#[test]
fn an_entry_that_leads_to_a_pod_that_is_gone() {
    let with = |entry: &str| format!("{RULES}{entry}");
    let gone = with(&entry("10.88.131.99", 5353));
    check(&gone, &gone, Some("node/conntrack-stale"));
    // To a present endpoint, to no other flow's, and where the rules themselves are not known.
    let present = with(&entry("10.88.131.5", 5353));
    check(&present, &present, None);
    let others = gone.replace("sport=20000", "sport=20001");
    check(&others, &others, None);
    check(&entry("10.88.131.99", 5353), &entry("10.88.131.99", 5353), None);
}

#[test]
fn an_entry_that_a_rule_has_just_made_is_not_stale() {
    check(RULES, &format!("{RULES}{}", entry("10.88.131.99", 5353)), None);
    // Not even an old one, while the rule that made it is there.
    let rule = "[0:0] -A PREROUTING -d 10.0.0.1/32 -j DNAT --to-destination 10.88.131.99\n-A KUBE-SERVICES -d";
    let led = format!("{}{}", RULES.replace(":KUBE-SERVICES", ":PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES"), entry("10.88.131.99", 5353));
    let led = led.replacen("-A KUBE-SERVICES -d", rule, 1);
    check(&led, &led, None);
}

#[test]
fn an_untranslated_entry_is_stale_only_when_it_is_old() {
    let with_entry = format!("{RULES}{}", entry("10.0.0.1", 53));
    check(&with_entry, &with_entry, Some("node/conntrack-stale"));
    check(RULES, &with_entry, None);
}

#[test]
fn a_full_table() {
    let settings = |count: u32| {
        let text = format!("=== settings\nnet/netfilter/nf_conntrack_count = {count}\nnet/netfilter/nf_conntrack_max = 1000\n=== end 0\n");
        StatePair { before: state(&text), after: state(&text) }
    };
    assert!(full(&settings(1000), "n2", &[]).is_some());
    assert!(full(&settings(500), "n2", &[]).is_none());
}
