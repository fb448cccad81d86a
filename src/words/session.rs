//! What the words of one run share: the evidence, what was found so far, and how the run may end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant};

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext, Position};
use serde_json::Value;

use super::capture::listening::Listening;
use super::cluster::speaker_logs::Logs;
use super::flow::step_hook::Hooks;
use super::room::{self, Part, Room};
use super::source_ports::SourcePorts;
use crate::evidence::Evidence;
use crate::evidence::cluster::{Kind, List, ListQuery};
use crate::evidence::error::{ErrorKind, EvidenceError};
use crate::evidence::interrupt::Reason;
use crate::evidence::lane;
use crate::evidence::side_by_side::lock;
use crate::evidence::site::Site;
use crate::model::announcement::{SpeakerLog, SpeakerMetrics};
use crate::model::capture::CaptureSeen;
use crate::model::clock::Offsets;
use crate::model::considered::Considered;
use crate::model::declared::Declared;
use crate::model::finding::{Finding, Gap};
use crate::model::kubernetes::{Node, Pod};
use crate::model::observed::Observed;
use crate::model::outcome::{Step, StepState, Table};
use crate::model::place::{Host, HostKind, Place};
use crate::model::remedy::Remedy;
use crate::model::subject::Subject;
use crate::model::witness::Witness;

pub use super::ending::{Progress, Stop};

/// The result of every word.
pub type Answer<T> = Result<T, Box<EvalAltResult>>;

/// A word's name, and what gives it to an engine.
pub type Code = (&'static str, fn(&mut Engine, &Arc<Run>));

/// The answer to a list, shared.
pub type Listed = Arc<Result<Vec<Value>, EvidenceError>>;

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

/// A step under way.
pub struct OpenStep {
    pub title: String,
    pub started_ms: u64,
    /// The facts of the step around it.
    pub around: Vec<String>,
}

/// The list that MetalLB's pods were read from, all of them, and the speakers among them.
pub type MetallbPods = (Listed, Arc<Vec<Pod>>, Arc<Vec<Pod>>);

/// What stands over lines that a playbook says outside of its steps.
const NOTES: &str = "Notes";

/// What was found so far.
#[derive(Default)]
pub struct State {
    pub steps: Vec<Step>,
    /// Steps that have begun and not ended, the innermost last.
    pub open: Vec<OpenStep>,
    pub facts: Vec<String>,
    /// What the playbook says outside of every step, until the next one begins.
    pub notes: Vec<String>,
    pub findings: Vec<Finding>,
    pub gaps: Vec<Gap>,
    pub tables: Vec<Table>,
    /// How much of all this there may still be.
    pub room: Room,
    /// Every capture of the run, without its packets.
    pub captures: Vec<CaptureSeen>,
    /// How far hosts' clocks are ahead of ours, as far as it was measured.
    pub clocks: Offsets,
    /// The rules that `judge` tried, in order.
    pub considered: Vec<Considered>,
    /// What ties answers to the Service's endpoints, as `judge` found it.
    pub witnesses: Vec<Witness>,
    /// What was seen of the Service that was judged.
    pub observed: Observed,
    /// Commands that mend what was found.
    pub remedies: Vec<Remedy>,
    /// Whether a fragment of the site's is at work: its own steps have none.
    pub in_hook: bool,
    /// The source ports that places of this run have asked from.
    pub source_ports: SourcePorts,
    pub judged: Option<String>,
    /// How many findings there were when it was judged: what comes after them is the playbook's own.
    pub found_by_then: usize,
    /// Whether anything was checked at all: without it the verdict is never `pass`.
    pub checked: bool,
    /// How often an expectation was looked at.
    pub expected: usize,
    /// How often it did not hold.
    pub failed: usize,
    pub stop: Option<Stop>,
    /// Where the playbook called what stopped it.
    pub stopped_at: Position,
    /// Why the playbook left the rest of itself out.
    pub skipped: Option<String>,
    /// The first expectation that could not be looked at, as a sentence.
    pub open_expectation: Option<String>,
    /// The new names of whatever was called by its old one.
    pub old_names: BTreeSet<&'static str>,
    pub nodes: BTreeMap<String, Node>,
    /// The same in their order, with the list that they were read from, for all who hold them.
    pub all_nodes: Option<(Listed, Arc<Vec<Node>>)>,
    /// MetalLB's pods likewise, and the speakers among them.
    pub metallb_pods: Option<MetallbPods>,
    /// That MetalLB was looked for outside of its usual namespace because of that list, and how that ended.
    pub metallb_sought: Option<(Listed, Result<(), EvidenceError>)>,
    /// Pods that are asked from, by `NAMESPACE/NAME`: where each is.
    pub asking_pods: BTreeMap<String, Result<Place, EvidenceError>>,
    /// Where MetalLB was found, when that is not its usual namespace.
    pub metallb_namespace: Option<String>,
    /// The speakers' words, read once.
    pub logs: Option<Arc<Logs>>,
    pub earlier_logs: Option<Arc<Vec<SpeakerLog>>>,
    pub metrics: Option<Arc<[SpeakerMetrics]>>,
    /// The router that `find_announcer` was told to ask, for when what it deferred is read.
    pub router: Option<Host>,
    /// Lists that several words need, asked once. One that is not whole is its error here: it proves of nothing that it is not there.
    pub lists: BTreeMap<String, Listed>,
    /// What came of lists that are not whole, for whoever needs no more than what is there.
    pub parts: BTreeMap<String, Arc<Vec<Value>>>,
}

impl State {
    /// Adds a gap, once, as far as there is room for it.
    pub fn gap(&mut self, gap: Gap) {
        let gap = Gap { reason: room::text(&gap.reason), ..gap };
        let bytes = gap.subject.to_string().len() + gap.reason.len() + gap.undecided.len();
        if !self.gaps.contains(&gap) && self.room.take(Part::Gap, bytes) {
            self.gaps.push(gap);
        }
    }

    /// Adds a finding, as far as there is room for it.
    pub fn found(&mut self, finding: Finding) {
        if self.room.take_finding(&finding) {
            self.findings.push(finding);
        }
    }

    /// A step begins: facts are its own from here on.
    pub fn begin(&mut self, title: &str, started_ms: u64) {
        self.close_notes(started_ms);
        let around = std::mem::take(&mut self.facts);
        self.open.push(OpenStep { title: title.to_owned(), started_ms, around });
    }

    /// What was said between the steps stands there, as one of its own.
    pub fn close_notes(&mut self, started_ms: u64) {
        if self.open.is_empty() && !self.notes.is_empty() && self.room.take(Part::Step, NOTES.len()) {
            let facts = std::mem::take(&mut self.notes);
            self.steps.push(Step { title: NOTES.to_owned(), state: StepState::Done, facts, started_ms, took_ms: 0 });
        }
    }

    /// The innermost step ends; its facts.
    pub fn end(&mut self) -> Vec<String> {
        let around = self.open.pop().map(|step| step.around).unwrap_or_default();
        std::mem::replace(&mut self.facts, around)
    }
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
