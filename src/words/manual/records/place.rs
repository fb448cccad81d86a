//! What hosts and places say of themselves, as scripts see it.

use crate::words::word::{Field, Kind, Record};

const TEXTS: Kind = Kind::List(&Kind::Text);

pub const ACCESS_CHECK: Record = Record {
    name: "AccessCheck",
    meaning: "One permission of the API.",
    fields: &[
        Field::new("what", Kind::Text, "Verb and resource, such as `list pods`."),
        Field::new("namespace", Kind::Text, "Where; - for all namespaces."),
        Field::new("allowed", Kind::Bool, "Whether this user may.").or_nothing("it could not be asked"),
        Field::new("needed", Kind::Bool, "Whether a run leaves its main questions open without it."),
        Field::new("because", Kind::Text, "What it is needed for."),
        Field::new("error", Kind::Text, "Why it could not be asked.").or_nothing("it could"),
    ],
    hidden: &[],
    open: false,
};

pub const TOOL: Record = Record {
    name: "Tool",
    meaning: "A program of a host.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("path", Kind::Text, "Where it is; empty when it is not there."),
        Field::new("version", Kind::Text, "Its version; empty when it does not tell."),
    ],
    hidden: &[],
    open: false,
};

pub const HOST_CHECK: Record = Record {
    name: "HostCheck",
    meaning: "What one host offers.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("address", Kind::Text, "What was connected to."),
        Field::new("unreachable", Kind::Text, "Why it cannot be used at all; everything else is empty then.").or_nothing("it can"),
        Field::new("gap", Kind::Text, "The name of the gap that this leaves, such as evidence/host-unreachable.")
            .or_nothing("it can be used"),
        Field::new("user", Kind::Text, "Who lbdiag is there."),
        Field::new("root", Kind::Text, "How root is had, login or sudo, or why not."),
        Field::new("has_root", Kind::Bool, "Whether root is had."),
        Field::new("tools", Kind::List(&Kind::Record(&TOOL)), "Programs that were looked for."),
        Field::new("missing", TEXTS, "Tools that a run needs and the host lacks."),
        Field::new("wanting", TEXTS, "Tools that the host lacks and without which a closer look knows less."),
        Field::new("runtimes", TEXTS, "Container runtimes whose socket is there."),
        Field::new("kernel", Kind::Text, "The kernel's version."),
        Field::new("capture", Kind::Text, "ok, or why no capture can be made there."),
        Field::new("can_capture", Kind::Bool, "Whether a capture can be made there."),
        Field::new("clock", Kind::Text, "How far the clock is ahead of ours for a person, or why that is not known."),
        Field::new("clock_ahead_us", Kind::Number, "How far the clock is ahead of ours.")
            .unit("microseconds")
            .or_nothing("it is not known"),
    ],
    hidden: &[],
    open: false,
};

pub const INTERFACE: Record = Record {
    name: "Interface",
    meaning: "An interface of a place.",
    fields: &[
        Field::new("name", Kind::Interface, "Its name."),
        Field::new("up", Kind::Bool, "Whether an administrator set it up."),
        Field::new("lower_up", Kind::Bool, "Whether it has a carrier."),
        Field::new("no_arp", Kind::Bool, "Whether it answers no ARP."),
        Field::new("master", Kind::Interface, "The bridge or bond that it is part of.").or_nothing("it is part of none"),
        Field::new("mac", Kind::Text, "Its MAC.").or_nothing("it has none"),
        Field::new("mtu", Kind::Number, "The largest packet.").unit("bytes"),
        Field::new("kind", Kind::Text, "vxlan, veth, bridge and the like.").or_nothing("it is an ordinary one"),
        Field::new("addresses", TEXTS, "Its addresses, such as 10.0.0.1/24."),
    ],
    hidden: &[],
    open: false,
};

pub const NEXT_HOP: Record = Record {
    name: "NextHop",
    meaning: "One way of a route with several.",
    fields: &[
        Field::new("via", Kind::Address, "The gateway.").or_nothing("it is on the link"),
        Field::new("dev", Kind::Interface, "The interface.").or_nothing("it names none"),
        Field::new("weight", Kind::Number, "Its share.").or_nothing("all have the same"),
    ],
    hidden: &[],
    open: false,
};

pub const ROUTE: Record = Record {
    name: "Route",
    meaning: "A route of a place.",
    fields: &[
        Field::new("dst", Kind::Text, "default, an address or a network."),
        Field::new("via", Kind::Address, "The gateway.").or_nothing("the destination is on the link"),
        Field::new("dev", Kind::Interface, "The interface.").or_nothing("it has several ways, or none"),
        Field::new("src", Kind::Address, "The address that is sent from.").or_nothing("the kernel chooses"),
        Field::new("metric", Kind::Number, "The smallest is taken.").or_nothing("it has none"),
        Field::new("table", Kind::Text, "main, local, a number or a name."),
        Field::new("kind", Kind::Text, "unicast, local, broadcast, blackhole, unreachable and the like."),
        Field::new("protocol", Kind::Text, "Who made it: kernel, bird, dhcp and the like.").or_nothing("nobody says so"),
        Field::new("nexthops", Kind::List(&Kind::Record(&NEXT_HOP)), "The ways of a route that has several; empty for most."),
    ],
    hidden: &[],
    open: false,
};

pub const WAY: Record = Record {
    name: "Way",
    meaning: "The way that a packet takes, by the kernel's own word.",
    fields: &[
        Field::new("dev", Kind::Interface, "The interface.").or_nothing("the kernel refuses"),
        Field::new("via", Kind::Address, "The gateway.").or_nothing("the destination is on the link"),
        Field::new("src", Kind::Address, "The address that the kernel would send from.").or_nothing("it does not tell"),
        Field::new("table", Kind::Text, "The table.").or_nothing("it is main"),
        Field::new("kind", Kind::Text, "local, blackhole, unreachable and the like.").or_nothing("it is an ordinary route"),
        Field::new("refused", Kind::Text, "The kernel's refusal, such as Network is unreachable.").or_nothing("it does not refuse"),
        Field::new("mtu", Kind::Number, "The most bytes that a packet may have on it.").unit("bytes").or_nothing("the route does not say"),
    ],
    hidden: &[],
    open: false,
};

pub const POLICY_RULE: Record = Record {
    name: "PolicyRule",
    meaning: "A rule by which the kernel chooses a routing table.",
    fields: &[
        Field::new("family", Kind::OneOf(&["ipv4", "ipv6"]), "The family of addresses."),
        Field::new("priority", Kind::Number, "The smallest is asked first."),
        Field::new("not", Kind::Bool, "Whether it takes what it does not name."),
        Field::new("from", Kind::Text, "all, an address or a network."),
        Field::new("to", Kind::Text, "An address or a network.").or_nothing("it takes every destination"),
        Field::new("mark", Kind::Text, "The mark of the packets.").or_nothing("it takes every mark"),
        Field::new("iif", Kind::Interface, "The interface by which they come in.").or_nothing("it takes every one"),
        Field::new("oif", Kind::Interface, "The interface that they are bound to.").or_nothing("it takes every one"),
        Field::new("protocol", Kind::Text, "The transport protocol, tcp or a number.").or_nothing("it takes every one"),
        Field::new("source_port", Kind::Text, "A port or a range such as 4000-4100.").or_nothing("it takes every one"),
        Field::new("destination_port", Kind::Text, "A port or a range such as 4000-4100.").or_nothing("it takes every one"),
        Field::new("table", Kind::Text, "The table.").or_nothing("the rule refuses"),
        Field::new("suppressed", Kind::Number, "Routes of that table with a prefix of so many bits or fewer count as none.")
            .or_nothing("all of them count"),
        Field::new("text", Kind::Text, "The whole rule."),
    ],
    hidden: &[],
    open: false,
};

pub const NEIGHBOUR: Record = Record {
    name: "Neighbour",
    meaning: "Whom a place takes for a neighbour.",
    fields: &[
        Field::new("address", Kind::Address, "The neighbour's address."),
        Field::new("dev", Kind::Interface, "The interface."),
        Field::new("mac", Kind::Text, "Its MAC.").or_nothing("nobody answered"),
        Field::new("state", Kind::Text, "REACHABLE, STALE, FAILED and the like."),
    ],
    hidden: &[],
    open: false,
};

pub const TRACKED: Record = Record {
    name: "Tracked",
    meaning: "A connection that the kernel tracks.",
    fields: &[
        Field::new("protocol", Kind::Text, "tcp, udp, icmp and the like."),
        Field::new("state", Kind::Text, "TCP's state, such as SYN_SENT.").or_nothing("it is no TCP"),
        Field::new("seconds", Kind::Number, "Until it is forgotten.").unit("seconds").or_nothing("it is not told"),
        Field::new("src", Kind::Address, "Who asked."),
        Field::new("sport", Kind::Number, "From which port.").or_nothing("the protocol has none"),
        Field::new("dst", Kind::Address, "Who was asked."),
        Field::new("dport", Kind::Number, "At which port.").or_nothing("the protocol has none"),
        Field::new("reply_src", Kind::Address, "Who is to answer."),
        Field::new("reply_sport", Kind::Number, "From which port.").or_nothing("the protocol has none"),
        Field::new("reply_dst", Kind::Address, "Whom the answer is to go to."),
        Field::new("reply_dport", Kind::Number, "At which port.").or_nothing("the protocol has none"),
        Field::new("unreplied", Kind::Bool, "Whether no answer has come by yet."),
        Field::new("assured", Kind::Bool, "Whether it is kept when the table is full."),
        Field::new("mark", Kind::Number, "Its mark.").or_nothing("it is not told"),
        Field::new("dnat", Kind::Bool, "Whether the destination was translated."),
        Field::new("snat", Kind::Bool, "Whether the source was translated."),
    ],
    hidden: &[],
    open: false,
};

pub const PROXY_RULE: Record = Record {
    name: "ProxyRule",
    meaning: "A rule of kube-proxy's.",
    fields: &[
        Field::new("path", Kind::Text, "Where it stands, such as nat/KUBE-SERVICES/4."),
        Field::new("text", Kind::Text, "The rule, as the tool prints it."),
        Field::new("packets", Kind::Number, "What its counter says.").or_nothing("it has none"),
    ],
    hidden: &[],
    open: false,
};

pub const PROGRAMME: Record = Record {
    name: "ProxyProgramme",
    meaning: "What kube-proxy programmed for an address and port.",
    fields: &[
        Field::new("mode", Kind::OneOf(&["iptables", "nftables", "ipvs"]), "By what.").or_nothing("no programme was found"),
        Field::new("endpoints", TEXTS, "Where it leads to, each as ADDRESS:PORT."),
        Field::new("rules", Kind::List(&Kind::Record(&PROXY_RULE)), "The rules that make it, in the order in which they are met."),
        Field::new("reached", Kind::Bool, "Whether a packet from outside comes to these rules and is translated."),
        Field::new("open", Kind::Bool, "Whether there are more rules than are followed."),
    ],
    hidden: &[],
    open: false,
};

pub const TAKER: Record = Record {
    name: "FilterRule",
    meaning: "A rule of a packet filter that takes a packet, or may.",
    fields: &[
        Field::new("path", Kind::Text, "Where it stands, such as raw/PREROUTING/1."),
        Field::new("tool", Kind::OneOf(&["iptables", "iptables-legacy", "nft"]), "Whose it is."),
        Field::new("text", Kind::Text, "The rule, as the tool prints it."),
        Field::new("packets", Kind::Number, "What its counter says.").or_nothing("it has none"),
        Field::new("hook", Kind::Text, "Where in the kernel it is met."),
        Field::new("sure", Kind::Bool, "Whether a packet that comes to it is surely taken."),
    ],
    hidden: &[],
    open: false,
};

pub const WALKED: Record = Record {
    name: "RuleWalk",
    meaning: "What becomes of one packet in the packet filters.",
    fields: &[
        Field::new(
            "taken",
            Kind::OneOf(&["yes", "no", "maybe"]),
            "Whether a rule takes it; maybe when that depends on chance, an ipset, or on rules that could not be read or not all be followed.",
        ),
        Field::new("rule", Kind::Record(&TAKER), "The rule that takes it, or the first that may.").or_nothing("none does"),
        Field::new("rules", Kind::List(&Kind::Record(&TAKER)), "All of those, in the order in which they are met."),
        Field::new("translated", TEXTS, "Where it may be sent on to, each as ADDRESS:PORT."),
        Field::new("hooks", TEXTS, "The hooks that it passes, as far as it gets."),
        Field::new("unread", TEXTS, "What could not be read, and what that leaves open."),
    ],
    hidden: &[],
    open: false,
};

pub const SOCKET: Record = Record {
    name: "Socket",
    meaning: "A socket that listens.",
    fields: &[
        Field::new("protocol", Kind::OneOf(&["tcp", "udp"]), "Its protocol."),
        Field::new("address", Kind::Address, "The address that it listens on.").or_nothing("it listens on every address"),
        Field::new("port", Kind::Number, "Its port."),
        Field::new("waiting", Kind::Number, "What waits for the program: connections, for udp bytes."),
        Field::new("most", Kind::Number, "How many may wait; 0 for udp."),
    ],
    hidden: &[],
    open: false,
};

pub const TRAFFIC: Record = Record {
    name: "Traffic",
    meaning: "What an interface counted since the start.",
    fields: &[
        Field::new("rx_bytes", Kind::Number, "Received.").unit("bytes"),
        Field::new("rx_packets", Kind::Number, "Received.").unit("packets"),
        Field::new("rx_errors", Kind::Number, "Received wrongly.").unit("packets"),
        Field::new("rx_dropped", Kind::Number, "Received and dropped.").unit("packets"),
        Field::new("tx_bytes", Kind::Number, "Sent.").unit("bytes"),
        Field::new("tx_packets", Kind::Number, "Sent.").unit("packets"),
        Field::new("tx_errors", Kind::Number, "Not sent by an error.").unit("packets"),
        Field::new("tx_dropped", Kind::Number, "Dropped in place of being sent.").unit("packets"),
    ],
    hidden: &[],
    open: false,
};

pub const COUNTED: Record = Record {
    name: "Counters",
    meaning: "What the kernel and the interfaces counted since the start.",
    fields: &[
        Field::new("kernel", Kind::Map(&Kind::Number), "The kernel's counters by nstat's names, such as TcpExtListenDrops."),
        Field::new("interfaces", Kind::Map(&Kind::Record(&TRAFFIC)), "Each interface's counters, by name."),
    ],
    hidden: &[],
    open: false,
};
