//! Words that read what machines and pods say of themselves.

use super::records::announcement::ANNOUNCEMENT;
use super::records::flow::{CLOSER, FLOW};
use super::records::place::{COUNTED, HOST_CHECK, INTERFACE, NEIGHBOUR, POLICY_RULE, PROGRAMME, ROUTE, SOCKET, TRACKED, WALKED, WAY};
use super::records::service::{SERVICE, TARGET};
use crate::words::forms;
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

const READ: &str = "node.read";
const UNREADABLE: &str = "the place cannot be read";
const GAP: &str = "What cannot be read is a gap that forbids a pass, and gives ().";
const NO_PLACE: &str = "An unknown node, or what is no place, ends the run with exit code 2.";
const FAILS: &[&str] = &[GAP, NO_PLACE];
const ADDRESS_PORT: Kind = Kind::Whole { least: 1, most: 65_535, unit: "" };
const PROTOCOL: Kind = Kind::OneOf(&["tcp", "udp", "icmp", "ipv6-icmp", "sctp"]);

const PLACE: Param = Param::needed(
    "place",
    Kind::Place,
    "A node's name, NAMESPACE/NAME of a pod (its network namespace; needs cluster.read), or ssh:HOST, node:NAME, pod:NAMESPACE/NAME, local.",
);

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[
    &HOST_CHECKS,
    &INTERFACES,
    &ROUTES,
    &ROUTE_TO,
    &RULES,
    &NEIGHBOURS,
    &SYSCTL,
    &CONNTRACK,
    &PROXY_RULES,
    &FIREWALL,
    &SOCKETS,
    &COUNTERS,
    &LOOK_CLOSER,
];

pub const HOST_CHECKS: Word = Word {
    name: "host_checks",
    formerly: &[],
    group: Group::Node,
    capability: "node.capture",
    uses_besides: &["cluster.read", "node.read"],
    meaning: "Logs in to every node, side by side, and says what each offers. It tells the user, how root is had, tools, container runtimes, whether a test capture can be opened and closed, and how far the clock is from ours.",
    params: &[Param::needed("from", Kind::Places, "Further hosts to look at, or ().")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&HOST_CHECK))),
    fails: &["A host that cannot be reached says so in its row."],
    examples: &[],
    no_example: "No recording that ships logs in to every node; `lbdiag doctor --record FILE` makes one.",
};

/// A word that reads one part of a place's state.
const fn of_place(name: &'static str, meaning: &'static str, kind: Kind) -> Word {
    Word {
        name,
        formerly: &[],
        group: Group::Node,
        capability: READ,
        uses_besides: &[],
        meaning,
        params: &[PLACE],
        options: &[],
        one_of: &[],
        returns: Returns::or_nothing(kind, UNREADABLE),
        fails: FAILS,
        examples: &[],
        no_example: "",
    }
}

pub const INTERFACES: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = interfaces(\"local\");\n`${all[1].name}: ${all[1].addresses[0]}`",
        gives: "lbw0: 192.0.2.1/24",
    }],
    ..of_place(
        "interfaces",
        "Reads the interfaces of a place with their addresses, as its `ip` tells them.",
        Kind::List(&Kind::Record(&INTERFACE)),
    )
};

pub const ROUTES: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = routes(\"local\");\n`${all[1].dst} via ${all[1].via}`",
        gives: "198.51.100.0/24 via 192.0.2.2",
    }],
    ..of_place("routes", "Reads every route of every table of a place, IPv4 first.", Kind::List(&Kind::Record(&ROUTE)))
};

pub const RULES: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = rules(\"local\");\nall[1].text",
        gives: "from 198.51.100.0/24 lookup 100",
    }],
    ..of_place(
        "rules",
        "Reads the policy rules by which a place's kernel chooses a routing table, IPv4 first, in their order.",
        Kind::List(&Kind::Record(&POLICY_RULE)),
    )
};

pub const NEIGHBOURS: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = neighbours(\"local\");\n`${all[0].address} is at ${all[0].mac}`",
        gives: "192.0.2.2 is at a6:c5:7c:68:7c:a1",
    }],
    ..of_place(
        "neighbours",
        "Reads whom a place takes for a neighbour, by ARP and NDP, with the MAC that it believes.",
        Kind::List(&Kind::Record(&NEIGHBOUR)),
    )
};

pub const SOCKETS: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = sockets(\"local\");\n`${all[0].address} listens on ${all[0].port}`",
        gives: "192.0.2.1 listens on 8081",
    }],
    ..of_place("sockets", "Reads the sockets of a place that listen, with what waits there.", Kind::List(&Kind::Record(&SOCKET)))
};

pub const COUNTERS: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let now = counters(\"local\");\n`${now.interfaces.lbw0.rx_packets} packets came in`",
        gives: "114 packets came in",
    }],
    ..of_place(
        "counters",
        "Reads what the kernel and the interfaces of a place counted since the start. Read it before and after something, and compare.",
        Kind::Record(&COUNTED),
    )
};

pub const ROUTE_TO: Word = Word {
    params: &[PLACE, Param::needed("address", Kind::Address, "Where the packet goes.")],
    options: &[
        Param::optional("from", Kind::Address, "The packet's source; with `iif` it is one that comes in there."),
        Param::optional("iif", Kind::Interface, "The interface by which the packet comes in; needs `from`."),
        Param::optional("mark", Kind::Mark, "The packet's mark."),
    ],
    examples: &[Example {
        recording: "state/healthy",
        script: "let way = route_to(\"n2\", params.client);\n`${way.dev} via ${way.via}`",
        gives: "mlb via 10.88.64.1",
    }],
    ..of_place("route_to", "Asks a place's kernel itself which way a packet to an address takes (`ip route get`).", Kind::Record(&WAY))
};

pub const SYSCTL: Word = Word {
    params: &[
        PLACE,
        Param::needed(
            "names",
            Kind::Either(&Kind::Form(&forms::SETTING), &Kind::List(&Kind::Form(&forms::SETTING))),
            "One name such as net.ipv4.ip_forward, or a list of at most 64. A name with a dot in an interface's name is written with slashes, net/ipv4/conf/eth0.5/rp_filter.",
        ),
    ],
    returns: Returns::or_nothing(
        Kind::Either(&Kind::Any, &Kind::Map(&Kind::Any)),
        "the place cannot be read, or its kernel has no such setting",
    ),
    fails: &[GAP, NO_PLACE, "A name that is not below net, and keys and secrets, are refused."],
    examples: &[Example { recording: "state/healthy", script: "sysctl(\"n2\", \"net.ipv4.ip_forward\")", gives: "1" }],
    ..of_place(
        "sysctl",
        "Reads settings of a place's kernel below /proc/sys/net. A number is a number, anything else a text; a list of names gives a map.",
        Kind::Any,
    )
};

pub const CONNTRACK: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let all = conntrack(\"local\", #{ address: \"192.0.2.2\", port: 8080 });\n`${all[0].src} asked ${all[0].dst}: ${all[0].state}`",
        gives: "192.0.2.1 asked 192.0.2.2: TIME_WAIT",
    }],
    options: &[
        Param::optional("address", Kind::Address, "An address at either end, as it was asked or as the answer is expected."),
        Param::optional("port", ADDRESS_PORT, "Its port."),
        Param::optional("client", Kind::Address, "The address that asked."),
        Param::optional("protocol", PROTOCOL, "The protocol."),
    ],
    one_of: &[&["address", "client"]],
    fails: &[GAP, NO_PLACE, "Without `address` and `client` it is refused, since a node's whole table may be large."],
    ..of_place(
        "conntrack",
        "Reads the connections of one address or client that a place's kernel tracks, at most 2000.",
        Kind::List(&Kind::Record(&TRACKED)),
    )
};

pub const PROXY_RULES: Word = Word {
    params: &[
        PLACE,
        Param::needed("address", Kind::Address, "The address."),
        Param::needed("port", ADDRESS_PORT, "The port."),
        Param::optional("protocol", Kind::OneOf(&["tcp", "udp", "sctp"]), "The protocol.").or("tcp"),
    ],
    examples: &[Example {
        recording: "state/healthy",
        script: "let svc = service(params.namespace, params.service);\nlet found = proxy_rules(\"n2\", svc.address, 443);\n`${found.mode}: ${found.endpoints.len()} endpoints, reached: ${found.reached}`",
        gives: "iptables: 2 endpoints, reached: true",
    }],
    ..of_place(
        "proxy_rules",
        "Tells what a node's own kube-proxy does with an address and port, by its rules of iptables or nftables or by IPVS.",
        Kind::Record(&PROGRAMME),
    )
};

pub const FIREWALL: Word = Word {
    options: &[
        Param::optional("source", Kind::Address, "Who sends it."),
        Param::optional("destination", Kind::Address, "Where it goes."),
        Param::optional("protocol", PROTOCOL, "Its protocol.").or("tcp"),
        Param::optional("source_port", ADDRESS_PORT, "The port that it is sent from."),
        Param::optional("destination_port", ADDRESS_PORT, "The port that it goes to."),
        Param::optional("iif", Kind::Interface, "The interface by which it comes in."),
        Param::optional("oif", Kind::Interface, "The interface by which it leaves; alone, the place sends the packet itself."),
        Param::optional("length", Kind::Whole { least: 1, most: 65_535, unit: "bytes" }, "Its length."),
        Param::optional(
            "state",
            Kind::OneOf(&["new", "established", "related", "invalid", "untracked"]),
            "What the connection table says of it.",
        )
        .or("new"),
        Param::optional("mark", Kind::Mark, "Its mark.").or("0"),
        Param::optional(
            "hook",
            Kind::OneOf(&["prerouting", "input", "forward", "output", "postrouting"]),
            "The one hook that it meets, when it is not to be followed through all.",
        ),
    ],
    one_of: &[&["iif", "oif", "hook"], &["source", "destination"]],
    fails: &[GAP, NO_PLACE, "It is refused without one of `iif`, `oif` and `hook`, and without one of `source` and `destination`."],
    examples: &[Example {
        recording: "state/node-drops-the-client",
        script: "let svc = service(params.namespace, params.service);\nlet walk = firewall(\"n2\", #{ source: params.client, destination: svc.address, destination_port: 443, iif: \"mlb\" });\n`${walk.taken}: ${walk.rule.text}`",
        gives: "yes: -A PREROUTING -s 10.88.192.0/24 -i mlb -j DROP",
    }],
    ..of_place(
        "firewall",
        "Follows one packet through a place's own rules of iptables and nftables, with kube-proxy's translation. What is left out of the packet is not known, and what a rule decides by it may be so or not.",
        Kind::Record(&WALKED),
    )
};

pub const LOOK_CLOSER: Word = Word {
    name: "look_closer",
    formerly: &[],
    group: Group::Node,
    capability: READ,
    uses_besides: &[],
    meaning: "Looks closer where something is suspicious: tries failed or were answered late, or the announcement looks odd. It reads the network state of the nodes, pods and clients on the path, repeats the failing probes under captures, and reads the state again, so that counters that moved tell.",
    params: &[
        Param::needed("service", Kind::Record(&SERVICE), "The Service."),
        Param::needed("announcer", Kind::Record(&ANNOUNCEMENT), "What `find_announcer` gave, or ()."),
        Param::needed("target", Kind::Record(&TARGET), "What `resolve_target_port` gave, or ()."),
        Param::needed("flow", Kind::Record(&FLOW), "What `during` gave, or ()."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::or_nothing(Kind::Record(&CLOSER), "nothing is suspicious, or there is no target or flow"),
    fails: &["A place that cannot be read is a gap."],
    examples: &[Example {
        recording: "node-firewall-drops-only-routed-client-network",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet found = find_announcer(svc);\nlet points = watch_points(found, about.target).nodes.map(|node| node_capture(node, about));\npoints += [\"ssh:c1\", \"ssh:c2\"].map(|place| vantage_capture(place, about));\nlet flow = during(points, || probe(svc, #{ from: \"ssh:c1,ssh:c2\" }));\nlet closer = look_closer(svc, found, about.target, flow);\n`all answered again: ${closer.again.answered}`",
        gives: "all answered again: false",
    }],
    no_example: "",
};
