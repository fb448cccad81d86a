//! What each source says about who announces, one line a source.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::instead;
use crate::analysis::timestamps::age_s;
use crate::model::announcement::{LogState, Side, Source, SpeakerLog, SpeakerMetrics, Wire};
use crate::model::metallb::Metallb;

/// The kinds of sources, the most trusted first.
const TRUST: [&str; 9] = ["wire", "router", "metric", "log", "lease", "session", "l2status", "bgpstatus", "event"];

/// What the sources are read from: what was gathered, or what an announcement keeps of it.
pub(super) struct Words<'a> {
    pub(super) addresses: &'a [IpAddr],
    pub(super) wire: Option<&'a Wire>,
    pub(super) metrics: &'a [SpeakerMetrics],
    pub(super) logs: &'a [SpeakerLog],
    pub(super) metallb: &'a Metallb,
    /// When the run began, RFC 3339.
    pub(super) now: &'a str,
    /// Whether the address is, or may be, announced at layer 2.
    pub(super) layer2: bool,
    pub(super) bgp: bool,
}

/// Every source that could be read.
pub(super) fn sources(words: &Words) -> Vec<Source> {
    let mut sources = Vec::new();
    let Some(address) = words.addresses.first().copied() else { return sources };
    wire(words, &mut sources);
    metrics(address, words, &mut sources);
    logs(address, words, &mut sources);
    leases(words, &mut sources);
    if words.layer2 {
        l2_statuses(words, &mut sources);
    }
    if words.bgp {
        bgp_statuses(words, &mut sources);
    }
    events(words, &mut sources);
    failures(words, &mut sources);
    sources
}

/// What a speaker's log says last of an address over one protocol.
pub(super) fn state(log: &SpeakerLog, address: IpAddr, protocol: &str) -> Option<LogState> {
    log.address(address)?.protocols.iter().find(|word| word.protocol == protocol).map(|word| word.state)
}

/// For each node that any source names, the kinds of sources that do. Events tell of the past and stand only beside others.
pub(super) fn sides(sources: &[Source]) -> Vec<Side> {
    let mut by_node: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for source in sources {
        if let Some(node) = &source.node {
            let kinds = by_node.entry(node).or_default();
            if !kinds.contains(&source.kind.as_str()) {
                kinds.push(&source.kind);
            }
        }
    }
    by_node
        .into_iter()
        .map(|(node, mut kinds)| {
            kinds.sort_by_key(|kind| TRUST.iter().position(|known| known == kind));
            Side { node: node.clone(), sources: kinds.into_iter().map(str::to_owned).collect() }
        })
        .collect()
}

fn source(kind: &str, node: Option<&str>, protocol: &str, detail: String) -> Source {
    Source {
        kind: kind.to_owned(),
        node: node.map(str::to_owned),
        protocol: protocol.to_owned(),
        at: None,
        age_s: None,
        detail,
        trusted: true,
    }
}

fn wire(words: &Words, sources: &mut Vec<Source>) {
    let Some(wire) = words.wire else { return };
    for answer in &wire.answers {
        let who = match (&answer.node, &answer.interface) {
            (Some(node), Some(interface)) => format!("{node}/{interface} ({})", answer.mac),
            _ => format!("{}, which no node that was read has,", answer.mac),
        };
        sources.push(source("wire", answer.node.as_deref(), "layer2", format!("{who} answers for {}", answer.address)));
    }
    if wire.answers.is_empty() && !wire.asked_from.is_empty() {
        sources.push(source("wire", None, "layer2", format!("nobody answers, asked from {}", wire.asked_from.join(", "))));
    }
}

fn metrics(address: IpAddr, words: &Words, sources: &mut Vec<Source>) {
    for speaker in words.metrics {
        let protocols: Vec<&str> = speaker.protocols(address).iter().map(|(protocol, _)| protocol.as_str()).collect();
        for protocol in &protocols {
            let detail = format!("metallb_speaker_announced of {} has {address} ({protocol})", speaker.pod);
            sources.push(source("metric", Some(&speaker.node), protocol, detail));
        }
        if protocols.is_empty() {
            sources.push(source("metric", None, "", format!("metallb_speaker_announced of {} lacks {address}", speaker.pod)));
        }
    }
}

fn logs(address: IpAddr, words: &Words, sources: &mut Vec<Source>) {
    for log in words.logs {
        let Some(said) = log.address(address) else { continue };
        for word in said.protocols.iter().filter(|word| word.state != LogState::Silent) {
            let announced = word.state == LogState::Announced;
            let detail = match word.state {
                LogState::Announced => format!("{} announces {address} ({})", log.pod, word.protocol),
                LogState::Unsure => format!(
                    "{} withdrew {address} for one of its Services ({}), and its log does not tell whether another announces it",
                    log.pod, word.reason
                ),
                _ => format!("{} withdrew {address}: {}", log.pod, word.reason),
            };
            sources.push(Source {
                at: word.at.clone(),
                age_s: age_s(word.at.as_deref(), words.now),
                ..source("log", announced.then_some(log.node.as_str()), &word.protocol, detail)
            });
        }
    }
}

/// The Leases of another load balancer, where there is no MetalLB.
fn leases(words: &Words, sources: &mut Vec<Source>) {
    for lease in words.metallb.instead.iter().flat_map(|instead| &instead.leases).flatten() {
        let held = instead::held(lease, words.now);
        let says = match (lease.holder.as_str(), held) {
            ("", _) => "nobody".to_owned(),
            (holder, true) => holder.to_owned(),
            (holder, false) => format!("{holder}, and nobody has renewed it since"),
        };
        let detail = format!("Lease {}/{} of {} says {says}", lease.namespace, lease.name, lease.of);
        let node = Some(lease.holder.as_str()).filter(|holder| !holder.is_empty());
        let at = Some(lease.renewed.clone()).filter(|at| !at.is_empty());
        sources.push(Source { age_s: age_s(at.as_deref(), words.now), at, trusted: held, ..source("lease", node, "layer2", detail) });
    }
}

fn l2_statuses(words: &Words, sources: &mut Vec<Source>) {
    let all = words.metallb.l2_statuses.as_deref().unwrap_or_default();
    for status in all {
        let owner = words.metallb.speakers.iter().find(|pod| pod.name == status.owner_pod);
        let mut doubts = Vec::new();
        // Until 0.14.5 the object had no owner.
        if !status.owner_pod.is_empty() {
            match owner {
                None if !words.metallb.speakers_read => {
                    doubts.push(format!("whether its speaker {} still runs could not be read", status.owner_pod));
                }
                None => doubts.push(format!("its speaker {} is gone", status.owner_pod)),
                Some(pod) if pod.node.as_deref() != Some(status.status_node.as_str()) => {
                    doubts.push(format!("its speaker {} is on {}", pod.name, pod.node.as_deref().unwrap_or("no node")));
                }
                Some(_) => {}
            }
        }
        if !status.label_node.is_empty() && status.label_node != status.status_node {
            doubts.push(format!("its label names {}", status.label_node));
        }
        if all.len() > 1 {
            doubts.push(format!("there are {} of them", all.len()));
        }
        let why = if doubts.is_empty() { String::new() } else { format!(", but {}", doubts.join(" and ")) };
        let node = Some(status.status_node.as_str()).filter(|node| !node.is_empty());
        let detail = format!("ServiceL2Status {} says {}{why}", status.name, node.unwrap_or("nobody"));
        sources.push(Source { trusted: doubts.is_empty(), ..source("l2status", node, "layer2", detail) });
    }
}

fn bgp_statuses(words: &Words, sources: &mut Vec<Source>) {
    for status in words.metallb.bgp_statuses.iter().flatten() {
        let lives = words.metallb.speakers.iter().any(|pod| pod.name == status.owner_pod && pod.phase == "Running");
        let peers = if status.peers.is_empty() { "no peer".to_owned() } else { status.peers.join(", ") };
        let detail = format!("ServiceBGPStatus {} says that {} means to announce to {peers}", status.name, status.status_node);
        let node = Some(status.status_node.as_str()).filter(|node| !node.is_empty());
        // It tells what the speaker means to do, and nothing of its sessions.
        sources.push(Source { trusted: lives, ..source("bgpstatus", node, "bgp", detail) });
    }
}

/// What speakers and events say of interfaces that the advertisements name and a node does not have. It is no proof that nobody answers: a
/// speaker that announced before goes on until it restarts.
fn failures(words: &Words, sources: &mut Vec<Source>) {
    for log in words.logs {
        let mut warnings = log.of(words.addresses).filter_map(|said| said.interface_warning.as_ref());
        if let Some(warning) = warnings.next_back() {
            sources.push(source(
                "log",
                None,
                "layer2",
                format!("{} says that {} has none of the advertisement's interfaces; it has {warning}", log.pod, log.node),
            ));
        }
    }
    let failed = words.metallb.events.iter().flatten().filter(|event| event.reason == "announceFailed");
    if let Some(event) = failed.max_by(|a, b| a.at.cmp(&b.at)) {
        sources.push(Source {
            at: Some(event.at.clone()),
            age_s: age_s(Some(&event.at), words.now),
            trusted: false,
            ..source("event", None, "layer2", event.message.clone())
        });
    }
}

/// The newest event of each node and protocol. Events are never withdrawn, so that the newest may name a node that stopped since.
fn events(words: &Words, sources: &mut Vec<Source>) {
    let mut newest: BTreeMap<(String, String), (&str, &str)> = BTreeMap::new();
    for event in words.metallb.events.iter().flatten().filter(|event| event.reason == "nodeAssigned") {
        let mut quoted = event.message.split('"').skip(1).step_by(2);
        let Some(node) = quoted.next() else { continue };
        // Until 0.12 the event named no protocol.
        let protocol = quoted.next().unwrap_or_default();
        let entry = newest.entry((node.to_owned(), protocol.to_owned())).or_insert((&event.at, &event.message));
        if event.at.as_str() > entry.0 {
            *entry = (&event.at, &event.message);
        }
    }
    let mut ordered: Vec<_> = newest.into_iter().collect();
    ordered.sort_by(|a, b| b.1.0.cmp(a.1.0));
    for ((node, protocol), (at, message)) in ordered {
        sources.push(Source {
            at: Some(at.to_owned()),
            age_s: age_s(Some(at), words.now),
            trusted: false,
            ..source("event", Some(&node), &protocol, message.to_owned())
        });
    }
}
