//! In the pod's network namespace, and on the link that leads to it.

mod back;
mod led;
pub(super) mod rules;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::packets::Packets;
use crate::analysis::state::ways::RouteQuestion;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::checksum;
use super::road::{Leg, Road};
use super::rule::Log;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sockets::Listener;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::service::Protocol;
use crate::model::subject::Subject;

/// The roads that end in each pod.
fn by_pod<'r, 'a>(case: &Case, roads: &[&'r Road<'a>]) -> BTreeMap<String, Vec<&'r Road<'a>>> {
    let mut all: BTreeMap<String, Vec<&Road>> = BTreeMap::new();
    for road in roads {
        if let Some(pod) = road.endpoint().and_then(|(ip, _)| case.pod_at(ip)) {
            all.entry(pod.to_owned()).or_default().push(road);
        }
    }
    all
}

/// One finding for each cause, with all the pods that share it; a gap for each pod that nothing explains.
fn each_pod(case: &Case, roads: &[&Road], rule: impl Fn(&str, &[&Road]) -> Result<Finding, Gap>) -> (Vec<Finding>, Vec<Gap>) {
    let mut by_name: BTreeMap<String, (Finding, BTreeSet<String>)> = BTreeMap::new();
    let mut gaps = Vec::new();
    for (pod, roads) in by_pod(case, roads) {
        match rule(&pod, &roads) {
            Ok(finding) => {
                let entry = by_name.entry(finding.name.clone()).or_insert_with(|| (finding.clone(), BTreeSet::new()));
                if entry.1.insert(pod) && entry.1.len() > 1 {
                    entry.0.evidence.extend(finding.evidence);
                }
            }
            Err(gap) => gaps.push(gap),
        }
    }
    let findings = by_name
        .into_values()
        .map(|(mut finding, pods)| {
            if finding.culprits.iter().all(|culprit| matches!(culprit, Subject::Pod { .. })) {
                finding.culprits = case.pods_as_culprits(&pods);
            }
            finding
        })
        .collect();
    (findings, gaps)
}

/// Whether a finding names pods alone.
pub(super) fn is_of_pods(finding: &Finding) -> bool {
    finding.culprits.iter().all(|culprit| matches!(culprit, Subject::Pod { .. }))
}

/// Makes one finding of those of one name that name pods alone, each some of them: they were lost at different places, each at its pod.
pub(super) fn join(case: &Case, name: &str, scope: &str, findings: &mut Vec<Finding>) {
    let (mut same, others): (Vec<Finding>, Vec<Finding>) =
        std::mem::take(findings).into_iter().partition(|finding| finding.name == name && is_of_pods(finding));
    *findings = others;
    if same.len() > 1 {
        let pods: BTreeSet<String> = same
            .iter()
            .flat_map(|finding| &finding.culprits)
            .filter_map(|culprit| if let Subject::Pod { name, .. } = culprit { Some(name.clone()) } else { None })
            .collect();
        let mut evidence: Vec<String> = Vec::new();
        for line in same.iter().flat_map(|finding| &finding.evidence) {
            if !evidence.contains(line) {
                evidence.push(line.clone());
            }
        }
        let first = same.swap_remove(0);
        same = vec![Finding { culprits: case.pods_as_culprits(&pods), evidence, scope: Some(scope.to_owned()), ..first }];
    }
    findings.extend(same);
}

/// Requests that reached a pod.
pub(super) struct Reached<'a> {
    case: &'a Case<'a>,
    pod: &'a str,
    roads: &'a [&'a Road<'a>],
    /// What was seen of them, as evidence.
    seen: String,
}

impl Reached<'_> {
    fn subject(&self) -> Subject {
        Subject::pod(&self.case.service.namespace, self.pod)
    }

    /// The sources of the requests, as the pod sees them.
    fn sources(&self) -> BTreeSet<IpAddr> {
        let here = format!("/{}", self.pod);
        let requests = self.roads.iter().flat_map(|road| road.hops(|hop| hop.request));
        requests.filter(|hop| hop.place.ends_with(&here)).map(|hop| hop.source.0).collect()
    }
}

/// The pod took the request and said nothing.
pub(super) fn no_reply(case: &Case, log: &Log, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    each_pod(case, roads, |pod, roads| {
        // A capture in a pod is of its own address: what leaves from another one is not in it.
        let own = roads.iter().find_map(|road| road.endpoint()).map(|(ip, _)| format!(" from {ip}")).unwrap_or_default();
        let reached = Reached { case, pod, roads, seen: format!("the request reaches {pod}, nothing leaves it{own}") };
        let reason =
            || format!("the request reaches {pod} and nothing leaves it{own}; its packet filter, routes and sockets do not explain it");
        let open = || Gap::new(names::EVIDENCE_UNDECIDED, reached.subject(), reason(), format!("why {pod} does not answer")).decisive();
        log.first(&rules::SILENT, pod, &reached).unwrap_or_else(|| Err(open()))
    })
}

/// The pod itself refused the connection.
pub(super) fn refused(case: &Case, log: &Log, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    each_pod(case, roads, |pod, roads| {
        let reached = Reached { case, pod, roads, seen: format!("the request reaches {pod}, and the refusal begins there") };
        let reason = || match sockets(&reached).map(|sockets| sockets.here.iter().map(|listener| listener.text()).collect::<Vec<_>>()) {
            Some(here) => format!(
                "{pod} refuses the connection although its program listens on {}, and no rule of its own packet filters explains it",
                here.join(" and ")
            ),
            None => format!("{pod} refuses the connection, and its sockets could not be read"),
        };
        let open =
            || Gap::new(names::EVIDENCE_UNDECIDED, reached.subject(), reason(), format!("why {pod} refuses the connection")).decisive();
        log.first(&rules::REFUSED, pod, &reached).unwrap_or_else(|| Err(open()))
    })
}

fn port(case: &Case, pod: &str) -> Option<u16> {
    case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?.port
}

fn protocol(case: &Case) -> Protocol {
    case.target.map_or(Protocol::Tcp, |target| target.port.protocol)
}

/// The sockets of a pod that listen for the Service's protocol, and those of them on the number that the Service means.
struct Sockets<'a> {
    number: u16,
    all: &'a [Listener],
    here: Vec<&'a Listener>,
}

fn sockets<'a>(reached: &Reached<'a>) -> Option<Sockets<'a>> {
    let Reached { case, pod, .. } = reached;
    let number = port(case, pod)?;
    let all = case.pod_state(pod)?.after.listeners(protocol(case))?;
    let here = all.iter().filter(|listener| listener.port == number).collect();
    Some(Sockets { number, all, here })
}

/// Nobody listens on the port.
fn not_listening(reached: &Reached) -> Option<Finding> {
    let Sockets { number, all, here } = sockets(reached)?;
    let others: BTreeSet<u16> = all.iter().map(|listener| listener.port).collect();
    let others = others.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let others = if others.is_empty() { "nothing" } else { &others };
    here.is_empty().then(|| {
        found(
            names::POD_NOT_LISTENING,
            vec![reached.subject()],
            format!("nothing listens on port {number} in the pods"),
            vec![reached.seen.clone(), format!("no socket of {} listens on {number}; it listens on {others}", reached.pod)],
        )
    })
}

/// The program listens on the loopback address alone.
fn on_loopback(reached: &Reached) -> Option<Finding> {
    let Sockets { number, here, .. } = sockets(reached)?;
    let loopback = |listener: &&Listener| listener.address.is_some_and(|address| address.is_loopback());
    let shown: Vec<String> = here.iter().filter_map(|listener| listener.address).map(|address| format!("{address}:{number}")).collect();
    (!here.is_empty() && here.iter().all(loopback)).then(|| {
        found(
            names::POD_LISTENS_ON_LOOPBACK,
            vec![reached.subject()],
            format!("the program listens on port {number} of the loopback address only"),
            vec![reached.seen.clone(), format!("{} listens on {} only", reached.pod, shown.join(", "))],
        )
    })
}

/// The program listens on addresses that are not the endpoint's.
fn on_another_address(reached: &Reached) -> Option<Finding> {
    let Sockets { number, here, .. } = sockets(reached)?;
    let ip = reached.case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(reached.pod))?.ip;
    let taken = here.iter().map(|listener| listener.text()).collect::<Vec<_>>().join(", ");
    let every = if ip.is_ipv4() { "0.0.0.0, or [::] for both families" } else { "[::]" };
    (!here.is_empty() && !here.iter().any(|listener| listener.takes(ip))).then(|| Finding {
        next: format!("Let the program listen on all addresses ({every}); its port is right."),
        ..found(
            names::POD_NOT_LISTENING,
            vec![reached.subject()],
            format!("the program listens on port {number} of other addresses than the pod's {ip}"),
            vec![reached.seen.clone(), format!("{} listens on {taken}, and on {ip} not", reached.pod)],
        )
    })
}

/// Nobody listens on the number for the Service's protocol, and somebody does for the other one.
fn other_protocol(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, seen, .. } = reached;
    let Sockets { number, here, .. } = sockets(reached)?;
    let (wanted, other) = match protocol(case) {
        Protocol::Tcp => (Protocol::Tcp, Protocol::Udp),
        Protocol::Udp => (Protocol::Udp, Protocol::Tcp),
        Protocol::Sctp => return None,
    };
    let public = |listener: &Listener| listener.address.is_none_or(|address| !address.is_loopback());
    let mut others = case.pod_state(pod)?.after.listeners(other)?.iter();
    let there = others.find(|listener| here.is_empty() && listener.port == number && public(listener))?;
    let port = case.target.map(super::endpoints::port_name).unwrap_or_default();
    Some(found(
        names::ENDPOINTS_PROTOCOL_MISMATCH,
        vec![Subject::service_port(&case.service.namespace, &case.service.name, &port)],
        format!("the Service's port is {}, and the pods listen on {number} for {} alone", wanted.name(), other.name()),
        vec![seen.clone(), format!("a socket of {pod} listens on {}/{}, none on {}/{}", there.port, other.name(), number, wanted.name())],
    ))
}

/// A packet filter inside the pod's namespace.
fn filtered(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, roads, .. } = reached;
    let pair = case.pod_state(pod)?;
    let packets = Packets::of(case, roads);
    // The interface by which the pod was seen to take them: no other rule may mean them, not even one of loopback.
    let interface = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::In && hop.place.contains('/')))
        .map(|hop| hop.interface.clone())
        .next();
    let mut fields = packets.fields(Leg::Request, case.address(), interface.as_deref());
    let mut answers = packets.fields(Leg::Reply, case.address(), None);
    for answer in &mut answers {
        answer.output.clone_from(&interface);
    }
    fields.extend(answers);
    let drop = filters::dropping(pair, &fields)?;
    Some(found(
        names::POD_FIREWALL_DROP,
        vec![Subject::pod(&case.service.namespace, pod)],
        format!("a packet filter inside the pod's namespace {} it: {}", filters::verb(&drop.text), drop.text),
        vec![drop.proof],
    ))
}

/// A rule inside the pod that answers of these connections may meet, and that took packets while they were repeated: the finding where it took as
/// many as were lost, the rule's text otherwise.
pub(super) fn takes_answers(case: &Case, pod: &str, roads: &[&Road]) -> Option<Result<Finding, String>> {
    let pair = case.pod_state(pod)?;
    let interface =
        roads.iter().flat_map(|road| road.hops(|hop| hop.request && hop.passage == Passage::In && hop.place.contains('/'))).next();
    let mut answers = Packets::of(case, roads).fields(Leg::Reply, case.address(), None);
    for answer in &mut answers {
        answer.output = interface.map(|hop| hop.interface.clone());
    }
    let lost = roads.iter().filter(|road| road.repeated()).count();
    let Some(drop) = filters::dropping_as_many(pair, &answers, lost.max(1)) else {
        return filters::dropping(pair, &answers).map(|drop| Err(drop.text));
    };
    Some(Ok(found(
        names::POD_FIREWALL_DROP,
        vec![Subject::pod(&case.service.namespace, pod)],
        format!("a packet filter inside the pod's namespace {} its answers: {}", filters::verb(&drop.text), drop.text),
        vec![drop.proof],
    )))
}

/// The pod's kernel refuses the way to whom it should answer.
fn no_route_back(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, .. } = reached;
    let state = &case.pod_state(pod)?.after;
    let own = case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod)).map(|endpoint| endpoint.ip);
    reached.sources().iter().find_map(|source| {
        let plain = || Some((state.refusal(&RouteQuestion::to(*source))?, format!("ip route get {source}")));
        let from = |own: IpAddr| {
            Some((state.refusal(&RouteQuestion::with(*source, Some(own), None, None))?, format!("ip route get {source} from {own}")))
        };
        let (refused, asked) = plain().or_else(|| own.and_then(from))?;
        Some(found(
            names::POD_NO_WAY_BACK,
            vec![reached.subject()],
            format!("the pod has no route to answer {source}"),
            vec![format!("the request from {source} reaches {pod}, nothing leaves it"), format!("`{asked}` in {pod}: {refused}")],
        ))
    })
}

/// The program does not take what waits for it.
fn queue_full(reached: &Reached) -> Option<Finding> {
    let Reached { case, pod, .. } = reached;
    let (pair, number) = (case.pod_state(pod)?, port(case, pod));
    let full = |listener: &&Listener| {
        Some(listener.port) == number && listener.waiting > 0 && (protocol(case) == Protocol::Udp || listener.waiting >= listener.most)
    };
    let listeners = pair.after.listeners(protocol(case))?;
    let Some(listener) = listeners.iter().find(full) else {
        let listener = listeners.iter().find(|listener| Some(listener.port) == number)?;
        return overflowed(reached, pair, listener);
    };
    let overflows = ["ListenOverflows", "ListenDrops"].iter().filter_map(|name| pair.grown("TcpExt", name)).sum::<u64>();
    Some(found(
        names::POD_SILENT,
        vec![reached.subject()],
        "the request reaches the pod, and its program does not take it",
        vec![
            format!("the queue of {pod}:{} holds {} that nobody takes", listener.port, listener.waiting),
            format!("ListenOverflows and ListenDrops grew by {overflows}"),
        ],
    ))
}

/// The queue was full while it was asked and is not any more: the kernel counted what found no room.
fn overflowed(reached: &Reached, pair: &StatePair, listener: &Listener) -> Option<Finding> {
    let Reached { case, pod, roads, .. } = reached;
    let lost = u64::try_from(roads.iter().filter(|road| road.repeated()).count()).unwrap_or(u64::MAX);
    let overflows = pair.grown("TcpExt", "ListenOverflows").filter(|_| protocol(case) == Protocol::Tcp)?;
    (lost > 1 && overflows >= lost).then(|| {
        found(
            names::POD_SILENT,
            vec![reached.subject()],
            "the request reaches the pod, and its program does not take connections as fast as they come",
            vec![
                format!("{lost} requests reached {pod} and got no answer while its state was read, and ListenOverflows grew there by {overflows}"),
                format!("the queue of {pod}:{} has room for {} that wait", listener.port, listener.most),
            ],
        )
    })
}

/// The state of the pod's namespace could not be read.
fn no_state(reached: &Reached) -> Option<Gap> {
    let reason = "the state of the pod's namespace could not be read";
    let gap = || Gap::new(names::EVIDENCE_UNDECIDED, reached.subject(), reason, format!("why {} does not answer", reached.pod)).decisive();
    reached.case.pod_state(reached.pod).is_none().then(gap)
}

fn spoiled(reached: &Reached) -> Option<Result<Finding, Gap>> {
    let Reached { case, pod, roads, .. } = reached;
    checksum::of_pod(case.pod_state(pod)?, pod, &reached.subject(), roads, protocol(case))
}

#[cfg(test)]
mod tests;
