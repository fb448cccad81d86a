//! Who announces an address, as scripts see it.

use crate::words::word::{Field, Kind, Record};

const TEXTS: Kind = Kind::List(&Kind::Text);
const ADDRESSES: Kind = Kind::List(&Kind::Address);
const PROTOCOL: Kind = Kind::OneOf(&["layer2", "bgp", ""]);

pub const EXCLUDED: Record = Record {
    name: "Excluded",
    meaning: "A node that takes no part in the election.",
    fields: &[
        Field::new("node", Kind::Text, "The node."),
        Field::new("reason", Kind::Text, "Why, in a sentence."),
        Field::new("why", Kind::Text, "Why, in a word, such as label, noendpoint or advertisement."),
    ],
    hidden: &[],
    open: false,
};

pub const SOURCE: Record = Record {
    name: "Source",
    meaning: "One source, and the node that it names.",
    fields: &[
        Field::new(
            "kind",
            Kind::OneOf(&["log", "metric", "l2status", "bgpstatus", "session", "event", "lease", "wire", "router"]),
            "What was read.",
        ),
        Field::new("node", Kind::Text, "The node that it names.").or_nothing("it was read and names nobody"),
        Field::new("protocol", PROTOCOL, "The protocol; empty when the source does not tell."),
        Field::new("at", Kind::Text, "When it said so, in RFC 3339.").or_nothing("it has no age"),
        Field::new("age_s", Kind::Number, "How old that was when the run began.").unit("seconds").or_nothing("it has no age"),
        Field::new("detail", Kind::Text, "Its words, and why it is not believed by itself."),
        Field::new("trusted", Kind::Bool, "Whether it can be believed by itself."),
    ],
    hidden: &[],
    open: false,
};

pub const SIDE: Record = Record {
    name: "Side",
    meaning: "A node that some source names now.",
    fields: &[Field::new("node", Kind::Text, "The node."), Field::new("sources", TEXTS, "The kinds of sources that name it.")],
    hidden: &[],
    open: false,
};

pub const WIRE_ANSWER: Record = Record {
    name: "WireAnswer",
    meaning: "An answer by ARP or NDP.",
    fields: &[
        Field::new("address", Kind::Address, "The address that was asked for."),
        Field::new("mac", Kind::Text, "Who says that it has it."),
        Field::new("node", Kind::Text, "The node that has that MAC.").or_nothing("no node that was read has it"),
        Field::new("interface", Kind::Interface, "Its interface.").or_nothing("no node that was read has it"),
    ],
    hidden: &[],
    open: false,
};

pub const WIRE: Record = Record {
    name: "Wire",
    meaning: "Who answers for the address on the wire.",
    fields: &[
        Field::new("asked_from", TEXTS, "Hosts that asked, each on a network that holds the address."),
        Field::new("answers", Kind::List(&Kind::Record(&WIRE_ANSWER)), "What came back."),
        Field::new("nodes_read", TEXTS, "Nodes whose interfaces were read."),
    ],
    hidden: &[],
    open: false,
};

pub const HISTORY: Record = Record {
    name: "History",
    meaning: "How the announcement moved between nodes.",
    fields: &[
        Field::new("since", Kind::Text, "When it came to the node that announces now, in RFC 3339.").or_nothing("the logs do not tell"),
        Field::new("changes", Kind::Number, "Changes in the densest ten minutes, those that a restart explains left out."),
        Field::new("rests", Kind::Bool, "Whether it stays for longer now than it ever did between them."),
        Field::new("moves", TEXTS, "The moves as lines for a person, the newest last."),
    ],
    hidden: &[],
    open: false,
};

pub const SESSION: Record = Record {
    name: "Session",
    meaning: "A BGP session of a node with a router.",
    fields: &[
        Field::new("node", Kind::Text, "The node."),
        Field::new("peer", Kind::Text, "The BGPPeer's name."),
        Field::new("address", Kind::Text, "The router's address."),
        Field::new("up", Kind::Bool, "What the node's side believes.").or_nothing("nothing that was read tells"),
        Field::new("reason", Kind::Text, "The newest reason for a failure, in the speaker's words.").or_nothing("it tells of none"),
        Field::new("changes", Kind::Number, "How often it went up or down, as far as the log goes back."),
        Field::new("changes_last_minute", Kind::Number, "How often in the minute before its newest change."),
        Field::new("says", TEXTS, "What each source says, as lines for a person."),
        Field::new("prefixes", Kind::Number, "Prefixes that the node says it sends.").or_nothing("no metric was read"),
    ],
    hidden: &[],
    open: false,
};

pub const BGP_NODE: Record = Record {
    name: "BgpNode",
    meaning: "What one node does over BGP.",
    fields: &[
        Field::new("node", Kind::Text, "The node."),
        Field::new("announces", Kind::Bool, "Whether its speaker says that it announces.").or_nothing("nothing that was read tells"),
        Field::new("reason", Kind::Text, "The reason of its last withdrawal."),
        Field::new("peers", TEXTS, "BGPPeers that reach this node."),
        Field::new("advertised_to", TEXTS, "Those of them to which the advertisements let it announce."),
        Field::new("status", TEXTS, "The peers of its ServiceBGPStatus.").or_nothing("there is none"),
        Field::new("sessions", Kind::List(&Kind::Record(&SESSION)), "Its sessions."),
    ],
    hidden: &[],
    open: false,
};

pub const PREFIX: Record = Record {
    name: "Prefix",
    meaning: "A network that an advertisement makes of an address.",
    fields: &[
        Field::new("address", Kind::Address, "The address."),
        Field::new("prefix", Kind::Text, "The network that is announced for it."),
        Field::new("advertisement", Kind::Text, "The BGPAdvertisement."),
    ],
    hidden: &[],
    open: false,
};

pub const BGP_PEER: Record = Record {
    name: "BgpPeer",
    meaning: "A BGPPeer of the cluster.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("address", Kind::Text, "The router's address; empty for one that is reached by an interface."),
        Field::new("interface", Kind::Interface, "That interface.").or_nothing("it is reached by its address"),
        Field::new("port", Kind::Number, "The router's port."),
        Field::new("my_asn", Kind::Number, "The cluster's own number.").or_nothing("it is not told"),
        Field::new("peer_asn", Kind::Number, "The router's number.").or_nothing("it is dynamic"),
        Field::new("node_selectors", Kind::List(&Kind::Any), "Which nodes it is for; empty is every node."),
        Field::new("password", Kind::Bool, "Whether the session is signed; the password is never read."),
        Field::new("vrf", Kind::Text, "The VRF; empty for the usual one."),
        Field::new("hold_time", Kind::Text, "As written, such as 90s.").or_nothing("it is not told"),
        Field::new("source_address", Kind::Text, "The address that the node speaks from.").or_nothing("it is not told"),
        Field::new("multi_hop", Kind::Bool, "Whether the router may be further away than one hop."),
    ],
    hidden: &[],
    open: false,
};

pub const ROUTER_NEIGHBOUR: Record = Record {
    name: "RouterNeighbour",
    meaning: "A neighbour that a router talks BGP with.",
    fields: &[
        Field::new("address", Kind::Address, "Its address."),
        Field::new("remote_asn", Kind::Number, "Its number.").or_nothing("the router does not tell"),
        Field::new("state", Kind::Text, "Established, Active, Idle and the like."),
        Field::new("received", Kind::Number, "Prefixes that were accepted from it.").or_nothing("the router does not tell"),
    ],
    hidden: &[],
    open: false,
};

pub const ROUTER_PATH: Record = Record {
    name: "RouterPath",
    meaning: "A path of a router's BGP table.",
    fields: &[
        Field::new("prefix", Kind::Text, "The network."),
        Field::new("from", Kind::Text, "The neighbour that it came from."),
        Field::new("next_hops", TEXTS, "Where it leads to."),
        Field::new("valid", Kind::Bool, "Whether the router may use it."),
        Field::new("used", Kind::Bool, "Whether it is the best path, or one of several equal ones."),
    ],
    hidden: &[],
    open: false,
};

pub const ROUTER_ROUTE: Record = Record {
    name: "RouterRoute",
    meaning: "What a router knows of one address.",
    fields: &[
        Field::new("address", Kind::Address, "The address."),
        Field::new("paths", Kind::List(&Kind::Record(&ROUTER_PATH)), "Paths that cover it.").or_nothing("the table could not be read"),
        Field::new("installed", ADDRESSES, "Next hops in the forwarding table, when BGP gave them.")
            .or_nothing("the routes could not be read"),
    ],
    hidden: &[],
    open: false,
};

pub const ROUTER: Record = Record {
    name: "Router",
    meaning: "What a router says.",
    fields: &[
        Field::new("host", Kind::Text, "The host that was asked."),
        Field::new("asn", Kind::Number, "Its number.").or_nothing("it does not tell"),
        Field::new("addresses", ADDRESSES, "Its own addresses."),
        Field::new("neighbours", Kind::List(&Kind::Record(&ROUTER_NEIGHBOUR)), "Who it talks with."),
        Field::new("neighbours_read", Kind::Bool, "Whether the neighbours could be read: if not, their absence means nothing."),
        Field::new("routes", Kind::List(&Kind::Record(&ROUTER_ROUTE)), "For each address of the Service, what it knows."),
    ],
    hidden: &[],
    open: false,
};

pub const BGP: Record = Record {
    name: "Bgp",
    meaning: "What there is of BGP for the Service.",
    fields: &[
        Field::new("mode", Kind::OneOf(&["native", "frr", "frr-k8s"]), "What speaks BGP on the nodes."),
        Field::new("advertisements", TEXTS, "The BGPAdvertisements that select the pool and the Service."),
        Field::new("candidates", TEXTS, "The nodes that should announce."),
        Field::new("excluded", Kind::List(&Kind::Record(&EXCLUDED)), "The other nodes, each with the reason."),
        Field::new("nodes", Kind::List(&Kind::Record(&BGP_NODE)), "What each node does."),
        Field::new("prefixes", Kind::List(&Kind::Record(&PREFIX)), "What is announced."),
        Field::new("peers", Kind::List(&Kind::Record(&BGP_PEER)), "The routers that the cluster is told to talk with."),
        Field::new("peers_read", Kind::Bool, "Whether the BGPPeers could be read."),
        Field::new("router", Kind::Record(&ROUTER), "What a router says.").or_nothing("none was asked, or it could not be"),
    ],
    hidden: &[],
    open: false,
};

pub const ANNOUNCEMENT: Record = Record {
    name: "Announcement",
    meaning: "Who announces a Service's address, and who should.",
    fields: &[
        Field::new("address", Kind::Address, "The Service's first address, by which layer 2 elects.").or_nothing("it has none"),
        Field::new("addresses", ADDRESSES, "Every address of the Service."),
        Field::new("service", Kind::Text, "The Service, as NAMESPACE/NAME."),
        Field::new("protocol", PROTOCOL, "How it is announced: layer2 also when by both, empty when nobody does."),
        Field::new("node", Kind::Text, "The node that announces; of several the one that should.").or_nothing("none is known"),
        Field::new("nodes", TEXTS, "Every node that announces, as far as is known."),
        Field::new("pod", Kind::Text, "The speaker's pod on the first node.").or_nothing("none is known"),
        Field::new("expected", Kind::Text, "The node that should announce, by MetalLB's election.")
            .or_nothing("nobody should, or it cannot be computed"),
        Field::new("candidates", TEXTS, "The nodes that may announce at layer 2."),
        Field::new("excluded", Kind::List(&Kind::Record(&EXCLUDED)), "The other nodes, each with the reason."),
        Field::new("agreement", Kind::OneOf(&["agree", "conflict", "several", "none", "unknown"]), "What the sources say together."),
        Field::new("because", Kind::Text, "Why the agreement is what it is, in a sentence."),
        Field::new("sources", Kind::List(&Kind::Record(&SOURCE)), "What each source says."),
        Field::new("sides", Kind::List(&Kind::Record(&SIDE)), "For each node that any source names now, the kinds of sources that do."),
        Field::new("since", Kind::Text, "When it came to the node that announces now, in RFC 3339.").or_nothing("the logs do not tell"),
        Field::new("history", Kind::Record(&HISTORY), "How it moved between nodes."),
        Field::new("wire", Kind::Record(&WIRE), "Who answers on the wire.").or_nothing("it was not asked there"),
        Field::new("bgp", Kind::Record(&BGP), "What there is of BGP.").or_nothing("no BGPAdvertisement selects the pool"),
        Field::new("pool", Kind::Text, "The pool that holds the addresses.").or_nothing("none does"),
        Field::new("advertisements", TEXTS, "The L2Advertisements that select the pool."),
        Field::new("interfaces", TEXTS, "Interfaces that the advertisements allow; empty means all."),
        Field::new("unread", TEXTS, "Nodes whose speaker's log could not be read."),
    ],
    hidden: &["layer2", "logs", "metallb", "metrics", "nodes_seen", "now", "spared"],
    open: false,
};
