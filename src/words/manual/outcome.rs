//! Words that say what a run comes to.

use super::records::announcement::ANNOUNCEMENT;
use super::records::flow::{CLOSER, FLOW};
use super::records::outcome::CHANGE;
use super::records::service::{SERVICE, TARGET};
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

/// The words of this group, in the order of a run.
pub const WORDS: &[&Word] = &[&NOTE, &TABLE, &ATTACH, &FINDING, &EXPECT, &JUDGE, &COMPARE];

const SEVERITIES: &[&str] = &["info", "warn", "fail"];

/// A word that only adds to the report.
const fn told(name: &'static str, meaning: &'static str, params: &'static [Param]) -> Word {
    Word {
        name,
        formerly: &[],
        group: Group::Outcome,
        capability: "",
        uses_besides: &[],
        meaning,
        params,
        options: &[],
        one_of: &[],
        returns: Returns::NOTHING,
        fails: &[],
        examples: &[],
        no_example: "",
    }
}

pub const NOTE: Word = Word {
    examples: &[Example { recording: "healthy", script: "note(\"looked at\");\n\"noted\"", gives: "noted" }],
    ..told("note", "Adds a line to the current step of the report.", &[Param::needed("text", Kind::Text, "The line.")])
};

pub const TABLE: Word = Word {
    fails: &["A row that has not as many cells as there are columns is an error, and so are more than 10,000 rows."],
    examples: &[Example {
        recording: "healthy",
        script: "table(\"Nodes\", [\"node\", \"addresses\"], [[\"n1\", []], [\"n2\", [\"10.0.0.1\", \"10.0.0.2\"]]]);\n\"shown\"",
        gives: "shown",
    }],
    ..told(
        "table",
        "Shows a table in the report. In a cell () and an empty list are shown as -, a list as its parts with commas.",
        &[
            Param::needed("title", Kind::Text, "Its title."),
            Param::needed("columns", Kind::List(&Kind::Text), "The names of the columns."),
            Param::needed("rows", Kind::List(&Kind::List(&Kind::Any)), "The rows, each a list of as many cells as there are columns."),
        ],
    )
};

pub const ATTACH: Word = Word {
    fails: &["Data of more than 64 KiB is an error, and so is what holds itself; beyond 16 pieces the report says how many were left out."],
    examples: &[Example {
        recording: "healthy",
        script: "attach(\"nodes\", #{ seen: [\"n1\", \"n2\"], ready: 2 });\n\"kept\"",
        gives: "kept",
    }],
    ..told(
        "attach",
        "Keeps a piece of data with the report, for whoever reads that by a program: JSON holds it under `attachments`, the text names it with -v.",
        &[
            Param::needed("name", Kind::Text, "Its name."),
            Param::needed("data", Kind::Any, "A text, a number, a list or a map; what a word gave stands there as a report would show it."),
        ],
    )
};

pub const FINDING: Word = Word {
    fails: &["A name that is neither the catalogue's nor begins with `site/` is an error with the nearest name."],
    examples: &[Example {
        recording: "healthy",
        script: "finding(\"site/looked\", \"info\", [\"node/n1\", \"node/n2\"], \"both nodes were looked at\");\n\"found\"",
        gives: "found",
    }],
    ..told(
        "finding",
        "Adds a finding of the playbook's own.",
        &[
            Param::needed("name", Kind::Text, "A name of the catalogue (`lbdiag explain`), or one that begins with `site/`."),
            Param::needed(
                "severity",
                Kind::Either(&Kind::OneOf(SEVERITIES), &Kind::Nothing),
                "How much it weighs; info never counts towards the verdict. What the header declares and what the catalogue says of a name comes before it, but for gaps; () leaves it to those.",
            ),
            Param::needed(
                "culprit",
                Kind::Either(&Kind::Text, &Kind::List(&Kind::Text)),
                "What has to be changed or looked at, as a path such as node/n2; of several the foremost first.",
            ),
            Param::needed("summary", Kind::Text, "One plain sentence."),
        ],
    )
};

pub const EXPECT: Word = Word {
    options: &[
        Param::optional(
            "culprit",
            Kind::Either(&Kind::Text, &Kind::List(&Kind::Text)),
            "What has to be changed or looked at when it does not hold, as a path such as node/n2; the step when left out.",
        ),
        Param::optional("seen", Kind::Any, "What was looked at, for whoever reads the report."),
        Param::optional(
            "severity",
            Kind::OneOf(SEVERITIES),
            "How much it weighs, where neither the header nor the catalogue says so; fail when left out.",
        ),
    ],
    returns: Returns::or_nothing(Kind::Bool, "the condition is ()"),
    fails: &[
        "A condition that is () could not be looked at: that is a gap that forbids a pass.",
        "A name that is neither the catalogue's, nor declared in the header, nor begins with `site/` is an error with the nearest name.",
    ],
    examples: &[Example {
        recording: "healthy",
        script: "let all = nodes();\nexpect(all.all(|node| node.ready), \"site/nodes\", \"every node is ready\", #{ seen: `${all.len()} nodes` })",
        gives: "true",
    }],
    ..told(
        "expect",
        "Says what has to hold. When it does, the step has a line that says so; when it does not, there is a finding.",
        &[
            Param::needed("condition", Kind::Either(&Kind::Bool, &Kind::Nothing), "Whether it holds; () when it could not be looked at."),
            Param::needed("name", Kind::Text, "The finding's name: one that the header declares, or one of the catalogue."),
            Param::needed("message", Kind::Text, "What has to hold, as a plain sentence."),
        ],
    )
};

pub const JUDGE: Word = Word {
    uses_besides: &["cluster.read", "node.read", "probe"],
    examples: &[Example {
        recording: "ep-selector-matches-nothing",
        script: "let svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\njudge(svc, find_announcer(svc), resolve_target_port(svc), ());\n\"judged\"",
        gives: "judged",
    }],
    options: &[
        Param::optional("client", Kind::Address, "A client's address, of which the objects alone are asked, as `client_side` does."),
        Param::optional("look_closer", Kind::Bool, "Whether it is looked closer where it is needed.").or("true"),
        Param::optional("read_deferred", Kind::Bool, "Whether what was deferred is read where it is needed.").or("true"),
    ],
    ..told(
        "judge",
        "Gives the verdict: the root cause first, its consequences after it, and what could not be decided. Any of the facts may be (), when its step failed or did not run. What `find_announcer` deferred is read first where the verdict needs it, and where a request failed it is looked closer at the places on its path, as `look_closer` does, when the run may read nodes; where nothing is suspicious, the MACs of the nodes that may take the address are compared, at most eight. Whoever hands over what `look_closer` gave, or (), has looked by itself: nothing more is read then.",
        &[
            Param::needed("service", Kind::Record(&SERVICE), "The Service."),
            Param::needed("announcer", Kind::Record(&ANNOUNCEMENT), "What `find_announcer` gave, or ()."),
            Param::needed("target", Kind::Record(&TARGET), "What `resolve_target_port` gave, or ()."),
            Param::needed("flow", Kind::Record(&FLOW), "What `during` gave, or ()."),
            Param::optional("closer", Kind::Record(&CLOSER), "What `look_closer` gave; options may stand in its place."),
        ],
    )
};

const AN_OUTCOME: Kind = Kind::Map(&Kind::Any);

pub const COMPARE: Word = Word {
    returns: Returns::always(Kind::List(&Kind::Record(&CHANGE))),
    fails: &[
        "What is no outcome of a run is an error.",
        "Without a later outcome it is an error before `judge` has judged: until then there is nothing to compare.",
    ],
    no_example: "It needs the outcome of an earlier run, which is a file; the tests of after-change show it.",
    ..told(
        "compare",
        "Compares an earlier outcome with this run, as far as it has come, or with another outcome, and gives what changed that means anything. Verdict, findings, gaps, who announces, where the port ends, how each place was answered and how fast, and the paths are compared; what is another each time by nature, such as the names of pods, is matched by its role.",
        &[
            Param::needed("earlier", AN_OUTCOME, "The earlier outcome: a parameter of the type outcome."),
            Param::optional("later", AN_OUTCOME, "Another outcome; this run when left out."),
        ],
    )
};
