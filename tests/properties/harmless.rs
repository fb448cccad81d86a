//! What has nothing to do with the Service: whatever a cluster has beside it, the verdict is the same.

use std::sync::Arc;

use lbdiag::evidence::cluster::{List, ListQuery, LogQuery};
use lbdiag::evidence::error::EvidenceError;
use lbdiag::evidence::host::script::Script;
use lbdiag::evidence::host::{Command, Output};
use lbdiag::model::capture::Capture;
use lbdiag::model::packet::{Arp, Body, Mac, Packet, Passage};
use lbdiag::model::place::{Host, HostKind};
use serde_json::{Value, json};

use super::sections::edited;
use super::world::Change;

/// One kind of addition.
type Addition = (&'static str, fn(&mut Parts));

type EditText = dyn Fn(&str) -> String + Send + Sync;
type EditList = dyn Fn(&ListQuery, &mut Vec<Value>) + Send + Sync;

/// What is added, by where it shows.
#[derive(Default)]
struct Parts {
    sections: Vec<(&'static str, Arc<EditText>)>,
    lists: Vec<(&'static str, Arc<EditList>)>,
    lines: Vec<&'static str>,
    packets: bool,
}

impl Parts {
    fn section(&mut self, name: &'static str, edit: impl Fn(&str) -> String + Send + Sync + 'static) {
        self.sections.push((name, Arc::new(edit)));
    }

    fn append(&mut self, name: &'static str, text: &'static str) {
        self.section(name, move |read| format!("{}\n{text}", read.trim_end()));
    }

    fn list(&mut self, plural: &'static str, add: impl Fn(&ListQuery, &mut Vec<Value>) + Send + Sync + 'static) {
        self.lists.push((plural, Arc::new(add)));
    }
}

/// A rule before all others of a table's chain, as `iptables-save -c` prints it.
fn first_rule(dump: &str, table: &str, chain: &str, rule: &str) -> String {
    let Some(begin) = dump.find(&format!("*{table}\n")) else { return dump.to_owned() };
    let (before, rest) = dump.split_at(begin);
    let Some(at) = rest.find("\n[").or_else(|| rest.find("\nCOMMIT")).filter(|_| rest.contains(&format!(":{chain} "))) else {
        return dump.to_owned();
    };
    format!("{before}{}\n{rule}{}", &rest[..at], &rest[at..])
}

const DECOY: &str = "-s 198.51.100.0/24 -d 203.0.113.0/24 -j DROP";

const ADDITIONS: [Addition; 24] = [
    ("a rule that drops others' packets", |parts| {
        parts.section("iptables", |dump| first_rule(dump, "filter", "FORWARD", &format!("[0:0] -A FORWARD {DECOY}")));
    }),
    ("a rule that drops others' packets before anything else, and did", |parts| {
        parts.section("iptables", |dump| first_rule(dump, "raw", "PREROUTING", &format!("[7311:900001] -A PREROUTING {DECOY}")));
        parts.section("iptables", |dump| first_rule(dump, "mangle", "PREROUTING", &format!("[7311:900001] -A PREROUTING {DECOY}")));
    }),
    ("a rule that translates others' packets", |parts| {
        let rule = "[12:720] -A PREROUTING -d 198.51.100.9/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:443";
        parts.section("iptables", move |dump| first_rule(dump, "nat", "PREROUTING", rule));
    }),
    ("a rule that masquerades containers", |parts| {
        let rule = "[3:180] -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE";
        parts.section("iptables", move |dump| first_rule(dump, "nat", "POSTROUTING", rule));
    }),
    ("a chain that lets everything return", |parts| {
        parts.section("iptables", |dump| {
            let dump = dump.replacen("*filter\n", "*filter\n:DOCKER-USER - [0:0]\n", 1);
            let dump = first_rule(&dump, "filter", "FORWARD", "[900:54000] -A FORWARD -j DOCKER-USER");
            dump.replacen(
                "[900:54000] -A FORWARD -j DOCKER-USER\n",
                "[900:54000] -A FORWARD -j DOCKER-USER\n[900:54000] -A DOCKER-USER -j RETURN\n",
                1,
            )
        });
    }),
    ("a chain to which nothing leads", |parts| {
        parts.section("iptables", |dump| dump.replacen("*filter\n", "*filter\n:OLD-DROPS - [0:0]\n", 1));
    }),
    ("a table of nftables that drops others' packets", |parts| {
        parts.append(
            "nft",
            "table inet elsewhere {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tip saddr 198.51.100.0/24 counter packets 40 bytes 2400 drop\n\t}\n}",
        );
    }),
    ("a table of nftables that only counts", |parts| {
        parts.append("nft", "table ip accounting {\n\tchain in {\n\t\ttype filter hook prerouting priority -350; policy accept;\n\t\tcounter packets 40 bytes 2400\n\t}\n}");
    }),
    ("a bridge of containers", |parts| {
        parts.append("links", "91: docker0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN mode DEFAULT group default \\    link/ether 02:42:11:22:33:44 brd ff:ff:ff:ff:ff:ff promiscuity 0 \\    bridge forward_delay 1500");
        parts.append(
            "addresses",
            "91: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\       valid_lft forever preferred_lft forever",
        );
        parts.append("settings", "net/ipv4/conf/docker0/rp_filter = 1\nnet/ipv4/conf/docker0/forwarding = 1");
    }),
    ("an interface that is down", |parts| {
        parts.append("links", "92: eth9: <BROADCAST,MULTICAST> mtu 9000 qdisc noop state DOWN mode DEFAULT group default \\    link/ether 02:42:11:22:33:45 brd ff:ff:ff:ff:ff:ff promiscuity 0 ");
    }),
    ("a tunnel to elsewhere", |parts| {
        parts.append("links", "93: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN mode DEFAULT group default \\    link/none  promiscuity 0 \\    wireguard addrgenmode none");
        parts.append("addresses", "93: wg0    inet 203.0.113.129/30 scope global wg0\\       valid_lft forever preferred_lft forever");
    }),
    ("routes to elsewhere", |parts| {
        parts.append("routes", "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown \n203.0.113.128/30 dev wg0 proto kernel scope link src 203.0.113.129 \nblackhole 198.51.100.0/24 proto static ");
    }),
    ("a rule of routing for others", |parts| {
        parts.append("rules", "1700:\tfrom 198.51.100.0/24 lookup 77");
        parts.append("routes", "default via 203.0.113.130 dev wg0 table 77 ");
    }),
    ("neighbours that are gone", |parts| {
        parts.append("neighbours", "198.51.100.3 dev eth9 FAILED \n172.17.0.9 dev docker0 lladdr 02:42:11:22:33:09 STALE ");
    }),
    ("entries of other bridges", |parts| parts.append("fdb", "02:42:11:22:33:09 dev docker0 master docker0 permanent")),
    ("connections of others", |parts| {
        parts.append("conntrack", "tcp      6 86399 ESTABLISHED src=198.51.100.3 dst=198.51.100.9 sport=40000 dport=443 src=172.17.0.2 dst=198.51.100.3 sport=443 dport=40000 [ASSURED] mark=0 use=1");
    }),
    ("programs that listen for themselves", |parts| parts.append("sockets", "LISTEN 0      128    127.0.0.1:9099 0.0.0.0:*")),
    ("another Service with an address of its own", |parts| {
        parts.list("services", |query, objects| {
            if query.fields.is_none() && query.labels.is_none() && query.namespace.is_none() {
                objects.push(json!({"metadata": {"name": "web", "namespace": "elsewhere", "uid": "u-1"},
                    "spec": {"type": "LoadBalancer", "ports": [{"port": 443, "protocol": "TCP", "targetPort": 8443}], "selector": {"app": "elsewhere"}},
                    "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.200"}]}}}));
            }
        });
    }),
    ("labels of nodes", |parts| {
        parts.list("nodes", |_, objects| {
            for object in objects {
                object["metadata"]["labels"]["example.org/rack"] = json!("r7");
                object["metadata"]["annotations"]["example.org/owner"] = json!("somebody");
            }
        });
    }),
    ("a pool for others", |parts| {
        parts.list("ipaddresspools", |_, objects| {
            objects.push(json!({"metadata": {"name": "elsewhere", "namespace": "metallb-system"},
                "spec": {"addresses": ["198.51.100.200-198.51.100.210"], "autoAssign": false}}));
        });
    }),
    ("an advertisement of a pool for others", |parts| {
        parts.list("ipaddresspools", |_, objects| {
            objects.push(json!({"metadata": {"name": "lab-2", "namespace": "metallb-system"},
                "spec": {"addresses": ["198.51.100.220/32"], "autoAssign": false}}));
        });
        parts.list("l2advertisements", |_, objects| {
            objects.push(json!({"metadata": {"name": "lab-2", "namespace": "metallb-system"}, "spec": {"ipAddressPools": ["lab-2"]}}));
        });
    }),
    ("a policy for pods of others", |parts| {
        parts.list("networkpolicies", |query, objects| {
            let namespace = query.namespace.clone().unwrap_or_default();
            objects.push(json!({"metadata": {"name": "deny-others", "namespace": namespace},
                "spec": {"podSelector": {"matchLabels": {"app": "nobody-has-this"}}, "policyTypes": ["Ingress"], "ingress": []}}));
        });
    }),
    ("a speaker's words on another Service", |parts| {
        parts.lines.push(r#"2026-11-23T17:30:00.000000001Z {"caller":"main.go:443","event":"serviceAnnounced","ips":["198.51.100.200"],"level":"info","msg":"service has IP, announcing","pool":"elsewhere","protocol":"layer2","service":"elsewhere/web","ts":"2026-11-23T17:30:00Z"}"#);
    }),
    ("others that ask for each other by ARP", |parts| parts.packets = true),
];

/// The names of all kinds of additions.
pub(super) fn kinds() -> Vec<&'static str> {
    ADDITIONS.iter().map(|(title, _)| *title).collect()
}

/// All additions of one world, of those whose number a condition takes.
pub(super) fn additions(which: impl Fn(usize) -> bool) -> Change {
    let mut parts = Parts::default();
    let mut titles = Vec::new();
    for (_, (title, add)) in ADDITIONS.iter().enumerate().filter(|(number, _)| which(*number)) {
        add(&mut parts);
        titles.push(*title);
    }
    let Parts { sections, lists, lines, packets } = parts;
    Change {
        title: format!("with {}", titles.join(", ")),
        run: Some(Box::new(move |host, command, answer| with_sections(host, command, answer, &sections))),
        list: Some(Box::new(move |query, answer| with_objects(query, answer, &lists))),
        log: Some(Box::new(move |query, log| Ok(with_lines(query, log, &lines)))),
        capture: packets.then(|| -> Box<dyn Fn(&mut Capture) + Send + Sync> { Box::new(with_packets) }),
        ..Change::default()
    }
}

/// The same nodes without a rule of iptables, and without what nftables prints of such.
pub(super) fn without_rule(text: String) -> Change {
    let run = move |_: &Host, command: &Command, answer: Result<Output, EvidenceError>| {
        let mut output = answer?;
        if command.script == Script::Inspect {
            for name in ["iptables", "iptables-legacy"] {
                output = edited(output, name, |dump| dump.lines().filter(|line| !line.ends_with(&text)).collect::<Vec<_>>().join("\n"));
            }
            output = edited(output, "nft", |dump| {
                dump.lines().filter(|line| !line.trim_end().ends_with(" drop") && line.trim() != text).collect::<Vec<_>>().join("\n")
            });
            output = edited(output, "traffic-control", |dump| without_queue(dump, &text));
        }
        Ok(output)
    };
    Change { title: "without the named rule".to_owned(), run: Some(Box::new(run)), ..Change::default() }
}

/// Without the queueing disciplines of that kind and those options.
fn without_queue(dump: &str, text: &str) -> String {
    let (kind, options) = text.split_once(' ').unwrap_or((text, ""));
    let mut here = false;
    let kept = dump.lines().filter(|line| {
        if line.starts_with("qdisc ") {
            here = line.starts_with(&format!("qdisc {kind} ")) && !options.is_empty() && line.trim_end().ends_with(options);
        }
        !here
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// A rule without a counter that would take every request to port 443, had it been there.
pub(super) fn decoy() -> Change {
    let mut parts = Parts::default();
    parts.append("nft", "table inet decoy {\n\tchain in {\n\t\ttype filter hook prerouting priority -350; policy accept;\n\t\ttcp dport { 443, 4180 } drop\n\t}\n}");
    let Parts { sections, .. } = parts;
    let run = move |host: &Host, command: &Command, answer| with_sections(host, command, answer, &sections);
    Change { title: "with a rule that takes all".to_owned(), run: Some(Box::new(run)), ..Change::default() }
}

type Edits = [(&'static str, Arc<dyn Fn(&str) -> String + Send + Sync>)];

fn with_sections(host: &Host, command: &Command, answer: Result<Output, EvidenceError>, edits: &Edits) -> Result<Output, EvidenceError> {
    let mut output = answer?;
    let of_host = command.args.first().is_some_and(|place| place == "host");
    if host.kind == HostKind::Node && of_host && command.script == Script::Inspect {
        for (name, edit) in edits {
            output = edited(output, name, |text| edit(text));
        }
    }
    Ok(output)
}

type Additions = [(&'static str, Arc<dyn Fn(&ListQuery, &mut Vec<Value>) + Send + Sync>)];

fn with_objects(query: &ListQuery, answer: Result<List, EvidenceError>, additions: &Additions) -> Result<List, EvidenceError> {
    let mut list = answer?;
    for (_, add) in additions.iter().filter(|(plural, _)| *plural == query.kind.plural) {
        add(query, &mut list.objects);
    }
    Ok(list)
}

fn with_lines(_: &LogQuery, mut log: Vec<String>, lines: &[&str]) -> Vec<String> {
    // In its place by time: a log's lines stand in their order.
    for line in lines {
        let at = log.iter().position(|other| other.get(..19) > line.get(..19)).unwrap_or(log.len());
        log.insert(at, (*line).to_owned());
    }
    log
}

fn with_packets(capture: &mut Capture) {
    if !capture.request.filter.contains("or arp or") {
        return;
    }
    let arp =
        Arp { reply: false, sender_mac: Mac([2, 0x42, 1, 2, 3, 4]), sender: [198, 51, 100, 3].into(), target: [198, 51, 100, 4].into() };
    let packet = Packet {
        at: capture.listening_at + 1,
        interface: "eth0".into(),
        passage: Passage::In,
        source_mac: Some(arp.sender_mac),
        body: Body::Arp(arp),
        tunnel: None,
        outer: None,
        ttl: None,
    };
    capture.packets = std::iter::once(packet).chain(capture.packets.iter().cloned()).collect();
    for count in [&mut capture.counters.captured, &mut capture.counters.received_by_filter] {
        *count = count.map(|count| count + 1);
    }
    capture.counters.arrived += 1;
}
