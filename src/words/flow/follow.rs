//! `follow(service, announcer, target, #{…})`: follows a request from the places that ask to the pods and back.
//!
//! It is made of the words that it stands for, with their defaults: `watch_points`, the captures, `during`, `probe`, `arping` and
//! `await_client`. Whoever wants another order, other places or other bounds writes those.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use crate::analysis::closer;
use crate::model::announcement::Announcement;
use crate::model::catalogue::names;
use crate::model::endpoint::Target;
use crate::model::finding::Gap;
use crate::model::service::Service;
use crate::words::capture::during::during;
use crate::words::fact::Fact;
use crate::words::manual::flow::FOLLOW as WORD;
use crate::words::node::compared;
use crate::words::options::Options;
use crate::words::session::{Answer, Run};

/// What others ask while a client is waited for fills a capture too.
const MOST_PACKETS: i64 = 50_000;
const MOST_BYTES: i64 = 32 << 20;
/// Seconds of a capture beside those that a client is waited for.
const BESIDE_THE_WAIT: i64 = 90;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("follow", move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic| {
        follow(&plain, &context, &service, &announcer, &target, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn(
        "follow",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, options: Map| {
            follow(&run, &context, &service, &announcer, &target, options)
        },
    );
}

fn follow(
    run: &Run,
    context: &NativeCallContext,
    service: &Fact<Service>,
    announcer: &Dynamic,
    target: &Dynamic,
    options: Map,
) -> Answer<Dynamic> {
    run.enter(WORD.name);
    let options = Options::read(run, context, &WORD, options)?;
    if let Some(why) = why_not(run, &service.0, announcer, target) {
        run.fact(format!("nothing is asked: {why}"));
        if run.site.static_only {
            run.gap(Gap::new(names::EVIDENCE_NOBODY_ASKED, &*service.0, "--static reads the API alone", "whether clients are answered"));
        }
        return Ok(Dynamic::UNIT);
    }
    let from = places(&options);
    let wait = options.whole::<i64>("wait").unwrap_or(0);
    let client = options.given("client").cloned().filter(|_| wait > 0 && run.uses.contains("node.capture"));
    let mut about: Map = [("service".into(), Dynamic::from(service.clone())), ("target".into(), target.clone())].into_iter().collect();
    if let Some(client) = &client {
        about.insert("client".into(), client.clone());
        about.insert("seconds".into(), Dynamic::from(BESIDE_THE_WAIT + wait));
        about.insert("packets".into(), Dynamic::from(MOST_PACKETS));
        about.insert("bytes".into(), Dynamic::from(MOST_BYTES));
    }
    let points = points(run, context, announcer, target, &from, &about)?;
    let about = (service, announcer, target);
    let flow = during(run, context, points, || asked(run, context, about, &options, &from, client.as_ref().map(|client| (client, wait))))?;
    Ok(Dynamic::from(flow))
}

/// Why nothing can be asked: the objects alone say then what is wrong.
fn why_not(run: &Run, service: &Service, announcer: &Dynamic, target: &Dynamic) -> Option<&'static str> {
    if !run.uses.contains("probe") {
        Some("this run may not ask the Service (probe)")
    } else if service.kind != "LoadBalancer" {
        Some("the Service is not of type LoadBalancer")
    } else if service.addresses.is_empty() {
        Some("the Service has no address")
    } else if announcer.is_unit() {
        Some("who announces the address is not known")
    } else if target.is_unit() {
        Some("where the port ends is not known")
    } else {
        None
    }
}

/// The places that ask, each by itself.
fn places(options: &Options) -> Array {
    match options.given("from").cloned().map(Dynamic::into_array) {
        Some(Ok(places)) => places,
        _ => options.text("from").unwrap_or_default().split(',').map(|place| Dynamic::from(place.trim().to_owned())).collect(),
    }
}

/// Captures on the nodes and in the pods that a request passes, as far as the run may, and where it begins.
fn points(run: &Run, context: &NativeCallContext, announcer: &Dynamic, target: &Dynamic, from: &Array, about: &Map) -> Answer<Array> {
    let way = context.call_native_fn::<Map>("watch_points", (announcer.clone(), target.clone(), Dynamic::from(from.clone())))?;
    let of = |name: &str| way.get(name).cloned().and_then(|names| names.into_array().ok()).unwrap_or_default();
    let capture =
        |word: &str, place: &Dynamic| context.call_native_fn::<Dynamic>(word, (ImmutableString::from(place.to_string()), about.clone()));
    let mut points = Array::new();
    for (capability, word, name) in [("node.capture", "node_capture", "nodes"), ("pod.capture", "pod_netns_capture", "pods")] {
        if run.uses.contains(capability) {
            for place in of(name) {
                points.push(capture(word, &place)?);
            }
        }
    }
    for place in from {
        points.push(capture("vantage_capture", place)?);
    }
    Ok(points)
}

/// Connects to the nodes whose MACs are compared, while the answers by ARP are waited for: before, every processor has enough to do.
fn get_ready_to_compare(run: &Run, announcer: &Dynamic, target: &Dynamic) {
    if run.uses.contains("node.read")
        && let Some(announcement) = announcer.clone().try_cast::<Fact<Announcement>>()
    {
        let target = target.clone().try_cast::<Fact<Target>>();
        compared::get_ready(run, &closer::compared(&announcement.0, target.as_ref().map(|fact| &*fact.0)).nodes);
    }
}

/// What is asked while the captures listen.
fn asked(
    run: &Run,
    context: &NativeCallContext,
    (service, announcer, target): (&Fact<Service>, &Dynamic, &Dynamic),
    options: &Options,
    from: &Array,
    client: Option<(&Dynamic, i64)>,
) -> Answer<Dynamic> {
    let given = |names: &[&str]| -> Map { names.iter().filter_map(|name| Some(((*name).into(), options.given(name)?.clone()))).collect() };
    let mut how = given(&["port", "tries", "request"]);
    how.insert("from".into(), Dynamic::from(from.clone()));
    let probes = context.call_native_fn::<Dynamic>("probe", (service.clone(), how))?;
    get_ready_to_compare(run, announcer, target);
    let arp = context.call_native_fn::<Dynamic>("arping", (service.clone(), Dynamic::from(from.clone())))?;
    let mut seen = vec![probes.clone(), arp];
    if let Some((client, wait)) = client {
        let mut how = given(&["port", "request"]);
        how.insert("client".into(), client.clone());
        how.insert("seconds".into(), Dynamic::from(wait));
        how.insert("asked".into(), probes);
        seen.push(context.call_native_fn::<Dynamic>("await_client", (service.clone(), how))?);
    }
    Ok(Dynamic::from(seen))
}
