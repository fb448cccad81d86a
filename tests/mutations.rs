//! How much of what goes wrong in a run `lbdiag check` sees before: playbooks with one small mistake each are checked, and then run on
//! recordings all the same.
//!
//! A seeded sample by default; `LBDIAG_MUTATIONS=1000` makes as many. The table by operator is printed, and kept in
//! `target/mutations.txt`.

#![expect(clippy::expect_used, reason = "what cannot be set up has failed its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lbdiag::engine::{EndKind, Prepared, playbook};
use lbdiag::evidence::recording::recorded;
use lbdiag::model::diagnostic::Level;
use lbdiag::model::outcome::{Outcome, StepState};
use lbdiag::words::all;

#[path = "mutations/covered.rs"]
mod covered;
#[path = "mutations/operators.rs"]
mod operators;
#[path = "mutations/tokens.rs"]
mod tokens;

use covered::Marked;
use operators::{Operator, Site, sites};

/// How many are made when nobody says.
const SAMPLE: usize = 200;
/// Recordings of one playbook that are run.
const MOST_RECORDINGS: usize = 8;
/// Recordings that one mutation is run on: those that come by its place.
const RECORDINGS_EACH: usize = 2;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count).expect("a count")).expect("an index")
    }
}

/// A playbook with the recordings that it is run on, and the blocks that each of them comes by.
struct Subject {
    path: PathBuf,
    text: String,
    recordings: Vec<Recorded>,
    sites: BTreeMap<Operator, Vec<Place>>,
}

/// A place where a mistake can be made, in which block it is, and whether that surely comes by it.
struct Place {
    site: Site,
    block: Option<usize>,
    at_times: bool,
}

struct Recorded {
    on: On,
    /// What the playbook gives as it is.
    gives: End,
    ran: BTreeSet<usize>,
}

/// What a playbook runs on, as its tests name it.
#[derive(Clone)]
struct On {
    path: PathBuf,
    /// Whether that is a world, whose own parameters are nobody's.
    of_a_world: bool,
    params: Vec<(String, String)>,
}

impl On {
    /// What a test runs on; `None` for one that runs on nothing, or that expects a mistake.
    fn of(test: &serde_json::Value, folder: &Path) -> Option<Self> {
        let of_a_world = test.get("world").is_some();
        let path = folder.join(test[if of_a_world { "world" } else { "recording" }].as_str()?);
        let given = test["params"].as_object().into_iter().flatten();
        let params = given.map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // A file is looked for beside the tests.
            let file = folder.join(&text);
            (name.clone(), if Path::new(&text).extension().is_some_and(|end| end == "json") { file.display().to_string() } else { text })
        });
        (test["expect"]["exit"] != 2).then(|| Self { path, of_a_world, params: params.collect() })
    }
}

/// What came of a run, as far as a mistake in the playbook may change it.
#[derive(Clone, PartialEq)]
enum End {
    Done(String),
    Failed(String),
    /// The recording does not know what was asked.
    NotRecorded,
}

/// A run of a text on a recording or a world, whatever the check says of it.
fn run(shown: &str, text: &str, on: &On) -> (End, Vec<String>) {
    let failed = |why: String| (End::Failed(why), Vec::new());
    let playbook = match playbook::read_unchecked(shown, text.to_owned()) {
        Ok(playbook) => playbook,
        Err(broken) => return failed(broken.to_string()),
    };
    let (evidence, mut manifest) = recorded::open(&on.path).expect("the recording");
    if on.of_a_world {
        manifest.params.clear();
    }
    let set: Vec<(&str, &str)> = on.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let prepared = match Prepared::replay(playbook, (evidence, manifest), &set) {
        Ok(prepared) => prepared,
        Err(why) => return failed(why),
    };
    let end = prepared.replayed(Duration::from_secs(60)).expect("a replay");
    let titles = end.outcome.tables.iter().map(|table| table.title.clone()).collect();
    let ended = match end.kind {
        EndKind::Judged | EndKind::Unjudged | EndKind::Listed(_) => {
            match end.outcome.steps.iter().find(|step| step.state == StepState::Failed) {
                Some(step) => End::Failed(format!("the step `{}`: {}", step.title, step.facts.join("; "))),
                None => End::Done(told(&end.outcome)),
            }
        }
        EndKind::CouldNotWork(why) if why.contains("recording") => End::NotRecorded,
        other => End::Failed(format!("{other:?}")),
    };
    (ended, titles)
}

/// What a run says, without what tells of the playbook's text.
fn told(outcome: &Outcome) -> String {
    let Outcome { verdict, summary, findings, gaps, tables, steps, .. } = outcome;
    let steps: Vec<_> = steps.iter().map(|step| (&step.title, &step.facts)).collect();
    format!("{verdict:?} {summary} {findings:?} {gaps:?} {tables:?} {steps:?}")
}

/// The playbooks that have recordings or worlds to run on.
fn subjects() -> Vec<Subject> {
    let folders =
        ["playbooks", "examples"].into_iter().flat_map(|name| std::fs::read_dir(root().join(name)).expect("a folder of playbooks"));
    let mut paths: Vec<PathBuf> =
        folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some_and(|end| end == "rhai")).collect();
    paths.sort();
    paths.into_iter().filter_map(subject).collect()
}

fn subject(path: PathBuf) -> Option<Subject> {
    #[derive(serde::Deserialize)]
    struct Tests {
        tests: Vec<serde_json::Value>,
    }
    let text = std::fs::read_to_string(&path).expect("a playbook");
    // A changed text is read without a library, so that nothing which imports runs.
    if text.lines().any(|line| line.starts_with("import ")) {
        return None;
    }
    let tests: Tests = serde_yaml::from_str(&std::fs::read_to_string(path.with_extension("tests.yaml")).ok()?).expect("a test file");
    let named: Vec<On> = tests.tests.iter().filter_map(|test| On::of(test, path.parent()?)).collect();
    if named.is_empty() {
        return None;
    }
    let every = named.len().div_ceil(MOST_RECORDINGS).max(1);
    let chosen: Vec<On> = named.into_iter().step_by(every).collect();
    let marked = Marked::of(&text);
    let shown = path.display().to_string();
    let recordings = in_parallel(&chosen, |on| {
        let (gives, _) = run(&shown, &text, on);
        let (marked, titles) = run(&shown, &marked.text, on);
        assert!(matches!(gives, End::Done(_)), "{shown} does not come to its end on {}", on.path.display());
        assert!(matches!(marked, End::Done(_)), "{shown} with its blocks marked does not come to its end on {}", on.path.display());
        Recorded { on: on.clone(), gives, ran: covered::ran(titles.iter().map(String::as_str)) }
    });
    let words: Vec<&str> = all::names().collect();
    let mut by_operator: BTreeMap<Operator, Vec<Place>> = BTreeMap::new();
    for site in sites(&text, &words) {
        let block = marked.block(site.bytes.start);
        // As what no recording comes by.
        if block.is_none_or(|block| recordings.iter().any(|recorded| recorded.ran.contains(&block))) {
            let at_times = marked.at_times(site.bytes.start);
            by_operator.entry(site.operator).or_default().push(Place { site, block, at_times });
        }
    }
    Some(Subject { path, text, recordings, sites: by_operator })
}

/// Runs `look` for all of them on as many threads as there are cores.
fn in_parallel<T: Sync, A: Send>(items: &[T], look: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((index, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, items.get(index)?)))
                {
                    let answer = look(item);
                    answers.lock().expect("the answers").push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().expect("the answers");
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// One mutation.
struct Mutation<'a> {
    subject: &'a Subject,
    operator: Operator,
    block: Option<usize>,
    at_times: bool,
    text: String,
    line: usize,
}

fn mutations(subjects: &[Subject], count: usize) -> Vec<Mutation<'_>> {
    let mut random = Random(17);
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for turn in 0..count * 20 {
        if all.len() == count {
            break;
        }
        let operator = Operator::ALL[turn % Operator::ALL.len()];
        let with: Vec<&Subject> = subjects.iter().filter(|subject| subject.sites.contains_key(&operator)).collect();
        let places: usize = with.iter().map(|subject| subject.sites[&operator].len()).sum();
        if places == 0 {
            continue;
        }
        let mut chosen = random.below(places);
        let Some((subject, Place { site, block, at_times })) = with.iter().find_map(|subject| {
            let sites = &subject.sites[&operator];
            let site = sites.get(chosen);
            chosen = chosen.saturating_sub(sites.len());
            Some((*subject, site?))
        }) else {
            continue;
        };
        let text = site.made(&subject.text, random.next());
        let line = subject.text[..site.bytes.start].matches('\n').count() + 1;
        if text != subject.text && seen.insert(text.clone()) {
            all.push(Mutation { subject, operator, block: *block, at_times: *at_times, text, line });
        }
    }
    all
}

/// What the check says, and what the runs come to.
struct Judged {
    errors: bool,
    found: bool,
    runs: Runs,
    shown: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Fails,
    Same,
    Other,
    Unknown,
}

fn judged(mutation: &Mutation) -> Judged {
    let subject = mutation.subject;
    let shown = subject.path.display().to_string();
    let told = match playbook::read(&shown, mutation.text.clone()) {
        Ok(playbook) => playbook.warnings,
        Err(broken) => broken.diagnostics,
    };
    let comes_by = |recorded: &&Recorded| mutation.block.is_none_or(|block| recorded.ran.contains(&block));
    let mut ends = Vec::new();
    for recorded in subject.recordings.iter().filter(comes_by).take(RECORDINGS_EACH) {
        let end = run(&shown, &mutation.text, &recorded.on).0;
        let same = end == recorded.gives;
        ends.push((end, same));
        if matches!(ends.last(), Some((End::Failed(_), _))) {
            break;
        }
    }
    let runs = match ends.as_slice() {
        ends if ends.iter().any(|(end, _)| matches!(end, End::Failed(_))) => Runs::Fails,
        ends if ends.iter().any(|(end, _)| matches!(end, End::NotRecorded)) => Runs::Unknown,
        // What no run comes by cannot be told from what is right.
        ends if ends.iter().all(|(_, same)| *same) && mutation.at_times => Runs::Unknown,
        ends if ends.iter().all(|(_, same)| *same) => Runs::Same,
        _ => Runs::Other,
    };
    let why = ends.iter().find_map(|(end, _)| if let End::Failed(why) = end { Some(why.as_str()) } else { None }).unwrap_or_default();
    let why: String = why.chars().take(300).collect();
    let line = mutation.text.lines().nth(mutation.line - 1).unwrap_or_default().trim();
    let first = told.first().map(ToString::to_string).unwrap_or_default();
    let file = subject.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let shown = format!("{}: {file}:{}: {line}\n      run: {why}\n      check: {first}", mutation.operator.name(), mutation.line);
    Judged { errors: told.iter().any(|one| one.severity == Level::Error), found: !told.is_empty(), runs, shown }
}

/// Of so many, how many.
#[derive(Clone, Copy, Default)]
struct Row {
    made: usize,
    fail: usize,
    found: usize,
    same: usize,
    alarms: usize,
    other: usize,
    unknown: usize,
}

impl Row {
    fn add(&mut self, judged: &Judged) {
        self.made += 1;
        match judged.runs {
            Runs::Fails => {
                self.fail += 1;
                self.found += usize::from(judged.found);
            }
            Runs::Same => {
                self.same += 1;
                self.alarms += usize::from(judged.errors);
            }
            Runs::Other => self.other += 1,
            Runs::Unknown => self.unknown += 1,
        }
    }

    fn line(self, name: &str) -> String {
        let Self { made, fail, found, same, alarms, other, unknown } = self;
        let part = (found * 100).checked_div(fail).unwrap_or(100);
        format!("{name:28} {made:5} {fail:5} {found:5} {part:4}% {same:5} {alarms:6} {other:5} {unknown:7}\n")
    }
}

#[test]
fn most_of_what_fails_in_a_run_is_found_before() {
    let count = std::env::var("LBDIAG_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(SAMPLE);
    let subjects = subjects();
    assert!(subjects.len() >= 5, "only {} playbooks have recordings", subjects.len());
    for subject in &subjects {
        let shown = subject.path.display().to_string();
        let read = playbook::read(&shown, subject.text.clone()).map_err(|broken| broken.to_string()).expect("a good playbook");
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }
    let all = mutations(&subjects, count);
    assert!(all.len() >= count * 9 / 10, "only {} mutations are different", all.len());
    let judged = in_parallel(&all, judged);

    let mut rows: BTreeMap<Operator, Row> = BTreeMap::new();
    let mut whole = Row::default();
    let mut missed = String::new();
    for (mutation, judged) in all.iter().zip(&judged) {
        rows.entry(mutation.operator).or_default().add(judged);
        whole.add(judged);
        match judged.runs {
            Runs::Fails if !judged.found => writeln!(missed, "missed  {}", judged.shown).expect("a text"),
            Runs::Same if judged.errors => writeln!(missed, "alarm   {}", judged.shown).expect("a text"),
            _ => {}
        }
    }
    let mut table = format!(
        "{:28} {:>5} {:>5} {:>5} {:>5} {:>5} {:>6} {:>5} {:>7}\n",
        "mistake", "made", "fail", "found", "", "same", "errors", "other", "unknown"
    );
    for (operator, row) in &rows {
        table.push_str(&row.line(operator.name()));
    }
    table.push_str(&whole.line("all"));
    eprintln!("{table}");
    let kept = root().join("target/mutations.txt");
    std::fs::write(&kept, format!("{table}\n{missed}")).expect("the table");

    assert!(rows.len() >= 8 && whole.fail > whole.made / 4, "too little was tried:\n{table}");
    assert!(whole.found * 100 >= whole.fail * 85, "less than 85 % of what fails is found:\n{table}\n{missed}");
    assert!(whole.alarms * 100 <= whole.same * 5, "more than 5 % of what changes nothing is refused:\n{table}\n{missed}");
    for (operator, row) in &rows {
        // Of a handful a part means nothing.
        assert!(
            row.fail < 5 || row.found * 100 >= row.fail * 60,
            "less than 60 % of one kind is found: {}\n{table}\n{missed}",
            operator.name()
        );
    }
}

/// The blocks of a playbook are told apart, the arms of a `switch` among them.
#[test]
fn what_runs_is_told_by_its_block() {
    let text = "let x = 1;\nif x == 1 { note(`a ${#{ b: 1 }.b} c`); } else { x = 2; }\nlet y = switch x { 1 => f(1, 2), _ => { 3 } };\n";
    let marked = Marked::of(text);
    assert_eq!(marked.text.matches("table(\"@").count(), 5, "{}", marked.text);
    let at = |piece: &str| marked.block(text.find(piece).expect("the piece"));
    assert_eq!((at("let x"), at("note"), at("x = 2"), at("let y")), (None, Some(0), Some(1), None));
    assert_eq!((at("f(1"), at("3 }"), at(".b}")), (Some(2), Some(4), Some(0)));
}
