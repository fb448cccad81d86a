//! Runs the tests of several files, side by side and within bounds.

use std::path::Path;
use std::time::{Duration, Instant};

use super::coverage;
use super::expected::Gave;
use super::file::{Test, TestFile};
use super::replay::replay;
use super::update::updated;
use crate::engine::came_to::CameTo;
use crate::engine::find;
use crate::evidence::output::rewritten::rewrite;
use crate::evidence::side_by_side::at_most;
use crate::language::playbook::Playbook;
use crate::model::diagnostic::{Diagnostic, codes};
use crate::model::outcome::Outcome;
use crate::model::tested::{Difference, Tested, TestedFile, TestedOne};
use crate::model::text::one_line;

/// How tests are run.
pub struct Testing {
    /// What one test may take.
    pub limit: Duration,
    /// Whether it is asked which statements ran.
    pub coverage: bool,
    /// Whether the expectations of failed tests are written anew.
    pub update: bool,
}

/// Why tests were not run: what is wrong with files of tests, or with playbooks.
#[derive(Debug)]
pub struct Untestable(pub Vec<Diagnostic>);

/// Runs which go on at the same time: more of them only take memory.
fn side_by_side() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).saturating_mul(2).min(16)
}

/// A file with what its tests came to.
struct Done {
    tested: TestedFile,
    /// The text with the expectations as the runs gave them.
    text: Option<String>,
    ran: Option<(CameTo, Playbook)>,
}

/// Runs all tests of these files.
///
/// # Errors
/// Every mistake of a file of tests or of its playbook; nothing was run then. When a file cannot be written anew.
pub fn test(paths: &[std::path::PathBuf], testing: &Testing) -> Result<Tested, Untestable> {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    for path in paths {
        match opened(path) {
            Ok(pair) => all.push(pair),
            Err(mistakes) => wrong.extend(mistakes),
        }
    }
    if !wrong.is_empty() {
        return Err(Untestable(wrong));
    }
    let rans: Vec<Option<CameTo>> = all.iter().map(|_| testing.coverage.then(CameTo::default)).collect();
    let each: Vec<(usize, &Test)> =
        all.iter().enumerate().flat_map(|(file, (tests, _))| tests.tests.iter().map(move |test| (file, test))).collect();
    let outcomes = at_most(side_by_side(), &each, |(file, test)| run(&all[*file].1, test, testing, rans[*file].as_ref()));
    let mut outcomes = outcomes.into_iter();
    let mut tested = Tested::default();
    for ((file, playbook), ran) in all.into_iter().zip(rans) {
        let done = finish(&file, outcomes.by_ref(), testing, ran.map(|ran| (ran, playbook)))?;
        if let Some(text) = &done.text {
            let path = Path::new(&done.tested.file);
            rewrite(path, text).map_err(|error| Untestable(vec![unwritten(path, &error.to_string())]))?;
        }
        tested.files.push(done.tested);
        tested.coverage.extend(done.ran.map(|(ran, playbook)| coverage::of(&playbook, &ran)));
    }
    Ok(tested)
}

fn unwritten(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::new(codes::UNREADABLE, None, format!("write the tests {}: {why}", path.display()))
}

fn opened(path: &Path) -> Result<(TestFile, Playbook), Vec<Diagnostic>> {
    let file = TestFile::read(path)?;
    if !file.playbook.is_file() {
        let message = format!("{} has no playbook: there is no {} beside it", path.display(), file.playbook.display());
        return Err(vec![Diagnostic::new(codes::UNREADABLE, None, message)]);
    }
    let playbook = find::load(&file.playbook).map_err(|broken| broken.diagnostics)?;
    Ok((file, playbook))
}

/// What a test came to: its run with the exit, or why it was none, and the time that it took.
type Ended = (Result<(Outcome, u8), String>, Duration);

fn run(playbook: &Playbook, test: &Test, testing: &Testing, ran: Option<&CameTo>) -> Ended {
    let began = Instant::now();
    let replayed = replay(playbook, test, testing.limit, ran).map(|replayed| (replayed.end.outcome, replayed.exit));
    (replayed, began.elapsed())
}

fn finish(
    file: &TestFile,
    mut outcomes: impl Iterator<Item = Ended>,
    testing: &Testing,
    ran: Option<(CameTo, Playbook)>,
) -> Result<Done, Untestable> {
    let mut tested = TestedFile { file: file.path.display().to_string(), tests: Vec::new() };
    let mut renewed = Vec::new();
    for (number, test) in file.tests.iter().enumerate() {
        let Some((ended, took)) = outcomes.next() else { break };
        let mut one = TestedOne {
            name: test.name.clone(),
            line: test.line,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            summary: String::new(),
            differences: Vec::new(),
            updated: false,
        };
        match &ended {
            Ok((outcome, exit)) => {
                let gave = Gave { outcome, exit: *exit };
                one.summary = summary(outcome);
                one.differences = test.expect.differences(&gave);
                if testing.update && !one.passed() {
                    renewed.push((number, test.expect.renewed(&gave)));
                }
            }
            Err(error) => {
                one.differences.push(Difference { what: "run".to_owned(), expected: "a run".to_owned(), found: one_line(error) });
            }
        }
        tested.tests.push(one);
    }
    let text = if renewed.is_empty() {
        None
    } else {
        let text = updated(file, &renewed).map_err(|why| Untestable(vec![unwritten(&file.path, &why)]))?;
        for (number, _) in renewed {
            tested.tests[number].updated = true;
        }
        Some(text)
    };
    Ok(Done { tested, text, ran })
}

fn summary(outcome: &Outcome) -> String {
    let text = outcome.ended.as_ref().unwrap_or(&outcome.summary);
    format!("{}: {}", outcome.verdict.word(), one_line(text))
}
