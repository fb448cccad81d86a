//! The first line: which Service, which address, what is wrong, and where.

use super::wording::{listed, short};
use crate::model::catalogue::{self, names};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::{Observed, Tries};
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
        return format!("{}{}{}", sentence(finding, outcome), slowly(outcome), besides(finding, outcome));
    }
    if outcome.verdict == Verdict::Pass && outcome.observed.tries.iter().any(|tries| tries.tried > 0) {
        return answered(&outcome.observed);
    }
    outcome.summary.strip_prefix(service).map_or(outcome.summary.as_str(), |rest| rest.trim_start_matches(": ").trim_start()).to_owned()
}

/// The finding that the verdict rests on.
pub(super) fn decisive(outcome: &Outcome) -> Option<&Finding> {
    // What a playbook expects in its own words is not there for a reason: a finding of the catalogue names it.
    let of = |severity| {
        let mut all = outcome.findings.iter().filter(|finding| finding.severity == severity && finding.because.is_none());
        let known = all.clone().find(|finding| catalogue::entry(&finding.name).is_some());
        known.or_else(|| all.next()).or_else(|| outcome.findings.iter().find(|finding| finding.severity == severity))
    };
    match outcome.verdict {
        Verdict::Fail => of(Severity::Fail),
        Verdict::Warn => of(Severity::Warn),
        Verdict::Pass | Verdict::Inconclusive => None,
    }
}

/// A finding's sentence, with its place and with whose packets it is about.
pub(super) fn sentence(finding: &Finding, outcome: &Outcome) -> String {
    let told = with_whose(finding, outcome);
    let told = match finding.culprits.first().and_then(|culprit| place(culprit, finding, &outcome.observed)) {
        Some(place) => format!("{place}: {told}"),
        None => told,
    };
    without_ways(told, &outcome.observed)
}

/// How findings about packets name them: as `it`, since a finding stands beside the tries that it is about.
const PRONOUNS: [(&str, &str, &str); 4] = [
    (" drops it", " drops ", ""),
    (" rejects it", " rejects ", ""),
    (" leaves it a hop limit", " leaves ", " a hop limit"),
    (" holds it back", " holds ", " back"),
];

fn with_whose(finding: &Finding, outcome: &Outcome) -> String {
    let summary = finding.summary.as_str();
    for (pronoun, before, behind) in PRONOUNS {
        if let Some((head, tail)) = summary.split_once(pronoun) {
            return format!("{head}{before}{}{behind}{tail}", whose(finding, outcome));
        }
    }
    summary.to_owned()
}

/// Whose packets a finding is about: those of the places that got no answer, where no other finding may be about some of them.
fn whose(finding: &Finding, outcome: &Outcome) -> String {
    let roots = outcome.findings.iter().filter(|finding| finding.severity == Severity::Fail && finding.because.is_none()).count();
    let its = |tries: &&Tries| finding.from.is_empty() || finding.from.contains(&tries.from);
    let silent: Vec<&str> = outcome.observed.silent().filter(its).map(|tries| short(&tries.from)).collect();
    let failing: Vec<&str> = outcome.observed.failing().filter(its).map(|tries| short(&tries.from)).collect();
    if matches!(finding.culprits.first(), Some(Subject::Client(_))) {
        return "packets of its own".to_owned();
    }
    if roots > 1 || failing.is_empty() {
        return "packets of some tries".to_owned();
    }
    if failing.len() > silent.len() {
        let names = listed(&failing, MOST_NAMES);
        return if takes_all(finding, &outcome.observed) {
            format!("every packet of {names} that comes to it")
        } else {
            format!("some packets of {names}")
        };
    }
    if silent.len() == outcome.observed.tries.len() {
        return "the packets of every try".to_owned();
    }
    let names = listed(&silent, MOST_NAMES);
    format!("{names}'s packets")
}

/// Whether none of the pods that a finding blames answered any try, while every try that failed and was followed came to one of them.
fn takes_all(finding: &Finding, seen: &Observed) -> bool {
    let blamed = |name: &str| finding.culprits.iter().any(|one| matches!(one, Subject::Pod { name: own, .. } if own == name));
    let mut endpoints =
        seen.target.iter().flat_map(|target| &target.endpoints).filter(|one| one.pod.as_deref().is_some_and(blamed)).peekable();
    endpoints.peek().is_some() && endpoints.all(|endpoint| endpoint.answered == 0) && seen.tries.iter().all(|tries| tries.sent_again == 0)
}

/// A sentence with the places that asked by their names alone, without how they are reached.
fn without_ways(mut told: String, seen: &Observed) -> String {
    let mut froms: Vec<&str> = seen.tries.iter().map(|tries| tries.from.as_str()).filter(|from| from.contains(':')).collect();
    froms.sort_by_key(|from| std::cmp::Reverse(from.len()));
    for from in froms {
        told = told.replace(from, short(from));
    }
    told
}

/// Whether a text names something: `10.0.0.1` is not named by `10.0.0.10`.
fn names(text: &str, name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut behind = text[at + name.len()..].chars();
        let (next, after) = (behind.next(), behind.next());
        let goes_on = next.is_some_and(inner) || (matches!(next, Some('.' | ':')) && after.is_some_and(|c| c.is_ascii_alphanumeric()));
        !goes_on && !before.is_some_and(|c| inner(c) || c == '.')
    })
}

/// The pod with its node, where that is known.
fn pod(name: &str, seen: &Observed) -> String {
    let endpoint = seen.target.iter().flat_map(|target| &target.endpoints).find(|endpoint| endpoint.pod.as_deref() == Some(name));
    let node = endpoint.and_then(|endpoint| endpoint.node.as_deref()).map(|node| format!(" on {node}")).unwrap_or_default();
    format!("pod {name}{node}")
}

/// The place of a finding whose sentence does not name it.
fn place(culprit: &Subject, finding: &Finding, seen: &Observed) -> Option<String> {
    let said = |name: &str| !name.is_empty() && names(&finding.summary, name);
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
        Subject::Pod { name, .. } => (!said(name)).then(|| pod(name, seen)),
        Subject::Container { pod, name, .. } => (!said(pod) && !said(name)).then(|| format!("container {name} of pod {pod}")),
        Subject::Workload { name, .. } => (!said(name) && !pods().any(said)).then(|| format!("every pod of {name}")),
        Subject::Network { from, to } => (!said(from) && !said(to)).then(|| format!("between {from} and {to}")),
        Subject::Mac(address) | Subject::Address(address) => (!said(address)).then(|| address.clone()),
        Subject::Pool(name) => (!said(name)).then(|| format!("pool \"{name}\"")),
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

/// What a failure means that every try survived: the Service is slow for those whose first packet was lost, and not down.
fn slowly(outcome: &Outcome) -> String {
    let seen = &outcome.observed;
    let late: usize = seen.tries.iter().map(|tries| tries.sent_again).sum();
    let tried: usize = seen.tries.iter().map(|tries| tries.tried).sum();
    if outcome.verdict != Verdict::Fail || late == 0 || seen.failing().next().is_some() {
        return String::new();
    }
    let told = format!("all {tried} tries are answered, {late} of them only when their first packet was sent again");
    let again = || seen.tries.iter().filter_map(|tries| tries.again.as_ref());
    let (answered, asked): (usize, usize) = (again().map(|again| again.answered).sum(), again().map(|again| again.tried).sum());
    if answered == asked {
        format!("; slow, not down: {told}")
    } else {
        format!("; slow at first: {told}; asked again, {answered} of {asked} are")
    }
}

/// What else fails: other causes, and places of which it is not known why.
fn besides(told: &Finding, outcome: &Outcome) -> String {
    if outcome.verdict != Verdict::Fail {
        return String::new();
    }
    let own = |finding: &Finding| (&finding.name, &finding.summary) == (&told.name, &told.summary);
    let others = outcome.findings.iter().filter(|one| one.severity == Severity::Fail && one.because.is_none() && !own(one)).count();
    let mut parts = Vec::new();
    if others > 0 {
        parts.push(format!("; {others} more {} under Also", if others == 1 { "cause" } else { "causes" }));
    }
    let failing: Vec<&str> = outcome.observed.failing().map(|tries| short(&tries.from)).collect();
    let open: Vec<&str> = failing.into_iter().filter(|name| outcome.gaps.iter().any(|gap| is_open_at(gap, name))).collect();
    if !open.is_empty() {
        parts.push(format!("; why {} fails is not decided", listed(&open, MOST_NAMES)));
    }
    parts.concat()
}

/// Whether a gap leaves open why a place is not answered.
pub(super) fn is_open_at(gap: &Gap, place: &str) -> bool {
    gap.name == names::EVIDENCE_UNDECIDED && matches!(&*gap.subject, Subject::Client(name) if name == place)
}

/// `32 of 32 tries answered from c1 and c2`
fn answered(seen: &Observed) -> String {
    let tried: usize = seen.tries.iter().map(|tries| tries.tried).sum();
    let answered: usize = seen.tries.iter().map(|tries| tries.answered).sum();
    let places: Vec<&str> = seen.tries.iter().filter(|tries| tries.tried > 0).map(|tries| short(&tries.from)).collect();
    format!("{answered} of {tried} tries answered, from {}", listed(&places, MOST_NAMES))
}
