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
fn a_new_module_is_sound_at_once_and_is_tried_by_a_check() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    std::fs::create_dir(place.join("lib")).expect("a folder");
    let (code, out, err) = lbdiag(place, &["new", "module", "lib/own-ends"]);
    assert_eq!(code, Some(0), "{err}");
    for wanted in ["made lib/own-ends.rhai\n", "made lib/try-own-ends.rhai\n", "next: lbdiag test lib/try-own-ends.rhai"] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let (code, out, err) = lbdiag(place, &["check", "lib"]);
    assert!(code == Some(0) && out.contains("2 playbooks checked: no mistake"), "{out}{err}");
    let (code, out, err) = lbdiag(place, &["fmt", "--check", "lib"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, out, err) = lbdiag(place, &["test", "lib"]);
    assert!(code == Some(0) && out.contains("2 passed, 0 failed"), "{out}{err}");
    // The check tries the module itself: what is wrong in there is found by it.
    let module = read(place, "lib/own-ends.rhai");
    write(place, "lib/own-ends.rhai", &module.replace("end.ready)", "!end.ready)"));
    let (code, out, err) = lbdiag(place, &["test", "lib"]);
    assert!(code == Some(3) && out.contains("1 passed, 1 failed"), "{code:?} {out}{err}");
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
    for (name, why) in [("a.b", "is no name of a module"), ("b", "try-b.rhai is there already")] {
        write(place, "try-b.rhai", "mine");
        let (code, _, err) = lbdiag(place, &["new", "module", name]);
        assert!(code == Some(2) && err.contains(why) && !place.join("b.rhai").exists(), "{name}: {err}");
    }
    assert_eq!(read(place, "try-b.rhai"), "mine");
    assert_eq!(lbdiag(place, &["new", "modul", "c"]).0, Some(2));
}

#[test]
fn a_site_runs_only_what_its_signers_signed() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let header = "//! ---\n//! name: NAME\n//! version: 1.0.0\n//! about: b\n//! ---\n";
    write(place, "a.rhai", &format!("{}import \"own\" as own;\nnote(own::text());\n", header.replace("NAME", "a")));
    write(place, "own.rhai", &format!("{}fn text() {{ \"signed\" }}\n", header.replace("NAME", "own")));
    let keygen = |arguments: &[&str]| {
        let done = Command::new("ssh-keygen").args(arguments).current_dir(place).stdin(Stdio::null()).output().expect("ssh-keygen runs");
        assert!(done.status.success(), "{done:?}");
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "ops", "-f", "key"]);
    write(place, "site.yaml", &format!("signers: [\"{}\"]\n", read(place, "key.pub").trim()));
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/healthy.world");
    let run =
        |playbook: &str| lbdiag(place, &["run", playbook, "--site", "site.yaml", "--world", world.to_str().expect("a path"), "-v", "-q"]);
    let refused = |playbook: &str, why: &str| {
        let (code, out, err) = run(playbook);
        assert!(code == Some(2) && err.contains(why), "{why}: {code:?} {out}{err}");
    };
    refused("a.rhai", "read a.rhai.sig: ");
    keygen(&["-q", "-Y", "sign", "-n", "lbdiag-playbook", "-f", "key", "a.rhai"]);
    refused("a.rhai", "own.rhai.sig: ");
    keygen(&["-q", "-Y", "sign", "-n", "lbdiag-playbook", "-f", "key", "own.rhai"]);
    let (code, out, err) = run("a.rhai");
    assert!(code == Some(5) && out.contains("signed"), "{code:?} {out}{err}");
    // What is inside lbdiag needs no signature.
    assert_ne!(
        lbdiag(place, &["run", "announcements", "--site", "site.yaml", "--world", world.to_str().expect("a path"), "-q"]).0,
        Some(2)
    );
    write(place, "own.rhai", &read(place, "own.rhai").replace("signed", "changed"));
    refused("a.rhai", "the text was changed since");
    write(place, "bad.yaml", "signers: [ssh-ed25519 AAAA]\n");
    let (code, out, err) = lbdiag(place, &["check", "bad.yaml"]);
    assert!(code == Some(2) && format!("{out}{err}").contains("is no public key of SSH"), "{out}{err}");
}

/// A run of these lines on the world that works, with its steps traced.
fn traced(body: &str) -> (Option<i32>, String) {
    let place = tempfile::tempdir().expect("a folder");
    let header = "//! ---\n//! name: a\n//! version: 1.0.0\n//! about: b\n//! uses: [cluster.read]\n//! ---\n";
    write(place.path(), "a.rhai", &format!("{header}{body}\n"));
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/healthy.world");
    let world = world.to_str().expect("a path");
    let (code, _, err) = lbdiag(place.path(), &["run", "a.rhai", "--world", world, "--trace-steps", "-q"]);
    (code, err)
}

#[test]
fn a_run_traces_what_its_steps_gave_and_what_led_to_an_error() {
    let (_, err) = traced(
        "let names = step(\"Names\", || nodes().map(|node| node.name));\nstep(\"Leave\", || skip(\"not today\"));\nstep(\"Service\", || service(\"stacklight\", \"iam-proxy-alertmanager\"));\nnote(`${names}`);",
    );
    for wanted in [
        "lbdiag: step \"Names\" gave [\"n0\", \"n1\", \"n2\", \"n3\"]\n",
        "step \"Leave\" skipped: not today\n",
        "step \"Service\" gave {",
        "\"name\":\"iam-proxy-alertmanager\"",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    let (code, err) = traced("fn halve(number) { number / 0 }\nlet first = step(\"One\", || 1);\nstep(\"Two\", || halve(first));");
    assert_eq!(code, Some(2));
    for wanted in ["step \"One\" gave 1\n", "step \"Two\" failed: ", "halve", "the playbook ended by "] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
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

#[test]
fn a_finding_that_playbooks_declare_is_explained_with_its_playbook() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    let playbook = |name: &str, severity: &str, finding: &str| {
        format!(
            "//! ---\n//! name: {name}\n//! version: 1.2.0\n//! about: x\n//! uses: []\n//! findings:\n\
             //!   {finding}: {{ severity: {severity}, meaning: \"It is odd.\", next: \"Look at it.\" }}\n//! ---\n"
        )
    };
    std::fs::create_dir_all(place.join("playbooks")).expect("a folder");
    std::fs::create_dir_all(place.join("site/library/deep")).expect("a folder");
    write(place, "here.rhai", &playbook("here", "warn", "site/odd-here"));
    write(place, "playbooks/twin.rhai", &playbook("twin", "warn", "site/odd-here"));
    write(place, "site/library/deep/far.rhai", &playbook("far", "fail", "site/odd-far"));
    write(place, "site/library/other.rhai", &playbook("other", "warn", "site/odd-far"));
    write(place, "site/site.yaml", "library: [library]\n");

    let (code, out, err) = lbdiag(place, &["explain", "site/odd-here"]);
    let by = "Declared by\n    here 1.2.0, here.rhai\n    twin 1.2.0, playbooks/twin.rhai\n";
    assert_eq!(
        (code, out),
        (Some(0), format!("site/odd-here  (warn)\n\nMeaning\n    It is odd.\nNext\n    Look at it.\n{by}")),
        "those who say the same stand together: {err}"
    );

    let (code, _, err) = lbdiag(place, &["explain", "site/odd-far"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `site/odd-here`, which is declared by here 1.2.0, here.rhai?"), "{err}");
    let (code, out, err) = lbdiag(place, &["explain", "site/odd-far", "--site", "site/site.yaml"]);
    assert_eq!(code, Some(0), "{err}");
    for piece in
        ["site/odd-far  (fail)", "site/odd-far  (warn)", "far 1.2.0, site/library/deep/far.rhai", "other 1.2.0, site/library/other.rhai"]
    {
        assert!(out.contains(piece), "{piece}: {out}");
    }

    let (_, out, _) = lbdiag(place, &["explain", "site", "--site", "site/site.yaml"]);
    assert_eq!(out.lines().filter(|line| line.starts_with("site/odd-")).count(), 4, "{out}");
    let (_, out, _) = lbdiag(place, &["explain", "announce/split-brain"]);
    assert!(out.starts_with("announce/split-brain  (fail)"), "{out}");

    write(place, "gone.yaml", "library: [none]\n");
    let (code, _, err) = lbdiag(place, &["explain", "site/odd-far", "--site", "gone.yaml"]);
    assert!(code == Some(2) && err.contains("read the folder ./none"), "{err}");
}
