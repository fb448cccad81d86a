//! `nodes(#{ labels })`: the nodes of the cluster, as the API tells them. No node is logged in to.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use super::cluster_facts::{ask, listed};
use crate::analysis::election::EXCLUDE_LABEL;
use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, ListQuery};
use crate::model::kubernetes::Node;
use crate::model::selector_text;
use crate::model::subject::Subject;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::objects::NODES as WORD;
use crate::words::manual::records;
use crate::words::mistake::Mistake;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;

impl Fields for Node {
    const RECORD: &'static Record = &records::cluster::NODE;

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "zone" => json!(self.zone()),
            "addresses" => json!(self.internal_ips),
            "other_addresses" => json!(self.other_ips),
            "in_load_balancing" => json!(!self.labels.contains_key(EXCLUDE_LABEL)),
            _ => return None,
        })
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Node>(engine);
    let plain = Arc::clone(run);
    engine.register_fn("nodes", move |context: NativeCallContext| nodes(&plain, &context, Map::new()));
    let run = Arc::clone(run);
    engine.register_fn("nodes", move |context: NativeCallContext, options: Map| nodes(&run, &context, options));
}

fn nodes(run: &Run, context: &NativeCallContext, options: Map) -> Answer<Array> {
    run.allow(context, WORD.name, WORD.capability)?;
    let options = Options::read(run, context, &WORD, options)?;
    let selector = selector_text::parse(&options.text("labels").unwrap_or_default())
        .map_err(|why| Mistake::argument(WORD.name, &why).raised(context))?;
    ask(run, &[("nodes".to_owned(), ListQuery::everywhere(Kind::core("nodes")))]);
    let listed = listed(run, "nodes");
    let all = match &*listed {
        Ok(all) => all,
        Err(error) => {
            run.needed_look(context, error, Subject::Api("nodes".to_owned()), "which nodes there are, and how they are")?;
            return Ok(Array::new());
        }
    };
    let all: Vec<Node> = all.iter().map(objects::node).collect();
    let mut state = run.state();
    state.checked = true;
    // Whoever names a node next finds how it is reached.
    if state.nodes.is_empty() {
        state.nodes = all.iter().map(|node| (node.name.clone(), node.clone())).collect();
    }
    drop(state);
    Ok(all.into_iter().filter(|node| selector.selects(&node.labels)).map(|node| Dynamic::from(Fact::new(node))).collect())
}
