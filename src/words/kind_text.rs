//! The kinds of values in words, as descriptions, checks and errors say them.

use std::fmt;

use super::word::Kind;

/// As a person says it after `takes`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("()"),
            Self::Any => f.write_str("anything"),
            Self::Text => f.write_str("text"),
            Self::Bool => f.write_str("true or false"),
            Self::Whole { least, most, unit } => {
                let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
                write!(f, "a whole number from {least} to {most}{unit}")
            }
            Self::Number => f.write_str("number"),
            Self::Address => f.write_str("an IP address"),
            Self::OneOf(all) => write!(f, "one of {}", all.join(", ")),
            Self::Port => f.write_str("a port's name or number"),
            Self::Interface => f.write_str("an interface's name"),
            Self::CaptureInterface => f.write_str("an interface's name, \"any\", or #{ towards: ADDRESS }"),
            Self::Mark => f.write_str("a mark such as 0x4000"),
            Self::Place => f.write_str("a place such as ssh:HOST"),
            Self::Places => f.write_str("places such as ssh:HOST, by comma or in a list"),
            Self::Several(what) => write!(f, "{what}"),
            Self::Record(record) => f.write_str(record.name),
            Self::List(kind) => write!(f, "list of {kind}"),
            Self::Map(kind) => write!(f, "map of {kind}"),
            Self::Form(form) => f.write_str(form.what),
            Self::Closure => f.write_str("a closure such as || …"),
            Self::Either(one, other) => write!(f, "{one}, or {other}"),
        }
    }
}
