//! Rulesets as nft prints them, and what of them a packet comes to.

use super::*;
use crate::model::place::{Host, HostKind, Place};
use crate::model::state::PlaceState;

const RULESET: &str = r#"table inet guard {
	set blocked {
		type ipv4_addr
		flags interval
		elements = { 10.88.192.0/24, 192.0.2.1 timeout 1h,
			     198.51.100.0/25 }
	}

	chain in {
		type filter hook prerouting priority raw; policy accept;
		ip saddr 10.88.192.0/24 tcp dport 443 counter packets 24 bytes 1440 drop
		iifname "eth0" udp dport { 4789, 8472 } drop
		ip saddr @blocked drop
		ip saddr @nobodys drop
		meta nfproto ipv6 log prefix "drop this " accept comment "do not drop"
	}
}
# Warning: table ip raw is managed by iptables-nft, do not touch!
table ip raw {
	chain PREROUTING {
		type filter hook prerouting priority raw; policy accept;
		ip saddr 1.2.3.4 drop
	}
}
"#;

fn request() -> Fields {
    Fields {
        source: Some("10.88.192.50".parse().unwrap()),
        destination: Some("10.88.64.100".parse().unwrap()),
        protocol: "tcp".into(),
        destination_port: Some(443),
        untranslated: true,
        ..Fields::default()
    }
}

#[test]
fn rules_are_read_with_their_counters_and_sets() {
    let all = ruleset(RULESET);
    assert_eq!(all.rules.len(), 5);
    assert_eq!((all.rules[0].packets, all.rules[0].path().as_str()), (Some(24), "inet-guard/in/1"));
    assert_eq!((all.bases[0].0.hook.as_str(), all.bases[0].0.priority), ("prerouting", -300));
    assert_eq!(all.rules[4].does, Verdict::Accept);
}

#[test]
fn rules_take_what_they_name() {
    let rules = ruleset(RULESET).rules;
    let takes = |at: usize, fields: &Fields| rules[at].matches(fields);
    assert_eq!(takes(0, &request()), Match::Yes);
    assert_eq!(takes(1, &request()), Match::No);
    assert_eq!(takes(2, &request()), Match::Yes);
    assert_eq!(takes(3, &request()), Match::Maybe);
    assert_eq!(takes(4, &request()), Match::No);
    let vxlan = Fields { protocol: "udp".into(), destination_port: Some(4789), input: Some("eth0".into()), ..Fields::default() };
    assert_eq!(takes(1, &vxlan), Match::Yes);
    assert_eq!(takes(0, &vxlan), Match::No);
    let outside = Fields { source: Some("198.51.100.200".parse().unwrap()), ..request() };
    assert_eq!(takes(2, &outside), Match::No);
}

#[test]
fn priorities_by_name_and_distance() {
    for (text, expected) in [("-300", -300), ("raw", -300), ("filter - 5", -5), ("dstnat + 10", -90), ("0", 0)] {
        assert_eq!(priority(text), expected, "{text}");
    }
}

/// `chains` are the chains of a table `inet guard`; `own` an address of the host.
fn check(chains: &str, expected: &[(&str, Match)]) {
    let state = || PlaceState {
        place: Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node }),
        sections: [
            ("nft".to_owned(), format!("table inet guard {{\n{chains}\n}}\n")),
            ("addresses".to_owned(), "2: mlb    inet 10.88.64.11/24 scope global mlb".to_owned()),
        ]
        .into(),
        missing: BTreeMap::new(),
    };
    let found = drops(&StatePair { before: state(), after: state() }, &[request()]);
    let found: Vec<(String, Match)> = found.iter().map(|drop| (drop.rule.path(), drop.matched)).collect();
    let expected: Vec<(String, Match)> = expected.iter().map(|(path, how)| ((*path).to_owned(), *how)).collect();
    assert_eq!(found, expected, "{chains}");
}

fn chain(hook: &str, policy: &str, rules: &str) -> String {
    format!("chain c {{\ntype filter hook {hook}; policy {policy};\n{rules}\n}}\n")
}

#[test]
fn a_rule_without_a_counter_is_named_only_where_the_packet_surely_comes_to_it() {
    let found = [("inet-guard/c/1", Match::Yes)];
    check(&chain("prerouting priority raw", "accept", "ip saddr 10.88.192.0/24 drop"), &found);
    check(&chain("ingress device \"mlb\" priority 0", "accept", "ip saddr 10.88.192.0/24 drop"), &[]);
    // Forwarded packets never come to the host's own chains, and behind the translation they have another destination.
    check(&chain("input priority filter", "drop", "drop"), &[]);
    check(&chain("forward priority filter", "accept", "ip daddr 10.88.64.100 drop"), &[]);
    check(&chain("prerouting priority raw", "accept", "ip saddr 10.0.0.0/8 accept\ndrop"), &[]);
    check(&chain("prerouting priority raw", "accept", "ct state vmap { invalid : drop, established : accept }\ndrop"), &[]);
}

#[test]
fn a_policy_drops_what_no_rule_accepted() {
    check(&chain("prerouting priority raw", "drop", "ip saddr 192.0.2.0/24 accept"), &[("inet-guard/c/policy", Match::Yes)]);
    check(&chain("prerouting priority raw", "drop", "meta mark 0x1 accept"), &[]);
}

#[test]
fn a_chain_that_others_jump_to_is_as_sure_as_the_jump() {
    let blocked = "chain blocked {\ndrop\n}\n";
    let jump = |rule: &str| format!("{blocked}{}", chain("prerouting priority raw", "accept", rule));
    check(&jump("ip saddr 192.0.2.0/24 jump blocked"), &[]);
    check(&jump("ip saddr 10.88.192.50 jump blocked"), &[("inet-guard/blocked/1", Match::Yes)]);
}

#[test]
fn a_rule_that_may_take_the_packet_stays_undecided() {
    let state = || PlaceState {
        place: Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node }),
        sections: [(
            "nft".to_owned(),
            format!("table inet guard {{\n{}\n}}\n", chain("forward priority 0", "accept", "fib saddr . iif oif missing drop")),
        )]
        .into(),
        missing: BTreeMap::new(),
    };
    let pair = StatePair { before: state(), after: state() };
    assert!(drops(&pair, &[request()]).is_empty());
    assert_eq!(undecided(&pair, &[request()]).len(), 1);
}
