//! Whether a value is of the kind that a description tells. Of a value it reads what stands in it, and looks at nothing else.

use std::net::IpAddr;

use rhai::{Array, Dynamic, FnPtr, Map};

use super::forms;
use super::word::Kind;
use crate::model::number::number;
use crate::model::text::one_line;
use crate::model::vantage_text;

/// Whether a value is of the kind; `is_record` tells whether a value's type has that name in scripts.
#[must_use]
pub fn fits(kind: Kind, value: &Dynamic, is_record: &dyn Fn(&Dynamic, &str) -> bool) -> bool {
    let texts = value.is_string() || value.is_char();
    match kind {
        Kind::Any => true,
        Kind::Nothing => value.is_unit(),
        Kind::Text => texts,
        Kind::Place => texts && forms::wrong_place(&value.to_string()).is_none(),
        Kind::Form(form) => texts && (form.wrong)(&value.to_string()).is_none(),
        Kind::Bool => value.is_bool(),
        Kind::Number => value.is_int(),
        Kind::Whole { least, most, .. } => {
            value.as_int().ok().and_then(|number| u64::try_from(number).ok()).is_some_and(|number| (least..=most).contains(&number))
        }
        Kind::Address => texts && value.to_string().parse::<IpAddr>().is_ok(),
        Kind::OneOf(all) => texts && all.iter().any(|one| one.eq_ignore_ascii_case(&value.to_string())),
        Kind::Port => value.is_int() || texts,
        Kind::Interface => texts && plain_interface(&value.to_string()),
        Kind::CaptureInterface => (texts && plain_interface(&value.to_string())) || towards(value).is_some(),
        Kind::Mark => (texts || value.is_int()) && number(&value.to_string()).is_some(),
        Kind::Places => match value.read_lock::<Array>() {
            Some(parts) => parts.iter().all(|part| places(&part.to_string())),
            None => texts && places(&value.to_string()),
        },
        Kind::Several(_) => texts || value.is_int() || value.is_array(),
        Kind::Record(record) => is_record(value, record.name),
        Kind::List(inner) => value.read_lock::<Array>().is_some_and(|parts| parts.iter().all(|part| fits(*inner, part, is_record))),
        Kind::Map(_) => value.is_map(),
        Kind::Closure => value.is::<FnPtr>(),
        Kind::Either(one, other) => fits(*one, value, is_record) || fits(*other, value, is_record),
    }
}

/// What is wrong with a text that has to be written in a certain way; `None` for what is no such text, or has no way of its own.
#[must_use]
pub fn wrong(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Form(form) => (form.wrong)(text),
        Kind::Place => forms::wrong_place(text),
        Kind::Places => vantage_text::parse(text).err(),
        Kind::Either(one, other) => wrong(*one, text).or_else(|| wrong(*other, text)),
        _ => None,
    }
}

/// Places by comma; an empty text names none, which is for the word to judge.
fn places(text: &str) -> bool {
    text.trim().is_empty() || vantage_text::parse(text).is_ok()
}

/// The name of a type of Rhai's or of a word's, as a person says it after `this is`.
#[must_use]
pub fn in_words(type_name: &str) -> &str {
    match type_name {
        "i64" | "INT" => "a number",
        "f64" | "FLOAT" => "a number with a fraction",
        "string" | "&str | ImmutableString | String" | "ImmutableString" | "String" | "&str" => "a text",
        "bool" => "true or false",
        "char" => "a character",
        "array" => "a list",
        "map" => "a map",
        "Fn" => "a closure",
        "range" | "Range<i64>" | "RangeInclusive<i64>" => "a range",
        other => other,
    }
}

/// A value in a sentence: itself where it is short, and otherwise the name of its type.
#[must_use]
pub fn shown(value: &Dynamic, type_name: &str) -> String {
    match value.to_string() {
        _ if value.is_unit() => "()".to_owned(),
        text if (value.is_string() || value.is_int() || value.is_bool()) && text.chars().count() <= 40 => format!("`{}`", one_line(&text)),
        _ => in_words(type_name).to_owned(),
    }
}

/// A name that an interface of Linux can have, and that no tool takes for an option or for a way.
fn plain_interface(name: &str) -> bool {
    !name.is_empty() && name.len() < 16 && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_graphic() && c != '/')
}

/// The address of `#{ towards: ADDRESS }`.
#[must_use]
pub fn towards(value: &Dynamic) -> Option<IpAddr> {
    let map = value.read_lock::<Map>()?;
    let address = map.get("towards").filter(|_| map.len() == 1)?;
    address.to_string().parse().ok()
}
