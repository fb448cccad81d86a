//! What could not be looked at, each reason once: the same gap of ten hosts is one.

use crate::model::catalogue::names;
use crate::model::finding::Gap;
use crate::model::text::one_line;

use super::wording::listed;

/// Subjects that a line names.
const MOST_NAMES: usize = 3;

/// Gaps with one name and one reason.
pub(in crate::report) struct Group<'a> {
    pub(in crate::report) gaps: Vec<&'a Gap>,
    /// The reason, with what differs from subject to subject left out.
    reason: String,
    undecided: String,
}

/// What stands in a text for the subject's own name.
const ANY: &str = "…";

/// The gaps that are alike, in the order of their first.
pub(in crate::report) fn grouped(gaps: &[Gap]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for gap in gaps {
        let name = name(gap);
        let (reason, undecided) = (without(&gap.reason, &name), without(&gap.undecided, &name));
        let same = |group: &&mut Group<'_>| {
            group.gaps[0].name == gap.name
                && group.gaps[0].decisive == gap.decisive
                && group.reason == reason
                && group.undecided == undecided
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.gaps.push(gap),
            None => groups.push(Group { gaps: vec![gap], reason, undecided }),
        }
    }
    groups
}

/// The subjects of each kind of gap, for a list.
pub(super) fn named(gaps: &[Gap]) -> Vec<String> {
    let mut kinds: Vec<(&str, Vec<String>)> = Vec::new();
    for gap in gaps {
        let subject = one_line(&gap.subject.to_string());
        match kinds.iter_mut().find(|(name, _)| *name == gap.name) {
            Some((_, subjects)) if subjects.contains(&subject) => {}
            Some((_, subjects)) => subjects.push(subject),
            None => kinds.push((&gap.name, vec![subject])),
        }
    }
    let told = |(name, subjects): (&str, Vec<String>)| {
        let names = listed(&subjects.iter().map(String::as_str).collect::<Vec<_>>(), MOST_NAMES);
        format!("{names} ({})", plainly(name))
    };
    kinds.into_iter().map(told).collect()
}

/// Gaps in words that need no list; the others by the last part of their name.
const PLAIN: [(&str, &str); 6] = [
    (names::EVIDENCE_NO_VANTAGE, "no login there"),
    (names::EVIDENCE_NOT_RECORDED, "not in this recording"),
    (names::EVIDENCE_LOG_UNREADABLE, "its log could not be read"),
    (names::EVIDENCE_NODE_UNREACHABLE, "could not be reached"),
    (names::EVIDENCE_TOOL_MISSING, "a tool is missing there"),
    (names::EVIDENCE_UNREADABLE, "could not be read"),
];

fn plainly(name: &str) -> String {
    let known = PLAIN.iter().find(|(known, _)| *known == name).map(|(_, words)| (*words).to_owned());
    known.unwrap_or_else(|| one_line(name).trim_start_matches("evidence/").to_owned())
}

/// The subjects of gaps, each once, as one text or none.
pub(super) fn subjects(gaps: &[Gap]) -> Vec<String> {
    let mut all: Vec<String> = gaps.iter().map(|gap| one_line(&gap.subject.to_string())).collect();
    all.sort();
    all.dedup();
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    if names.is_empty() { Vec::new() } else { vec![listed(&names, MOST_NAMES)] }
}

/// The last part of a subject's path, by which texts name it.
fn name(gap: &Gap) -> String {
    let path = gap.subject.to_string();
    let name = path.strip_suffix("/speaker").unwrap_or(&path);
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// A text without a name, and without the numbers and addresses that differ from host to host.
fn without(text: &str, name: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let address = word.contains(|c: char| c.is_ascii_digit()) && word.chars().filter(|c| matches!(c, '.' | ':')).count() >= 3;
        if address || (!name.is_empty() && word.contains(name)) { ANY } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Group<'_> {
    /// The subjects, each once.
    pub(in crate::report) fn subjects(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for gap in &self.gaps {
            let subject = one_line(&gap.subject.to_string());
            if !all.contains(&subject) {
                all.push(subject);
            }
        }
        all
    }

    fn named(&self) -> String {
        let subjects = self.subjects();
        listed(&subjects.iter().map(String::as_str).collect::<Vec<_>>(), MOST_NAMES)
    }

    /// The same with the reason, for a line of its own.
    pub(super) fn line(&self) -> String {
        format!("{} ({}): {}", self.named(), one_line(&self.gaps[0].name), one_line(&self.gaps[0].reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::subject::Subject;

    #[test]
    fn one_reason_on_ten_hosts_is_one_line() {
        let gap = |host: &str, why: &str| {
            Gap::new("evidence/node-unreachable", Subject::node(host), why.to_owned(), format!("which packets pass {host}"))
        };
        let mut all: Vec<Gap> =
            (1..=10).map(|at| gap(&format!("n{at}"), &format!("connect to n{at}: the key of 10.0.0.{at}:22 is not known"))).collect();
        all.push(gap("n11", "connect to n11: no answer"));
        let groups = grouped(&all);
        assert_eq!(groups.iter().map(|group| group.gaps.len()).collect::<Vec<_>>(), [10, 1]);
        assert_eq!(named(&all), ["node/n1, node/n2, node/n3 and 8 more (could not be reached)"]);
        assert!(groups[1].line().starts_with("node/n11 (evidence/node-unreachable): connect to n11"));
    }
}
