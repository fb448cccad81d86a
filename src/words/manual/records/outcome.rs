//! Earlier outcomes and what changed since, as scripts see them.

use crate::words::word::{Field, Kind, Record};

/// What a parameter of the type `outcome` holds.
pub const EARLIER: Record = Record {
    name: "Earlier",
    meaning: "The outcome of an earlier run.",
    fields: &[
        Field::new("file", Kind::Text, "Its file."),
        Field::new("started", Kind::Text, "When that run began, in RFC 3339."),
        Field::new("verdict", Kind::OneOf(&["pass", "warn", "fail", "inconclusive"]), "Its verdict."),
        Field::new("namespace", Kind::Text, "The namespace of the Service that it followed.").or_nothing("it followed none"),
        Field::new("service", Kind::Text, "The name of that Service.").or_nothing("it followed none"),
        Field::new("port", Kind::Number, "The port that it followed.").or_nothing("it followed none"),
        Field::new("from", Kind::List(&Kind::Text), "The places that asked."),
        Field::new("outcome", Kind::Any, "What `compare` reads of it."),
    ],
    hidden: &[],
    open: false,
};

pub const CHANGE: Record = Record {
    name: "Change",
    meaning: "One thing that changed between two runs.",
    fields: &[
        Field::new(
            "about",
            Kind::OneOf(&[
                "service",
                "verdict",
                "finding",
                "gap",
                "announcer",
                "candidates",
                "endpoints",
                "tries",
                "statuses",
                "certificates",
                "latency",
                "paths",
            ]),
            "What it is about.",
        ),
        Field::new("of", Kind::Text, "Whose, such as a place; empty where there is but one."),
        Field::new("was", Kind::Text, "What it was, in words.").or_nothing("it was not there"),
        Field::new("now", Kind::Text, "What it is now, in words.").or_nothing("it is there no more"),
        Field::new("weight", Kind::OneOf(&["worse", "better", "other"]), "Whether that is for the worse."),
    ],
    hidden: &[],
    open: false,
};
