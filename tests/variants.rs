//! Recordings of real runs in which one fact is another: the judgement follows the fact, and not what the rest looks like.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// A recording, what is put in place of what, and what is said then: exit code and first finding.
struct Variant {
    recording: &'static str,
    changes: &'static [(&'static str, &'static str)],
    code: i32,
    finding: Option<(&'static str, &'static str)>,
}

const VARIANTS: &[Variant] = &[
    // kube-proxy that knows of no ready pod at all, and one that refuses for another Service.
    Variant {
        recording: "node-proxy-goes-by-another-name",
        changes: &[("alertmanager:https has no local endpoints", "alertmanager:https has no endpoints")],
        code: 3,
        finding: Some(("node/proxy-stale", "node/n2")),
    },
    Variant {
        recording: "node-proxy-goes-by-another-name",
        changes: &[("alertmanager:https has no local endpoints", "alertmanager-2:https has no local endpoints")],
        code: 5,
        finding: None,
    },
    // A bridge without br_netfilter asks no packet filter either, and one that does is no reason.
    Variant {
        recording: "node-bridge-asks-no-packet-filter",
        changes: &[("bridge-nf-call-iptables = 0", "bridge-nf-call-iptables = absent")],
        code: 3,
        finding: Some(("route/return-asymmetric", "node/n2")),
    },
    Variant {
        recording: "node-bridge-asks-no-packet-filter",
        changes: &[("bridge-nf-call-iptables = 0", "bridge-nf-call-iptables = 1")],
        code: 5,
        finding: None,
    },
    // Whatever ends the way before kube-proxy's masquerade keeps a pod's own address, and a rule for others does not.
    Variant {
        recording: "pod-gets-its-own-packet",
        changes: &[("-d 10.88.128.0/18 -j RETURN", "-d 10.88.128.0/18 -j ACCEPT")],
        code: 3,
        finding: Some(("route/return-asymmetric", "node/n2/rule/nat/POSTROUTING")),
    },
    Variant {
        recording: "pod-gets-its-own-packet",
        changes: &[("-d 10.88.128.0/18 -j RETURN", "-d 10.99.128.0/18 -j RETURN")],
        code: 5,
        finding: None,
    },
    // Two nodes of one MAC while everybody is answered, one of which is idle; and a MAC that several machines have by design.
    Variant {
        recording: "services/two-nodes-with-one-mac",
        changes: &[],
        code: 4,
        finding: Some(("node/duplicate-address", "node/n2/interface/mlb")),
    },
    Variant {
        recording: "services/two-nodes-with-one-mac",
        changes: &[("d2:a5:66:5d:0f:67", "00:00:5e:00:01:0a")],
        code: 0,
        finding: None,
    },
    // A route that leads past the tunnel is wrong where it leads to a third node.
    Variant {
        recording: "cal-cross-subnet-underlay-drops-pods",
        changes: &[("via 10.88.0.13 dev eth0", "via 10.88.0.11 dev eth0")],
        code: 3,
        finding: Some(("route/pod-network-wrong", "node/n2/route/10.88.170.67")),
    },
    // What goes to a MAC that the pod's node does not have was not lost between the two.
    Variant {
        recording: "cal-cross-subnet-underlay-drops-pods",
        changes: &[("10.88.0.13 dev eth0 lladdr 12:1d:48:90:ca:a8", "10.88.0.13 dev eth0 lladdr 12:1d:48:90:ca:a9")],
        code: 5,
        finding: None,
    },
    // A route that is gone while every link is up is missing.
    Variant {
        recording: "cal-interface-down",
        changes: &[("<NO-CARRIER,BROADCAST,MULTICAST,UP>", "<BROADCAST,MULTICAST,UP,LOWER_UP>")],
        code: 3,
        finding: Some(("route/pod-network-missing", "node/n3/route")),
    },
    // A tunnel that sends to what no node has.
    Variant {
        recording: "cal-tunnel-over-other-network-blocked",
        changes: &[("inet 10.88.64.13/24", "inet 10.88.64.23/24")],
        code: 3,
        finding: Some(("overlay/wrong-endpoint", "node/n2")),
    },
    // Any status of a server that failed is warned of; a login page is not, and the certificate has still expired.
    Variant {
        recording: "application-says-503-with-an-expired-certificate",
        changes: &[("\\tanswered\\t503\\t", "\\tanswered\\t500\\t")],
        code: 4,
        finding: Some(("app/answers-with-errors", "workload/stacklight/iam-proxy-alertmanager")),
    },
    Variant {
        recording: "application-says-503-with-an-expired-certificate",
        changes: &[("\\tanswered\\t503\\t", "\\tanswered\\t401\\t")],
        code: 4,
        finding: Some(("app/certificate-expired", "service/stacklight/iam-proxy-alertmanager")),
    },
    // The cause of the one client's failure is gone, and the other's is told; a policy of a namespace's own is named as such.
    Variant {
        recording: "policies/cal-two-policies-two-clients",
        changes: &[("-A cali-pi-quarantine -s 10.88.64.0/24", "-A cali-pi-quarantine -s 10.99.64.0/24")],
        code: 3,
        finding: Some(("policy/denied", "networkpolicy/stacklight/clients")),
    },
    Variant {
        recording: "policies/cal-two-policies-two-clients",
        changes: &[("Policy quarantine ingress", "Policy stacklight/default.quarantine ingress")],
        code: 3,
        finding: Some(("policy/denied", "networkpolicy/stacklight/quarantine")),
    },
    // A policy that is still enforced, and that the API holds in a form that lets the requests in, in one that does not, or by labels alone.
    Variant {
        recording: "cal-policy-deleted-and-still-enforced",
        changes: &[(NO_POLICIES, LETS_IN)],
        code: 3,
        finding: Some(("policy/stale", "node/n3/calico-node")),
    },
    Variant {
        recording: "cal-policy-deleted-and-still-enforced",
        changes: &[(NO_POLICIES, DENIES)],
        code: 3,
        finding: Some(("policy/denied", "networkpolicy/stacklight/closed")),
    },
    Variant {
        recording: "cal-policy-deleted-and-still-enforced",
        changes: &[(NO_POLICIES, BY_LABELS)],
        code: 3,
        finding: Some(("policy/denied", "networkpolicy/stacklight/closed")),
    },
    // Calico's own policy of that name is gone, is there, or may be kept elsewhere than in the API.
    Variant {
        recording: "policies/cal-two-policies-two-clients",
        changes: &[(A_POLICY, A_POLICY_AND_CALICOS_WITHOUT_IT)],
        code: 3,
        finding: Some(("policy/stale", "node/n2/calico-node")),
    },
    Variant {
        recording: "policies/cal-two-policies-two-clients",
        changes: &[(A_POLICY, A_POLICY_AND_CALICOS_WITH_IT)],
        code: 3,
        finding: Some(("policy/denied", "globalnetworkpolicy/quarantine")),
    },
    Variant {
        recording: "policies/cal-two-policies-two-clients",
        changes: &[(A_POLICY, A_POLICY_AND_NOTHING_OF_CALICOS)],
        code: 3,
        finding: Some(("policy/denied", "globalnetworkpolicy/quarantine")),
    },
    // A gateway that tells its MAC takes what it is sent.
    Variant {
        recording: "node-way-back-by-a-gateway-that-is-nobody",
        changes: &[("10.88.0.254 dev eth0 INCOMPLETE", "10.88.0.254 dev eth0 lladdr 02:00:00:00:00:fe REACHABLE")],
        code: 5,
        finding: None,
    },
    // So does a client.
    Variant {
        recording: "client-tells-nobody-the-mac-of-its-address",
        changes: &[
            ("10.88.64.77 dev mlb INCOMPLETE", "10.88.64.77 dev mlb lladdr 02:00:00:00:00:fe REACHABLE"),
            ("10.88.64.77 dev mlb FAILED", "10.88.64.77 dev mlb lladdr 02:00:00:00:00:fe REACHABLE"),
        ],
        code: 5,
        finding: None,
    },
    // Wherever a rule of the pod's node leads what is for the pod; one that leads to the pod itself leads nobody away.
    Variant {
        recording: "far-node-translates-its-pod-away",
        changes: &[("-j DNAT --to-destination 10.88.131.250:4180", "-j REDIRECT --to-ports 9")],
        code: 3,
        finding: Some(("node/firewall-drop", "node/n3/rule/nat/PREROUTING")),
    },
    Variant {
        recording: "far-node-translates-its-pod-away",
        changes: &[("-j DNAT --to-destination 10.88.131.250:4180", "-j DNAT --to-destination 10.88.131.250:9")],
        code: 3,
        finding: Some(("node/firewall-drop", "node/n3/rule/nat/PREROUTING")),
    },
    // What lets a tunnel's first packets in, by its port, does not refuse them; what drops them does so without a word.
    Variant {
        recording: "overlay-firewalld-lacks-its-port",
        changes: &[("udp dport 7946 accept", "udp dport 4789 accept")],
        code: 5,
        finding: None,
    },
    Variant {
        recording: "overlay-firewalld-lacks-its-port",
        changes: &[("reject with icmpx admin-prohibited", "drop")],
        code: 3,
        finding: Some(("node/firewall-drop", "node/n3/rule/inet-firewalld/filter_INPUT")),
    },
    // In a wider network the address is one like any other.
    Variant {
        recording: "addr-broadcast-address-of-the-nodes-network",
        changes: &[
            ("10.88.64.11/24 scope global mlb", "10.88.64.11/18 scope global mlb"),
            ("10.88.64.12/24 scope global mlb", "10.88.64.12/18 scope global mlb"),
            ("10.88.64.13/24 scope global mlb", "10.88.64.13/18 scope global mlb"),
            ("10.88.64.50/24 scope global eth0", "10.88.64.50/18 scope global eth0"),
        ],
        code: 3,
        finding: Some(("client/no-route", "client/c1")),
    },
    // Somebody else's blackhole is no block of pod addresses.
    Variant {
        recording: "cal-client-in-a-block-of-pod-addresses",
        changes: &[("blackhole 10.88.192.0/26 proto 80", "blackhole 10.88.192.0/26 proto static")],
        code: 3,
        finding: Some(("route/return-missing", "node/n2/route/10.88.192.50")),
    },
    // Another port is nobody's but its own.
    Variant {
        recording: "services/svc-another-service-lists-the-address",
        changes: &[(r#""ports":[{"name":"web","port":443,"#, r#""ports":[{"name":"web","port":444,"#)],
        code: 0,
        finding: None,
    },
];

/// What the API said of the namespace's NetworkPolicies, and what it says instead.
const NO_POLICIES: &str = r#""at":7351,"took":49,"r":"ok","a":{"Ok":[]}"#;
const LETS_IN: &str = r#""at":7351,"took":49,"r":"ok","a":{"Ok":[{"metadata":{"name":"closed","namespace":"stacklight"},"spec":{"ingress":[{"ports":[{"port":4180}]}],"podSelector":{},"policyTypes":["Ingress"]}}]}"#;
const DENIES: &str = r#""at":7351,"took":49,"r":"ok","a":{"Ok":[{"metadata":{"name":"closed","namespace":"stacklight"},"spec":{"podSelector":{},"policyTypes":["Ingress"]}}]}"#;
const BY_LABELS: &str = r#""at":7351,"took":49,"r":"ok","a":{"Ok":[{"metadata":{"name":"closed","namespace":"stacklight"},"spec":{"ingress":[{"from":[{"podSelector":{}}]}],"podSelector":{},"policyTypes":["Ingress"]}}]}"#;

/// The answer of the recorded run, and the same with what Calico's own lists say behind it.
const A_POLICY: &str = r#""podSelector":{},"policyTypes":["Ingress"]}}]}}"#;
macro_rules! and_calicos {
    ($of_cluster:literal, $information:literal) => {
        concat!(
            r#""podSelector":{},"policyTypes":["Ingress"]}}]}}"#,
            "\n",
            r#"{"c":"cluster.list","q":{"fields":null,"kind":{"group":"crd.projectcalico.org","plural":"networkpolicies","version":"v1"},"labels":null,"namespace":"stacklight"},"n":0,"at":5124,"took":3,"r":"ok","a":{"Ok":[]}}"#,
            "\n",
            r#"{"c":"cluster.list","q":{"fields":null,"kind":{"group":"crd.projectcalico.org","plural":"globalnetworkpolicies","version":"v1"},"labels":null,"namespace":null},"n":0,"at":5124,"took":3,"r":"ok","a":{"Ok":["#,
            $of_cluster,
            "]}}\n",
            r#"{"c":"cluster.list","q":{"fields":null,"kind":{"group":"crd.projectcalico.org","plural":"clusterinformations","version":"v1"},"labels":null,"namespace":null},"n":0,"at":5124,"took":3,"r":"ok","a":{"Ok":["#,
            $information,
            "]}}"
        )
    };
}
const A_POLICY_AND_CALICOS_WITHOUT_IT: &str = and_calicos!("", r#"{"metadata":{"name":"default"}}"#);
const A_POLICY_AND_CALICOS_WITH_IT: &str =
    and_calicos!(r#"{"metadata":{"name":"default.quarantine"}}"#, r#"{"metadata":{"name":"default"}}"#);
const A_POLICY_AND_NOTHING_OF_CALICOS: &str = and_calicos!("", "");

#[test]
fn the_judgement_follows_the_fact() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (number, variant) in VARIANTS.iter().enumerate() {
        let mut text = String::new();
        let file =
            std::fs::File::open(root.join("tests/recordings").join(variant.recording).with_extension("lbdiag")).expect("a recording");
        GzDecoder::new(file).read_to_string(&mut text).expect("a recording's text");
        for (from, to) in variant.changes {
            assert!(text.contains(from), "{} holds no {from}", variant.recording);
            text = text.replace(from, to);
        }
        let changed = directory.path().join(format!("{number}.lbdiag"));
        let mut packed = GzEncoder::new(std::fs::File::create(&changed).expect("a file"), Compression::fast());
        packed.write_all(text.as_bytes()).and_then(|()| packed.finish().map(|_| ())).expect("written");
        let run = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .args(["run", "metallb-flow", "--quiet", "--report", "json", "--replay"])
            .arg(&changed)
            .output()
            .expect("lbdiag");
        let report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("a report");
        let first = &report["findings"][0];
        let said = first["name"].as_str().zip(first["culprits"][0].as_str());
        let told = format!("{} {:?}: {said:?} {}", variant.recording, variant.changes, first["summary"]);
        assert_eq!(run.status.code(), Some(variant.code), "{told}");
        match variant.finding {
            None => assert_eq!(said, None, "{told}"),
            Some((name, culprit)) => {
                assert!(said.is_some_and(|said| said.0 == name && said.1.starts_with(culprit)), "{told}");
            }
        }
    }
}
