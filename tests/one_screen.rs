//! A run's answer is read on one screen, names cause and place in its first lines, and is made of the JSON alone.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::side_by_side::side_by_side;
use lbdiag::model::finding::Severity;
use lbdiag::model::outcome::{Outcome, Verdict};
use lbdiag::model::subject::Subject;
use lbdiag::report::{self, Detail, Style};
use serde::Deserialize;

#[derive(Deserialize)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    recording: PathBuf,
}

fn outcomes() -> Vec<(String, Outcome)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    let text = std::fs::read_to_string(folder.join("metallb-flow.tests.yaml")).expect("the tests");
    let tests: Tests = serde_yaml::from_str(&text).expect("their form");
    assert!(tests.tests.len() > 30, "{} recordings", tests.tests.len());
    side_by_side(&tests.tests, |test| {
        let playbook = engine::load(&folder.join("metallb-flow.rhai")).map_err(|broken| broken.to_string()).expect("the playbook");
        let opened = recorded::open(&folder.join(&test.recording)).expect("a recording that opens");
        let prepared = Prepared::replay(playbook, opened, &[]).expect("parameters from the recording");
        let end = prepared.replayed(Duration::from_secs(120)).expect("a replay");
        (test.recording.display().to_string(), end.outcome)
    })
}

/// The name by which a place is known in a sentence; `None` for what the Service's own name stands for.
fn names(subject: &Subject) -> Vec<String> {
    match subject {
        Subject::Network { from, to } => vec![from.clone(), to.clone()],
        Subject::Service { .. } | Subject::ServicePort { .. } => Vec::new(),
        other => other.to_string().split('/').skip(1).map(str::to_owned).collect(),
    }
}

#[test]
fn every_recording_is_answered_on_one_screen_by_cause_and_place() {
    let mut wrong = Vec::new();
    for (name, outcome) in outcomes() {
        let text = report::text(&outcome, Style::PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        let most = if outcome.verdict == Verdict::Pass { 8 } else { 32 };
        if lines.len() > most {
            wrong.push(format!("{name} takes {} lines:\n{text}", lines.len()));
        }
        let headline = lines.iter().take_while(|line| !line.is_empty()).map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let Some(finding) = outcome.findings.iter().find(|finding| finding.severity == Severity::Fail) else { continue };
        let service = outcome.observed.service.as_ref().map(|service| format!("{}/{}", service.namespace, service.name));
        let asked = outcome.observed.tries.iter().map(|tries| tries.from.split(':').next_back().unwrap_or_default().to_owned());
        let places: Vec<String> = finding.culprits.iter().flat_map(names).chain(asked).collect();
        let placed = places.iter().any(|place| headline.contains(place.as_str())) || names(&finding.culprits[0]).is_empty();
        // The sentence of the finding, but for whose packets it is about.
        let first = finding
            .summary
            .split(" drops it")
            .next()
            .and_then(|head| head.split(" rejects it").next())
            .and_then(|head| head.split(" leaves it").next())
            .and_then(|head| head.split(" holds it").next())
            .unwrap_or_default();
        let caused = headline.contains(&first.replace("ssh:", ""));
        if !placed || !caused || !service.is_some_and(|service| headline.contains(&service)) || headline.contains("drops it") {
            wrong.push(format!("{name} does not say cause and place first: {headline}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is given to be typed at night has to mend what is broken, and nothing else.
#[test]
fn the_advice_of_these_recordings_names_what_mends_them() {
    let told: std::collections::BTreeMap<String, String> = outcomes()
        .into_iter()
        .map(|(name, outcome)| {
            let name = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".lbdiag").to_owned();
            (name, report::text(&outcome, Style { width: 400, ..Style::PLAIN }))
        })
        .collect();
    for (name, said) in [
        ("l2-client-stale-arp", "on c1: ip neigh del 10.88.64.100 dev eth0\n"),
        ("route-pod-network-wrong", "on n2: ip route replace 10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink\n"),
        ("route-pod-network-wrong", "leads to another node, n1\n"),
        ("route-to-own-pod-wrong", "on n3: ip route del 10.88.131.3 dev eth0\n"),
        ("node-rule-by-mark-leads-requests-away", "ip rule del from all fwmark 0x4000/0x4000 lookup 77"),
        ("pod-bridge-down", "on n3: ip link set cni0 up\n"),
        ("node-first-packets-lost", "slow at first: all 32 tries are answered"),
        ("router-loses-what-offers-ecn", "slow, not down"),
        ("node-first-packets-lost", "ip route show table all match 10.88.131.2"),
        ("overlay-route-to-pod-network-missing", "calico-node"),
        ("alloc-pool-exhausted", "kubectl edit ipaddresspool -n metallb-system services"),
        ("announcer-off", "Look at the console of n2 first."),
        ("l2-duplicate-address-foreign-host", "bridge fdb show"),
        ("pod-firewall-in-one-pod", "nsenter -t "),
        ("pod-nft-policy-drops", "nft table inet own on "),
        ("app-plain-http-behind-https-port", "lbdiag asked in TLS, and the pods answer in plain text\n"),
        ("app-plain-http-behind-https-port", "--probe http"),
        ("router-stale-neighbour", "router 10.88.64.1: 66:db:58:9b:da:70, "),
        ("client-by-traffic-drops-the-answers", "`tcpdump -ni any host 10.88.64.100 and port 443` on 10.88.192.50"),
        ("application-says-503-with-an-expired-certificate", "app/certificate-expired: Renew the certificate"),
    ] {
        let text = told.get(name).unwrap_or_else(|| panic!("{name} is among {:?}", told.keys()));
        assert!(text.contains(said), "{name} does not say {said:?}:\n{text}");
    }
    for (name, text) in &told {
        assert!(!text.contains("ip neigh flush"), "{name} says what leaves permanent entries alone:\n{text}");
    }
    let by_mark = &told["node-rule-by-mark-leads-requests-away"];
    assert!(!by_mark.contains("ip route del"), "a good route is to be deleted:\n{by_mark}");
}

#[test]
fn the_json_holds_all_that_the_text_says() {
    for (name, outcome) in outcomes() {
        let back: Outcome = serde_json::from_str(&report::json(&outcome)).expect("an outcome");
        for detail in [Detail::Answer, Detail::Facts, Detail::Questions] {
            let style = Style { detail, ..Style::PLAIN };
            assert_eq!(report::text(&back, style), report::text(&outcome, style), "{name}");
        }
        assert_eq!(
            outcome.observed.stages.iter().map(|stage| stage.took_ms).sum::<u64>(),
            outcome.took_ms,
            "{name}: the stages have a hole"
        );
        assert!(outcome.observed.service.is_some(), "{name}: the Service is not told");
    }
}
