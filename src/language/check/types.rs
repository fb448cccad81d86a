//! What is surely known of a value before anything runs. Where nothing is known for sure the type is `Any`, and nobody complains.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::Position;

use crate::language::header::{Each, Param, ParamKind};
use crate::words::manual::records::outcome::EARLIER;
use crate::words::word::{Field, Kind, Record};

/// How deeply lists and maps are followed: behind that anything may be.
const DEEPEST: usize = 6;

/// Keys of a map, and texts that a value can be, that are remembered one by one.
const MOST_KEYS: usize = 256;

/// A type, and whether the value may be () in place of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Type {
    pub(super) of: Of,
    pub(super) nothing: bool,
}

/// What a value is when it is not ().
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Of {
    /// No value at all: what was not reached yet, or () alone.
    Never,
    Any,
    Bool,
    Int,
    Float,
    Char,
    /// A text, and all that it can be when these are few.
    Text(Option<Rc<Vec<String>>>),
    Range,
    /// A closure or a pointer to a function; the closure's own name in Rhai, when it is known.
    Function(Option<Rc<str>>),
    List(Rc<Type>),
    /// A map whose keys stand in the script.
    Shape(Rc<Shape>),
    /// A map of other keys, all with such values.
    Map(Rc<Type>),
    Record(Described),
    /// The playbook's parameters.
    Params,
}

/// A map whose keys stand in the script.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    pub(super) keys: BTreeMap<String, Key>,
    /// It may have others.
    pub(super) open: bool,
}

/// The value of a key, and where the key is written; a record's field has no place in the script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) value: Type,
    pub(super) at: Position,
}

/// A record that words describe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described(pub(super) &'static Record);

impl PartialEq for Described {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl From<Of> for Type {
    fn from(of: Of) -> Self {
        Self { of, nothing: false }
    }
}

impl Type {
    pub(super) const ANY: Self = Self { of: Of::Any, nothing: true };
    pub(super) const NEVER: Self = Self { of: Of::Never, nothing: false };
    pub(super) const UNIT: Self = Self { of: Of::Never, nothing: true };
    pub(super) const BOOL: Self = Self { of: Of::Bool, nothing: false };
    pub(super) const INT: Self = Self { of: Of::Int, nothing: false };
    pub(super) const FLOAT: Self = Self { of: Of::Float, nothing: false };
    pub(super) const TEXT: Self = Self { of: Of::Text(None), nothing: false };

    pub(super) fn list(part: Self) -> Self {
        Of::List(Rc::new(part)).into()
    }

    pub(super) fn map(value: Self) -> Self {
        Of::Map(Rc::new(value)).into()
    }

    /// A text out of these.
    pub(super) fn one_of<T: ToString>(all: &[T]) -> Self {
        Of::Text(Some(Rc::new(all.iter().map(ToString::to_string).collect()))).into()
    }

    /// The same, and () at times.
    pub(super) fn or_nothing(mut self) -> Self {
        self.nothing = true;
        self
    }

    /// () and nothing else.
    pub(super) fn is_unit(&self) -> bool {
        self.nothing && self.of == Of::Never
    }

    /// Whether something is known of it beside that it may be ().
    pub(super) fn is_known(&self) -> bool {
        !matches!(self.of, Of::Any | Of::Never)
    }

    /// Surely of a known type, and never ().
    pub(super) fn is_sure(&self) -> bool {
        self.is_known() && !self.nothing
    }

    /// A record. In another record it is a map, and what a word gives is none: both are written alike.
    pub(super) fn is_part(&self) -> bool {
        matches!(self.of, Of::Record(_))
    }

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
            Kind::Record(record) if record.open => Of::Shape(Rc::new(Shape { keys: BTreeMap::new(), open: true })).into(),
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

    /// What a value is that is of the one type or of the other.
    pub(super) fn join(&self, other: &Self) -> Self {
        self.joined(other, DEEPEST)
    }

    fn joined(&self, other: &Self, levels: usize) -> Self {
        Self { of: self.of.joined(&other.of, levels), nothing: self.nothing || other.nothing }
    }

    /// The same, of which nothing is known that lies deeper than is followed.
    pub(super) fn bounded(&self) -> Self {
        self.cut(DEEPEST)
    }

    fn cut(&self, levels: usize) -> Self {
        let of = match &self.of {
            Of::List(_) | Of::Map(_) | Of::Shape(_) if levels == 0 => Of::Any,
            Of::Shape(shape) if shape.keys.len() > MOST_KEYS => Of::Map(Rc::new(Self::ANY)),
            Of::List(part) => Of::List(Rc::new(part.cut(levels - 1))),
            Of::Map(value) => Of::Map(Rc::new(value.cut(levels - 1))),
            Of::Shape(shape) => {
                let keys = shape.keys.iter().map(|(name, key)| (name.clone(), Key { value: key.value.cut(levels - 1), at: key.at }));
                Of::Shape(Rc::new(Shape { keys: keys.collect(), open: shape.open }))
            }
            other => other.clone(),
        };
        Self { of, nothing: self.nothing }
    }

    /// What it gives where it is iterated, or by an index.
    pub(super) fn part(&self) -> Self {
        match &self.of {
            Of::List(part) => (**part).clone(),
            Of::Range => Self::INT,
            Of::Text(_) => Of::Char.into(),
            _ => Self::ANY,
        }
    }

    /// What it is called in a sentence.
    pub(super) fn shown(&self) -> String {
        let of = match &self.of {
            Of::Never => return "()".to_owned(),
            Of::Any => return "anything".to_owned(),
            Of::Bool => "true or false",
            Of::Int => "a number",
            Of::Float => "a number with a fraction",
            Of::Char => "a character",
            Of::Text(_) => "text",
            Of::Range => "a range",
            Of::Function(_) => "a closure",
            Of::List(_) => "a list",
            Of::Shape(_) | Of::Map(_) | Of::Params => "a map",
            Of::Record(record) => record.0.name,
        };
        if self.nothing { format!("{of} or ()") } else { of.to_owned() }
    }
}

impl Of {
    fn joined(&self, other: &Self, levels: usize) -> Self {
        match (self, other) {
            (Self::Never, of) | (of, Self::Never) => of.clone(),
            (one, other) if one == other => one.clone(),
            (Self::List(_) | Self::Map(_) | Self::Shape(_) | Self::Record(_), _) if levels == 0 => Self::Any,
            (Self::Text(Some(one)), Self::Text(Some(other))) => {
                let mut all = (**one).clone();
                all.extend(other.iter().filter(|text| !one.contains(text)).cloned());
                Self::Text(Some(Rc::new(all)))
            }
            (Self::Text(_), Self::Text(_)) => Self::Text(None),
            (Self::Function(_), Self::Function(_)) => Self::Function(None),
            (Self::List(one), Self::List(other)) => Self::List(Rc::new(one.joined(other, levels - 1))),
            (Self::Map(one), Self::Map(other)) => Self::Map(Rc::new(one.joined(other, levels - 1))),
            (Self::Shape(one), Self::Shape(other)) => Self::Shape(Rc::new(one.joined(other, levels - 1))),
            (Self::Shape(shape), Self::Record(record)) | (Self::Record(record), Self::Shape(shape)) => {
                Self::Shape(Rc::new(shape.joined(&Shape::of(record.0), levels - 1)))
            }
            _ => Self::Any,
        }
    }
}

impl Shape {
    /// A record's fields.
    fn of(record: &Record) -> Self {
        let keys = record.fields.iter().map(|field| (field.name.to_owned(), Key { value: Type::of_field(field), at: Position::NONE }));
        Self { keys: keys.collect(), open: false }
    }

    fn joined(&self, other: &Self, levels: usize) -> Self {
        let mut keys = self.keys.clone();
        for (name, key) in &other.keys {
            let known = keys.entry(name.clone()).or_insert_with(|| key.clone());
            known.value = known.value.joined(&key.value, levels);
        }
        Self { keys, open: self.open || other.open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::manual::records::service::SERVICE;

    #[test]
    fn what_may_be_either_is_known_as_far_as_both_agree() {
        assert_eq!(Type::UNIT.join(&Type::INT), Type::INT.or_nothing());
        assert_eq!(Type::INT.join(&Type::TEXT).of, Of::Any);
        assert_eq!(Type::list(Type::NEVER).join(&Type::list(Type::INT)), Type::list(Type::INT));
        assert_eq!(Type::one_of(&["a"]).join(&Type::one_of(&["b"])), Type::one_of(&["a", "b"]));
        assert_eq!(Type::one_of(&["a"]).join(&Type::TEXT), Type::TEXT);
        let service = Type::of_kind(Kind::Record(&SERVICE));
        assert_eq!(service.join(&service), service);
        assert!(Type::UNIT.is_unit() && !Type::ANY.is_known() && !service.clone().or_nothing().is_sure() && service.is_sure());
    }

    #[test]
    fn what_holds_itself_has_an_end() {
        let mut list = Type::list(Type::NEVER);
        for _ in 0..50 {
            list = Type::list(list.clone()).join(&list).bounded();
        }
        assert_eq!(Type::list(list.clone()).join(&list).bounded(), list);
    }
}
