//! Why a Service has no address, or another one than it asks for.
//!
//! The reason is computed from the objects as MetalLB computes it; its events and its log, whose texts differ by version, confirm
//! it. Where the objects explain nothing, MetalLB's own words are quoted; where nobody says anything, nothing is said.

mod broadcast;
pub(super) mod claimed;
mod class;
mod competing;
mod configuration;
mod controller;
mod held;
mod pending;
mod refusal;
pub(super) mod rules;
#[cfg(test)]
mod tests;
mod words;

use super::rule::Log;
use super::tries::Tries;
use crate::analysis::allocation::{Answer, answer};
use crate::analysis::judge::case::{Case, found};
use crate::model::announcement::Agreement;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::metallb::Metallb;
use crate::model::probe::Attempt;
use crate::model::service::Service;
use crate::model::subject::Subject;

/// Findings about the Service's type and address. With an address they are latent; `explain_silence` raises what keeps it unheard.
pub(super) fn findings(case: &Case, log: &Log) -> Vec<Finding> {
    let findings = log.all(&rules::KIND, "", &Tries { case, roads: &[], node: "" });
    if !findings.is_empty() || case.service.kind != "LoadBalancer" {
        return findings;
    }
    // What MetalLB would give is no question in a cluster that has none.
    let Some(metallb) = metallb(case).filter(|metallb| metallb.instead.is_none()) else { return Vec::new() };
    let served = class::unserved(case, metallb).is_none();
    let giving = Giving { case, metallb, served, answer: answer(case.service, metallb) };
    if case.address().is_some() {
        return log.all(&rules::HELD, "", &giving);
    }
    let findings = log.all(&rules::PENDING, "", &giving);
    if findings.is_empty() { log.all(&rules::IN_ITS_OWN_WORDS, "", &giving) } else { findings }
}

/// A Service, and what MetalLB has to give it.
pub(super) struct Giving<'a> {
    case: &'a Case<'a>,
    metallb: &'a Metallb,
    /// Whether it is MetalLB's to serve: of one that is not, whatever else is wrong does not matter.
    served: bool,
    /// What MetalLB answers to what it asks for, as the objects are now.
    answer: Answer,
}

/// A Service of another type, which MetalLB has nothing to do with.
fn of_another_type(case: &Case) -> Option<Finding> {
    let service = case.service;
    (service.kind != "LoadBalancer").then(|| {
        found(
            names::ADDRESS_NOT_A_LOAD_BALANCER,
            vec![own(case)],
            format!("the Service is of type {}, so MetalLB gives it no address and announces none", service.kind),
            vec![format!("spec.type of service/{} is {}", service.path(), service.kind)],
        )
    })
}

/// What stays undecided about the address, when no finding says it.
pub(super) fn undecided(case: &Case, findings: &[Finding]) -> Option<Gap> {
    if case.service.kind != "LoadBalancer" || findings.iter().any(|finding| finding.severity != Severity::Info) {
        return None;
    }
    match case.address() {
        None => Some(pending::undecided(case, metallb(case))),
        Some(_) => held::undecided(case, metallb(case).filter(|metallb| metallb.instead.is_none())?),
    }
}

/// The finding that explains why nobody announces the address at all, raised from latent to the cause; its name.
///
/// `explained` says that the objects already explain it.
pub(super) fn explain_silence(case: &Case, findings: &mut [Finding], explained: bool) -> Option<String> {
    let silent = case.announcement.is_some_and(|announcement| announcement.agreement == Agreement::None);
    let answered = case.probes().any(|probe| probe.made().any(Attempt::answered));
    if !silent || answered {
        return None;
    }
    let metallb = metallb(case)?;
    let silences = |finding: &Finding| match finding.name.as_str() {
        names::ADDRESS_CLASS_UNSERVED => class::silences(case, metallb),
        names::ADDRESS_COMPETING_CONTROLLER => competing::silences(case, metallb),
        names::ADDRESS_CONFIG_INVALID => !explained && configuration::speakers_refuse(metallb),
        _ => false,
    };
    let finding = findings.iter_mut().find(|finding| silences(finding))?;
    finding.severity = Severity::Fail;
    finding.scope = None;
    Some(finding.name.clone())
}

/// What nodes look like while the address is away from the Service: no speaker announces it, and no proxy has a rule for it.
const WITHOUT_ADDRESS: [&str; 5] =
    [names::ANNOUNCE_NOBODY, names::NODE_NOT_PROGRAMMED, names::NODE_LOST_INSIDE, names::WIRE_NO_ANSWER, names::WIRE_REQUEST_LOST];

/// What clients look like when they ask for an address that no kernel connects to.
const AT_A_BROADCAST: [&str; 4] = [names::CLIENT_NO_ROUTE, names::WIRE_REQUEST_LOST, names::WIRE_NO_ANSWER, names::ADDRESS_LAST_OCTET];

/// Clients fail and nothing else explains it: then an address that ends in .0 or .255 is worth a warning, and one that somebody
/// takes away again and again at this very time is the cause, because proxies and speakers drop it each time.
pub(super) fn weigh_unexplained(case: &Case, findings: &mut [Finding]) {
    let fought_over = |finding: &Finding| {
        finding.name == names::ADDRESS_COMPETING_CONTROLLER && !case.all_answered() && metallb(case).is_some_and(competing::goes_on)
    };
    if findings.iter().any(fought_over) {
        for finding in findings.iter_mut().filter(|finding| WITHOUT_ADDRESS.contains(&finding.name.as_str())) {
            finding.because = Some(names::ADDRESS_COMPETING_CONTROLLER.to_owned());
            finding.severity = Severity::Info;
        }
    }
    if findings.iter().any(|finding| finding.name == names::ADDRESS_BROADCAST) {
        for finding in findings.iter_mut().filter(|finding| AT_A_BROADCAST.contains(&finding.name.as_str())) {
            finding.because = Some(names::ADDRESS_BROADCAST.to_owned());
            finding.severity = Severity::Info;
        }
    }
    let explained = findings.iter().any(|finding| finding.severity == Severity::Fail);
    if explained || case.all_answered() || !case.asked() {
        return;
    }
    for finding in findings {
        match finding.name.as_str() {
            names::ADDRESS_LAST_OCTET => finding.severity = Severity::Warn,
            names::ADDRESS_COMPETING_CONTROLLER if metallb(case).is_some_and(competing::goes_on) => {
                finding.severity = Severity::Fail;
                finding.scope = None;
            }
            _ => {}
        }
    }
}

/// Whether somebody else than MetalLB seems to give the Service an address, so that it is worth asking who else runs.
#[must_use]
pub fn another_giver_suspected(service: &Service, metallb: &Metallb) -> bool {
    competing::suspected(service, metallb)
}

fn metallb<'a>(case: &Case<'a>) -> Option<&'a Metallb> {
    case.announcement.map(|announcement| &announcement.metallb)
}

fn own(case: &Case) -> Subject {
    Subject::from(case.service)
}

/// The same finding, hurting nobody who asked; the scope says when it will.
fn latent(mut finding: Finding, bites: &str) -> Finding {
    finding.severity = Severity::Warn;
    finding.scope = Some(format!("latent: {bites}"));
    finding
}
