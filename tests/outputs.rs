//! What lbdiag writes never replaces what it reads, whichever options meet and by whatever name.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its files has nothing to test")]

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const RECORDING: &str = "tests/recordings/ann-no-l2advertisement.lbdiag";
const PLAYBOOK: &str = "playbooks/metallb-flow.rhai";
const CAPTURE: &str = "tests/captures/50a-client.pcap";
const KUBECONFIG: &str = "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1', certificate-authority: ca.pem}}]\n\
users: [{name: u, user: {tokenFile: token}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n";

/// A directory with an input of every kind.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (from, name) in [(RECORDING, "run.lbdiag"), (PLAYBOOK, "flow.rhai"), (CAPTURE, "in.pcap")] {
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(from), place.at(name)).unwrap();
        }
        let site = "ssh: { config: ssh_config, keys: [key], known_hosts: [known] }\n";
        for (name, text) in [("params.yaml", "tries: 4\n"), ("site.yaml", site), ("kube", KUBECONFIG), ("ca.pem", "x"), ("token", "x")] {
            fs::write(place.at(name), text).unwrap();
        }
        for name in ["ssh_config", "key", "known"] {
            fs::write(place.at(name), name).unwrap();
        }
        fs::hard_link(place.at("in.pcap"), place.at("hard.pcap")).unwrap();
        symlink("in.pcap", place.at("soft.pcap")).unwrap();
        symlink("run.lbdiag", place.at("soft.lbdiag")).unwrap();
        fs::create_dir(place.at("packets")).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Names and bytes of everything that is there.
    fn holds(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<(String, Vec<u8>)> =
            entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap_or_default())).collect();
        all.sort();
        all
    }

    fn lbdiag(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
        command
            .args(words.split(' '))
            .current_dir(self.0.path())
            .env("HOME", self.0.path())
            .env_remove("KUBECONFIG")
            .env_remove("LBDIAG_SITE");
        command
    }
}

fn refused(place: &Place, words: &str, names: [&str; 2]) {
    let before = place.holds();
    let output = place.lbdiag(words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}: {told}");
    assert!(names.iter().all(|name| told.contains(name)), "{words}: {told}");
    assert!(output.stdout.is_empty() && place.holds() == before, "{words}: something was written");
}

#[test]
fn no_output_is_an_input() {
    let place = Place::new();
    let run = "run flow.rhai -q --kubeconfig kube --set service=a --set namespace=b";
    for (words, names) in [
        ("trace in.pcap --pairs in.pcap".to_owned(), ["--pairs", "capture file"]),
        ("trace in.pcap --pairs ./in.pcap".to_owned(), ["--pairs", "capture file"]),
        ("trace in.pcap --pairs hard.pcap".to_owned(), ["--pairs", "capture file"]),
        ("trace soft.pcap --pairs in.pcap".to_owned(), ["--pairs", "capture file"]),
        ("trace in.pcap --report json=soft.pcap".to_owned(), ["--report json=", "capture file"]),
        ("trace in.pcap --pairs a --report text=a".to_owned(), ["--pairs", "--report text="]),
        ("trace in.pcap --report json=B --pairs b".to_owned(), ["--report json=B", "--pairs b"]),
        ("run flow.rhai --replay run.lbdiag --report json=soft.lbdiag".to_owned(), ["--replay", "--report"]),
        ("run flow.rhai --replay run.lbdiag --report text=flow.rhai".to_owned(), ["the playbook", "--report"]),
        ("run flow.rhai --replay run.lbdiag --params params.yaml --report text=./params.yaml".to_owned(), ["--params", "--report"]),
        ("plan flow.rhai --replay run.lbdiag --report json=run.lbdiag".to_owned(), ["--replay", "--report"]),
        (format!("{run} --record kube"), ["--record", "--kubeconfig"]),
        (format!("{run} --record token"), ["--record", "kubeconfig"]),
        (format!("{run} --report text=ca.pem"), ["--report", "kubeconfig"]),
        (format!("{run} --site site.yaml --record site.yaml"), ["--record", "--site"]),
        (format!("{run} --site site.yaml --record known"), ["--record", "known"]),
        (format!("{run} --site site.yaml --report json=key"), ["--report", "key"]),
        (format!("{run} --record flow.rhai"), ["--record", "the playbook"]),
        (format!("{run} --record a --report json=a"), ["--record", "--report"]),
        (format!("{run} --record packets/a --pcap packets"), ["--record", "--pcap"]),
        (format!("{run} --record fresh --pcap fresh"), ["--record", "--pcap"]),
        (format!("doctor -q --kubeconfig kube --record {}", "./kube"), ["--record", "--kubeconfig"]),
    ] {
        refused(&place, &words, names);
    }
}

#[test]
fn standard_streams_are_files_too() {
    let place = Place::new();
    let before = place.holds();
    let from = |words: &str| place.command(words).stdin(fs::File::open(place.at("in.pcap")).unwrap()).output().unwrap();
    let output = from("trace - --pairs in.pcap");
    assert_eq!((output.status.code(), place.holds()), (Some(2), before), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(from("trace - --report json=out.json").status.code(), Some(0));
    let twice = place.lbdiag("trace in.pcap --report text --report json=/dev/stdout");
    assert_eq!(twice.status.code(), Some(2));
    let plain = place.lbdiag("trace in.pcap --report json=/dev/stdout");
    assert!(plain.stdout.starts_with(b"{\"format\": \"lbdiag-trace/1\""), "{}", String::from_utf8_lossy(&plain.stderr));
}

#[test]
fn what_cannot_be_written_is_told_before_the_run() {
    let place = Place::new();
    let before = place.holds();
    for words in [
        "trace in.pcap --pairs no/such/pairs",
        "trace in.pcap --pairs packets",
        "trace in.pcap --report json=/proc/x.json",
        "run flow.rhai --replay run.lbdiag --report json=no/such/report",
        "run flow.rhai -q --kubeconfig kube --record /dev/null --set address=10.0.0.1",
        "run flow.rhai -q --kubeconfig kube --record no/such/run --set address=10.0.0.1",
    ] {
        let output = place.lbdiag(words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(place.holds(), before);
}

#[test]
fn what_is_written_is_whole_private_and_alone() {
    let place = Place::new();
    fs::write(place.at("report.json"), "{\"format\": \"lbdiag-outcome/1\"}").unwrap();
    symlink("target.txt", place.at("link.txt")).unwrap();
    let names = |place: &Place| place.holds().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let before = names(&place);
    let output =
        place.lbdiag("run flow.rhai -q --replay run.lbdiag --report json=report.json --report text=link.txt --report text=/dev/null");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(place.lbdiag("trace in.pcap hard.pcap --pairs pairs.txt --report json=/dev/null").status.code(), Some(0));
    let mut expected = before;
    expected.extend(["target.txt", "pairs.txt"].map(str::to_owned));
    expected.sort();
    assert_eq!(names(&place), expected);
    for name in ["report.json", "target.txt", "pairs.txt"] {
        assert_eq!(fs::metadata(place.at(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        assert!(fs::metadata(place.at(name)).unwrap().len() > 10, "{name}");
    }
    assert!(fs::symlink_metadata(place.at("link.txt")).unwrap().is_symlink());
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn only_an_earlier_output_is_replaced() {
    let place = Place::new();
    // What `ssh_config` includes or names, a credential plugin, somebody's notes: nobody knows beforehand all that a run will read.
    for (name, text) in [
        ("id_work", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"),
        ("included.conf", "Host *\n IdentityFile ~/.ssh/lbdiag\n"),
        ("plugin.sh", "#!/bin/sh\necho '{}'\n"),
        ("notes.txt", "what lbdiag said yesterday\n"),
    ] {
        fs::write(place.at(name), text).unwrap();
        let run = "run flow.rhai -q --kubeconfig kube --set service=a --set namespace=b";
        refused(&place, &format!("{run} --record {name}"), ["--record", "name another"]);
        refused(&place, &format!("{run} --report json={name}"), ["--report json", "name another"]);
        refused(&place, &format!("plan flow.rhai --replay run.lbdiag --report text={name}"), ["--report text", "name another"]);
    }
    fs::write(place.at("empty"), "").unwrap();
    let replay = "run flow.rhai -q --replay run.lbdiag";
    let recorded = "run flow.rhai -q --kubeconfig kube --set service=a --set namespace=b --record again.lbdiag --report text=again.txt";
    for (words, name) in [
        (format!("{replay} --report json=empty"), "empty"),
        (format!("{replay} --report json=new.json"), "new.json"),
        (format!("{replay} --report text=new.txt"), "new.txt"),
        ("plan flow.rhai --replay run.lbdiag --report text=plan.txt".to_owned(), "plan.txt"),
        ("plan flow.rhai --replay run.lbdiag --report json=plan.json".to_owned(), "plan.json"),
        (recorded.to_owned(), "again.lbdiag"),
    ] {
        for _ in 0..2 {
            let output = place.lbdiag(&words);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!told.contains("not replaced"), "{words}: {told}");
            assert!(fs::metadata(place.at(name)).unwrap().len() > 0, "{words}: {told}");
        }
    }
}
