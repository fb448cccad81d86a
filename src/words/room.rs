//! How much a run's report may hold. What a playbook adds beyond that is left out, counted, and told as a gap.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::evidence::side_by_side::lock;
use crate::model::catalogue::names;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::subject::Subject;

/// Bytes that everything of a report may take together.
const MOST_BYTES: usize = 8 << 20;

/// Bytes of one text: a line, a summary, a cell.
const LONGEST: usize = 16 << 10;

/// Bytes of a name: of a step, a column, a culprit.
const LONGEST_NAME: usize = 400;

/// Captures that one run begins.
pub(super) const MOST_CAPTURES: usize = 256;

/// The parts of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Line,
    Step,
    Table,
    Row,
    Attachment,
    Finding,
    Gap,
    Capture,
}

impl Part {
    /// How many there may be.
    fn most(self) -> usize {
        match self {
            Self::Line | Self::Row => 100_000,
            Self::Step | Self::Finding => 10_000,
            Self::Table | Self::Gap => 1_000,
            Self::Capture => MOST_CAPTURES,
            Self::Attachment => 16,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Line => "lines",
            Self::Step => "steps",
            Self::Table => "tables",
            Self::Row => "rows of tables",
            Self::Attachment => "attachments",
            Self::Finding => "findings",
            Self::Gap => "gaps",
            Self::Capture => "captures",
        }
    }
}

/// What was taken so far, and what had to be left out; a clone is the same room.
#[derive(Clone, Default)]
pub struct Room(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    bytes: usize,
    parts: BTreeMap<Part, usize>,
    left_out: BTreeMap<Part, usize>,
    /// The gravest finding that was taken.
    gravest: Option<Severity>,
}

impl Room {
    /// Whether there is room for a part of so many bytes; it is counted either way.
    pub fn take(&mut self, part: Part, bytes: usize) -> bool {
        lock(&self.0).take(part, bytes)
    }

    /// As `take`, for a finding. One that is graver than all before it is always taken: the verdict rests on it.
    pub fn take_finding(&mut self, finding: &Finding) -> bool {
        let graver = {
            let mut room = lock(&self.0);
            let graver = room.gravest.is_none_or(|gravest| gravest < finding.severity);
            if graver {
                room.gravest = Some(finding.severity);
            }
            graver
        };
        graver || self.take(Part::Finding, weight(finding))
    }

    /// What had to be left out, as a gap.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        let room = lock(&self.0);
        let parts: Vec<String> = room.left_out.iter().map(|(part, count)| format!("{count} more {}", part.word())).collect();
        (!parts.is_empty()).then(|| {
            let reason = format!("the playbook told more than a report holds: {} were left out", parts.join(", "));
            Gap::new(names::EVIDENCE_BOUNDED, Subject::Run, reason, "what they would have told")
        })
    }
}

impl Taken {
    fn take(&mut self, part: Part, bytes: usize) -> bool {
        let taken = self.parts.entry(part).or_default();
        let fits = *taken < part.most() && self.bytes.saturating_add(bytes) <= MOST_BYTES;
        if fits {
            *taken += 1;
            self.bytes += bytes;
        } else {
            *self.left_out.entry(part).or_default() += 1;
        }
        fits
    }
}

fn weight(finding: &Finding) -> usize {
    let culprits: usize = finding.culprits.iter().map(|culprit| culprit.to_string().len()).sum();
    let evidence: usize = finding.evidence.iter().map(String::len).sum();
    finding.name.len() + finding.summary.len() + finding.next.len() + culprits + evidence
}

/// A text as a report holds it: what is too long is cut, with how much.
#[must_use]
pub fn text(text: &str) -> String {
    cut(text, LONGEST)
}

/// A name as a report holds it.
#[must_use]
pub fn name(name: &str) -> String {
    cut(name, LONGEST_NAME)
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}… and {} more bytes", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity) -> Finding {
        let culprits = vec![Subject::node("n2")];
        let (name, summary) = ("site/x".to_owned(), "x".to_owned());
        Finding {
            name,
            severity,
            culprits,
            summary,
            because: None,
            scope: None,
            from: Vec::new(),
            evidence: Vec::new(),
            rests_on: Vec::new(),
            next: String::new(),
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_told() {
        let mut room = Room::default();
        assert_eq!((0..1_200).filter(|_| room.take(Part::Gap, 10)).count(), 1_000);
        assert!(room.take(Part::Line, MOST_BYTES / 2) && !room.take(Part::Line, MOST_BYTES));
        assert!(room.take(Part::Line, 1), "what is small still fits");
        let gap = room.gap().unwrap();
        assert_eq!(gap.reason, "the playbook told more than a report holds: 1 more lines, 200 more gaps were left out");
        assert_eq!(Room::default().gap(), None);
    }

    #[test]
    fn the_gravest_finding_is_never_left_out() {
        let mut room = Room::default();
        let taken = (0..20_000).filter(|_| room.take_finding(&finding(Severity::Info))).count();
        assert_eq!(taken, 10_001);
        assert!(room.take_finding(&finding(Severity::Warn)) && room.take_finding(&finding(Severity::Fail)));
        assert!(!room.take_finding(&finding(Severity::Fail)));
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(text("é"), "é");
        let long = "é".repeat(LONGEST);
        assert!(text(&long).ends_with(&format!("é… and {LONGEST} more bytes")));
        assert_eq!(cut("aé", 2), "a… and 2 more bytes");
        assert_eq!(name(&"x".repeat(401)), format!("{}… and 1 more bytes", "x".repeat(400)));
    }
}
