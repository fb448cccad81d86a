//! Inputs that no shipped recording holds, as the tools print them.

use super::files;

/// `ss -Htnoi` of a node that speaks BGP.
pub(crate) const BGP_SOCKETS: &str = "ESTAB 0      152    10.88.64.11:51137 10.88.64.1:179 timer:(on,4.484ms,6)\n\t ts sack bbr rto:13056 backoff:6 \
rtt:0.055/0.014 lastsnd:8572 lastrcv:21660 lastack:8320 unacked:1 retrans:1/7 lost:1\nSYN-SENT 0 1 [fd10:88:64::11]:40000 [fd10:88:64::1]:179\n";

/// `/proc/net/dev`.
pub(crate) const DEVICES: &str = "Inter-|   Receive                                                |  Transmit\n \
face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n   \
mlb: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n    lo: 7 7 0 0 0 0 0 0 7 7 0 0 0 0 0 0\n";

/// `/proc/net/xfrm_stat` and `ip xfrm policy`.
pub(crate) const XFRM: &str = "XfrmInError             \t0\nXfrmInNoPols            \t0\nXfrmInPolBlock          \t3\nXfrmOutPolBlock         \t2\n\
src 203.0.113.0/24 dst 0.0.0.0/0 \n\tdir fwd action block priority 0 ptype main \nsrc 10.0.0.0/8 dst 0.0.0.0/0 \n\tdir out priority 0 ptype main \n";

/// `ipvsadm -Sn`.
pub(crate) const IPVS: &str = "-A -t 10.88.64.100:443 -s rr\n-a -t 10.88.64.100:443 -r 10.88.131.21:4180 -m -w 1\n-A -u 10.96.0.10:53 -s rr\n\
-A -t [fd10:88:64::100]:443 -s rr -p 10800\n-a -t [fd10:88:64::100]:443 -r [fd10:88:131::21]:4180 -m -w 1\n";

/// `/proc/net/ip_vs`.
pub(crate) const IPVS_TABLE: &str = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port \
Forward Weight ActiveConn InActConn\nTCP  0A584064:01BB rr \n  -> 0A588202:1054      Masq    1      0          0         \nUDP  \
[fd10:0088:0064:0000:0000:0000:0000:0100]:0035 rr persistent 10800\n  -> [fd10:0088:0131:0000:0000:0000:0000:0021]:1054      Masq    1      0          0\n";

/// What the `check` script answers.
pub(crate) const CHECK: &str = "user\tops\t1000\nroot\tsudo\ntool\tip\t/usr/sbin/ip\tip utility, iproute2-6.1.0\ntool\ttimeout\t/usr/bin/timeout\t\n\
tool\ttcpdump\t/usr/bin/tcpdump\ttcpdump version 4.99.3\nruntime\tcontainerd\t/run/containerd/containerd.sock\nkernel\t6.1.0\nroot\tno\tsudo: a password\n";

/// What FRR's vtysh answers, one member for each section.
pub(crate) const FRR: &str = r#"{"summary":{"ipv4Unicast":{"routerId":"10.88.64.1","as":64512,"peers":{"10.88.64.10":{"remoteAs":64500,"pfxRcd":0,
"state":"Established"},"10.88.64.11":{"remoteAs":64500,"pfxRcd":1,"state":"Established"}}},"ipv6Unicast":{"as":64512,"peers":{"10.88.64.11":
{"remoteAs":64500,"pfxRcd":18446744073709551615,"state":"Idle"}}}},"table 10.88.64.100":{"prefix":"10.88.64.100/32","paths":[{"valid":true,
"bestpath":{"overall":true},"nexthops":[{"ip":"10.88.64.11","used":true}],"peer":{"peerId":"10.88.64.11"}}],"routes":{"10.88.64.100/32":[{"valid":
true,"bestpath":true,"nexthops":[{"ip":"10.88.64.11"}],"peerId":"10.88.64.11"}]}},"route 10.88.64.100":{"10.88.64.100/32":[{"prefix":
"10.88.64.100/32","protocol":"bgp","installed":true,"nexthops":[{"fib":true,"ip":"10.88.64.11"},{"ip":"10.88.64.12"}]}]}}"#;

/// A NetworkPolicy.
pub(crate) const POLICY: &str = r#"{"metadata":{"namespace":"web","name":"deny"},"spec":{"podSelector":{"matchLabels":{"app":"a"},"matchExpressions":
[{"key":"k","operator":"In","values":["v"]}]},"policyTypes":["Ingress"],"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}},
{"namespaceSelector":{},"podSelector":{}}],"ports":[{"protocol":"TCP","port":443,"endPort":500},{"port":"https"}]}]}}"#;

/// States of MetalLB 0.15 and 0.16, and a BGP peer.
pub(crate) const STATES: [&str; 3] = [
    r#"{"metadata":{"name":"l2-x"},"status":{"node":"n2","serviceName":"web","serviceNamespace":"a","interfaces":[{"name":"mlb"}]}}"#,
    r#"{"metadata":{"name":"bgp-x"},"status":{"node":"n2","peer":"10.88.64.1","peers":["router"],"bgpStatus":"Established","bfdStatus":"Up",
"conditions":[{"type":"ConfigurationLoaded","status":"False","message":"peer referencing non existing bfd profile"}]}}"#,
    r#"{"metadata":{"name":"router","namespace":"metallb-system"},"spec":{"myASN":64500,"peerASN":64512,"peerAddress":"10.88.64.1","peerPort":179,
"nodeSelectors":[{"matchLabels":{"a":"b"}}],"holdTime":"90s","ebgpMultiHop":true}}"#,
];

/// Versions, times, ranges of addresses.
pub(crate) const WORDS: &str = "v0.13.12\n0.14.9-dev+build\nquay.io/metallb/speaker:v0.15.2@sha256:00\n2026-11-23T17:36:39.337752565Z\n\
2026-11-23T17:36:39+23:59\n10.88.64.100-10.88.64.120\n10.88.64.0/24\nfd10::/64\nfd10::1-fd10::ffff:ffff:ffff:ffff\n0.0.0.0/0\n::/0\n";

/// A site file with every part.
pub(crate) const SITE: &str = "ssh:\n  config: /etc/lbdiag/ssh_config\n  user: ops\n  keys: [/etc/lbdiag/id_ed25519]\n  known_hosts: [/etc/known]\n\
nodes:\n  addresses: { n2: 10.88.0.12 }\n  address_pattern: \"{name}.mgmt.example\"\nvia:\n  pod: { namespace: tools, labels: app=node-tools, \
container: tools, tools: host }\nmetallb:\n  namespace: metallb-system\n  speaker_labels: app=metallb,component=speaker\ndefaults:\n  from: \
ssh:c1,ssh:c2\nuses: [cluster.read, probe]\n";

/// These texts as inputs.
pub(crate) fn all(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The playbooks that are shipped, and the examples.
pub(crate) fn playbooks() -> Vec<Vec<u8>> {
    [files("playbooks", "rhai"), files("examples", "rhai")].concat()
}
