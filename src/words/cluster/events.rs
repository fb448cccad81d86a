//! `events(namespace, #{ kind, name })`: what the API's events say.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use crate::analysis::read::{objects, text};
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::model::subject::Subject;
use crate::words::fact::{dynamic, shaped};
use crate::words::manual::objects::EVENTS as WORD;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("events", move |context: NativeCallContext, namespace: Dynamic| events(&plain, &context, namespace, Map::new()));
    let run = Arc::clone(run);
    engine.register_fn("events", move |context: NativeCallContext, namespace: Dynamic, options: Map| {
        events(&run, &context, namespace, options)
    });
}

fn events(run: &Run, context: &NativeCallContext, namespace: Dynamic, options: Map) -> Answer<Dynamic> {
    run.allow(context, WORD.name, WORD.capability)?;
    let options = Options::read(run, context, &WORD, options)?;
    let about = |option: &str, field: &str| options.text(option).map(|value| format!("involvedObject.{field}={value}"));
    let fields: Vec<String> = about("kind", "kind").into_iter().chain(about("name", "name")).collect();
    let mut query = match namespace.into_immutable_string() {
        Ok(namespace) => ListQuery::within(Kind::core("events"), &namespace),
        Err(_) => ListQuery::everywhere(Kind::core("events")),
    };
    if !fields.is_empty() {
        query = query.fields(fields.join(","));
    }
    match run.evidence.cluster.list(&query).and_then(List::all) {
        Ok(mut all) => {
            run.state().checked = true;
            all.sort_by_key(|value| objects::event(value).at);
            dynamic(context, shaped(all.iter().map(row).collect(), WORD.returns.kind))
        }
        Err(error) => {
            run.needed_look(context, &error, Subject::Api("events".to_owned()), "what happened there")?;
            Ok(Dynamic::from(Array::new()))
        }
    }
}

fn row(value: &Value) -> Value {
    let event = objects::event(value);
    json!({
        "kind": event.kind, "reason": event.reason, "message": event.message, "component": event.component,
        "at": event.at, "count": event.count, "namespace": text(value, "/involvedObject/namespace"),
        "object": format!("{}/{}", text(value, "/involvedObject/kind"), text(value, "/involvedObject/name")),
    })
}
