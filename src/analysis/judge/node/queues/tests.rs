//! Queues on the way of lost packets, as tc prints them, and queues that are no cause.

use std::collections::BTreeSet;

use super::*;
use crate::analysis::state::sections::place_state;
use crate::model::connection::Connection;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Vantage};
use crate::model::service::Service;

/// n2 before and after, by what its traffic control prints and, of classes, what stands behind it.
fn pair(before: &str, after: &str) -> StatePair {
    let state = |text: &str| {
        let (queues, classes) = text.split_once("classes:\n").unwrap_or((text, ""));
        place_state(
            Place::sample("n2", HostKind::Node),
            &format!("=== traffic-control\n{queues}\n=== end 0\n=== tc-classes\n{classes}\n=== end 0\n"),
        )
    };
    StatePair { before: state(before), after: state(after) }
}

fn queue(head: &str, dropped: u64, backlog: &str) -> String {
    format!(
        "qdisc {head} \n Sent 900 bytes 9 pkt (dropped {dropped}, overlimits {} requeues 0) \n backlog {backlog} requeues 0\n",
        dropped * 3
    )
}

fn on(interfaces: &[&str]) -> BTreeSet<String> {
    interfaces.iter().map(|name| (*name).to_owned()).collect()
}

/// The summary and first culprit of what holds packets back, when the tries were given up after so many milliseconds.
fn held(before: &str, after: &str, interfaces: &[&str], gave_up: u64) -> Option<(String, String)> {
    let service: Service = crate::analysis::read::objects::service(&serde_json::json!({
        "metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]}}));
    let case = Case { service: &service, announcement: None, target: None, flow: None, closer: None, gaps: &[] };
    let attempt = Attempt { ending: Ending::ConnectTimeout, total_ms: gave_up, ..Attempt::sample() };
    let connection = Connection { vantage: Vantage::Ssh("c1".into()), attempt, hops: Vec::new(), pod: None, not_joined: None };
    let road = Road::new(&case, &connection, Vec::new());
    holds(&pair(before, after), "n2", &on(interfaces), &[&road]).map(|finding| (finding.summary, finding.culprits[0].to_string()))
}

#[test]
fn a_shaper_that_drops_on_their_way_is_named() {
    for head in [
        "tbf 8002: dev veth1 root refcnt 3 rate 1Kbit burst 100b lat 23.2s",
        "htb 1: dev veth1 root refcnt 2 r2q 10 default 0x10 direct_packets_stat 0 direct_qlen 1000",
        "netem 8003: dev veth1 root refcnt 2 limit 1000 loss 40%",
        "fq_codel 8004: dev veth1 root refcnt 2 limit 1p flows 1024 quantum 1514 target 5ms interval 100ms",
        "ingress ffff: dev veth1 parent ffff:fff1 ----------------",
    ] {
        let pair = pair(&queue(head, 28, "0b 0p"), &queue(head, 59, "0b 0p"));
        let finding = drops(&pair, "n2", &on(&["cni0", "veth1"]), 16).unwrap_or_else(|| panic!("{head}"));
        let kind = head.split_whitespace().next().unwrap();
        assert!(finding.summary.starts_with("the traffic control of n2/veth1 drops it"), "{}", finding.summary);
        assert!(
            finding.evidence[0].starts_with(&format!("tc on n2: the {kind} qdisc of veth1 dropped 31 packets")),
            "{:?}",
            finding.evidence
        );
        assert!(finding.evidence[0].ends_with("overlimits grew by 93"), "{:?}", finding.evidence);
        assert_eq!(finding.culprits[0].to_string(), "node/n2/interface/veth1");
    }
}

#[test]
fn what_drops_elsewhere_or_too_little_is_not_named() {
    let tbf = "tbf 8002: dev veth1 root refcnt 3 rate 1Kbit burst 100b lat 23.2s";
    let told = |before: u64, after: u64, interfaces: &[&str]| {
        let pair = pair(&queue(tbf, before, "0b 0p"), &queue(tbf, after, "0b 0p"));
        drops(&pair, "n2", &on(interfaces), 16).is_some()
    };
    assert!(told(0, 16, &["veth1"]));
    // It stood still, dropped fewer than were lost, or stands where these packets do not pass.
    assert!(!told(59, 59, &["veth1"]) && !told(0, 15, &["veth1"]) && !told(0, 16, &["veth2", "cni0"]));
}

#[test]
fn a_backlog_that_outlasts_the_tries_is_named() {
    let tbf = "tbf 8001: dev mlb root refcnt 3 rate 12Kbit burst 1599b lat 266s";
    let (summary, culprit) = held(&queue(tbf, 0, "42195b 185p"), &queue(tbf, 0, "58441b 350p"), &["mlb"], 4_000).unwrap();
    let expected = "the traffic control of n2/mlb holds it back for 38 s, longer than anybody waits for an answer: tbf rate 12Kbit burst 1599b lat 266s";
    assert_eq!((summary.as_str(), culprit.as_str()), (expected, "node/n2/interface/mlb"));
    let netem = "netem 8003: dev mlb root refcnt 2 limit 1000 delay 5s";
    let (summary, _) = held(&queue(netem, 0, "0b 0p"), &queue(netem, 0, "0b 0p"), &["mlb"], 4_000).unwrap();
    assert!(summary.contains("for 5.0 s"), "{summary}");
    // htb tells its rates in its classes alone.
    let class = "classes:\nat mlb\nclass htb 1:10 root prio 0 rate 12Kbit ceil 12Kbit burst 1599b cburst 1599b \n \
        Sent 9 bytes 9 pkt (dropped 0, overlimits 9 requeues 0) \n backlog 9000b 60p requeues 0\n";
    let htb = queue("htb 1: dev mlb root refcnt 2 r2q 10 default 0x10", 0, "9000b 60p") + class;
    let (summary, _) = held(&htb, &htb, &["mlb"], 4_000).unwrap();
    assert!(
        summary.contains("for 6.0 s") && summary.ends_with(": htb class rate 12Kbit ceil 12Kbit burst 1599b cburst 1599b"),
        "{summary}"
    );
}

#[test]
fn a_queue_that_lets_them_pass_in_time_is_not_named() {
    let tbf = "tbf 8001: dev mlb root refcnt 3 rate 12Kbit burst 1599b lat 266s";
    // Nothing waits in it, or not for that long, however often it had to hold something for a moment.
    for backlog in ["0b 0p", "1500b 1p"] {
        let (before, after) = (queue(tbf, 0, backlog), queue(tbf, 0, backlog).replace("overlimits 0", "overlimits 900"));
        assert_eq!(held(&before, &after, &["mlb"], 4_000), None, "{backlog}");
    }
    // It waits, and nobody's packets of these.
    let full = queue(tbf, 0, "58441b 350p");
    assert_eq!(held(&full, &full, &["eth0"], 4_000), None);
    assert!(held(&full, &full, &["mlb"], 4_000).is_some() && held(&full, &full, &["mlb"], 60_000).is_none());
    let slow = "netem 8003: dev mlb root refcnt 2 limit 1000 delay 200ms";
    assert_eq!(held(&queue(slow, 0, "300b 2p"), &queue(slow, 0, "300b 2p"), &["mlb"], 4_000), None);
}
