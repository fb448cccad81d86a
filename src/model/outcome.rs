//! What a run gives: the verdict with its findings, gaps, steps and everything that it touched.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capture::CaptureSeen;
use super::clock::ClockOffset;
use super::considered::Considered;
use super::diagnostic::Diagnostic;
use super::finding::{Finding, Gap, Severity};
use super::observed::Observed;
use super::remedy::Remedy;
use super::scrub::{scrub_in, scrub_params};
use super::set_aside::SetAside;
use super::witness::Witness;

/// The answer of a run. `Fail` comes before `Inconclusive` before `Warn` before `Pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Warn,
    Fail,
    Inconclusive,
}

impl Verdict {
    /// The verdict that findings and gaps give together. Nothing checked is never a pass.
    #[must_use]
    pub fn of(findings: &[Finding], gaps: &[Gap], checked: bool) -> Self {
        let worst = findings.iter().map(|finding| finding.severity).max();
        if worst == Some(Severity::Fail) {
            Self::Fail
        } else if !checked || gaps.iter().any(|gap| gap.decisive) {
            Self::Inconclusive
        } else if worst == Some(Severity::Warn) {
            Self::Warn
        } else {
            Self::Pass
        }
    }

    /// The word that reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// One question of the run and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    pub title: String,
    /// `done`, `failed` (the error is in `facts`), or `skipped`.
    pub state: StepState,
    /// Plain lines for a person: what was seen.
    pub facts: Vec<String>,
    /// Milliseconds since the run began.
    pub started_ms: u64,
    pub took_ms: u64,
}

/// A script that a run ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ran {
    /// `playbook`, `module` or `hook`.
    pub kind: String,
    /// Its file, or its name where it is inside lbdiag.
    pub path: String,
    /// Whether it is inside lbdiag.
    pub shipped: bool,
    /// What its header says; empty for a hook, which has none.
    pub version: String,
    /// Of its text, in hexadecimal.
    pub sha256: String,
    /// Where a hook runs, such as `after "Who announces the address"`; empty for the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Whether it ran in place of a shipped one of the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_place_of_shipped: bool,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    Done,
    Failed,
    Skipped,
}

/// A table of the playbook's own, such as one row an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    /// As many cells in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A piece of data that the playbook keeps with its report, for whoever reads that by a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    pub name: String,
    pub data: Value,
}

/// One thing that the run did to the world: a command, an API request, a capture or a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Touch {
    /// `api`, `command`, `capture` or `probe`.
    pub kind: String,
    /// The API server, or the host's name.
    pub host: String,
    /// The API verb and path, or the script's name with its arguments.
    pub what: String,
    /// Milliseconds since the run began.
    pub at_ms: u64,
    pub took_ms: u64,
    /// `ok`, or the error.
    pub result: String,
}

/// What somebody answered, word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// As the touch of the question has them.
    pub host: String,
    pub what: String,
    pub at_ms: u64,
    pub text: String,
}

/// Everything that a run gives, as the JSON report holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    pub format: String,
    pub lbdiag: String,
    pub playbook: String,
    pub playbook_version: String,
    pub started: String,
    pub took_ms: u64,
    pub params: BTreeMap<String, Value>,
    /// The command line that asks the same again; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub again: String,
    pub verdict: Verdict,
    /// One sentence: what was asked and what the answer is.
    pub summary: String,
    /// The root cause first, its consequences after it.
    pub findings: Vec<Finding>,
    pub gaps: Vec<Gap>,
    /// Findings that count no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
    /// The rules that the judgement tried along the path, and what came of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub considered: Vec<Considered>,
    /// What ties the answers to the Service's endpoints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Witness>,
    /// What was seen of the Service that the run is about.
    #[serde(default, skip_serializing_if = "Observed::is_empty")]
    pub observed: Observed,
    /// Commands that mend what the findings name, for whoever agrees with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// What the playbook keeps with the report under a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    pub steps: Vec<Step>,
    /// Every script that the run ran: the playbook first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ran: Vec<Ran>,
    /// Every capture with its counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<CaptureSeen>,
    /// How far hosts' clocks are ahead of the one of the machine that lbdiag ran on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockOffset>,
    pub touched: Vec<Touch>,
    /// Answers word for word, for a report that shows them. They are no part of the JSON: a recording keeps them.
    #[serde(skip)]
    pub answers: Vec<Answered>,
    /// `proven` when every host that was touched was seen to be clean, otherwise why not.
    pub cleanup: String,
    /// Why the run ended early, if it did: an error of the playbook, a time-out, an interrupt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Mistakes of the playbook: the one that ended the run, and what will be one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Outcome {
    /// Takes the credentials out of every text that came from outside, so that no report has to.
    pub fn scrub(&mut self) {
        scrub_params(&mut self.params);
        let Self {
            summary,
            again,
            findings,
            gaps,
            observed,
            remedies,
            tables,
            attachments,
            steps,
            captures,
            touched,
            answers,
            cleanup,
            ended,
            diagnostics,
            ..
        } = self;
        let findings = findings.iter_mut().flat_map(Finding::texts);
        let gaps = gaps.iter_mut().flat_map(|gap| [&mut gap.reason, &mut gap.undecided].into_iter().chain(&mut gap.next));
        let tables = tables
            .iter_mut()
            .flat_map(|table| std::iter::once(&mut table.title).chain(&mut table.columns).chain(table.rows.iter_mut().flatten()));
        let steps = steps.iter_mut().flat_map(|step| std::iter::once(&mut step.title).chain(&mut step.facts));
        let captures = captures.iter_mut().flat_map(|capture| [&mut capture.filter, &mut capture.end]);
        let touched = touched.iter_mut().flat_map(|touch| [&mut touch.what, &mut touch.result]);
        let commands = remedies.iter_mut().map(|remedy| &mut remedy.command);
        let own = [summary, again, cleanup].into_iter().chain(ended.as_mut()).chain(commands).chain(observed.texts());
        let diagnostics = diagnostics.iter_mut().flat_map(Diagnostic::texts);
        own.chain(diagnostics).chain(findings).chain(gaps).chain(tables).chain(steps).chain(captures).chain(touched).for_each(scrub_in);
        for answer in answers {
            scrub_in(&mut answer.text);
        }
        for Attachment { name, data } in attachments {
            scrub_in(name);
            // A value whose name tells of a credential is one, whatever it looks like.
            let mut named = BTreeMap::from([(name.clone(), std::mem::take(data))]);
            scrub_params(&mut named);
            *data = named.into_values().next().unwrap_or_default();
        }
    }
}
