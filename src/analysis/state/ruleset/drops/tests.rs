//! Rules that packets come to, and those beside them that they do not.

use std::collections::BTreeMap;

use super::{drops, undecided};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::place::{HostKind, Place};

/// A request for a Service's address that came in on `mlb`.
fn request() -> Fields {
    Fields {
        source: Some("10.88.192.50".parse().unwrap()),
        destination: Some("10.88.64.100".parse().unwrap()),
        protocol: "tcp".into(),
        source_port: Some(20001),
        destination_port: Some(443),
        input: Some("mlb".into()),
        state: Some("NEW".into()),
        mark: Some(0),
        ..Fields::default()
    }
}

/// A node with the address 10.88.64.11 and one dump.
fn state(section: &str, dump: String) -> PlaceState {
    let addresses = "2: mlb    inet 10.88.64.11/24 brd 10.88.64.255 scope global mlb".to_owned();
    let place = Place::sample("n1", HostKind::Node);
    PlaceState::new(place, [(section.to_owned(), dump), ("addresses".to_owned(), addresses)].into(), BTreeMap::new())
}

fn check(pair: &StatePair, expected: &[(&str, Match)], about: &str) {
    let found: Vec<(String, Match)> = drops(pair, &[request()]).into_iter().map(|drop| (drop.path, drop.matched)).collect();
    let expected: Vec<(String, Match)> = expected.iter().map(|(path, how)| ((*path).to_owned(), *how)).collect();
    assert_eq!(found, expected, "{about}");
}

/// Rules of the table filter, all of whose counters grew.
fn check_iptables(rules: &str, expected: &[(&str, Match)]) {
    let chains = [":BLOCKED - [0:0]", ":KUBE-POD-FW-X - [0:0]", ":KUBE-FORWARD - [0:0]"].join("\n");
    let dump = |count: u64| {
        let rules = rules.lines().map(|rule| format!("[{count}:0] -A {rule}")).collect::<Vec<_>>().join("\n");
        format!("*filter\n:INPUT DROP [{count}:0]\n:FORWARD ACCEPT [{count}:0]\n{chains}\n{rules}\nCOMMIT\n")
    };
    check(&StatePair { before: state("iptables", dump(1)), after: state("iptables", dump(9)) }, expected, rules);
}

#[test]
fn a_rule_counts_only_where_the_packet_comes_to_it() {
    check_iptables("FORWARD -i mlb -j DROP", &[("filter/FORWARD/1", Match::Yes)]);
    // What is for the host itself is no matter of a forwarded packet, be it a rule or a policy.
    check_iptables("INPUT -j DROP", &[]);
    check_iptables("FORWARD -s 10.88.192.0/24 -j ACCEPT\nFORWARD -j REJECT", &[]);
    check_iptables("FORWARD -s 10.1.0.0/16 -j BLOCKED\nBLOCKED -j DROP", &[]);
    check_iptables("FORWARD -s 10.88.0.0/16 -j BLOCKED\nBLOCKED -j DROP", &[("filter/BLOCKED/1", Match::Yes)]);
    check_iptables("FORWARD -m set --match-set friends src -j ACCEPT\nFORWARD -j DROP", &[("filter/FORWARD/2", Match::Maybe)]);
    // A request may be taken for a packet of no connection.
    check_iptables("FORWARD -m conntrack --ctstate INVALID -j DROP", &[("filter/FORWARD/1", Match::Maybe)]);
}

#[test]
fn policies_enforced_by_kube_router_are_not_kube_proxys() {
    check_iptables("FORWARD -j KUBE-POD-FW-X\nKUBE-POD-FW-X -j REJECT", &[("filter/KUBE-POD-FW-X/1", Match::Yes)]);
    check_iptables("FORWARD -j KUBE-FORWARD\nKUBE-FORWARD -j DROP", &[]);
}

fn table(family: &str, chains: &str) -> StatePair {
    StatePair::unchanged(state("nft", format!("table {family} guard {{\n{chains}\n}}\n")))
}

fn check_nft(chains: &str, expected: &[(&str, Match)]) {
    check(&table("inet", chains), expected, chains);
}

fn chain(hook: &str, policy: &str, rules: &str) -> String {
    format!("chain c {{\ntype filter hook {hook}; policy {policy};\n{rules}\n}}\n")
}

#[test]
fn a_rule_without_a_counter_is_named_only_where_the_packet_surely_comes_to_it() {
    let found = [("inet-guard/c/1", Match::Yes)];
    check_nft(&chain("prerouting priority raw", "accept", "ip saddr 10.88.192.0/24 drop"), &found);
    check_nft(&chain("forward priority filter", "accept", "iifname \"mlb\" drop"), &found);
    // Forwarded packets never come to the host's own chains.
    check_nft(&chain("input priority filter", "drop", "drop"), &[]);
    check_nft(&chain("prerouting priority raw", "accept", "ip saddr 10.0.0.0/8 accept\ndrop"), &[]);
    check_nft(&chain("prerouting priority raw", "accept", "ct state vmap { new : accept, invalid : drop }\ndrop"), &[]);
}

#[test]
fn named_sets_and_policies_take_what_they_hold() {
    let set = "set blocked {\ntype ipv4_addr\nflags interval\nelements = { 203.0.113.0/24, 10.88.192.0/25 }\n}\n";
    check_nft(
        &format!("{set}{}", chain("prerouting priority -250", "accept", "ip saddr @blocked drop")),
        &[("inet-guard/c/1", Match::Yes)],
    );
    check_nft(&chain("prerouting priority raw", "drop", "ip saddr 192.0.2.0/24 accept"), &[("inet-guard/c/policy", Match::Yes)]);
}

#[test]
fn a_chain_that_others_jump_to_is_as_sure_as_the_jump() {
    let jump = |rule: &str| format!("chain blocked {{\ndrop\n}}\n{}", chain("prerouting priority raw", "accept", rule));
    check_nft(&jump("ip saddr 192.0.2.0/24 jump blocked"), &[]);
    check_nft(&jump("ip saddr 10.88.192.50 jump blocked"), &[("inet-guard/blocked/1", Match::Yes)]);
}

#[test]
fn chains_of_one_interface_and_of_bridges() {
    let ingress = |device: &str| {
        table("netdev", &chain(&format!("ingress device \"{device}\" priority 0"), "accept", "ip saddr 10.88.192.0/24 drop"))
    };
    check(&ingress("mlb"), &[("netdev-guard/c/1", Match::Yes)], "its own");
    check(&ingress("eth0"), &[], "another one's");
    let bridge = table("bridge", &chain("forward priority 0", "accept", "ip saddr 10.88.192.0/24 drop"));
    check(&bridge, &[], "nobody knows whether it came by");
    assert_eq!(undecided(&bridge, &[request()]).rules.len(), 1);
}

#[test]
fn a_rule_that_surely_takes_the_packet_and_counts_nothing_is_open_until_it_is_named() {
    let pair = table("inet", &chain("forward priority 0", "accept", "ip saddr 10.88.192.0/24 drop"));
    assert_eq!(undecided(&pair, &[request()]).rules.len(), 1);
    let other = table("inet", &chain("forward priority 0", "accept", "ip saddr 192.0.2.0/24 drop"));
    assert!(undecided(&other, &[request()]).is_nothing());
}

#[test]
fn a_rule_that_may_take_the_packet_stays_undecided() {
    let pair = table("inet", &chain("forward priority 0", "accept", "fib saddr . iif oif missing drop"));
    assert!(drops(&pair, &[request()]).is_empty());
    assert_eq!(undecided(&pair, &[request()]).rules.len(), 1);
}
