//! Findings that are there and count no more: a site lives with them, or an earlier run had them already.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Severity;
use super::subject::Subject;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// The finding's name, and what it blames.
    pub finding: String,
    pub culprits: Vec<Subject>,
    /// What it would weigh.
    pub was: Severity,
    /// Why it does not.
    pub by: String,
}

impl SetAside {
    /// For people: `fail node/firewall-drop of node/n2/rule/raw/PREROUTING/1: the baseline has it`.
    #[must_use]
    pub fn told(&self) -> String {
        let of = self.culprits.first().map(|culprit| format!(" of {culprit}")).unwrap_or_default();
        format!("{} {}{of}: {}", self.was.word(), self.finding, self.by)
    }
}
