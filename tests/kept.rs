//! Runs that somebody kept: told later as they would have been told at once, opened, and taken as a baseline.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its files has nothing to test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const FAILING: &str = "node-firewall-drops-only-routed-client-network";

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(format!("{name}.lbdiag"))
}

fn lbdiag(place: &Path, words: &[&str]) -> Output {
    command(place, words).output().unwrap()
}

fn command(place: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.args(words).current_dir(place).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("TMPDIR", place).env("COLUMNS", "100");
    command
}

fn replayed(place: &Path, name: &str, more: &[&str]) -> Output {
    let recording = recording(name);
    lbdiag(place, &[&["run", "metallb-flow", "-q", "--replay", recording.to_str().unwrap()], more].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_kept_run_is_told_as_it_was_told_at_once() {
    let place = tempfile::tempdir().unwrap();
    for name in [FAILING, "healthy", "application-says-503-with-an-expired-certificate"] {
        let recording = recording(name);
        let at_once = replayed(place.path(), name, &["--report", "json=run.json"]);
        for format in ["text", "json", "html", "markdown", "junit", "prometheus", "github"] {
            let now = replayed(place.path(), name, &["--report", format]).stdout;
            let later = lbdiag(place.path(), &["report", recording.to_str().unwrap(), "--report", format]);
            assert_eq!((later.status.code(), text(&later.stdout)), (Some(0), text(&now)), "{name} {format}");
            // An outcome has no answers word for word; everything else is the same.
            let of_json = lbdiag(place.path(), &["report", "run.json", "--report", format]);
            assert!(of_json.status.success(), "{name} {format}: {}", text(&of_json.stderr));
            if format != "html" {
                assert_eq!(text(&of_json.stdout), text(&now), "{name} {format}");
            }
        }
        assert_eq!(lbdiag(place.path(), &["report", "run.json"]).stdout, at_once.stdout, "{name}");
        fs::remove_file(place.path().join("run.json")).unwrap();
    }
}

#[test]
fn what_is_no_run_and_what_would_be_lost_is_refused() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("notes"), "mine\n").unwrap();
    let recording = recording("healthy");
    fs::copy(recording, place.path().join("run.lbdiag")).unwrap();
    for (words, wanted) in [
        (&["report", "notes"][..], "neither an outcome"),
        (&["report", "nothing"], "nothing"),
        (&["report", "run.lbdiag", "--report", "json=run.lbdiag"], "run.lbdiag"),
        (&["report", "run.lbdiag", "--report", "html=notes"], "not replaced"),
        (&["view", "notes"], "neither an outcome"),
        (&["run", "metallb-flow", "--replay", "run.lbdiag", "--baseline", "notes"], "neither an outcome"),
        (&["run", "metallb-flow", "--replay", "run.lbdiag", "--baseline", "run.lbdiag", "--report", "json=run.lbdiag"], "run.lbdiag"),
    ] {
        let told = lbdiag(place.path(), words);
        assert_eq!(told.status.code(), Some(2), "{words:?}");
        assert!(text(&told.stderr).contains(wanted), "{words:?}: {}", text(&told.stderr));
    }
    assert_eq!(fs::read_to_string(place.path().join("notes")).unwrap(), "mine\n");
}

#[test]
fn a_page_is_opened_where_there_is_a_screen_and_else_its_place_is_told() {
    let place = tempfile::tempdir().unwrap();
    let recording = recording("healthy");
    let words = ["view", recording.to_str().unwrap()];
    let told = lbdiag(place.path(), &words);
    assert!(told.status.success() && text(&told.stdout).contains("there is no screen"), "{}", text(&told.stdout));
    let pages = |place: &Path| -> Vec<PathBuf> {
        fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "html"))
            .collect()
    };
    let [page] = pages(place.path()).try_into().unwrap();
    assert!(text(&told.stdout).contains(page.to_str().unwrap()));
    assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(page).unwrap();

    let opener = place.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\nprintf %s \"$1\" > opened\n").unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let told = command(place.path(), &words)
        .env("DISPLAY", ":7")
        .env("PATH", format!("{}:/usr/bin:/bin", place.path().display()))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", text(&told.stderr));
    let [page] = pages(place.path()).try_into().unwrap();
    assert_eq!(text(&told.stdout), format!("opened {}\n", page.display()));
    assert_eq!(fs::read_to_string(place.path().join("opened")).unwrap(), page.to_str().unwrap());
}

#[test]
fn what_the_baseline_had_fails_no_more_and_what_is_new_does() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    assert_eq!(replayed(place.path(), FAILING, &["--report", "json=known.json"]).status.code(), Some(3));
    // The same is set aside, and said; the findings stay.
    let told = replayed(place.path(), FAILING, &["--baseline", "known.json", "--report", "json=now.json"]);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stdout));
    let shown = text(&told.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.starts_with("PASS ") && shown.contains("set aside: fail node/firewall-drop of node/n2/rule/raw/PREROUTING/"), "{shown}");
    let now: Value = serde_json::from_str(&fs::read_to_string(at("now.json")).unwrap()).unwrap();
    assert_eq!((&now["set_aside"][0]["finding"], &now["set_aside"][0]["was"]), (&"node/firewall-drop".into(), &"fail".into()));
    // What was set aside is known the next time, too.
    assert_eq!(replayed(place.path(), FAILING, &["--baseline", "now.json"]).status.code(), Some(0));
    let known: Value = serde_json::from_str(&fs::read_to_string(at("known.json")).unwrap()).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut other = known.clone();
        change(&mut other);
        fs::write(at("other.json"), other.to_string()).unwrap();
        replayed(place.path(), FAILING, &["--baseline", "other.json"]).status.code()
    };
    // Another node's rule, a lighter finding, or a place that was answered then: all of it is new.
    assert_eq!(changed(&|other| other["findings"][0]["culprits"][0] = "node/n3/rule/raw/PREROUTING/1".into()), Some(3));
    assert_eq!(changed(&|other| other["findings"][0]["severity"] = "warn".into()), Some(3));
    assert_eq!(changed(&|other| other["observed"]["tries"][1]["answered"] = 16.into()), Some(3));
    assert_eq!(changed(&|_| {}), Some(0));
    // A run of before it was told what a finding rests on, or of a path that showed more, knows the same finding.
    assert_eq!(changed(&|other| other["findings"][0]["rests_on"] = serde_json::json!([])), Some(0));
    // A healthy run knows of nothing, and fails nothing.
    let healthy = recording("healthy");
    assert_eq!(replayed(place.path(), FAILING, &["--baseline", healthy.to_str().unwrap()]).status.code(), Some(3));
    assert_eq!(replayed(place.path(), "healthy", &["--baseline", "known.json"]).status.code(), Some(0));
}
