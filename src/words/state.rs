//! What was found so far in a run, and what it read of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhai::Position;
use serde_json::Value;

use super::cluster::speaker_logs::Logs;
use super::ending::Stop;
use super::room::{self, Part, Room};
use super::source_ports::SourcePorts;
use crate::evidence::error::EvidenceError;
use crate::model::announcement::{SpeakerLog, SpeakerMetrics};
use crate::model::capture::CaptureSeen;
use crate::model::clock::Offsets;
use crate::model::considered::Considered;
use crate::model::finding::{Finding, Gap};
use crate::model::kubernetes::{Node, Pod};
use crate::model::observed::Observed;
use crate::model::outcome::{Attachment, Step, StepState, Table};
use crate::model::place::{Host, Place};
use crate::model::remedy::Remedy;
use crate::model::witness::Witness;

/// The answer to a list, shared.
pub type Listed = Arc<Result<Vec<Value>, EvidenceError>>;

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
    pub attachments: Vec<Attachment>,
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
    /// How many fragments stand around what is at work.
    pub around: usize,
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
