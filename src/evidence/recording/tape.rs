//! The list of what was touched, and the answers that a recording keeps.
//!
//! Every question passes here, live or replayed. Live: the question is asked, timed and noted; its answer is kept when
//! a recording was wanted. Replayed: the answer and its times come from the recording.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::answer::{CaptureLife, LogAnswer};
use super::kept::{Bound, Kept};
use super::question::{Asked, Channel, Question, Touched};
use super::shown;
use crate::evidence::clock::milliseconds_since;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::lane;
use crate::evidence::side_by_side::lock;
use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::outcome::{Answered, Touch};
use crate::model::subject::Subject;
use crate::model::text::harmless;

/// The question of the clock that a run's end asks.
pub const RUN_END: &str = "run: end";

/// The result of a question that had no answer when the run ended.
const UNANSWERED: &str = "no answer before the run ended";

/// The tape of one run. Many threads may write on it at once.
pub struct Tape {
    began: Instant,
    keeps: bool,
    /// Whether answers are kept as text for a report.
    shows: AtomicBool,
    most: Most,
    /// Of a recording that was cut off, the answers that it still has.
    cut_after: Option<usize>,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    /// How often each question was asked, by each line of work.
    occurrences: HashMap<(Asked, u16), u32>,
    touched: Vec<Touch>,
    shown: Vec<Answered>,
    /// Bytes of what is shown.
    shown_bytes: usize,
    entries: Vec<Entry>,
    /// What the entries take so far.
    unfolded: usize,
    held: usize,
    left_out: LeftOut,
    /// What was asked and has no answer yet, by number: what it touches, and when it was asked.
    open: BTreeMap<u64, (Vec<Touched>, u64)>,
    asked: u64,
    /// Whoever asked was left behind: only what ends the run is still taken.
    left_behind: bool,
}

/// What a recording had no room for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Answers in whose place the recording says that they are not there.
    pub too_large: u64,
    /// Answers of which it holds nothing.
    pub too_many: u64,
    /// What the first of them answered.
    pub first: Vec<String>,
}

impl LeftOut {
    /// Names that are told.
    const TOLD: usize = 5;

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.too_large == 0 && self.too_many == 0
    }

    fn name(&mut self, question: &Question) {
        if self.first.len() < Self::TOLD
            && let Some(touched) = question.touches.first()
        {
            self.first.push(format!("{} ({})", touched.what, touched.host));
        }
    }
}

/// How much a recording may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub(super) entries: usize,
    /// Bytes that its entries unfold to.
    pub(super) unfolded: usize,
    /// Bytes that its entries take in memory.
    pub(super) held: usize,
}

/// What is written. A replay takes somewhat more of each, so that what is written is read.
pub(super) const MOST: Most = Most { entries: 20_000, unfolded: 192 << 20, held: 24 << 20 };

/// A question that was answered, with when and what.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) asked: Asked,
    /// Counts from 0 for each question.
    pub(super) occurrence: u32,
    pub(super) at_ms: u64,
    pub(super) took_ms: u64,
    /// `ok`, or the error, as reports show it.
    pub(super) result: String,
    pub(super) answer: Kept,
}

impl Entry {
    /// Bytes of it beside its answer, in a file and here.
    pub(super) fn frame(&self) -> usize {
        self.asked.text.len() + self.result.len() + FRAME
    }
}

/// What an entry takes at least.
const FRAME: usize = 256;

/// A question under way.
pub(super) struct Pending {
    number: u64,
    question: Question,
    occurrence: u32,
    at_ms: u64,
    /// One touch a host, each with a result of its own.
    sweep: Vec<(Question, String)>,
}

impl Pending {
    /// The hosts that a sweep went to, known now that it is over.
    pub(super) fn swept(&mut self, hosts: &[(String, Result<(), EvidenceError>)]) {
        self.sweep = hosts.iter().map(|(host, proof)| (Question::swept(host), result_text(proof))).collect();
    }
}

impl Default for Tape {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Tape {
    /// An empty tape of a run that begins now. `keep_answers` is for a recording.
    #[must_use]
    pub fn new(keep_answers: bool) -> Self {
        Self::at_most(keep_answers, MOST)
    }

    pub(super) fn at_most(keep_answers: bool, most: Most) -> Self {
        Self { began: Instant::now(), keeps: keep_answers, shows: AtomicBool::default(), most, cut_after: None, written: Mutex::default() }
    }

    /// The tape of a replay whose recording was cut off after so many answers, if it was.
    #[must_use]
    pub(super) fn cut_after(self, answers: Option<usize>) -> Self {
        Self { cut_after: answers, ..self }
    }

    /// Whether answers are kept for a recording.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keeps
    }

    /// From now on answers are kept as text, for a report that shows them.
    pub fn show_answers(&self) {
        self.shows.store(true, Ordering::Relaxed);
    }

    /// The answers that a report shows, in the order in which they were asked for.
    #[must_use]
    pub fn shown(&self) -> Vec<Answered> {
        let mut shown = lock(&self.written).shown.clone();
        shown.sort_by(|a, b| (a.at_ms, &a.host, &a.what, &a.text).cmp(&(b.at_ms, &b.host, &b.what, &b.text)));
        shown
    }

    /// Keeps an answer as text, where a report shows it and there is room.
    pub(super) fn show(&self, question: &Question, at_ms: u64, answer: &Kept) {
        if !self.shows.load(Ordering::Relaxed) {
            return;
        }
        let Some(answered) = shown::answered(question, at_ms, answer) else { return };
        let mut written = lock(&self.written);
        if written.takes(&question.asked) && written.shown_bytes + answered.text.len() <= shown::most(question.asked.channel) {
            written.shown_bytes += answered.text.len();
            written.shown.push(answered);
        }
    }

    /// When the run began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Everything that the run did to the world so far, by time and then by name, so that the order is always the same.
    #[must_use]
    pub fn touched(&self) -> Vec<Touch> {
        let mut touched = lock(&self.written).touched.clone();
        touched.sort_by(|a, b| {
            (a.at_ms, &a.kind, &a.host, &a.what, a.took_ms, &a.result).cmp(&(b.at_ms, &b.kind, &b.host, &b.what, b.took_ms, &b.result))
        });
        touched
    }

    /// Gives everything that was kept, in the order in which it was asked; the same questions always give the same order.
    pub(super) fn each_entry<E>(&self, give: impl FnMut(&Entry) -> Result<(), E>) -> Result<(), E> {
        let mut written = lock(&self.written);
        written.entries.sort_by(|a, b| (a.at_ms, &a.asked, a.occurrence).cmp(&(b.at_ms, &b.asked, b.occurrence)));
        written.entries.iter().try_for_each(give)
    }

    /// What a recording of this tape does not hold.
    #[must_use]
    pub fn left_out(&self) -> LeftOut {
        lock(&self.written).left_out.clone()
    }

    /// The same as a gap, for the run's own report, or that a recording that is replayed was cut off.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        if let Some(answers) = self.cut_after {
            let reason = format!("the recording was cut off after {answers} answers");
            return Some(
                Gap::new(names::EVIDENCE_BOUNDED, Subject::Run, reason, "what the recorded run came to: the rest of it is not there")
                    .decisive(),
            );
        }
        let left_out = self.left_out();
        (!left_out.is_empty()).then(|| {
            let count = left_out.too_large + left_out.too_many;
            let reason = format!("the recording has no room for {count} answers, among them: {}", left_out.first.join(", "));
            Gap::new(names::EVIDENCE_BOUNDED, Subject::Run, reason, "what a replay says of them: there they are not recorded")
        })
    }

    /// A question is about to be asked.
    pub(super) fn ask(&self, question: Question) -> Pending {
        let occurrence = self.occurrence(&question.asked);
        let at_ms = milliseconds_since(self.began);
        let mut written = lock(&self.written);
        written.asked += 1;
        let number = written.asked;
        if written.takes(&question.asked) {
            written.open.insert(number, (question.touches.clone(), at_ms));
        }
        Pending { number, question, occurrence, at_ms, sweep: Vec::new() }
    }

    /// Whether something was asked that has no answer yet.
    #[must_use]
    pub fn waits(&self) -> bool {
        !lock(&self.written).open.is_empty()
    }

    /// Whoever asked until now was left behind and changes nothing any more: what it still waits for is noted as unanswered, and of
    /// what comes from now on only the sweep and the time of the end are taken.
    pub fn leave_behind(&self) {
        let now_ms = milliseconds_since(self.began);
        let mut written = lock(&self.written);
        written.left_behind = true;
        for (touches, at_ms) in std::mem::take(&mut written.open).into_values() {
            written.touch(&touches, at_ms, now_ms.saturating_sub(at_ms), UNANSWERED);
        }
    }

    /// The question was answered; `answer` is called only when answers are kept.
    pub(super) fn answered<A: Serialize>(&self, pending: Pending, result: String, answer: impl FnOnce() -> A) {
        let took_ms = milliseconds_since(self.began).saturating_sub(pending.at_ms);
        self.timed(pending, took_ms, result, answer);
    }

    /// As `answered`, for an answer that is itself a time.
    pub(super) fn timed<A: Serialize>(&self, pending: Pending, took_ms: u64, result: String, answer: impl FnOnce() -> A) {
        let Pending { number, question, occurrence, at_ms, sweep } = pending;
        if lock(&self.written).open.remove(&number).is_none() {
            return;
        }
        self.note(&question, at_ms, took_ms, &result);
        for (swept, result) in &sweep {
            self.note(swept, at_ms, took_ms, result);
        }
        if !self.keeps && !self.shows.load(Ordering::Relaxed) {
            return;
        }
        let (unfolded, held) = {
            let written = lock(&self.written);
            (self.most.unfolded.saturating_sub(written.unfolded), self.most.held.saturating_sub(written.held))
        };
        let kept = match Kept::of_at_most(&answer(), Bound { unfolded, held }) {
            Err(error) if error.is_io() => {
                let mut written = lock(&self.written);
                written.left_out.too_large += 1;
                written.left_out.name(&question);
                not_here(&question)
            }
            // Our own types always become JSON; if one ever does not, a recorded error is better than a hole.
            Err(error) => Kept::of(&Err::<(), _>(EvidenceError::new(ErrorKind::Garbled, "keep an answer", error))),
            kept => kept,
        };
        if let Ok(answer) = kept {
            self.show(&question, at_ms, &answer);
            if !self.keeps {
                return;
            }
            let mut written = lock(&self.written);
            if !written.takes(&question.asked) {
                return;
            }
            written.keep(self.most, &question, Entry { asked: question.asked.clone(), occurrence, at_ms, took_ms, result, answer });
        }
    }

    /// Puts what a question does to the world on the list of what was touched.
    pub(super) fn note(&self, question: &Question, at_ms: u64, took_ms: u64, result: &str) {
        let mut written = lock(&self.written);
        if written.takes(&question.asked) {
            written.touch(&question.touches, at_ms, took_ms, result);
        }
    }

    /// Puts a sweep that is replayed on the list of what was touched.
    pub(super) fn note_sweep(&self, hosts: &[(String, Result<(), EvidenceError>)], at_ms: u64, took_ms: u64) {
        for (host, proof) in hosts {
            self.note(&Question::swept(host), at_ms, took_ms, &result_text(proof));
        }
    }

    /// The number of this asking of the question, among those of the same line of work.
    pub(super) fn occurrence(&self, asked: &Asked) -> u32 {
        let lane = lane::current();
        let mut written = lock(&self.written);
        let next = written.occurrences.entry((asked.clone(), lane.number)).or_insert(0);
        *next += 1;
        lane::numbered(lane, *next - 1)
    }
}

impl Written {
    /// Whether a question still counts.
    fn takes(&self, asked: &Asked) -> bool {
        !self.left_behind || asked.channel == Channel::Sweep || *asked == Question::clock(RUN_END).asked
    }

    fn touch(&mut self, touches: &[Touched], at_ms: u64, took_ms: u64, result: &str) {
        self.touched.extend(touches.iter().map(|touch| Touch {
            kind: touch.kind.to_owned(),
            host: touch.host.clone(),
            what: touch.what.clone(),
            at_ms,
            took_ms,
            result: result.to_owned(),
        }));
    }

    fn keep(&mut self, most: Most, question: &Question, entry: Entry) {
        let (unfolded, held) = (entry.frame() + entry.answer.unfolded(), entry.frame() + entry.answer.held());
        // Markers of what was too large still fit; only their number ends them.
        if self.entries.len() >= most.entries || self.held.saturating_add(held) > most.held + most.held / 2 {
            self.left_out.too_many += 1;
            self.left_out.name(question);
            return;
        }
        self.unfolded += unfolded;
        self.held += held;
        self.entries.push(entry);
    }
}

/// What a recording holds in the place of an answer that is too large for it: a replay says that it is not recorded.
fn not_here(question: &Question) -> Result<Kept, serde_json::Error> {
    let what = question.touches.first().map_or_else(|| "ask".to_owned(), |touched| format!("{} ({})", touched.what, touched.host));
    let error = EvidenceError::new(ErrorKind::NotRecorded, format!("replay: {what}"), "the answer was too large for the recording");
    match question.asked.channel {
        Channel::Log | Channel::Metrics => Kept::of(&LogAnswer::not_kept(error)),
        Channel::Capture => Kept::of(&CaptureLife { open: Err(error), listening: None, stop: None }),
        _ => Kept::of(&Err::<(), _>(error)),
    }
}

/// `ok`, or the error, as reports show it.
pub(super) fn result_text<A>(answer: &Result<A, EvidenceError>) -> String {
    answer.as_ref().map_or_else(|error| harmless(&error.to_string()), |_| "ok".to_owned())
}
