//! What a test expects of a run, and where the run is not so.

use std::collections::BTreeMap;

use crate::model::outcome::{Outcome, Table};
use crate::model::tested::Difference;

/// What a run has to give. What is left out may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub verdict: Option<String>,
    /// The first finding's name, and its first culprit or what that lies below.
    pub finding: Option<String>,
    pub culprit: Option<String>,
    /// The names of all findings, in their order.
    pub findings: Option<Vec<String>>,
    /// Texts that facts of the report have to hold.
    pub facts: Vec<String>,
    /// Cells by column, that some row of the report's tables has to hold together.
    pub rows: Vec<BTreeMap<String, String>>,
    /// Names of gaps that the report has to tell.
    pub gaps: Vec<String>,
    pub exit: Option<u8>,
}

/// What a run gave, as far as a test may expect something of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gave<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) exit: u8,
}

const NOTHING: &str = "none";

impl Gave<'_> {
    pub(super) fn finding(&self) -> Option<&str> {
        self.outcome.findings.first().map(|finding| finding.name.as_str())
    }

    pub(super) fn findings(&self) -> Vec<String> {
        self.outcome.findings.iter().map(|finding| finding.name.clone()).collect()
    }

    pub(super) fn culprit(&self) -> Option<String> {
        self.outcome.findings.first().and_then(|finding| finding.culprits.first()).map(ToString::to_string)
    }

    pub(super) fn facts(&self) -> impl Iterator<Item = &str> {
        self.outcome.steps.iter().flat_map(|step| &step.facts).map(String::as_str)
    }

    pub(super) fn has_gap(&self, name: &str) -> bool {
        self.outcome.gaps.iter().any(|gap| gap.name == name)
    }

    /// The fact that is most like a text.
    pub(super) fn nearest_fact(&self, wanted: &str) -> Option<&str> {
        let alike = |fact: &str| (strsim::sorensen_dice(fact, wanted) * 1000.0).round();
        self.facts().max_by(|one, other| alike(one).total_cmp(&alike(other)))
    }

    /// The cells of the row that has most of those that are wanted, under the same columns.
    pub(super) fn nearest_row(&self, wanted: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
        let rows = self.outcome.tables.iter().flat_map(|table| table.rows.iter().map(move |row| cells(table, row, wanted)));
        let equal = |row: &BTreeMap<String, String>| row.iter().filter(|(column, cell)| wanted.get(*column) == Some(*cell)).count();
        // Of rows that are as much alike, the first, and one that has the columns before one that has not.
        rows.filter(|row| !row.is_empty()).reduce(
            |best, row| {
                if (equal(&row), row.len()) > (equal(&best), best.len()) { row } else { best }
            },
        )
    }
}

/// The cells of a row under the columns that are wanted.
fn cells(table: &Table, row: &[String], wanted: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let named = table.columns.iter().zip(row).filter(|(column, _)| wanted.contains_key(*column));
    named.map(|(column, cell)| (column.clone(), cell.clone())).collect()
}

impl Expected {
    /// Whether nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Where a run is not as expected, one for each expectation.
    pub(super) fn differences(&self, gave: &Gave) -> Vec<Difference> {
        let mut all = Vec::new();
        let mut say = |what: &str, expected: String, found: String| {
            all.push(Difference { what: what.to_owned(), expected, found });
        };
        let verdict = gave.outcome.verdict.word();
        if let Some(wanted) = self.verdict.as_ref().filter(|wanted| *wanted != verdict) {
            say("verdict", wanted.clone(), verdict.to_owned());
        }
        if let Some(wanted) = self.finding.as_ref().filter(|wanted| Some(wanted.as_str()) != gave.finding()) {
            say("finding", wanted.clone(), gave.finding().unwrap_or(NOTHING).to_owned());
        }
        let culprit = gave.culprit();
        if let Some(wanted) = self.culprit.as_ref().filter(|wanted| !culprit.as_ref().is_some_and(|found| is_at(found, wanted))) {
            say("culprit", wanted.clone(), culprit.clone().unwrap_or_else(|| NOTHING.to_owned()));
        }
        if let Some(wanted) = self.findings.as_ref().filter(|wanted| **wanted != gave.findings()) {
            say("findings", listed(wanted), listed(&gave.findings()));
        }
        for wanted in self.facts.iter().filter(|wanted| !gave.facts().any(|fact| fact.contains(wanted.as_str()))) {
            say("facts", wanted.clone(), gave.nearest_fact(wanted).unwrap_or(NOTHING).to_owned());
        }
        for wanted in self.rows.iter().filter(|wanted| !has_row(gave.outcome, wanted)) {
            say("rows", row(wanted), gave.nearest_row(wanted).as_ref().map_or_else(|| NOTHING.to_owned(), row));
        }
        let gaps: Vec<String> = gave.outcome.gaps.iter().map(|gap| gap.name.clone()).collect();
        for wanted in self.gaps.iter().filter(|wanted| !gave.has_gap(wanted)) {
            say("gaps", wanted.clone(), if gaps.is_empty() { NOTHING.to_owned() } else { gaps.join(", ") });
        }
        if let Some(wanted) = self.exit.filter(|wanted| *wanted != gave.exit) {
            say("exit", wanted.to_string(), gave.exit.to_string());
        }
        all
    }
}

/// Whether a culprit is the expected one or lies below it.
fn is_at(culprit: &str, wanted: &str) -> bool {
    culprit.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether some row holds all the cells that are wanted.
pub(super) fn has_row(outcome: &Outcome, wanted: &BTreeMap<String, String>) -> bool {
    let holds = |table: &Table| table.rows.iter().any(|row| cells(table, row, wanted) == *wanted);
    outcome.tables.iter().any(holds)
}

fn listed(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

fn row(cells: &BTreeMap<String, String>) -> String {
    let cells: Vec<String> = cells.iter().map(|(column, cell)| format!("{column}: {cell}")).collect();
    format!("{{ {} }}", cells.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_culprit_is_the_expected_one_or_lies_below_it() {
        for (culprit, wanted, is) in
            [("node/n2", "node/n2", true), ("node/n2/rule/x", "node/n2", true), ("node/n21", "node/n2", false), ("node", "node/n2", false)]
        {
            assert_eq!(is_at(culprit, wanted), is, "{culprit} {wanted}");
        }
    }
}
