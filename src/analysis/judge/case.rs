//! What a judgement rests on, and the questions that every rule asks of it.

use crate::analysis::looked_at;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::network::Link;
use crate::analysis::state::place_state::StatePair;
use crate::model::announcement::Announcement;
use crate::model::basis::Basis;
use crate::model::capture::Capture;
use crate::model::catalogue;
use crate::model::endpoint::Target;
use crate::model::finding::Finding;
use crate::model::finding::Gap;
use crate::model::finding::Severity;
use crate::model::flow::{ArpAsk, Flow};
use crate::model::kubernetes::Node;
use crate::model::place::HostKind;
use crate::model::place::Place;
use crate::model::probe::Probe;
use crate::model::service::Service;
use crate::model::subject::Subject;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Everything that a judgement rests on. What is `None` could not be had, and is then a gap.
pub struct Case<'a> {
    pub service: &'a Service,
    pub announcement: Option<&'a Announcement>,
    pub target: Option<&'a Target>,
    pub flow: Option<&'a Flow>,
    pub closer: Option<&'a Closer>,
    pub gaps: &'a [Gap],
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
        self.flows().flat_map(|flow| flow.probes.iter()).inspect(|probe| {
            if let Some(tries) = Basis::tries(&probe.vantage, None) {
                looked_at::note(|| tries);
            }
        })
    }

    /// Both rounds: the first look, and the closer one.
    pub(super) fn flows(&self) -> impl Iterator<Item = &'a Flow> {
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

    /// Every capture of both rounds.
    pub fn captures(&self) -> impl Iterator<Item = &'a Capture> {
        self.flows().flat_map(|flow| flow.captures.iter()).inspect(|capture| looked_at::note(|| Basis::capture(&capture.request.place)))
    }

    /// Notes that all tries were gone through, with all that was captured of them.
    pub(super) fn note_tries(&self) {
        self.probes().for_each(drop);
        self.captures().for_each(drop);
    }

    /// Who answers for the address by ARP, asked from every host, in both rounds.
    pub(super) fn asks(&self) -> impl Iterator<Item = &'a ArpAsk> {
        self.flows().flat_map(|flow| flow.arp.iter()).inspect(|ask| looked_at::note(|| Basis::arp(&ask.host.name)))
    }

    /// The same of the first round.
    pub(super) fn first_asks(&self) -> impl Iterator<Item = &'a ArpAsk> {
        self.flow.into_iter().flat_map(|flow| flow.arp.iter()).inspect(|ask| looked_at::note(|| Basis::arp(&ask.host.name)))
    }

    /// Whether the pod network runs through a tunnel in which packets can be followed, as far as these or the links showed.
    #[must_use]
    pub fn tunnelled(&self) -> bool {
        let packets =
            self.flows().flat_map(|flow| &flow.captures).any(|capture| capture.packets.iter().any(|packet| packet.tunnel.is_some()));
        packets || self.states().any(|pair| pair.after.links().unwrap_or_default().iter().any(Link::is_seen_through))
    }

    pub(in crate::analysis) fn states(&self) -> impl Iterator<Item = &'a StatePair> {
        self.closer.into_iter().flat_map(|closer| closer.states.iter())
    }

    /// The states of nodes alone.
    pub(super) fn node_states(&self) -> impl Iterator<Item = &'a StatePair> {
        self.states().filter(|pair| matches!(&pair.after.place, Place::Host(host) if host.kind == HostKind::Node))
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
        api || self
            .states()
            .any(|pair| matches!(&pair.after.place, Place::Host(host) if host.kind == HostKind::Node) && pair.after.has_address(address))
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
pub(super) fn found(name: &str, culprits: Vec<Subject>, summary: impl Into<String>, evidence: Vec<String>) -> Finding {
    let entry = catalogue::entry(name);
    Finding {
        name: name.to_owned(),
        severity: entry.map_or(Severity::Fail, |entry| entry.severity),
        culprits,
        summary: summary.into(),
        because: None,
        scope: None,
        from: Vec::new(),
        evidence,
        rests_on: Vec::new(),
        next: entry.map(|entry| entry.next.to_owned()).unwrap_or_default(),
    }
}

/// How the scope of a fault begins that was seen to be there now, although everybody was answered.
pub(super) const PRESENT: &str = "present: ";

/// A fault that hurts nobody who asked.
pub(super) fn latent(case: &Case, finding: Finding) -> Finding {
    // What was seen to be there now has its scope already.
    if finding.severity != Severity::Fail || finding.scope.as_ref().is_some_and(|scope| scope.starts_with(PRESENT)) {
        return finding;
    }
    if !case.all_answered() {
        let scope = "beside what fails: not known to be why tries fail".to_owned();
        return Finding { severity: Severity::Warn, scope: Some(finding.scope.unwrap_or(scope)), ..finding };
    }
    let from: Vec<String> = case.probes().map(|probe| probe.vantage.text()).collect::<BTreeSet<_>>().into_iter().collect();
    Finding {
        severity: Severity::Warn,
        scope: Some(format!("latent: every try from {} was answered{}", from.join(" and "), catalogue::latent_until(&finding.name))),
        ..finding
    }
}
