//! Stands around the live world, notes what is touched, and keeps the answers when a recording is wanted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer::{CaptureLife, LogAnswer, ending};
use super::question::Question;
use super::tape::{Pending, Tape, result_text};
use crate::evidence::capture::{Captures, News, OpenCapture};
use crate::evidence::clock::Clock;
use crate::evidence::clocks::Clocks;
use crate::evidence::cluster::{AccessQuery, Cluster, Keep, List, ListQuery, LogQuery, MetricsQuery, ObjectQuery};
use crate::evidence::error::EvidenceError;
use crate::evidence::host::{Command, Hosts, Output, texts};
use crate::evidence::interrupt::Interrupt;
use crate::evidence::side_by_side::lock;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::clock::ClockOffset;
use crate::model::place::Host;
use crate::model::text::harmless;
use serde_json::Value;

/// A cluster whose answers pass the tape.
pub struct RecordingCluster(pub Arc<dyn Cluster>, pub Arc<Tape>);

/// Hosts whose answers pass the tape.
pub struct RecordingHosts(pub Arc<dyn Hosts>, pub Arc<Tape>);

/// Captures that pass the tape, packets included.
pub struct RecordingCaptures(pub Arc<dyn Captures>, pub Arc<Tape>);

/// Hosts' clocks whose comparisons pass the tape.
pub struct RecordingClocks {
    inner: Arc<dyn Clocks>,
    tape: Arc<Tape>,
    /// Comparisons that began and were not asked for yet.
    begun: Mutex<HashMap<Host, Pending>>,
}

/// A clock whose times are kept; it touches nothing.
pub struct RecordingClock(pub Arc<dyn Clock>, pub Arc<Tape>);

impl Cluster for RecordingCluster {
    fn get(&self, query: &ObjectQuery) -> Result<Option<Value>, EvidenceError> {
        let pending = self.1.ask(Question::get(query));
        let answer = self.0.get(query);
        self.1.answered(pending, result_text(&answer), || &answer);
        answer
    }

    fn list(&self, query: &ListQuery) -> Result<List, EvidenceError> {
        let pending = self.1.ask(Question::list(query));
        let answer = self.0.list(query);
        let lacks = answer.as_ref().ok().and_then(|list| list.lacks.as_ref());
        let result = lacks.map_or_else(|| result_text(&answer), |lacks| harmless(&lacks.to_string()));
        self.1.answered(pending, result, || &answer);
        answer
    }

    fn read_log(&self, query: &LogQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.lines(Question::log(query), line, |give| self.0.read_log(query, give))
    }

    fn read_metrics(&self, query: &MetricsQuery, line: &mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError> {
        self.lines(Question::metrics(query), line, |give| self.0.read_metrics(query, give))
    }

    fn may(&self, query: &AccessQuery) -> Result<bool, EvidenceError> {
        let pending = self.1.ask(Question::may(query));
        let answer = self.0.may(query);
        let result = answer.as_ref().map_or_else(|_| result_text(&answer), |may| if *may { "yes" } else { "no" }.to_owned());
        self.1.answered(pending, result, || &answer);
        answer
    }
}

impl RecordingCluster {
    /// Passes lines on and keeps those that mattered.
    fn lines(
        &self,
        question: Question,
        line: &mut dyn FnMut(&str) -> Keep,
        read: impl FnOnce(&mut dyn FnMut(&str) -> Keep) -> Result<(), EvidenceError>,
    ) -> Result<(), EvidenceError> {
        let pending = self.1.ask(question);
        let mut kept = LogAnswer::default();
        let mut context: Option<String> = None;
        let keeps = self.1.keeps();
        let answer = read(&mut |text| {
            kept.lines += 1;
            let keep = line(text);
            if keeps {
                let worth = match &keep {
                    Keep::No => return keep,
                    Keep::Context => {
                        context = Some(text.to_owned());
                        return keep;
                    }
                    Keep::Yes => text,
                    Keep::Instead(other) => other,
                };
                if let Some(context) = context.take() {
                    kept.keep(&context);
                }
                kept.keep(worth);
            }
            keep
        });
        kept.error = answer.clone().err();
        self.1.answered(pending, result_text(&answer), || kept);
        answer
    }
}

impl Hosts for RecordingHosts {
    fn warm(&self, hosts: &[Host]) {
        self.0.warm(hosts);
    }

    fn run(&self, host: &Host, command: &Command) -> Result<Output, EvidenceError> {
        let pending = self.1.ask(Question::run(host, command));
        let answer = self.0.run(host, command).map(|output| texts::scrubbed(command.script, output));
        let result = match &answer {
            Ok(output) if output.status != 0 => format!("status {}", output.status),
            _ => result_text(&answer),
        };
        self.1.answered(pending, result, || &answer);
        answer
    }

    fn unswept(&self) -> Vec<String> {
        self.0.unswept()
    }

    fn sweep(&self) -> Vec<(String, Result<(), EvidenceError>)> {
        let mut pending = self.1.ask(Question::sweep());
        let answer = self.0.sweep();
        pending.swept(&answer);
        let result = if answer.iter().all(|(_, proof)| proof.is_ok()) { "ok" } else { "not proven everywhere" };
        self.1.answered(pending, result.to_owned(), || &answer);
        answer
    }
}

impl Captures for RecordingCaptures {
    fn open(&self, request: &CaptureRequest) -> Result<Box<dyn OpenCapture>, EvidenceError> {
        let pending = self.1.ask(Question::capture(request));
        match self.0.open(request) {
            Ok(inner) => Ok(Box::new(RecordingOpen {
                inner: Some(inner),
                result: "ok".to_owned(),
                pending: Some(pending),
                listening: None,
                tape: Arc::clone(&self.1),
            })),
            Err(error) => {
                let life = CaptureLife { open: Err(error.clone()), listening: None, stop: None };
                self.1.answered(pending, harmless(&error.to_string()), || life);
                Err(error)
            }
        }
    }
}

/// A capture under way. It is one entry of the tape, written when it has ended, however it ended.
struct RecordingOpen {
    inner: Option<Box<dyn OpenCapture>>,
    result: String,
    pending: Option<Pending>,
    /// What the first wait said.
    listening: Option<Result<String, EvidenceError>>,
    tape: Arc<Tape>,
}

impl RecordingOpen {
    /// Writes its entry, once.
    fn ended(&mut self, stop: Option<&Result<Capture, EvidenceError>>) {
        if let Some(pending) = self.pending.take() {
            let life = CaptureLife { open: Ok(()), listening: self.listening.take(), stop };
            self.tape.answered(pending, std::mem::take(&mut self.result), || life);
        }
    }
}

impl OpenCapture for RecordingOpen {
    fn wait_listening(&mut self) -> Result<String, EvidenceError> {
        let Some(inner) = &mut self.inner else { return Ok(String::new()) };
        let answer = inner.wait_listening();
        if let Err(error) = &answer {
            self.result = harmless(&error.to_string());
        }
        self.listening.get_or_insert_with(|| answer.clone());
        answer
    }

    fn news(&mut self) -> News {
        // What the capture gives in the end holds it all, so that the tape keeps nothing of this.
        self.inner.as_mut().map_or(News { packets: Vec::new(), last: true }, |inner| inner.news())
    }

    fn stop(mut self: Box<Self>) -> Result<Capture, EvidenceError> {
        let Some(inner) = self.inner.take() else {
            // `stop` takes the capture itself, so nobody stops twice.
            return Err(EvidenceError::new(crate::evidence::error::ErrorKind::CaptureRefused, "stop a capture", "it was stopped before"));
        };
        let answer = inner.stop();
        self.result = answer.as_ref().map_or_else(|error| harmless(&error.to_string()), |capture| harmless(&ending(&capture.end)));
        self.ended(Some(&answer));
        answer
    }
}

impl Drop for RecordingOpen {
    fn drop(&mut self) {
        // Ended on the host first, so that the time includes it.
        self.inner = None;
        self.ended(None);
    }
}

impl RecordingClocks {
    #[must_use]
    pub fn new(inner: Arc<dyn Clocks>, tape: Arc<Tape>) -> Self {
        Self { inner, tape, begun: Mutex::default() }
    }
}

impl Clocks for RecordingClocks {
    fn begin(&self, host: &Host) {
        lock(&self.begun).entry(host.clone()).or_insert_with(|| self.tape.ask(Question::host_clock(host)));
        self.inner.begin(host);
    }

    fn offset(&self, host: &Host) -> Result<ClockOffset, EvidenceError> {
        let pending = lock(&self.begun).remove(host).unwrap_or_else(|| self.tape.ask(Question::host_clock(host)));
        let answer = self.inner.offset(host);
        let result = result_text(&answer);
        match &answer {
            // It went on beside other work, and was over long before anybody asked.
            Ok(offset) => self.tape.timed(pending, offset.took_ms, result, || &answer),
            Err(_) => self.tape.answered(pending, result, || &answer),
        }
        answer
    }
}

impl Clock for RecordingClock {
    fn elapsed_ms(&self, label: &str) -> u64 {
        let pending = self.1.ask(Question::clock(label));
        let answer = self.0.elapsed_ms(label);
        self.1.timed(pending, 0, "ok".to_owned(), || answer);
        answer
    }

    fn started(&self) -> String {
        self.0.started()
    }

    fn wait(&self, time: Duration, interrupt: &Interrupt) {
        self.0.wait(time, interrupt);
    }
}
