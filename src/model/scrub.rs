//! Takes credentials out of free text: messages, log lines, errors, whatever somebody else wrote.
//!
//! It knows them by their shape (`shapes`) and by the name that stands before them (`pairs`, `names`, `values`). What has neither is
//! not known: fields that nobody reads are therefore never taken in at all (see `evidence::cluster::fields`). Text that was scrubbed
//! once comes back as it is.

mod disguise;
mod names;
mod pairs;
mod shapes;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// What stands where a credential stood.
pub const REMOVED: &str = "(removed)";

/// Bytes from which on a text is looked at line by line.
const LONG: usize = 64 << 10;

/// The text without its credentials; the same text when it holds none.
///
/// Characters that nobody sees part no word for who reads it, so a credential that is found without them goes, and they with it.
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    if let Some(seen) = disguise::taken_off(text)
        && let Cow::Owned(scrubbed) = seen_alone(&seen)
    {
        return Cow::Owned(scrubbed);
    }
    seen_alone(text)
}

fn seen_alone(text: &str) -> Cow<'_, str> {
    if !shapes::worth_a_look(text) {
        return Cow::Borrowed(text);
    }
    if text.len() > LONG && text.contains('\n') && !text.contains("PRIVATE KEY") {
        // The rules of a node's packet filters: few of a hundred thousand lines are worth a look.
        let lines: Vec<Cow<'_, str>> = text.split_inclusive('\n').map(one).collect();
        return if lines.iter().all(|line| matches!(line, Cow::Borrowed(_))) { Cow::Borrowed(text) } else { Cow::Owned(lines.concat()) };
    }
    one(text)
}

fn one(text: &str) -> Cow<'_, str> {
    if !shapes::worth_a_look(text) {
        return Cow::Borrowed(text);
    }
    match shapes::scrub(text) {
        Cow::Borrowed(same) => pairs::scrub(same),
        Cow::Owned(changed) => match pairs::scrub(&changed) {
            Cow::Borrowed(_) => Cow::Owned(changed),
            Cow::Owned(scrubbed) => Cow::Owned(scrubbed),
        },
    }
}

/// As `scrub`, in place.
pub fn scrub_in(text: &mut String) {
    if let Cow::Owned(scrubbed) = scrub(text) {
        *text = scrubbed;
    }
}

/// As `scrub`, in every text of a value.
pub fn scrub_value(value: &mut Value) {
    match value {
        Value::String(text) => scrub_in(text),
        Value::Array(items) => items.iter_mut().for_each(scrub_value),
        Value::Object(map) => map.values_mut().for_each(scrub_value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// As `scrub_value`, of parameters: one whose name tells of a credential loses its whole value.
pub fn scrub_params(params: &mut BTreeMap<String, Value>) {
    for (name, value) in params.iter_mut() {
        if names_a_secret(name) && !value.is_null() {
            *value = Value::String(REMOVED.to_owned());
        } else {
            scrub_value(value);
        }
    }
}

/// Whether something of that name, such as a parameter, holds a credential itself.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    names::weight(name) >= Some(names::Weight::Plain)
}
