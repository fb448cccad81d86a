//! kube-proxy's rules in each of its modes: what they know of an address and its ports, and what they lack.

use super::*;
use crate::analysis::state::sections::place_state;
use crate::model::place::{Host, Place};

fn state(text: &str) -> PlaceState {
    place_state(Place::Host(Host::local()), text)
}

const RULES: &str = "=== iptables\n*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n\
    -A KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A\n-A KUBE-SVC-A -j KUBE-SEP-1\n\
    -A KUBE-SEP-1 -p tcp -m tcp -j DNAT --to-destination 10.88.130.19:4180\nCOMMIT\n=== end 0\n";

fn lacks(why: &str) -> Programme {
    Programme::Lacks(why.to_owned())
}

fn asked(protocol: &'static str, port: u16) -> ServicePort<'static> {
    ServicePort { namespace: "a", service: "web", protocol, name: "https", port }
}

#[test]
fn a_programme_is_complete_lacks_something_is_missing_or_was_not_read() {
    let (known, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
    assert_eq!(programme(&state(RULES), known, None), Programme::Complete);
    assert_eq!(programme(&state(RULES), other, None), lacks("KUBE-SERVICES has no rule for the address"));
    let cut = RULES.replace("-A PREROUTING -j KUBE-SERVICES\n", "");
    assert_eq!(programme(&state(&cut), known, None), lacks("nat PREROUTING does not lead to KUBE-SERVICES"));
    assert_eq!(programme(&state("=== iptables\n*nat\nCOMMIT\n=== end 0\n"), known, None), Programme::Missing);
    assert_eq!(programme(&state("=== iptables\n=== end missing\n"), known, None), Programme::Unread);
    assert_eq!(programme(&state(RULES), "fd00::1".parse().unwrap(), None), Programme::Unread);
}

#[test]
fn rules_are_of_an_address_a_port_and_a_protocol() {
    let known = "10.0.0.1".parse().unwrap();
    let of = |rules: &str, port| programme(&state(rules), known, port);
    assert_eq!(of(RULES, Some(asked("tcp", 443))), Programme::Complete);
    assert_eq!(of(RULES, Some(asked("tcp", 8443))), lacks("KUBE-SERVICES has no rule for 10.0.0.1:8443/tcp"));
    assert_eq!(of(RULES, Some(asked("udp", 443))), lacks("KUBE-SERVICES has no rule for 10.0.0.1:443/udp"));
    // Another address whose text ends alike, and a port whose text begins alike, are others.
    assert_eq!(of(&RULES.replace("10.0.0.1/", "110.0.0.1/"), None), lacks("KUBE-SERVICES has no rule for the address"));
    assert_eq!(of(RULES, Some(asked("tcp", 44))), lacks("KUBE-SERVICES has no rule for 10.0.0.1:44/tcp"));
    // Who refuses a port for want of endpoints knows it.
    let refuses =
        RULES.replace("COMMIT", "COMMIT\n*filter\n-A KUBE-EXTERNAL-SERVICES -d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j REJECT\nCOMMIT");
    assert_eq!(of(&refuses, Some(asked("tcp", 80))), Programme::Complete);
    assert_eq!(other_ports(&state(RULES), known), BTreeSet::from(["443/tcp".to_owned()]));
}

#[test]
fn the_same_of_nftables_and_of_ipvs() {
    let known = "10.0.0.2".parse().unwrap();
    let nft = "=== nft\ntable ip kube-proxy {\n chain nat-prerouting {\n type nat hook prerouting priority dstnat; policy accept;\n }\n \
        map service-ips {\n elements = { 10.0.0.2 . tcp . 443 : goto service-X,\n 10.0.0.2 . udp . 53 : goto service-Y }\n }\n}\n\
        table ip other {\n map ports {\n elements = { 10.0.0.2 . tcp . 8443 : accept }\n }\n}\n=== end 0\n";
    let ipvs = "=== links\n7: kube-ipvs0: <NOARP> mtu 1500\n=== end 0\n=== iptables\n*nat\n:KUBE-SERVICES - [0:0]\n\
        -A KUBE-SERVICES -m set --match-set KUBE-LOAD-BALANCER dst,dst -j KUBE-LOAD-BALANCER\nCOMMIT\n=== end 0\n";
    let table = "=== ipvs-table\nTCP  0A000002:01BB rr\n  -> 0A588202:1054 Masq 1 0 0\nUDP  0A000002:0035 rr\n=== end 0\n";
    let both = [
        (nft.to_owned(), "the table kube-proxy has no element for", "the table kube-proxy does not know the address"),
        (format!("{ipvs}{table}"), "the table of IPVS has no server for", "the table of IPVS has no server of the address"),
    ];
    for (text, no_port, no_address) in &both {
        let of = |address, port| programme(&state(text), address, port);
        assert_eq!((of(known, Some(asked("tcp", 443))), of(known, Some(asked("udp", 53)))), (Programme::Complete, Programme::Complete));
        assert_eq!(of(known, Some(asked("tcp", 8443))), lacks(&format!("{no_port} 10.0.0.2:8443/tcp")));
        assert_eq!(of(known, Some(asked("tcp", 53))), lacks(&format!("{no_port} 10.0.0.2:53/tcp")));
        assert_eq!(of("10.0.0.20".parse().unwrap(), Some(asked("tcp", 443))), lacks(no_address));
        assert_eq!(other_ports(&state(text), known), BTreeSet::from(["443/tcp".to_owned(), "53/udp".to_owned()]));
    }
    // Sets of addresses tell nothing of the table itself.
    assert_eq!(programme(&state(ipvs), known, Some(asked("tcp", 443))), Programme::Unread);
    let [_, _, (mode, ends)] = by_mode(&state(&both[1].0), known, asked("tcp", 443));
    assert_eq!((mode, ends), ("ipvs", BTreeSet::from([("10.88.130.2".parse().unwrap(), 4180)])));
}

#[test]
fn endpoints_of_either_programme() {
    let endpoints = |state: &PlaceState, address, port| -> BTreeSet<(IpAddr, u16)> {
        by_mode(state, address, port).into_iter().flat_map(|(_, found)| found).collect()
    };
    let port = ServicePort { namespace: "a", service: "web", protocol: "tcp", name: "https", port: 443 };
    let address = "10.0.0.1".parse().unwrap();
    let expected = BTreeSet::from([("10.88.130.19".parse().unwrap(), 4180)]);
    assert_eq!(endpoints(&state(RULES), address, port), expected);
    let nft = "=== nft\ntable ip kube-proxy {\n chain endpoint-X-a/web/tcp/https__10.88.130.19/4180 {\n }\n}\n=== end 0\n";
    assert_eq!(endpoints(&state(nft), address, port), expected);
    assert!(endpoints(&state(RULES), address, ServicePort { port: 80, ..port }).is_empty());
    let both = state(&format!("{RULES}{}", nft.replace(".19/", ".77/")));
    let apart =
        by_mode(&both, address, port).map(|(mode, found)| (mode, found.into_iter().map(|(ip, _)| ip.to_string()).collect::<Vec<_>>()));
    let one = |ip: &str| vec![ip.to_owned()];
    assert_eq!(apart, [("iptables", one("10.88.130.19")), ("nftables", one("10.88.130.77")), ("ipvs", Vec::new())]);
}

#[test]
fn what_another_mode_left_behind_lacks_what_it_likes() {
    let address = "10.0.0.2".parse().unwrap();
    let nft = "=== nft\ntable ip kube-proxy {\n chain nat-prerouting {\n type nat hook prerouting priority dstnat; policy accept;\n }\n \
        map service-ips {\n elements = { 10.0.0.2 . tcp . 443 : goto service-X }\n }\n}\n=== end 0\n";
    assert_eq!(programme(&state(RULES), address, None), lacks("KUBE-SERVICES has no rule for the address"));
    assert_eq!(programme(&state(&format!("{RULES}{nft}")), address, None), Programme::Complete);
}
