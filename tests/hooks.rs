//! What a site runs at the steps of a playbook that it did not write: before, after and around them.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lbdiag::engine::{self, Prepared};
use lbdiag::evidence::recording::manifest::RecordedSite;
use lbdiag::evidence::recording::recorded;
use lbdiag::evidence::site::Site;
use lbdiag::model::diagnostic::Diagnostic;
use lbdiag::model::outcome::{Outcome, StepState};

const HEADER: &str = "//! ---\n//! name: own\n//! version: 1.0.0\n//! about: b\n//! kind: report\n//! uses: [cluster.read]\n//! ---\n";

/// The body of a playbook on the recording of a healthy cluster, with fragments at steps: `around X`, and the fragment's text.
fn at(body: &str, hooks: &[(&str, &str)]) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let site = site(folder.path(), hooks);
    let site = Site::read(&site).map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("own.rhai"), format!("{HEADER}{body}\n")).expect("a file");
    let playbook = engine::load(&folder.path().join("own.rhai")).map_err(|broken| broken.to_string())?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/healthy.lbdiag");
    let (evidence, mut manifest) = recorded::open(&file).expect("the recording");
    manifest.params.clear();
    manifest.site = RecordedSite::of(&site);
    let prepared =
        Prepared::replay(playbook, (evidence, manifest), &[]).map_err(|why| why.replace(&folder.path().display().to_string(), ""))?;
    Ok(prepared.replayed(Duration::from_secs(60)).expect("a replay").outcome)
}

/// Writes a site file with its fragments.
fn site(folder: &Path, hooks: &[(&str, &str)]) -> std::path::PathBuf {
    let mut text = if hooks.is_empty() { "hooks: []\n" } else { "hooks:\n" }.to_owned();
    for (index, (at, fragment)) in hooks.iter().enumerate() {
        let (when, step) = at.split_once(' ').expect("a step");
        // Writing to a string has no way to fail.
        let _ = writeln!(text, "- {{ playbook: own, {when}: \"{step}\", run: {index}.hook }}");
        std::fs::write(folder.join(format!("{index}.hook")), fragment).expect("a file");
    }
    let file = folder.join("site.yaml");
    std::fs::write(&file, text).expect("a file");
    file
}

fn ran(body: &str, hooks: &[(&str, &str)]) -> Outcome {
    at(body, hooks).expect("a run")
}

/// The lines of the steps, each behind its step's title without the fragment's file.
fn told(outcome: &Outcome) -> Vec<String> {
    let title = |title: &str| title.split(" (").next().unwrap_or_default().to_owned();
    outcome.steps.iter().flat_map(|step| step.facts.iter().map(move |fact| format!("{}: {fact}", title(&step.title)))).collect()
}

const STEP: &str = "let given = step(\"Count\", || { note(\"counted\"); 3 });\nnote(`${given}`);";

#[test]
fn a_fragment_around_a_step_gives_what_the_step_gives() {
    let hooks = [
        ("before Count", "note(`${when} ${given}`);"),
        ("around Count", "let value = proceed.call(); note(`${when} ${value}`); value + 4"),
        ("after Count", "note(`${when} ${given}`);"),
    ];
    let outcome = ran(STEP, &hooks);
    assert_eq!(
        told(&outcome),
        ["before \"Count\": before ", "Count: counted", "around \"Count\": around 3", "after \"Count\": after 7", "Notes: 7"]
    );
    let at: Vec<&str> = outcome.ran.iter().map(|one| one.at.as_str()).collect();
    assert_eq!(at, ["", "before \"Count\"", "around \"Count\"", "after \"Count\""]);
}

#[test]
fn fragments_of_one_step_stand_around_each_other_in_the_order_of_the_file() {
    let hooks = [("around Count", "`a${proceed.call()}a`"), ("around Count", "`b${proceed.call()}b`")];
    assert_eq!(told(&ran(STEP, &hooks)), ["Count: counted", "Notes: ab3ba"]);
    let five = [("around Count", "proceed.call()"); 5];
    let refused = at(STEP, &five).expect_err("too many");
    assert!(refused.contains("hooks: 5 fragments stand around the step \"Count\" of own") && refused.contains("at most 4"), "{refused}");
}

#[test]
fn a_step_that_is_not_called_is_left_out_and_the_run_says_so() {
    let hooks = [("around Count", "if 1 > 2 { proceed.call() } else { 9 }"), ("after Count", "note(\"never\");")];
    let outcome = ran(STEP, &hooks);
    let told = told(&outcome);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("Notes: the site leaves the step \"Count\" out (") && told[1] == "Notes: 9", "{told:?}");
    assert!(outcome.steps.iter().all(|step| step.title != "Count"));

    let never = at(STEP, &[("around Count", "note(\"x\");")]).expect_err("it never calls it");
    assert!(
        never.contains("the fragment stands around a step and never calls it") && never.contains("`let value = proceed.call();`"),
        "{never}"
    );
    let other = at(STEP, &[("around Count", "note(`${given}`); proceed.call()")]).expect_err("there is no such name");
    assert!(other.contains("given"), "{other}");
    let other = at(STEP, &[("after Count", "proceed.call();")]).expect_err("there is no such name");
    assert!(other.contains("proceed"), "{other}");
}

#[test]
fn a_step_that_fails_keeps_its_name_and_its_one_gap() {
    let body = "let given = step(\"Count\", || throw \"no number\");\nnote(`${given == ()}`);";
    let gaps = |outcome: &Outcome| outcome.gaps.iter().map(|gap| format!("{}: {}", gap.subject, gap.reason)).collect::<Vec<_>>();
    let states = |outcome: &Outcome| outcome.steps.iter().map(|step| step.state).collect::<Vec<_>>();

    let passed = ran(body, &[("around Count", "proceed.call()")]);
    assert_eq!(
        told(&passed),
        ["Count: failed: no number", "around \"Count\": failed: the step \"Count\" failed: no number", "Notes: true"]
    );
    assert_eq!(states(&passed), [StepState::Failed, StepState::Failed, StepState::Done]);
    assert_eq!(gaps(&passed), ["step/Count: no number"]);

    let caught = ran(body, &[("around Count", "let value = 1; try { value = proceed.call(); } catch (error) { note(`${error}`); } value")]);
    assert_eq!(told(&caught), ["Count: failed: no number", "around \"Count\": the step \"Count\" failed: no number", "Notes: false"]);
    assert_eq!(gaps(&caught), ["step/Count: no number"]);

    let again = ran(body, &[("around Count", "retry(#{ times: 3 }, || proceed.call())")]);
    assert_eq!(gaps(&again), ["step/Count: no number"]);
    assert_eq!(again.steps.iter().filter(|step| step.title == "Count").count(), 1, "{:?}", again.steps);

    let refused = ran(STEP, &[("around Count", "let value = proceed.call(); if value < 5 { throw \"too few\"; } value")]);
    assert_eq!(told(&refused), ["Count: counted", "around \"Count\": failed: too few", "Notes: "]);

    let skipped = ran("step(\"Count\", || skip(\"not here\"));", &[("around Count", "note(`${proceed.call() == ()}`);")]);
    assert_eq!(told(&skipped), ["Count: skipped: not here", "around \"Count\": true"]);
}

#[test]
fn a_mistake_inside_is_the_playbooks_own_and_no_fragment_catches_it() {
    let body = "step(\"Count\", || list([\"v1/secrets\", 1][0]));";
    let plain = ran(body, &[]);
    let around = ran(body, &[("around Count", "try { proceed.call() } catch { 1 }")]);
    assert_eq!(plain.diagnostics.len(), 1, "{:?}", plain.diagnostics);
    let (one, other) = (&around.diagnostics[0], &plain.diagnostics[0]);
    assert_eq!((&one.code, &one.message), (&other.code, &other.message));
    let span = |one: &Diagnostic| one.spot.as_ref().expect("a place").span;
    assert!(span(one) == span(other) && span(one).start.line == 8, "{one:?}");
    assert_eq!(around.steps[0].title, "Count");

    let own = ran(STEP, &[("around Count", "let value = proceed.call(); [1, value][7]")]);
    let message = &own.diagnostics[0].message;
    assert!(message.contains("0.hook") && message.contains("index 7"), "{message}");

    let given = ran(STEP, &[("around Count", "proceed.call(1)")]);
    assert!(given.diagnostics[0].message.contains("`proceed.call()` takes no argument"), "{:?}", given.diagnostics);
    let later = "let given = step(\"Count\", || 1); if type_of(given) == \"Fn\" { given.call(); }";
    let late = ran(later, &[("around Count", "proceed.call(); proceed")]);
    assert!(late.diagnostics[0].message.contains("is called after the fragment around it has ended"), "{:?}", late.diagnostics);
}

#[test]
fn a_step_sees_what_its_place_sees_and_steps_within_it_have_their_hooks() {
    let body = "let count = 1;\nfn more(number) { number + 1 }\nstep(\"Outer\", || { count = more(count); step(\"Inner\", || note(`inner ${count}`)); });\nnote(`${count}`);";
    let hooks =
        [("around Outer", "proceed.call(); proceed.call();"), ("before Inner", "note(\"here\"); step(\"Outer\", || note(\"no hook\"));")];
    let mut once = vec!["Outer: no hook", "before \"Inner\": here", "Inner: inner 2"];
    once.extend(["Outer: no hook", "before \"Inner\": here", "Inner: inner 3", "Notes: 3"]);
    assert_eq!(told(&ran(body, &hooks)), once);
    let side = ran(STEP, &[("around Count", "parallel([|| proceed.call(), || proceed.call()])[1]")]);
    assert_eq!(told(&side), ["Count: counted", "Count: counted", "Notes: 3"]);
}

#[test]
fn steps_around_each_other_have_an_end() {
    let body = "fn deep(number) { step(\"Deep\", || deep(number + 1)); }\ndeep(0);\nstep(\"Deep\", || 1);";
    let outcome = ran(body, &[("around Deep", "proceed.call()")]);
    let one = &outcome.diagnostics[0];
    assert_eq!(one.code, "E0305", "{one:?}");
    assert!(one.message.contains("0.hook: more than 4 fragments stand around each other at the step \"Deep\""), "{one:?}");
}

#[test]
fn a_fragment_has_the_limits_of_a_script_and_the_modules_of_its_playbook() {
    let hung = ran(STEP, &[("before Count", "loop { }")]);
    assert_eq!(hung.diagnostics[0].code, "E0305");
    assert!(hung.diagnostics[0].message.contains("0.hook: the fragment reached a limit: Too many operations"), "{:?}", hung.diagnostics);
    let far = at(STEP, &[("before Count", "import \"lib/tables\" as tables;")]).expect_err("its playbook does not import it");
    assert!(far.contains("0.hook:1:") && far.contains("a fragment imports only what its playbook imports as well"), "{far}");
    let body = format!("import \"lib/tables\" as tables;\nnote(tables::joined([\"a\"], \" \"));\n{STEP}");
    let near = ran(&body, &[("after Count", "import \"lib/tables\" as tables;\nnote(tables::joined([\"a\", \"b\"], \"+\"));")]);
    assert!(told(&near).contains(&"after \"Count\": a+b".to_owned()), "{:?}", told(&near));
    let ended = ran(STEP, &[("around Count", "let value = proceed.call(); exit(value + 1); 9")]);
    assert_eq!(told(&ended), ["Count: counted", "Notes: 4"], "exit ends the fragment alone");
}

#[test]
fn check_reads_the_fragments_of_a_site_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let checked = |hooks: &[(&str, &str)], more: &[&str]| {
        site(place, hooks);
        let done = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
            .args(["check", "site.yaml"])
            .args(more)
            .current_dir(place)
            .stdin(Stdio::null())
            .output()
            .expect("lbdiag runs");
        (done.status.code(), [done.stdout, done.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat())
    };
    let (code, told) = checked(&[("around Count", "proceed.call()")], &[]);
    assert!(code == Some(0) && told.contains("W0402") && told.contains("no playbook that is known here has the name `own`"), "{told}");
    std::fs::write(place.join("own.rhai"), format!("{HEADER}{STEP}\n")).expect("a file");
    let (code, told) = checked(&[("around Count", "proceed.call()")], &["own.rhai"]);
    assert!(code == Some(0) && told.contains("1 playbook and 1 site file checked: 1 notice"), "{told}");
    let (code, told) = checked(&[("around Cuont", "proceed.call()")], &["own.rhai"]);
    assert!(code == Some(2) && told.contains("did you mean `Count`?"), "{told}");
    let (code, told) = checked(&[("around Count", "note(\"x\");")], &["own.rhai"]);
    assert!(code == Some(2) && told.contains("never calls it"), "{told}");
    let (code, told) = checked(&[("around Count", "let x = procede.call(); x")], &["own.rhai"]);
    assert!(code == Some(2) && told.contains("did you mean `proceed`?"), "{told}");
    let (code, told) = checked(&[("around Count", "interfaces(\"n2\"); proceed.call()")], &["own.rhai"]);
    assert!(code == Some(2) && told.contains("needs the capability `node.read`"), "{told}");
}

#[test]
fn show_lists_the_steps_and_the_hooks_of_a_site() {
    let done = Command::new(env!("CARGO_BIN_EXE_lbdiag"))
        .args(["show", "metallb-flow", "--site", "examples/sites/locked-down/site.yaml"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("lbdiag runs");
    let told = String::from_utf8_lossy(&done.stdout);
    let at = told.find("Steps, with the site's hooks:").expect("the steps");
    let steps: Vec<&str> = told[at..].lines().skip(1).collect();
    assert!(steps.contains(&"  Who announces the address"), "{steps:?}");
    let step = steps.iter().position(|line| *line == "  Follow a request").expect("the step");
    assert_eq!(steps[step + 1], "    around  examples/sites/locked-down/hooks/freeze.hook");
}
