//! What nodes, pods and clients of the lab printed of their own state, as the recordings hold it: every line of it is understood, and
//! a packet is followed through the rules that were really there.

#![expect(clippy::expect_used, reason = "a recording that cannot be read has failed its test")]

mod here;

use std::io::BufRead;
use std::path::{Path, PathBuf};

use lbdiag::analysis::state::conntrack::Wanted;
use lbdiag::analysis::state::netfilter::Fields;
use lbdiag::analysis::state::place_state::PlaceState;
use lbdiag::analysis::state::routes::Routes;
use lbdiag::analysis::state::ruleset::proxy::programme;
use lbdiag::analysis::state::ruleset::{Taken, walk};
use lbdiag::analysis::state::sections::place_state;
use lbdiag::model::place::{Host, HostKind, Place};
use lbdiag::model::service::Protocol;
use serde_json::Value;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let all = std::fs::read_dir(folder).expect("recordings").map(|entry| entry.expect("an entry").path());
    let mut all: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|end| end == "lbdiag")).collect();
    all.sort();
    all
}

/// Every state that a recorded run read, with the name of its host.
fn states(recording: &Path) -> Vec<(String, PlaceState)> {
    let file = std::fs::File::open(recording).expect("a recording");
    let lines = std::io::BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
    let entries = lines.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("an entry"));
    let read = entries.filter(|entry| entry["q"]["script"] == "inspect").filter_map(|entry| {
        let name = entry["q"]["host"]["name"].as_str()?.to_owned();
        let inside = entry["q"]["args"][0] == "pod";
        let host = Host { name: name.clone(), address: name.clone(), kind: HostKind::Node };
        let state = place_state(Place::Host(host), entry["a"]["Ok"]["stdout"].as_str()?);
        Some((if inside { format!("a pod on {name}") } else { name }, state))
    });
    read.collect()
}

#[test]
fn every_line_that_the_lab_printed_is_understood() {
    let mut read = 0;
    for recording in recordings() {
        for (name, state) in states(&recording) {
            let shown = format!("{} {name}", recording.display());
            let lines = |section: &str| state.text_of(section).unwrap_or_default().lines().filter(|line| !line.trim().is_empty()).count();
            let found = state.routes().map(Routes::all).unwrap_or_default();
            assert_eq!(found.iter().map(|route| 1 + route.nexthops.len()).sum::<usize>(), lines("routes"), "{shown}");
            assert_eq!(state.policy_rules().unwrap_or_default().len(), lines("rules"), "{shown}");
            assert_eq!(state.links().unwrap_or_default().len(), lines("links"), "{shown}");
            assert_eq!(state.addresses().unwrap_or_default().len(), lines("addresses"), "{shown}");
            assert_eq!(state.neighbours().unwrap_or_default().len(), lines("neighbours"), "{shown}");
            assert_eq!(state.forwarding().unwrap_or_default().len(), lines("fdb"), "{shown}");
            // Where conntrack's last words came in between, a line or two are cut in pieces.
            let whole = |line: &&str| line.matches("src=").count() == 2 && line.starts_with(['t', 'u']) && !line.contains("conntrack v");
            let said = state.text_of("conntrack").unwrap_or_default().lines().filter(whole).count();
            let tracked = state.tracked(&Wanted::default()).unwrap_or_default().len();
            assert!((said..=said + 1).contains(&tracked), "{shown}: {tracked} of {said}");
            for (protocol, section) in [(Protocol::Tcp, "sockets"), (Protocol::Udp, "datagram-sockets")] {
                assert_eq!(state.listeners(protocol).unwrap_or_default().len(), lines(section), "{shown}");
            }
            if let Some(counters) = state.nstat() {
                assert!(counters.contains_key("TcpExtListenDrops"), "{shown}");
            }
            read += found.len();
        }
    }
    assert!(read > 1000, "only {read} routes were read");
}

fn from(client: &str) -> Fields {
    Fields {
        source: client.parse().ok(),
        destination: "10.88.64.100".parse().ok(),
        protocol: "tcp".to_owned(),
        destination_port: Some(443),
        input: Some("mlb".to_owned()),
        state: Some("NEW".to_owned()),
        mark: Some(0),
        ..Fields::default()
    }
}

#[test]
fn the_rule_that_dropped_one_network_is_found_without_its_counter() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let states = states(&folder.join("node-firewall-drops-only-routed-client-network.lbdiag"));
    let ends = ["10.88.130.19:4180", "10.88.131.21:4180"];
    for (name, state) in states.iter().filter(|(name, _)| ["n1", "n2", "n3"].contains(&name.as_str())) {
        let found = programme(state, "10.88.64.100".parse().expect("an address"), 443, "tcp");
        assert_eq!((found.mode, found.reached), (Some("iptables"), true), "{name}");
        assert_eq!(found.endpoints, ends, "{name}");
        let near = walk(state, &from("10.88.64.50"), None);
        assert_eq!((near.taken, near.rule.as_ref(), near.unread.len()), (Taken::No, None, 0), "{name}");
        assert_eq!(near.translated, ends, "{name}");
        let far = walk(state, &from("10.88.192.50"), None);
        let rule = far.rule.map(|rule| (rule.path, rule.text));
        let expected = ("raw/PREROUTING/1".to_owned(), "-A PREROUTING -s 10.88.192.0/24 -i mlb -j DROP".to_owned());
        assert_eq!((far.taken, rule), if name == "n2" { (Taken::Yes, Some(expected)) } else { (Taken::No, None) }, "{name}");
    }
}

/// kube-proxy itself refuses what has no endpoints.
#[test]
fn a_service_without_endpoints_is_refused_by_kube_proxys_own_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let states = states(&folder.join("ep-selector-matches-nothing.lbdiag"));
    let (_, node) = states.iter().find(|(name, _)| name == "n1").expect("a state of n1");
    let found = walk(node, &from("10.88.64.50"), None);
    let rule = found.rule.expect("a rule");
    assert_eq!((found.taken, rule.path.as_str()), (Taken::Yes, "filter/KUBE-EXTERNAL-SERVICES/1"));
    assert!(rule.text.contains("has no endpoints"), "{}", rule.text);
}

/// Nodes on which nobody put a rule take nothing away, and say so: a false alarm would be worse than none.
#[test]
fn no_other_node_is_said_to_drop_what_it_passed() {
    let mut walked = 0;
    for recording in recordings() {
        let told = recording.to_string_lossy().into_owned();
        if [
            "firewall",
            "forward",
            "blocked",
            "dropped-at-the-node",
            "bgp",
            "udp",
            "ep-selector",
            "out-of-the-ranges",
            "node-rule",
            "loop-prevented",
        ]
        .iter()
        .any(|word| told.contains(word))
        {
            continue;
        }
        for (name, state) in states(&recording).iter().filter(|(name, _)| name.len() == 2 && name.starts_with('n')) {
            for client in ["10.88.64.50", "10.88.192.50"] {
                let found = walk(state, &from(client), None);
                assert_ne!(found.taken, Taken::Yes, "{told} {name} {client}: {:?}", found.rule);
                walked += 1;
            }
        }
    }
    assert!(walked > 40, "only {walked} walks");
}
