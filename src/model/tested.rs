//! What the tests of playbooks came to, for reports.

use serde::Serialize;

/// All tests that were run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tested {
    pub files: Vec<TestedFile>,
    /// How much of each playbook they ran; empty when nobody asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<Covered>,
}

/// The tests of one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestedFile {
    /// As a person named it.
    pub file: String,
    pub tests: Vec<TestedOne>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestedOne {
    pub name: String,
    /// The line at which it begins in its file.
    pub line: usize,
    pub took_ms: u64,
    /// What the run said in one line.
    pub summary: String,
    /// Where the run was not as expected; empty when the test passed.
    pub differences: Vec<Difference>,
    /// Whether the file has what the run gave now (`--update`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub updated: bool,
}

/// One expectation that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key of the expectation.
    pub what: String,
    pub expected: String,
    /// What was there in its place; for one of many, what is most like it.
    pub found: String,
}

/// How much of a playbook its tests ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Covered {
    pub playbook: String,
    pub steps: Part,
    pub branches: Part,
    pub lines: Part,
}

/// So many of so many, and which were not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    pub ran: usize,
    pub of: usize,
    pub missed: Vec<Missed>,
}

/// A piece of a playbook that no test ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missed {
    pub line: usize,
    /// Such as the title of a step, or the kind of a branch.
    pub what: String,
}

impl TestedOne {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Tested {
    /// All tests.
    pub fn all(&self) -> impl Iterator<Item = &TestedOne> {
        self.files.iter().flat_map(|file| &file.tests)
    }

    /// How many passed, and how many failed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let passed = self.all().filter(|test| test.passed()).count();
        (passed, self.all().count() - passed)
    }

    /// The least part of the steps and branches of a playbook that was run, in percent; 100 when there are none.
    #[must_use]
    pub fn least_covered(&self) -> f64 {
        self.coverage.iter().map(Covered::percent).fold(100.0, f64::min)
    }
}

impl Covered {
    /// The part of its steps and branches that was run, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.steps.ran + self.branches.ran, self.steps.of + self.branches.of)
    }
}

impl Part {
    /// In percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        percent(self.ran, self.of)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a playbook has far fewer statements than would lose a digit")]
fn percent(ran: usize, of: usize) -> f64 {
    if of == 0 { 100.0 } else { 100.0 * ran as f64 / of as f64 }
}
