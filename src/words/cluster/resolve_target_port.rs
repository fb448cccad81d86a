//! `resolve_target_port(service, port)`: where a port ends, endpoint by endpoint.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use super::cluster_facts::listed;
use super::endpoint_facts;
use super::endpoint_looks;
use super::target_of_port::read;
use crate::analysis::judge::wrong_port;
use crate::analysis::read::objects;
use crate::analysis::target::{reach, settings};
use crate::model::endpoint::{Family, Target};
use crate::model::kubernetes::Node;
use crate::model::nearest::nearest;
use crate::model::service::{Service, ServicePort};
use crate::words::fact::{Fact, Fields};
use crate::words::manual::cluster::RESOLVE_TARGET_PORT as WORD;
use crate::words::manual::records;
use crate::words::options::Options;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Record;

impl Fields for Target {
    const RECORD: &'static Record = &records::service::TARGET;

    fn field(&self, name: &str) -> Option<Value> {
        (name == "serving").then(|| json!(self.serving()))
    }
}

/// What is asked for: all ports or one, and which family.
#[derive(Default)]
struct Wanted {
    all: bool,
    port: Option<String>,
    family: Option<Family>,
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Target>(engine);
    let first = Arc::clone(run);
    engine.register_fn("resolve_target_port", move |context: NativeCallContext, service: Fact<Service>| {
        resolve(&first, &context, &service.0, &Wanted::default())
    });
    let run = Arc::clone(run);
    engine.register_fn("resolve_target_port", move |context: NativeCallContext, service: Fact<Service>, port: Dynamic| {
        resolve(&run, &context, &service.0, &Wanted::read(&run, &context, port)?)
    });
}

impl Wanted {
    fn read(run: &Run, context: &NativeCallContext, value: Dynamic) -> Answer<Self> {
        let mut wanted = Self::default();
        match value.try_cast_result::<Map>() {
            Ok(options) => {
                let options = Options::read(run, context, &WORD, options)?;
                wanted.take_port(options.given("port").unwrap_or(&Dynamic::UNIT));
                wanted.family = match options.one_of("family") {
                    Some("IPv4") => Some(Family::V4),
                    Some(_) => Some(Family::V6),
                    None => None,
                };
            }
            Err(port) => wanted.take_port(&port),
        }
        Ok(wanted)
    }

    fn take_port(&mut self, value: &Dynamic) {
        let text = (!value.is_unit()).then(|| value.to_string());
        self.all = text.as_deref() == Some("*");
        self.port = text.filter(|_| !self.all);
    }
}

fn resolve(run: &Run, context: &NativeCallContext, service: &Service, wanted: &Wanted) -> Answer<Dynamic> {
    run.allow(context, WORD.name, WORD.capability)?;
    service.translated().map_err(|why| Run::refuse(context, why))?;
    if !wanted.all {
        if let Some(finding) = wanted.port.as_ref().and_then(|port| wrong_port(service, port)) {
            run.fact(finding.summary.clone());
            run.state().found(finding);
            return Ok(Dynamic::UNIT);
        }
        let port = wanted_port(run, context, service, wanted.port.as_deref(), true)?;
        return Ok(Dynamic::from(one(run, context, service, &port, wanted.family)?));
    }
    let mut all = Array::new();
    for port in &service.ports {
        run.fact(format!("port {}:", endpoint_facts::port(port)));
        all.push(Dynamic::from(one(run, context, service, port, wanted.family)?));
    }
    Ok(all.into())
}

fn one(run: &Run, context: &NativeCallContext, service: &Service, port: &ServicePort, family: Option<Family>) -> Answer<Fact<Target>> {
    let mut found = read(run, context, service, port)?;
    found.family = family.or(found.family);
    endpoint_looks::look(run, context, service, port, &mut found)?;
    let nodes: Vec<Node> = (*listed(run, "nodes")).as_ref().map(|list| list.iter().map(objects::node).collect()).unwrap_or_default();
    found.reach = reach(service, &found, &nodes);
    found.settings = settings(service, port, &found);
    for line in endpoint_facts::lines(service, &found) {
        run.fact(line);
    }
    Ok(Fact::new(found))
}

/// The port that is meant; the first when none is named. `or_all` is whether all of them may be meant.
///
/// # Errors
/// Ends the run as a usage error when there is none such.
pub fn wanted_port(run: &Run, context: &NativeCallContext, service: &Service, text: Option<&str>, or_all: bool) -> Answer<ServicePort> {
    let found = text.map_or_else(|| service.ports.first(), |text| service.port(text));
    found.cloned().ok_or_else(|| {
        let known: Vec<String> = service
            .ports
            .iter()
            .map(|port| if port.name.is_empty() { port.port.to_string() } else { format!("{} ({})", port.name, port.port) })
            .collect();
        let wanted = text.unwrap_or_default();
        let hint = nearest(wanted, service.ports.iter().map(|port| port.name.as_str()))
            .map(|near| format!("; the nearest is {near}"))
            .unwrap_or_default();
        let all = if or_all && known.len() > 1 { ", and \"*\" gives all" } else { "" };
        run.end(context, Stop::Usage(format!("Service {} has no port {wanted}: it has {}{all}{hint}", service.path(), known.join(", "))))
    })
}
