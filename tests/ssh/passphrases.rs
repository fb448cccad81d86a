//! A passphrase that somebody types at a terminal unlocks a key, and is in nothing that lbdiag shows or writes.

use std::io::Read as _;
use std::process::Command;

use crate::logins::locked_by;
use crate::planted::{Planted, random};
use crate::sshd::{Place, possible};

const PLAYBOOK: &str = "//! ---\n//! name: look\n//! version: 1.0.0\n//! about: looks at a host\n//! uses: [node.read]\n//! ---\n\
    let seen = interfaces(\"ssh:n1\");\nfinding(\"site/seen\", \"info\", \"client/n1\", `it has ${seen.len()} interfaces`);\n";

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
    clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\n\
    contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n";

#[test]
fn what_is_typed_is_in_nothing_that_is_shown_or_written() {
    if !possible() || Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let (place, planted) = (Place::new(), Planted::default());
    let passphrase = planted.shaped("typed", &random(22));
    let _server = locked_by(&place, &passphrase, "");
    let config = place.text("config");
    let files =
        [("look.rhai", PLAYBOOK.to_owned()), ("kubeconfig", KUBECONFIG.to_owned()), ("site.yaml", format!("ssh:\n  config: {config}\n"))];
    let [playbook, kubeconfig, site] = files.map(|(name, text)| place.write(name, &text));
    let report = format!("json={}", place.text("report.json"));
    let typed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ssh/typed.py");
    let run = Command::new("python3")
        .args([typed, &passphrase, env!("CARGO_BIN_EXE_lbdiag"), "run"])
        .arg(&playbook)
        .arg("--site")
        .arg(&site)
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .args(["--report", "text", "--report", &report, "--record", &place.text("run.lbdiag")])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&run.stdout).into_owned();
    // Typed wrongly once, and then rightly: the key let us in.
    assert_eq!(run.status.code(), Some(0), "{shown}{}", String::from_utf8_lossy(&run.stderr));
    assert!(shown.contains("that was not it") && shown.contains(" interfaces"), "{shown}");
    planted.gave(passphrase.as_bytes());

    let mut recorded = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(place.path("run.lbdiag")).unwrap()).read_to_end(&mut recorded).unwrap();
    let written = [("terminal", run.stdout), ("report", place.read("report.json").into_bytes()), ("recording", recorded)];
    for (name, bytes) in written {
        assert!(!bytes.is_empty(), "{name}");
        assert_eq!(planted.found_in(name, &bytes), Vec::<String>::new());
        assert!(!String::from_utf8_lossy(&bytes).contains(&passphrase[..passphrase.len() - 1]), "the wrong one stands in {name}");
    }
    assert_eq!((planted.count_given(), planted.never_given().len()), (1, 0));
}
