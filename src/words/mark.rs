//! What a run has told so far, to go back to when a look is made again.

use super::session::State;

/// How much of everything there was.
pub struct Mark {
    steps: usize,
    facts: usize,
    notes: usize,
    findings: usize,
    gaps: usize,
    tables: usize,
    attachments: usize,
    checked: bool,
    expected: usize,
    failed: usize,
}

impl State {
    /// How much there is by now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            steps: self.steps.len(),
            facts: self.facts.len(),
            notes: self.notes.len(),
            findings: self.findings.len(),
            gaps: self.gaps.len(),
            tables: self.tables.len(),
            attachments: self.attachments.len(),
            checked: self.checked,
            expected: self.expected,
            failed: self.failed,
        }
    }

    /// Takes back what was told since, and forgets what was read of the API: the next look reads it anew. Captures stay told, since they
    /// were made.
    pub fn back_to(&mut self, mark: &Mark) {
        self.steps.truncate(mark.steps);
        self.facts.truncate(mark.facts);
        self.notes.truncate(mark.notes);
        self.findings.truncate(mark.findings);
        self.gaps.truncate(mark.gaps);
        self.tables.truncate(mark.tables);
        self.attachments.truncate(mark.attachments);
        self.checked = mark.checked;
        self.expected = mark.expected;
        self.failed = mark.failed;
        self.lists.clear();
        self.parts.clear();
        self.nodes.clear();
        self.all_nodes = None;
        self.metallb_pods = None;
        self.metallb_sought = None;
        self.logs = None;
        self.earlier_logs = None;
        self.metrics = None;
        self.asking_pods.clear();
    }
}
