//! A recording with other names and addresses gives the same outcome but for them, and nothing of the old ones is left in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its files has nothing to test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::read::GzDecoder;
use regex::Regex;
use serde_json::Value;

const RECORDINGS: [&str; 20] = [
    "alloc-pool-exhausted",
    "ann-no-l2advertisement",
    "ann-split-brain-memberlist-blocked",
    "announcer-lost-its-address",
    "announcer-off",
    "announcer-renamed-its-interface-clients-cached",
    "app-plain-http-behind-https-port",
    "arp-one-client-does-not-hear-the-answers",
    "cal-block-of-a-node-gone",
    "client-could-not-ask",
    "client-no-route",
    "healthy",
    "l2-client-stale-arp",
    "l2-duplicate-address-foreign-host",
    "node-firewall-drops-only-routed-client-network",
    "node-forwarding-off-on-one-interface",
    "overlay-route-to-pod-network-missing",
    "pod-firewall-in-one-pod",
    "route-pod-network-wrong",
    "udp-healthy",
];

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(format!("{name}.lbdiag"))
}

fn lbdiag(place: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.args(words).current_dir(place);
    command.output().unwrap()
}

fn outcome(place: &Path, name: &str, file: &str) -> Value {
    let told = lbdiag(place, &["report", file, "--report", "json"]);
    serde_json::from_slice(&told.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {}", String::from_utf8_lossy(&told.stderr)))
}

/// Every text of a value, in order, keys included, as it is after replacing.
fn texts(value: &Value, replaced: &dyn Fn(&str) -> String, into: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| texts(one, replaced, into)),
        Value::Object(map) => {
            // Keys that are names keep their order, as the words for them do.
            for (key, inner) in map {
                into.push(replaced(key));
                texts(inner, replaced, into);
            }
        }
        Value::String(text) => into.push(replaced(text)),
        other => into.push(other.to_string()),
    }
}

#[test]
fn a_redacted_recording_says_the_same_in_other_words() {
    // Rules are named by a hash of their text, in which addresses stand.
    let cidr = Regex::new(r"\d/\d").unwrap();
    let rule = Regex::new(r"(/rule/\S*/)[0-9a-f]{8}\b").unwrap();
    for name in RECORDINGS {
        let place = tempfile::tempdir().unwrap();
        let original = recording(name);
        let told = lbdiag(place.path(), &["recording", "redact", original.to_str().unwrap(), "out.lbdiag", "--map", "map.json"]);
        assert!(told.status.success(), "{name}: {}", String::from_utf8_lossy(&told.stderr));
        let map: Value = serde_json::from_slice(&fs::read(place.path().join("map.json")).unwrap()).unwrap();
        let map: BTreeMap<String, String> = serde_json::from_value(map["map"].clone()).unwrap();
        assert!(map.len() >= 6, "{name}: {map:?}");
        let mut keys: Vec<String> = map.keys().map(|key| regex::escape(key)).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        let word = Regex::new(&format!(r"\b(?:{})\b", keys.join("|"))).unwrap();
        let with_rules = |text: &str| rule.replace_all(text, "$1…").into_owned();
        let replaced = |text: &str| with_rules(&word.replace_all(text, |found: &regex::Captures<'_>| map[&found[0]].clone()));
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        texts(&outcome(place.path(), name, original.to_str().unwrap()), &replaced, &mut expected);
        texts(&outcome(place.path(), name, "out.lbdiag"), &with_rules, &mut found);
        assert_eq!(expected.len(), found.len(), "{name}");
        for (expected, found) in expected.iter().zip(&found) {
            // A filter holds addresses as numbers, a long text is cut short, and a network that holds nearly everything stays.
            let filter = expected.contains("0x") || expected.contains('…') || cidr.is_match(expected);
            assert!(expected == found || filter, "{name}: {found} and not {expected}");
        }
        let mut text = String::new();
        GzDecoder::new(fs::File::open(place.path().join("out.lbdiag")).unwrap()).read_to_string(&mut text).unwrap();
        for old in map.keys().filter(|old| old.len() >= 4) {
            let whole = Regex::new(&format!(r"\b{}\b", regex::escape(old))).unwrap();
            // A line end is written as two characters, of which the second looks like a letter.
            let left = whole.find(&text).map(|found| text[found.start().saturating_sub(60)..(found.end() + 40).min(text.len())].to_owned());
            assert_eq!(left, None, "{name}: {old} is left");
        }
    }
}

#[test]
fn what_is_read_is_not_written_over_and_what_is_no_recording_is_refused() {
    let place = tempfile::tempdir().unwrap();
    fs::copy(recording("healthy"), place.path().join("run.lbdiag")).unwrap();
    fs::write(place.path().join("notes"), "mine\n").unwrap();
    for (words, code) in [
        (&["recording", "redact", "run.lbdiag", "run.lbdiag"][..], 2),
        (&["recording", "redact", "run.lbdiag", "notes"], 2),
        (&["recording", "redact", "run.lbdiag", "out.lbdiag", "--map", "notes"], 2),
        (&["recording", "redact", "notes", "out.lbdiag"], 1),
    ] {
        let told = lbdiag(place.path(), words);
        assert_eq!(told.status.code(), Some(code), "{words:?}: {}", String::from_utf8_lossy(&told.stderr));
    }
    assert!(!place.path().join("out.lbdiag").exists());
    assert_eq!(fs::read_to_string(place.path().join("notes")).unwrap(), "mine\n");
}
