//! Mistakes of playbooks as people and programs get them: every one of a file, at its very place, and each code with an example that has it.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, EndKind, Inputs, RunOptions};
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::site::Site;
use lbdiag::model::diagnostic::codes::{CODES, Example};
use lbdiag::model::diagnostic::{Diagnostic, Level, Source};
use lbdiag::model::outcome::Outcome;

const HEADER: &str = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read]\n//! ---\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is wrong with a playbook that is only read.
fn read(text: &str) -> Vec<Diagnostic> {
    match engine::playbook::read("a.rhai", text.to_owned()) {
        Ok(playbook) => playbook.warnings,
        Err(broken) => broken.diagnostics,
    }
}

/// A script's run on the recording of a healthy cluster.
fn run(script: &str) -> (Outcome, EndKind) {
    let playbook = engine::playbook::read("a.rhai", format!("{HEADER}{script}")).expect("a playbook that may run");
    let (evidence, manifest) = recorded::open(&root().join("tests/recordings/healthy.lbdiag")).expect("the recording");
    let params = engine::resolve(&playbook.header, &Inputs::default()).expect("no parameters");
    let options = RunOptions { time_limit: Duration::from_secs(60), progress: Arc::new(|_| {}) };
    let end = engine::run(&playbook, params, &evidence, &manifest.site.site(), &options);
    (end.outcome, end.kind)
}

fn codes(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|one| one.code.as_str()).collect()
}

#[test]
fn every_code_has_an_example_that_has_it_and_no_other() {
    for entry in CODES {
        let found = match entry.example {
            Example::Playbook(text) => read(text),
            // The header's capability is for those that need it.
            Example::Script(text) => read(&format!("{HEADER}{text}")).into_iter().filter(|one| one.code != "W0203").collect(),
            Example::Run(text) => run(text).0.diagnostics.into_iter().filter(|one| one.code != "W0203").collect(),
            Example::Site(text) => Site::parse(&Source { file: "site.yaml", text }).err().unwrap_or_default(),
            Example::Described(_) => continue,
        };
        assert_eq!(codes(&found), [entry.code], "{found:?}");
        assert!(found.iter().all(|one| one.spot.is_some()), "{found:?}");
    }
}

/// What may not run with it.
fn errors(text: &str) -> Vec<Diagnostic> {
    read(text).into_iter().filter(|one| one.severity == Level::Error).collect()
}

/// The text that a diagnostic marks.
fn marked<'a>(text: &'a str, one: &Diagnostic) -> &'a str {
    let span = one.spot.as_ref().expect("a place").span;
    &text[span.start.byte..span.end.byte]
}

#[test]
fn all_mistakes_of_a_playbook_are_told_at_once() {
    let text = format!(
        "{}print(find_anouncer(1));\nstep(\"x\", || {{\n    frobnicate(probe(1, #{{}}));\n}});\n",
        HEADER.replace("about", "abuot")
    );
    let found = read(&text);
    assert_eq!(codes(&found), ["E0103", "E0104", "E0202", "E0202", "E0204"], "what a broken header does not list is held against nobody");
    let marks: Vec<&str> = found.iter().map(|one| marked(&text, one)).collect();
    assert_eq!(marks, ["abuot", "name", "find_anouncer", "frobnicate", "1"]);
    let good = text.replace("abuot", "about");
    let found = read(&good);
    assert_eq!(codes(&found), ["E0202", "E0202", "E0203", "E0204"]);
    assert_eq!(marked(&good, &found[2]), "probe");
    let both = read(&format!("{}let x = [1;\n", HEADER.replace("cluster.read", "cluster.reed")));
    assert_eq!(codes(&both), ["E0106", "E0201"]);
}

#[test]
fn values_that_are_written_out_are_held_against_what_words_take() {
    let service = "let svc = service(\"a\", \"b\");\n";
    for (line, code, mark, said) in [
        ("note(5);", "E0204", "5", "`note` takes text as its text, and this is `5`"),
        ("note([1, svc]);", "E0204", "[", "this is a list"),
        ("allowed(#{});", "E0204", "#{", "this is a map"),
        ("find_announcer(\"web\");", "E0204", "\"web\"", "takes Service as its service, and this is `web`"),
        ("finding(\"site/x\", \"critical\", \"node/n1\", \"x\");", "E0204", "\"critical\"", "this is `critical`"),
        ("service_at(\"10.88.64\");", "E0204", "\"10.88.64\"", "this is `10.88.64`"),
        ("step(\"x\", 1);", "E0204", "1", "this is `1`"),
        ("table(\"x\", \"y\", []);", "E0204", "\"y\"", "this is `y`"),
        ("find_announcer(svc, #{ metrics: (), defer: 1 });", "E0206", "1", "the option `defer` takes"),
        ("find_announcer(svc, #{ defer: `${svc}` });", "E0206", "`", "this is ``"),
    ] {
        let text = format!("{HEADER}{service}{line}\n");
        let found = errors(&text);
        assert_eq!(codes(&found), [code], "{line}: {found:?}");
        assert!(marked(&text, &found[0]).starts_with(mark) || mark.starts_with(marked(&text, &found[0])), "{line}: {found:?}");
        assert!(found[0].message.contains(said), "{line}: {}", found[0].message);
    }
    for line in [
        "note(`${svc}`);",
        "let found = find_announcer(svc, #{ wire: (), defer: true, router: () });\nresolve_target_port(svc, 443);\nresolve_target_port(svc, #{ port: \"*\" });",
        "judge(svc, (), (), ());",
        "finding(\"site/x\", \"info\", [\"node/n1\", `node/${svc}`], \"x\");\ntable(\"x\", [\"y\"], [[1], [()]]);",
        "let what = 5;\nservice_at(svc.address);\nstep(\"x\", || what);",
        "services(());",
    ] {
        assert_eq!(codes(&errors(&format!("{HEADER}{service}{line}\n"))), [] as [&str; 0], "{line}");
    }
}

#[test]
fn text_and_json_tell_both_mistakes_with_their_places() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.rhai");
    let text = format!("{HEADER}let /* ä */ x = find_anouncer(1);\nfrobnicate(x);\n");
    std::fs::write(&path, &text).expect("a written playbook");
    let told = Command::new(env!("CARGO_BIN_EXE_lbdiag")).arg("run").arg(&path).args(["--report", "json"]).output().expect("lbdiag runs");
    assert_eq!(told.status.code(), Some(2));
    let shown = String::from_utf8_lossy(&told.stderr);
    for line in ["error[E0202]: there is no word `find_anouncer`", "a.rhai:7:17", "= help: did you mean `find_announcer`?", "a.rhai:8:1"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON on standard output");
    assert_eq!(json["format"], "lbdiag-diagnostics/1");
    let all = json["diagnostics"].as_array().expect("diagnostics");
    let span = |index: usize, end: &str| &all[index]["span"][end];
    assert_eq!((all.len(), span(0, "start")["line"].as_u64(), span(0, "start")["column"].as_u64()), (2, Some(7), Some(17)));
    assert_eq!((span(0, "end")["column"].as_u64(), span(1, "start")["line"].as_u64()), (Some(30), Some(8)));
    assert_eq!(span(0, "start")["byte"].as_u64(), text.find("find_anouncer").map(|at| at as u64));
}

#[test]
fn a_run_that_fails_keeps_its_mistake_as_data_and_its_headline_short() {
    let (outcome, kind) = run(
        "fn deep(x) { x.nothing_such }\nfn outer(x) {\n    deep(x)\n}\nlet svc = service(\"stacklight\", \"iam-proxy-alertmanager\");\nlet held = [svc].reduce(|before, one| before + [one], []);\nouter(held[0]);\n",
    );
    assert!(matches!(kind, EndKind::BrokenPlaybook(_)), "{kind:?}");
    assert_eq!(codes(&outcome.diagnostics), ["E0302"]);
    let mistake = &outcome.diagnostics[0];
    assert_eq!(mistake.spot.as_ref().map(|spot| (spot.span.start.line, spot.span.start.column, spot.span.end.column)), Some((7, 16, 28)));
    let called: Vec<(usize, &str)> = mistake.further.iter().map(|one| (one.spot.span.start.line, one.message.as_str())).collect();
    assert_eq!(called, [(9, "`deep` was called here"), (13, "`outer` was called here")]);
    assert!(!outcome.summary.contains(['\n', '|', '^']) && outcome.summary.contains("E0302"), "{}", outcome.summary);
    let text = lbdiag::report::text(&outcome, lbdiag::report::Style::PLAIN);
    let headline = text.lines().next().unwrap_or_default();
    assert!(headline.starts_with("INCONCLUSIVE a.rhai:7:") && !headline.contains('|'), "{headline}");
    assert!(text.contains("\nerror[E0302]: there is no field `nothing_such` of Service\n  --> a.rhai:7:16"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&lbdiag::report::json(&outcome)).expect("JSON");
    assert_eq!(json["diagnostics"][0]["further"][1]["span"]["start"]["line"], 13);
}

/// `lbdiag check`, its exit code and what it prints.
fn check(arguments: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbdiag"));
    command.arg("check").args(arguments).current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("lbdiag");
    // Whoever reads files alone may be gone before this is written.
    let _ = child.stdin.take().expect("its input").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("its end");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), stdout, stderr)
}

#[test]
fn folders_files_and_standard_input_are_checked_in_one_go() {
    let (code, told, _) = check(&["playbooks", "examples", "metallb-flow"], "");
    assert!(code == Some(0) && told.contains("playbooks checked: no mistake"), "{told}");

    let place = tempfile::tempdir().expect("a folder");
    let path = |name: &str| place.path().join(name).display().to_string();
    std::fs::create_dir(path("below")).expect("a folder");
    for (name, body) in [("good.rhai", "note(\"x\");"), ("below/one.rhai", "find_anouncer(1);"), ("two.rhai", "note();\nsevice(1);")] {
        let header = HEADER.replace("//! uses: [cluster.read]\n", "");
        std::fs::write(path(name), format!("{header}{body}")).expect("a playbook");
    }
    let folder = place.path().display().to_string();
    let (code, told, _) = check(&[&folder, "--report", "json"], "");
    let read: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let found = read["diagnostics"].as_array().expect("a list");
    let of = |name: &str| found.iter().filter(|one| one["file"].as_str().is_some_and(|file| file.ends_with(name))).count();
    assert_eq!((code, of("good.rhai"), of("below/one.rhai"), of("two.rhai")), (Some(2), 0, 1, 2), "{told}");
    let (code, told, _) = check(&[&folder], "");
    assert!(code == Some(2) && told.ends_with("3 playbooks checked: 3 mistakes in 2 of them\n"), "{told}");

    for (format, begins) in [("sarif", "{"), ("github", "::error file=standard input,line=7,")] {
        let (code, told, _) = check(&["-", "--report", format], &format!("{HEADER}find_anouncer(1);"));
        assert!(code == Some(2) && told.starts_with(begins), "{format}: {told}");
    }
}

#[test]
fn what_cannot_be_checked_is_refused_and_nothing_is_overwritten() {
    let place = tempfile::tempdir().expect("a folder");
    let empty = place.path().display().to_string();
    for (arguments, says) in [
        (vec![empty.as_str()], "no file of it ends in .rhai"),
        (vec!["metallb-flo"], "did you mean metallb-flow?"),
        (vec!["examples", "--report", "github", "--report", "json"], "would be written into one file"),
        (vec!["metallb-flow", "--report", "xml"], "the formats are text, json, sarif and github"),
    ] {
        let (code, told, error) = check(&arguments, "");
        assert!(code == Some(2) && error.contains(says) && told.is_empty(), "{arguments:?}: {error}");
    }
    let file = place.path().join("a.rhai");
    let text = format!("{HEADER}note(\"x\");");
    std::fs::write(&file, &text).expect("a playbook");
    let (code, _, error) = check(&[&file.display().to_string(), "--report", &format!("json={}", file.display())], "");
    assert_eq!((code, std::fs::read_to_string(&file).expect("the playbook")), (Some(2), text), "{error}");
}
