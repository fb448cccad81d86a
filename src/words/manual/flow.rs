//! Words that say how a playbook goes on.

use super::records::announcement::ANNOUNCEMENT;
use super::records::flow::{FLOW, REQUEST};
use super::records::service::{SERVICE, TARGET};
use crate::words::forms;
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[&ALLOWED, &GET_READY, &STEP, &SKIP, &RETRY, &EVENTUALLY, &PARALLEL, &FOLLOW, &READS_SUFFICE];

pub const ALLOWED: Word = Word {
    name: "allowed",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Tells whether this run may use a capability: the playbook's header, the site and the command line all have to allow it. With `--static` only cluster.read is allowed. A word whose capability is not allowed fails, so a playbook asks first and goes without.",
    params: &[Param::needed("capability", Kind::Text, "The capability, such as probe.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::Bool),
    fails: &["An unknown capability is an error with the nearest name."],
    examples: &[Example { recording: "healthy", script: "allowed(\"cluster.read\")", gives: "true" }],
    no_example: "",
};

pub const GET_READY: Word = Word {
    name: "get_ready",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "probe",
    uses_besides: &["cluster.read", "node.read"],
    meaning: "Begins to connect to the hosts on a request's way, side by side, while the API is still asked. These are the hosts that are asked from, and the nodes that a request will pass as far as the lists of endpoints and a single ServiceL2Status tell. It waits for no connection and runs nothing anywhere: whoever needs a host next finds it connected, or waits for the same connection. For a Service that cannot be asked nothing happens.",
    params: &[
        Param::needed("service", Kind::Record(&SERVICE), "The Service."),
        Param::needed("from", Kind::Places, "The places that will ask."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::NOTHING,
    fails: &["A connection that fails is told by the word that needs it."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nget_ready(svc, \"ssh:c1\");\n\"begun\"",
        gives: "begun",
    }],
    no_example: "",
};

pub const STEP: Word = Word {
    name: "step",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Runs a closure as one named question of the run. What it finds stands under that name in the report.",
    params: &[Param::needed("title", Kind::Text, "The question."), Param::needed("closure", Kind::Closure, "What is done.")],
    options: &[],
    one_of: &[],
    returns: Returns::or_nothing(Kind::Any, "the closure failed"),
    fails: &[
        "A word inside that cannot do its work becomes a gap, and the run goes on.",
        "An interrupt, and a mistake of the playbook such as an unknown option, end the run.",
    ],
    examples: &[Example { recording: "healthy", script: "step(\"Add two numbers\", || 1 + 1)", gives: "2" }],
    no_example: "",
};

pub const SKIP: Word = Word {
    name: "skip",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Leaves out the rest of a step, which then gives () and stands in the report as skipped, with the reason. Outside of a step it ends the playbook, with what was found until then.",
    params: &[Param::needed("reason", Kind::Text, "Why, as a plain sentence.")],
    options: &[],
    one_of: &[],
    returns: Returns::NOTHING,
    fails: &[],
    examples: &[Example {
        recording: "healthy",
        script: "let bgp = if list(\"bgpadvertisements\", #{ namespace: \"metallb-system\" }).is_empty() { \"skipped\" } else { \"asked\" };\nif bgp == \"asked\" { skip(\"nothing is announced over BGP\"); }\nbgp",
        gives: "skipped",
    }],
    no_example: "",
};

const EVERY: Param =
    Param::optional("every", A_SPAN, "How long is waited between two of them: seconds, or a span such as 5s or 1m.").or("2s");
const A_SPAN: Kind = Kind::Either(&Kind::Whole { least: 0, most: 604_800, unit: "seconds" }, &Kind::Form(&forms::WAIT));

pub const RETRY: Word = Word {
    name: "retry",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Runs a closure again when a word inside of it could not do its work. What a failed try has told is forgotten, and lists of the API are read anew.",
    params: &[Param::needed("closure", Kind::Closure, "What is done.")],
    options: &[Param::optional("times", Kind::Whole { least: 1, most: 100, unit: "" }, "How often it is tried at most.").or("3"), EVERY],
    one_of: &[],
    returns: Returns::always(Kind::Any),
    fails: &["When the last try fails too, so does the word.", "A mistake of the playbook, `skip` and an interrupt are never retried."],
    examples: &[Example {
        recording: "healthy",
        script: "let tries = 0;\nretry(#{ times: 3, every: \"1s\" }, || { tries += 1; if tries < 3 { throw \"not yet\"; } `tried ${tries} times` })",
        gives: "tried 3 times",
    }],
    no_example: "",
};

pub const EVENTUALLY: Word = Word {
    name: "eventually",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Runs a closure again and again until it gives something else than false or (), or until the time has passed, and gives what it gave last. What the looks before the last one told is forgotten, so that a finding stands in the report only when it still holds at the end. A replay does not wait.",
    params: &[Param::needed("closure", Kind::Closure, "What is looked at.")],
    options: &[EVERY, Param::optional("within", A_SPAN, "How long it is looked at most: seconds, or a span.").or("1m")],
    one_of: &[],
    returns: Returns::always(Kind::Any),
    fails: &["When a word inside fails in the last look, so does this one."],
    examples: &[Example {
        recording: "healthy",
        script: "let looks = 0;\neventually(#{ every: \"5s\", within: \"1m\" }, || { looks += 1; if looks == 3 { `so at look ${looks}` } })",
        gives: "so at look 3",
    }],
    no_example: "",
};

pub const PARALLEL: Word = Word {
    name: "parallel",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Runs closures side by side, and gives what they give, in their order. It is for questions that do not need each other: states of several hosts, probes, objects of the API. Each closure works on a copy of the variables around it, so that it answers by what it gives alone. What they note, find and leave open stands in the report in the order of the closures, whichever is faster. Eight run at the same time. What two of them read, each reads for itself: read it before, and all of them know it.",
    params: &[Param::needed("closures", Kind::List(&Kind::Closure), "What is done: 64 closures at most, and 10,000 in a run.")],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::List(&Kind::Any)),
    fails: &[
        "A closure in which a word cannot do its work is a gap and gives (), as in a step; the others go on.",
        "A mistake of the playbook ends the run; of several the first closure's is told.",
        "Closures that run side by side may not call `parallel` themselves.",
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet both = parallel([|| find_announcer(svc, #{ defer: true }), || resolve_target_port(svc)]);\n`${both[0].node} ${both[1].endpoints.len()}`",
        gives: "n2 2",
    }],
    no_example: "",
};

pub const FOLLOW: Word = Word {
    name: "follow",
    formerly: &[],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &["cluster.read", "node.read", "node.capture", "pod.capture", "probe"],
    meaning: "Follows a request to a Service and back. It captures on the nodes and in the pods that a request passes and where it begins, asks the Service from every place, asks who answers for the address by ARP or NDP, and where a client is named that nobody can log in at, waits for that client's own traffic. It stands for `watch_points`, `node_capture`, `pod_netns_capture`, `vantage_capture`, `during`, `probe`, `arping` and `await_client` with their usual bounds. What the run may not do is left out: without node.capture and pod.capture the Service is asked and nothing is captured there.",
    params: &[
        Param::needed("service", Kind::Record(&SERVICE), "The Service."),
        Param::needed("announcer", Kind::Either(&Kind::Record(&ANNOUNCEMENT), &Kind::Nothing), "What `find_announcer` gave, or ()."),
        Param::needed("target", Kind::Either(&Kind::Record(&TARGET), &Kind::Nothing), "What `resolve_target_port` gave, or ()."),
    ],
    options: &[
        Param::optional("from", Kind::Places, "The places that ask.").or("local"),
        Param::optional("port", Kind::Port, "The port by name or number; the first when left out."),
        Param::optional("tries", Kind::Whole { least: 1, most: 1000, unit: "" }, "How often each place asks; 8 when left out."),
        Param::optional("request", Kind::Record(&REQUEST), "What `probe_request` gave: what is asked and expected."),
        Param::optional("client", Kind::Address, "An address whose own traffic is waited for, when none of the places has it."),
        Param::optional(
            "wait",
            Kind::Whole { least: 0, most: 600, unit: "seconds" },
            "How long it is waited for; not at all when left out.",
        ),
    ],
    one_of: &[],
    returns: Returns::or_nothing(
        Kind::Record(&FLOW),
        "nothing can be asked: the run may not, the Service is of another type or has no address, or one of the others is ()",
    ),
    fails: &["What cannot be captured is a gap, and the rest is asked and watched.", "A place that is none ends the run with exit code 2."],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet announcer = find_announcer(svc, #{ defer: true });\nlet flow = follow(svc, announcer, resolve_target_port(svc), #{ from: \"ssh:c1,ssh:c2\" });\n`${flow.answered} ${flow.probes.len()}`",
        gives: "true 2",
    }],
    no_example: "",
};

pub const READS_SUFFICE: Word = Word {
    name: "reads_suffice",
    formerly: &["enough"],
    group: Group::FlowOfWork,
    capability: "",
    uses_besides: &[],
    meaning: "Tells whether what was read is all that the verdict needs. It is, when `find_announcer` deferred nothing, or when every try was answered and the judgement has neither a finding nor a gap. Where it is not, ask `find_announcer` again without `defer` before anything is judged.",
    params: &[
        Param::needed("service", Kind::Record(&SERVICE), "The Service."),
        Param::needed("announcer", Kind::Record(&ANNOUNCEMENT), "What `find_announcer` gave, or ()."),
        Param::needed("target", Kind::Record(&TARGET), "What `resolve_target_port` gave, or ()."),
        Param::needed("flow", Kind::Record(&FLOW), "What `during` gave, or ()."),
    ],
    options: &[],
    one_of: &[],
    returns: Returns::always(Kind::Bool),
    fails: &[],
    examples: &[Example {
        recording: "healthy",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet found = find_announcer(svc, #{ defer: true });\nreads_suffice(svc, found, resolve_target_port(svc), ())",
        gives: "false",
    }],
    no_example: "",
};
