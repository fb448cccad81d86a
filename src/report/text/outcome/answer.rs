//! The answer, on one screen: verdict with cause and place, how each place was answered, why, what to do, and how sure it is.

use super::super::diagnostics::diagnostic;
use super::super::page::{Detail, Page};
use super::super::table;
use super::wording::{announced, captures, tenths};
use super::{CYAN, DIM, GREEN, RED, YELLOW, cause, path, places, proof};
use crate::model::catalogue::{entry, names};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::observed::{TargetSeen, Tries};
use crate::model::outcome::{Outcome, Verdict};
use crate::model::text::one_line;

/// Lines that an answer takes at most, as far as its sentences allow.
const SCREEN: usize = 32;

/// Lines of a path that is shown whole.
const WHOLE: usize = 200;

/// Writes it.
pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    headline(page, outcome);
    for one in &outcome.diagnostics {
        page.text.push('\n');
        page.text.push_str(&page.style.spelled(&diagnostic(one, page.style)));
    }
    for table in &outcome.tables {
        page.heading(&one_line(&table.title));
        for (index, line) in table::lines(table, page.style).iter().enumerate() {
            let line = if index == 0 { page.dressed(line, DIM) } else { line.clone() };
            page.line(2, &line);
        }
    }
    let quiet = outcome.verdict == Verdict::Pass && outcome.findings.iter().all(|finding| finding.severity == Severity::Info);
    // What was not asked of a Service that answers is a line; what could not be looked at is told as of one that does not.
    if quiet && outcome.gaps.iter().all(not_asked) {
        healthy(page, outcome);
    } else {
        broken(page, outcome);
    }
}

/// `FAIL web/shop 10.0.0.1:443 — n2 drops c2's packets: …`
fn headline(page: &mut Page, outcome: &Outcome) {
    let (word, colour) = match outcome.verdict {
        Verdict::Pass => ("PASS", GREEN),
        Verdict::Warn => ("WARN", YELLOW),
        Verdict::Fail => ("FAIL", RED),
        Verdict::Inconclusive => ("INCONCLUSIVE", CYAN),
    };
    let shown = page.dressed(word, colour);
    page.item(&shown, word.len() + 1, 0, &cause::headline(outcome));
    if let Some(ended) = outcome.ended.as_ref().filter(|ended| **ended != outcome.summary) {
        page.item("ended early:", 13, 0, ended);
    }
}

/// Whether a gap is about a part of the Service that nobody asked, as against something that could not be looked at.
fn not_asked(gap: &Gap) -> bool {
    let parts = [
        names::EVIDENCE_NOBODY_ASKED,
        names::EVIDENCE_ADDRESS_NOT_ASKED,
        names::EVIDENCE_PORT_NOT_ASKED,
        names::EVIDENCE_ENDPOINT_NOT_REACHED,
    ];
    !gap.decisive && parts.contains(&gap.name.as_str())
}

/// What a run says in which all is well.
fn healthy(page: &mut Page, outcome: &Outcome) {
    let seen = &outcome.observed;
    places::answered(page, &seen.tries);
    let mut facts: Vec<String> = Vec::new();
    facts.extend(seen.target.as_ref().map(reached));
    facts.extend(seen.announcement.as_ref().map(announced));
    if !facts.is_empty() {
        page.paragraph(2, &facts.join(" · "));
    }
    for certificate in certificates(&seen.tries) {
        page.paragraph(2, &certificate);
    }
    if let Some(captures) = captures(&outcome.captures) {
        page.paragraph(2, &captures);
    }
    if !outcome.gaps.is_empty() {
        let open: Vec<String> = outcome.gaps.iter().map(|gap| one_line(&gap.undecided)).collect();
        page.paragraph(2, &format!("not known: {}", open.join("; ")));
    }
    set_aside(page, 2, outcome);
    foot(page, outcome);
}

/// What a run says that found something, or could not look at something.
fn broken(page: &mut Page, outcome: &Outcome) {
    let seen = &outcome.observed;
    let style = page.style;
    let part = |write: &dyn Fn(&mut Page)| {
        let mut part = Page::new(style);
        write(&mut part);
        part.text
    };
    let table = part(&|page| places::table(page, &seen.tries));
    let proof = part(&|page| proof::write(page, outcome));
    let foot = part(&|page| {
        let facts: Vec<String> = seen.announcement.as_ref().map(announced).into_iter().chain(seen.target.as_ref().map(counted)).collect();
        if !facts.is_empty() {
            page.paragraph(0, &facts.join(" · "));
        }
        set_aside(page, 0, outcome);
        foot(page, outcome);
    });
    let lines = |text: &str| text.lines().count();
    // Each part stands behind an empty line.
    let taken = lines(&page.text) + [&table, &proof, &foot].iter().map(|part| lines(part) + usize::from(!part.is_empty())).sum::<usize>();
    // Who asks for more than the answer is shown the whole path.
    let left = if style.detail == Detail::Answer { SCREEN.saturating_sub(taken + 1) } else { WHOLE };
    let path = part(&|page| path::write(page, outcome, left));
    for part in [table, proof, path, foot].iter().filter(|part| !part.is_empty()) {
        page.text.push('\n');
        page.text.push_str(part);
    }
}

/// What is there and counts no more.
fn set_aside(page: &mut Page, indent: usize, outcome: &Outcome) {
    for one in &outcome.set_aside {
        page.paragraph(indent, &format!("set aside: {}", one.told()));
    }
}

/// Where they were not read, nothing is known of them: they are not none.
const UNREAD: &str = "the endpoints could not be read";

/// `2/2 endpoints ready`
fn endpoints(target: &TargetSeen) -> String {
    if !target.slices_read {
        return UNREAD.to_owned();
    }
    format!("{}/{} endpoints ready", target.ready(), target.endpoints.len())
}

/// `Kubernetes counts 2 of 2 endpoints as ready`: what it counts says nothing of whether they can be reached.
pub(in crate::report) fn counted(target: &TargetSeen) -> String {
    if !target.slices_read {
        return UNREAD.to_owned();
    }
    format!("Kubernetes counts {} of {} endpoints as ready", target.ready(), target.endpoints.len())
}

/// `endpoints reached: 2 of 2`
fn reached(target: &TargetSeen) -> String {
    let ready = target.ready();
    let reached = target.endpoints.iter().filter(|endpoint| endpoint.answered > 0).count();
    if reached == 0 { endpoints(target) } else { format!("{reached} of {ready} ready endpoints answered") }
}

/// Each certificate that was shown, once.
fn certificates(tries: &[Tries]) -> Vec<String> {
    let mut all = Vec::new();
    for shown in tries.iter().flat_map(|tries| &tries.certificates) {
        let until = i64::try_from(shown.valid_until).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let until = until.map_or_else(|| "?".to_owned(), |until| until.strftime("%Y-%m-%d").to_string());
        let told = format!("certificate {} until {until}", shown.subject);
        if !all.contains(&told) {
            all.push(told);
        }
    }
    match all.len() {
        0 | 1 => all,
        several => vec![format!("{} and {} more certificates", all[0], several - 1)],
    }
}

/// The run's times, what it leaves, and where more is told.
fn foot(page: &mut Page, outcome: &Outcome) {
    let mut parts = vec![times(outcome)];
    parts.push(left_behind(&outcome.cleanup));
    // A site's own name stands in no catalogue.
    let known = |finding: &&Finding| finding.severity != Severity::Info && entry(&finding.name).is_some();
    let explain = outcome.findings.first().filter(known);
    let explain = explain.map(|finding| format!(", lbdiag explain {}", one_line(&finding.name))).unwrap_or_default();
    let more = if page.style.detail == Detail::Answer { "-v" } else { "-vv" };
    parts.push(format!("more: {more}{explain}"));
    let text = parts.join(" · ");
    page.paragraph(if explain.is_empty() && outcome.verdict == Verdict::Pass { 2 } else { 0 }, &text);
}

pub(in crate::report) fn times(outcome: &Outcome) -> String {
    let stages = &outcome.observed.stages;
    let told: Vec<String> = stages.iter().map(|stage| format!("{} {}", stage.name.word(), tenths(stage.took_ms))).collect();
    let told = if told.len() > 1 { format!(" ({})", told.join(", ")) } else { String::new() };
    format!("{} s{told}", tenths(outcome.took_ms))
}

pub(in crate::report) fn left_behind(cleanup: &str) -> String {
    match cleanup {
        "proven" | "nothing was started on any host" => "nothing left behind".to_owned(),
        other => format!("cleanup: {other}"),
    }
}
