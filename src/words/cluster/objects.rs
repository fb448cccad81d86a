//! `list(kind, #{…})` and `get(kind, namespace, name, #{…})`: objects of any kind, read only. Secrets are refused, and of every kind only
//! the fields are taken that `evidence` lists for it and those that the playbook names.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};
use serde_json::Value;

use super::service::empty_of;
use crate::evidence::cluster::projection::Projection;
use crate::evidence::cluster::{Kind, List, ListQuery, ObjectQuery};
use crate::evidence::error::EvidenceError;
use crate::model::diagnostic::codes;
use crate::model::subject::Subject;
use crate::words::fact::dynamic;
use crate::words::kind_names;
use crate::words::manual::objects::{GET, LIST};
use crate::words::manual::records::cluster::OBJECT;
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::printed;
use crate::words::session::{Answer, Run};
use crate::words::word::Word;

/// An object, or a part of one, in a script's hands: cheap to copy, impossible to change.
#[derive(Clone)]
pub struct Object(Arc<Value>);

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("list", move |context: NativeCallContext, kind: ImmutableString| list(&plain, &context, &kind, Map::new()));
    let run = Arc::clone(run);
    engine.register_fn("list", move |context: NativeCallContext, kind: ImmutableString, options: Map| list(&run, &context, &kind, options));
    engine.register_type_with_name::<Object>(OBJECT.name);
    engine.register_indexer_get(|context: NativeCallContext, object: &mut Object, key: ImmutableString| {
        handed(&context, object.0.get(key.as_str()).cloned().unwrap_or(Value::Null))
    });
    engine.register_fn("keys", |object: &mut Object| -> Array {
        object.0.as_object().map(|map| map.keys().map(|key| Dynamic::from(key.clone())).collect()).unwrap_or_default()
    });
    engine.register_fn("len", |object: &mut Object| object.0.as_object().map_or(0, |map| i64::try_from(map.len()).unwrap_or(i64::MAX)));
    engine.register_fn("is_empty", |object: &mut Object| object.0.as_object().is_none_or(serde_json::Map::is_empty));
    engine.register_fn("contains", |object: &mut Object, key: ImmutableString| object.0.get(key.as_str()).is_some());
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |object: &mut Object| printed::cut(object.0.to_string()));
    }
}

/// Gives the word to an engine.
pub fn register_get(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("get", move |context: NativeCallContext, kind: ImmutableString, namespace: Dynamic, name: ImmutableString| {
        get(&plain, &context, &kind, namespace, &name, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn(
        "get",
        move |context: NativeCallContext, kind: ImmutableString, namespace: Dynamic, name: ImmutableString, options: Map| {
            get(&run, &context, &kind, namespace, &name, options)
        },
    );
}

fn list(run: &Run, context: &NativeCallContext, kind: &str, options: Map) -> Answer<Dynamic> {
    run.allow(context, LIST.name, LIST.capability)?;
    let options = Options::read(run, context, &LIST, options)?;
    let kind = asked_for(context, &LIST, kind, &options)?;
    Projection::of_list(&kind).map_err(|error| refused(context, &LIST, &error))?;
    let mut query = match options.text("namespace") {
        Some(namespace) => ListQuery::within(kind, &namespace),
        None => ListQuery::everywhere(kind),
    };
    if let Some(labels) = options.text("labels") {
        query = query.labels(labels);
    }
    match run.evidence.cluster.list(&query).and_then(List::all) {
        Ok(all) => {
            if all.is_empty() {
                empty_of(run, context, options.text("namespace").as_deref())?;
            }
            run.state().checked = true;
            let all = all.into_iter().map(|value| handed(context, value)).collect::<Answer<Array>>()?;
            Ok(Dynamic::from(all))
        }
        Err(error) => {
            run.needed_look(context, &error, Subject::Api(query.kind.plural.clone()), &format!("which {} there are", query.kind.plural))?;
            Ok(Dynamic::UNIT)
        }
    }
}

fn get(run: &Run, context: &NativeCallContext, kind: &str, namespace: Dynamic, name: &str, options: Map) -> Answer<Dynamic> {
    run.allow(context, GET.name, GET.capability)?;
    let options = Options::read(run, context, &GET, options)?;
    let kind = asked_for(context, &GET, kind, &options)?;
    let namespace = namespace.into_immutable_string().ok().map(|namespace| namespace.to_string());
    Projection::of_object(&kind, namespace.as_deref(), name).map_err(|error| refused(context, &GET, &error))?;
    let query = ObjectQuery { kind, namespace, name: name.to_owned() };
    match run.evidence.cluster.get(&query) {
        Ok(found) => {
            run.state().checked = true;
            handed(context, found.unwrap_or(Value::Null))
        }
        Err(error) => {
            let subject = Subject::Api(query.kind.plural.clone());
            run.needed_look(context, &error, subject, &format!("how {name} of the {} is", query.kind.plural))?;
            Ok(Dynamic::UNIT)
        }
    }
}

/// The kind with the fields that are wanted of it beside those that are always taken.
fn asked_for(context: &NativeCallContext, word: &Word, name: &str, options: &Options) -> Answer<Kind> {
    let (group, version, plural) = kind_names::named(name).map_err(|why| Mistake::argument(word.name, &why).raised(context))?;
    let kind = Kind::of(group, version, plural);
    let fields = options.given("fields").and_then(|given| given.clone().into_array().ok()).unwrap_or_default();
    Ok(kind.reading(fields.iter().map(ToString::to_string)))
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
/// What lbdiag never reads is no gap: nobody could have had it.
fn refused(context: &NativeCallContext, word: &Word, error: &EvidenceError) -> Box<rhai::EvalAltResult> {
    Mistake { code: codes::ARGUMENTS, message: format!("{}: {}", word.name, error.reason), hint: Some(error.hint.clone()) }.raised(context)
}

/// Objects as such, lists as lists of them, everything else as itself.
fn handed(context: &NativeCallContext, value: Value) -> Answer<Dynamic> {
    match value {
        Value::Object(_) => Ok(Dynamic::from(Object(Arc::new(value)))),
        Value::Array(parts) => Ok(Dynamic::from(parts.into_iter().map(|part| handed(context, part)).collect::<Answer<Array>>()?)),
        other => dynamic(context, other),
    }
}
