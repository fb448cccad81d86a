//! The verdict, from evidence: small pure rules, one family a file.
//!
//! A rule names a cause only when observations prove it. What cannot be proven is a gap that says what would decide,
//! and the verdict is `inconclusive`; nothing is guessed.

mod address;
mod announce;
mod answers;
mod app;
mod awaited;
mod bgp;
mod checksum;
mod client;
mod conntrack;
mod elsewhere;
mod endpoints;
mod flow;
mod holders;
mod ipsec;
mod lost_inside;
mod neighbours;
mod next_hop;
mod node;
mod overlay;
mod pod;
mod pod_link;
mod policy;
pub mod road;
mod scope;
mod settle;
mod translation;
mod wire;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::announcement::Announcement;
use crate::model::capture::Capture;
use crate::model::catalogue::{self, names};
use crate::model::connection::Connection;
use crate::model::endpoint::Target;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::flow::{Closer, Flow};
use crate::model::kubernetes::Node;
use crate::model::place::{HostKind, Place};
use crate::model::probe::Probe;
use crate::model::service::Service;
use crate::model::state::StatePair;
use crate::model::subject::Subject;
use road::Road;

pub use address::another_giver_suspected;
pub use client::{client_address, wrong_port};
pub use elsewhere::suspected as answered_elsewhere;

/// Everything that a judgement rests on. What is `None` could not be had, and is then a gap.
pub struct Case<'a> {
    pub service: &'a Service,
    pub announcement: Option<&'a Announcement>,
    pub target: Option<&'a Target>,
    pub flow: Option<&'a Flow>,
    pub closer: Option<&'a Closer>,
    pub gaps: &'a [Gap],
}

/// What a judgement gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub findings: Vec<Finding>,
    pub gaps: Vec<Gap>,
    pub summary: String,
}

impl<'a> Case<'a> {
    /// The Service's first load-balanced address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.service.addresses.first().copied()
    }

    /// The node that announces, as far as it is known.
    #[must_use]
    pub fn announcer(&self) -> Option<String> {
        self.announcement.and_then(|announcement| announcement.nodes.first().cloned())
    }

    /// Whether a router decides which node takes a request.
    #[must_use]
    pub fn routed(&self) -> bool {
        self.announcement.is_some_and(Announcement::routed)
    }

    /// Every probe, the repeated ones too.
    pub fn probes(&self) -> impl Iterator<Item = &'a Probe> {
        self.flows().flat_map(|flow| flow.probes.iter())
    }

    /// Both rounds: the first look, and the closer one.
    fn flows(&self) -> impl Iterator<Item = &'a Flow> {
        self.flow.into_iter().chain(self.closer.map(|closer| &closer.again))
    }

    /// Whether every first try from every vantage point was answered, and without delay.
    #[must_use]
    pub fn all_answered(&self) -> bool {
        self.flow.is_some_and(Flow::all_answered_at_once)
    }

    /// Whether anything at all was asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.flow.is_some_and(|flow| flow.probes.iter().any(|probe| probe.made().next().is_some()))
    }

    /// The connections that were followed, each with the captures of its round.
    #[must_use]
    pub fn roads(&'a self) -> Vec<Road<'a>> {
        self.flows()
            .flat_map(|flow| {
                let captures: Vec<&Capture> = flow.captures.iter().collect();
                flow.connections.iter().chain(self.resent(flow)).map(move |connection| (connection, captures.clone()))
            })
            .map(|(connection, captures)| Road::new(self, connection, captures))
            .collect()
    }

    /// The tries of one round that were answered late. A single one in both rounds is no pattern.
    fn resent(&self, flow: &'a Flow) -> &'a [Connection] {
        if self.flows().map(|flow| flow.resent.len()).sum::<usize>() < 2 { &[] } else { &flow.resent }
    }

    /// Every capture of both rounds.
    pub fn captures(&self) -> impl Iterator<Item = &'a Capture> {
        self.flows().flat_map(|flow| flow.captures.iter())
    }

    /// Whether the pod network runs through a tunnel, as far as packets showed.
    #[must_use]
    pub fn tunnelled(&self) -> bool {
        let packets = self.captures().any(|capture| capture.packets.iter().any(|packet| packet.tunnel.is_some()));
        packets
            || self.states().any(|pair| {
                crate::analysis::state::network::links(&pair.after)
                    .iter()
                    .any(|link| matches!(link.kind.as_deref(), Some("vxlan" | "geneve" | "ipip")))
            })
    }

    fn states(&self) -> impl Iterator<Item = &'a StatePair> {
        self.closer.into_iter().flat_map(|closer| closer.states.iter())
    }

    /// The state of a node.
    #[must_use]
    pub fn node_state(&self, name: &str) -> Option<&'a StatePair> {
        self.states().find(|pair| matches!(&pair.after.place, Place::Host(host) if host.name == name))
    }

    /// The state of a pod of the Service.
    #[must_use]
    pub fn pod_state(&self, name: &str) -> Option<&'a StatePair> {
        self.states().find(|pair| pair.after.place.pod_name() == Some(name))
    }

    /// The node object.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&'a Node> {
        self.announcement?.nodes_seen.iter().find(|node| node.name == name)
    }

    /// Whether an address is one of a node's own.
    #[must_use]
    pub fn is_node_address(&self, address: IpAddr) -> bool {
        let api =
            self.announcement.is_some_and(|announcement| announcement.nodes_seen.iter().any(|node| node.internal_ips.contains(&address)));
        api || self.states().any(|pair| {
            matches!(&pair.after.place, Place::Host(host) if host.kind == HostKind::Node)
                && crate::analysis::state::network::addresses(&pair.after).iter().any(|(_, net)| net.addr() == address)
        })
    }

    /// The name of the pod with that address.
    #[must_use]
    pub fn pod_at(&self, address: IpAddr) -> Option<&'a str> {
        self.target?.endpoints.iter().find(|endpoint| endpoint.ip == address)?.pod.as_deref()
    }

    /// The pods as culprits: the workload first when all serving pods share the fault.
    #[must_use]
    pub fn pods_as_culprits(&self, pods: &BTreeSet<String>) -> Vec<Subject> {
        let namespace = &self.service.namespace;
        let mut culprits = Vec::new();
        if let Some(target) = self.target {
            let serving: BTreeSet<&str> = target.serving().iter().filter_map(|endpoint| endpoint.pod.as_deref()).collect();
            let all = !serving.is_empty() && serving.iter().all(|pod| pods.contains(*pod)) && serving.len() > 1;
            if all && let Some(pod) = pods.iter().find_map(|name| target.pod(name)) {
                culprits.push(Subject::workload(namespace, &pod.workload()));
            }
        }
        culprits.extend(pods.iter().map(|pod| Subject::pod(namespace, pod)));
        culprits
    }
}

/// A finding with its catalogue's severity and advice; rules fill in the rest.
fn found(name: &str, culprits: Vec<Subject>, summary: impl Into<String>, evidence: Vec<String>) -> Finding {
    let entry = catalogue::entry(name);
    Finding {
        name: name.to_owned(),
        severity: entry.map_or(Severity::Fail, |entry| entry.severity),
        culprits,
        summary: summary.into(),
        because: None,
        scope: None,
        evidence,
        next: entry.map(|entry| entry.next.to_owned()).unwrap_or_default(),
    }
}

/// The judgement of a case.
#[must_use]
pub fn judge(case: &Case) -> Judgement {
    let mut gaps = case.gaps.to_vec();
    let mut findings = address::findings(case);
    gaps.extend(address::undecided(case, &findings));
    if case.address().is_some() && case.service.kind == "LoadBalancer" {
        with_address(case, &mut findings, &mut gaps);
    }
    gaps.extend(answers::unexpected(case));
    gaps.extend(awaited::undecided(case));
    address::weigh_unexplained(case, &mut findings);
    settle::settle(case, &mut findings, &mut gaps);
    let summary = summary(case, &findings, &gaps);
    Judgement { findings, gaps, summary }
}

/// The Service has an address: static causes first, then what the wire showed.
fn with_address(case: &Case, findings: &mut Vec<Finding>, gaps: &mut Vec<Gap>) {
    let ends = endpoints::findings(case);
    let announces = announce::findings(case);
    if case.all_answered() {
        // Whatever is wrong hurts nobody who asked: it is latent.
        let odd = wire::latent(case).into_iter().chain(next_hop::hidden(case));
        findings.extend(ends.into_iter().chain(announces).chain(odd).map(|finding| latent(case, finding)));
        let (others, open) = elsewhere::findings(case);
        findings.retain(|finding| others.iter().all(|other| other.name != finding.name));
        findings.extend(others);
        gaps.extend(open);
        flow::unproven(case, gaps);
        next_hop::unproven(case, gaps);
        return;
    }
    let failing = ends.iter().any(|finding| finding.severity == Severity::Fail);
    let explained = failing || announces.iter().any(|finding| announce::silences(finding) && finding.name != names::ANNOUNCE_NOBODY);
    let silenced = address::explain_silence(case, findings, explained);
    if let Some(because) = silenced.or_else(|| failing.then(|| ends[0].name.clone())) {
        // Without endpoints, or with an address that is not MetalLB's to announce, nobody answers: consequences, not causes.
        findings.extend(ends);
        findings.extend(announces.into_iter().map(|finding| Finding {
            because: Some(because.clone()),
            severity: Severity::Info,
            ..finding
        }));
        return;
    }
    findings.extend(ends);
    if !case.asked() {
        findings.extend(announces);
        findings.extend(client::way::barred(case));
        if !findings.iter().any(|finding| finding.severity == Severity::Fail) {
            gaps.push(
                Gap::new(names::EVIDENCE_UNDECIDED, case.service, "nothing was asked from anywhere", "whether the Service answers")
                    .decisive(),
            );
        }
        return;
    }
    flow::findings(case, announces, findings, gaps);
}

/// A fault that hurts nobody who asked.
fn latent(case: &Case, finding: Finding) -> Finding {
    if finding.severity != Severity::Fail {
        return finding;
    }
    let from: Vec<String> = case.probes().map(|probe| probe.vantage.text()).collect::<BTreeSet<_>>().into_iter().collect();
    Finding {
        severity: Severity::Warn,
        scope: Some(format!("latent: every try from {} was answered{}", from.join(" and "), catalogue::latent_until(&finding.name))),
        ..finding
    }
}

fn summary(case: &Case, findings: &[Finding], gaps: &[Gap]) -> String {
    let service = case.service.path();
    if let Some(finding) = findings
        .iter()
        .find(|finding| finding.severity == Severity::Fail)
        .or_else(|| findings.iter().find(|finding| finding.severity == Severity::Warn))
    {
        return format!("{service}: {}", finding.summary);
    }
    if let Some(gap) = gaps.iter().find(|gap| gap.decisive) {
        return format!("{service}: not decided: {}", gap.undecided);
    }
    let tries: usize = case.probes().map(|probe| probe.made().count()).sum();
    let from: BTreeSet<String> = case.probes().map(|probe| probe.vantage.text()).collect();
    format!(
        "{service} answers at {}{} from {}: {tries} of {tries} tries",
        case.address().map(|address| address.to_string()).unwrap_or_default(),
        case.announcement
            .filter(|announcement| !announcement.nodes.is_empty())
            .map(|announcement| format!(" (announced by {})", announcement.nodes.join(", ")))
            .unwrap_or_default(),
        from.into_iter().collect::<Vec<_>>().join(", ")
    )
}
