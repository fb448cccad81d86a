//! API objects (JSON) read into the model. A field that is missing or of another type reads as absent, never as an error.

pub mod metallb;
pub mod objects;
mod pods;
pub mod policies;
pub mod router;
mod services;

use std::collections::BTreeMap;

use serde_json::Value;

/// The most that a message of the API's is worth in a sentence, in characters.
const LONGEST_MESSAGE: usize = 240;

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The text at a JSON pointer, if any.
pub(crate) fn optional_text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

/// The array at a JSON pointer, empty when there is none.
pub(crate) fn array<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The strings of the array at a JSON pointer.
pub(crate) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    array(value, pointer).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The map of strings at a JSON pointer.
pub(crate) fn map(value: &Value, pointer: &str) -> BTreeMap<String, String> {
    value
        .pointer(pointer)
        .and_then(Value::as_object)
        .map(|object| object.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect())
        .unwrap_or_default()
}

/// The boolean at a JSON pointer, false when there is none.
pub(crate) fn flag(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

/// The number at a JSON pointer, if it is one and fits.
pub(crate) fn number<T: TryFrom<u64>>(value: &Value, pointer: &str) -> Option<T> {
    value.pointer(pointer).and_then(Value::as_u64).and_then(|number| T::try_from(number).ok())
}

/// A reason and its message in one line of bounded length.
pub(crate) fn said(reason: &str, message: &str) -> String {
    let message: String = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = if reason.is_empty() || message.is_empty() { format!("{reason}{message}") } else { format!("{reason}: {message}") };
    if whole.chars().count() <= LONGEST_MESSAGE {
        return whole;
    }
    let mut cut: String = whole.chars().take(LONGEST_MESSAGE).collect();
    cut.push('…');
    cut
}
