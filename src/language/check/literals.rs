//! What a script writes out, held against what a word takes. Whatever only a run can tell is left to the run.

use rhai::{Array, Dynamic, Expr, Map};

use crate::words::fits;
use crate::words::word::Kind;

/// Whether what is written may be of the kind. `()` is for the run to judge: where it stands for what is not known, a word takes it.
pub(super) fn may_be(kind: Kind, written: &Expr) -> bool {
    match value(written) {
        Some(value) => value.is_unit() || fits::fits(kind, &value, &|_, _| false),
        None => shape(written).is_none_or(|shape| of_shape(kind, &shape)),
    }
}

/// As `may_be`, for an argument: what stands in a list or a map is its word's business.
pub(super) fn may_be_given(kind: Kind, written: &Expr) -> bool {
    match kind {
        Kind::List(_) | Kind::Map(_) => value(written).or_else(|| shape(written)).is_none_or(|value| of_shape(kind, &value)),
        Kind::Either(one, other) => may_be_given(*one, written) || may_be_given(*other, written),
        _ => may_be(kind, written),
    }
}

/// What is written, in a sentence.
pub(super) fn shown(written: &Expr) -> String {
    let value = value(written).or_else(|| shape(written)).unwrap_or(Dynamic::UNIT);
    fits::shown(&value, value.type_name())
}

/// What is wrong with a text that is written out and has to be written in a certain way.
pub(super) fn wrong(kind: Kind, written: &Expr) -> Option<String> {
    let value = value(written)?;
    if value.is_string() { fits::wrong(kind, &value.to_string()) } else { None }
}

/// The value of an option in a map that is written out.
pub(super) fn option<'a>(map: &'a Expr, name: &str) -> Option<&'a Expr> {
    let Expr::Map(map, _) = map else { return None };
    map.0.iter().find(|(ident, _)| ident.name == name).map(|(_, value)| value)
}

/// The value, when all of it is written out.
fn value(written: &Expr) -> Option<Dynamic> {
    written.get_literal_value(None)
}

/// Something of the same type, when that is sure and the value is not.
fn shape(written: &Expr) -> Option<Dynamic> {
    match written {
        Expr::InterpolatedString(..) => Some(Dynamic::from("")),
        Expr::Array(..) => Some(Array::new().into()),
        Expr::Map(..) => Some(Map::new().into()),
        _ => None,
    }
}

/// Whether some value of that type is of the kind.
fn of_shape(kind: Kind, shape: &Dynamic) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Text | Kind::Form(_) | Kind::Place | Kind::Address | Kind::OneOf(_) | Kind::Interface => shape.is_string() || shape.is_char(),
        Kind::CaptureInterface => shape.is_string() || shape.is_map(),
        Kind::Port | Kind::Mark => shape.is_string() || shape.is_int(),
        Kind::Places => shape.is_string() || shape.is_array(),
        Kind::Several(_) => shape.is_string() || shape.is_int() || shape.is_array(),
        Kind::List(_) => shape.is_array(),
        Kind::Map(_) => shape.is_map(),
        Kind::Either(one, other) => of_shape(*one, shape) || of_shape(*other, shape),
        Kind::Nothing | Kind::Bool | Kind::Whole { .. } | Kind::Number | Kind::Record(_) | Kind::Closure => false,
    }
}
