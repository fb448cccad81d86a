//! Mistakes as authors make them, a small file each in `tests/mistakes/`: what is said of it, at which place, and nothing else.
//!
//! A file ends with a line for each mistake: `CHECK` for what is found before anything runs and `RUN` for what only a run can tell (on the
//! recording of a healthy cluster), the code, line and column, and a piece of what is said.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lbdiag::engine::{self, EndKind, Inputs, RunEnd, RunOptions, playbook};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::diagnostic::codes;
use lbdiag::model::diagnostic::{Diagnostic, Source};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One line of what is expected.
#[derive(Debug)]
struct Expected<'a> {
    run: bool,
    /// The run asked for something that is not there, and ends with that alone.
    usage: bool,
    code: &'a str,
    place: &'a str,
    piece: &'a str,
}

fn expected(line: &str) -> Option<Expected<'_>> {
    let line = line.strip_prefix("// ").or_else(|| line.strip_prefix("# "))?;
    let (kind, rest) = line.split_once(' ').filter(|(kind, _)| matches!(*kind, "CHECK" | "RUN" | "USAGE"))?;
    let (code, rest) = rest.split_once(' ')?;
    let (place, piece) = rest.split_once(' ')?;
    Some(Expected { run: kind == "RUN", usage: kind == "USAGE", code, place, piece })
}

/// What is said of a file before anything runs.
fn checked(path: &Path, text: &str) -> Vec<Diagnostic> {
    let shown = path.display().to_string();
    if path.extension().is_some_and(|end| end == "yaml") {
        let known: Vec<engine::Header> = engine::shipped().collect();
        return engine::site_mistakes(&Source { file: &shown, text }, &known);
    }
    match playbook::read(&shown, text.to_owned()) {
        Ok(playbook) => playbook.warnings,
        Err(broken) => broken.diagnostics,
    }
}

/// What a run says.
fn ran(path: &Path, text: &str) -> Vec<Diagnostic> {
    run(path, text, "tests/recordings/healthy.lbdiag").outcome.diagnostics
}

/// What a run ends with that asked for something that is not there, with the place of the call before it.
fn asked_wrongly(path: &Path, text: &str) -> String {
    match run(path, text, "tests/worlds/healthy.world").kind {
        EndKind::Usage(text) => text,
        other => format!("{other:?}"),
    }
}

fn run(path: &Path, text: &str, world: &str) -> RunEnd {
    let playbook = playbook::read(&path.display().to_string(), text.to_owned()).expect("a playbook that may run");
    let (evidence, manifest) = recorded::open(&root().join(world)).expect("the recording");
    let params = engine::resolve(&playbook.header, &Inputs::default()).expect("no parameters");
    let options = RunOptions { time_limit: Duration::from_secs(60), progress: Arc::new(|_| {}) };
    engine::run(&playbook, params, &evidence, &manifest.site.site(), &options)
}

/// What is wrong with what is said of a file.
fn wrong(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).expect("a file");
    let wanted: Vec<Expected> = text.lines().filter_map(expected).collect();
    assert!(!wanted.is_empty(), "{} expects nothing", path.display());
    if let Some(wanted) = wanted.first().filter(|wanted| wanted.usage) {
        let said = asked_wrongly(path, &text);
        let begins = format!("{}:{}: ", path.display(), wanted.place);
        let right = said.starts_with(&begins) && said.contains(wanted.piece);
        return (!right).then(|| format!("{}:\n  {said}\n  expected {wanted:?}", path.display()));
    }
    let found = if wanted[0].run { ran(path, &text) } else { checked(path, &text) };
    let place = |one: &Diagnostic| {
        one.spot.as_ref().map_or_else(String::new, |spot| format!("{}:{}", spot.span.start.line, spot.span.start.column))
    };
    let fits = |(one, wanted): (&Diagnostic, &Expected)| {
        one.code == wanted.code && place(one) == wanted.place && one.to_string().contains(wanted.piece)
    };
    let right = found.len() == wanted.len() && found.iter().zip(&wanted).all(fits);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    (!right).then(|| format!("{}:\n  {}\n  expected {wanted:?}", path.display(), told.join("\n  ")))
}

#[test]
fn every_mistake_is_told_at_its_place_and_nothing_else() {
    let files = std::fs::read_dir(root().join("tests/mistakes")).expect("the folder");
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 100, "only {} mistakes", files.len());
    let wrong: Vec<String> = files.iter().filter_map(|path| wrong(path)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

/// Whoever reads a message finds its code explained.
#[test]
fn every_code_that_is_expected_is_explained() {
    for entry in std::fs::read_dir(root().join("tests/mistakes")).expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        for wanted in text.lines().filter_map(expected).filter(|wanted| !wanted.usage) {
            assert!(codes::code(wanted.code).is_some(), "{}", wanted.code);
        }
    }
}

/// Ten thousand lines are read as fast as a person notices nothing; how long that takes on a busy machine is no business of a test, but that it
/// grows with the lines and not with their square is.
#[test]
fn a_long_playbook_takes_as_long_as_its_lines() {
    let header = "//! ---\n//! name: a\n//! version: 1\n//! about: b\n//! uses: [cluster.read]\n//! ---\nlet svc = service(\"a\", \"b\");\nlet all = [];\n";
    let of = |lines: usize| {
        let line = |number: usize| {
            format!("if svc.name == \"{number}\" {{ for port in svc.ports {{ all.push(`${{port.name}}: ${{svc.path}}`); }} }}\n")
        };
        format!("{header}{}note(`${{all}}`);\n", (0..lines).map(line).collect::<String>())
    };
    let took = |lines: usize| {
        let text = of(lines);
        let began = std::time::Instant::now();
        let playbook = playbook::read("a.rhai", text).map_err(|broken| broken.to_string()).expect("a good playbook");
        assert_eq!(playbook.warnings, []);
        began.elapsed()
    };
    let (short, long) = (took(1_000), took(10_000));
    assert!(long < short * 60 + Duration::from_secs(2), "1,000 lines took {short:?}, 10,000 took {long:?}");
}
