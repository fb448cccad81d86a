//! Answers that came are judged by what they say.

use serde_json::{Value, json};

use crate::analysis::judge::{Case, Judgement, judge};
use crate::analysis::read::objects;
use crate::model::finding::{Finding, Severity};
use crate::model::flow::Flow;

/// The judgement of tries that were all answered, with these statuses, a certificate for these names, and what the run was told.
fn judged(request: &Value, statuses: &[Option<u16>], names: &[&str], now: u64) -> Judgement {
    let service = objects::service(
        &json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}),
    );
    let attempts: Vec<_> = (1_u16..)
        .zip(statuses)
        .map(|(number, status)| {
            json!({"number": number, "size": "small", "source": "10.0.0.9", "source_port": 20000 + number, "ending": "answered",
            "status": status, "connect_ms": number, "total_ms": number * 10, "detail": ""})
        })
        .collect();
    let certificate = json!({"subject": "CN=x", "issuer": "CN=x", "names": names, "valid_from": 1_000, "valid_until": 2_000});
    let probe = json!({"vantage": {"ssh": "c1"}, "address": "10.0.0.1", "port": 443, "speech": "https", "attempts": attempts,
        "tool": "python3", "error": null, "request": request, "certificates": [certificate], "asked_at": now});
    let flow = Flow { probes: vec![serde_json::from_value(probe).unwrap()], ..Flow::default() };
    judge(&Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] })
}

fn of<'a>(judgement: &'a Judgement, name: &str) -> Option<&'a Finding> {
    judgement.findings.iter().find(|finding| finding.name == name)
}

#[test]
fn statuses_of_a_server_that_failed_are_warned_of_and_stand_in_the_first_line() {
    for (status, statuses) in [(503, vec![Some(503), Some(503)]), (500, vec![Some(200), Some(500)]), (502, vec![Some(404), Some(502)])] {
        let judgement = judged(&json!({}), &statuses, &[], 1_500);
        let finding = of(&judgement, "app/answers-with-errors").unwrap();
        assert_eq!(finding.severity, Severity::Warn);
        assert!(judgement.summary.contains(&format!("HTTP {status}")), "{}", judgement.summary);
        assert!(finding.next.contains("kubectl "), "{}", finding.next);
    }
}

#[test]
fn what_is_expected_or_is_a_login_page_is_no_fault() {
    for statuses in [[Some(401), Some(403)], [Some(404), Some(302)], [Some(200), None]] {
        assert_eq!(of(&judged(&json!({}), &statuses, &[], 1_500), "app/answers-with-errors"), None, "{statuses:?}");
    }
    let told = json!({"statuses": [503]});
    assert_eq!(of(&judged(&told, &[Some(503)], &[], 1_500), "app/answers-with-errors"), None);
    assert!(of(&judged(&told, &[Some(503), Some(504)], &[], 1_500), "app/answers-with-errors").is_some());
}

#[test]
fn a_certificate_out_of_its_time_is_told_with_the_day() {
    for (now, told) in [(2_001, "expired on 1970-01-01"), (999, "is not valid before 1970-01-01")] {
        let judgement = judged(&json!({}), &[Some(200)], &[], now);
        let finding = of(&judgement, "app/certificate-expired").unwrap();
        assert!(finding.summary.contains(told) && finding.severity == Severity::Warn, "{finding:?}");
        assert!(finding.next.contains("openssl s_client -connect 10.0.0.1:443 </dev/null"), "{}", finding.next);
    }
    for now in [1_000, 2_000] {
        assert_eq!(of(&judged(&json!({}), &[Some(200)], &[], now), "app/certificate-expired"), None, "{now}");
    }
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let told = |request: Value, names: &[&str]| {
        let judgement = judged(&request, &[Some(200)], names, 1_500);
        of(&judgement, "app/certificate-other-name").cloned()
    };
    let finding = told(json!({"sni": "web.example"}), &["other.example"]).unwrap();
    assert!(finding.summary.contains("for other.example") && finding.next.contains("-servername web.example"), "{finding:?}");
    assert!(told(json!({"sni": "web.example"}), &[]).is_some_and(|finding| finding.summary.contains("for no names")));
    assert_eq!(told(json!({"sni": "web.example"}), &["*.example"]), None);
    assert_eq!(told(json!({}), &["other.example"]), None, "no name was asked for");
}
