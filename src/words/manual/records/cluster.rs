//! Nodes, events and other objects of the API, and elections, as scripts see them.

use super::announcement::EXCLUDED;
use crate::words::word::{Field, Kind, Record};

const NAMES: Kind = Kind::List(&Kind::Text);

pub const NODE: Record = Record {
    name: "Node",
    meaning: "A node of the cluster, as the API tells it.",
    fields: &[
        Field::new("name", Kind::Text, "Its name."),
        Field::new("labels", Kind::Map(&Kind::Text), "Its labels."),
        Field::new("zone", Kind::Text, "Its zone, of the label topology.kubernetes.io/zone.").or_nothing("it has no such label"),
        Field::new("addresses", Kind::List(&Kind::Address), "Its InternalIPs, as the API tells them."),
        Field::new("other_addresses", Kind::List(&Kind::Address), "Further addresses of its own that the API tells."),
        Field::new("pod_cidrs", NAMES, "The networks of its pods; empty where the API does not tell them."),
        Field::new("ready", Kind::Bool, "Whether its condition Ready is true."),
        Field::new("network_unavailable", Kind::Bool, "Whether its condition NetworkUnavailable is true."),
        Field::new("unschedulable", Kind::Bool, "Whether it is cordoned."),
        Field::new("in_load_balancing", Kind::Bool, "Whether it lacks the label that keeps a node out of load balancing."),
    ],
    hidden: &["internal_ips", "other_ips"],
    open: false,
};

pub const TOLD_EVENT: Record = Record {
    name: "ClusterEvent",
    meaning: "An event of the API, with the object that it is about.",
    fields: &[
        Field::new("kind", Kind::Text, "Normal or Warning."),
        Field::new("reason", Kind::Text, "Its reason, in a word."),
        Field::new("message", Kind::Text, "Its text."),
        Field::new("component", Kind::Text, "Who says it."),
        Field::new("at", Kind::Text, "When it was said last, in RFC 3339."),
        Field::new("count", Kind::Number, "How often it was said."),
        Field::new("namespace", Kind::Text, "The namespace of the object that it is about; empty for one that has none."),
        Field::new("object", Kind::Text, "That object, such as Pod/web-1."),
    ],
    hidden: &[],
    open: false,
};

pub const OBJECT: Record = Record {
    name: "Object",
    meaning: "An object of the API, or a part of one. It is read as the API writes it, such as `object.metadata.name`; what it lacks, and what lbdiag does not take of its kind, is (). `keys` gives the names of what it has.",
    fields: &[],
    hidden: &[],
    open: true,
};

pub const ELECTION: Record = Record {
    name: "Election",
    meaning: "Who would announce the address of a Service.",
    fields: &[
        Field::new("service", Kind::Text, "NAMESPACE/NAME of the Service."),
        Field::new("address", Kind::Address, "Its address."),
        Field::new("protocol", Kind::OneOf(&["layer2", "bgp"]), "How it would be announced; layer2 where it is by both."),
        Field::new("node", Kind::Text, "The node that would announce it; over BGP the first of them.").or_nothing("none would"),
        Field::new("nodes", NAMES, "All nodes that would announce it; over BGP there may be several."),
        Field::new("candidates", NAMES, "The nodes that could."),
        Field::new("excluded", Kind::List(&Kind::Record(&EXCLUDED)), "The others, each with the reason."),
    ],
    hidden: &[],
    open: false,
};
