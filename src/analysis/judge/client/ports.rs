//! The ports from which a client's kernel makes connections: where none is left, its programs reach nobody, and no packet leaves it.

use crate::analysis::judge::case::{Case, found};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::probe::{Ending, Probe, SourcePorts, Vantage};
use crate::model::subject::Subject;

/// Of these tries the kernel was to choose the port: every fourth.
const CHOSEN: u32 = 4;

/// The usual range of Linux.
const USUAL: (u16, u16) = (32_768, 60_999);

/// Places whose kernel has no port left.
pub(super) fn none_left(case: &Case) -> Vec<Finding> {
    case.flow.iter().flat_map(|flow| &flow.probes).filter_map(of).collect()
}

/// Whether it is told by a finding why tries of the probe could not be made.
pub(in crate::analysis::judge) fn explains(probe: &Probe) -> bool {
    of(probe).is_some()
}

fn of(probe: &Probe) -> Option<Finding> {
    let ports = probe.source_ports.as_ref().filter(|ports| ports.used >= ports.usable())?;
    let mut missing = probe.attempts.iter().filter(|attempt| attempt.ending == Ending::CouldNotAsk).peekable();
    let count = missing.clone().count();
    let first = *missing.peek()?;
    if !missing.all(|attempt| attempt.number.is_multiple_of(CHOSEN)) || probe.made().next().is_none() {
        return None;
    }
    let (name, SourcePorts { first: from, last: to, used, .. }) = (probe.vantage.place(), ports);
    let usable = ports.usable();
    let mut evidence = vec![
        format!(
            "{count} of {} tries from {name} could not be made, all of them from ports that its kernel chooses: {}",
            probe.attempts.len(),
            first.detail
        ),
        format!("`sysctl net.ipv4.ip_local_port_range` on {name}: {from} {to}"),
    ];
    if !ports.reserved.is_empty() {
        evidence.push(format!("`sysctl net.ipv4.ip_local_reserved_ports` on {name}: {}", ports.reserved));
    }
    evidence.push(format!("{usable} ports may be chosen, and {used} of the range are bound (`ss -tan` on {name})"));
    evidence.push(format!("the other {} tries, from ports of their own, were made", probe.made().count()));
    let summary =
        format!("{name} has no source port left for its programs: all {usable} that its kernel may choose ({from} to {to}) are bound");
    let culprit = match &probe.vantage {
        Vantage::Node(node) => Subject::node(node),
        _ => Subject::client(name),
    };
    let mut finding = found(names::CLIENT_NO_SOURCE_PORT, vec![culprit], summary, evidence);
    let (least, most) = USUAL;
    let narrow = usable < u32::from(most - least) / 2;
    let widen = format!("sysctl -w net.ipv4.ip_local_port_range=\"{least} {most}\"");
    finding.next = if narrow {
        format!("On {name}: {widen}, and see who made it so small; ss -tanp tells what holds the ports.")
    } else {
        format!("On {name}: ss -tanp tells which program holds the ports; end its leaked connections.")
    };
    finding.from = vec![probe.vantage.text()];
    Some(finding)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::analysis::judge::{Case, judge};
    use crate::analysis::read::objects;
    use crate::model::finding::{Finding, Gap};
    use crate::model::flow::Flow;

    /// What is said of 8 tries from c2, of which these could not be made, where the kernel told that of its ports.
    fn told(missing: &[u32], ports: &serde_json::Value) -> (Vec<Finding>, Vec<Gap>) {
        let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
        let attempts: Vec<_> = (1..9)
            .map(|number| {
                let made = !missing.contains(&number);
                json!({"number": number, "size": "small", "source": "10.0.0.9", "source_port": if made { 20000 + number } else { 0 },
                    "ending": if made { "answered" } else { "could-not-ask" }, "status": null, "connect_ms": 1, "total_ms": 2,
                    "detail": if made { "" } else { "[Errno 99] Cannot assign requested address" }})
            })
            .collect();
        let probe = json!({"vantage": {"ssh": "c2"}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": attempts,
            "tool": "python3", "error": null, "source_ports": ports});
        let flow = Flow { probes: vec![serde_json::from_value(probe).unwrap()], ..Flow::default() };
        let judgement = judge(&Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] });
        let own = |finding: &Finding| finding.name == "client/no-source-port";
        let gap = |gap: &Gap| gap.subject.to_string() == "client/c2";
        (judgement.findings.into_iter().filter(own).collect(), judgement.gaps.into_iter().filter(gap).collect())
    }

    #[test]
    fn a_kernel_that_may_choose_no_more_than_is_bound() {
        let (findings, gaps) = told(&[4, 8], &json!({"first": 40000, "last": 40001, "reserved": "", "used": 2}));
        assert!(findings[0].summary.contains("all 2 that its kernel may choose (40000 to 40001)"), "{findings:?}");
        assert!(findings[0].next.contains("sysctl -w net.ipv4.ip_local_port_range") && gaps.is_empty(), "{findings:?} {gaps:?}");
        // What it keeps back does not count, and of a usual range that is full the range is not to blame.
        let (findings, _) = told(&[8], &json!({"first": 40000, "last": 40009, "reserved": "1000,40002-40009", "used": 2}));
        assert!(findings[0].summary.contains("all 2 that"), "{findings:?}");
        let (findings, _) = told(&[4, 8], &json!({"first": 32768, "last": 60999, "reserved": "", "used": 28232}));
        assert!(findings[0].next.contains("leaked") && !findings[0].next.contains("sysctl -w"), "{findings:?}");
    }

    #[test]
    fn what_may_have_another_reason_stays_open_and_leads_to_no_packets() {
        for (missing, ports) in [
            (vec![4, 8], json!({"first": 40000, "last": 40009, "reserved": "", "used": 9})),
            (vec![3, 4], json!({"first": 40000, "last": 40001, "reserved": "", "used": 2})),
            (vec![4], json!(null)),
        ] {
            let (findings, gaps) = told(&missing, &ports);
            assert!(findings.is_empty() && gaps.len() == 1, "{findings:?} {gaps:?}");
            let next = gaps[0].next.as_deref().unwrap();
            assert!(next.contains("ip_local_port_range") && !next.contains("packets"), "{next}");
        }
    }
}
