//! `elect(service, #{ without, drained })`: who would announce a Service's address then, by MetalLB's own election.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, NativeCallContext};
use serde_json::json;

use super::cluster_facts::{ask, questions};
use super::{metallb, target_of_port};
use crate::analysis::announcement::elect::{Supposed, elect};
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::nearest::nearest;
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::model::text::one_line;
use crate::words::fact::{Fact, dynamic, shaped};
use crate::words::manual::cluster::ELECT as WORD;
use crate::words::options::Options;
use crate::words::session::{Answer, Run, Stop};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine
        .register_fn("elect", move |context: NativeCallContext, service: Fact<Service>| elected(&plain, &context, &service.0, Map::new()));
    let run = Arc::clone(run);
    engine.register_fn("elect", move |context: NativeCallContext, service: Fact<Service>, options: Map| {
        elected(&run, &context, &service.0, options)
    });
}

fn elected(run: &Run, context: &NativeCallContext, service: &Service, options: Map) -> Answer<Dynamic> {
    run.allow(context, WORD.name, WORD.capability)?;
    let options = Options::read(run, context, &WORD, options)?;
    let Some(address) = service.addresses.first() else { return Ok(Dynamic::UNIT) };
    ask(run, &questions(run, service));
    let nodes = metallb::nodes(run, context)?;
    let supposed = Supposed { without: named(run, context, &options, "without")?, drained: named(run, context, &options, "drained")? };
    let target = match service.ports.first() {
        Some(port) => Some(target_of_port::read(run, context, service, port)?),
        None => None,
    };
    let metallb = metallb::metallb(run, context, service)?;
    let logs = run.state().logs.clone().unwrap_or_default();
    let Some(found) = elect(service, target.as_ref(), &nodes, &metallb, &logs.folded, &supposed) else {
        let reason = "a list that the election depends on could not be read";
        run.gap(Gap::new(names::EVIDENCE_UNREADABLE, Subject::from(service), reason, format!("who would announce {address}")).decisive());
        return Ok(Dynamic::UNIT);
    };
    if !found.certain {
        let reason = "MetalLB's version is not known, or an advertisement prefers nodes by weight, and then its elections differ";
        run.gap(Gap::new(names::EVIDENCE_UNREADABLE, Subject::from(service), reason, format!("who would announce {address}")).decisive());
        return Ok(Dynamic::UNIT);
    }
    run.state().checked = true;
    let value = json!({
        "service": service.path(), "address": address, "protocol": found.protocol, "node": found.nodes.first(),
        "nodes": found.nodes, "candidates": found.candidates, "excluded": found.excluded,
    });
    dynamic(context, shaped(value, WORD.returns.kind))
}

/// The nodes that an option names; a name that the cluster does not have supposes nothing, and is a mistake.
fn named(run: &Run, context: &NativeCallContext, options: &Options, option: &str) -> Answer<BTreeSet<String>> {
    let Some(given) = options.given(option) else { return Ok(BTreeSet::new()) };
    let names: Vec<String> = match given.clone().into_array() {
        Ok(parts) => parts.iter().map(ToString::to_string).collect(),
        Err(_) => given.to_string().split(',').map(|name| name.trim().to_owned()).collect(),
    };
    let names: BTreeSet<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let known: BTreeSet<String> = run.state().nodes.keys().cloned().collect();
    if let Some(unknown) = names.iter().find(|name| !known.is_empty() && !known.contains(*name)) {
        let hint = nearest(unknown, known.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let unknown = one_line(unknown);
        return Err(run.end(context, Stop::Usage(format!("elect: the option `{option}`: the cluster has no node `{unknown}`{hint}"))));
    }
    Ok(names)
}
