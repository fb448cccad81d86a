//! Whether a value is of the kind that a description tells. Of a value it reads what stands in it, and looks at nothing else.

use std::net::IpAddr;

use rhai::{Array, Dynamic, FnPtr, Map};

use super::word::Kind;
use crate::model::number::number;
use crate::model::text::one_line;

/// Whether a value is of the kind; `is_record` tells whether a value's type has that name in scripts.
#[must_use]
pub fn fits(kind: Kind, value: &Dynamic, is_record: &dyn Fn(&Dynamic, &str) -> bool) -> bool {
    let texts = value.is_string() || value.is_char();
    match kind {
        Kind::Any => true,
        Kind::Nothing => value.is_unit(),
        Kind::Text | Kind::Place => texts,
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
        Kind::Places => texts || value.is_array(),
        Kind::Several(_) => texts || value.is_int() || value.is_array(),
        Kind::Record(record) => is_record(value, record.name),
        Kind::List(inner) => value.read_lock::<Array>().is_some_and(|parts| parts.iter().all(|part| fits(*inner, part, is_record))),
        Kind::Map(_) => value.is_map(),
        Kind::Closure => value.is::<FnPtr>(),
        Kind::Either(one, other) => fits(*one, value, is_record) || fits(*other, value, is_record),
    }
}

/// A value in a sentence: itself where it is short, and otherwise the name of its type.
#[must_use]
pub fn shown(value: &Dynamic, type_name: &str) -> String {
    match value.to_string() {
        _ if value.is_unit() => "()".to_owned(),
        text if (value.is_string() || value.is_int() || value.is_bool()) && text.chars().count() <= 40 => format!("`{}`", one_line(&text)),
        _ => format!("of the type {type_name}"),
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
