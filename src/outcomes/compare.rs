//! Two outcomes compared by meaning: verdict, findings, gaps, who announces, where the port ends, how each place was answered and how fast,
//! and which path packets took. What is another each time by nature is matched by its role.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::role;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::{Observed, Tries};
use crate::model::outcome::{Outcome, Verdict};
use crate::model::subject::{Part, Subject};

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    Service,
    Verdict,
    Finding,
    Gap,
    Announcer,
    Candidates,
    Endpoints,
    Tries,
    Statuses,
    Certificates,
    Latency,
    Paths,
}

impl About {
    /// For people, as JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Verdict => "verdict",
            Self::Finding => "finding",
            Self::Gap => "gap",
            Self::Announcer => "announcer",
            Self::Candidates => "candidates",
            Self::Endpoints => "endpoints",
            Self::Tries => "tries",
            Self::Statuses => "statuses",
            Self::Certificates => "certificates",
            Self::Latency => "latency",
            Self::Paths => "paths",
        }
    }
}

/// Whether a change is for the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    Worse,
    Better,
    Other,
}

/// One thing that changed. What is `None` was not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub about: About,
    /// Whose, such as a place; empty where there is but one.
    pub of: String,
    pub was: Option<String>,
    pub is: Option<String>,
    pub weight: Weight,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Result {
    Same,
    Worse,
    Changed,
}

/// Everything that changed from one outcome to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    pub format: &'static str,
    pub lbdiag: &'static str,
    pub result: Result,
    /// When the two runs began.
    pub before: String,
    pub after: String,
    pub changes: Vec<Change>,
}

/// What is compared of a run, be it over or not.
#[derive(Clone, Copy)]
pub struct RunSeen<'a> {
    pub started: &'a str,
    pub verdict: Verdict,
    pub findings: &'a [Finding],
    pub gaps: &'a [Gap],
    pub observed: &'a Observed,
}

impl<'a> From<&'a Outcome> for RunSeen<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let Outcome { started, verdict, findings, gaps, observed, .. } = outcome;
        Self { started, verdict: *verdict, findings, gaps, observed }
    }
}

/// The changes from one outcome to another.
#[must_use]
pub fn compare(before: &Outcome, after: &Outcome) -> Comparison {
    compare_runs(before.into(), after.into())
}

/// The changes from one run to another.
#[must_use]
pub fn compare_runs(before: RunSeen, after: RunSeen) -> Comparison {
    let mut changes = Changes(Vec::new());
    changes.differ(About::Service, "", service(before), service(after), Weight::Other);
    changes.verdict(before.verdict, after.verdict);
    changes.findings(before, after);
    changes.gaps(before, after);
    changes.observed(before.observed, after.observed);
    let worse = changes.0.iter().any(|change| change.weight == Weight::Worse);
    let result = if worse {
        Result::Worse
    } else if changes.0.is_empty() {
        Result::Same
    } else {
        Result::Changed
    };
    Comparison {
        format: "lbdiag-diff/1",
        lbdiag: env!("CARGO_PKG_VERSION"),
        result,
        before: before.started.to_owned(),
        after: after.started.to_owned(),
        changes: changes.0,
    }
}

fn service(seen: RunSeen) -> Option<String> {
    let service = seen.observed.service.as_ref()?;
    let address = service.address.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    let port = service.port.map(|port| format!(" port {port}")).unwrap_or_default();
    Some(format!("{}/{} {address}{port}", service.namespace, service.name))
}

/// The changes so far.
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, about: About, of: &str, was: Option<String>, is: Option<String>, weight: Weight) {
        self.0.push(Change { about, of: of.to_owned(), was, is, weight });
    }

    fn differ(&mut self, about: About, of: &str, was: Option<String>, is: Option<String>, weight: Weight) {
        if was != is {
            self.add(about, of, was, is, weight);
        }
    }

    fn verdict(&mut self, before: Verdict, after: Verdict) {
        // A run that cannot tell is worse than one that warns.
        let rank = |verdict: Verdict| match verdict {
            Verdict::Pass => 0,
            Verdict::Warn => 1,
            Verdict::Inconclusive => 2,
            Verdict::Fail => 3,
        };
        let weight = if rank(after) > rank(before) { Weight::Worse } else { Weight::Better };
        let word = |verdict: Verdict| Some(verdict.word().to_owned());
        self.differ(About::Verdict, "", word(before), word(after), weight);
    }

    fn findings(&mut self, before: RunSeen, after: RunSeen) {
        let (was, is) = (known(before), known(after));
        for (key, old) in &was {
            match is.get(key) {
                None => self.add(About::Finding, "", Some(told(old)), None, weight(old.severity, Weight::Better)),
                Some(new) if new.severity != old.severity => {
                    let heavier = if new.severity > old.severity { Weight::Worse } else { Weight::Better };
                    self.add(About::Finding, "", Some(told(old)), Some(told(new)), heavier);
                }
                Some(_) => {}
            }
        }
        for new in is.iter().filter(|(key, _)| !was.contains_key(*key)).map(|(_, new)| new) {
            self.add(About::Finding, "", None, Some(told(new)), weight(new.severity, Weight::Worse));
        }
    }

    fn gaps(&mut self, before: RunSeen, after: RunSeen) {
        let known = |seen: RunSeen| -> BTreeMap<String, bool> {
            seen.gaps.iter().map(|gap| (format!("{} of {}", gap.name, role::subject(&gap.subject)), gap.decisive)).collect()
        };
        let (was, is) = (known(before), known(after));
        for (gap, _) in was.iter().filter(|(gap, _)| !is.contains_key(*gap)) {
            self.add(About::Gap, "", Some(gap.clone()), None, Weight::Other);
        }
        for (gap, decisive) in is.iter().filter(|(gap, _)| !was.contains_key(*gap)) {
            self.add(About::Gap, "", None, Some(gap.clone()), if *decisive { Weight::Worse } else { Weight::Other });
        }
    }

    fn observed(&mut self, before: &Observed, after: &Observed) {
        let nodes = |seen: &Observed| seen.announcement.as_ref().map(|announcement| listed(&announcement.nodes));
        self.differ(About::Announcer, "", nodes(before), nodes(after), Weight::Other);
        let candidates = |seen: &Observed| seen.announcement.as_ref().map(|announcement| listed(&announcement.candidates));
        self.differ(About::Candidates, "", candidates(before), candidates(after), Weight::Other);
        self.differ(About::Endpoints, "", endpoints(before), endpoints(after), Weight::Other);
        let of =
            |seen: &Observed| -> BTreeMap<String, Tries> { seen.tries.iter().map(|tries| (tries.from.clone(), tries.clone())).collect() };
        let (was, is) = (of(before), of(after));
        for from in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
            match (was.get(from), is.get(from)) {
                (Some(was), Some(is)) => self.tries(from, was, is),
                (was, is) => self.add(About::Tries, from, was.map(fared), is.map(fared), Weight::Other),
            }
        }
        self.paths(before, after);
    }

    fn tries(&mut self, from: &str, was: &Tries, is: &Tries) {
        let (old, new) = (share(was), share(is));
        if old != new {
            let weight = if new < old { Weight::Worse } else { Weight::Better };
            self.add(About::Tries, from, Some(fared(was)), Some(fared(is)), weight);
        }
        // Where nothing was answered there is none of the rest to compare.
        if was.answered == 0 || is.answered == 0 {
            return;
        }
        let statuses = |tries: &Tries| Some(listed(&tries.statuses.keys().map(u16::to_string).collect::<Vec<_>>()));
        self.differ(About::Statuses, from, statuses(was), statuses(is), Weight::Other);
        let certificates = |tries: &Tries| {
            let all: BTreeSet<String> = tries
                .certificates
                .iter()
                .map(|shown| format!("{} by {} for {} until {}", shown.subject, shown.issuer, listed(&shown.names), shown.valid_until))
                .collect();
            Some(listed(&all.into_iter().collect::<Vec<_>>()))
        };
        self.differ(About::Certificates, from, certificates(was), certificates(is), Weight::Other);
        // An answer that says something else takes another time.
        if let (Some(old), Some(new)) = (was.total_ms, is.total_ms)
            && was.statuses.keys().eq(is.statuses.keys())
            && beyond_noise((old.least, old.median, old.most), (new.least, new.median, new.most))
        {
            let told = |median: u64| Some(format!("median {median} ms"));
            let weight = if new.median > old.median { Weight::Worse } else { Weight::Better };
            self.add(About::Latency, from, told(old.median), told(new.median), weight);
        }
    }

    /// Between the same place and the same kind of endpoint; which endpoint a try comes to is chance.
    fn paths(&mut self, before: &Observed, after: &Observed) {
        let (was, is) = (roads(before), roads(after));
        for ((from, end), old) in &was {
            if let Some(new) = is.get(&(from.clone(), end.clone()))
                && old.is_disjoint(new)
            {
                let one = |all: &BTreeSet<String>| all.first().cloned();
                self.add(About::Paths, &format!("{from} to {end}"), one(old), one(new), Weight::Other);
            }
        }
    }
}

fn weight(severity: Severity, counts: Weight) -> Weight {
    if severity == Severity::Info { Weight::Other } else { counts }
}

/// Findings by their name and the roles of what they blame.
pub(super) fn known(seen: RunSeen<'_>) -> BTreeMap<(String, String), &Finding> {
    let endpoints = || seen.observed.target.iter().flat_map(|target| &target.endpoints);
    // A route to a pod is named by the pod's address, which is another each time.
    let blamed = |culprit: &Subject| match culprit {
        Subject::NodePart(node, Part::Route(to)) => match endpoints().find(|endpoint| endpoint.address.to_string() == *to) {
            Some(endpoint) => format!("node/{node}/route/{}", endpoint.pod.as_deref().map_or_else(|| to.clone(), role::pod)),
            None => role::subject(culprit),
        },
        other => role::subject(other),
    };
    let key = |finding: &Finding| {
        let culprits: BTreeSet<String> = finding.culprits.iter().map(blamed).collect();
        (finding.name.clone(), listed(&culprits.into_iter().collect::<Vec<_>>()))
    };
    seen.findings.iter().map(|finding| (key(finding), finding)).collect()
}

fn told(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Info => "info",
    };
    format!("{severity} {}: {}", finding.name, finding.summary)
}

/// How many endpoints each workload has on each node, in which state and at which port.
fn endpoints(seen: &Observed) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for endpoint in &seen.target.as_ref()?.endpoints {
        let who = endpoint.pod.as_deref().map_or_else(|| endpoint.address.to_string(), role::pod);
        let node = endpoint.node.as_deref().unwrap_or("no node");
        let port = endpoint.port.map_or_else(|| "no port".to_owned(), |port| format!("port {port}"));
        let state = if endpoint.ready { "ready" } else { "not ready" };
        *counts.entry(format!("{who} on {node}, {port}, {state}")).or_default() += 1;
    }
    let told = counts.into_iter().map(|(what, count)| if count == 1 { what } else { format!("{count} of {what}") });
    Some(told.collect::<Vec<_>>().join("; "))
}

/// None, some or all of the tries: how many some are is chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    None,
    Some,
    All,
}

fn share(tries: &Tries) -> Share {
    match tries.answered {
        0 => Share::None,
        answered if answered < tries.tried => Share::Some,
        _ => Share::All,
    }
}

fn fared(tries: &Tries) -> String {
    let failure = tries.first_failure.map(|ending| format!(", {}", ending.text())).unwrap_or_default();
    format!("{}/{} answered{failure}", tries.answered, tries.tried)
}

/// Whether two spreads (least, median, most) are surely apart: each median lies outside of the other's, and by enough to be felt.
fn beyond_noise((least, median, most): (u64, u64, u64), (other_least, other_median, other_most): (u64, u64, u64)) -> bool {
    const FELT_MS: u64 = 20;
    let outside = |value: u64, least: u64, most: u64| value < least || value > most;
    let (low, high) = (median.min(other_median), median.max(other_median));
    outside(median, other_least, other_most) && outside(other_median, least, most) && high >= 2 * low && high - low >= FELT_MS
}

/// The roads of answered tries, by the place that asked and the endpoint's workload and node.
fn roads(seen: &Observed) -> BTreeMap<(String, String), BTreeSet<String>> {
    let node_of = |pod: &str| {
        let endpoint = seen.target.iter().flat_map(|target| &target.endpoints).find(|endpoint| endpoint.pod.as_deref() == Some(pod));
        endpoint.and_then(|endpoint| endpoint.node.clone()).unwrap_or_default()
    };
    let mut all: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for path in seen.paths.iter().map(|seen| &seen.path).filter(|path| path.answered) {
        let Some(pod) = &path.pod else { continue };
        let spots = path.request.iter().chain(&path.answer).map(|hop| {
            let tunnel = hop.tunnel.as_ref().map(|tunnel| format!(" {tunnel}")).unwrap_or_default();
            format!("{}/{}{tunnel}", role::place(&hop.place), role::interface(&hop.interface))
        });
        let mut road: Vec<String> = spots.collect();
        road.dedup();
        all.entry((path.from.clone(), format!("{} on {}", role::pod(pod), node_of(pod)))).or_default().insert(road.join(" > "));
    }
    all
}

fn listed(all: &[String]) -> String {
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::beyond_noise;

    #[test]
    fn what_varies_anyway_is_no_change() {
        for (one, other, apart) in [
            ((1, 40, 90), (2, 60, 100), false),
            ((1, 2, 3), (9, 10, 11), false),
            ((1, 2, 5), (100, 200, 300), true),
            ((100, 200, 300), (1, 2, 5), true),
            ((1, 30, 500), (200, 400, 600), false),
        ] {
            assert_eq!(beyond_noise(one, other), apart, "{one:?} {other:?}");
        }
    }
}
