//! `service(namespace, name)` and `service_at(address)`: the Service that the run is about.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString, NativeCallContext};
use serde_json::{Value, json};

use super::listing::listing;
use crate::analysis::read::objects;
use crate::evidence::cluster::{Kind, List, ListQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::model::nearest::nearest;
use crate::model::service::Service;
use crate::model::subject::Subject;
use crate::model::text::one_line;
use crate::words::fact::{Fact, Fields};
use crate::words::manual::cluster::SERVICE as WORD;
use crate::words::manual::cluster::SERVICE_AT as AT;
use crate::words::manual::records;
use crate::words::session::{Answer, Run, Stop};
use crate::words::word::Record;

impl Fields for Service {
    const RECORD: &'static Record = &records::service::SERVICE;

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "address" => Some(self.addresses.first().map_or(Value::Null, |address| json!(address))),
            "path" => Some(json!(self.path())),
            "leads_to_endpoints" => Some(json!(!self.ports.is_empty() && !self.headless && self.kind != "ExternalName")),
            _ => None,
        }
    }
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Service>(engine);
    let asked = Arc::clone(run);
    engine.register_fn("service", move |context: NativeCallContext, namespace: Dynamic, name: Dynamic| {
        by_name(&asked, &context, &namespace, &name)
    });
    let run = Arc::clone(run);
    engine.register_fn("service", move |context: NativeCallContext, namespace: Dynamic, name: Dynamic, address: Dynamic| {
        let address = address.into_immutable_string();
        if let (true, Ok(address)) = (name.is_unit(), &address) {
            return at(&run, &context, address);
        }
        let service = by_name(&run, &context, &namespace, &name)?;
        match address {
            Ok(address) => followed_at(&run, &context, &service.0, &address),
            Err(_) => Ok(service),
        }
    });
}

/// Gives the word to an engine.
pub fn register_at(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("service_at", move |context: NativeCallContext, address: ImmutableString| at(&run, &context, &address));
}

fn by_name(run: &Run, context: &NativeCallContext, namespace: &Dynamic, name: &Dynamic) -> Answer<Fact<Service>> {
    run.allow(context, WORD.name, WORD.capability)?;
    let namespace = namespace.clone().into_immutable_string().ok();
    let Ok(name) = name.clone().into_immutable_string() else { return Err(list_balanced(run, context, namespace.as_deref())) };
    let Some(namespace) = namespace else { return anywhere(run, context, &name) };
    let query = ObjectQuery { kind: Kind::core("services"), namespace: Some(namespace.to_string()), name: name.to_string() };
    let subject = Subject::service(&namespace, &name);
    match run.evidence.cluster.get(&query).map_err(|error| run.unread(context, &error, subject))? {
        Some(value) => Ok(found(run, &value)),
        None => Err(unknown(run, context, &namespace, &name)),
    }
}

fn found(run: &Run, value: &Value) -> Fact<Service> {
    let service = objects::service(value);
    run.state().checked = true;
    Fact::new(service)
}

/// The same Service with that address first, which is the one that is asked.
fn followed_at(run: &Run, context: &NativeCallContext, service: &Service, address: &str) -> Answer<Fact<Service>> {
    let address = parsed(run, context, address)?;
    if service.addresses.contains(&address) {
        return Ok(Fact::new(service.led_by(address)));
    }
    let held = service.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let held = if held.is_empty() { "no address".to_owned() } else { held };
    Err(run.end(context, Stop::Usage(format!("Service {} does not hold {address}; it has {held}", service.path()))))
}

fn parsed(run: &Run, context: &NativeCallContext, address: &str) -> Answer<IpAddr> {
    address.parse().map_err(|_| run.end(context, Stop::Usage(format!("`{address}` is not an IP address"))))
}

/// The Services of one namespace or of all, and why these are not all of them when they are not, which is a gap already.
///
/// # Errors
/// Ends the run when they cannot be read.
pub fn all_services(run: &Run, context: &NativeCallContext, namespace: Option<&str>) -> Answer<(Vec<Service>, Option<EvidenceError>)> {
    let kind = Kind::core("services");
    let query = namespace.map_or_else(|| ListQuery::everywhere(kind.clone()), |namespace| ListQuery::within(kind.clone(), namespace));
    let listed = run.evidence.cluster.list(&query).map_err(|error| run.unread(context, &error, Subject::Api("services".to_owned())))?;
    if let Some(error) = &listed.lacks {
        run.failed_look(context, error, Subject::Api("services".to_owned()), "whether there are further Services, and what they hold")?;
    }
    Ok((listed.objects.iter().map(objects::service).collect(), listed.lacks))
}

/// Nothing was found among what came. Whether that is the answer depends on whether everything came.
#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
fn not_found(run: &Run, context: &NativeCallContext, text: String, lacks: Option<&EvidenceError>) -> Box<rhai::EvalAltResult> {
    let stop = match lacks {
        None => Stop::Usage(text),
        Some(error) => Stop::Unread(format!("as far as the Services could be read, {text}; {error}")),
    };
    run.end(context, stop)
}

fn anywhere(run: &Run, context: &NativeCallContext, name: &str) -> Answer<Fact<Service>> {
    let (all, lacks) = all_services(run, context, None)?;
    let mut same = all.iter().filter(|service| service.name == name);
    match (same.next(), same.next()) {
        (Some(one), None) => {
            run.state().checked = true;
            Ok(Fact::new(one.clone()))
        }
        (Some(_), Some(_)) => {
            let where_: Vec<String> = all.iter().filter(|service| service.name == name).map(|service| service.namespace.clone()).collect();
            Err(run.end(
                context,
                Stop::Usage(format!("Service {name} exists in the namespaces {}: say which with -n NAMESPACE", where_.join(", "))),
            ))
        }
        (None, _) => {
            let hint = nearest(name, all.iter().map(|service| service.name.as_str()))
                .and_then(|near| all.iter().find(|service| service.name == near))
                .map(|near| format!("; the nearest is -n {} {}", near.namespace, near.name))
                .unwrap_or_default();
            Err(not_found(run, context, format!("no namespace has a Service {name}{hint}"), lacks.as_ref()))
        }
    }
}

/// That the cluster has no namespace of that name, with the nearest; `None` when it has one, or that is not known.
pub fn unknown_namespace(run: &Run, namespace: &str) -> Option<String> {
    // Of namespaces that could not all be read none is known not to be there.
    let list = run.evidence.cluster.list(&ListQuery::everywhere(Kind::core("namespaces"))).and_then(List::all).ok()?;
    let known: Vec<String> = list.iter().map(|value| crate::analysis::read::text(value, "/metadata/name")).collect();
    if known.is_empty() || known.iter().any(|known| known == namespace) {
        return None;
    }
    let hint = nearest(namespace, known.iter().map(String::as_str)).map(|near| format!("; the nearest is {near}")).unwrap_or_default();
    Some(format!("the cluster has no namespace {}{hint}", one_line(namespace)))
}

/// Ends the run when nothing was found in a namespace because there is none of that name.
///
/// # Errors
/// As a usage error, with the nearest name.
pub fn empty_of(run: &Run, context: &NativeCallContext, namespace: Option<&str>) -> Answer<()> {
    match namespace.and_then(|namespace| unknown_namespace(run, namespace)) {
        Some(why) => Err(run.end(context, Stop::Usage(why))),
        None => Ok(()),
    }
}

/// An unknown Service: is it the namespace or the name that is mistyped?
#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
fn unknown(run: &Run, context: &NativeCallContext, namespace: &str, name: &str) -> Box<rhai::EvalAltResult> {
    if let Some(why) = unknown_namespace(run, namespace) {
        return run.end(context, Stop::Usage(why));
    }
    // The API has just said that it is not there: the others are for the hint alone.
    let services = match run.evidence.cluster.list(&ListQuery::within(Kind::core("services"), namespace)) {
        Ok(list) => list.objects.iter().map(objects::service).collect(),
        Err(error) if error.kind == ErrorKind::Interrupted => return run.end(context, run.interrupted_by(&error)),
        Err(_) => Vec::<Service>::new(),
    };
    let hint = nearest(name, services.iter().map(|service| service.name.as_str()))
        .map(|near| format!("; the nearest is {near}"))
        .unwrap_or_default();
    run.end(context, Stop::Usage(format!("namespace {namespace} has no Service {name}{hint}")))
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
fn list_balanced(run: &Run, context: &NativeCallContext, namespace: Option<&str>) -> Box<rhai::EvalAltResult> {
    let (services, lacks) = match all_services(run, context, namespace) {
        Ok(all) => all,
        Err(end) => return end,
    };
    if !services.iter().any(|service| service.kind == "LoadBalancer") {
        return match &lacks {
            None => run.end(context, Stop::Listed("the cluster has no Service of type LoadBalancer".to_owned())),
            Some(_) => not_found(run, context, "the cluster has no Service of type LoadBalancer".to_owned(), lacks.as_ref()),
        };
    }
    let incomplete = lacks.map(|error| format!("\nthese are not all: {error}")).unwrap_or_default();
    run.end(context, Stop::Listed(format!("{}{incomplete}", listing(run, &services, namespace))))
}

fn at(run: &Run, context: &NativeCallContext, address: &str) -> Answer<Fact<Service>> {
    run.allow(context, AT.name, AT.capability)?;
    let address = parsed(run, context, address)?;
    let (all, lacks) = all_services(run, context, None)?;
    let mut holders = all.iter().filter(|service| service.addresses.contains(&address));
    match (holders.next(), holders.next()) {
        (Some(one), None) => {
            run.state().checked = true;
            Ok(Fact::new(one.led_by(address)))
        }
        (Some(_), Some(_)) => {
            let who: Vec<String> = all
                .iter()
                .filter(|service| service.addresses.contains(&address))
                .map(|s| format!("--set namespace={} --set service={}", s.namespace, s.name))
                .collect();
            Err(run.end(context, Stop::Usage(format!("several Services share {address}; say which: {}", who.join(" or ")))))
        }
        (None, _) => Err(not_found(run, context, format!("no Service holds {address}"), lacks.as_ref())),
    }
}
