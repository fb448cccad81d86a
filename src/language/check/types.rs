//! What is surely known of a value before anything runs. Where nothing is known for sure the type is `Any`, and nobody complains.

use std::collections::BTreeMap;
use std::rc::Rc;

use rhai::Position;

use crate::words::word::Record;

/// How deeply lists and maps are followed: behind that anything may be.
const DEEPEST: usize = 6;

/// Keys of a map, and texts that a value can be, that are remembered one by one.
pub(super) const MOST_KEYS: usize = 256;

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
    /// A map, by its keys.
    Shape(Rc<Shape>),
    Record(Described),
    /// The playbook's parameters.
    Params,
    /// One of these, each of another family, in the order of the families.
    Mixed(Rc<Vec<Of>>),
}

/// A map.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    /// Keys that stand in the script.
    pub(super) keys: BTreeMap<String, Key>,
    /// The values of other keys that it may have; `None` where it has no others.
    pub(super) rest: Option<Type>,
}

/// The value of a key, and where the key is written; a record's field has no place in the script.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) value: Type,
    pub(super) at: Position,
}

/// Types within which values may be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Unknown,
    Truth,
    Number,
    Text,
    Range,
    Function,
    List,
    Map,
    Mixed,
}

/// A step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The key of a map.
    Key(String),
    /// A part of a list, or a key that the script reckons.
    Part,
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

    /// A map of keys that do not stand in the script, all with such values.
    pub(super) fn map(value: Self) -> Self {
        Of::Shape(Rc::new(Shape { keys: BTreeMap::new(), rest: Some(value) })).into()
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

    /// The same, or anything where nothing is known.
    pub(super) fn or_unknown(self) -> Self {
        if self == Self::NEVER { Self::ANY } else { self }
    }

    /// () and nothing else.
    pub(super) fn is_unit(&self) -> bool {
        self.nothing && self.of == Of::Never
    }

    /// Whether something is known of it beside that it may be ().
    pub(super) fn is_known(&self) -> bool {
        !matches!(self.of, Of::Any | Of::Never | Of::Mixed(_))
    }

    /// Surely of a known type, and never ().
    pub(super) fn is_sure(&self) -> bool {
        self.is_known() && !self.nothing
    }

    /// A record. In another record it is a map, and what a word gives is none: both are written alike.
    pub(super) fn is_part(&self) -> bool {
        matches!(self.of, Of::Record(_))
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
        Self { of: self.of.cut(levels), nothing: self.nothing }
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

    /// The same with a value put into it, by the steps that lead there: a part of it may be that, too.
    pub(super) fn with(&self, steps: &[Step], value: &Self) -> Self {
        let Some((step, rest)) = steps.split_first() else { return self.join(value) };
        let of = match (&self.of, step) {
            (Of::Never, Step::Key(name)) if rest.is_empty() => {
                let key = Key { value: value.clone(), at: Position::NONE };
                Of::Shape(Rc::new(Shape { keys: BTreeMap::from([(name.clone(), key)]), rest: None }))
            }
            (Of::List(part), Step::Part) => Of::List(Rc::new(part.with(rest, value))),
            (Of::Shape(shape), step) => Of::Shape(Rc::new(shape.with(step, rest, value))),
            // A letter of a text.
            (Of::Text(_), Step::Part) => Of::Text(None),
            // What is not reached yet is a list or a map, and nobody knows which.
            (Of::Never, _) => return self.clone(),
            _ => Of::Any,
        };
        Self { of, nothing: self.nothing }
    }

    /// What it is called in a sentence.
    pub(super) fn shown(&self) -> String {
        let of = match &self.of {
            Of::Never => return "()".to_owned(),
            Of::Mixed(all) => {
                let all: Vec<String> = all.iter().map(|of| Self::from(of.clone()).shown()).collect();
                return if self.nothing { format!("{} or ()", all.join(" or ")) } else { all.join(" or ") };
            }
            Of::Any => return "anything".to_owned(),
            Of::Bool => "true or false",
            Of::Int => "a number",
            Of::Float => "a number with a fraction",
            Of::Char => "a character",
            Of::Text(_) => "text",
            Of::Range => "a range",
            Of::Function(_) => "a closure",
            Of::List(_) => "a list",
            Of::Shape(_) | Of::Params => "a map",
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
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::List(_) | Self::Shape(_) | Self::Record(_) | Self::Mixed(_), _) if levels == 0 => Self::Any,
            (Self::Text(Some(one)), Self::Text(Some(other))) => {
                let mut all = (**one).clone();
                all.extend(other.iter().filter(|text| !one.contains(text)).cloned());
                Self::Text(Some(Rc::new(all)))
            }
            (Self::Text(_), Self::Text(_)) => Self::Text(None),
            (Self::Function(_), Self::Function(_)) => Self::Function(None),
            (Self::List(one), Self::List(other)) => Self::List(Rc::new(one.joined(other, levels - 1))),
            (Self::Shape(one), Self::Shape(other)) => Self::Shape(Rc::new(one.joined(other, levels - 1))),
            (Self::Shape(shape), Self::Record(record)) | (Self::Record(record), Self::Shape(shape)) => {
                Self::Shape(Rc::new(shape.joined(&Shape::of(record.0), levels - 1)))
            }
            (one, other) if one.family() == other.family() && one.family() != Family::Mixed => Self::Any,
            (one, other) => Self::mixed(one, other, levels),
        }
    }

    fn mixed(&self, other: &Self, levels: usize) -> Self {
        let mut all: Vec<Self> = self.alternatives().to_vec();
        for of in other.alternatives() {
            match all.iter_mut().find(|known| known.family() == of.family()) {
                Some(known) => *known = known.joined(of, levels),
                None => all.push(of.clone()),
            }
        }
        all.sort_by_key(Self::family);
        if all.contains(&Self::Any) { Self::Any } else { Self::Mixed(Rc::new(all)) }
    }

    /// Everything that it may be.
    pub(super) fn alternatives(&self) -> &[Self] {
        match self {
            Self::Mixed(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// Among which it is: values of two families are never equal.
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Never | Self::Any => Family::Unknown,
            Self::Bool => Family::Truth,
            Self::Int | Self::Float => Family::Number,
            Self::Char | Self::Text(_) => Family::Text,
            Self::Range => Family::Range,
            Self::Function(_) => Family::Function,
            Self::List(_) => Family::List,
            Self::Shape(_) | Self::Record(_) | Self::Params => Family::Map,
            Self::Mixed(_) => Family::Mixed,
        }
    }

    fn cut(&self, levels: usize) -> Self {
        match self {
            Self::List(_) | Self::Shape(_) | Self::Mixed(_) if levels == 0 => Self::Any,
            Self::List(part) => Self::List(Rc::new(part.cut(levels - 1))),
            Self::Shape(shape) => Self::Shape(Rc::new(shape.cut(levels - 1))),
            Self::Mixed(all) => {
                let all: Vec<Self> = all.iter().map(|of| of.cut(levels - 1)).collect();
                if all.contains(&Self::Any) { Self::Any } else { Self::Mixed(Rc::new(all)) }
            }
            other => other.clone(),
        }
    }
}

impl Shape {
    /// A record's fields.
    fn of(record: &Record) -> Self {
        let keys = record.fields.iter().map(|field| (field.name.to_owned(), Key { value: Type::of_field(field), at: Position::NONE }));
        Self { keys: keys.collect(), rest: None }
    }

    /// The value of whichever key.
    pub(super) fn any_value(&self) -> Type {
        self.keys.values().map(|key| &key.value).chain(&self.rest).fold(Type::NEVER, |all, value| all.join(value))
    }

    fn with(&self, step: &Step, steps: &[Step], value: &Type) -> Self {
        let mut new = self.clone();
        match step {
            Step::Key(name) => {
                let known = self.keys.get(name);
                // Only what is set itself comes to be by it.
                if known.is_none() && self.rest.is_none() && !steps.is_empty() {
                    return new;
                }
                let before = known.map(|key| &key.value).or(self.rest.as_ref()).unwrap_or(&Type::NEVER);
                let key = Key { value: before.with(steps, value), at: known.map_or(Position::NONE, |key| key.at) };
                new.keys.insert(name.clone(), key);
            }
            Step::Part => {
                // Which key it is nobody knows: each that stands in the script may be meant.
                for key in new.keys.values_mut() {
                    key.value = key.value.with(steps, value);
                }
                if !steps.is_empty() && self.rest.is_none() {
                    return new;
                }
                new.rest = Some(self.rest.as_ref().unwrap_or(&Type::NEVER).with(steps, value));
            }
        }
        new
    }

    fn cut(&self, levels: usize) -> Self {
        if self.keys.len() > MOST_KEYS {
            return Self { keys: BTreeMap::new(), rest: Some(Type::ANY) };
        }
        let keys = self.keys.iter().map(|(name, key)| (name.clone(), Key { value: key.value.cut(levels), at: key.at }));
        Self { keys: keys.collect(), rest: self.rest.as_ref().map(|rest| rest.cut(levels)) }
    }

    fn joined(&self, other: &Self, levels: usize) -> Self {
        let mut keys = self.keys.clone();
        for (name, key) in &other.keys {
            let known = keys.entry(name.clone()).or_insert_with(|| key.clone());
            known.value = known.value.joined(&key.value, levels);
        }
        let rest = match (&self.rest, &other.rest) {
            (Some(one), Some(other)) => Some(one.joined(other, levels)),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        Self { keys, rest }
    }
}

#[cfg(test)]
mod tests;
