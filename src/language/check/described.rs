//! The types of what is described: words' values, records' fields, the header's parameters.

use super::types::{Described, MOST_KEYS, Of, Type};
use crate::language::header::{Each, Param, ParamKind};
use crate::words::manual::records::outcome::EARLIER;
use crate::words::word::{Field, Kind};

impl Type {
    /// What the value of a description's kind is.
    pub(super) fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Nothing => Self::UNIT,
            Kind::Any | Kind::Port | Kind::Mark | Kind::Places | Kind::Several(_) | Kind::CaptureInterface => Self::ANY,
            Kind::Text | Kind::Form(_) | Kind::Address | Kind::Interface | Kind::Place => Self::TEXT,
            Kind::OneOf(all) => Self::one_of(all),
            Kind::Bool => Self::BOOL,
            Kind::Whole { .. } | Kind::Number => Self::INT,
            // Of an object of the API nobody knows beforehand what it has: it is read like a map that may have any key.
            Kind::Record(record) if record.open => Self::map(Self::ANY),
            Kind::Record(record) => Of::Record(Described(record)).into(),
            Kind::List(inner) => Self::list(Self::of_kind(*inner)),
            Kind::Map(inner) => Self::map(Self::of_kind(*inner)),
            Kind::Closure => Of::Function(None).into(),
            Kind::Either(one, other) => Self::of_kind(*one).join(&Self::of_kind(*other)),
        }
    }

    /// What a record's field gives.
    pub(super) fn of_field(field: &Field) -> Self {
        let kind = Self::of_kind(field.kind);
        if field.nothing_when.is_empty() { kind } else { kind.or_nothing() }
    }

    /// What a parameter of the header holds.
    pub(super) fn of_param(param: &Param) -> Self {
        let kind = match param.kind {
            ParamKind::Int => Self::INT,
            ParamKind::Bool => Self::BOOL,
            ParamKind::Statuses | ParamKind::Sizes | ParamKind::ListOf(Each::Int) => Self::list(Self::INT),
            ParamKind::List | ParamKind::Vantages | ParamKind::ListOf(_) => Self::list(Self::TEXT),
            ParamKind::Map => Self::map(Self::TEXT),
            ParamKind::Outcome => Self::of_kind(Kind::Record(&EARLIER)),
            ParamKind::Enum if param.values.len() <= MOST_KEYS => Self::one_of(&param.values),
            ParamKind::String
            | ParamKind::Ip
            | ParamKind::Cidr
            | ParamKind::Duration
            | ParamKind::Port
            | ParamKind::Name
            | ParamKind::Host
            | ParamKind::Path
            | ParamKind::Enum
            | ParamKind::Payload => Self::TEXT,
        };
        if param.required || param.default.is_some() { kind } else { kind.or_nothing() }
    }
}
