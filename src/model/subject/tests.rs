//! Spellings that are read back, and names that stay.

use super::*;

#[test]
fn every_spelling_is_read_back_as_what_it_was() {
    for path in [
        "run",
        "step/Who announces the address",
        "api/nodes",
        "namespace/metallb-system",
        "node/n2",
        "node/n2/interface/mlb",
        "node/n2/route/10.88.131.0/24",
        "node/n2/sysctl/net.ipv4.conf.mlb.forwarding",
        "node/n2/rule/raw/PREROUTING/0c4a1b2d",
        "node/n2/rule/ip-kube-proxy/service-X-a/web/tcp/https/policy",
        "node/n2/speaker",
        "node/n2/kube-proxy",
        "client/c1",
        "router/10.88.64.1",
        "network/c1+c2..n2",
        "mac/52:d9:de:ce:c5:c5",
        "address/fd00::1",
        "pod/stacklight/web-1",
        "pod/stacklight/web-1/container/app",
        "workload/stacklight/web",
        "service/stacklight/web",
        "service/stacklight/web/port/https",
        "endpointslice/stacklight/web-x",
        "networkpolicy/stacklight/only",
        "pool/services",
        "advertisement/l2/services",
        "advertisement/bgp/services",
        "peer/rt",
    ] {
        let subject = Subject::from(path);
        assert!(!matches!(subject, Subject::Other(_) | Subject::NodePart(_, Part::Other(_))), "{path}");
        assert_eq!(subject.to_string(), path);
        assert_eq!(serde_json::to_value(&subject).unwrap(), path);
        assert_eq!(serde_json::from_value::<Subject>(path.into()).unwrap(), subject);
    }
}

#[test]
fn a_rule_keeps_its_name_wherever_it_stands_and_whatever_it_counted() {
    let named = |position: &str, text: &str| Subject::rule("n2", position, text).to_string();
    let drop = "-A PREROUTING -s 10.88.192.0/24 -i mlb -j DROP";
    assert_eq!(named("raw/PREROUTING/1", drop), named("raw/PREROUTING/7", drop));
    // As `printf %s '-A PREROUTING …' | sha256sum` has it.
    assert_eq!(named("raw/PREROUTING/1", drop), "node/n2/rule/raw/PREROUTING/478e1190");
    assert_ne!(named("raw/PREROUTING/1", drop), named("raw/PREROUTING/1", "-A PREROUTING -s 10.88.193.0/24 -i mlb -j DROP"));
    assert_ne!(named("raw/PREROUTING/1", drop), named("mangle/PREROUTING/1", drop));
    assert_eq!(named("filter/FORWARD/policy", "policy DROP"), "node/n2/rule/filter/FORWARD/policy");
    for (one, other) in [
        ("tcp dport 443 counter packets 5 bytes 300 drop", "tcp dport 443 counter packets 0 bytes 0 drop"),
        ("tcp dport 443 counter packets 5 bytes 300 drop # handle 4", "tcp dport 443 counter packets 6 bytes 1 drop # handle 9"),
        ("quota over 25 mbytes used 3 kbytes drop", "quota over 25 mbytes used 0 bytes drop"),
    ] {
        assert_eq!(named("inet-guard/pre/1", one), named("inet-guard/pre/2", other), "{one}");
    }
    assert_ne!(
        named("inet-guard/pre/1", "limit rate 5/second burst 5 packets drop"),
        named("inet-guard/pre/1", "limit rate 5/second burst 9 packets drop")
    );
}

#[test]
fn a_path_of_no_known_form_stays_as_it_was_written() {
    for path in ["", "switch/7", "pod/only-a-name", "network/one-end", "node/n2/disk/sda", "advertisement/x", "pool/"] {
        assert_eq!(Subject::from(path).to_string(), path);
    }
}

#[test]
fn a_place_has_one_name_whoever_looked() {
    let host = |kind| Host { name: "c1".to_owned(), address: String::new(), kind };
    let of_place = Subject::from(&Place::Host(host(HostKind::Client)));
    assert_eq!(of_place, Subject::from(&Vantage::Ssh("c1".to_owned())));
    assert_eq!(of_place.to_string(), "client/c1");
    assert_eq!(Subject::from(&host(HostKind::Node)), Subject::from(&Vantage::Node("c1".to_owned())));
    let pod = Place::Pod { host: host(HostKind::Node), namespace: "a".into(), name: "b".into(), ips: vec![], container_ids: vec![] };
    assert_eq!(Subject::from(&pod), Subject::from(&Vantage::Pod("a/b".to_owned())));
}
