//! What a case saw, as data for reports and comparisons: nothing is judged here, and no sentence is made.

use std::collections::BTreeMap;

use super::announcement::sources_of;
use super::judge::Case;
use super::paths::paths;
use crate::model::announcement::Announcement;
use crate::model::answers::Spread;
use crate::model::connection::{Path, PathHop};
use crate::model::endpoint::Target;
use crate::model::flow::Flow;
use crate::model::observed::{
    Again, AnnouncementSeen, EndpointSeen, Observed, PathSeen, Resolved, ServiceSeen, StateSeen, TargetSeen, Tries,
};
use crate::model::probe::{Attempt, Probe, Size};
use crate::model::witness::Witness;

/// Everything that was seen, but for the run's times, which only its end knows.
#[must_use]
pub fn observed(case: &Case, witnesses: &[Witness]) -> Observed {
    Observed {
        service: Some(service(case)),
        announcement: case.announcement.map(|announcement| announced(announcement, case.flow)),
        target: case.target.map(|target| ends(target, witnesses)),
        tries: tries(case),
        paths: taken(case),
        states: case.closer.iter().flat_map(|closer| &closer.states).map(|pair| state(&pair.after)).collect(),
        stages: Vec::new(),
    }
}

fn service(case: &Case) -> ServiceSeen {
    let port = case.target.map(|target| &target.port).or_else(|| case.service.ports.first());
    ServiceSeen {
        namespace: case.service.namespace.clone(),
        name: case.service.name.clone(),
        address: case.address(),
        port: port.map(|port| port.port),
        port_name: port.map(|port| port.name.clone()).unwrap_or_default(),
        protocol: port.map(|port| port.protocol),
    }
}

fn announced(announcement: &Announcement, flow: Option<&Flow>) -> AnnouncementSeen {
    let asked = flow.iter().flat_map(|flow| &flow.arp).filter(|ask| !ask.asked.is_empty());
    let resolved = asked.map(|ask| {
        let mut macs: Vec<String> = ask.replies.iter().map(|(_, mac)| mac.clone()).collect();
        macs.sort();
        macs.dedup();
        Resolved { from: ask.host.name.clone(), macs }
    });
    AnnouncementSeen {
        protocol: announcement.protocol.clone(),
        nodes: announcement.nodes.clone(),
        expected: announcement.expected.clone(),
        candidates: announcement.candidates.clone(),
        excluded: announcement.excluded.clone(),
        agreement: announcement.agreement,
        because: announcement.because.clone(),
        sides: announcement.sides.clone(),
        sources: sources_of(announcement),
        since: announcement.history.since.clone(),
        resolved: resolved.collect(),
    }
}

fn ends(target: &Target, witnesses: &[Witness]) -> TargetSeen {
    let seen = |endpoint: &crate::model::endpoint::Endpoint| {
        let own = endpoint.port.map(|port| std::net::SocketAddr::new(endpoint.ip, port).to_string());
        let tied = witnesses.iter().filter(|witness| own.as_ref() == Some(&witness.endpoint));
        EndpointSeen {
            pod: endpoint.pod.clone(),
            address: endpoint.ip,
            port: endpoint.port,
            node: endpoint.node.clone(),
            ready: endpoint.ready,
            serving: endpoint.serving,
            terminating: endpoint.terminating,
            answered: tied.map(|witness| witness.source_ports.len()).sum(),
        }
    };
    TargetSeen {
        target_port: target.port.target_port.clone(),
        slices_read: target.slices_read,
        endpoints: target.endpoints.iter().map(seen).collect(),
    }
}

/// The tries of each place, in the order in which the places were asked.
fn tries(case: &Case) -> Vec<Tries> {
    let mut places: Vec<(String, Vec<&Probe>)> = Vec::new();
    for probe in case.probes().filter(|probe| !probe.nobody_asked()) {
        let from = probe.vantage.text();
        match places.iter_mut().find(|(known, _)| *known == from) {
            Some((_, probes)) => probes.push(probe),
            None => places.push((from, vec![probe])),
        }
    }
    places.into_iter().filter_map(|(from, probes)| tries_of(case, from, &probes)).collect()
}

fn tries_of(case: &Case, from: String, probes: &[&Probe]) -> Option<Tries> {
    let first = *probes.first()?;
    let (mut again, mut own): (Vec<&Probe>, Vec<&Probe>) = probes.iter().copied().partition(|probe| probe.repeated);
    if attempts(&own).is_empty() && !attempts(&again).is_empty() {
        // A round that could not be made is none: what was made is the first.
        (own, again) = (again, Vec::new());
    }
    let (made, repeated) = (attempts(&own), attempts(&again));
    let all: Vec<&Attempt> = made.iter().chain(&repeated).copied().collect();
    let answered: Vec<&Attempt> = all.iter().copied().filter(|attempt| attempt.answered()).collect();
    let failed: Vec<&Attempt> = all.iter().copied().filter(|attempt| !attempt.answered()).collect();
    let mut sizes: BTreeMap<String, Again> = BTreeMap::new();
    for attempt in &all {
        let size = sizes.entry(size(attempt)).or_default();
        size.tried += 1;
        size.answered += usize::from(attempt.answered());
    }
    let mut certificates = Vec::new();
    for shown in probes.iter().flat_map(|probe| &probe.certificates) {
        if !certificates.contains(shown) {
            certificates.push(shown.clone());
        }
    }
    let resent = case.flow.iter().flat_map(|flow| &flow.resent).filter(|connection| connection.vantage == first.vantage);
    Some(Tries {
        from,
        speech: first.speech,
        tool: first.tool.clone(),
        tried: made.len(),
        answered: made.iter().filter(|attempt| attempt.answered()).count(),
        again: (!again.is_empty())
            .then(|| Again { tried: repeated.len(), answered: repeated.iter().filter(|attempt| attempt.answered()).count() }),
        errors: counted(failed.iter().map(|attempt| attempt.ending)),
        first_failure: made.iter().find(|attempt| !attempt.answered()).map(|attempt| attempt.ending),
        statuses: counted(all.iter().filter_map(|attempt| attempt.status)),
        connect_ms: Spread::of(answered.iter().filter_map(|attempt| attempt.connect_ms)),
        total_ms: Spread::of(answered.iter().map(|attempt| attempt.total_ms)),
        largest_answer: answered.iter().filter_map(|attempt| attempt.received).max(),
        sizes,
        sent_again: resent.count(),
        certificates,
        error: first.error.clone().or_else(|| first.none_could_be_made().then(|| first.attempts[0].detail.clone())),
    })
}

fn attempts<'a>(probes: &[&'a Probe]) -> Vec<&'a Attempt> {
    probes.iter().flat_map(|probe| probe.made()).collect()
}

fn counted<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

fn size(attempt: &Attempt) -> String {
    match (attempt.bytes, attempt.size) {
        (Some(bytes), _) => bytes.to_string(),
        (None, Size::Small) => "small".to_owned(),
        (None, Size::Large) => "large".to_owned(),
    }
}

/// Every path of both rounds, once.
fn taken(case: &Case) -> Vec<PathSeen> {
    let mut all: Vec<PathSeen> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for flow in case.flow.into_iter().chain(case.closer.map(|closer| &closer.again)) {
        let ports: BTreeMap<(String, u32), u16> =
            flow.connections.iter().map(|one| ((one.vantage.text(), one.attempt.number), one.attempt.source_port)).collect();
        for path in paths(flow) {
            let port = ports.get(&(path.from.clone(), path.number)).copied();
            let at = *known.entry(shape(&path)).or_insert_with(|| {
                all.push(PathSeen { path, tries: 0, source_ports: Vec::new() });
                all.len() - 1
            });
            all[at].tries += 1;
            all[at].source_ports.extend(port);
        }
    }
    all
}

/// What two tries have in common that took one path: the places, and how it ended.
fn shape(path: &Path) -> String {
    let spots = |hops: &[PathHop]| hops.iter().map(|hop| format!("{} {:?}", hop.at, hop.what)).collect::<Vec<_>>().join(" > ");
    let last = path.last_seen.as_ref().map(|hop| (&hop.at, hop.what));
    format!(
        "{} {:?} {:?} {} | {} | {last:?} {:?}",
        path.from,
        path.ending,
        path.pod,
        spots(&path.request),
        spots(&path.answer),
        path.not_joined
    )
}

fn state(state: &super::state::place_state::PlaceState) -> StateSeen {
    StateSeen { place: state.place.to_string(), read: state.read().map(str::to_owned).collect(), missing: state.unread_sections().clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::analysis::read::objects;
    use crate::model::probe::Ending;

    fn probe(from: &str, endings: &[(&str, Option<u16>)], repeated: bool) -> Probe {
        let attempts: Vec<_> = (1_u16..)
            .zip(endings)
            .map(|(number, (ending, status))| {
                json!({"number": number, "size": "small", "source": "10.0.0.9", "source_port": 20000 + number, "ending": ending,
                    "status": status, "connect_ms": number, "total_ms": number * 10, "detail": "why"})
            })
            .collect();
        serde_json::from_value(
            json!({"vantage": {"ssh": from}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": attempts,
            "tool": "python3", "error": null, "repeated": repeated}),
        )
        .unwrap()
    }

    fn seen(first: Vec<Probe>, again: Vec<Probe>) -> Observed {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 443, "name": "https"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
        let flow = Flow { probes: first, ..Flow::default() };
        let closer = crate::analysis::state::closer::Closer { again: Flow { probes: again, ..Flow::default() }, ..Default::default() };
        observed(&Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] }, &[])
    }

    #[test]
    fn the_tries_of_a_place_are_counted_round_by_round() {
        let ok = ("answered", Some(200));
        let first = vec![probe("c2", &[ok, ("refused", None), ("answered", Some(503))], false), probe("c1", &[ok], false)];
        let all = seen(first, vec![probe("c2", &[("connect-timeout", None), ok], true)]);
        let service = all.service.as_ref().unwrap();
        assert_eq!((service.address, service.port, service.port_name.as_str()), ("10.0.0.1".parse().ok(), Some(443), "https"));
        assert_eq!(all.tries.iter().map(|tries| tries.from.as_str()).collect::<Vec<_>>(), ["ssh:c2", "ssh:c1"]);
        let tries = &all.tries[0];
        assert_eq!((tries.tried, tries.answered, tries.again), (3, 2, Some(Again { tried: 2, answered: 1 })));
        assert_eq!(tries.first_failure, Some(Ending::Refused));
        assert_eq!(tries.errors, BTreeMap::from([(Ending::Refused, 1), (Ending::ConnectTimeout, 1)]));
        assert_eq!(tries.statuses, BTreeMap::from([(200, 2), (503, 1)]));
        let spread = tries.total_ms.unwrap();
        assert_eq!((spread.least, spread.median, spread.most), (10, 20, 30));
        assert_eq!(tries.sizes["small"], Again { tried: 5, answered: 3 });
    }

    #[test]
    fn a_place_that_could_not_ask_says_why() {
        let all = seen(vec![probe("c1", &[("could-not-ask", None)], false)], Vec::new());
        assert_eq!((all.tries[0].tried, all.tries[0].error.as_deref()), (0, Some("why")));
    }
}
