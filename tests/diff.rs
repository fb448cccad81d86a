//! Runs compared by meaning: forty pairs of recordings, half of which differ in nothing that means anything.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::outcome::Outcome;
use lbdiag::outcomes::{About, Result, compare};
use lbdiag::report;

fn outcome(recording: &str) -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let playbook = engine::load(&root.join("playbooks/metallb-flow.rhai")).map_err(|broken| broken.to_string()).expect("the playbook");
    let opened = recorded::open(&root.join(format!("tests/recordings/{recording}.lbdiag"))).expect("a recording");
    let prepared = Prepared::replay(playbook, opened, &[]).expect("parameters");
    prepared.replayed(Duration::from_secs(120)).expect("a replay").outcome
}

/// What is another in the next run of the same cluster in the same state.
#[derive(Clone, Copy, Debug)]
enum Nature {
    /// Nothing at all.
    Again,
    /// The pods were made anew: names and addresses, links and MACs.
    Pods,
    /// Every try has another source port.
    Ports,
    /// The rule stands in another line.
    RuleMoved,
    /// It took a bit longer or shorter.
    Slower,
    /// It ran later.
    Later,
}

/// The outcome as that would make it.
fn by_nature(outcome: &Outcome, nature: Nature) -> Outcome {
    let text = report::json(outcome);
    let changed = match nature {
        Nature::Again => text,
        // The recordings' pods end in five letters behind their template's hash.
        Nature::Pods => renamed(&text),
        Nature::Ports => text.replace(":2", ":3").replace("\"number\": 1,", "\"number\": 2,"),
        Nature::RuleMoved => text.replace("rule 1 of", "rule 7 of"),
        Nature::Slower => {
            let mut slower = outcome.clone();
            for tries in &mut slower.observed.tries {
                for spread in [&mut tries.total_ms, &mut tries.connect_ms].into_iter().flatten() {
                    (spread.least, spread.median, spread.most) = (spread.least + 1, spread.median + spread.median / 3, spread.most + 40);
                }
                // Of tries of which some are answered, chance has how many.
                if tries.answered > 1 && tries.answered < tries.tried {
                    tries.answered -= 1;
                }
            }
            return slower;
        }
        Nature::Later => text.replace(&outcome.started, "2031-01-01T00:00:00Z"),
    };
    let mut read: Outcome = serde_json::from_str(&changed).expect("an outcome");
    read.took_ms += 100;
    read
}

/// Every pod's and link's random end turned by one letter.
fn renamed(text: &str) -> String {
    const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";
    let next = |c: char| {
        let at = LETTERS.find(c).unwrap_or(0);
        LETTERS[(at + 1) % LETTERS.len()..].chars().next().unwrap_or('b')
    };
    let turned = |end: &str| end.chars().map(next).collect::<String>();
    let mut ends: BTreeMap<String, String> = BTreeMap::new();
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
        let parts: Vec<&str> = word.rsplitn(3, '-').collect();
        if let [end, hash, _] = parts[..]
            && end.len() == 5
            && (6..=10).contains(&hash.len())
            && [end, hash].iter().all(|part| part.chars().all(|c| LETTERS.contains(c)))
        {
            ends.insert(format!("-{hash}-{end}"), format!("-{}-{}", turned(hash), turned(end)));
        }
    }
    let mut text = text.to_owned();
    for (end, other) in &ends {
        text = text.replace(end.as_str(), other);
    }
    text.replace("/veth", "/vethz").replace("\"veth", "\"vethz").replace("/cali", "/calix").replace("\"cali", "\"calix")
}

/// Pairs that mean the same.
const SAME: [(&str, Nature); 20] = [
    ("healthy", Nature::Again),
    ("healthy", Nature::Pods),
    ("healthy", Nature::Ports),
    ("healthy", Nature::Slower),
    ("healthy", Nature::Later),
    ("udp-healthy", Nature::Pods),
    ("udp-healthy", Nature::Slower),
    ("node-firewall-drops-only-routed-client-network", Nature::RuleMoved),
    ("node-firewall-drops-only-routed-client-network", Nature::Ports),
    ("overlay-vxlan-port-blocked-inbound", Nature::RuleMoved),
    ("overlay-vxlan-port-blocked-inbound", Nature::Slower),
    ("pod-app-frozen-in-one-pod", Nature::Pods),
    ("pod-app-frozen-in-one-pod", Nature::Slower),
    ("app-never-accepts", Nature::Pods),
    ("app-listens-on-ipv6-alone", Nature::Pods),
    ("route-pod-network-wrong", Nature::Ports),
    ("router-stale-neighbour", Nature::Later),
    ("ann-no-l2advertisement", Nature::Again),
    ("pod-bridge-down", Nature::Pods),
    ("application-says-503-with-an-expired-certificate", Nature::Pods),
];

/// Pairs that do not: how they compare, and what has to be among the changes.
const CHANGED: [(&str, &str, Result, &[About]); 20] = [
    ("healthy", "node-firewall-drops-only-routed-client-network", Result::Worse, &[About::Verdict, About::Finding, About::Tries]),
    ("node-firewall-drops-only-routed-client-network", "healthy", Result::Changed, &[About::Verdict, About::Finding, About::Tries]),
    ("healthy", "overlay-vxlan-port-blocked-inbound", Result::Worse, &[About::Verdict, About::Finding, About::Tries]),
    ("healthy", "ann-no-l2advertisement", Result::Worse, &[About::Finding, About::Announcer, About::Tries]),
    ("healthy", "app-never-accepts", Result::Worse, &[About::Finding, About::Tries]),
    ("healthy", "pod-app-frozen-in-one-pod", Result::Worse, &[About::Finding, About::Tries]),
    ("healthy", "application-says-503-with-an-expired-certificate", Result::Worse, &[About::Finding, About::Statuses]),
    ("application-says-503-with-an-expired-certificate", "healthy", Result::Changed, &[About::Finding, About::Statuses]),
    ("healthy", "ep-selector-matches-nothing", Result::Worse, &[About::Finding, About::Endpoints]),
    ("healthy", "ep-kubelets-stopped", Result::Worse, &[About::Finding, About::Endpoints, About::Tries]),
    ("healthy", "ann-split-brain-memberlist-blocked", Result::Worse, &[About::Verdict, About::Finding, About::Announcer]),
    ("healthy", "announcer-off", Result::Worse, &[About::Finding, About::Announcer, About::Gap]),
    ("healthy", "udp-healthy", Result::Changed, &[About::Service, About::Endpoints]),
    ("healthy", "client-could-not-ask", Result::Worse, &[About::Verdict, About::Gap]),
    ("healthy", "router-mtu-below-a-certificate", Result::Worse, &[About::Verdict, About::Tries, About::Gap]),
    ("l2-client-stale-arp", "router-stale-neighbour", Result::Worse, &[About::Finding, About::Tries]),
    ("overlay-route-to-pod-network-missing", "route-pod-network-wrong", Result::Worse, &[About::Finding]),
    ("client-no-route", "client-rejects-by-itself", Result::Worse, &[About::Finding, About::Tries]),
    ("node-forwarding-off-on-one-interface", "node-time-to-live-ends", Result::Worse, &[About::Finding]),
    ("pod-firewall-in-one-pod", "healthy", Result::Changed, &[About::Verdict, About::Finding]),
];

#[test]
fn forty_pairs_are_compared_by_what_they_mean() {
    let mut known: BTreeMap<&str, Outcome> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, nature) in SAME {
        let before = known.entry(name).or_insert_with(|| outcome(name));
        let comparison = compare(before, &by_nature(before, nature));
        if comparison.result != Result::Same {
            wrong.push(format!("{name} and the same {nature:?}: {:#?}", comparison.changes));
        }
    }
    for (before, after, result, about) in CHANGED {
        let was = known.entry(before).or_insert_with(|| outcome(before)).clone();
        let is = known.entry(after).or_insert_with(|| outcome(after));
        let comparison = compare(&was, is);
        let all = about.iter().all(|about| comparison.changes.iter().any(|change| change.about == *about));
        if comparison.result != result || !all {
            wrong.push(format!(
                "{before} and {after}: {:?}, and not {result:?} with {about:?}: {:#?}",
                comparison.result, comparison.changes
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_command_takes_recordings_and_outcomes_and_says_by_its_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().expect("a directory");
    let kept = directory.path().join("healthy.json");
    std::fs::write(&kept, report::json(&outcome("healthy"))).expect("a written outcome");
    let diff = |before: &str, after: &str, form: &str| {
        let ran = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(["diff", before, after, "--report", form]).current_dir(root).output();
        let ran = ran.expect("lbdiag runs");
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (healthy, broken) = ("tests/recordings/healthy.lbdiag", "tests/recordings/pod-app-frozen-in-one-pod.lbdiag");
    let kept = kept.to_str().expect("a path");
    let (code, text, told) = diff(kept, healthy, "text");
    assert!(code == Some(0) && text.starts_with("SAME"), "{code:?} {text}{told}");
    let (code, text, told) = diff(kept, broken, "text");
    assert!(code == Some(3) && text.starts_with("WORSE") && text.contains("verdict"), "{code:?} {text}{told}");
    let (code, text, told) = diff(broken, kept, "json");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(code == Some(4) && json["result"] == "changed", "{code:?} {text}{told}");
    assert!(diff(kept, broken, "markdown").1.contains("| what | was | is |"));
    // What a finding rests on is no difference between runs.
    let without = directory.path().join("without.json");
    let mut known = outcome("pod-app-frozen-in-one-pod");
    known.findings.iter_mut().for_each(|finding| finding.rests_on.clear());
    std::fs::write(&without, report::json(&known)).expect("a written outcome");
    let (code, text, told) = diff(without.to_str().expect("a path"), broken, "text");
    assert!(code == Some(0) && text.starts_with("SAME"), "{code:?} {text}{told}");
    let (code, _, told) = diff("Cargo.toml", kept, "text");
    assert!(code == Some(2) && told.contains("neither an outcome"), "{told}");
}
