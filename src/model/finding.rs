//! Findings and gaps: what is wrong, and what could not be looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::basis::Basis;
use super::error_kind::ErrorKind;
use super::subject::Subject;

/// How much a finding weighs. `Info` never counts towards the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warn,
    Fail,
}

impl Severity {
    /// The severity of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Info, Self::Warn, Self::Fail].into_iter().find(|one| one.word() == word)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// Something wrong or notable, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// A stable name from the catalogue, `area/short-name`, where the area is where the fault is.
    pub name: String,
    pub severity: Severity,
    /// What has to be changed or looked at; the first is the subject.
    pub culprits: Vec<Subject>,
    /// One plain sentence.
    pub summary: String,
    /// The name of the finding that this one is a consequence of; empty for a cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Which part fails and which works, when only a part does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The places whose tries it explains, as a person writes them; empty where that is not told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The observations that prove it, each with where it was made.
    pub evidence: Vec<String>,
    /// The answers that the proof looked at, in order, each once; empty where a playbook says it by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<Basis>,
    /// The next thing to do.
    pub next: String,
}

impl Finding {
    /// Every text that may repeat what somebody else wrote; what it is about has names alone.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.summary, &mut self.next].into_iter().chain(&mut self.scope).chain(&mut self.evidence)
    }
}

/// Something that could not be looked at, and what that leaves undecided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// `evidence/short-name`, from the catalogue.
    pub name: String,
    /// What could not be looked at. Boxed, since a gap is what most rules give in place of a finding.
    pub subject: Box<Subject>,
    /// Why, in the words of whoever refused.
    pub reason: String,
    /// What stays undecided by it.
    pub undecided: String,
    /// How the look failed, when it was made and failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
    /// Whether the verdict rests on it.
    #[serde(default)]
    pub decisive: bool,
    /// What would decide it, where more is known than its name tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Gap {
    /// A gap that does not, by itself, touch what the verdict rests on.
    #[must_use]
    pub fn new(name: &str, subject: impl Into<Subject>, reason: impl Into<String>, undecided: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            subject: Box::new(subject.into()),
            reason: reason.into(),
            undecided: undecided.into(),
            kind: None,
            decisive: false,
            next: None,
        }
    }

    /// The same gap, with what would decide it.
    #[must_use]
    pub fn with_next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    /// The same gap, touching the verdict.
    #[must_use]
    pub fn decisive(mut self) -> Self {
        self.decisive = true;
        self
    }
}
