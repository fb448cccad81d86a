//! `lbdiag fmt`, `new`, `show --source` and `words --definitions`, as somebody calls them.

#![expect(clippy::expect_used, reason = "a command that cannot be run has failed its test")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

fn lbdiag(place: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lbdiag")).args(arguments).current_dir(place).env("NO_COLOR", "1").output();
    let output = output.expect("lbdiag runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn write(place: &Path, name: &str, text: &str) {
    std::fs::write(place.join(name), text).expect("a written file");
}

fn read(place: &Path, name: &str) -> String {
    std::fs::read_to_string(place.join(name)).expect("a file")
}

#[test]
fn fmt_brings_files_into_the_style_and_tells_which() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    write(place, "good.rhai", "let a = 1;\n");
    write(place, "bad.rhai", "let  a=1 ; // why\n");
    let (code, out, _) = lbdiag(place, &["fmt", "--check", "."]);
    assert_eq!((code, out.as_str()), (Some(3), "not in the style: ./bad.rhai\n2 playbooks: 1 not in the style, 1 in the style already\n"));
    assert_eq!(read(place, "bad.rhai"), "let  a=1 ; // why\n");
    let (code, out, _) = lbdiag(place, &["fmt", "."]);
    assert_eq!((code, out.as_str()), (Some(0), "formatted: ./bad.rhai\n2 playbooks: 1 formatted, 1 in the style already\n"));
    assert_eq!(read(place, "bad.rhai"), "let a = 1; // why\n");
    assert_eq!(lbdiag(place, &["fmt", "--check", "."]).0, Some(0));
}

#[test]
fn fmt_touches_nothing_that_it_cannot_read() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    write(place, "broken.rhai", "let  a = ;\n");
    write(place, "other.rhai", "let  a=1;\n");
    let (code, out, err) = lbdiag(place, &["fmt", "."]);
    assert_eq!(code, Some(2));
    assert!(out.contains("formatted: ./other.rhai") && err.contains("broken.rhai:1") && err.contains("E0201"), "{out}{err}");
    assert_eq!(read(place, "broken.rhai"), "let  a = ;\n");
    let (code, _, err) = lbdiag(place, &["fmt", "none.rhai"]);
    assert!(code == Some(2) && err.contains("there is no file none.rhai"), "{err}");
}

#[test]
fn fmt_reads_standard_input_for_editors() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["fmt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("lbdiag runs");
    child.stdin.take().expect("its input").write_all(b"let  a=`x  ${ 1 }`;").expect("written");
    let output = child.wait_with_output().expect("its end");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "let a = `x  ${ 1 }`;\n");
}

#[test]
fn what_new_makes_is_sound_at_once() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    for what in ["playbook", "check"] {
        let name = format!("my-{what}");
        let (code, out, err) = lbdiag(place, &["new", what, &name]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains(&format!("made {name}.rhai\n")) && out.contains(&format!("next: lbdiag test {name}.rhai")), "{out}");
        let file = format!("{name}.rhai");
        let (code, out, err) = lbdiag(place, &["check", &file]);
        assert!(code == Some(0) && out.contains("no mistake"), "{out}{err}");
        let (code, out, err) = lbdiag(place, &["fmt", "--check", &file]);
        assert_eq!(code, Some(0), "{out}{err}");
        let (code, out, err) = lbdiag(place, &["test", &file]);
        assert!(code == Some(0) && out.contains("2 passed, 0 failed"), "{out}{err}");
        assert!(read(place, &file).contains(&format!("name: {name}")));
        std::fs::remove_file(place.join(format!("{name}.tests.yaml"))).expect("removed");
        let (code, out, err) = lbdiag(place, &["new", "test", &file]);
        assert!(code == Some(0) && out.contains(&format!("made {name}.tests.yaml")), "{out}{err}");
        let (code, out, err) = lbdiag(place, &["test", &file]);
        assert!(code == Some(0) && out.contains("1 passed, 0 failed"), "{out}{err}");
    }
    let (code, _, err) = lbdiag(place, &["new", "site", "here"]);
    assert_eq!(code, Some(0), "{err}");
    write(
        place,
        "sited.tests.yaml",
        "tests:\n- world: healthy.world\n  site: here.yaml\n  params: { namespace: stacklight, service: iam-proxy-alertmanager }\n  expect: { verdict: pass }\n",
    );
    std::fs::copy(place.join("my-playbook.rhai"), place.join("sited.rhai")).expect("copied");
    let (code, out, err) = lbdiag(place, &["test", "sited.rhai"]);
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn new_replaces_nothing_and_takes_no_path_for_a_name() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    write(place, "a.tests.yaml", "mine");
    for (arguments, why) in [
        (["new", "playbook", "a"], "a.tests.yaml is there already"),
        (["new", "test", "a"], "a.tests.yaml is there already"),
        (["new", "check", "none/a"], "there is no folder none"),
        (["new", "check", "../.."], "is no name"),
        (["new", "site", "a b"], "is no name"),
        (["new", "test", "other"], "other.rhai"),
    ] {
        let (code, _, err) = lbdiag(place, &arguments);
        assert!(code == Some(2) && err.contains(why), "{arguments:?}: {err}");
    }
    assert_eq!(read(place, "a.tests.yaml"), "mine");
    assert!(!place.join("a.rhai").exists());
    assert_eq!(lbdiag(place, &["new", "module", "a"]).0, Some(2));
}

#[test]
fn a_shipped_playbook_can_be_read_and_taken_home() {
    let place = tempfile::tempdir().expect("a folder");
    let (code, out, err) = lbdiag(place.path(), &["show", "metallb-flow", "--source"]);
    assert_eq!(code, Some(0));
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/metallb-flow.rhai")).expect("the playbook");
    assert_eq!(out, source);
    for wanted in ["Parameters:", "captures packets on hosts, within bounds", "namespace (string)"] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    let (code, out, _) = lbdiag(place.path(), &["show", "metallb-flow"]);
    assert!(code == Some(0) && out.contains("Parameters:") && !out.contains("let svc"), "{out}");
}

#[test]
fn the_words_are_declared_for_editors() {
    let (code, out, _) = lbdiag(Path::new("."), &["words", "--definitions"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("module static;") && out.contains("fn find_announcer(service: Service, options: Map) -> Announcement;"), "{out}");
    assert_eq!(lbdiag(Path::new("."), &["words", "probe", "--definitions"]).0, Some(2));
}
