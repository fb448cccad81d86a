//! `look_closer(service, announcer, target, flow)`: the state of the places on the path, read before and after the probe is repeated.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Dynamic, Engine, NativeCallContext};

use crate::analysis::closer::{self, Plan, plan};
use crate::analysis::judge::{Case, two_of_one_mac};
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::evidence::capture::filter;
use crate::evidence::error::ErrorKind;
use crate::evidence::side_by_side::{both, side_by_side};
use crate::model::endpoint::Target;
use crate::model::flow::{ArpAsk, Flow};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Awaited, Ending, Probe, Request, Vantage};
use crate::model::service::Service;
use crate::words::capture::capture_options::{Options, client_filter, node_filter};
use crate::words::capture::during;
use crate::words::capture::node_capture::{Point, begin};
use crate::words::capture::pod_netns_capture::place as pod_place;
use crate::words::case::{Facts, Given};
use crate::words::fact::Fact;
use crate::words::manual::node::LOOK_CLOSER as WORD;
use crate::words::node::compared;
use crate::words::node::place_states::{forwarding, others, places, states};
use crate::words::node::policies;
use crate::words::probe::arping;
use crate::words::probe::await_client;
use crate::words::probe::probe::{Asked, ask as ask_again};
use crate::words::probe::speech::speech;
use crate::words::probe::vantage;
use crate::words::session::{Answer, Run};

/// Tries of the repeated probe: enough to meet every one of a few pods.
const TRIES: u32 = 8;
/// A connection that is made within this time, milliseconds, was made by its first packet: the second one is sent after a second.
const AT_ONCE_MS: u64 = 700;
/// The longest wait for a client that asks by itself, while counters are compared, seconds: it has asked before, and its user is there.
const WAIT_AGAIN: u64 = 30;

const NOT_SUSPICIOUS: &str = "nothing is suspicious";

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn(
        "look_closer",
        move |context: NativeCallContext, service: Fact<Service>, announcer: Dynamic, target: Dynamic, flow: Dynamic| -> Answer<Dynamic> {
            Ok(match look(&run, &context, &service, announcer, target, flow)? {
                Looked::Closer(closer) => Dynamic::from(Fact::new(*closer)),
                Looked::NothingToLookAt => Dynamic::UNIT,
                Looked::NotSuspicious => {
                    run.fact(NOT_SUSPICIOUS);
                    Dynamic::UNIT
                }
            })
        },
    );
}

/// What a closer look came to.
enum Looked {
    Closer(Box<Closer>),
    NotSuspicious,
    /// Without a target and a flow.
    NothingToLookAt,
}

fn look(
    run: &Run,
    context: &NativeCallContext,
    fact: &Fact<Service>,
    announcer: Dynamic,
    target: Dynamic,
    flow: Dynamic,
) -> Answer<Looked> {
    run.allow(context, WORD.name, WORD.capability)?;
    let facts = Facts::gathered(run, context, fact, Given { announcer, target, flow, closer: Dynamic::UNIT })?;
    let case = facts.case();
    let (service, Some(target), Some(flow)) = (case.service, case.target, case.flow) else { return Ok(Looked::NothingToLookAt) };
    let Some(plan) = plan(&case) else { return Ok(Looked::NotSuspicious) };
    for reason in &plan.because {
        run.fact(format!("looked closer because {reason}"));
    }
    let places = places(run, &plan, target);
    let read = policies::kubernetes(run, context, service)?;
    let (policies_read, policies) = (read.is_some(), read.unwrap_or_default());
    let before = states(run, service, &places);
    let calicos = policies::calicos(run, service, before.iter().flatten());
    let again = repeat(run, context, service, target, &plan, &before, flow)?;
    let (mut after, ways) = both(|| states(run, service, &places), || forwarding(run, &plan, &places));
    for (place, way) in &ways {
        after.iter_mut().flatten().filter(|state| state.place == *place).for_each(|state| state.add_ways(way));
    }
    let mut states: Vec<StatePair> = before
        .into_iter()
        .zip(after)
        .filter_map(|(before, after)| Some(StatePair { before: before?.read_again_later(), after: after? }))
        .collect();
    states.extend(others(run, &plan).into_iter().map(StatePair::unchanged));
    let next_hops = next_hops(run, &plan, &states, flow);
    Ok(Looked::Closer(Box::new(Closer { states, again, policies, policies_read, calicos, next_hops })))
}

/// Looks closer where something is suspicious, and compares the MACs of the nodes that may take the address where nothing is.
///
/// # Errors
/// When the capability is missing, or the run ends.
pub fn look_or_compare(
    run: &Run,
    context: &NativeCallContext,
    fact: &Fact<Service>,
    announcer: Dynamic,
    target: Dynamic,
    flow: Dynamic,
) -> Answer<Dynamic> {
    let closer = match look(run, context, fact, announcer.clone(), target.clone(), flow.clone())? {
        Looked::Closer(closer) => {
            // Which of the two a run will do is not known of one that is only planned.
            if run.evidence.hosts.assumes() {
                compared::read(run, &nodes(&closer), &[]);
            }
            *closer
        }
        Looked::NothingToLookAt => return Ok(Dynamic::UNIT),
        Looked::NotSuspicious => {
            let facts = Facts::gathered(run, context, fact, Given { announcer, target, flow, closer: Dynamic::UNIT })?;
            let case = facts.case();
            let all = case.announcement.map(|announcement| closer::compared(announcement, case.target)).unwrap_or_default();
            let closer = Closer { states: compared::read(run, &all.nodes, &all.on_the_way), ..Closer::default() };
            if !two_of_one_mac(&Case { closer: Some(&closer), ..case }) {
                run.fact(NOT_SUSPICIOUS);
            }
            if closer.states.is_empty() {
                return Ok(Dynamic::UNIT);
            }
            closer
        }
    };
    Ok(Dynamic::from(Fact::new(closer)))
}

/// The nodes that were looked at.
fn nodes(closer: &Closer) -> Vec<String> {
    let of = |pair: &StatePair| match &pair.after.place {
        Place::Host(host) if host.kind == HostKind::Node => Some(host.name.clone()),
        _ => None,
    };
    closer.states.iter().filter_map(of).collect()
}

/// The failing probes once more, with captures at every place of the plan, and ARP asked again.
fn repeat(
    run: &Run,
    context: &NativeCallContext,
    service: &Service,
    target: &Target,
    plan: &Plan,
    before: &[Option<PlaceState>],
    first: &Flow,
) -> Answer<Flow> {
    let Some(address) = service.addresses.first().copied() else { return Ok(Flow::default()) };
    if plan.again.is_empty() {
        return Ok(Flow::default());
    }
    let points = points(run, context, service, target, plan, before)?;
    let pods = during::pods_by_address(&points);
    let listening = during::listen(run, context, &points)?;
    let (captures, probes) = during::meanwhile(run, listening, || again(run, context, address, target, plan, first));
    let (probes, arp) = probes?;
    let flow = Flow { captures, probes, arp, ..Flow::default() };
    Ok(during::followed(run, flow, &pods))
}

/// Asks again as it was asked first, and waits for clients again that ask by themselves.
fn again(
    run: &Run,
    context: &NativeCallContext,
    address: IpAddr,
    target: &Target,
    plan: &Plan,
    first: &Flow,
) -> Answer<(Vec<Probe>, Vec<ArpAsk>)> {
    let by_themselves = |from: &Vantage| matches!(from, Vantage::Client(_));
    let from: Vec<Vantage> = plan.again.iter().filter(|from| !by_themselves(from)).cloned().collect();
    let told = first.probes.iter().find(|probe| probe.awaited.is_none());
    let (speech, request) = told.map_or_else(|| (speech(&target.port), Request::default()), |probe| (probe.speech, probe.request.clone()));
    let asked = Asked { address, port: target.port.port, speech, tries: TRIES, seconds: 4, request, quiet: quiet(&from, first) };
    let (hosts, others) = (vantage::hosts(run, &from), beside(run, plan, &from));
    // Neither changes what the other is answered, and both together take no longer than the first.
    let (mut probes, (told, heard)) = both(
        || ask_again(run, &from, &asked),
        || both(|| arping::asked(run, &hosts, address), || arping::asked_beside(run, &others, address)),
    );
    arping::tell(run, address, &told);
    arping::tell(run, address, &heard);
    let mut arp = told;
    arp.extend(heard);
    for awaited in first.probes.iter().filter(|probe| plan.again.contains(&probe.vantage)).filter_map(|probe| probe.awaited.clone()) {
        let once_more = Awaited { seconds: awaited.seconds.min(WAIT_AGAIN), ..awaited };
        probes.extend(await_client::wait(run, context, &once_more, &asked.request)?);
    }
    for probe in &mut probes {
        probe.repeated = true;
    }
    Ok((probes, arp))
}

/// Places from which what nobody answers need not be waited out once more. It was, before: their failing tries all ended without a word of
/// anybody, neither a late answer nor that a router could not find the way, and what was answered was answered at its first packet.
fn quiet(from: &[Vantage], first: &Flow) -> Vec<Vantage> {
    let resent = |from: &Vantage| first.resent.iter().any(|connection| connection.vantage == *from);
    let silent = |probe: &Probe| {
        probe.awaited.is_none()
            && probe.failed().next().is_some()
            && probe.failed().all(|attempt| attempt.ending == Ending::ConnectTimeout)
            && probe.made().filter(|attempt| attempt.answered()).all(|attempt| attempt.connect_ms.is_some_and(|took| took < AT_ONCE_MS))
    };
    let heard = |from: &Vantage| first.probes.iter().any(|probe| probe.vantage == *from && silent(probe)) && !resent(from);
    from.iter().filter(|from| heard(from)).cloned().collect()
}

/// Who answers by ARP for the router of each client that was never answered: its own entry may be wrong, and then nothing of it comes anywhere.
/// A recording of before it was asked for has none.
fn next_hops(run: &Run, plan: &Plan, states: &[StatePair], first: &Flow) -> Vec<(IpAddr, ArpAsk)> {
    let silent = |from: &&Vantage| {
        let mut own = first.probes.iter().filter(|probe| probe.vantage == **from);
        matches!(from, Vantage::Ssh(_) | Vantage::Local) && own.all(|probe| !probe.attempts.iter().any(Attempt::answered))
    };
    let hosts = vantage::hosts(run, &plan.again.iter().filter(silent).cloned().collect::<Vec<_>>());
    if run.evidence.hosts.assumes() {
        arping::planned_for_router(run, &hosts);
        return Vec::new();
    }
    let router = |host: Host| {
        let state = states.iter().map(|pair| &pair.after).find(|state| state.place == Place::Host(host.clone()))?;
        Some((host, state.way_to_address()?.via?))
    };
    let asked: Vec<(Host, IpAddr)> = hosts.into_iter().filter_map(router).collect();
    let asks = side_by_side(&asked, |(host, router)| arping::asked_beside(run, std::slice::from_ref(host), *router));
    asked.iter().zip(asks).flat_map(|((_, router), asks)| asks.into_iter().map(|ask| (*router, ask))).collect()
}

/// The nodes that are looked at and are no places that ask: what one client hears is not what everybody on its network hears.
fn beside(run: &Run, plan: &Plan, from: &[Vantage]) -> Vec<Host> {
    let asks = |name: &String| from.iter().any(|from| matches!(from, Vantage::Node(node) if node == name));
    plan.nodes.keys().filter(|name| !asks(name)).map(|name| run.node_host(name)).collect()
}

fn points(
    run: &Run,
    context: &NativeCallContext,
    service: &Service,
    target: &Target,
    plan: &Plan,
    before: &[Option<PlaceState>],
) -> Answer<Vec<Point>> {
    let client = client_of(plan);
    let options = || Options { seconds: 60 + client.map_or(0, |_| WAIT_AGAIN), ..Options::default() };
    let mut points = Vec::new();
    if run.uses.contains("node.capture") {
        let filter = node_filter(context, service, target, client)?;
        for node in plan.nodes.keys() {
            points.push(begin(run, Place::Host(run.node_host(node)), filter.clone(), &options()));
        }
    }
    if run.uses.contains("pod.capture") {
        for name in plan.pods.keys() {
            let endpoint = target.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(name.as_str()));
            if let (Some(place @ Place::Pod { .. }), Some(endpoint)) = (pod_place(run, target, name), endpoint) {
                let port = endpoint.port.unwrap_or(target.port.port);
                let filter = filter::pod_flow(endpoint.ip, port, target.port.protocol);
                let state = before.iter().flatten().find(|state| state.place == place);
                let others = state.map(|state| other_addresses(state, endpoint.ip)).unwrap_or_default();
                let others = filter::from_other_addresses(&others, port, target.port.protocol);
                let wide = others.map(|others| begin(run, place.clone(), format!("{filter} or {others}"), &options()));
                // A recording of before these were asked for has none.
                let known = wide.filter(|point| !point.is_of(ErrorKind::NotRecorded));
                points.push(known.unwrap_or_else(|| begin(run, place, filter, &options())));
            }
        }
    }
    for from in &plan.again {
        let filter = client_filter(context, service, target.port.port, target.port.protocol)?;
        if !matches!(from, Vantage::Node(name) if plan.nodes.contains_key(name))
            && let Ok(place) = vantage::place(run, from)
        {
            points.push(begin(run, place, filter, &options()));
        }
    }
    // Last: where a host takes no more captures, these are the first to go.
    if run.uses.contains("node.capture") {
        points.extend(listening_wide(run, service, target, before));
    }
    Ok(points)
}

/// The addresses of a place, besides one of them, that answers to others may leave from: of its family, and of more than one link.
fn other_addresses(state: &PlaceState, own: IpAddr) -> Vec<IpAddr> {
    let wide = |address: &IpAddr| match address {
        IpAddr::V4(four) => !four.is_loopback() && !four.is_link_local(),
        IpAddr::V6(six) => !six.is_loopback() && !six.is_unicast_link_local(),
    };
    let all = state.addresses().unwrap_or_default().iter().map(|(_, net)| net.addr());
    all.filter(|address| *address != own && address.is_ipv4() == own.is_ipv4() && wide(address)).collect()
}

/// The client that is waited for again, when there is one.
fn client_of(plan: &Plan) -> Option<IpAddr> {
    plan.again.iter().find_map(|from| if let Vantage::Client(address) = from { address.parse().ok() } else { None })
}

/// On each node a second capture on the address's own network that also takes frames for other MACs: it lets the first one
/// see requests that somebody sends to the wrong neighbour.
fn listening_wide(run: &Run, service: &Service, target: &Target, before: &[Option<PlaceState>]) -> Vec<Point> {
    let Some(address) = service.addresses.first().copied() else { return Vec::new() };
    let options = |interface: &str| Options {
        interface: interface.to_owned(),
        snaplen: 96,
        packets: 2_000,
        seconds: 60,
        bytes: 1 << 20,
        ..Options::default()
    };
    let mut points = Vec::new();
    for state in before.iter().flatten() {
        if let Place::Host(host) = &state.place
            && host.kind == HostKind::Node
            && let Some(interface) = state.on_link(address).and_then(|near| near.into_iter().next())
        {
            let filter = filter::client_flow(address, target.port.port, target.port.protocol);
            points.push(begin(run, state.place.clone(), filter, &options(interface)));
        }
    }
    points
}
