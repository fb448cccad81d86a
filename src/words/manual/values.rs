//! Words that reckon with addresses, times and sizes.

use crate::words::forms;
use crate::words::word::{Example, Group, Kind, Param, Returns, Word};

/// The words of this group.
pub const WORDS: &[&Word] = &[&IN_CIDR, &OVERLAPS, &NOW, &AGE, &TIME_TEXT, &DURATION, &DURATION_TEXT, &SIZE];

/// A word that touches nothing and always gives a value.
const fn reckons(name: &'static str, meaning: &'static str, params: &'static [Param], gives: Kind) -> Word {
    Word {
        name,
        formerly: &[],
        group: Group::Values,
        capability: "",
        uses_besides: &[],
        meaning,
        params,
        options: &[],
        one_of: &[],
        returns: Returns::always(gives),
        fails: &[],
        examples: &[],
        no_example: "",
    }
}

pub const IN_CIDR: Word = Word {
    fails: &["What is no address, or no network, is an error."],
    examples: &[Example { recording: "healthy", script: "in_cidr(\"10.88.64.100\", \"10.88.64.0/24\")", gives: "true" }],
    ..reckons(
        "in_cidr",
        "Tells whether an address lies in a network.",
        &[
            Param::needed("address", Kind::Address, "The address."),
            Param::needed("cidr", Kind::Form(&forms::NETWORK), "The network, such as 10.0.0.0/24; an address stands for itself."),
        ],
        Kind::Bool,
    )
};

pub const OVERLAPS: Word = Word {
    fails: &["What is neither a network nor an address is an error."],
    examples: &[Example { recording: "healthy", script: "overlaps(\"10.244.0.0/16\", \"10.244.3.0/24\")", gives: "true" }],
    ..reckons(
        "overlaps",
        "Tells whether two networks have an address in common.",
        &[
            Param::needed("one", Kind::Form(&forms::NETWORK), "A network, or an address."),
            Param::needed("other", Kind::Form(&forms::NETWORK), "Another."),
        ],
        Kind::Bool,
    )
};

pub const NOW: Word = Word {
    examples: &[Example { recording: "healthy", script: "age(now())", gives: "0" }],
    ..reckons("now", "Gives the time at which the run began, in RFC 3339. A replay gives that of the recorded run.", &[], Kind::Text)
};

pub const AGE: Word = Word {
    fails: &["What is no time in RFC 3339 is an error."],
    examples: &[Example { recording: "healthy", script: "age(\"2020-01-01T00:00:00Z\") > duration(\"52w\")", gives: "true" }],
    ..reckons(
        "age",
        "Tells how many seconds before the run began something was; a time that is still to come has an age below zero.",
        &[Param::needed(
            "time",
            Kind::Either(&Kind::Text, &Kind::Number),
            "The time, in RFC 3339, as the API's objects have it, or in seconds since 1970, as certificates have it.",
        )],
        Kind::Number,
    )
};

pub const TIME_TEXT: Word = Word {
    examples: &[Example { recording: "healthy", script: "time_text(1764547200)", gives: "2025-12-01T00:00:00Z" }],
    ..reckons(
        "time_text",
        "Writes a time in RFC 3339 that is told in seconds since 1970, such as the `valid_until` of a certificate.",
        &[Param::needed("seconds", Kind::Number, "The time, in seconds since 1970.")],
        Kind::Text,
    )
};

pub const DURATION: Word = Word {
    fails: &["Another text is an error."],
    examples: &[Example { recording: "healthy", script: "duration(\"1h30m\")", gives: "5400" }],
    ..reckons(
        "duration",
        "Gives the seconds of a span of time.",
        &[Param::needed("text", Kind::Form(&forms::SPAN), "The span in s, m, h, d and w, such as 90s, 14d or 1h30m.")],
        Kind::Number,
    )
};

pub const DURATION_TEXT: Word = Word {
    examples: &[Example { recording: "healthy", script: "duration_text(duration(\"14d\"))", gives: "14 days" }],
    ..reckons(
        "duration_text",
        "Says a span of time as a person does, in its greatest whole unit.",
        &[Param::needed("seconds", Kind::Number, "The span in seconds.")],
        Kind::Text,
    )
};

pub const SIZE: Word = Word {
    fails: &["Another text is an error."],
    examples: &[Example { recording: "healthy", script: "size(\"64KiB\")", gives: "65536" }],
    ..reckons(
        "size",
        "Gives the bytes of a size.",
        &[Param::needed(
            "text",
            Kind::Form(&forms::SIZE),
            "The size in B, kB, MB, GB, KiB, MiB, GiB or TiB, such as 10MiB; a number alone is bytes.",
        )],
        Kind::Number,
    )
};
