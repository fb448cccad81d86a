//! The first line: which Service, which address, what is wrong, and where.

use super::wording::{listed, short};
use crate::model::finding::{Finding, Severity};
use crate::model::observed::Observed;
use crate::model::outcome::{Outcome, Verdict};
use crate::model::subject::Subject;

/// Places that are named one by one.
const MOST_NAMES: usize = 3;

/// What stands behind the verdict.
pub(in crate::report) fn headline(outcome: &Outcome) -> String {
    let Some(service) = &outcome.observed.service else { return outcome.summary.clone() };
    let path = format!("{}/{}", service.namespace, service.name);
    let at = service.address.map(|address| match service.port {
        Some(port) => format!(" {}", std::net::SocketAddr::new(address, port)),
        None => format!(" {address}"),
    });
    format!("{path}{} — {}", at.unwrap_or_default(), cause(outcome, &path))
}

fn cause(outcome: &Outcome, service: &str) -> String {
    // What a run ended with stands there as it is.
    if outcome.ended.is_some() {
        return outcome.summary.clone();
    }
    if let Some(finding) = decisive(outcome) {
        return sentence(finding, outcome);
    }
    if outcome.verdict == Verdict::Pass {
        return answered(&outcome.observed);
    }
    outcome.summary.strip_prefix(service).map_or(outcome.summary.as_str(), |rest| rest.trim_start_matches(": ").trim_start()).to_owned()
}

/// The finding that the verdict rests on.
pub(super) fn decisive(outcome: &Outcome) -> Option<&Finding> {
    let of = |severity| outcome.findings.iter().find(|finding| finding.severity == severity);
    match outcome.verdict {
        Verdict::Fail => of(Severity::Fail),
        Verdict::Warn => of(Severity::Warn),
        Verdict::Pass | Verdict::Inconclusive => None,
    }
}

/// A finding's sentence, with its place and with whose packets it is about.
pub(super) fn sentence(finding: &Finding, outcome: &Outcome) -> String {
    let told = with_whose(&finding.summary, outcome);
    match finding.culprits.first().and_then(|culprit| place(culprit, finding, &outcome.observed)) {
        Some(place) => format!("{place}: {told}"),
        None => told,
    }
}

/// How findings about packets name them: as `it`, since a finding stands beside the tries that it is about.
const PRONOUNS: [(&str, &str, &str); 2] = [(" drops it", " drops ", ""), (" leaves it a hop limit", " leaves ", " a hop limit")];

fn with_whose(summary: &str, outcome: &Outcome) -> String {
    for (pronoun, before, behind) in PRONOUNS {
        if let Some((head, tail)) = summary.split_once(pronoun) {
            return format!("{head}{before}{}{behind}{tail}", whose(outcome));
        }
    }
    summary.to_owned()
}

/// Whose packets a finding is about: those of the places that got no answer, where no other finding may be about some of them.
fn whose(outcome: &Outcome) -> String {
    let roots = outcome.findings.iter().filter(|finding| finding.severity == Severity::Fail && finding.because.is_none()).count();
    let silent: Vec<&str> = outcome.observed.silent().map(|tries| short(&tries.from)).collect();
    let failing = outcome.observed.failing().count();
    if roots > 1 || silent.is_empty() || failing > silent.len() {
        return "packets of some tries".to_owned();
    }
    if silent.len() == outcome.observed.tries.len() {
        return "the packets of every try".to_owned();
    }
    let names = listed(&silent, MOST_NAMES);
    format!("{names}'s packets")
}

/// The place of a finding whose sentence does not name it.
fn place(culprit: &Subject, finding: &Finding, seen: &Observed) -> Option<String> {
    let said = |name: &str| !name.is_empty() && finding.summary.contains(name);
    let pods = || finding.culprits.iter().filter_map(|one| if let Subject::Pod { name, .. } = one { Some(name.as_str()) } else { None });
    match culprit {
        Subject::Node(name) | Subject::NodePart(name, _) => {
            let mut nodes: Vec<&str> = finding.culprits.iter().filter_map(Subject::on_node).collect();
            nodes.dedup();
            (!said(name)).then(|| listed(&nodes, MOST_NAMES))
        }
        Subject::Client(name) => {
            let known = seen.tries.iter().any(|tries| said(short(&tries.from)));
            (!said(name) && !known).then(|| format!("client {name}"))
        }
        Subject::Router(name) => (!said(name)).then(|| format!("router {name}")),
        Subject::Pod { name, .. } => (!said(name)).then(|| format!("pod {name}")),
        Subject::Container { pod, name, .. } => (!said(pod) && !said(name)).then(|| format!("container {name} of pod {pod}")),
        Subject::Workload { name, .. } => (!said(name) && !pods().any(said)).then(|| format!("every pod of {name}")),
        Subject::Network { from, to } => (!said(from) && !said(to)).then(|| format!("between {from} and {to}")),
        Subject::Mac(address) | Subject::Address(address) => (!said(address)).then(|| address.clone()),
        Subject::Pool(name) => (!said(name)).then(|| format!("pool {name}")),
        Subject::L2Advertisement(name) | Subject::BgpAdvertisement(name) => (!said(name)).then(|| format!("advertisement {name}")),
        Subject::Peer(name) => (!said(name)).then(|| format!("peer {name}")),
        Subject::EndpointSlice { name, .. } => (!said(name)).then(|| format!("endpointslice {name}")),
        Subject::NetworkPolicy { name, .. } => (!said(name)).then(|| format!("networkpolicy {name}")),
        // The Service itself stands before it; others are told by their sentence.
        Subject::Service { .. }
        | Subject::ServicePort { .. }
        | Subject::Run
        | Subject::Step(_)
        | Subject::Api(_)
        | Subject::Namespace(_)
        | Subject::Other(_) => None,
    }
}

/// `32 of 32 tries answered from c1 and c2`
fn answered(seen: &Observed) -> String {
    let tried: usize = seen.tries.iter().map(|tries| tries.tried).sum();
    let answered: usize = seen.tries.iter().map(|tries| tries.answered).sum();
    let places: Vec<&str> = seen.tries.iter().filter(|tries| tries.tried > 0).map(|tries| short(&tries.from)).collect();
    format!("{answered} of {tried} tries answered, from {}", listed(&places, MOST_NAMES))
}
