//! Words that watch packets.

use super::records::announcement::ANNOUNCEMENT;
use super::records::flow::{CAPTURE, FLOW, PATH, WATCH_POINTS as WATCH_POINTS_RECORD};
use super::records::service::{SERVICE, TARGET};
use crate::model::capability::{ANY_CAPTURE, PAYLOAD};
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

const A_CAPTURE: Kind = Kind::Record(&CAPTURE);
const REFUSED: &str =
    "It is refused without `filter`, without `address`, and without `service` and `target`, of which a filter could be made.";
const LATER: &str = "A capture that cannot begin is a gap, which `during` tells.";

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[&WATCH_POINTS, &NODE_CAPTURE, &POD_NETNS_CAPTURE, &VANTAGE_CAPTURE, &LOCAL_CAPTURE, &DURING, &TRACE];

/// What every capture may be told.
pub const OPTIONS: &[Param] = &[
    Param::optional("service", Kind::Record(&SERVICE), "The Service whose traffic is captured; with `target`."),
    Param::optional("target", Kind::Record(&TARGET), "Where its port ends; with `service`."),
    Param::optional(
        "client",
        Kind::Address,
        "On a node: a client of which it takes whatever it and the Service's address send each other.",
    ),
    Param::optional(
        "address",
        Kind::Address,
        "An address whose traffic is captured, in place of a Service's; needs the capability node.capture.any.",
    )
    .at_times_needing(ANY_CAPTURE),
    Param::optional("port", Kind::Whole { least: 1, most: 65_535, unit: "" }, "The port of that address."),
    Param::optional("protocol", Kind::OneOf(&["tcp", "udp", "sctp"]), "The protocol of that port.").or("tcp"),
    Param::optional(
        "filter",
        Kind::Text,
        "A filter in pcap's language, in place of one that is made; needs the capability node.capture.any.",
    )
    .at_times_needing(ANY_CAPTURE),
    Param::optional(
        "interface",
        Kind::CaptureInterface,
        "Where on the host; with `towards` the interface by which it would send to that address.",
    )
    .or("any"),
    Param::optional("direction", Kind::OneOf(&["in", "out", "both", "inout"]), "Which packets.").or("both"),
    Param::optional(
        "snaplen",
        Kind::Whole { least: 1, most: 65_535, unit: "bytes" },
        "What is kept of each packet; above 160, which keeps what packets carry, it needs the capability capture.payload.",
    )
    .or("128")
    .at_times_needing(PAYLOAD),
    Param::optional("packets", Kind::Whole { least: 1, most: 1_000_000, unit: "" }, "The most packets.").or("20000"),
    Param::optional("seconds", Kind::Whole { least: 1, most: 3_600, unit: "seconds" }, "The longest time.").or("90"),
    Param::optional("bytes", Kind::Whole { least: 1, most: 1 << 30, unit: "bytes" }, "The most bytes.").or("8388608"),
    Param::optional(
        "buffer",
        Kind::Whole { least: 1, most: 1 << 20, unit: "KiB" },
        "The kernel's buffer for it; left out, lbdiag's own choice, which is large.",
    ),
];

/// A word that begins a capture.
const fn a_capture(name: &'static str, capability: &'static str, meaning: &'static str, params: &'static [Param]) -> Word {
    Word {
        name,
        formerly: &[],
        group: Group::Capture,
        capability,
        uses_besides: &[],
        meaning,
        params,
        options: OPTIONS,
        one_of: &[&["filter", "address", "service"]],
        returns: Returns::always(A_CAPTURE),
        fails: &[REFUSED, LATER],
        examples: &[],
        no_example: "",
    }
}

pub const NODE_CAPTURE: Word = Word {
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet flow = during([node_capture(\"n2\", about)], || probe(svc, #{ from: \"ssh:c1,ssh:c2\" }));\nlet seen = flow.captures[0];\n`${seen.place}: ${seen.counters.captured} packets, complete: ${seen.complete}`",
        gives: "n2: 1577 packets, complete: true",
    }],
    ..a_capture(
        "node_capture",
        "node.capture",
        "Begins a bounded capture on a node. It ends with `during`. Its filter is compiled here before the node is touched. At most eight captures run on one host: more are left out, and named as a gap.",
        &[Param::needed("node", Kind::Text, "The node's name.")],
    )
};

pub const POD_NETNS_CAPTURE: Word = Word {
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet pod = watch_points(find_announcer(svc, #{ defer: true }), about.target).pods[0];\nlet flow = during([pod_netns_capture(pod, about)], || probe(svc, #{ from: \"ssh:c1,ssh:c2\" }));\n`complete: ${flow.captures[0].complete}`",
        gives: "complete: true",
    }],
    ..a_capture(
        "pod_netns_capture",
        "pod.capture",
        "Begins a bounded capture in the network namespace of a pod. The namespace is entered on the pod's node by its container's process, and believed only when it holds the pod's address. A pod on the host's network is captured on its node.",
        &[Param::needed("pod", Kind::Text, "A pod of the target by its name, or any as NAMESPACE/NAME (needs cluster.read).")],
    )
};

pub const VANTAGE_CAPTURE: Word = Word {
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet flow = during([vantage_capture(\"ssh:c1\", about)], || probe(svc, #{ from: \"ssh:c1,ssh:c2\" }));\n`${flow.captures[0].place}, complete: ${flow.captures[0].complete}`",
        gives: "c1, complete: true",
    }],
    ..a_capture(
        "vantage_capture",
        "probe",
        "Begins a bounded capture at a place that asks: what leaves the client, and what comes back to it.",
        &[Param::needed("place", Kind::Place, "The place.")],
    )
};

pub const LOCAL_CAPTURE: Word = Word {
    examples: &[Example {
        recording: "words/own-machine",
        script: "let about = #{ address: \"192.0.2.2\", port: 8080, interface: \"lbw0\", packets: 40, seconds: 20 };\nlet flow = during([local_capture(about)], || ());\n`${flow.captures[0].place}: ${flow.captures[0].counters.captured} packets`",
        gives: "local: 12 packets",
    }],
    ..a_capture(
        "local_capture",
        "probe",
        "Begins a bounded capture on this machine by its own tcpdump, as root or by `sudo -n`. A filter of `service` and `target` takes the client's side.",
        &[],
    )
};

pub const WATCH_POINTS: Word = Word {
    name: "watch_points",
    formerly: &["road"],
    group: Group::Capture,
    capability: "",
    uses_besides: &[],
    meaning: "Names the nodes and pods that a request passes. These are the announcing nodes (over BGP every node that should announce, and the candidates when nobody knows who announces), the pods that serve, with their nodes, and the nodes of pods that ask. There are at most six pods and eight nodes; the report says what is left out.",
    params: &[
        Param::needed("announcer", Kind::Record(&ANNOUNCEMENT), "What `find_announcer` gave."),
        Param::needed("target", Kind::Record(&TARGET), "What `resolve_target_port` gave."),
        Param::optional("from", Kind::Places, "The places that ask: the nodes of pods among them are watched too."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::Record(&WATCH_POINTS_RECORD)),
    fails: &["What is no place ends the run with exit code 2."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet points = watch_points(find_announcer(svc, #{ defer: true }), resolve_target_port(svc));\n`${points.nodes} ${points.pods.len()}`",
        gives: "[\"n2\", \"n3\"] 2",
    }],
    no_example: "",
};

pub const DURING: Word = Word {
    name: "during",
    formerly: &[],
    group: Group::Capture,
    capability: "",
    uses_besides: &[],
    meaning: "Runs a closure while captures listen, and gives what was asked and seen. It waits until all of them listen, and ends them side by side without losing packets. The probes and ARP answers that the closure gives are joined with what was captured. Packets stay outside of the script.",
    params: &[
        Param::needed("captures", Kind::List(&A_CAPTURE), "The captures; each serves once."),
        Param::needed("closure", Kind::Closure, "What is done meanwhile; it gives probes and ARP answers, alone or in a list."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::Record(&FLOW)),
    fails: &["A capture that could not begin, or that lost packets, is a gap.", "An error of the closure ends the captures and goes on."],
    examples: &[Example {
        recording: "node-firewall-drops-only-routed-client-network",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet flow = during([node_capture(\"n2\", about)], || probe(svc, #{ from: \"ssh:c1,ssh:c2\" }));\n`all answered: ${flow.answered}`",
        gives: "all answered: false",
    }],
    no_example: "",
};

pub const TRACE: Word = Word {
    name: "trace",
    formerly: &[],
    group: Group::Capture,
    capability: "",
    uses_besides: &[],
    meaning: "Follows each connection of a flow through its captures, across translation and tunnels.",
    params: &[Param::needed("flow", Kind::Record(&FLOW), "What `during` gave.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&PATH))),
    fails: &[],
    examples: &[Example {
        recording: "node-firewall-drops-only-routed-client-network",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet about = #{ service: svc, target: resolve_target_port(svc) };\nlet flow = during([node_capture(\"n2\", about), vantage_capture(\"ssh:c2\", about)], || probe(svc, #{ from: \"ssh:c2\" }));\nlet path = trace(flow)[0];\n`${path.from}: last seen at ${path.last_seen.at}`",
        gives: "ssh:c2: last seen at n2/mlb in",
    }],
    no_example: "",
};
