//! The list of what was touched, and the answers that a recording keeps.
//!
//! Every question passes here, live or replayed. Live: the question is asked, timed and noted; its answer is kept when
//! a recording was wanted. Replayed: the answer and its times come from the recording.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::kept::Kept;
use super::question::{Asked, Question};
use crate::evidence::clock::milliseconds_since;
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::side_by_side::lock;
use crate::model::outcome::Touch;
use crate::model::text::harmless;

/// The tape of one run. Many threads may write on it at once.
pub struct Tape {
    began: Instant,
    keeps: bool,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    /// How often each question was asked.
    occurrences: HashMap<Asked, u32>,
    touched: Vec<Touch>,
    entries: Vec<Entry>,
}

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

/// A question under way.
pub(super) struct Pending {
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
        Self { began: Instant::now(), keeps: keep_answers, written: Mutex::default() }
    }

    /// Whether answers are kept for a recording.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keeps
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

    /// Everything that was kept, in the order in which it was asked; the same questions always give the same order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = lock(&self.written).entries.clone();
        entries.sort_by(|a, b| (a.at_ms, &a.asked, a.occurrence).cmp(&(b.at_ms, &b.asked, b.occurrence)));
        entries
    }

    /// A question is about to be asked.
    pub(super) fn ask(&self, question: Question) -> Pending {
        let occurrence = self.occurrence(&question.asked);
        Pending { question, occurrence, at_ms: milliseconds_since(self.began), sweep: Vec::new() }
    }

    /// The question was answered; `answer` is called only when answers are kept.
    pub(super) fn answered<A: Serialize>(&self, pending: Pending, result: String, answer: impl FnOnce() -> A) {
        let took_ms = milliseconds_since(self.began).saturating_sub(pending.at_ms);
        self.timed(pending, took_ms, result, answer);
    }

    /// As `answered`, for an answer that is itself a time.
    pub(super) fn timed<A: Serialize>(&self, pending: Pending, took_ms: u64, result: String, answer: impl FnOnce() -> A) {
        let Pending { question, occurrence, at_ms, sweep } = pending;
        self.note(&question, at_ms, took_ms, &result);
        for (swept, result) in &sweep {
            self.note(swept, at_ms, took_ms, result);
        }
        if !self.keeps {
            return;
        }
        // Our own types always become JSON; if one ever does not, a recorded error is better than a hole.
        let kept =
            Kept::of(&answer()).or_else(|error| Kept::of(&Err::<(), _>(EvidenceError::new(ErrorKind::Garbled, "keep an answer", error))));
        if let Ok(answer) = kept {
            lock(&self.written).entries.push(Entry { asked: question.asked, occurrence, at_ms, took_ms, result, answer });
        }
    }

    /// Puts what a question does to the world on the list of what was touched.
    pub(super) fn note(&self, question: &Question, at_ms: u64, took_ms: u64, result: &str) {
        let touches = question.touches.iter().map(|touch| Touch {
            kind: touch.kind.to_owned(),
            host: touch.host.clone(),
            what: touch.what.clone(),
            at_ms,
            took_ms,
            result: result.to_owned(),
        });
        lock(&self.written).touched.extend(touches);
    }

    /// Puts a sweep that is replayed on the list of what was touched.
    pub(super) fn note_sweep(&self, hosts: &[(String, Result<(), EvidenceError>)], at_ms: u64, took_ms: u64) {
        for (host, proof) in hosts {
            self.note(&Question::swept(host), at_ms, took_ms, &result_text(proof));
        }
    }

    /// The number of this asking of the question.
    pub(super) fn occurrence(&self, asked: &Asked) -> u32 {
        let mut written = lock(&self.written);
        let next = written.occurrences.entry(asked.clone()).or_insert(0);
        *next += 1;
        *next - 1
    }
}

/// `ok`, or the error, as reports show it.
pub(super) fn result_text<A>(answer: &Result<A, EvidenceError>) -> String {
    answer.as_ref().map_or_else(|error| harmless(&error.to_string()), |_| "ok".to_owned())
}
