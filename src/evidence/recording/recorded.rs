//! The world as a recording holds it: the same questions get the same answers, at the same times, and nothing is touched.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::{CaptureAnswer, LogAnswer};
use super::derived::{self, Derived, Known};
use super::file;
use super::manifest::{self, Manifest};
use super::question::{Asked, Question};
use super::tape::{Entry, Tape};
use crate::evidence::Evidence;
use crate::evidence::capture::{Captures, News, OpenCapture};
use crate::evidence::clock::Clock;
use crate::evidence::clocks::Clocks;
use crate::evidence::cluster::projection::Projection;
use crate::evidence::cluster::sound;
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::host::{Command, Hosts, Output, texts};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::lane;
use crate::evidence::memory;
use crate::evidence::side_by_side::lock;
use crate::evidence::site::Site;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::clock::ClockOffset;
use crate::model::place::Host;
use crate::model::scrub::scrub;

/// Opens a recording as the world.
///
/// # Errors
/// When the file cannot be read or is no recording that this version understands (see `file::read`).
pub fn open(path: &Path) -> Result<(Evidence, Manifest), EvidenceError> {
    open_as(path, true)
}

/// As `open`, with all answers as the recording has them: an older lbdiag kept more of objects and scrubbed no texts. It is what a replay is
/// compared with, to see that nothing is left out that matters.
///
/// # Errors
/// As `open`.
pub fn open_whole(path: &Path) -> Result<(Evidence, Manifest), EvidenceError> {
    open_as(path, false)
}

fn open_as(path: &Path, cleans: bool) -> Result<(Evidence, Manifest), EvidenceError> {
    let read = Recording::read(path)?;
    Ok((read.world_as(cleans), read.manifest))
}

/// A world of which nothing is known: every question stays without an answer.
#[must_use]
pub fn nothing() -> (Evidence, Manifest) {
    let manifest = Manifest::new(manifest::Playbook::default(), NO_TIME.to_owned(), 0, BTreeMap::new(), &Site::default());
    let entries = HashMap::new();
    let recording = Recording { manifest, by_question: Arc::new(ByQuestion { entries, _opened: memory::Opened::begin() }) };
    (recording.world(), recording.manifest)
}

/// The playbook that asks whatever others may ask: what it recorded is a world.
pub const WORLD: &str = "record-world";

/// When a run began that never was.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// A recording that is read once and replayed as often as one likes.
pub struct Recording {
    pub manifest: Manifest,
    by_question: Arc<ByQuestion>,
}

/// The occurrences of each question in their order.
struct ByQuestion {
    entries: HashMap<Asked, Vec<Entry>>,
    /// Counts the recording, as long as any world of it is there.
    _opened: memory::Opened,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// As `open`.
    pub fn read(path: &Path) -> Result<Self, EvidenceError> {
        let opened = memory::Opened::begin();
        let (manifest, entries) = file::read(path)?;
        Ok(Self::of_opened(manifest, entries, opened))
    }

    /// One of which the entries are here.
    #[must_use]
    pub(super) fn of(manifest: Manifest, entries: Vec<Entry>) -> Self {
        Self::of_opened(manifest, entries, memory::Opened::begin())
    }

    fn of_opened(manifest: Manifest, mut entries: Vec<Entry>, opened: memory::Opened) -> Self {
        entries.sort_by_key(|entry| entry.occurrence);
        let mut by_question: HashMap<Asked, Vec<Entry>> = HashMap::new();
        for entry in entries {
            by_question.entry(entry.asked.clone()).or_default().push(entry);
        }
        Self { manifest, by_question: Arc::new(ByQuestion { entries: by_question, _opened: opened }) }
    }

    /// The world as it was when the recorded run began.
    #[must_use]
    pub fn world(&self) -> Evidence {
        self.world_as(true)
    }

    fn world_as(&self, cleans: bool) -> Evidence {
        let whole = self.manifest.left_out.too_many == 0 && self.manifest.cut_after.is_none();
        let of_a_world = self.manifest.playbook.name == WORLD;
        let answers = Answers {
            by_question: Arc::clone(&self.by_question),
            whole,
            of_a_world,
            tape: Arc::new(Tape::new(false).cut_after(self.manifest.cut_after)),
        };
        world(answers, &self.manifest, cleans)
    }
}

fn world(answers: Answers, manifest: &Manifest, cleans: bool) -> Evidence {
    let tape = Arc::clone(&answers.tape);
    let answers = Arc::new(answers);
    Evidence {
        cluster: Arc::new(RecordedCluster { answers: Arc::clone(&answers), cleans }),
        hosts: Arc::new(RecordedHosts { answers: Arc::clone(&answers), cleans }),
        captures: Arc::new(RecordedCaptures(Arc::clone(&answers))),
        clocks: Arc::new(RecordedClocks(Arc::clone(&answers))),
        clock: Arc::new(RecordedClock { answers, started: manifest.started.clone(), latest: Mutex::default() }),
        tape,
        interrupt: Interrupt::default(),
    }
}

/// All answers of a recording.
struct Answers {
    by_question: Arc<ByQuestion>,
    /// Whether the recording had room for every answer.
    whole: bool,
    /// Whether it was recorded to hold whatever may be asked.
    of_a_world: bool,
    tape: Arc<Tape>,
}

impl Answers {
    /// The entry that answers this asking of the question; asked more often than recorded, the last one again, unless a later one may have
    /// been left out.
    fn entry(&self, asked: &Asked) -> Option<&Entry> {
        let entries = self.by_question.entries.get(asked)?;
        let occurrence = self.tape.occurrence(asked);
        let recorded = |number: u32| entries.iter().find(|entry| entry.occurrence == number);
        // What a line of work of its own asks may have been recorded by one that had none: a world knows of no others.
        let by_count = || recorded(occurrence & u32::from(u16::MAX)).filter(|_| lane::current().number > 0 && self.whole);
        recorded(occurrence).or_else(by_count).or(entries.last().filter(|_| self.whole))
    }

    /// Answers a question, with its touches at their recorded times.
    fn answer<A: DeserializeOwned>(&self, question: &Question, operation: &str) -> Result<A, EvidenceError> {
        self.answer_or(question, operation, |_| None)
    }

    /// As `answer`. What nobody asked for when it was recorded may follow from what was.
    fn answer_or<A: DeserializeOwned>(
        &self,
        question: &Question,
        operation: &str,
        derive: impl for<'k> FnOnce(&Known<'k>) -> Option<Derived<'k, A>>,
    ) -> Result<A, EvidenceError> {
        if let Some(entry) = self.entry(&question.asked) {
            self.tape.note(question, entry.at_ms, entry.took_ms, &entry.result);
            self.tape.show(question, entry.at_ms, &entry.answer);
            return parsed(entry, operation);
        }
        // A recording that had no room for everything is not asked what else it knows.
        let known = self.whole.then(|| Known::of(self.by_question.entries.iter().filter_map(|(asked, all)| Some((asked, all.last()?)))));
        let Derived { entry, answer } =
            known.as_ref().and_then(derive).ok_or_else(|| not_recorded(operation, &question.asked.text, self.of_a_world))?;
        self.tape.note(question, entry.at_ms, entry.took_ms, &entry.result);
        Ok(answer)
    }
}

fn parsed<A: DeserializeOwned>(entry: &Entry, operation: &str) -> Result<A, EvidenceError> {
    entry.answer.parsed().map_err(|error: serde_json::Error| {
        if error.is_io() {
            return memory::full(&format!("replay: {operation}"));
        }
        EvidenceError::new(ErrorKind::Garbled, format!("replay: {operation}"), format!("the recorded answer makes no sense: {error}"))
            .hint("the file was changed after it was recorded, or another version of lbdiag made it")
    })
}

fn not_recorded(operation: &str, what: &str, of_a_world: bool) -> EvidenceError {
    let (holds, hint) = if of_a_world {
        (
            "world",
            "record the world again with it: `lbdiag record --world FILE --from PLACE` asks from further places, and `-n NAMESPACE` about the Services of one namespace",
        )
    } else {
        ("recording", "the recording was made with other parameters or an older playbook")
    };
    EvidenceError::new(ErrorKind::NotRecorded, format!("replay: {operation}"), format!("the {holds} holds no answer to {what}")).hint(hint)
}

/// What a question is called in errors: what it touches.
fn operation(question: &Question) -> String {
    question.touches.first().map_or_else(|| "ask".to_owned(), |touched| format!("{} ({})", touched.what, touched.host))
}

struct RecordedCluster {
    answers: Arc<Answers>,
    /// Whether objects are cut to what is taken of their kind today, and texts scrubbed.
    cleans: bool,
}

impl Cluster for RecordedCluster {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        let taken = Projection::of_object(&query.kind, query.namespace.as_deref(), &query.name)?;
        let question = Question::get(query);
        let operation = operation(&question);
        // A recording is as little to be believed as an API: a file may have been changed, or kept what an earlier version believed.
        let found =
            self.answers.answer_or::<Result<Option<Value>, EvidenceError>>(&question, &operation, |known| derived::get(known, query))??;
        found.map(|object| sound::checked(query, &operation, if self.cleans { taken.take(object) } else { object })).transpose()
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let taken = Projection::of_list(&query.kind)?;
        let question = Question::list(query);
        let operation = operation(&question);
        let mut list =
            self.answers.answer_or::<Result<List, EvidenceError>>(&question, &operation, |known| derived::list(known, query))??;
        if self.cleans {
            list.objects = list.objects.into_iter().map(|object| taken.take(object)).collect();
        }
        Ok(sound::sift(query, &operation, list))
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.lines(&Question::log(query), line)
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.lines(&Question::metrics(query), line)
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        let question = Question::may(query);
        self.answers.answer::<Result<bool, EvidenceError>>(&question, &operation(&question))?
    }
}

impl RecordedCluster {
    fn lines(&self, question: &Question, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        let log: LogAnswer = self.answers.answer(question, &operation(question))?;
        for text in &log.kept {
            line(&if self.cleans { scrub(text) } else { Cow::Borrowed(text.as_str()) });
        }
        log.error.map_or(Ok(()), Err)
    }
}

struct RecordedHosts {
    answers: Arc<Answers>,
    cleans: bool,
}

impl Hosts for RecordedHosts {
    fn warm(&self, _hosts: &[Host]) {
        // Nothing is connected in a replay, so nothing can be warmed.
    }

    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let question = Question::run(host, command);
        let operation = operation(&question);
        let output = self
            .answers
            .answer_or::<Result<Output, EvidenceError>>(&question, &operation, |known| derived::run(known, host, command))??;
        Ok(if self.cleans { texts::scrubbed(command.script, output) } else { output })
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        let question = Question::sweep();
        let Some(entry) = self.answers.entry(&question.asked) else {
            // A run that touched no host swept none.
            return Vec::new();
        };
        let answer: Vec<(String, Result<(), EvidenceError>)> = match parsed(entry, "sweep") {
            Ok(answer) => answer,
            Err(error) => return vec![("recording".to_owned(), Err(error))],
        };
        // In a world, of all the hosts that were asked for it, those that this run asked too.
        let asked = self.answers.tape.touched();
        let mut answer = answer;
        answer.retain(|(host, _)| !self.answers.of_a_world || asked.iter().any(|touch| touch.host == *host));
        self.answers.tape.note_sweep(&answer, entry.at_ms, entry.took_ms);
        answer
    }
}

struct RecordedCaptures(Arc<Answers>);

impl Captures for RecordedCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        let question = Question::capture(request);
        let operation = operation(&question);
        let life: CaptureAnswer = self.0.answer_or(&question, &operation, |known| derived::capture(known, request))?;
        life.open.clone()?;
        Ok(Box::new(RecordedOpen { request: request.clone(), operation, life, told: false }))
    }
}

struct RecordedOpen {
    request: CaptureRequest,
    operation: String,
    life: CaptureAnswer,
    /// Whether its packets were told as news.
    told: bool,
}

impl OpenCapture for RecordedOpen {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        self.life.listening.clone().unwrap_or_else(|| Err(not_recorded(&self.operation, "whether it listened", false)))
    }

    fn news(&mut self) -> News {
        let told = std::mem::replace(&mut self.told, true);
        let packets = match &self.life.stop {
            Some(Ok(capture)) if !told => capture.packets.iter().cloned().collect(),
            _ => Vec::new(),
        };
        News { packets, last: true }
    }

    fn stop(self: Box<Self>) -> Result<Capture, EvidenceError> {
        let capture = self.life.stop.unwrap_or_else(|| Err(not_recorded(&self.operation, "what it saw", false)))?;
        // The question does not hold the bounds, so the one who asks now gets those that were asked for now.
        Ok(Capture { request: self.request, ..capture })
    }
}

struct RecordedClocks(Arc<Answers>);

impl Clocks for RecordedClocks {
    fn begin(&self, _host: &Host) {
        // The answer is in the recording, or it is not.
    }

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        let question = Question::host_clock(host);
        self.0.answer::<Result<ClockOffset, EvidenceError>>(&question, &operation(&question))?
    }
}

struct RecordedClock {
    answers: Arc<Answers>,
    started: String,
    /// The greatest time told so far, to each line of work.
    latest: Mutex<BTreeMap<u16, u64>>,
}

impl Clock for RecordedClock {
    fn elapsed_ms(&self, label: &str) -> u64 {
        let asked = Question::clock(label).asked;
        let recorded = self.answers.entry(&asked).and_then(|entry| parsed::<u64>(entry, "tell the time").ok());
        let mut all = lock(&self.latest);
        let begin = all.get(&0).copied().unwrap_or_default();
        let latest = all.entry(lane::current().number).or_insert(begin);
        // A question of a newer playbook is answered so that time never runs backwards.
        let now = recorded.unwrap_or(*latest);
        *latest = now.max(*latest);
        now
    }

    fn started(&self) -> String {
        self.started.clone()
    }

    fn wait(&self, _time: Duration, _interrupt: &Interrupt) {
        // What was waited for is on the tape already.
    }
}
