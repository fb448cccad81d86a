//! Worlds: recorded once, and asked by playbooks that the recorder never ran. They say of the world what they said of the lab.

#![expect(clippy::expect_used, reason = "a world that cannot be read has failed its test")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The most that a world may weigh.
const MOST_BYTES: u64 = 1 << 20;

const SERVICE: &str = "namespace=stacklight service=iam-proxy-alertmanager";

/// World, playbook, parameters, exit code, and what the report has to say.
const RUNS: [(&str, &str, &str, i32, &[&str]); 15] = [
    ("healthy", "metallb-flow", "from=ssh:c1,ssh:c2", 0, &["PASS", "32 of 32 tries", "SYN c2/eth0 out → n2/mlb in"]),
    ("healthy", "metallb-flow", "from=ssh:c2 tries=4", 0, &["PASS", "8 of 8 tries"]),
    ("healthy", "metallb-flow", "from=ssh:c1 port=https", 0, &["PASS", "16 of 16 tries"]),
    ("healthy", "examples/who-announces.rhai", "", 0, &["10.88.64.100: announced by n2"]),
    ("healthy", "examples/who-announces.rhai", "wire=ssh:c1", 0, &["n2 (wire log"]),
    ("healthy", "examples/node-state.rhai", "client=10.88.192.50", 0, &["10.88.130.2:4180, 10.88.131.2:4180"]),
    ("healthy", "examples/answers-from-here.rhai", "from=ssh:c2", 0, &["PASS", "16 of 16 tries answered"]),
    ("healthy", "examples/last-seen.rhai", "from=ssh:c1,ssh:c2", 0, &["32 requests were followed", "n2/mlb in"]),
    ("healthy", "doctor", "from=ssh:c1", 0, &["READY: API 19 of 19"]),
    ("node-firewall-drops-only-routed-client-network", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["node/firewall-drop  node/n2"]),
    ("overlay-vxlan-port-blocked-inbound", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["node/firewall-drop  node/n3"]),
    ("pod-app-frozen-in-one-pod", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["app/no-answer  pod/stacklight"]),
    ("ep-selector-matches-nothing", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["endpoints/selector-matches-nothing"]),
    ("ann-no-l2advertisement", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["announce/no-advertisement  pool/services"]),
    ("client-firewall-in", "metallb-flow", "from=ssh:c1,ssh:c2", 3, &["client/"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(world: &str, playbook: &str, params: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.current_dir(root()).env("NO_COLOR", "1").args([
        "run",
        playbook,
        "--quiet",
        "-v",
        "--world",
        &format!("tests/worlds/{world}.world"),
    ]);
    let takes_a_service = !["doctor", "examples/who-announces.rhai"].contains(&playbook);
    for setting in params.split_whitespace().chain(if takes_a_service { SERVICE } else { "" }.split_whitespace()) {
        command.args(["--set", setting]);
    }
    let output = command.output().expect("lbdiag runs");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[test]
fn playbooks_that_the_recorder_never_ran_say_of_a_world_what_they_say_of_the_lab() {
    for (world, playbook, params, code, says) in RUNS {
        let (ended, text) = run(world, playbook, params);
        assert_eq!(ended, Some(code), "{playbook} {params} in {world}: {text}");
        for wanted in says {
            assert!(text.contains(wanted), "{playbook} {params} in {world} does not say {wanted}: {text}");
        }
        assert!(!text.contains("holds no answer") || code != 0, "{playbook} {params} in {world}: {text}");
    }
}

#[test]
fn a_question_without_an_answer_says_which_one_and_how_to_record_it() {
    let (_, text) = run("healthy", "examples/answers-from-here.rhai", "from=ssh:c9");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in ["the world holds no answer to", "c9", "lbdiag record --world FILE --from PLACE"] {
        assert!(line.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn what_is_not_there_is_not_there_in_a_world_either() {
    let command = |arguments: &[&str]| {
        let mut all = vec!["run", "metallb-flow", "--quiet", "--world", "tests/worlds/healthy.world"];
        all.extend(arguments);
        let output = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(all).current_dir(root()).output().expect("lbdiag runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, text) = command(&["--set", "namespace=stacklight", "--set", "service=iam-proxy-alertmanger"]);
    assert!(code == Some(2) && text.contains("iam-proxy-alertmanager"), "{text}");
    let (code, text) = command(&[]);
    let listed = ["iam-proxy-alertmanager   10.88.64.100", "-n stacklight"].iter().all(|part| text.contains(part));
    assert!(code == Some(0) && listed, "{text}");
}

/// The worlds are small, and hold nothing that would give a secret away.
#[test]
fn worlds_are_small_and_hold_no_secrets() {
    let entries = std::fs::read_dir(root().join("tests/worlds")).expect("worlds").map(|entry| entry.expect("an entry").path());
    let worlds: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "world")).collect();
    assert!(worlds.len() >= 7, "{worlds:?}");
    for path in worlds {
        let bytes = std::fs::metadata(&path).expect("its size").len();
        assert!(bytes < MOST_BYTES, "{} has {bytes} bytes", path.display());
        let mut text = String::new();
        let file = std::fs::File::open(&path).expect("a world");
        std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut text).expect("a world that unpacks");
        let lower = text.to_lowercase();
        for word in ["private key", "\"token\"", "bearer ", "password=", "last-applied-configuration", "managedfields"] {
            assert!(!lower.contains(word), "{} holds `{word}`", path.display());
        }
    }
}
