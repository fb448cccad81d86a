//! Facts as a script sees them: read-only values with the fields that their description tells, and no others.

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use serde::Serialize;
use serde_json::{Map, Value};

use super::session::{Answer, Run};
use super::word::{Kind, Record};
use crate::model::diagnostic::did_you_mean;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::Vantage;

/// A value of the model in a script's hands: cheap to copy, impossible to change.
pub struct Fact<T>(pub Arc<T>);

impl<T> Clone for Fact<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Fact<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

/// What scripts see of a value of the model.
pub trait Fields: Serialize {
    /// Its fields.
    const RECORD: &'static Record;

    /// A field that is not the model's own, or is had more cheaply than with all others.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// The model's own fields.
    ///
    /// # Errors
    /// When it cannot be JSON.
    fn shown(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// A value with all its fields, as `shaped` takes it.
#[must_use]
pub fn whole<T: Fields>(value: &T) -> Value {
    let mut all = match value.shown() {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    for field in T::RECORD.fields {
        if let Some(computed) = value.field(field.name) {
            all.insert(field.name.to_owned(), computed);
        }
    }
    Value::Object(all)
}

/// Makes a fact's fields readable in scripts. An unknown field is an error that names the nearest.
pub fn register<T: Fields + Send + Sync + 'static>(engine: &mut Engine) {
    engine.register_type_with_name::<Fact<T>>(T::RECORD.name);
    engine.register_indexer_get(move |context: NativeCallContext, fact: &mut Fact<T>, key: ImmutableString| read(&context, fact, &key));
    engine.register_fn("to_string", |fact: &mut Fact<T>| shaped(whole(&*fact.0), Kind::Record(T::RECORD)).to_string());
    // Whoever debugs sees what is behind it too.
    engine.register_fn("to_debug", |fact: &mut Fact<T>| whole(&*fact.0).to_string());
}

fn read<T: Fields>(context: &NativeCallContext, fact: &Fact<T>, key: &str) -> Answer<Dynamic> {
    let Some(field) = T::RECORD.field(key) else {
        let hint = did_you_mean(key, T::RECORD.fields.iter().map(|field| field.name)).map(|hint| format!("; {hint}")).unwrap_or_default();
        return Err(Box::new(EvalAltResult::ErrorPropertyNotFound(
            format!("`{key}` of {}{hint}", T::RECORD.name),
            context.call_position(),
        )));
    };
    let value = if let Some(value) = fact.0.field(key) {
        value
    } else {
        part(&fact.0.shown().map_err(|error| Run::refuse(context, error.to_string()))?, key)
    };
    dynamic(context, shaped(value, field.kind))
}

/// A field of an object. Who asked stands in the model as `vantage` or `host`, and every fact of it says `from`.
fn part(object: &Value, name: &str) -> Value {
    let there = |name: &str| object.get(name).cloned();
    let from = || if name == "from" { there("vantage").or_else(|| there("host")) } else { None };
    there(name).or_else(from).unwrap_or(Value::Null)
}

/// A value as its description tells: records with all their fields and no others, lists and maps that hold nothing empty and not (),
/// places as a user writes them.
#[must_use]
pub fn shaped(value: Value, kind: Kind) -> Value {
    match (kind, value) {
        (Kind::List(_), Value::Null) => Value::Array(Vec::new()),
        (Kind::Map(_), Value::Null) => Value::Object(Map::new()),
        (Kind::List(inner), Value::Array(parts)) => parts.into_iter().map(|part| shaped(part, *inner)).collect(),
        (Kind::Map(inner), Value::Object(entries)) => {
            Value::Object(entries.into_iter().map(|(name, value)| (name, shaped(value, *inner))).collect())
        }
        (Kind::Record(record), object @ Value::Object(_)) => {
            let fields = record.fields.iter().map(|field| {
                let value = part(&object, field.name);
                let unknown = value.is_null() && !field.nothing_when.is_empty();
                (field.name.to_owned(), if unknown { Value::Null } else { shaped(value, field.kind) })
            });
            Value::Object(fields.collect())
        }
        (Kind::Place, value) => as_written(&value).map_or(value, Value::String),
        (_, value) => value,
    }
}

/// Where a value is another than its description tells: fields that are not described, and described ones that are not there.
#[must_use]
pub fn differences(value: &Value, kind: Kind) -> Vec<String> {
    match (kind, value) {
        (Kind::List(inner), Value::Array(parts)) => parts.iter().flat_map(|part| differences(part, *inner)).collect(),
        (Kind::Map(inner), Value::Object(entries)) => entries.values().flat_map(|part| differences(part, *inner)).collect(),
        (Kind::Record(record), Value::Object(fields)) => {
            let unknown = fields.keys().filter(|name| record.field(name).is_none() && !record.hidden.contains(&name.as_str()));
            let missing = record.fields.iter().map(|field| field.name).filter(|name| !fields.contains_key(*name));
            let within = record.fields.iter().filter_map(|field| Some(differences(fields.get(field.name)?, field.kind))).flatten();
            let named = unknown.map(String::as_str).chain(missing).map(|name| format!("{}.{name}", record.name));
            named.chain(within).collect()
        }
        _ => Vec::new(),
    }
}

/// A place as its user writes it.
fn as_written(value: &Value) -> Option<String> {
    if let Ok(vantage) = serde_json::from_value::<Vantage>(value.clone()) {
        return Some(vantage.text());
    }
    let of_host = |host: &Host| match host.kind {
        HostKind::Local => "local".to_owned(),
        HostKind::Node => format!("node:{}", host.name),
        HostKind::Client => format!("ssh:{}", host.name),
    };
    if let Ok(host) = serde_json::from_value::<Host>(value.clone()) {
        return Some(of_host(&host));
    }
    Some(match serde_json::from_value::<Place>(value.clone()).ok()? {
        Place::Host(host) => of_host(&host),
        Place::Pod { namespace, name, .. } => format!("pod:{namespace}/{name}"),
    })
}

/// A value in a script's hands; what is null is ().
///
/// # Errors
/// Never for what words give.
pub fn dynamic(context: &NativeCallContext, value: Value) -> Answer<Dynamic> {
    if value.is_null() {
        return Ok(Dynamic::UNIT);
    }
    rhai::serde::to_dynamic(value).map_err(|error| Run::refuse(context, error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::words::manual::records::place::NEIGHBOUR;

    #[test]
    fn fields_that_are_not_described_and_those_that_are_missing_are_told() {
        let kind = Kind::List(&Kind::Record(&NEIGHBOUR));
        let whole = json!([{"address": "192.0.2.1", "dev": "eth0", "mac": null, "state": "STALE"}]);
        assert_eq!(differences(&whole, kind), Vec::<String>::new());
        let other = json!([{"address": "192.0.2.1", "device": "eth0", "mac": null, "state": "STALE"}]);
        assert_eq!(differences(&other, kind), ["Neighbour.device", "Neighbour.dev"]);
    }
}
