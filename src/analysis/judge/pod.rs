//! In the pod's network namespace, and on the link that leads to it.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::node::packets::Packets;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::checksum;
use super::road::{Leg, Road};
use crate::analysis::state::sockets::{Listener, listeners};
use crate::analysis::state::{counters, network};
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::service::Protocol;
use crate::model::state::StatePair;
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
        let evidence: Vec<String> = same.iter().flat_map(|finding| finding.evidence.clone()).collect();
        let first = same.swap_remove(0);
        same = vec![Finding { culprits: case.pods_as_culprits(&pods), evidence, scope: Some(scope.to_owned()), ..first }];
    }
    findings.extend(same);
}

/// The pod took the request and refused it, or said nothing.
pub(super) fn no_reply(case: &Case, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    each_pod(case, roads, |pod, roads| silent_pod(case, pod, roads))
}

/// The pod itself refused the connection.
pub(super) fn refused(case: &Case, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    each_pod(case, roads, |pod, roads| {
        let seen = vec![format!("the request reaches {pod}, and the refusal begins there")];
        not_listening(case, pod, seen).or_else(|| filtered(case, pod, roads)).ok_or_else(|| {
            Gap::new(
                names::EVIDENCE_UNDECIDED,
                Subject::pod(&case.service.namespace, pod),
                "the pod refuses the connection, and its sockets could not be read or show a listener",
                "why the pod refuses",
            )
            .decisive()
        })
    })
}

fn port(case: &Case, pod: &str) -> Option<u16> {
    case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?.port
}

fn protocol(case: &Case) -> Protocol {
    case.target.map_or(Protocol::Tcp, |target| target.port.protocol)
}

/// Nobody listens on the port, or only on loopback.
fn not_listening(case: &Case, pod: &str, seen: Vec<String>) -> Option<Finding> {
    let state = &case.pod_state(pod)?.after;
    let number = port(case, pod)?;
    let all = listeners(state, protocol(case))?;
    let here: Vec<&Listener> = all.iter().filter(|listener| listener.port == number).collect();
    let mut evidence = seen;
    let others: BTreeSet<u16> = all.iter().map(|listener| listener.port).collect();
    if here.is_empty() {
        if let Some(finding) = other_protocol(case, pod, number, &evidence) {
            return Some(finding);
        }
        evidence.push(format!(
            "no socket of {pod} listens on {number}; it listens on {}",
            if others.is_empty() { "nothing".to_owned() } else { others.iter().map(u16::to_string).collect::<Vec<_>>().join(", ") }
        ));
        return Some(found(
            names::POD_NOT_LISTENING,
            vec![Subject::pod(&case.service.namespace, pod)],
            format!("nothing listens on port {number} in the pods"),
            evidence,
        ));
    }
    if here.iter().all(|listener| listener.address.is_some_and(|address| address.is_loopback())) {
        evidence.push(format!(
            "{pod} listens on {} only",
            here.iter().filter_map(|listener| listener.address).map(|address| format!("{address}:{number}")).collect::<Vec<_>>().join(", ")
        ));
        return Some(found(
            names::POD_LISTENS_ON_LOOPBACK,
            vec![Subject::pod(&case.service.namespace, pod)],
            format!("the program listens on port {number} of the loopback address only"),
            evidence,
        ));
    }
    let ip = case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?.ip;
    if !here.iter().any(|listener| listener.takes(ip)) {
        let taken = here.iter().map(|listener| listener.text()).collect::<Vec<_>>().join(", ");
        evidence.push(format!("{pod} listens on {taken}, and on {ip} not"));
        return Some(found(
            names::POD_NOT_LISTENING,
            vec![Subject::pod(&case.service.namespace, pod)],
            format!("the program listens on port {number} of other addresses than the pod's {ip}"),
            evidence,
        ));
    }
    None
}

/// Nobody listens on the number for the Service's protocol, and somebody does for the other one.
fn other_protocol(case: &Case, pod: &str, number: u16, seen: &[String]) -> Option<Finding> {
    let (wanted, other) = match protocol(case) {
        Protocol::Tcp => (Protocol::Tcp, Protocol::Udp),
        Protocol::Udp => (Protocol::Udp, Protocol::Tcp),
        Protocol::Sctp => return None,
    };
    let found_there = listeners(&case.pod_state(pod)?.after, other)?
        .into_iter()
        .find(|listener| listener.port == number && listener.address.is_none_or(|address| !address.is_loopback()))?;
    let port = case.target.map(super::endpoints::port_name).unwrap_or_default();
    let mut evidence = seen.to_vec();
    evidence.push(format!("a socket of {pod} listens on {}/{}, none on {}/{}", found_there.port, other.name(), number, wanted.name()));
    Some(found(
        names::ENDPOINTS_PROTOCOL_MISMATCH,
        vec![Subject::service_port(&case.service.namespace, &case.service.name, &port)],
        format!("the Service's port is {}, and the pods listen on {number} for {} alone", wanted.name(), other.name()),
        evidence,
    ))
}

fn filtered(case: &Case, pod: &str, roads: &[&Road]) -> Option<Finding> {
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
        format!("a packet filter inside the pod's namespace drops it: {}", drop.text),
        vec![drop.proof],
    ))
}

fn silent_pod(case: &Case, pod: &str, roads: &[&Road]) -> Result<Finding, Gap> {
    let subject = Subject::pod(&case.service.namespace, pod);
    let Some(pair) = case.pod_state(pod) else {
        return Err(Gap::new(
            names::EVIDENCE_UNDECIDED,
            subject,
            "the state of the pod's namespace could not be read",
            "why the pod does not answer",
        )
        .decisive());
    };
    if let Some(finding) = filtered(case, pod, roads) {
        return Ok(finding);
    }
    if let Some(spoiled) = checksum::of_pod(pair, pod, &subject, roads, protocol(case)) {
        return spoiled;
    }
    let sources: BTreeSet<IpAddr> = roads
        .iter()
        .flat_map(|road| road.hops(|hop| hop.request && hop.place.ends_with(&format!("/{pod}"))))
        .map(|hop| hop.source.0)
        .collect();
    for source in &sources {
        if let Some(refused) = network::way(&pair.after, &format!("{source},,")).and_then(|way| way.refused) {
            return Ok(found(
                names::POD_NO_WAY_BACK,
                vec![Subject::pod(&case.service.namespace, pod)],
                format!("the pod has no route to answer {source}"),
                vec![
                    format!("the request from {source} reaches {pod}, nothing leaves it"),
                    format!("`ip route get {source}` in {pod}: {refused}"),
                ],
            ));
        }
    }
    if let Some(finding) = not_listening(case, pod, vec![format!("the request reaches {pod}, nothing leaves it")])
        .filter(|finding| finding.name == names::POD_LISTENS_ON_LOOPBACK)
    {
        return Ok(finding);
    }
    if let Some(finding) = gateway(case, pair, pod, &sources) {
        return Ok(finding);
    }
    let number = port(case, pod);
    let full = listeners(&pair.after, protocol(case)).unwrap_or_default().into_iter().find(|listener| {
        Some(listener.port) == number && listener.waiting > 0 && (protocol(case) == Protocol::Udp || listener.waiting >= listener.most)
    });
    let overflows = counters::grown(pair, "TcpExt", "ListenOverflows") + counters::grown(pair, "TcpExt", "ListenDrops");
    if let Some(listener) = full {
        return Ok(found(
            names::POD_SILENT,
            vec![Subject::pod(&case.service.namespace, pod)],
            "the request reaches the pod, and its program does not take it",
            vec![
                format!("the queue of {pod}:{} holds {} that nobody takes", listener.port, listener.waiting),
                format!("ListenOverflows and ListenDrops grew by {overflows}"),
            ],
        ));
    }
    Err(Gap::new(
        names::EVIDENCE_UNDECIDED,
        subject,
        format!("the request reaches {pod} and nothing leaves it; its packet filter, routes and sockets do not explain it"),
        "why the pod does not answer",
    )
    .decisive())
}

/// The pod's gateway does not resolve: its answer cannot leave although a route exists.
fn gateway(case: &Case, pair: &StatePair, pod: &str, sources: &BTreeSet<IpAddr>) -> Option<Finding> {
    for source in sources {
        let way = network::way(&pair.after, &format!("{source},,"))?;
        let next = way.via.unwrap_or(*source);
        let failed = network::neighbours(&pair.after)
            .into_iter()
            .find(|entry| entry.address == next && matches!(entry.state.as_str(), "FAILED" | "INCOMPLETE"));
        if let Some(entry) = failed {
            return Some(found(
                names::POD_NO_WAY_BACK,
                vec![Subject::pod(&case.service.namespace, pod)],
                format!("the pod cannot resolve its next hop {next}, so that its answer does not leave"),
                vec![format!("`ip neigh` in {pod}: {next} is {}", entry.state)],
            ));
        }
    }
    None
}
