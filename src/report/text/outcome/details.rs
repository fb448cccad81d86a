//! What the answer rests on: every finding with its whole proof, every gap, every step with its facts, and what was touched.

use std::collections::BTreeMap;

use super::super::layout::columns;
use super::super::page::{BOLD, Detail, Page};
use super::wording::{captures, tenths};
use super::{CYAN, DIM, GREEN, RED, YELLOW, gaps};
use crate::model::answers::{Spread, listed};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::Tries;
use crate::model::outcome::{Attachment, Outcome, Ran, Step, StepState, Touch};
use crate::model::text::one_line;

/// Consequences of consequences that are indented further than what they follow from.
const DEEPEST: usize = 8;

/// Writes it.
pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    page.findings(&outcome.findings);
    page.gaps(&outcome.gaps);
    page.tries(&outcome.observed.tries);
    page.steps(&outcome.steps);
    page.attachments(&outcome.attachments);
    page.foot(outcome);
}

impl Page {
    fn findings(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        self.heading("Findings");
        let mut consequences: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, finding) in findings.iter().enumerate() {
            if let Some(because) = &finding.because {
                consequences.entry(because).or_default().push(index);
            }
        }
        let mut shown = vec![false; findings.len()];
        let roots = (0..findings.len()).filter(|index| findings[*index].because.is_none());
        // A consequence whose cause is not among the findings is still shown, where a person looks for causes.
        for index in roots.chain(0..findings.len()) {
            let mut open = vec![(index, 0)];
            while let Some((index, depth)) = open.pop() {
                if std::mem::replace(&mut shown[index], true) {
                    continue;
                }
                self.finding(&findings[index], depth);
                // Taken out: the next finding of that name would find all of them shown.
                let next = consequences.remove(findings[index].name.as_str()).unwrap_or_default();
                open.extend(next.into_iter().rev().map(|consequence| (consequence, depth + 1)));
            }
        }
    }

    /// The names of what the playbook keeps with the report: what they hold is for programs.
    fn attachments(&mut self, all: &[Attachment]) {
        if all.is_empty() {
            return;
        }
        self.heading("Attached");
        for one in all {
            self.paragraph(2, &format!("{}: {} bytes in the JSON report", one_line(&one.name), one.data.to_string().len()));
        }
    }

    fn finding(&mut self, finding: &Finding, depth: usize) {
        // A chain of causes is a few findings long; a longer one must not push its text off the page.
        let indent = 2 + 4 * depth.min(DEEPEST);
        let (word, colour) = match finding.severity {
            Severity::Fail => ("fail", RED),
            Severity::Warn => ("warn", YELLOW),
            Severity::Info => ("info", CYAN),
        };
        let subject = finding.culprits.first().map_or_else(String::new, |culprit| one_line(&culprit.to_string()));
        let name = self.dressed(&one_line(&finding.name), BOLD);
        let severity = self.dressed(word, colour);
        let lead = if depth == 0 { "" } else { "so: " };
        self.line(indent, &format!("{lead}{severity}  {name}  {subject}"));
        let inner = indent + 4;
        self.paragraph(inner, &finding.summary);
        if finding.culprits.len() > 1 {
            let others: Vec<String> = finding.culprits.iter().skip(1).map(ToString::to_string).collect();
            self.item("also:", 6, inner, &others.join(", "));
        }
        if let Some(scope) = &finding.scope {
            self.item("scope:", 7, inner, scope);
        }
        for evidence in &finding.evidence {
            self.item("-", 2, inner, evidence);
        }
        if !finding.rests_on.is_empty() && self.style.detail >= Detail::Questions {
            let rests_on: Vec<String> = finding.rests_on.iter().map(ToString::to_string).collect();
            self.item("rests on:", 10, inner, &rests_on.join(", "));
        }
        if !finding.next.trim().is_empty() {
            let next = self.dressed("next:", BOLD);
            self.item(&next, 6, inner, &finding.next);
        }
    }

    fn gaps(&mut self, all: &[Gap]) {
        if all.is_empty() {
            return;
        }
        self.heading("Not looked at");
        for group in gaps::grouped(all) {
            let gap = group.gaps[0];
            let name = self.dressed(&one_line(&gap.name), BOLD);
            let weight = if gap.decisive { "  (the verdict rests on it)" } else { "" };
            self.item(&name, columns(&one_line(&gap.name)) + 1, 2, &format!("{}{weight}", group.subjects().join(", ")));
            self.paragraph(6, &gap.reason);
            if !gap.undecided.trim().is_empty() {
                self.item("undecided:", 11, 6, &gap.undecided);
            }
            if let Some(next) = &gap.next {
                self.item("next:", 6, 6, next);
            }
        }
    }

    fn tries(&mut self, tries: &[Tries]) {
        if tries.is_empty() {
            return;
        }
        self.heading("Tries");
        for one in tries {
            let mut line = format!("{}: {} of {} tries answered", one.from, one.answered, one.tried);
            if let Some(again) = one.again {
                line = format!("{line}, {} of {} when they were repeated", again.answered, again.tried);
            }
            let errors: Vec<String> = one.errors.iter().map(|(ending, count)| format!("{count} {}", ending.text())).collect();
            if !errors.is_empty() {
                line = format!("{line}; {}", errors.join(", "));
            }
            if !one.statuses.is_empty() {
                line = format!("{line}; HTTP {}", listed(&one.statuses));
            }
            for (what, spread) in [("connected", one.connect_ms), ("answered", one.total_ms)] {
                if let Some(Spread { least, median, most }) = spread {
                    line = format!("{line}; {what} in {least} to {most} ms (median {median})");
                }
            }
            self.paragraph(2, &line);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.heading("Steps");
        for step in steps {
            let (mark, colour) = match step.state {
                StepState::Done => ("done", GREEN),
                StepState::Failed => ("failed", RED),
                StepState::Skipped => ("skipped", DIM),
            };
            let mark = self.dressed(mark, colour);
            let took = self.dressed(&format!("{} s", tenths(step.took_ms)), DIM);
            self.line(2, &format!("{}  {mark}  {took}", one_line(&step.title)));
            for fact in &step.facts {
                // A fact may bring several lines, such as a table of endpoints; each keeps its own.
                for line in fact.lines() {
                    self.paragraph(6, line);
                }
            }
        }
    }

    fn foot(&mut self, outcome: &Outcome) {
        self.text.push('\n');
        self.item("touched:", 9, 0, &touches(&outcome.touched));
        if let Some(told) = captures(&outcome.captures) {
            self.paragraph(0, &format!("{told}: captured = received by filter = arrived here, none dropped"));
        }
        if !outcome.clocks.is_empty() {
            let clocks: Vec<String> = outcome.clocks.iter().map(ToString::to_string).collect();
            self.item("clocks:", 8, 0, &format!("{} against this machine", clocks.join(", ")));
        }
        self.item("cleanup:", 9, 0, &outcome.cleanup);
        let run = format!(
            "{} {} with lbdiag {}, began {}, took {} s",
            outcome.playbook,
            outcome.playbook_version,
            outcome.lbdiag,
            outcome.started,
            tenths(outcome.took_ms)
        );
        self.item("run:", 5, 0, &run);
        for one in &outcome.ran {
            self.item("ran:", 5, 0, &ran(one));
        }
    }
}

/// `playbook metallb-flow.rhai 1.0.0, shipped, sha256 0123456789abcdef…`
pub(in crate::report) fn ran(one: &Ran) -> String {
    ran_with(one, &format!("{}…", one.sha256.get(..16).unwrap_or_default()))
}

/// The same with the whole hash, as a site's `allow` takes it.
pub(in crate::report) fn ran_whole(one: &Ran) -> String {
    ran_with(one, &one.sha256)
}

fn ran_with(one: &Ran, sha256: &str) -> String {
    let version = if one.version.is_empty() { String::new() } else { format!(" {}", one.version) };
    let from = match (one.shipped, one.in_place_of_shipped) {
        (true, _) => ", shipped",
        (_, true) => ", in place of the shipped one of that name",
        _ => "",
    };
    let at = if one.at.is_empty() { String::new() } else { format!(", {}", one.at) };
    format!("{} {}{version}{from}{at}, sha256 {sha256}", one.kind, one.path)
}

/// `12 API requests, 9 commands, 4 captures and 2 probes on 5 hosts`
fn touches(touched: &[Touch]) -> String {
    if touched.is_empty() {
        return "nothing".to_owned();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for touch in touched {
        *counts.entry(touch.kind.as_str()).or_default() += 1;
    }
    let mut parts = Vec::new();
    for (kind, one, many) in [
        ("api", "API request", "API requests"),
        ("command", "command", "commands"),
        ("capture", "capture", "captures"),
        ("probe", "probe", "probes"),
    ] {
        if let Some(count) = counts.remove(kind) {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    }
    parts.extend(counts.into_iter().map(|(kind, count)| format!("{count} {kind}")));
    let hosts: std::collections::BTreeSet<&str> =
        touched.iter().filter(|touch| touch.kind != "api").map(|touch| touch.host.as_str()).collect();
    let wheres = if hosts.is_empty() { String::new() } else { format!(" on {}", hosts.into_iter().collect::<Vec<_>>().join(" ")) };
    format!("{}{wheres}", parts.join(", "))
}
