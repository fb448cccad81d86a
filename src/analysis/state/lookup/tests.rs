//! Rules and routes as the tools print them, asked for packets of every kind.

use super::*;
use crate::analysis::state::sections::place_state;
use crate::model::place::{HostKind, Place};

const ROUTES: &str = "=== routes\ndefault via 10.88.64.1 dev mlb\n10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink\n10.88.64.0/24 dev mlb proto kernel scope link src 10.88.64.12\n\
    unreachable default table 51820\nblackhole default table 100\ndefault via 10.88.64.77 dev mlb table 201\nprohibit 10.88.131.0/24 table 90\nthrow 10.88.131.0/24 table 91\ndefault dev mlb table 92 dead linkdown\n=== end 0\n";

fn state(rules: &str) -> PlaceState {
    let text = format!(
        "{ROUTES}=== rules\n0:\tfrom all lookup local\n{rules}32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n=== end 0\n"
    );
    place_state(Place::sample("n2", HostKind::Node), &text)
}

fn packet(to: &str) -> Routed {
    Routed {
        from: "10.88.130.2".parse().ok(),
        to: to.parse().unwrap(),
        input: Some("cni0".to_owned()),
        mark: Some(0),
        protocol: "tcp",
        source_port: Some(4180),
        destination_port: Some(40001),
    }
}

/// The device by which the packet goes, or the refusal's rule.
fn said(rules: &str, packet: &Routed) -> String {
    match lookup(&state(rules), packet, None) {
        Err(open) => format!("open {}", open.iter().map(|rule| rule.priority.to_string()).collect::<Vec<_>>().join(" ")),
        Ok(None) => "nothing".to_owned(),
        Ok(Some(decision)) => match decision.device() {
            Some(device) => format!("by {device}"),
            None => format!("refused by {}", decision.rule.priority),
        },
    }
}

#[test]
fn the_first_rule_that_takes_it_and_whose_table_has_a_route_decides() {
    let there = packet("10.88.192.50");
    assert_eq!(said("", &there), "by mlb");
    assert_eq!(said("500:\tfrom all to 10.88.192.0/24 ipproto tcp sport 4180 blackhole\n", &there), "refused by 500");
    assert_eq!(said("500:\tfrom all to 10.88.192.0/24 ipproto tcp sport 4181-4200 blackhole\n", &there), "by mlb");
    assert_eq!(said("500:\tfrom all to 10.88.192.0/24 ipproto udp blackhole\n", &there), "by mlb");
    assert_eq!(said("500:\tnot from 10.88.130.0/24 blackhole\n", &there), "by mlb");
    assert_eq!(said("500:\tfrom all iif cni0 dport 40000-40010 lookup 100\n", &there), "refused by 500");
    assert_eq!(said("500:\tfrom all oif mlb lookup 100\n", &there), "by mlb", "what is forwarded is bound to no interface");
    assert_eq!(said("500:\tfrom all lookup 92\n", &there), "by mlb", "a route that is dead is none");
    assert_eq!(said("500:\tfrom all lookup main suppress_prefixlength 0\n510:\tfrom all lookup 100\n", &there), "refused by 510");
    let pod = packet("10.88.131.7");
    assert_eq!(said("90:\tfrom all lookup 90\n", &pod), "refused by 90");
    assert_eq!(said("90:\tfrom all lookup 91\n", &pod), "by vxlan.calico", "throw goes on with the next rule");
    assert_eq!(said("500:\tfrom all lookup main suppress_prefixlength 0\n510:\tfrom all lookup 100\n", &pod), "by vxlan.calico");
}

#[test]
fn marks_decide_where_they_are_known_and_leave_it_open_where_not() {
    let rules = "99:\tfrom all fwmark 0x51820 lookup 51820\n";
    let marked = |mark| Routed { mark, ..packet("10.88.192.50") };
    assert_eq!([Some(0x51820), Some(0), None].map(|mark| said(rules, &marked(mark))), ["refused by 99", "by mlb", "open 99"]);
    assert_eq!(said("99:\tfrom all fwmark 0x20/0xff lookup 51820\n", &marked(Some(0x51820))), "refused by 99");
    assert_eq!(said("99:\tfrom all fwmark 0x1 lookup main\n", &marked(None)), "by mlb", "both ways are the same");
    assert_eq!(said("99:\tfrom all uidrange 0-0 lookup 100\n", &marked(Some(0))), "open 99");
    assert_eq!(said("99:\tfrom all lookup [l3mdev-table]\n", &marked(Some(0))), "open 99");
    assert_eq!(said("99:\tfrom all goto 200\n200:\tfrom all lookup 100\n", &marked(Some(0))), "open 99");
}

#[test]
fn without_the_rule_it_is_asked_again() {
    let state = state("201:\tfrom 10.88.130.0/24 to 10.88.192.0/24 lookup 201\n");
    let there = packet("10.88.192.50");
    let decision = lookup(&state, &there, None).unwrap().unwrap();
    assert!(decision.rule.chooses() && decision.rule.text.contains("lookup 201"));
    assert!(matches!(&decision.fate, Fate::Goes(route) if route.via == "10.88.64.77".parse().ok()));
    let usual = lookup(&state, &there, Some(&decision.rule)).unwrap().unwrap();
    assert!(!usual.rule.chooses());
    assert_eq!(lookup(&place_state(Place::sample("n2", HostKind::Node), ""), &there, None), Ok(None));
}
