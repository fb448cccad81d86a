//! How well it was answered: statuses that say that the program failed, and certificates that a client which verifies them refuses.
//!
//! A status below 500 is no fault of the path nor of the program: a login page answers whoever is not logged in with 401, 403 or a
//! redirection, and a request for `/` of a program that has nothing there is a 404. Who knows better says which are expected.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::judge::case::{Case, found};
use crate::analysis::read::certificate;
use crate::model::answers::listed;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::probe::{Attempt, Certificate, Probe};
use crate::model::subject::Subject;

use super::road::Road;
use super::rule::{AllOf, Apply::One, Log, Proof};
use super::rules;
use super::tries::{OfTries, Tries};

/// The first status by which a server says that it failed itself (RFC 9110 §15.6).
const SERVER_ERROR: u16 = 500;

/// How the answers are, whatever became of the other tries.
pub(super) const QUALITY: AllOf<OfTries> =
    AllOf { title: "the answers", proofs: &[&ANSWERS_WITH_ERRORS, &CERTIFICATE_EXPIRED, &CERTIFICATE_OTHER_NAME] };

const ANSWERS_WITH_ERRORS: Proof<OfTries> = Proof {
    rule: &rules::APP_ANSWERS_WITH_ERRORS,
    title: "answers that say that the server failed",
    needs: "HTTP statuses of 500 and above, that who started the run does not expect",
    apply: One(|tries| errors(tries.case)),
};

const CERTIFICATE_EXPIRED: Proof<OfTries> = Proof {
    rule: &rules::APP_CERTIFICATE_EXPIRED,
    title: "a certificate out of its time",
    needs: "a certificate that was shown, and the time of the run before its first or after its last moment",
    apply: One(|tries| out_of_time(tries.case)),
};

const CERTIFICATE_OTHER_NAME: Proof<OfTries> = Proof {
    rule: &rules::APP_CERTIFICATE_OTHER_NAME,
    title: "a certificate for another name",
    needs: "a name that TLS asked for, and a certificate that was shown for it and does not hold it",
    apply: One(|tries| for_another_name(tries.case)),
};

/// What is wrong with the answers that came.
pub(super) fn findings(case: &Case, log: &Log) -> Vec<Finding> {
    log.all(&QUALITY, "", &Tries { case, roads: &[], node: "" })
}

/// The statuses of every try, with how many each answered.
pub(super) fn statuses(case: &Case) -> BTreeMap<u16, usize> {
    counted(&case.probes().flat_map(Probe::made).collect::<Vec<_>>())
}

fn counted(attempts: &[&Attempt]) -> BTreeMap<u16, usize> {
    let mut all = BTreeMap::new();
    for status in attempts.iter().filter_map(|attempt| attempt.status) {
        *all.entry(status).or_default() += 1;
    }
    all
}

/// The statuses of a probe by which the server says that it failed, and that nobody expects.
fn failures(probe: &Probe) -> BTreeMap<u16, usize> {
    let mut all = counted(&probe.made().filter(|attempt| attempt.answered()).collect::<Vec<_>>());
    all.retain(|status, _| *status >= SERVER_ERROR && !probe.request.statuses.contains(status));
    all
}

fn errors(case: &Case) -> Option<Finding> {
    let mut all: BTreeMap<u16, usize> = BTreeMap::new();
    let mut by_place: BTreeMap<String, BTreeMap<u16, usize>> = BTreeMap::new();
    for probe in case.probes() {
        for (status, count) in failures(probe) {
            *all.entry(status).or_default() += count;
            *by_place.entry(probe.vantage.text()).or_default().entry(status).or_default() += count;
        }
    }
    let failed: usize = all.values().sum();
    if failed == 0 {
        return None;
    }
    let answered: usize = case.probes().flat_map(Probe::made).filter(|attempt| attempt.answered()).count();
    let mut evidence: Vec<String> =
        by_place.iter().map(|(from, statuses)| format!("tries from {from} are answered with {}", listed(statuses))).collect();
    let pods = answered_by(case, &all);
    evidence.extend(pods.iter().map(|(pod, count)| format!("{count} of these answers came from {pod}")));
    let counts: Vec<(String, usize)> = pods.iter().map(|(pod, count)| (pod.clone(), *count)).collect();
    let pods: BTreeSet<String> = pods.into_keys().collect();
    let command = match &pods.first() {
        Some(pod) => {
            let others: Vec<String> = counts.iter().skip(1).take(3).map(|(pod, count)| format!("{pod} ({count} answers)")).collect();
            let first = counts.first().map(|(_, count)| format!(" ({count} answers)")).unwrap_or_default();
            let rest = if others.is_empty() { String::new() } else { format!("; the same of {}", others.join(", ")) };
            format!("kubectl logs -n {} {pod} --all-containers --since=1h{first}{rest}", case.service.namespace)
        }
        None => format!("kubectl describe service -n {} {}", case.service.namespace, case.service.name),
    };
    let culprits =
        if pods.is_empty() { vec![Subject::service(&case.service.namespace, &case.service.name)] } else { case.pods_as_culprits(&pods) };
    let codes = all.keys().map(u16::to_string).collect::<Vec<_>>().join(" and ");
    let mut finding = found(
        names::APP_ANSWERS_WITH_ERRORS,
        culprits,
        if failed == answered {
            format!("answered with HTTP {codes} every time: all {failed} answers say that the server failed")
        } else {
            format!("answered with HTTP {codes}: {failed} of {answered} answers say that the server failed")
        },
        evidence,
    );
    finding.next = format!("Read what the program says of these requests: {command}");
    Some(finding)
}

/// The pods that tries with these statuses were followed to, each with their number.
fn answered_by(case: &Case, statuses: &BTreeMap<u16, usize>) -> BTreeMap<String, usize> {
    let mut pods = BTreeMap::new();
    let of_these = |road: &&Road| road.connection.attempt.status.is_some_and(|status| statuses.contains_key(&status));
    for pod in case.roads().iter().filter(of_these).filter_map(|road| road.connection.pod.clone()) {
        *pods.entry(pod.rsplit('/').next().unwrap_or(&pod).to_owned()).or_default() += 1;
    }
    pods
}

/// A certificate that is wrong, and who was shown it.
#[derive(Default)]
struct Shown {
    from: BTreeSet<String>,
    /// Tries that were shown it, where the tools that asked tell that.
    tries: usize,
    /// The pods that these were followed to, each with their number.
    pods: BTreeMap<String, usize>,
}

/// Certificates that a condition takes, by what is wrong with them.
fn shown_with<'a>(case: &Case<'a>, wrong: impl Fn(&'a Probe, &Certificate) -> Option<String>) -> BTreeMap<String, Shown> {
    let mut all: BTreeMap<String, Shown> = BTreeMap::new();
    let roads = case.roads();
    for probe in case.probes() {
        for (place, told) in probe.certificates.iter().enumerate().filter_map(|(place, shown)| Some((place, wrong(probe, shown)?))) {
            let entry = all.entry(told).or_default();
            entry.from.insert(probe.vantage.text());
            let of_it: BTreeSet<u16> =
                probe.made().filter(|attempt| attempt.certificate == Some(place)).map(|attempt| attempt.source_port).collect();
            entry.tries += of_it.len();
            let its = |road: &&Road| road.connection.vantage == probe.vantage && of_it.contains(&road.connection.attempt.source_port);
            for pod in roads.iter().filter(its).filter_map(|road| case.pod_at(road.endpoint()?.0)) {
                *entry.pods.entry(pod.to_owned()).or_default() += 1;
            }
        }
    }
    all
}

/// Tries that were shown a certificate, where the tools tell which.
fn shown_any(case: &Case) -> usize {
    case.probes().flat_map(Probe::made).filter(|attempt| attempt.certificate.is_some()).count()
}

fn of_certificates(case: &Case, name: &str, wrong: &BTreeMap<String, Shown>) -> Option<Finding> {
    let (first, shown) = wrong.first_key_value()?;
    let told =
        |(what, shown): (&String, &Shown)| format!("{what}, asked from {}", shown.from.iter().cloned().collect::<Vec<_>>().join(" and "));
    let mut evidence: Vec<String> = wrong.iter().map(told).collect();
    let all = shown_any(case);
    let part = shown.tries > 0 && wrong.values().map(|shown| shown.tries).sum::<usize>() < all;
    // Whoever shows it to a part of the tries alone is one of several.
    let pods: BTreeMap<&String, usize> =
        if part { wrong.values().flat_map(|shown| &shown.pods).map(|(pod, count)| (pod, *count)).collect() } else { BTreeMap::new() };
    evidence.extend(pods.iter().map(|(pod, count)| format!("{pod} shows it: {count} tries that were shown it were followed there")));
    let names: BTreeSet<String> = pods.keys().map(|pod| (*pod).clone()).collect();
    let culprits =
        if names.is_empty() { vec![Subject::service(&case.service.namespace, &case.service.name)] } else { case.pods_as_culprits(&names) };
    let summary = match (part, names.is_empty()) {
        (true, false) => {
            format!("{first}: {} alone shows it, to {} of {all} tries", names.iter().cloned().collect::<Vec<_>>().join(", "), shown.tries)
        }
        (true, true) => format!("{first}: {} of {all} tries are shown it", shown.tries),
        _ => first.clone(),
    };
    let mut finding = found(name, culprits, summary, evidence);
    let probe = case.probes().find(|probe| !probe.certificates.is_empty())?;
    let sni = probe.request.sni.as_ref().map(|sni| format!(" -servername {sni}")).unwrap_or_default();
    let of_a_pod = names.first().and_then(|pod| {
        let target = case.target?;
        let end = target.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?;
        Some(std::net::SocketAddr::new(end.ip, end.port?))
    });
    let ends = of_a_pod.unwrap_or_else(|| std::net::SocketAddr::new(probe.address, probe.port));
    let whence = if of_a_pod.is_some() { " on a node" } else { "" };
    finding.next = format!(
        "{} What is served now is shown{whence} by: openssl s_client -connect {ends}{sni} </dev/null | openssl x509 -noout -subject -ext \
         subjectAltName -dates",
        finding.next
    );
    Some(finding)
}

fn out_of_time(case: &Case) -> Option<Finding> {
    let wrong = |probe: &Probe, shown: &Certificate| {
        let standing = certificate::standing(shown, probe.asked_at?)?;
        Some(format!("the certificate {} {standing}", shown.subject))
    };
    of_certificates(case, names::APP_CERTIFICATE_EXPIRED, &shown_with(case, wrong))
}

fn for_another_name(case: &Case) -> Option<Finding> {
    let wrong = |probe: &Probe, shown: &Certificate| {
        let sni = probe.request.sni.as_ref().filter(|sni| !certificate::is_for(shown, sni))?;
        let names = if shown.names.is_empty() { "no names".to_owned() } else { shown.names.join(", ") };
        Some(format!("asked for {sni}, the Service shows the certificate {} for {names}", shown.subject))
    };
    of_certificates(case, names::APP_CERTIFICATE_OTHER_NAME, &shown_with(case, wrong))
}

#[cfg(test)]
mod tests;
