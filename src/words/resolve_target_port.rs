//! `resolve_target_port(service, port)`: where a port ends, endpoint by endpoint.

use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};
use serde_json::{Value, json};

use super::cluster_facts::{ask, listed, of, pods as cluster_pods, questions};
use super::fact::{Fact, Fields};
use super::reference::Word;
use super::run::{Answer, Run, Stop};
use crate::analysis::read::objects;
use crate::analysis::similar::nearest;
use crate::analysis::target::target;
use crate::model::endpoint::Target;
use crate::model::kubernetes::Pod;
use crate::model::service::{Service, ServicePort};

pub const WORD: Word = Word {
    name: "resolve_target_port",
    capability: "cluster.read",
    signature: "resolve_target_port(service, port) -> Target: port, endpoints, pods, serving",
    meaning: "Where one port of the Service ends: for every endpoint its pod, address, node and number. The port is a name or a number; () takes the first.",
    register,
};

impl Fields for Target {
    const COMPUTED: &'static [&'static str] = &["serving"];

    fn field(&self, name: &str) -> Option<Value> {
        (name == "serving").then(|| json!(self.serving()))
    }
}

fn register(engine: &mut Engine, run: &Arc<Run>) {
    super::fact::register::<Target>(engine, "Target");
    let again = Arc::clone(run);
    engine.register_fn("resolve_target_port", move |context: NativeCallContext, service: Fact<Service>| {
        resolve(&again, &context, &service.0, &Dynamic::UNIT)
    });
    let run = Arc::clone(run);
    engine.register_fn("resolve_target_port", move |context: NativeCallContext, service: Fact<Service>, port: Dynamic| {
        resolve(&run, &context, &service.0, &port)
    });
}

fn resolve(run: &Run, context: &NativeCallContext, service: &Service, port: &Dynamic) -> Answer<Fact<Target>> {
    run.allow(context, WORD.name, WORD.capability)?;
    let port = wanted_port(run, context, service, port)?;
    let found = read(run, context, service, &port)?;
    for endpoint in &found.endpoints {
        run.fact(format!(
            "{} → {} at {} on {} ({}){}",
            port.target_port,
            endpoint.port.map_or_else(|| "no number".to_owned(), |number| number.to_string()),
            endpoint.pod.as_deref().map_or_else(|| endpoint.ip.to_string(), |pod| format!("{pod} {}", endpoint.ip)),
            endpoint.node.as_deref().unwrap_or("no node"),
            if endpoint.ready { "ready" } else { "not ready" },
            if endpoint.terminating { ", terminating" } else { "" },
        ));
    }
    if found.slices_read && found.endpoints.is_empty() {
        run.fact("the Service has no endpoints");
    }
    Ok(Fact::new(found))
}

/// The port that is meant; the first when none is named.
fn wanted_port(run: &Run, context: &NativeCallContext, service: &Service, port: &Dynamic) -> Answer<ServicePort> {
    let text = if port.is_unit() { None } else { Some(port.to_string()) };
    let found = text.as_deref().map_or_else(|| service.ports.first(), |text| service.port(text));
    found.cloned().ok_or_else(|| {
        let known: Vec<String> = service
            .ports
            .iter()
            .map(|port| if port.name.is_empty() { port.port.to_string() } else { format!("{} ({})", port.name, port.port) })
            .collect();
        let wanted = text.unwrap_or_default();
        let hint = nearest(&wanted, service.ports.iter().map(|port| port.name.as_str()))
            .map(|near| format!("; the nearest is {near}"))
            .unwrap_or_default();
        run.end(context, Stop::Usage(format!("Service {} has no port {wanted}: it has {}{hint}", service.path(), known.join(", "))))
    })
}

/// The target of one port, from lists that are asked once a run.
///
/// # Errors
/// When the run ends.
pub fn read(run: &Run, context: &NativeCallContext, service: &Service, port: &ServicePort) -> Answer<Target> {
    ask(run, &questions(run, service));
    let slices = listed(run, &of(service, "slices"));
    let mut pods = listed(run, &of(service, "pods"));
    if !service.selector.is_empty() && matches!(&*pods, Ok(list) if list.is_empty()) {
        let whole = format!("pods in {}", service.namespace);
        ask(run, &[(whole.clone(), cluster_pods(service))]);
        pods = listed(run, &whole);
    }
    if let Err(error) = &*slices {
        run.failed_look(context, error, &format!("service/{}", service.path()), "which endpoints the Service has")?;
    }
    if let Err(error) = &*pods {
        run.failed_look(
            context,
            error,
            &format!("service/{}", service.path()),
            "which pods the selector matches, and why one is not an endpoint",
        )?;
    }
    let pods: Option<Vec<Pod>> = (*pods).as_ref().ok().map(|list| list.iter().map(objects::pod).collect());
    Ok(target(service, port, (*slices).as_ref().ok().map(Vec::as_slice), pods.as_deref()))
}
