//! `pods(namespace, #{ labels, node })`: pods, as the API tells them.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::service::empty_of;
use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::model::kubernetes::Pod;
use crate::model::subject::Subject;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::objects::PODS as WORD;
use crate::words::manual::records;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

impl Fields for Pod {
    const RECORD: &'static Record = &records::service::POD;
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Pod>(engine);
    let plain = Arc::clone(run);
    engine.register_fn("pods", move |context: NativeCallContext, namespace: Dynamic| pods(&plain, &context, namespace, Map::new()));
    let run = Arc::clone(run);
    engine
        .register_fn("pods", move |context: NativeCallContext, namespace: Dynamic, options: Map| pods(&run, &context, namespace, options));
}

fn pods(run: &Run, context: &NativeCallContext, namespace: Dynamic, options: Map) -> Answer<Array> {
    run.allow(context, WORD.name, WORD.capability)?;
    let options = Options::read(run, context, &WORD, options)?;
    let labels = options.text("labels").filter(|labels| !labels.is_empty());
    let namespace: Option<ImmutableString> = namespace.into_immutable_string().ok();
    let mut query = match &namespace {
        Some(namespace) => ListQuery::within(Kind::core("pods"), namespace),
        None => ListQuery::everywhere(Kind::core("pods")),
    };
    if let Some(labels) = labels {
        query = query.labels(labels);
    }
    if let Some(node) = options.text("node") {
        query = query.fields(format!("spec.nodeName={node}"));
    }
    let named = namespace.clone();
    let subject = namespace.map_or_else(|| Subject::Api("pods".to_owned()), |namespace| Subject::Namespace(namespace.to_string()));
    match run.evidence.cluster.list(&query).and_then(List::all) {
        Ok(all) => {
            if all.is_empty() {
                empty_of(run, context, named.as_deref())?;
            }
            run.state().checked = true;
            Ok(all.iter().map(|value| Dynamic::from(Fact::new(objects::pod(value)))).collect())
        }
        Err(error) => {
            run.needed_look(context, &error, subject, "which pods there are, and how they are")?;
            Ok(Array::new())
        }
    }
}
