//! Which names a recording holds, and the words that stand for them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::manifest::Manifest;
use super::super::question::Channel;
use super::super::tape::Entry;

/// Names that everybody has, and words that mean something to whoever reads a recording.
const EVERYBODYS: [&str; 10] = [
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "metallb-system",
    "calico-system",
    "tigera-operator",
    "cilium-secrets",
    "kubernetes",
    "local",
];

/// Namespaces and names of software that many have begin so.
const OF_SOFTWARE: [&str; 4] = ["kube-", "metallb", "calico", "cilium"];

/// Letters of words that can be said.
const CONSONANTS: &[u8] = b"bcdfghklmnprstvz";
const VOWELS: &[u8] = b"aeiou";

/// Every name: of nodes, clients, namespaces, Services, and the workloads of pods.
pub(super) fn of(manifest: &Manifest, entries: &[(Entry, Value, Value)]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in ["namespace", "service"] {
        names.extend(manifest.params.get(name).and_then(Value::as_str).map(str::to_owned));
    }
    let from = manifest.params.get("from");
    let listed =
        from.and_then(Value::as_array).into_iter().flatten().chain(from).filter_map(Value::as_str).flat_map(|text| text.split(','));
    names.extend(
        listed.filter_map(|place| place.trim().split_once(':')).map(|(_, name)| name.to_owned()).filter(|name| !name.contains('/')),
    );
    for (entry, question, answer) in entries {
        names.extend(question.pointer("/host/name").and_then(Value::as_str).map(str::to_owned));
        if let (Channel::Get | Channel::List, Some(answer)) = (entry.asked.channel, answer.get("Ok")) {
            let plural = question.pointer("/kind/plural").and_then(Value::as_str).unwrap_or_default();
            let objects = answer.as_array().or_else(|| answer.get("objects")?.as_array());
            for object in objects.map_or_else(|| std::slice::from_ref(answer), Vec::as_slice) {
                names.extend(of_object(plural, object));
            }
        }
    }
    let counts = |name: &String| {
        let address = name.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, '.' | ':'));
        let edges = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.ends_with(|c: char| c.is_ascii_alphanumeric());
        edges && !address && !EVERYBODYS.contains(&name.as_str()) && !OF_SOFTWARE.iter().any(|begin| name.starts_with(begin))
    };
    names.retain(counts);
    names
}

fn of_object(plural: &str, object: &Value) -> Vec<String> {
    let text = |way: &str| object.pointer(way).and_then(Value::as_str).map(str::to_owned);
    let namespace = text("/metadata/namespace");
    let ours = namespace
        .as_ref()
        .is_some_and(|name| !EVERYBODYS.contains(&name.as_str()) && !OF_SOFTWARE.iter().any(|begin| name.starts_with(begin)));
    match plural {
        "nodes" | "namespaces" => text("/metadata/name").into_iter().collect(),
        "services" => text("/metadata/name").into_iter().chain(namespace).collect(),
        "pods" if ours => {
            // A ReplicaSet has its Deployment's name with a hash behind it.
            let owner = text("/metadata/ownerReferences/0/name");
            let set = text("/metadata/ownerReferences/0/kind").is_some_and(|kind| kind == "ReplicaSet");
            let workload =
                owner.map(|owner| owner.rsplit_once('-').filter(|_| set).map_or_else(|| owner.clone(), |(name, _)| name.to_owned()));
            workload.into_iter().chain(namespace).collect()
        }
        "endpointslices" => namespace.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A word for each name, in the same order as the names.
pub(super) fn words(names: &BTreeSet<String>, key: &[u8; 32]) -> BTreeMap<String, String> {
    let mut drawn: Vec<([u8; 32], String)> = every_word()
        .filter(|word| !names.contains(word))
        .map(|word| (Sha256::new().chain_update(key).chain_update(&word).finalize().into(), word))
        .collect();
    drawn.sort();
    let mut words: Vec<String> = drawn.into_iter().take(names.len()).map(|(_, word)| word).collect();
    words.sort();
    names.iter().cloned().zip(words).collect()
}

/// `baba`, `babe`, …
fn every_word() -> impl Iterator<Item = String> {
    let syllables = || CONSONANTS.iter().flat_map(|consonant| VOWELS.iter().map(|vowel| [char::from(*consonant), char::from(*vowel)]));
    syllables().flat_map(move |first| syllables().map(move |second| first.into_iter().chain(second).collect()))
}
