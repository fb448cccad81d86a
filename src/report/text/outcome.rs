//! The text report: what a person reads at night. The verdict first, then the root cause with its proof, then the rest.

use std::collections::BTreeMap;

use super::diagnostics::diagnostic;
use super::page::{BOLD, Page, Style};
use crate::model::answers::{Answers, Spread, listed};
use crate::model::capture::CaptureSeen;
use crate::model::diagnostic::Diagnostic;
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::outcome::{Outcome, Step, StepState, Table, Touch, Verdict};
use crate::model::text::one_line;

/// The whole report, with a line end.
#[must_use]
pub fn text(outcome: &Outcome, style: Style) -> String {
    let mut page = Page::new(style);
    page.verdict(outcome);
    page.diagnostics(&outcome.diagnostics);
    page.tables(&outcome.tables);
    page.findings(&outcome.findings);
    page.gaps(&outcome.gaps);
    page.answers(&outcome.answers);
    page.steps(&outcome.steps);
    page.foot(outcome);
    page.text
}

/// Consequences of consequences that are indented further than what they follow from.
const DEEPEST: usize = 8;

const RED: &str = "1;31";
const GREEN: &str = "1;32";
const YELLOW: &str = "1;33";
const CYAN: &str = "1;36";
const DIM: &str = "2";

impl Page {
    fn verdict(&mut self, outcome: &Outcome) {
        let (word, colour) = match outcome.verdict {
            Verdict::Pass => ("PASS", GREEN),
            Verdict::Warn => ("WARN", YELLOW),
            Verdict::Fail => ("FAIL", RED),
            Verdict::Inconclusive => ("INCONCLUSIVE", CYAN),
        };
        let word = self.dressed(word, colour);
        self.item(&word, outcome.verdict.word().len() + 1, 0, &outcome.summary);
        if let Some(ended) = outcome.ended.as_ref().filter(|ended| **ended != outcome.summary) {
            self.item("ended early:", 13, 0, ended);
        }
    }

    fn diagnostics(&mut self, all: &[Diagnostic]) {
        for one in all {
            self.text.push('\n');
            self.text.push_str(&diagnostic(one, self.style));
        }
    }

    fn tables(&mut self, tables: &[Table]) {
        for table in tables {
            self.heading(&one_line(&table.title));
            for (index, line) in super::table::lines(table).iter().enumerate() {
                let line = if index == 0 { self.dressed(line, DIM) } else { line.clone() };
                self.line(2, &line);
            }
        }
    }

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
        if !finding.next.trim().is_empty() {
            let next = self.dressed("next:", BOLD);
            self.item(&next, 6, inner, &finding.next);
        }
    }

    fn gaps(&mut self, gaps: &[Gap]) {
        if gaps.is_empty() {
            return;
        }
        self.heading("Not looked at");
        for gap in gaps {
            let name = self.dressed(&one_line(&gap.name), BOLD);
            let weight = if gap.decisive { "  (the verdict rests on it)" } else { "" };
            self.line(2, &format!("{name}  {}{weight}", one_line(&gap.subject.to_string())));
            self.paragraph(6, &gap.reason);
            if !gap.undecided.trim().is_empty() {
                self.item("undecided:", 11, 6, &gap.undecided);
            }
        }
    }

    fn answers(&mut self, answers: &[Answers]) {
        if answers.is_empty() {
            return;
        }
        self.heading("Answers");
        for one in answers {
            let mut line = format!("{}: {} of {} tries answered", one.from, one.answered, one.tried);
            if !one.statuses.is_empty() {
                line = format!("{line}, HTTP {}", listed(&one.statuses));
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
            let took = self.dressed(&seconds(step.took_ms), DIM);
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
        if !outcome.captures.is_empty() {
            self.item("captures:", 10, 0, &captures(&outcome.captures));
        }
        if !outcome.clocks.is_empty() {
            let clocks: Vec<String> = outcome.clocks.iter().map(ToString::to_string).collect();
            self.item("clocks:", 8, 0, &format!("{} against this machine", clocks.join(", ")));
        }
        self.item("cleanup:", 9, 0, &outcome.cleanup);
        let run = format!(
            "{} {} with lbdiag {}, began {}, took {}",
            outcome.playbook,
            outcome.playbook_version,
            outcome.lbdiag,
            outcome.started,
            seconds(outcome.took_ms)
        );
        self.item("run:", 5, 0, &run);
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
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

/// Whether every packet that passed a filter is here, by tcpdump's own count.
fn captures(captures: &[CaptureSeen]) -> String {
    let complete = captures.iter().filter(|capture| capture.complete).count();
    let packets: u64 = captures.iter().fold(0, |all, capture| all.saturating_add(capture.counters.arrived));
    let all = if complete == captures.len() { "all".to_owned() } else { format!("{complete} of {}", captures.len()) };
    format!("{packets} packets in {}; {all} complete: captured = received by filter = arrived here, none dropped", captures.len())
}

#[cfg(test)]
pub(in crate::report) mod tests;
