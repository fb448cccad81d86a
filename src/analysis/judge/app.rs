//! The connection stands: what the program in the pod does with it.

mod hung_up;
mod incomplete;
mod open;

use crate::analysis::judge::case::{Case, found};
use std::collections::{BTreeMap, BTreeSet};

use super::road::{Leg, Point, Road};
use super::rule::{AllOf, Apply::One, Log, Proof};
use super::tries::{OfTries, Tries};
use super::{awaited, endpoints, pod, rules};
use crate::model::catalogue::names;
use crate::model::connection::Sighting;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::probe::{Ending, Probe, Speech};
use crate::model::subject::Subject;

/// Connections that were made and not answered, whose packets all passed: one finding a cause.
pub(super) fn findings(case: &Case, log: &Log, roads: &[&Road]) -> (Vec<Finding>, Vec<Gap>) {
    (log.all(&PROGRAM, "", &Tries { case, roads, node: "" }), open::gaps(case, roads, |road| name(road).err()))
}

/// Whether the program speaks what the run was told, since another endpoint answered the same: then it is not the protocol.
fn spoken_elsewhere(road: &Road) -> bool {
    let own = road.endpoint();
    own.is_some()
        && road.case.roads().iter().any(|other| other.connection.attempt.answered() && other.endpoint().is_some_and(|end| Some(end) != own))
}

/// What the program in the pod does with a connection that stands.
pub(super) const PROGRAM: AllOf<OfTries> = AllOf {
    title: "the program",
    proofs: &[&CLOSES, &ANSWERS_FILTERED, &NO_ANSWER, &incomplete::INCOMPLETE, &PROTOCOL_MISMATCH, &REFUSES_TLS, &RESETS],
};

const CLOSES: Proof<OfTries> = Proof {
    rule: &rules::APP_CLOSES,
    title: "a program that closes without an answer",
    needs: "connections that the client sees closed, and a FIN that leaves the pod",
    apply: One(|tries| of_name(tries, names::APP_CLOSES)),
};

const ANSWERS_FILTERED: Proof<OfTries> = Proof {
    rule: &rules::POD_FIREWALL_DROP,
    title: "a packet filter inside the pod that takes answers of connections that stand",
    needs: "requests that reach the pod, no answer that leaves it, and a rule of the pod that answers may meet and that counted as many as were lost",
    apply: One(|tries| answers_filtered(tries)),
};

fn answers_filtered(tries: &Tries) -> Option<Finding> {
    let silent = |road: &&Road| matches!(road.connection.attempt.ending, Ending::TlsTimeout | Ending::AnswerTimeout | Ending::AnswerStalls);
    let mut pods: BTreeMap<&str, Vec<&Road>> = BTreeMap::new();
    for road in tries.roads.iter().copied().filter(silent) {
        if let Some(pod) = road.endpoint().and_then(|(ip, _)| tries.case.pod_at(ip)) {
            pods.entry(pod).or_default().push(road);
        }
    }
    pods.into_iter().find_map(|(pod, roads)| pod::takes_answers(tries.case, pod, &roads)?.ok())
}

/// Whether a packet filter inside the pod may have taken the answer: then the program may well have given one.
fn may_be_filtered(road: &Road) -> bool {
    let pod = road.endpoint().and_then(|(ip, _)| road.case.pod_at(ip));
    pod.is_some_and(|pod| pod::takes_answers(road.case, pod, &[road]).is_some())
}

const NO_ANSWER: Proof<OfTries> = Proof {
    rule: &rules::APP_NO_ANSWER,
    title: "a program that takes the request and does not answer",
    needs: "connections that stand, and a request that was seen to reach the pod",
    apply: One(|tries| of_name(tries, names::APP_NO_ANSWER)),
};

const PROTOCOL_MISMATCH: Proof<OfTries> = Proof {
    rule: &rules::APP_PROTOCOL_MISMATCH,
    title: "a program that speaks another protocol than it was asked in",
    needs: "an answer that is not in the protocol of the request, which was not told by who started the run",
    apply: One(|tries| of_name(tries, names::APP_PROTOCOL_MISMATCH)),
};

const REFUSES_TLS: Proof<OfTries> = Proof {
    rule: &rules::APP_REFUSES_TLS,
    title: "a program that refuses TLS as it was asked",
    needs: "a TLS alert that the client got, and data that leaves the pod; or connections that the same pod closed or reset beside such ones",
    apply: One(|tries| of_name(tries, names::APP_REFUSES_TLS)),
};

const RESETS: Proof<OfTries> = Proof {
    rule: &rules::APP_RESETS,
    title: "a program that resets the connection",
    needs: "connections that the client sees reset, and a RST that leaves the pod",
    apply: One(|tries| of_name(tries, names::APP_RESETS)),
};

fn of_name(tries: &Tries, wanted: &'static str) -> Option<Finding> {
    let roads: Vec<&Road> = tries.roads.iter().copied().filter(|road| name(road) == Ok(wanted)).collect();
    (!roads.is_empty()).then(|| finding(tries.case, wanted, &roads))
}

fn name(road: &Road) -> Result<&'static str, String> {
    let from_pod = |what: Sighting| {
        road.hops(move |hop| !hop.request && hop.passage == Passage::Out && hop.place.contains('/') && hop.what == what).next().is_some()
    };
    let told = road.case.probes().any(|probe| probe.request.speech.is_some());
    let pod = road.points().into_iter().find(|point| matches!(point, Point::Pod(_)));
    match road.connection.attempt.ending {
        // Whoever told the run what to speak may be wrong, and the Service's port promises nothing of it.
        Ending::TlsMismatch
        | Ending::HttpMismatch
        | Ending::TlsTimeout
        | Ending::AnswerTimeout
        | Ending::Closed
        | Ending::Reset
            if told && !spoken_elsewhere(road) =>
        {
            Err("the run was told what to speak, and the program does not answer that: it may speak another protocol".to_owned())
        }
        Ending::TlsMismatch | Ending::HttpMismatch => Ok(names::APP_PROTOCOL_MISMATCH),
        // Whoever refuses ends the connection at once, and its alert may come too late.
        Ending::Closed | Ending::Reset if (from_pod(Sighting::Fin) || from_pod(Sighting::Reset)) && refused_beside(road) => {
            Ok(names::APP_REFUSES_TLS)
        }
        Ending::TlsAlert if sent_from_pod(road) => Ok(names::APP_REFUSES_TLS),
        Ending::Closed | Ending::Reset if alerted_beside(road) => {
            Err("other tries were refused by a TLS alert, and it was not seen whether this one was, too".to_owned())
        }
        Ending::Closed if from_pod(Sighting::Fin) => Ok(names::APP_CLOSES),
        Ending::Reset | Ending::Closed if from_pod(Sighting::Reset) => Ok(names::APP_RESETS),
        Ending::TlsTimeout | Ending::AnswerTimeout => match pod {
            _ if let Some(took) = road.too_slow() => Err(format!(
                "the way from {} to the node and back takes {}.{} s, so that its tries end before an answer can come; nothing is seen to be lost",
                road.client(),
                took / 1_000,
                took % 1_000 / 100
            )),
            // Of a request that the client alone saw whole, a part may have been lost before the node.
            _ if awaited::by_traffic(road) => {
                Err("what came of the client's request is not answered: the program does not answer, or the rest of it was lost before the node".to_owned())
            }
            Some(pod) if road.passed(Leg::RequestData, &pod) => {
                if let Some(place) = stopped_beside(road) {
                    return Err(format!("data that follows the request was seen on its way back at {place}, and did not come to the client"));
                }
                if let Some(left) = late(road) {
                    return Err(format!(
                        "the request takes so long to reach the pod that the program has {}.{} s of the {} s that are waited to answer it",
                        left / 1_000,
                        left % 1_000 / 100,
                        road.connection.attempt.total_ms / 1_000
                    ));
                }
                if may_be_filtered(road) {
                    return Err("the request reaches the pod, and a packet filter inside it took packets that may be its answers".to_owned());
                }
                Ok(names::APP_NO_ANSWER)
            }
            Some(_) => Err("the connection was made, and the request was not seen to reach the pod".to_owned()),
            None => Err(open::NOT_WATCHED.to_owned()),
        },
        Ending::AnswerStalls | Ending::AnswerCut => incomplete::name(road),
        Ending::TlsAlert => Err(format!(
            "the TLS handshake is refused ({}), and the pod was not seen to send that",
            road.connection.attempt.detail
        )),
        other => Err(format!("the connection ended ({other:?}) in a way that the captures do not show")),
    }
}

/// Where data of an answer was seen that did not come to its client: of this try, or of another one to the same endpoint, which then does answer.
fn stopped_beside(road: &Road) -> Option<String> {
    let own = road.endpoint();
    let all = road.case.roads();
    let same = all.iter().filter(|other| own.is_some() && other.endpoint() == own && !other.connection.attempt.answered());
    same.filter_map(Road::answer_stopped_at).map(str::to_owned).next()
}

/// What was left to the program to answer, where most of the time was over before the request was there: milliseconds.
fn late(road: &Road) -> Option<i64> {
    let waited = i64::try_from(road.connection.attempt.total_ms).ok()?;
    road.left_to_the_program().map(|left| left.max(0)).filter(|left| left * 2 < waited)
}

/// Whether data of this connection was seen to leave the pod.
fn sent_from_pod(road: &Road) -> bool {
    road.points().iter().any(|point| matches!(point, Point::Pod(_)) && road.passed(Leg::ReplyData, point))
}

/// Whether the same endpoint refused another try by an alert.
fn refused_beside(road: &Road) -> bool {
    let own = road.endpoint();
    own.is_some()
        && road
            .case
            .roads()
            .iter()
            .any(|other| other.connection.attempt.ending == Ending::TlsAlert && other.endpoint() == own && sent_from_pod(other))
}

/// Whether another try, to the same endpoint as far as is known, ended with an alert that its client read: no capture has to show that.
fn alerted_beside(road: &Road) -> bool {
    let same = |other: &Road| other.endpoint().is_none() || road.endpoint().is_none() || other.endpoint() == road.endpoint();
    road.case.roads().iter().any(|other| other.connection.attempt.ending == Ending::TlsAlert && same(other))
}

/// What an alert says, in the words of the tools that ask; why it is sent; and what to do. RFC 8446, section 6.
const ALERTS: [(&str, &str, &str); 7] = [
    (
        "certificate required",
        "it asks for a client certificate, and lbdiag shows none",
        "Nothing is wrong where clients are to show a certificate: ask as they do (curl --cert FILE --key FILE). Where they are not, turn that off in the program.",
    ),
    (
        "unrecognized name",
        "it serves no name such as it was asked for",
        "Ask for a name that it serves: --set sni=NAME. Where the name was right, correct it in the program's configuration.",
    ),
    (
        "unknown ca",
        "it does not trust the client's certificate",
        "Compare the client's certificate with the authorities that the program trusts.",
    ),
    ("bad certificate", "it does not take the client's certificate", "Compare the client's certificate with what the program takes."),
    (
        "protocol version",
        "it speaks none of the TLS versions that it was offered",
        "Compare the TLS versions of the program with those of its clients.",
    ),
    (
        "no application protocol",
        "it speaks no protocol that it was offered by ALPN",
        "Compare the program's protocols with those of its clients.",
    ),
    (
        "handshake failure",
        "it finds nothing that both sides can speak, or wants a name or a certificate",
        "Ask with a name (--set sni=NAME); where clients are to show a certificate, ask as they do; compare versions and ciphers. The program's log says which.",
    ),
];

fn alert(detail: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let detail = detail.to_lowercase().replace('_', " ");
    ALERTS.iter().find(|(said, ..)| detail.contains(said))
}

fn refused_tls(case: &Case, roads: &[&Road], culprits: Vec<Subject>, listed: &str) -> Finding {
    let details = roads.iter().map(|road| &road.connection.attempt).filter(|attempt| attempt.ending == Ending::TlsAlert);
    let details: BTreeSet<&str> = details.map(|attempt| attempt.detail.as_str()).collect();
    let known = details.iter().find_map(|detail| alert(detail));
    let named = case.probes().find_map(|probe| probe.request.sni.as_ref());
    let why = match known {
        Some((said, _, _)) if *said == "unrecognized name" && named.is_none() => format!("{said}: it was asked for none (no SNI)"),
        Some((said, why, _)) => format!("{said}: {why}"),
        None => details.iter().copied().collect::<Vec<_>>().join(", "),
    };
    let mut evidence = vec![format!("{} connections: made, and then refused by the program itself", roads.len())];
    evidence.extend(details.iter().map(|detail| format!("its TLS alert, as the client read it: {detail}")));
    let mut finding = found(names::APP_REFUSES_TLS, culprits, format!("{listed} refuses TLS as it was asked: {why}"), evidence);
    if let Some((_, _, next)) = known {
        (*next).clone_into(&mut finding.next);
    }
    finding
}

fn within_tls(probe: &Probe) -> bool {
    probe.speech == Speech::Https
}

/// For how long an answer was waited for: a slower program is no silent one.
fn waited(roads: &[&Road]) -> String {
    let longest = roads.iter().map(|road| road.connection.attempt.total_ms).max().unwrap_or_default();
    if longest < 1_000 { String::new() } else { format!(" within {} s", longest / 1_000) }
}

fn finding(case: &Case, name: &str, roads: &[&Road]) -> Finding {
    let pods: BTreeSet<String> =
        roads.iter().filter_map(|road| road.endpoint()).filter_map(|(ip, _)| case.pod_at(ip)).map(str::to_owned).collect();
    let mut culprits = case.pods_as_culprits(&pods);
    let first = roads.first().map(|road| road.connection.attempt.detail.clone()).unwrap_or_default();
    let listed = pods.iter().cloned().collect::<Vec<_>>().join(", ");
    if name == names::APP_REFUSES_TLS {
        return refused_tls(case, roads, culprits, &listed);
    }
    if name == names::APP_INCOMPLETE_ANSWER {
        return incomplete::finding(roads, culprits, &listed);
    }
    let (mut inside, mut slow) = (false, false);
    let in_tls = roads.iter().all(|road| road.connection.attempt.ending == Ending::TlsMismatch);
    let asked = if in_tls { ("TLS", "plain text") } else { ("plain HTTP", "another protocol, which may be TLS") };
    let (summary, evidence) = match name {
        names::APP_PROTOCOL_MISMATCH => {
            let all = case
                .target
                .is_some_and(|target| target.serving().iter().filter_map(|endpoint| endpoint.pod.as_deref()).all(|pod| pods.contains(pod)));
            if all && let Some(target) = case.target {
                // Every pod speaks the other protocol: it is the Service's port that promises the wrong one.
                culprits.insert(0, Subject::service_port(&case.service.namespace, &case.service.name, &endpoints::port_name(target)));
            }
            inside = roads.iter().all(|road| road.connection.attempt.ending == Ending::HttpMismatch) && case.probes().any(within_tls);
            if inside {
                (
                    "the program speaks TLS, and what it says inside is not HTTP".to_owned(),
                    format!("the handshake succeeded ({first}), and what came back to an HTTP request is no HTTP"),
                )
            } else {
                (
                    format!("lbdiag asked in {}, and the pods answer in {}", asked.0, asked.1),
                    format!("what came back to {} is {}: {first}; {}", asked.0, asked.1, why_asked(case, asked.0)),
                )
            }
        }
        names::APP_RESETS => (format!("{listed} accepts the connection and resets it"), "the reset leaves the pod itself".to_owned()),
        names::APP_CLOSES => hung_up::told(case, &listed),
        _ if let Some(part) = Part::of(case, roads, &pods) => {
            slow = true;
            (
                format!("{listed} does not answer {} of {} tries{}", part.failed, part.failed + part.answered, waited(roads)),
                format!(
                    "the request's payload reaches the pod and no answer leaves it in time; {} other tries there are answered, the slowest after {}.{} s",
                    part.answered,
                    part.slowest / 1_000,
                    part.slowest % 1_000 / 100
                ),
            )
        }
        _ => (
            format!("{listed} accepts the connection, takes the request and does not answer{}", waited(roads)),
            "the request's payload reaches the pod and is acknowledged, no answer leaves it".to_owned(),
        ),
    };
    let repeated = roads.iter().filter(|road| road.repeated()).count();
    let count = match (roads.len() - repeated, repeated) {
        (first, 0) => format!("{first} connections"),
        (0, again) => format!("{again} connections of the repetition"),
        (first, again) => format!("{first} connections, and {again} of the repetition"),
    };
    let mut finding = found(name, culprits, summary, vec![format!("{count}: {evidence}")]);
    if slow {
        let probe = case.probes().next().map_or(0, |probe| probe.attempts.len());
        finding.next = format!(
            "It works and is slow, or has too few workers for the {probe} tries that each place makes at once: ask with --tries 1 to see a single \
             one. Look at its log, at its CPU limit (kubectl get pod -o yaml, kubectl top pod) and at what it waits for."
        );
    }
    if inside {
        "Ask in what it speaks: the TLS handshake alone with --set probe=tls. Where it is to speak HTTP/1.1, correct the program."
            .clone_into(&mut finding.next);
    }
    finding
}

/// A program that answers some of the tries.
struct Part {
    failed: usize,
    answered: usize,
    /// Of those that are answered, milliseconds.
    slowest: u64,
}

impl Part {
    /// `None` where none is answered.
    fn of(case: &Case, failing: &[&Road], pods: &BTreeSet<String>) -> Option<Self> {
        let all = case.roads();
        let here = |road: &&Road| road.endpoint().and_then(|(ip, _)| case.pod_at(ip)).is_some_and(|pod| pods.contains(pod));
        let times: Vec<u64> = all
            .iter()
            .filter(|road| road.connection.attempt.answered())
            .filter(here)
            .map(|road| road.connection.attempt.total_ms)
            .collect();
        Some(Self { failed: failing.len(), answered: times.len(), slowest: times.iter().copied().max()? })
    }
}

/// By what of the port it was chosen what to speak, and how to ask otherwise.
fn why_asked(case: &Case, spoken: &str) -> String {
    let Some(port) = case.target.map(|target| &target.port) else { return format!("{spoken} was chosen by the Service's port") };
    let by = match (&port.app_protocol, port.name.as_str()) {
        (Some(protocol), _) => format!("its appProtocol, {protocol}"),
        (None, "") => format!("its number, {}", port.port),
        (None, name) => format!("its name and number, {name} {}", port.port),
    };
    let other = if spoken == "TLS" { "http" } else { "https" };
    format!("{spoken} was chosen by {by}; to ask otherwise: --probe {other}")
}
