//! Answers that came, and are not those that were expected; and tries that could not be made. What the program means by a status is its
//! own matter, so that none of them is a cause here; but a run that was told what to expect does not pass with something else.

use crate::analysis::judge::case::Case;
use crate::analysis::judge::client::ports;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::probe::{Attempt, Ending, Probe, Vantage};
use crate::model::subject::Subject;

/// What came back otherwise than expected, in every round.
pub(super) fn unexpected(case: &Case) -> Vec<Gap> {
    let probes: Vec<&Probe> = case.probes().collect();
    statuses(case, &probes).into_iter().chain(not_asked(case)).chain(unread(&probes)).collect()
}

/// Statuses that were not expected, and the pods that gave them.
fn statuses(case: &Case, probes: &[&Probe]) -> Option<Gap> {
    let expected: BTreeSet<u16> = probes.iter().flat_map(|probe| probe.request.statuses.iter().copied()).collect();
    if expected.is_empty() {
        return None;
    }
    let mut others: BTreeMap<u16, BTreeSet<String>> = BTreeMap::new();
    let mut count: BTreeMap<u16, usize> = BTreeMap::new();
    for attempt in probes.iter().flat_map(|probe| probe.made()) {
        if let Some(status) = attempt.status.filter(|status| !expected.contains(status)) {
            others.entry(status).or_default();
            *count.entry(status).or_default() += 1;
        }
    }
    for road in case.roads() {
        if let Some(pods) = road.connection.attempt.status.and_then(|status| others.get_mut(&status)) {
            pods.extend(road.connection.pod.clone());
        }
    }
    let told: Vec<String> = others
        .iter()
        .map(|(status, pods)| {
            let by =
                if pods.is_empty() { String::new() } else { format!(" by {}", pods.iter().cloned().collect::<Vec<_>>().join(" and ")) };
            format!("{} tries are answered {status}{by}", count.get(status).copied().unwrap_or_default())
        })
        .collect();
    let expected = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    (!told.is_empty()).then(|| {
        Gap::new(
            names::EVIDENCE_UNDECIDED,
            case.service,
            format!("{}, where {expected} is expected", told.join(", ")),
            "why the program answers so: its own log at that time tells",
        )
        .decisive()
    })
}

/// Vantage points from which not one try could be made: that the others are answered says nothing of them.
fn not_asked(case: &Case) -> Vec<Gap> {
    // A host that could not be reached is a gap already.
    let told = |probe: &Probe| case.gaps.iter().any(|gap| gap.decisive && *gap.subject == Subject::from(&probe.vantage));
    let tried = |probe: &Probe| probe.error.is_some() || !probe.attempts.is_empty();
    let none = |probe: &&Probe| probe.awaited.is_none() && tried(probe) && probe.made().next().is_none() && !told(probe);
    let probes = case.flow.iter().flat_map(|flow| &flow.probes).filter(none);
    let gap = |probe: &Probe| {
        let why =
            probe.attempts.iter().map(|attempt| attempt.detail.as_str()).find(|detail| !detail.is_empty()).unwrap_or("no try was made");
        let place = probe.vantage.place();
        let reason = format!("no try could be made on {place} itself: {why}");
        let vip = case.address().map_or_else(|| "ADDRESS".to_owned(), |vip| vip.to_string());
        let next = format!(
            "On {place}: ip route get {vip}; ip rule; iptables -S OUTPUT or nft list ruleset. Nothing left it, so that the rest of the way was not tried from there."
        );
        Gap::new(names::EVIDENCE_UNDECIDED, &probe.vantage, reason, format!("whether the Service answers {}", probe.vantage.place()))
            .with_next(next)
            .decisive()
    };
    let part = |probe: &&Probe| {
        probe.awaited.is_none()
            && !told(probe)
            && !ports::explains(probe)
            && probe.made().next().is_some()
            && probe.made().count() < probe.attempts.len()
    };
    let some = case.flow.iter().flat_map(|flow| &flow.probes).filter(part).map(|probe| {
        let missing: Vec<&Attempt> = probe.attempts.iter().filter(|attempt| attempt.ending == Ending::CouldNotAsk).collect();
        let why = missing.iter().map(|attempt| attempt.detail.as_str()).find(|detail| !detail.is_empty()).unwrap_or("it is not told why");
        let of_kernel =
            if missing.iter().all(|attempt| attempt.number % 4 == 0) { ", which ask from ports that its kernel chooses" } else { "" };
        let reason = format!(
            "{} of {} tries could not be made from {}{of_kernel}: {why}",
            missing.len(),
            probe.attempts.len(),
            probe.vantage.text()
        );
        Gap::new(
            names::EVIDENCE_UNDECIDED,
            &probe.vantage,
            reason,
            format!("whether {} can make connections as its programs do", probe.vantage.place()),
        )
        .with_next(unmade(probe))
        .decisive()
    });
    probes.map(gap).chain(some).collect()
}

/// Where nothing was sent, no packet can be followed: what the kernel says there has to be looked at.
fn unmade(probe: &Probe) -> String {
    let told = probe.source_ports.as_ref().map_or_else(String::new, |ports| {
        format!(" Its range was {} to {}, with {} of {} ports bound.", ports.first, ports.last, ports.used, ports.usable())
    });
    format!(
        "On {}: sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports, and how many of these ports are bound: ss -Htan | awk '{{print $4}}' | sort -u | wc -l.{told}",
        probe.vantage.place()
    )
}

/// Answered tries whose status could not be told by what the host has.
fn unread(probes: &[&Probe]) -> Vec<Gap> {
    let blind = |probe: &&&Probe| {
        !matches!(probe.vantage, Vantage::Client(_))
            && !probe.request.statuses.is_empty()
            && probe.made().any(|attempt| attempt.answered() && attempt.status.is_none())
    };
    let gap = |probe: &&Probe| {
        let reason = format!("{} makes connections there, and cannot ask by HTTP", probe.tool);
        Gap::new(names::EVIDENCE_TOOL_MISSING, &probe.vantage, reason, "which HTTP status the Service answers with").decisive()
    };
    probes.iter().filter(blind).map(gap).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::unexpected;
    use crate::analysis::judge::{Case, judge};
    use crate::analysis::read::objects;
    use crate::model::finding::Gap;
    use crate::model::flow::Flow;

    /// The gaps, and the whole verdict's, of one probe that was told this and answered so.
    fn check(request: &serde_json::Value, attempts: &[Option<u16>], names: &[&str]) -> (Vec<Gap>, Vec<Gap>) {
        let service = objects::service(
            &json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
        );
        let attempts: Vec<_> = (1..)
            .zip(attempts)
            .map(|(number, status)| {
                json!({"number": number, "size": "small", "source": "10.0.0.9", "source_port": 20000 + number, "ending": "answered",
                "status": status, "connect_ms": 1, "total_ms": 2, "detail": ""})
            })
            .collect();
        let certificate = json!({"subject": "CN=x", "issuer": "CN=x", "names": names, "valid_from": 0, "valid_until": 1});
        let probe = json!({"vantage": {"ssh": "c1"}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": attempts,
            "tool": "python3", "error": null, "request": request, "certificates": [certificate]});
        let flow = Flow { probes: vec![serde_json::from_value(probe).unwrap()], ..Flow::default() };
        let case = Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] };
        (unexpected(&case), judge(&case).gaps)
    }

    #[test]
    fn an_unexpected_status_keeps_the_run_from_passing() {
        let (gaps, all) = check(&json!({"statuses": [200, 204]}), &[Some(200), Some(503), Some(503)], &[]);
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].decisive && gaps[0].reason == "2 tries are answered 503, where 200 or 204 is expected", "{gaps:?}");
        assert!(all.contains(&gaps[0]));
        assert!(check(&json!({"statuses": [200]}), &[Some(200)], &[]).0.is_empty());
        assert!(check(&json!({}), &[Some(503)], &[]).0.is_empty());
    }

    #[test]
    fn a_status_that_could_not_be_read_is_no_expected_one() {
        let (gaps, _) = check(&json!({"statuses": [200]}), &[None], &[]);
        assert!(gaps.len() == 1 && gaps[0].decisive && gaps[0].name == "evidence/tool-missing");
    }

    #[test]
    fn a_place_that_lets_no_try_be_made_did_not_pass() {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
        let attempt = |ending: &str| {
            json!({"number": 1, "size": "small", "source": null, "source_port": 20000, "ending": ending, "status": null, "connect_ms": null,
            "total_ms": 2, "detail": "[Errno 22] Invalid argument"})
        };
        let check = |endings: &[&str]| {
            let attempts: Vec<_> = endings.iter().map(|ending| attempt(ending)).collect();
            let probe = json!({"vantage": {"ssh": "c1"}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": attempts,
                "tool": "python3", "error": null});
            let flow = Flow { probes: vec![serde_json::from_value(probe).unwrap()], ..Flow::default() };
            unexpected(&Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] })
        };
        let gaps = check(&["could-not-ask", "could-not-ask"]);
        assert!(gaps.len() == 1 && gaps[0].decisive && gaps[0].reason.contains("Invalid argument"), "{gaps:?}");
        let part = check(&["could-not-ask", "answered"]);
        assert!(
            part.len() == 1 && part[0].decisive && part[0].reason.starts_with("1 of 2 tries could not be made from ssh:c1"),
            "{part:?}"
        );
        assert!(check(&["answered", "answered"]).is_empty() && check(&[]).is_empty());
    }
}
