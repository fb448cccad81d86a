//! A host of which everything is known, and what each mechanism makes of one change to it.

use std::collections::BTreeMap;

use super::*;
use crate::analysis::state::sections::place_state;
use crate::model::place::{Host as Machine, HostKind, Place};

/// What the tools print on a host that takes no packet away.
fn whole() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        (
            "links",
            "2: mlb: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\\    link/ether 02:00:00:00:00:12 brd ff:ff:ff:ff:ff:ff\\    veth \n\
             5: cni0: <BROADCAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP\\    link/ether 02:00:00:00:00:13\\    bridge vlan_filtering 0\n\
             6: veth1@if2: <BROADCAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP\\    veth \\    bridge_slave state forwarding isolated off",
        ),
        ("rules", "0:\tfrom all lookup local\n32766:\tfrom all lookup main"),
        ("routes", "default via 10.88.64.1 dev mlb"),
        ("route-get", "10.88.130.2,, => 10.88.130.2 dev cni0 src 10.88.130.1"),
        ("neighbours", "10.88.130.2 dev cni0 lladdr 02:00:00:00:00:22 REACHABLE"),
        ("settings", "net/ipv4/ip_forward = 1"),
        ("counters", "Ip: InDiscards\nIp: 0"),
        ("traffic-control", "qdisc noqueue 0: dev mlb root refcnt 2\nqdisc clsact ffff: dev mlb parent ffff:fff1"),
        ("tc-filters", ""),
        ("ipsec", ""),
        ("iptables", "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT"),
        ("nft", ""),
        ("hooks", "family ip {\n\thook prerouting {\n\t\t-0000000200 ipv4_conntrack_in [nf_conntrack]\n\t}\n}"),
        ("ebtables", ""),
        ("conntrack", ""),
    ])
}

fn pair_of(sections: &BTreeMap<&str, &str>) -> StatePair {
    let place = Place::Host(Machine { name: "n2".into(), address: String::new(), kind: HostKind::Node });
    let text = sections.iter().map(|(name, text)| format!("=== {name}\n{text}\n=== end 0\n")).collect::<Vec<_>>().concat();
    let state = place_state(place, &(text + "=== iptables-legacy\n=== end missing\n"));
    StatePair { before: state.clone(), after: state }
}

fn open_of(sections: &BTreeMap<&str, &str>) -> Vec<String> {
    let pair = pair_of(sections);
    open(&Host { pair: &pair, packets: &[], next_hops: None, six: false, lost: 4 })
}

#[test]
fn a_host_of_which_everything_was_read_leaves_nothing_open() {
    assert_eq!(open_of(&whole()), Vec::<String>::new());
}

/// Each thing that may take a packet, as a change of what one tool prints.
#[test]
fn what_may_take_a_packet_is_named() {
    let link = |kind: &str| format!("{}\n7: x: <UP> mtu 1500\\    {kind} ", whole()["links"]);
    let changed = [
        ("links", whole()["links"].replace("mtu 1500", "mtu 1500 xdpgeneric"), "XDP"),
        ("links", link("macvlan mode bridge"), "rules of their own"),
        ("links", link("vrf table 10"), "rules of their own"),
        ("links", whole()["links"].replace("vlan_filtering 0", "vlan_filtering 1"), "bridges"),
        ("links", whole()["links"].replace("isolated off", "isolated on"), "bridges"),
        ("links", link("dummy").replace("7: x", "7: kube-ipvs0"), "IPVS"),
        ("tc-filters", "filter protocol all pref 1 bpf chain 0\nfilter handle 0x1 cil_from_netdev.o".to_owned(), "traffic control"),
        ("traffic-control", "qdisc htb 1: dev mlb root refcnt 2".to_owned(), "traffic control"),
        ("rules", "100:\tfrom all fwmark 0x1 lookup 100".to_owned(), "policy routing"),
        ("rules", "100:\tfrom all ipproto tcp dport 443 lookup 100".to_owned(), "policy routing"),
        ("routes", "default proto static\n\tnexthop via 10.88.64.1 dev mlb weight 1".to_owned(), "routes"),
        ("neighbours", "10.88.130.2 dev cni0 FAILED".to_owned(), "neighbours"),
        ("ipsec", "src 0.0.0.0/0 dst 10.88.130.0/24\n\tdir fwd action block priority 1".to_owned(), "IPsec"),
        ("iptables", "*raw\n:PREROUTING ACCEPT [0:0]\n[9:9] -A PREROUTING -i mlb -j CT --zone 5\nCOMMIT".to_owned(), "zones"),
        ("nft", "table inet a {\n\tchain b {\n\t\tct zone set 5\n\t}\n}".to_owned(), "zones"),
        ("nft", "table inet a {\n\tflowtable f {\n\t\thook ingress priority 0\n\t}\n}".to_owned(), "flow tables"),
        ("hooks", "family ip {\n\thook forward {\n\t\t 0000000000 bpf_prog_run [nf_bpf]\n\t}\n}".to_owned(), "hooks"),
        ("ebtables", "Bridge chain: INPUT, entries: 1, policy: ACCEPT\n-p IPv4 -j DROP".to_owned(), "ebtables"),
    ];
    for (section, text, title) in &changed {
        let mut sections = whole();
        sections.insert(*section, text.as_str());
        let open = open_of(&sections);
        assert!(open.iter().any(|told| told.contains(title)), "{section}: {text}\nleaves open {open:?}");
    }
}

#[test]
fn the_address_that_was_asked_for_is_no_next_hop() {
    let mut sections = whole();
    sections.insert("neighbours", "10.88.64.100 dev mlb FAILED");
    let pair = pair_of(&sections);
    let packet = |destination: &str| Fields { destination: destination.parse().ok(), ..Fields::default() };
    let look = |packets: &[Fields]| open(&Host { pair: &pair, packets, next_hops: None, six: false, lost: 4 });
    assert_eq!(look(&[packet("10.88.64.100")]), Vec::<String>::new());
    for others in [vec![packet("10.88.64.101")], vec![Fields { translated: true, ..packet("10.88.64.100") }], Vec::new()] {
        assert!(look(&others).iter().any(|told| told.contains("neighbours")), "{others:?}");
    }
}

#[test]
fn only_an_entry_of_a_next_hop_may_take_them_where_the_next_hops_are_known() {
    let looks = |entry: &str, hops: &[&str]| {
        let mut sections = whole();
        sections.insert("neighbours", entry);
        let pair = pair_of(&sections);
        let next_hops = Some(hops.iter().map(|hop| hop.parse().unwrap()).collect());
        open(&Host { pair: &pair, packets: &[], next_hops, six: false, lost: 4 }).len()
    };
    let hops = ["10.88.130.2", "10.88.131.255"];
    assert_eq!(looks("10.88.64.77 dev mlb FAILED\n10.88.130.250 dev cni0 INCOMPLETE", &hops), 0);
    assert_eq!(looks("10.88.64.77 dev mlb FAILED\n10.88.131.255 dev vxlan.calico FAILED", &hops), 1);
    assert_eq!(looks("10.88.130.2 dev cni0 INCOMPLETE", &hops), 1);
}

#[test]
fn ipvs_whose_table_was_read_is_no_unknown() {
    let mut sections = whole();
    let links = format!("{}\n7: kube-ipvs0: <UP> mtu 1500\\    dummy ", whole()["links"]);
    sections.insert("links", links.as_str());
    assert_eq!(open_of(&sections).len(), 1);
    sections.insert("ipvs-table", "TCP  0A584064:01BB rr");
    assert_eq!(open_of(&sections), Vec::<String>::new());
}

#[test]
fn a_programme_in_the_way_is_named_as_what_is_left() {
    let mut sections = whole();
    sections.insert("tc-filters", "filter dev mlb ingress protocol ip pref 49152 bpf chain 0");
    assert_eq!(open_of(&sections), Vec::<String>::new());
    let pair = pair_of(&sections);
    let opaque = opaque(&Host { pair: &pair, packets: &[], next_hops: None, six: false, lost: 4 });
    assert!(opaque.len() == 1 && opaque[0].contains("traffic control") && opaque[0].contains("pref 49152"), "{opaque:?}");
}

#[test]
fn what_was_not_read_is_named_whatever_it_is() {
    for section in whole().keys() {
        let mut sections = whole();
        sections.remove(section);
        assert!(!open_of(&sections).is_empty(), "without {section} nothing is open");
    }
}

/// A dump that failed names neither zones nor flow tables nor IPVS: each of them says that it was not read, and none that nothing is there.
#[test]
fn a_dump_of_rules_that_failed_is_no_empty_one() {
    for section in ["nft", "iptables"] {
        let mut sections = whole();
        sections.remove(section);
        let open = open_of(&sections);
        for title in ["zones of the connection table", "flow tables", "IPVS ("] {
            assert!(open.iter().any(|told| told.starts_with(title)), "without {section}: {open:?}");
        }
    }
}
