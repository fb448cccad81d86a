//! Words that read nodes, pods, events and any other object of the API.

use super::records::cluster::{NODE, OBJECT, TOLD_EVENT};
use super::records::service::POD;
use crate::words::forms;
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

const READ: &str = "cluster.read";
const UNREAD: &str = "What cannot be read is a gap that forbids a pass.";
const LABELS: Param =
    Param::optional("labels", Kind::Form(&forms::SELECTOR), "As kubectl takes it, such as role=edge,!old; all of them when left out.");
const FIELDS: Param = Param::optional(
    "fields",
    Kind::List(&Kind::Text),
    "Fields that are taken beside those that lbdiag always takes of the kind, as kubectl explain writes them: spec.template.spec.priorityClassName, spec.rules[].host.",
);
const A_KIND: Param = Param::needed(
    "kind",
    Kind::Form(&forms::KIND_NAME),
    "The plural of a kind that lbdiag knows, such as deployments or ipaddresspools; of any other VERSION/PLURAL of the core group or GROUP/VERSION/PLURAL.",
);
const REFUSED: &str = "Secrets and ConfigMaps are refused, and so are fields whose name tells of a credential: that is a mistake of the playbook and ends the run.";

pub const NODES: Word = Word {
    name: "nodes",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Lists the nodes of the cluster as the API tells them. No node is logged in to.",
    params: &[],
    options: &[LABELS],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&NODE))),
    fails: &[UNREAD],
    examples: &[Example {
        recording: "healthy",
        script: "nodes().map(|node| `${node.name} ${node.addresses[0]} ${node.ready}`)[0]",
        gives: "n0 10.88.0.10 true",
    }],
    no_example: "",
};

pub const PODS: Word = Word {
    name: "pods",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Lists pods. Ask for as few as will do: a large cluster has very many.",
    params: &[Param::needed("namespace", Kind::Either(&Kind::Text, &Kind::Nothing), "Their namespace, or () for all.")],
    options: &[LABELS, Param::optional("node", Kind::Text, "Only those on that node.")],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&POD))),
    fails: &[UNREAD],
    examples: &[Example {
        recording: "healthy",
        script: "pods(\"metallb-system\").filter(|pod| pod.labels.component == \"speaker\" && pod.ready).len()",
        gives: "4",
    }],
    no_example: "",
};

pub const EVENTS: Word = Word {
    name: "events",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Lists what the API's events say, the oldest first.",
    params: &[Param::needed("namespace", Kind::Either(&Kind::Text, &Kind::Nothing), "Their namespace, or () for all.")],
    options: &[
        Param::optional("kind", Kind::Text, "Only those about objects of that kind, such as Pod."),
        Param::optional("name", Kind::Text, "Only those about objects of that name."),
    ],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Record(&TOLD_EVENT))),
    fails: &[UNREAD],
    examples: &[Example {
        recording: "ann-no-l2advertisement",
        script: "let all = events(\"stacklight\", #{ kind: \"Service\", name: \"iam-proxy-alertmanager\" });\n`${all[0].object}: ${all[0].reason}`",
        gives: "Service/iam-proxy-alertmanager: IPAllocated",
    }],
    no_example: "",
};

pub const LIST: Word = Word {
    name: "list",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Lists objects of any kind, read only.",
    params: &[A_KIND],
    options: &[Param::optional("namespace", Kind::Text, "Their namespace; all of them when left out."), LABELS, FIELDS],
    one_of: &[],
    returns: Returns::or_nothing(Kind::List(&Kind::Record(&OBJECT)), "they could not be read"),
    fails: &[UNREAD, REFUSED],
    examples: &[Example {
        recording: "healthy",
        script: "list(\"ipaddresspools\", #{ namespace: \"metallb-system\" }).map(|pool| `${pool.metadata.name}: ${pool.spec.addresses[0]}`)[0]",
        gives: "services: 10.88.64.100-10.88.64.120",
    }],
    no_example: "",
};

pub const GET: Word = Word {
    name: "get",
    formerly: &[],
    group: Group::Cluster,
    capability: READ,
    uses_besides: &[],
    meaning: "Reads one object of any kind.",
    params: &[
        A_KIND,
        Param::needed("namespace", Kind::Either(&Kind::Text, &Kind::Nothing), "Its namespace, or () for a kind that has none."),
        Param::needed("name", Kind::Text, "Its name."),
    ],
    options: &[FIELDS],
    one_of: &[],
    returns: Returns::or_nothing(Kind::Record(&OBJECT), "there is none of that name, or it could not be read"),
    fails: &[UNREAD, REFUSED],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = get(\"services\", \"stacklight\", \"iam-proxy-alertmanager\");\n`${svc.spec.type} ${svc.spec.ports[0].port} ${svc.spec.externalName}`",
        gives: "LoadBalancer 443 ",
    }],
    no_example: "",
};
