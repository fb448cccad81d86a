//! Real inputs: the answers that shipped recordings keep, captures, playbooks.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::OnceLock;

use base64::Engine;
use flate2::read::GzDecoder;
use serde_json::Value;

/// Recordings that differ much from each other; all of them would take long to unpack in a build without optimisation.
const RECORDINGS: [&str; 9] = [
    "ann-split-brain-memberlist-blocked",
    "bgp-community-blackholed-unseen",
    "client-by-traffic-dropped-at-the-node",
    "log-forbidden-metrics-read",
    "pod-nft-policy-drops",
    "state/healthy",
    "state/node-drops-the-client",
    "elections/v0.13.12-node-off",
    "elections/v0.16.1-node-back",
];
/// Seeds of one kind; more only take longer to unpack.
const MOST: usize = 24;

/// Answers by what was asked: a script with a section, a kind of object, `log`, `metrics`.
fn answers() -> &'static BTreeMap<String, Vec<Vec<u8>>> {
    static ANSWERS: OnceLock<BTreeMap<String, Vec<Vec<u8>>>> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let mut all = BTreeMap::new();
        for name in RECORDINGS {
            take(&mut all, &place(&format!("tests/recordings/{name}.lbdiag")));
        }
        all
    })
}

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn take(all: &mut BTreeMap<String, Vec<Vec<u8>>>, file: &PathBuf) {
    let packed = BufReader::new(GzDecoder::new(fs::File::open(file).expect("a shipped recording")));
    for line in packed.lines().skip(1).map_while(Result::ok) {
        if line.starts_with("{\"c\":\"capture\"") {
            continue;
        }
        let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
        let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let mut keep = |name: &str, bytes: Vec<u8>| {
            let kept: &mut Vec<Vec<u8>> = all.entry(name.to_owned()).or_default();
            if kept.len() < MOST && !kept.contains(&bytes) && !bytes.is_empty() {
                kept.push(bytes);
            }
        };
        match text("/c") {
            "host.run" => {
                let stdout = text("/a/Ok/stdout");
                keep(text("/q/script"), stdout.as_bytes().to_vec());
                for (name, section) in sections(stdout) {
                    keep(&format!("section {name}"), section.into_bytes());
                }
                for der in stdout.lines().filter_map(|line| line.strip_prefix("cert\t")) {
                    keep("certificate", base64::engine::general_purpose::STANDARD.decode(der).unwrap_or_default());
                }
            }
            "cluster.get" => keep(text("/q/kind/plural"), line.pointer("/a/Ok").map(Value::to_string).unwrap_or_default().into_bytes()),
            "cluster.list" => {
                for object in line.pointer("/a/Ok").and_then(Value::as_array).into_iter().flatten() {
                    keep(text("/q/kind/plural"), object.to_string().into_bytes());
                }
            }
            channel @ ("cluster.log" | "cluster.metrics") => {
                let kept = line.pointer("/a/kept").and_then(Value::as_array).into_iter().flatten();
                let lines: Vec<&str> = kept.filter_map(Value::as_str).collect();
                keep(channel, lines.join("\n").into_bytes());
            }
            _ => {}
        }
    }
}

fn sections(stdout: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for part in stdout.split("=== ").filter(|part| !part.starts_with("end ")) {
        if let Some((name, text)) = part.split_once('\n') {
            all.push((name.to_owned(), text.to_owned()));
        }
    }
    all
}

/// The answers to one kind of question.
pub(crate) fn of(name: &str) -> Vec<Vec<u8>> {
    answers().get(name).cloned().unwrap_or_else(|| panic!("no recording holds {name}; there are {:?}", answers().keys()))
}

/// The sections of these names.
pub(crate) fn of_sections(names: &[&str]) -> Vec<Vec<u8>> {
    let known = answers();
    let found: Vec<Vec<u8>> = names.iter().filter_map(|name| known.get(&format!("section {name}"))).flatten().cloned().collect();
    assert!(!found.is_empty(), "{names:?}: there are {:?}", known.keys());
    found
}

/// The files of a folder with this extension.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(place(folder)).expect("the folder").filter_map(Result::ok).map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|one| one.to_string_lossy().starts_with(extension)));
    found.sort();
    found.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// The lines of a recording, unpacked.
pub(crate) fn recording(name: &str) -> Vec<u8> {
    let mut unpacked = Vec::new();
    std::io::copy(&mut GzDecoder::new(fs::File::open(place(name)).expect("a recording")), &mut unpacked).expect("gzip");
    unpacked
}
