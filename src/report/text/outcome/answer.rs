//! The answer, on one screen: verdict with cause and place, how each place was answered, why, what to do, and how sure it is.

use super::super::diagnostics::diagnostic;
use super::super::page::{Detail, Page, Style};
use super::super::table;
use super::{CYAN, DIM, GREEN, RED, YELLOW, cause, path, places, proof};
use crate::model::announcement::Agreement;
use crate::model::capture::CaptureSeen;
use crate::model::finding::Severity;
use crate::model::observed::{AnnouncementSeen, Observed, TargetSeen, Tries};
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
    if quiet && outcome.gaps.is_empty() {
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
        let facts: Vec<String> = seen.announcement.as_ref().map(announced).into_iter().chain(seen.target.as_ref().map(endpoints)).collect();
        if !facts.is_empty() {
            page.paragraph(0, &facts.join(" · "));
        }
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

/// `announced by n2 (log, status agree)`
pub(super) fn announced(seen: &AnnouncementSeen) -> String {
    let by = |node: &String| {
        let sources =
            seen.sides.iter().find(|side| side.node == *node).map(|side| side.sources.iter().map(|kind| source(kind)).collect::<Vec<_>>());
        (node.clone(), sources.unwrap_or_default().join(", "))
    };
    let named: Vec<(String, String)> = seen.nodes.iter().map(by).collect();
    let told = |(node, sources): &(String, String)| if sources.is_empty() { node.clone() } else { format!("{node} ({sources})") };
    let nodes = named.iter().map(told).collect::<Vec<_>>().join(", ");
    match (seen.agreement, named.as_slice()) {
        (Agreement::Agree, [(node, sources)]) if sources.contains(',') => format!("announced by {node} ({sources} agree)"),
        (Agreement::None, _) => "announced by nobody".to_owned(),
        (_, []) => "who announces is not known".to_owned(),
        (Agreement::Conflict, _) => format!("sources name different announcers: {}", sides(seen)),
        (Agreement::Unknown, _) => format!("announced by {nodes}, as far as could be read"),
        (Agreement::Agree | Agreement::Several, _) => format!("announced by {nodes}"),
    }
}

fn sides(seen: &AnnouncementSeen) -> String {
    let told = |side: &crate::model::announcement::Side| {
        format!("{} ({})", side.node, side.sources.iter().map(|kind| source(kind)).collect::<Vec<_>>().join(", "))
    };
    seen.sides.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// A source's kind for people.
fn source(kind: &str) -> &str {
    match kind {
        "l2status" | "bgpstatus" => "status",
        "wire" => "ARP",
        other => other,
    }
}

/// `2/2 endpoints ready`
fn endpoints(target: &TargetSeen) -> String {
    format!("{}/{} endpoints ready", target.ready(), target.endpoints.len())
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

/// Whether every packet that passed a filter is here, by tcpdump's own count.
pub(super) fn captures(captures: &[CaptureSeen]) -> Option<String> {
    if captures.is_empty() {
        return None;
    }
    let complete = captures.iter().filter(|capture| capture.complete).count();
    let packets: u64 = captures.iter().fold(0, |all, capture| all.saturating_add(capture.counters.arrived));
    let all = if complete == captures.len() { "all".to_owned() } else { format!("{complete} of {}", captures.len()) };
    Some(format!("captures: {packets} packets in {}, {all} complete", captures.len()))
}

/// The run's times, what it leaves, and where more is told.
fn foot(page: &mut Page, outcome: &Outcome) {
    let mut parts = vec![times(outcome)];
    parts.push(left_behind(&outcome.cleanup));
    let explain = outcome.findings.first().filter(|finding| finding.severity != Severity::Info);
    let explain = explain.map(|finding| format!(", lbdiag explain {}", one_line(&finding.name))).unwrap_or_default();
    parts.push(format!("more: -v{explain}"));
    let text = parts.join(" · ");
    page.paragraph(if explain.is_empty() && outcome.verdict == Verdict::Pass { 2 } else { 0 }, &text);
}

fn times(outcome: &Outcome) -> String {
    let stages = &outcome.observed.stages;
    let told: Vec<String> = stages.iter().map(|stage| format!("{} {}", stage.name.word(), tenths(stage.took_ms))).collect();
    let told = if told.len() > 1 { format!(" ({})", told.join(", ")) } else { String::new() };
    format!("{} s{told}", tenths(outcome.took_ms))
}

fn left_behind(cleanup: &str) -> String {
    match cleanup {
        "proven" | "nothing was started on any host" => "nothing left behind".to_owned(),
        other => format!("cleanup: {other}"),
    }
}

/// Seconds with one digit behind the point.
pub(super) fn tenths(milliseconds: u64) -> String {
    format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// A place's name without how it is reached.
pub(super) fn short(from: &str) -> &str {
    from.split_once(':').map_or(from, |(_, name)| name)
}

/// Names as a part of a sentence: `c1, c2 and 3 more`.
pub(super) fn listed(names: &[&str], most: usize) -> String {
    let (shown, rest) = names.split_at(names.len().min(most));
    match (rest.len(), shown.split_last()) {
        (0, Some((last, before))) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether anything is known of the tries.
pub(super) fn is_asked(seen: &Observed) -> bool {
    seen.tries.iter().any(|tries| tries.tried > 0)
}

/// A part's label, in a column of its own.
pub(super) fn labelled(page: &mut Page, style: Style, label: &str, lines: &[String]) {
    let mut lead = style.bold(label);
    lead.extend(std::iter::repeat_n(' ', LABELS.saturating_sub(label.len() + 1)));
    for line in lines {
        page.item(&lead, LABELS, 0, line);
        lead = " ".repeat(LABELS - 1);
    }
}

/// Columns of the labels.
pub(super) const LABELS: usize = 7;
