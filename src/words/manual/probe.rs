//! Words that ask the Service as its clients do.

use super::records::flow::{ARP_ASK, PROBE as PROBE_RECORD, REQUEST};
use super::records::service::SERVICE;
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

const A_SERVICE: Param = Param::needed("service", Kind::Record(&SERVICE), "The Service.");
const PORT: Param = Param::optional("port", Kind::Port, "The Service's port, by name or number; left out, the first.");
const A_REQUEST: Param = Param::optional("request", Kind::Record(&REQUEST), "What is sent, as `probe_request` gives it.");
const UNFIT: &str = "What does not fit the port's protocol, and what is no value of its kind, ends the run with exit code 2.";

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[&PROBE_REQUEST, &PROBE, &ARPING, &AWAIT_CLIENT];

const SPEECH: Param = Param::optional(
    "probe",
    Kind::OneOf(&["auto", "tcp", "tls", "http", "https", "udp"]),
    "What is spoken; auto goes by appProtocol, the port's name and its number.",
)
.or("auto");
const SNI: Param = Param::optional("sni", Kind::Text, "The name that TLS asks for; left out, none is sent.");
const HOST: Param = Param::optional("host", Kind::Text, "The Host of the HTTP request; left out, the address.");
const PATH: Param = Param::optional("path", Kind::Text, "The path of the HTTP request.").or("/");
const STATUS: Param =
    Param::optional("status", Kind::Several("HTTP statuses such as 200,204"), "The HTTP statuses that are expected; left out, any.");
const PAYLOAD: Param = Param::optional("payload", Kind::Text, "What a datagram holds: text, or hex: with pairs of hexadecimal digits.");
const SIZES: Param = Param::optional(
    "sizes",
    Kind::Several("up to 8 sizes in bytes such as 200,1400"),
    "The sizes of the request, to find how large one may be; left out, a small one and one of 3 kB.",
);

pub const PROBE_REQUEST: Word = Word {
    name: "probe_request",
    formerly: &[],
    group: Group::Probe,
    capability: "",
    uses_besides: &[],
    meaning: "Puts together what a probe is to send and to expect, and checks it before any host is touched.",
    params: &[A_SERVICE],
    options: &[PORT, SPEECH, SNI, HOST, PATH, STATUS, PAYLOAD, SIZES],
    one_of: &[],
    returns: Returns::always(Kind::Record(&REQUEST)),
    fails: &[UNFIT],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet request = probe_request(svc, #{ path: \"/healthz\", status: [200, 204] });\n`${request.path} ${request.statuses}`",
        gives: "/healthz [200, 204]",
    }],
    no_example: "",
};

pub const PROBE: Word = Word {
    name: "probe",
    formerly: &[],
    group: Group::Probe,
    capability: "probe",
    uses_besides: &[],
    meaning: "Asks the Service as its users would, from one or several places at the same time. Each place asks several times, each try from a source port of its own. By default it speaks what the port's appProtocol, name or number suggest: for https and http one small and one 3 kB request, for other TCP ports a bare connection, for UDP one datagram. The report says what was sent, which certificates were shown and which statuses came back.",
    params: &[A_SERVICE],
    options: &[
        Param::optional("from", Kind::Places, "Where to ask from.").or("local"),
        PORT,
        Param::optional("tries", Kind::Whole { least: 1, most: 1_000, unit: "" }, "How often each place asks.").or("8"),
        Param::optional(
            "seconds",
            Kind::Whole { least: 1, most: 60, unit: "seconds" },
            "How long a try may take to connect, and to be answered.",
        )
        .or("4"),
        A_REQUEST,
        SPEECH,
        SNI,
        HOST,
        PATH,
        STATUS,
        PAYLOAD,
        SIZES,
    ],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&PROBE_RECORD))),
    fails: &[
        "A place that cannot ask is a gap that forbids a pass; its Probe says why in `error`.",
        "A Service without an address is an error.",
        "A port that the Service does not have ends the run with exit code 2 and the nearest name.",
        UNFIT,
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet asked = probe(svc, #{ from: \"ssh:c1,ssh:c2\", tries: 8 });\n`${asked[0].from}: ${asked[0].answered} of ${asked[0].tried}`",
        gives: "ssh:c1: 16 of 16",
    }],
    no_example: "",
};

pub const ARPING: Word = Word {
    name: "arping",
    formerly: &[],
    group: Group::Probe,
    capability: "probe",
    uses_besides: &[],
    meaning: "Asks who has the Service's address, by ARP or for IPv6 by neighbour solicitation. Every host that is on the address's network asks, and every answer is collected with its MAC. A host that is not on that network asks nothing.",
    params: &[A_SERVICE, Param::needed("from", Kind::Places, "The places; pods among them do not ask.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&ARP_ASK))),
    fails: &["A host that cannot ask says why in `error`.", "A Service without an address is an error."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet asked = arping(svc, \"ssh:c1,ssh:c2\");\n`${asked[0].from}: ${asked[0].macs.len()} answer`",
        gives: "ssh:c1: 1 answer",
    }],
    no_example: "",
};

pub const AWAIT_CLIENT: Word = Word {
    name: "await_client",
    formerly: &[],
    group: Group::Probe,
    capability: "node.capture",
    uses_besides: &[],
    meaning: "Waits for the own traffic of a client that nobody can log in at. It stands within `during`: it tells what to ask of the client's user, and waits until that client's tries, seen on the nodes that are captured on, are answered or given up. `during` makes tries of them.",
    params: &[A_SERVICE],
    options: &[
        Param::optional("client", Kind::Address, "The client's address; () waits for nobody."),
        PORT,
        Param::optional("seconds", Kind::Whole { least: 0, most: 600, unit: "seconds" }, "The longest wait; 0 waits for nobody.").or("60"),
        Param::optional(
            "asked",
            Kind::Either(&Kind::List(&Kind::Record(&PROBE_RECORD)), &Kind::Record(&PROBE_RECORD)),
            "What `probe` gave: nobody is waited for who was asked from.",
        ),
        A_REQUEST,
    ],
    one_of: &[],
    returns: Returns::or_nothing(Kind::Record(&PROBE_RECORD), "nobody is waited for"),
    fails: &[
        "Without a node that is captured on it is a gap.",
        "A client of another family of addresses than the Service's ends the run with exit code 2.",
    ],
    examples: &[Example {
        recording: "client-by-traffic-dropped-at-the-node",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet target = resolve_target_port(svc);\nlet about = #{ service: svc, target: target, client: params.client, seconds: 130, packets: 50000, bytes: 33554432 };\nlet nodes = watch_points(find_announcer(svc, #{ defer: true }), target).nodes;\nlet flow = during(nodes.map(|node| node_capture(node, about)), || await_client(svc, #{ client: params.client, seconds: 40 }));\n`${flow.probes[0].from}: ${flow.probes[0].answered} of ${flow.probes[0].tried}`",
        gives: "client:10.88.192.50: 0 of 2",
    }],
    no_example: "",
};
