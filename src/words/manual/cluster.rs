//! Words that read the API server's objects and logs.

use super::objects;
use super::records::announcement::ANNOUNCEMENT;
use super::records::cluster::ELECTION;
use super::records::place::ACCESS_CHECK;
use super::records::service::{SERVICE as SERVICE_RECORD, TARGET};
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

const A_SERVICE: Kind = Kind::Record(&SERVICE_RECORD);
const AN_ANNOUNCEMENT: Kind = Kind::Record(&ANNOUNCEMENT);
const A_TARGET: Kind = Kind::Record(&TARGET);
const READ: &str = "cluster.read";

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[
    &SERVICE,
    &SERVICE_AT,
    &SERVICES,
    &FIND_ANNOUNCER,
    &FIND_ANNOUNCERS,
    &RESOLVE_TARGET_PORT,
    &ELECT,
    &CLIENT_SIDE,
    &objects::NODES,
    &objects::PODS,
    &objects::EVENTS,
    &objects::LIST,
    &objects::GET,
    &API_ACCESS,
];

const ENDS: &str = "Without an answer of the API server the run ends, since nothing can be asked about an unknown Service.";

pub const SERVICE: Word = Word {
    name: "service",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Finds a Service by its name. With () for the namespace it is looked for in all of them. With () for the name and an address, it is the Service that holds that address. With () for both, the Services of type LoadBalancer are listed as commands ready to run, and the run ends.",
    params: &[
        Param::needed("namespace", Kind::Text, "Its namespace, or ()."),
        Param::needed("name", Kind::Text, "Its name, or ()."),
        Param::optional("address", Kind::Address, "Which of its addresses is followed, when it has several; it then stands first."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::always(A_SERVICE),
    fails: &[
        "An unknown namespace or name, or an address that the Service does not hold, ends the run with exit code 2 and the nearest name.",
        ENDS,
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\n`${svc.path} ${svc.address} ${svc.ports[0].name}`",
        gives: "stacklight/iam-proxy-alertmanager 10.88.64.100 https",
    }],
    no_example: "",
};

pub const SERVICE_AT: Word = Word {
    name: "service_at",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Finds the Service that holds a load-balanced address.",
    params: &[Param::needed("address", Kind::Address, "The address.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(A_SERVICE),
    fails: &["An address that no Service holds, or that several share, ends the run with exit code 2.", ENDS],
    examples: &[Example {
        recording: "alloc-pool-exhausted",
        script: "let svc = service_at(\"10.88.64.100\");\nsvc.path",
        gives: "stacklight/iam-proxy-alertmanager",
    }],
    no_example: "",
};

pub const SERVICES: Word = Word {
    name: "services",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Lists the Services of type LoadBalancer, by namespace and name.",
    params: &[Param::needed("namespace", Kind::Text, "A namespace, or () for all.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&A_SERVICE)),
    fails: &["A namespace that the cluster does not have ends the run with exit code 2 and the nearest name.", ENDS],
    examples: &[Example {
        recording: "elections/v0.16.1-all-nodes",
        script: "let all = services(\"elections\");\n`${all.len()}, of them ${all[0].path} at ${all[0].address}`",
        gives: "20, of them elections/s01 at 10.88.64.130",
    }],
    no_example: "",
};

const WIRE: Param =
    Param::optional("wire", Kind::Places, "Where ARP or NDP is asked too, which then decides; needs the capabilities probe and node.read.")
        .needing(&["probe", "node.read"]);
const ROUTER: Param = Param::optional(
    "router",
    Kind::Places,
    "A router with FRR's vtysh that is asked what it knows, where the address is announced over BGP; needs the capability node.read.",
)
.needing(&["node.read"]);
const METRICS: Param = Param::optional(
    "metrics",
    Kind::Bool,
    "Whether the speakers' metrics are read. Left out, they are when the other sources leave something open.",
);

pub const FIND_ANNOUNCER: Word = Word {
    name: "find_announcer",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Finds out who announces a Service's address, and who should. It never believes one source: status objects, speakers' logs, metrics and events are each read, and the election is computed as MetalLB does, by its version. Asked a second time without `defer`, it reads what was deferred, and nothing else again.",
    params: &[Param::needed("service", A_SERVICE, "The Service.")],
    options: &[
        WIRE,
        ROUTER,
        METRICS,
        Param::optional(
            "defer",
            Kind::Bool,
            "Whether events, MetalLB's workloads, its ConfigurationStates and the logs of speakers that take no part in the election stay unread while everything that was read says the same. `reads_suffice` tells whether that will do.",
        )
        .or("false")
        .once("sparing"),
        Param::optional(
            "asks_from",
            Kind::Places,
            "The places from which a request is followed next. Hosts on its way are connected to meanwhile, and it defers; without the capability probe it is as if it were left out.",
        ),
    ],
    one_of: &[],
    returns: Returns::always(AN_ANNOUNCEMENT),
    fails: &["A source that cannot be read is a gap, and the others decide."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet found = find_announcer(svc, #{ defer: true });\n`${found.node} announces, ${found.expected} should: ${found.agreement}`",
        gives: "n2 announces, n2 should: agree",
    }],
    no_example: "",
};

pub const FIND_ANNOUNCERS: Word = Word {
    name: "find_announcers",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Finds out who announces the addresses of many Services at once. Each list and each speaker's log is read once for all of them.",
    params: &[Param::needed("services", Kind::List(&A_SERVICE), "The Services.")],
    options: &[WIRE, ROUTER, METRICS],
    one_of: &[],
    returns: Returns::always(Kind::List(&AN_ANNOUNCEMENT)),
    fails: &["A source that cannot be read is a gap, and the others decide."],
    examples: &[Example {
        recording: "elections/v0.16.1-all-nodes",
        script: "let found = find_announcers(services(\"elections\"));\n`${found[0].service}: ${found[0].node} announces, ${found[0].expected} should`",
        gives: "elections/s01: n2 announces, n2 should",
    }],
    no_example: "",
};

pub const RESOLVE_TARGET_PORT: Word = Word {
    name: "resolve_target_port",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Tells where a port of a Service ends, endpoint by endpoint. The EndpointSlices come first, because kube-proxy follows them; the pods' own specs are computed beside them.",
    params: &[
        Param::needed("service", A_SERVICE, "The Service."),
        Param::optional(
            "port",
            Kind::Either(&Kind::Port, &Kind::OneOf(&["*"])),
            "The port by name or number; () is the first, \"*\" gives all of them as a list.",
        ),
    ],
    options: &[
        Param::optional(
            "port",
            Kind::Port,
            "The port by name or number, when options are given in place of it; \"*\" gives all of them as a list.",
        ),
        Param::optional(
            "family",
            Kind::OneOf(&["IPv4", "IPv6"]),
            "Which endpoints count; left out, those of the family of the Service's address.",
        ),
    ],
    one_of: &[],
    returns: Returns::or_nothing(A_TARGET, "the Service has no port of that number, which is the finding client/wrong-port"),
    fails: &[
        "An unknown port by name ends the run with exit code 2 and the nearest name.",
        "A headless Service, and one of type ExternalName, end nowhere: that is an error which says why.",
        "Slices or pods that cannot be read are a gap.",
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet target = resolve_target_port(svc, \"https\");\n`${target.port.port} ends at ${target.serving.len()} endpoints, port ${target.serving[0].port}`",
        gives: "443 ends at 2 endpoints, port 4180",
    }],
    no_example: "",
};

pub const ELECT: Word = Word {
    name: "elect",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Computes who would announce a Service's address, by MetalLB's own election and version, if some nodes were down or drained. A node that is down takes its speaker and its pods with it. A drained one keeps its speaker, since the pods of a DaemonSet stay, so that with the traffic policy Cluster an address does not move by a drain alone; where its pods go then is not known, and none of them counts.",
    params: &[Param::needed("service", A_SERVICE, "The Service.")],
    options: &[
        Param::optional("without", Kind::Several("names of nodes"), "Nodes that are supposed to be down, by comma or in a list."),
        Param::optional("drained", Kind::Several("names of nodes"), "Nodes that are supposed to be drained."),
    ],
    one_of: &[],
    returns: Returns::or_nothing(Kind::Record(&ELECTION), "the Service has no address, or a list that decides it could not be read"),
    fails: &[
        "A node that the cluster does not have ends the run with exit code 2 and the nearest name.",
        "A list that could not be read, and a version of MetalLB that is not known, are a gap.",
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\n`now ${elect(svc).node}, without n2 ${elect(svc, #{ without: \"n2\" }).node}`",
        gives: "now n2, without n2 n3",
    }],
    no_example: "",
};

pub const CLIENT_SIDE: Word = Word {
    name: "client_side",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Says what the objects alone tell about a client that cannot be asked from. It looks whether loadBalancerSourceRanges lets its address in, and whether the address lies inside the cluster's own networks; what is wrong becomes a finding.",
    params: &[
        Param::needed("service", A_SERVICE, "The Service."),
        Param::needed("announcer", AN_ANNOUNCEMENT, "What `find_announcer` gave, or ()."),
        Param::needed("address", Kind::Address, "The client's address; () says nothing."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::NOTHING,
    fails: &["What is no IP address ends the run with exit code 2."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nclient_side(svc, find_announcer(svc, #{ defer: true }), \"10.88.192.50\");\n\"looked at\"",
        gives: "looked at",
    }],
    no_example: "",
};

pub const API_ACCESS: Word = Word {
    name: "api_access",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Asks the API server, verb by verb, what this user may do of what the words of the language do. Each question is a SelfSubjectAccessReview, which changes nothing.",
    params: &[],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&ACCESS_CHECK))),
    fails: &["A question that cannot be asked is told in its row."],
    examples: &[],
    no_example: "No recording that ships asks for permissions; `lbdiag doctor --record FILE` makes one.",
};
