//! `find_announcer(service, options)` and `find_announcers(services, options)`: who announces an address, who should, and which source says what.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, Map, NativeCallContext};
use serde_json::{Value, json};

use super::address_facts;
use super::announcer_facts;
use super::cluster_facts::{ask, ask_for_all, every_service, listed, of, questions, rest};
use super::metallb;
use super::router;
use super::speakers;
use super::target_of_port;
use super::wire;
use crate::analysis::announcement::{Gathered, announcement, sources_of};
use crate::analysis::sparing;
use crate::analysis::target::target;
use crate::model::announcement::{Agreement, Announcement, History, Spared};
use crate::model::endpoint::Target;
use crate::model::place::Host;
use crate::model::service::Service;
use crate::words::fact::{Fact, Fields};
use crate::words::fits::in_words;
use crate::words::manual::cluster::FIND_ANNOUNCER as WORD;
use crate::words::manual::cluster::FIND_ANNOUNCERS as ALL;
use crate::words::manual::records;
use crate::words::mistake::Mistake;
use crate::words::options;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};
use crate::words::word::Record;
use crate::words::word::Word;

impl Fields for Announcement {
    const RECORD: &'static Record = &records::announcement::ANNOUNCEMENT;

    /// Most fields by themselves: an announcement holds the whole cluster's nodes, which a table of many must not write out again and again.
    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "node" => self.nodes.first().map_or(Value::Null, |node| json!(node)),
            "since" => json!(self.history.since),
            "address" => json!(self.address),
            "addresses" => json!(self.addresses),
            "service" => json!(self.service),
            "protocol" => json!(self.protocol),
            "nodes" => json!(self.nodes),
            "pod" => json!(self.pod),
            "expected" => json!(self.expected),
            "candidates" => json!(self.candidates),
            "excluded" => json!(self.excluded),
            "sources" => json!(sources_of(self)),
            "sides" => json!(self.sides),
            "agreement" => json!(self.agreement),
            "because" => json!(self.because),
            "history" => json!(self.history),
            "bgp" => json!(self.bgp),
            _ => return None,
        })
    }
}

/// What may be asked for beyond the API's objects and logs.
#[derive(Default)]
struct Options {
    wire: Vec<Host>,
    router: Option<Host>,
    metrics: Option<bool>,
    /// Whether what only a fault would change may wait.
    defer: bool,
}

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    crate::words::fact::register::<Announcement>(engine);
    let plain = Arc::clone(run);
    engine.register_fn("find_announcer", move |context: NativeCallContext, service: Fact<Service>| {
        find(&plain, &context, &service, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn("find_announcer", move |context: NativeCallContext, service: Fact<Service>, options: Map| {
        find(&run, &context, &service, options)
    });
}

/// Gives the word to an engine.
pub fn register_all(engine: &mut Engine, run: &Arc<Run>) {
    let plain = Arc::clone(run);
    engine.register_fn("find_announcers", move |context: NativeCallContext, services: Array| {
        find_all(&plain, &context, services, Map::new())
    });
    let run = Arc::clone(run);
    engine.register_fn("find_announcers", move |context: NativeCallContext, services: Array, options: Map| {
        find_all(&run, &context, services, options)
    });
}

fn find(run: &Run, context: &NativeCallContext, service: &Fact<Service>, options: Map) -> Answer<Fact<Announcement>> {
    run.allow(context, WORD.name, WORD.capability)?;
    // Connecting takes as long as asking the API: both go on at once.
    let asks_from = options.get("asks_from").cloned().filter(|from| !from.is_unit() && run.uses.contains("probe"));
    if let Some(from) = asks_from {
        context.call_native_fn::<()>("get_ready", (service.clone(), from))?;
    }
    let service = &*service.0;
    let options = Options::read(run, context, &WORD, options)?;
    run.state().router.clone_from(&options.router);
    found_with(run, context, service, &options)
}

/// Asks once more, for everything that was deferred.
///
/// # Errors
/// When the run ends.
pub fn all_of(run: &Run, context: &NativeCallContext, service: &Service) -> Answer<Fact<Announcement>> {
    run.allow(context, WORD.name, WORD.capability)?;
    let router = run.state().router.clone();
    found_with(run, context, service, &Options { router, ..Options::default() })
}

fn found_with(run: &Run, context: &NativeCallContext, service: &Service, options: &Options) -> Answer<Fact<Announcement>> {
    let mut all = questions(run, service);
    all.push(every_service());
    if !options.defer || service.addresses.is_empty() {
        all.extend(rest(run, service));
    }
    ask(run, &all);
    let target = match service.ports.first() {
        Some(port) => Some(target_of_port::read(run, context, service, port)?),
        None => None,
    };
    let mut found = vec![gather(run, context, service, target.as_ref(), options)?];
    wire::ask_about(run, &options.wire, &mut found);
    let found = found.swap_remove(0).1;
    // A second look tells what is new.
    let told: BTreeSet<String> = run.state().steps.iter().flat_map(|step| step.facts.iter().cloned()).collect();
    for line in announcer_facts::lines(&found).into_iter().filter(|line| !told.contains(line)) {
        run.fact(line);
    }
    Ok(Fact::new(found))
}

fn find_all(run: &Run, context: &NativeCallContext, services: Array, options: Map) -> Answer<Array> {
    run.allow(context, ALL.name, ALL.capability)?;
    let options = Options::read(run, context, &ALL, options)?;
    let services: Vec<Arc<Service>> = services
        .into_iter()
        .map(|service| {
            let kind = in_words(context.engine().map_type_name(service.type_name())).to_owned();
            let fact = service.try_cast::<Fact<Service>>();
            fact.map(|fact| fact.0).ok_or_else(|| {
                let why = format!("find_announcers takes a list of Services, and one of them is {kind}");
                Mistake::argument(ALL.name, &why).raised(context)
            })
        })
        .collect::<Answer<_>>()?;
    let plain: Vec<Service> = services.iter().map(|service| (**service).clone()).collect();
    ask_for_all(run, &plain);
    // One reading of the logs for the addresses of all.
    if let Some(first) = plain.first() {
        let metallb = metallb::metallb(run, context, first)?;
        speakers::logs(run, context, &plain.iter().collect::<Vec<_>>(), &metallb, &BTreeSet::new())?;
    }
    let targets: Vec<Option<Target>> = plain
        .iter()
        .map(|service| {
            let slices = listed(run, &of(service, "slices"));
            service.ports.first().map(|port| target(service, port, (*slices).as_ref().ok().map(Vec::as_slice), None))
        })
        .collect();
    let mut all: Vec<(Gathered, Announcement)> = Vec::new();
    for (service, target) in plain.iter().zip(&targets) {
        let (gathered, mut found) = gather(run, context, service, target.as_ref(), &options)?;
        let before = all.last().and_then(|(_, before)| before.bgp.as_ref());
        if let Some((bgp, before)) = found.bgp.as_mut().zip(before).filter(|(bgp, before)| bgp.nodes == before.nodes) {
            bgp.nodes = Arc::clone(&before.nodes);
        }
        all.push((gathered, found));
    }
    wire::ask_about(run, &options.wire, &mut all);
    Ok(all.into_iter().map(|(_, found)| Dynamic::from(Fact::new(found))).collect())
}

impl Options {
    fn read(run: &Run, context: &NativeCallContext, word: &'static Word, map: Map) -> Answer<Self> {
        let given = options::Options::read(run, context, word, map)?;
        let mut read = Self {
            metrics: given.flag("metrics"),
            defer: given.flag("defer").unwrap_or_default() || (given.given("asks_from").is_some() && run.uses.contains("probe")),
            ..Self::default()
        };
        if let Some(places) = given.given("wire") {
            run.allow(context, &format!("{} with wire", word.name), "probe")?;
            run.allow(context, &format!("{} with wire", word.name), "node.read")?;
            read.wire = vantage::hosts(run, &vantage::named(run, context, places)?);
        }
        if let Some(place) = given.given("router") {
            run.allow(context, &format!("{} with router", word.name), "node.read")?;
            read.router = vantage::hosts(run, &vantage::named(run, context, place)?).into_iter().next();
        }
        Ok(read)
    }
}

/// Reads what the sources say of one Service and puts it together; where it may defer, everything only when something calls for it.
fn gather<'a>(
    run: &Run,
    context: &NativeCallContext,
    service: &'a Service,
    target: Option<&'a Target>,
    options: &Options,
) -> Answer<(Gathered<'a>, Announcement)> {
    if options.defer && options.wire.is_empty() && !service.addresses.is_empty() {
        let nodes = metallb::nodes(run, context)?;
        let objects = Gathered { target, nodes, ..Gathered::of_objects(service, metallb::metallb(run, context, service)?) };
        let spared = sparing::may_wait(&objects);
        if !spared.is_empty() {
            let (gathered, found) = read(run, context, service, target, options, spared)?;
            if sparing::calm(&gathered, &found) {
                return Ok((gathered, found));
            }
        }
        ask(run, &rest(run, service));
    }
    read(run, context, service, target, options, Spared::default())
}

/// Reads all but what is spared. Metrics come second, where the first look leaves something open.
fn read<'a>(
    run: &Run,
    context: &NativeCallContext,
    service: &'a Service,
    target: Option<&'a Target>,
    options: &Options,
    spared: Spared,
) -> Answer<(Gathered<'a>, Announcement)> {
    let nodes = metallb::nodes(run, context)?;
    let mut metallb = metallb::metallb(run, context, service)?;
    address_facts::add(run, context, service, &mut metallb)?;
    let logs = speakers::logs(run, context, &[service], &metallb, &spared.logs)?;
    metallb.version = metallb.version.or_else(|| logs.folded.iter().find_map(|log| log.version.clone()));
    metallb.configuration.extend(logs.configuration.iter().cloned());
    let history = match service.addresses.first() {
        Some(address) => speakers::history(run, context, *address, &metallb, &logs)?,
        None => History::default(),
    };
    let mut gathered = Gathered {
        target,
        nodes,
        logs: Arc::clone(&logs.folded),
        unread: logs.unread.clone(),
        history,
        spared,
        now: run.evidence.clock.started(),
        ..Gathered::of_objects(service, metallb)
    };
    if options.metrics == Some(true) && !service.addresses.is_empty() {
        gathered.metrics = speakers::metrics(run, context, &gathered.metallb)?;
    }
    let mut found = announcement(gathered.clone());
    if let Some(router) = options.router.as_ref().filter(|_| found.bgp.is_some() && !service.addresses.is_empty()) {
        gathered.router = router::ask(run, router, &service.addresses);
        found = announcement(gathered.clone());
    }
    let open = found.bgp.is_some() || matches!(found.agreement, Agreement::Unknown | Agreement::Conflict | Agreement::Several);
    if options.metrics.is_none() && open && !service.addresses.is_empty() {
        gathered.metrics = speakers::metrics(run, context, &gathered.metallb)?;
        found = announcement(gathered.clone());
    }
    Ok((gathered, found))
}
