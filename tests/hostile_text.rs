//! Text of strangers on every way out: nothing that steers a terminal, hides, or forges a line of lbdiag's gets through.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its files has nothing to test")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lbdiag::model::text::{escaped_json, is_unseen};
use serde_json::Value;

/// What must never be seen as it is, with a line of ours forged behind it.
const HOSTILE: &str = "a\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}\u{85}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{2029}\u{200b}\u{feff}\u{e0041}\u{ad}\r\nFORGED: proven\tz";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.at(name), bytes).unwrap();
        self
    }

    fn lbdiag(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
        command.args(words).current_dir(self.0.path()).env("HOME", self.0.path()).env_remove("KUBECONFIG").env_remove("LBDIAG_SITE");
        command.output().unwrap()
    }

    /// Everything that came out, each with its name: both streams, and the files that were not there before.
    fn told(&self, words: &[&str], files: &[&str]) -> Vec<(String, String)> {
        let output = self.lbdiag(words);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut all = vec![("stdout".to_owned(), text(&output.stdout)), ("stderr".to_owned(), text(&output.stderr))];
        all.extend(files.iter().map(|file| ((*file).to_owned(), fs::read_to_string(self.at(file)).unwrap())));
        all
    }
}

/// Whether none of it reached an output as it is, and the mark did reach at least one.
fn harmless(what: &str, told: &[(String, String)]) {
    assert!(told.iter().any(|(_, text)| text.contains("FORGED")), "{what}: it came to no output: {told:?}");
    for (name, text) in told {
        let unseen: Vec<char> = text.chars().filter(|c| is_unseen(*c) && !['\n', '\t'].contains(c)).collect();
        assert!(unseen.is_empty(), "{what}: {name} has {unseen:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{what}: a line of {name} is forged: {text}");
    }
}

fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

const RECORDING: &str = "tests/recordings/node-firewall-drops-only-routed-client-network.lbdiag";
const HEAD: &str = "//! ---\n//! name: hostile\n//! version: 1.0.0\n//! about: a test\n//! uses: [cluster.read]\n//! params:\n//!   x: { type: string, required: false }\n//! ---\n";

#[test]
fn what_a_script_says() {
    let place = Place::new();
    let quoted = escaped_json(&serde_json::to_string(HOSTILE).unwrap());
    let body = "finding(\"site/x\", \"fail\", \"node/\" + params.x, params.x); note(params.x); table(params.x, [params.x], [[params.x]]);\n\
                step(params.x, || note(params.x)); print(params.x);";
    place.put("x.rhai", format!("{HEAD}{body}")).put("params.json", format!("{{\"x\": {quoted}}}"));
    let recording = manifest(RECORDING);
    let replay = ["--replay", recording.to_str().unwrap(), "--report", "text=text", "--report", "json=json"];
    for given in [["--params", "params.json"], ["--set", &format!("x={HOSTILE}")]] {
        let told = place.told(&[&["run", "x.rhai"], &given[..], &replay].concat(), &["text", "json"]);
        harmless("a script's words", &told);
        assert!(serde_json::from_str::<Value>(&told[3].1).unwrap()["summary"].as_str().unwrap().contains('\u{202e}'), "JSON loses nothing");
        harmless("a script's words in colour", &place.told(&[&["run", "x.rhai", "-q"], &given[..], &replay[..2]].concat(), &[]));
        harmless("a plan", &place.told(&[&["plan", "x.rhai"], &given[..], &replay].concat(), &["text", "json"]));
    }
    place.put("thrown.rhai", format!("{HEAD}throw params.x;"));
    harmless("what a script throws", &place.told(&[&["run", "thrown.rhai", "--params", "params.json"], &replay[..2]].concat(), &[]));
}

#[test]
fn arguments_and_names_of_files() {
    let place = Place::new();
    place.put("text", HOSTILE);
    let name = format!("no-{HOSTILE}");
    place.put(&format!("{name}.rhai"), format!("//! ---\n{HOSTILE}: {{\n//! ---\n"));
    for words in [
        vec!["explain", HOSTILE],
        vec!["words", HOSTILE],
        vec!["show", HOSTILE],
        vec!["run", HOSTILE],
        vec!["run", &format!("{name}.rhai")],
        vec!["plan", HOSTILE],
        vec!["run", "metallb-flow", "--set", HOSTILE],
        vec!["run", "metallb-flow", "--timeout", HOSTILE],
        vec!["run", "metallb-flow", "--report", HOSTILE],
        vec!["run", "metallb-flow", "--via", HOSTILE],
        vec!["run", "metallb-flow", "web", HOSTILE],
        vec![HOSTILE],
        vec!["run", "doctor", &format!("--{HOSTILE}")],
        vec!["run", "doctor", "--set", &format!("{HOSTILE}=1")],
        vec!["run", "metallb-flow", "--set", &format!("tries={HOSTILE}")],
        vec!["run", "doctor", "--replay", HOSTILE],
        vec!["run", "doctor", "--site", HOSTILE],
        vec!["run", "doctor", "--params", HOSTILE],
        vec!["run", "doctor", "--kubeconfig", HOSTILE],
        vec!["run", "doctor", "--report", &format!("json=/no/{HOSTILE}/x")],
        vec!["run", "doctor", "--record", &format!("/no/{HOSTILE}/x")],
        vec!["trace", HOSTILE],
        vec!["trace", "text", "--pairs", &format!("/no/{HOSTILE}")],
    ] {
        harmless(&format!("{words:?}"), &place.told(&words, &[]));
    }
    place.put("site.yaml", format!("{HOSTILE}: 1\n")).put("params.yaml", format!("? {HOSTILE}\n- x\n"));
    for words in [["run", "doctor", "--site", "site.yaml"], ["run", "doctor", "--params", "params.yaml"]] {
        let told = place.told(&words, &[]);
        assert!(!told.iter().any(|(_, text)| text.chars().any(|c| is_unseen(c) && c != '\n')), "{told:?}");
    }
}

#[test]
fn a_playbook_s_own_header() {
    let place = Place::new();
    let quoted = escaped_json(&serde_json::to_string(HOSTILE).unwrap());
    let header = format!(
        "//! ---\n//! name: {quoted}\n//! version: {quoted}\n//! about: {quoted}\n//! params:\n//!   x: {{ type: string, default: {quoted}, help: {quoted} }}\n//! ---\n\
         finding(\"site/x\", \"info\", \"a\", \"b\");"
    );
    place.put("x.rhai", header);
    harmless("show", &place.told(&["show", "x.rhai"], &[]));
    let recording = manifest(RECORDING);
    let words = ["run", "x.rhai", "--replay", recording.to_str().unwrap(), "--report", "json=json", "--report", "text=text"];
    harmless("a run of it", &place.told(&words, &["json", "text"]));
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let size = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes(), &size, body.as_slice(), &size].concat()
}

/// The packets of a pcap file as pcapng, of an interface with that name.
fn pcapng(classic: &[u8], name: &str) -> Vec<u8> {
    let mut option = [&2_u16.to_le_bytes()[..], &u16::try_from(name.len()).unwrap().to_le_bytes(), name.as_bytes()].concat();
    option.resize(option.len().next_multiple_of(4), 0);
    let mut file = block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    file.extend(block(1, &[&1_u16.to_le_bytes()[..], &[0, 0, 0, 0, 4, 0], &option].concat()));
    let number = |at: usize| u32::from_le_bytes(classic[at..at + 4].try_into().unwrap());
    let mut at = 24;
    while at + 16 <= classic.len() {
        let (kept, time) = (number(at + 8), u64::from(number(at)) * 1_000_000 + u64::from(number(at + 4)));
        let data = &classic[at + 16..at + 16 + kept as usize];
        let [upper, lower] = [time >> 32, time & 0xffff_ffff].map(|half| u32::try_from(half).unwrap().to_le_bytes());
        let head = [[0; 4], upper, lower, kept.to_le_bytes(), number(at + 12).to_le_bytes()].concat();
        file.extend(block(6, &[head, data.to_vec()].concat()));
        at += 16 + kept as usize;
    }
    file
}

#[test]
fn names_in_capture_files_and_theirs() {
    let place = Place::new();
    let classic = fs::read(manifest("tests/captures/50a-client.pcap")).unwrap();
    let hostile = format!("{HOSTILE}\n7\tx.pcap:1\ty.pcap:1");
    let named = format!("{}.pcap", HOSTILE.replace('\u{e0041}', ""));
    place.put("in.pcapng", pcapng(&classic, &hostile)).put(&named, &classic);
    let words = ["trace", "in.pcapng", &named, "--pairs", "pairs", "--report", "json=json", "--report", "text"];
    let told = place.told(&words, &["pairs", "json"]);
    harmless("trace", &told);
    for row in told[2].1.lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        assert!(fields[0].parse::<u64>().is_ok() && fields.len() <= 3, "a row is forged: {row:?}");
    }
    place.put("broken.pcapng", &pcapng(&classic, &hostile)[..700]);
    harmless("a broken one", &place.told(&["trace", "broken.pcapng", &named], &[]));
    let bytes = std::ffi::OsStr::from_bytes(b"not-utf8-\xff\x1b[2J.pcap");
    fs::write(place.0.path().join(bytes), &classic).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lbdiag")).arg("trace").arg(bytes).current_dir(place.0.path()).output().unwrap();
    assert!(![output.stdout, output.stderr].concat().contains(&0x1b));
}

/// Members whose text comes from strangers and is shown.
const SHOWN: [&str; 9] = ["message", "reason", "note", "stderr", "image", "operation", "hint", "phase", "host"];

/// A recording in which every free text is hostile.
fn poisoned(from: &Path) -> Vec<u8> {
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(fs::File::open(from).unwrap()).read_to_string(&mut unpacked).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for (number, line) in unpacked.lines().enumerate() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if number > 0 {
            let script = line["q"]["script"].as_str().unwrap_or_default().to_owned();
            poison(&mut line["a"], &script);
        }
        writeln!(packed, "{line}").unwrap();
    }
    packed.finish().unwrap()
}

fn poison(value: &mut Value, script: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if SHOWN.contains(&key.as_str()) && script.is_empty() => text.push_str(HOSTILE),
                    // What hosts print is read line by line: each line of these has a last field of free text.
                    Value::String(text) if key == "stdout" && ["probe", "check"].contains(&script) => {
                        let hostile = HOSTILE.replace(['\n', '\t'], "");
                        *text = text.lines().map(|line| [line, hostile.as_str(), "\n"].concat()).collect();
                    }
                    Value::Array(lines) if key == "kept" => {
                        let hostile = HOSTILE.replace('\n', "");
                        lines.push(
                            format!("2026-11-23T17:50:12.0Z {{\"level\":\"error\",\"msg\":\"x {hostile}\",\"error\":\"{hostile}\"}}")
                                .into(),
                        );
                        lines.push(format!("2026-11-23T17:50:12.0Z panic: {hostile}").into());
                    }
                    other => poison(other, script),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, script)),
        _ => {}
    }
}

#[test]
fn what_clusters_and_hosts_answer() {
    let place = Place::new();
    for name in ["node-firewall-drops-only-routed-client-network", "ep-selector-matches-nothing", "alloc-pool-exhausted"] {
        place.put("run.lbdiag", poisoned(&manifest(&format!("tests/recordings/{name}.lbdiag"))));
        let flow = manifest("playbooks/metallb-flow.rhai");
        let words = ["run", flow.to_str().unwrap(), "--replay", "run.lbdiag", "--report", "text=text", "--report", "json=json"];
        let told = place.told(&words, &["text", "json"]);
        for (output, text) in &told {
            let unseen: Vec<char> = text.chars().filter(|c| is_unseen(*c) && *c != '\n').collect();
            assert!(unseen.is_empty() && !text.lines().any(|line| line.starts_with("FORGED")), "{name}: {output}: {unseen:?}: {text:?}");
        }
        assert!(told[2].1.len() > 200, "{told:?}");
    }
}

#[test]
fn what_an_api_server_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": HOSTILE, "reason": HOSTILE, "code": 403});
        let body = body.to_string();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 403 Nope\u{9b}31m\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    let place = Place::new();
    place.put("kube", format!("clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\ncurrent-context: x\n"));
    let words = [
        "run",
        "metallb-flow",
        "--static",
        "--kubeconfig",
        "kube",
        "--set",
        "namespace=a",
        "--set",
        "service=b",
        "--report",
        "json=json",
        "--report",
        "text=text",
        "--record",
        "run.lbdiag",
    ];
    let told = place.told(&words, &["json", "text"]);
    harmless("an API server", &told);
    let mut recorded = String::new();
    flate2::read::GzDecoder::new(fs::File::open(place.at("run.lbdiag")).unwrap()).read_to_string(&mut recorded).unwrap();
    assert!(!recorded.chars().any(|c| is_unseen(c) && c != '\n'), "{recorded:?}");
}
