//! What the words of one run share: the evidence, what was found so far, and how the run may end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use super::capture::listening::Listening;
use super::flow::step_hook::Hooks;
use super::room::{self, Part};
use crate::evidence::Evidence;
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::Reason;
use crate::evidence::lane;
use crate::evidence::side_by_side::lock;
use crate::evidence::site::Site;
use crate::model::declared::Declared;
use crate::model::finding::Gap;
use crate::model::place::{Host, HostKind};
use crate::model::subject::Subject;

pub use super::ending::{Progress, Stop};
pub use super::state::{Listed, MetallbPods, OpenStep, State};

/// The result of every word.
pub type Answer<T> = Result<T, Box<EvalAltResult>>;

/// A word's name, and what gives it to an engine.
pub type Code = (&'static str, fn(&mut Engine, &Arc<Run>));

/// Closures that run at the same time.
pub const AT_ONCE: usize = 8;

/// One run.
pub struct Run {
    pub evidence: Evidence,
    pub site: Site,
    /// The playbook as it was named, for commands that are shown.
    pub playbook: String,
    /// What the playbook's header and the site both allow.
    pub uses: BTreeSet<String>,
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// The captures that listen while the closure of `during` runs, of each line of work.
    listening: [Mutex<Vec<Listening>>; 1 + AT_ONCE],
    /// Whether closures that could run side by side run one after the other, for whoever reads in order what they do.
    pub one_by_one: bool,
    /// A proof that the judgement leaves out, by its title.
    pub judged_without: Option<String>,
    /// The findings that the playbook's header declares.
    pub declared: Vec<Declared>,
    /// What the site runs at the playbook's steps.
    pub hooks: Hooks,
    /// Whether whoever watches is told what each step gives.
    pub traces: bool,
    /// What every script finds there, by name: `params` and `site`.
    pub constants: BTreeMap<String, Dynamic>,
    /// What was found so far: by the script itself, and by each closure that runs beside others.
    pub(super) states: [Mutex<State>; 1 + AT_ONCE],
    /// How many closures ran beside others.
    pub(super) lanes: AtomicUsize,
    /// The word that was begun last, and whether it is still at work.
    word: Mutex<String>,
    at_work: AtomicBool,
}

impl Run {
    #[must_use]
    pub fn new(
        evidence: Evidence,
        site: Site,
        playbook: String,
        uses: BTreeSet<String>,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Self {
        Self {
            evidence,
            site,
            playbook,
            uses,
            progress,
            listening: Default::default(),
            one_by_one: false,
            judged_without: None,
            declared: Vec::new(),
            hooks: Hooks::default(),
            traces: false,
            constants: BTreeMap::new(),
            states: Default::default(),
            lanes: AtomicUsize::default(),
            word: Mutex::default(),
            at_work: AtomicBool::default(),
        }
    }

    /// Remembers which word is at work, for whoever asks what a run was doing when it had to end.
    pub fn enter(&self, word: &str) {
        word.clone_into(&mut lock(&self.word));
        self.at_work.store(true, Ordering::Relaxed);
    }

    /// The script itself goes on.
    pub fn leave(&self) {
        if self.at_work.load(Ordering::Relaxed) {
            self.at_work.store(false, Ordering::Relaxed);
        }
    }

    /// The word that is at work.
    #[must_use]
    pub fn at_work(&self) -> Option<String> {
        self.at_work.load(Ordering::Relaxed).then(|| lock(&self.word).clone())
    }

    /// Takes what was found so far. `None` when somebody holds it for longer than `limit`, who then keeps it for ever.
    pub fn take_state(&self, limit: Duration) -> Option<State> {
        let end = Instant::now() + limit;
        let take = |state: &Mutex<State>| loop {
            match state.try_lock() {
                Ok(mut state) => return Some(std::mem::take(&mut *state)),
                Err(TryLockError::Poisoned(poisoned)) => return Some(std::mem::take(&mut *poisoned.into_inner())),
                Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::WouldBlock) => return None,
            }
        };
        let mut all = take(&self.states[0])?;
        // Of closures that were left behind.
        for state in self.states[1..].iter().filter_map(take) {
            all.absorb(state, 0);
        }
        Some(all)
    }

    /// What was found so far, under its lock.
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.states[lane::current().slot])
    }

    /// The captures that listen for this line of work.
    pub fn listening(&self) -> std::sync::MutexGuard<'_, Vec<Listening>> {
        lock(&self.listening[lane::current().slot])
    }

    /// Adds a plain line to the current step.
    pub fn fact(&self, line: impl Into<String>) {
        let line = room::text(&line.into());
        let mut state = self.state();
        if state.room.take(Part::Line, line.len()) {
            state.facts.push(line);
        }
    }

    /// Adds a plain line of the playbook's own to the current step, or between the steps.
    pub fn note(&self, line: impl Into<String>) {
        let line = room::text(&line.into());
        let mut state = self.state();
        if state.room.take(Part::Line, line.len()) {
            if state.open.is_empty() { state.notes.push(line) } else { state.facts.push(line) }
        }
    }

    /// Adds a gap, once.
    pub fn gap(&self, gap: Gap) {
        self.state().gap(gap);
    }

    /// Turns a failed look into a gap, or ends the run when nothing more can be looked at.
    ///
    /// # Errors
    /// When the run was interrupted or the API cannot be reached.
    pub fn failed_look(
        &self,
        context: &NativeCallContext,
        error: &EvidenceError,
        subject: impl Into<Subject>,
        undecided: &str,
    ) -> Answer<()> {
        match error.kind {
            ErrorKind::Interrupted => Err(self.end(context, self.interrupted_by(error))),
            ErrorKind::ApiUnreachable => Err(self.end(context, Stop::CouldNotWork(error.to_string()))),
            _ => {
                self.gap(error.gap(subject, undecided));
                Ok(())
            }
        }
    }

    /// As `failed_look`, for what the playbook itself asked for: only it knows what its verdict rests on, so that the gap forbids a pass.
    ///
    /// # Errors
    /// As `failed_look`.
    pub fn needed_look(
        &self,
        context: &NativeCallContext,
        error: &EvidenceError,
        subject: impl Into<Subject>,
        undecided: &str,
    ) -> Answer<()> {
        if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::ApiUnreachable) {
            return self.failed_look(context, error, subject, undecided);
        }
        self.gap(error.gap(subject, undecided).decisive());
        Ok(())
    }

    /// Ends the run because what it is about could not be read: a gap that everything rests on. Only where nothing at all is heard of the
    /// API could lbdiag not do its work.
    pub fn unread(&self, context: &NativeCallContext, error: &EvidenceError, subject: impl Into<Subject>) -> Box<EvalAltResult> {
        let stop = match error.kind {
            ErrorKind::Interrupted => self.interrupted_by(error),
            ErrorKind::ApiUnreachable if self.api_is_silent() => Stop::CouldNotWork(error.to_string()),
            _ => {
                self.gap(error.gap(subject, "everything, since the run is about it").decisive());
                Stop::Unread(error.to_string())
            }
        };
        self.end(context, stop)
    }

    /// A look that the run's end cut short. In a replay nothing ends the run but what is recorded of that end.
    pub fn interrupted_by(&self, error: &EvidenceError) -> Stop {
        self.evidence.interrupt.set(Reason::heard(&error.reason));
        Stop::Interrupted
    }

    /// Whether another question is not answered either.
    fn api_is_silent(&self) -> bool {
        let other = self.evidence.cluster.list(&ListQuery::everywhere(Kind::core("namespaces"))).and_then(List::all);
        other.is_err_and(|error| error.kind == ErrorKind::ApiUnreachable)
    }

    /// The error that ends the script at once and cannot be caught by it.
    pub fn end(&self, context: &NativeCallContext, stop: Stop) -> Box<EvalAltResult> {
        let mut state = self.state();
        if state.stop.is_none() {
            (state.stop, state.stopped_at) = (Some(stop), context.call_position());
        }
        drop(state);
        Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, context.call_position()))
    }

    /// An error that a script may catch, at the place of the call.
    pub fn refuse(context: &NativeCallContext, message: impl Into<String>) -> Box<EvalAltResult> {
        Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(message.into()), context.call_position()))
    }

    /// Tells once that a word or an option has another name now.
    pub fn old_name(&self, what: &str, new: &'static str) {
        if self.state().old_names.insert(new) {
            (self.progress)(Progress::Note(format!("{what} is called `{new}` now; the old name works until lbdiag 0.3")));
        }
    }

    /// How SSH reaches a node: the site's address, its InternalIP, or its name.
    #[must_use]
    pub fn node_host(&self, name: &str) -> Host {
        let address =
            self.state().nodes.get(name).and_then(|node| node.internal_ips.first()).map_or_else(|| name.to_owned(), ToString::to_string);
        Host { name: name.to_owned(), address, kind: HostKind::Node }
    }
}
