//! The verdict, from evidence: small pure rules, one family a file.
//!
//! A rule names a cause only when observations prove it. What cannot be proven is a gap that says what would decide,
//! and the verdict is `inconclusive`; nothing is guessed.

mod address;
mod announce;
mod answer_quality;
mod answering;
mod answers;
mod apart;
mod app;
mod awaited;
mod before_capture;
mod bgp;
mod by_mark;
mod case;
mod checksum;
mod chosen;
mod client;
mod conntrack;
mod each_client;
mod elsewhere;
mod endpoints;
mod flow;
mod held_twice;
mod holders;
mod hop_limit;
mod ipsec;
mod leaving;
mod led_astray;
mod lost_inside;
mod meant;
mod neighbours;
mod next_hop;
mod node;
mod objects;
mod overlay;
mod own_requests;
mod pod;
mod pod_link;
mod pod_network;
mod policy;
mod present;
mod rests_on;
pub mod road;
mod rule;
mod rules;
mod scope;
mod seen_source;
mod separates;
mod settle;
mod stages;
mod translation;
mod tries;
mod unproven;
mod unread;
mod wire;
mod witness;

use crate::model::answers::listed;
use crate::model::catalogue::names;
use crate::model::considered::Considered;
use crate::model::finding::Finding;
use crate::model::finding::Gap;
use crate::model::finding::Severity;
use crate::model::witness::Witness;
use std::collections::BTreeSet;

pub use address::another_giver_suspected;
pub use case::Case;
use case::latent;
pub use client::{client_address, wrong_port};
pub use elsewhere::suspected as answered_elsewhere;
pub use held_twice::two_of_one_mac;
pub use present::suspicions as contradicting;
use rule::Log;
pub use rule::Row;
use tries::Tries;

/// What a judgement gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub findings: Vec<Finding>,
    pub gaps: Vec<Gap>,
    pub summary: String,
    /// The rules that were tried along the path, in order.
    pub considered: Vec<Considered>,
    /// What ties answers to the Service's endpoints.
    pub witnesses: Vec<Witness>,
}

/// The judgement of a case.
#[must_use]
pub fn judge(case: &Case) -> Judgement {
    judge_with(case, Log::default())
}

/// Every proof that is tried, stage by stage.
#[must_use]
pub fn rules() -> Vec<Row> {
    stages::rows()
}

/// The judgement without one proof, by its title: what the others then say.
#[must_use]
pub fn judge_without(case: &Case, proof: &str) -> Judgement {
    judge_with(case, Log::without(proof))
}

fn judge_with(case: &Case, log: Log) -> Judgement {
    let mut gaps = case.gaps.to_vec();
    let mut findings = address::findings(case, &log);
    gaps.extend(address::undecided(case, &findings));
    if case.address().is_some() && case.service.kind == "LoadBalancer" {
        with_address(case, &log, &mut findings, &mut gaps);
    }
    let witnesses = if case.address().is_some() { witness::witnesses(case) } else { Vec::new() };
    if case.all_answered() {
        gaps.extend(witness::missing(case, &witnesses));
    }
    unread::weaken(case, &mut findings, &mut gaps);
    findings.extend(log.all(&client::rules::NOT_MADE, "", &Tries { case, roads: &[], node: "" }));
    findings.extend(answer_quality::findings(case, &log));
    gaps.extend(answers::unexpected(case));
    gaps.extend(awaited::undecided(case));
    address::weigh_unexplained(case, &mut findings);
    settle::settle(case, &mut findings, &mut gaps);
    unread::name_data_paths(case, &mut gaps);
    let summary = summary(case, &findings, &gaps, &witnesses);
    Judgement { findings, gaps, summary, considered: log.tried(), witnesses }
}

/// The Service has an address: static causes first, then what the wire showed.
fn with_address(case: &Case, log: &Log, findings: &mut Vec<Finding>, gaps: &mut Vec<Gap>) {
    let ends = endpoints::findings(case, log);
    let announces = announce::findings(case, log);
    if case.all_answered() {
        // Whatever is wrong hurts nobody who asked: it is latent.
        let odd = wire::latent(case, log).into_iter().chain(next_hop::hidden(case, log));
        let present = present::Present::of(case);
        let announces = announces.into_iter().map(|finding| present.weighed(finding)).map(|finding| latent(case, finding));
        findings.extend(ends.into_iter().chain(odd).map(|finding| latent(case, finding)).chain(announces));
        let (others, open) = elsewhere::findings(case, log);
        findings.retain(|finding| others.iter().all(|other| other.name != finding.name));
        findings.extend(others);
        gaps.extend(open);
        findings.extend(log.all(&client::rules::NOTED, "", &Tries { case, roads: &[], node: "" }));
        gaps.extend(unread::contradictions(case, findings));
        gaps.extend(present.open(case, findings));
        unproven::parts(case, gaps);
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
        findings.extend(log.all(&client::rules::BARRED, "", &Tries { case, roads: &[], node: "" }));
        let broken = findings.iter().any(|finding| finding.severity == Severity::Fail);
        if case.gaps.iter().any(|gap| gap.name == names::EVIDENCE_NOBODY_ASKED) {
            gaps.extend(unproven::objects(case).filter(|_| !broken));
        } else if !broken {
            let again = case.probes().any(|probe| probe.repeated && probe.made().next().is_some());
            let reason =
                if again { "the first round of tries could not be made, only its repetition" } else { "nothing was asked from anywhere" };
            gaps.push(Gap::new(names::EVIDENCE_UNDECIDED, case.service, reason, "whether the Service answers").decisive());
        }
        return;
    }
    flow::findings(case, log, announces, findings, gaps);
}

/// The first line. That answers say that the server failed stands in it, whatever else it tells.
fn summary(case: &Case, findings: &[Finding], gaps: &[Gap], witnesses: &[Witness]) -> String {
    let first = first_of_all(case, findings, gaps, witnesses);
    let errors = findings.iter().find(|finding| finding.name == names::APP_ANSWERS_WITH_ERRORS);
    match errors.filter(|errors| !first.contains(&errors.summary)) {
        Some(errors) => format!("{first}; {}", errors.summary),
        None => first,
    }
}

fn first_of_all(case: &Case, findings: &[Finding], gaps: &[Gap], witnesses: &[Witness]) -> String {
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
    if gaps.iter().any(|gap| gap.name == names::EVIDENCE_NOBODY_ASKED) {
        let nodes = case.announcement.map(|announcement| announcement.nodes.join(", ")).filter(|nodes| !nodes.is_empty());
        let announced = nodes.map(|nodes| format!(" (announced by {nodes})")).unwrap_or_default();
        return format!("{service}: its objects and its speakers' logs are as they should be{announced}; nobody was asked");
    }
    let tries: usize = case.probes().map(|probe| probe.made().count()).sum();
    let from: BTreeSet<String> = case.probes().map(|probe| probe.vantage.text()).collect();
    let statuses = answer_quality::statuses(case);
    let told = if statuses.is_empty() { String::new() } else { format!(" with HTTP {}", listed(&statuses)) };
    format!(
        "{service} answers at {}{} from {}: {tries} of {tries} tries{told}, {} of them tied to its endpoints",
        case.address().map(|address| address.to_string()).unwrap_or_default(),
        case.announcement
            .filter(|announcement| !announcement.nodes.is_empty())
            .map(|announcement| format!(" (announced by {})", announcement.nodes.join(", ")))
            .unwrap_or_default(),
        from.into_iter().collect::<Vec<_>>().join(", "),
        witnesses.iter().map(|witness| witness.source_ports.len()).sum::<usize>()
    )
}
