//! What a packet meets on its way through rules as the lab's nodes print them, with one more that somebody added.

use super::super::tests::{IPTABLES, NFT, from, host};
use super::{Kind, Turn, trail};
use crate::analysis::state::place_state::StatePair;

const POD: &str = "10.88.131.21";

/// The turns of a client's request towards one of the pods that are not kube-proxy's: path, kind and certainty.
fn turns(iptables: &str, nft: &str) -> Vec<(String, Kind, bool)> {
    let pair = StatePair::unchanged(host(&[("iptables", iptables), ("nft", nft)]));
    let own = |turn: &Turn| turn.of_kube_proxy;
    let towards = POD.parse().ok().map(|address| (address, 4180));
    let all = [trail(&pair, &from("10.88.64.50"), None), trail(&pair, &from("10.88.64.50"), towards)];
    let mut found: Vec<(String, Kind, bool)> = Vec::new();
    for turn in all.into_iter().flat_map(|trail| trail.turns).filter(|turn| !own(turn)) {
        match found.iter_mut().find(|(path, ..)| *path == turn.path) {
            Some(known) => known.2 |= turn.certain,
            None => found.push((turn.path, turn.kind, turn.certain)),
        }
    }
    found
}

fn check_iptables(rule: &str, expected: &[(&str, Kind, bool)]) {
    let (table, rule) = rule.split_once(' ').unwrap();
    let own = format!("-A {} ", rule.split(' ').next().unwrap());
    // As the first rule of its chain, or the last of its table.
    let table = format!("*{table}\n");
    let start = IPTABLES.find(&table).map_or(0, |at| at + table.len());
    let end = IPTABLES[start..].find("COMMIT").unwrap() + start;
    let before = IPTABLES[start..end].find(&own).map_or(end, |at| IPTABLES[..start + at].rfind('\n').unwrap() + 1);
    let dump = format!("{}[9:540] -A {rule}\n{}", &IPTABLES[..before], &IPTABLES[before..]);
    let found = turns(&dump, "");
    let expected: Vec<(String, Kind, bool)> = expected.iter().map(|(path, kind, certain)| ((*path).to_owned(), *kind, *certain)).collect();
    assert_eq!(found, expected, "{rule}");
}

fn to(address: &str, port: u16) -> Kind {
    Kind::Destination(address.parse().ok(), Some(port))
}

#[test]
fn kube_proxys_own_translation_is_nobody_elses() {
    assert_eq!(turns(IPTABLES, ""), []);
    assert_eq!(turns("", NFT), []);
}

#[test]
fn a_rule_before_kube_proxys_translates_or_spares() {
    check_iptables(
        "nat PREROUTING -d 10.88.64.100/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.88.0.250:443",
        &[("nat/PREROUTING/1", to("10.88.0.250", 443), true)],
    );
    check_iptables(
        "nat PREROUTING -i mlb -p tcp -j REDIRECT --to-ports 15001",
        &[("nat/PREROUTING/1", Kind::Destination(None, Some(15_001)), true)],
    );
    check_iptables("nat PREROUTING -d 10.88.64.0/24 -j ACCEPT", &[("nat/PREROUTING/1", Kind::Spares, true)]);
    check_iptables("nat PREROUTING -i mlb -j RETURN", &[("nat/PREROUTING/1", Kind::Spares, true)]);
    check_iptables("nat KUBE-SERVICES -d 10.88.64.100/32 -j RETURN", &[("nat/KUBE-SERVICES/1", Kind::Spares, true)]);
    // Of other packets, and of a part of these.
    check_iptables("nat PREROUTING -d 10.88.65.0/24 -j ACCEPT", &[]);
    check_iptables("nat PREROUTING -m statistic --mode random --probability 0.5 -j ACCEPT", &[("nat/PREROUTING/1", Kind::Spares, false)]);
}

#[test]
fn a_rule_keeps_a_packet_from_being_masqueraded() {
    check_iptables("nat POSTROUTING -j ACCEPT", &[("nat/POSTROUTING/1", Kind::Spares, true)]);
    check_iptables("nat POSTROUTING -d 10.88.131.0/24 -j RETURN", &[("nat/POSTROUTING/1", Kind::Spares, true)]);
    check_iptables("nat POSTROUTING -d 10.88.130.0/24 -j RETURN", &[("nat/POSTROUTING/1", Kind::Spares, false)]);
    check_iptables(
        "nat POSTROUTING -j SNAT --to-source 10.88.250.1",
        &[("nat/POSTROUTING/1", Kind::Source("10.88.250.1".parse().ok()), true)],
    );
}

#[test]
fn a_rule_keeps_a_packet_out_of_the_table_or_short_lived() {
    check_iptables("raw PREROUTING -p tcp -m tcp --dport 443 -j CT --notrack", &[("raw/PREROUTING/1", Kind::Untracks, true)]);
    check_iptables("raw PREROUTING -p tcp -m tcp --dport 53 -j CT --notrack", &[]);
    check_iptables("raw PREROUTING -d 10.88.64.100/32 -j TTL --ttl-set 1", &[("raw/PREROUTING/1", Kind::HopLimit(1), true)]);
}

#[test]
fn rules_of_nftables_do_the_same() {
    let with = |rule: &str| {
        let table = "table inet edge {\n\tchain pre {\n\t\ttype TYPE hook prerouting priority -350; policy accept;\n\t\tRULE\n\t}\n}\n";
        let kind = if rule.contains("dnat") { "nat" } else { "filter" };
        turns("", &format!("{NFT}{}", table.replace("RULE", rule).replace("TYPE", kind)))
    };
    let here = |kind: Kind| vec![("inet-edge/pre/1".to_owned(), kind, true)];
    assert_eq!(with("ip daddr 10.88.64.100 tcp dport 443 dnat ip to 10.88.0.251:8443"), here(to("10.88.0.251", 8443)));
    assert_eq!(with("tcp dport 443 notrack"), here(Kind::Untracks));
    assert_eq!(with("ip daddr 10.88.64.100 ip ttl set 1"), here(Kind::HopLimit(1)));
    assert_eq!(with("tcp dport 53 notrack"), []);
}
