//! Why, what to do about it, how to see whether it helped, and how sure the answer is.

use super::super::page::Page;
use super::cause::{decisive, is_open_at, sentence};
use super::gaps;
use super::wording::{is_asked, labelled, listed, short};
use crate::model::announcement::Agreement;
use crate::model::catalogue::{self, names};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::outcome::{Outcome, Verdict};
use crate::model::subject::Subject;
use crate::model::text::one_line;

/// Lines of each part at most, before what is left out is only counted.
const MOST_PROOF: usize = 6;
const MOST_ADVICE: usize = 5;
const MOST_REASONS: usize = 2;
const MOST_ALSO: usize = 3;

/// Writes it.
pub(super) fn write(page: &mut Page, outcome: &Outcome) {
    let style = page.style;
    let finding = decisive(outcome);
    let why = match finding {
        Some(finding) => reasons(page, finding, outcome),
        None => undecided(outcome),
    };
    labelled(page, style, "Why", &why);
    // What hurts nobody yet says when it will.
    let scope = finding.and_then(|finding| finding.scope.clone()).filter(|_| outcome.observed.failing().next().is_none());
    labelled(page, style, "Scope", &scope.into_iter().collect::<Vec<_>>());
    labelled(page, style, "Also", &others(outcome, finding));
    labelled(page, style, "Do", &advice(page, finding, outcome));
    if !outcome.again.is_empty() && is_asked(&outcome.observed) {
        labelled(page, style, "Check", &check(outcome));
    }
    if outcome.observed.service.is_some() && outcome.verdict != Verdict::Pass {
        labelled(page, style, "Sure?", &[certainty(outcome)]);
    } else if !outcome.gaps.is_empty() {
        labelled(page, style, "Open", &gaps::grouped(&outcome.gaps).iter().map(gaps::Group::line).collect::<Vec<_>>());
    }
}

/// The evidence that decides, as far as there is room, and which endpoint the failing tries share.
fn reasons(page: &Page, finding: &Finding, outcome: &Outcome) -> Vec<String> {
    let mut all: Vec<String> = shared_endpoint(outcome).into_iter().collect();
    all.splice(0..0, finding.evidence.iter().cloned());
    fitting(page, all, MOST_PROOF, "-v tells")
}

/// As many of the texts as fit, and how many did not.
fn fitting(page: &Page, all: Vec<String>, most: usize, rest: &str) -> Vec<String> {
    let width = page.style.width.saturating_sub(super::wording::LABELS).max(20);
    let (mut taken, mut lines, count) = (Vec::new(), 0, all.len());
    for text in all {
        lines += super::super::layout::wrap(&page.style.spelled(&text), width).len();
        if lines > most && !taken.is_empty() {
            let left = count - taken.len();
            taken.push(format!("… and {left} more ({rest})"));
            break;
        }
        taken.push(text);
    }
    taken
}

/// Where several endpoints are ready and every failing try that was followed to one belongs to the same.
fn shared_endpoint(outcome: &Outcome) -> Option<String> {
    let seen = &outcome.observed;
    let failing = || seen.paths.iter().filter(|path| !path.path.answered);
    let pods: std::collections::BTreeSet<&str> = failing().filter_map(|path| path.path.pod.as_deref()).collect();
    let followed: usize = failing().filter(|path| path.path.pod.is_some()).map(|path| path.tries).sum();
    let (pod, several) = (pods.first()?, seen.target.as_ref()?.ready() > 1);
    let all: usize = failing().map(|path| path.tries).sum();
    (several && pods.len() == 1 && all == followed).then(|| format!("every failing try belongs to {pod}"))
}

/// The other findings that are nobody's consequence, a line each.
fn others(outcome: &Outcome, told: Option<&Finding>) -> Vec<String> {
    let name = told.map(|finding| (&finding.name, &finding.summary));
    let counts = |finding: &&Finding| {
        let own = Some((&finding.name, &finding.summary)) == name;
        !own && finding.because.is_none() && (finding.severity != Severity::Info || outcome.observed.service.is_none())
    };
    let all: Vec<&Finding> = outcome.findings.iter().filter(counts).collect();
    let mut lines: Vec<String> = all.iter().take(MOST_ALSO).map(|finding| line(finding, outcome)).collect();
    if all.len() > MOST_ALSO {
        lines.push(format!("… and {} more findings (-v tells)", all.len() - MOST_ALSO));
    }
    lines.extend(told.into_iter().flat_map(|_| open_places(outcome)).map(|(name, gap)| format!("open {name}: {}", one_line(&gap.reason))));
    lines
}

/// The places that fail and of which it is not known why, beside a cause that is another's.
fn open_places(outcome: &Outcome) -> impl Iterator<Item = (&str, &Gap)> {
    let failing = outcome.observed.failing().map(|tries| short(&tries.from));
    failing.filter_map(|name| Some((name, outcome.gaps.iter().find(|gap| is_open_at(gap, name))?))).take(MOST_ALSO)
}

fn line(finding: &Finding, outcome: &Outcome) -> String {
    let severity = match finding.severity {
        Severity::Fail => "fail",
        Severity::Warn => "warn",
        Severity::Info => "info",
    };
    format!("{severity} {}: {}", finding.name, sentence(finding, outcome))
}

/// Why nothing is decided, each reason once: several gaps may have the same.
fn undecided(outcome: &Outcome) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for reason in outcome.gaps.iter().filter(|gap| gap.decisive).map(|gap| one_line(&gap.reason)) {
        if told.len() < MOST_REASONS && !told.contains(&reason) {
            told.push(reason);
        }
    }
    told
}

/// The command where there is one, and the advice.
fn advice(page: &Page, finding: Option<&Finding>, outcome: &Outcome) -> Vec<String> {
    let Some(finding) = finding else {
        let open = outcome.gaps.iter().find(|gap| gap.decisive);
        let usual = |gap: &Gap| catalogue::entry(&gap.name).map(|entry| entry.next.to_owned());
        let next = open.and_then(|gap| gap.next.clone().or_else(|| usual(gap)));
        return next.into_iter().flat_map(|next| fitting(page, sentences(&next), MOST_ADVICE, "lbdiag explain tells")).collect();
    };
    let mends = outcome.remedies.iter().filter(|remedy| remedy.finding == finding.name);
    let commands = mends.map(|remedy| format!("on {}: {}", remedy.on, remedy.command)).take(1);
    let next = fitting(page, sentences(&finding.next), MOST_ADVICE, "-v tells");
    let own = commands.chain(std::iter::once(next.join(" ")).filter(|next| !next.is_empty()));
    let open = open_places(outcome).find_map(|(name, gap)| {
        let first = sentences(gap.next.as_ref()?).into_iter().next()?;
        Some(if first.contains(name) { first } else { format!("{name}: {first}") })
    });
    own.chain(beside(outcome, finding)).chain(open).collect()
}

/// The first sentence of another finding's advice, which nobody would look for behind the first one's.
fn beside(outcome: &Outcome, told: &Finding) -> Option<String> {
    let another = |finding: &&Finding| finding.because.is_none() && finding.severity != Severity::Info && finding.name != told.name;
    let other = outcome.findings.iter().find(another)?;
    let next = sentences(&other.next).into_iter().next()?;
    Some(format!("{}: {next}", one_line(&other.name)))
}

/// The command that asks again, and what it lacks to decide where nobody could look at the client.
fn check(outcome: &Outcome) -> Vec<String> {
    let unseen = outcome.gaps.iter().filter(|gap| gap.decisive && gap.name == names::EVIDENCE_NO_VANTAGE);
    let client = unseen.filter(|_| outcome.verdict == Verdict::Inconclusive).find_map(|gap| match gap.subject.as_ref() {
        Subject::Client(name) => Some(format!("it decides only with a login there: --from ssh:{name}")),
        _ => None,
    });
    std::iter::once(outcome.again.clone()).chain(client).collect()
}

/// The sentences of an advice.
fn sentences(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in one_line(text).split_inclusive(". ") {
        all.push(part.trim().to_owned());
    }
    all
}

/// What is ruled out by what was seen, and what was not looked at.
fn certainty(outcome: &Outcome) -> String {
    let ruled_out = ruled_out(outcome);
    let ruled_out = if ruled_out.is_empty() { String::new() } else { format!("Not the cause: {} · ", ruled_out.join(", ")) };
    // What was looked at and tells nothing is another thing than what was not looked at.
    let (undecided, unseen): (Vec<Gap>, Vec<Gap>) = outcome.gaps.iter().cloned().partition(|gap| gap.name == names::EVIDENCE_UNDECIDED);
    let open: Vec<String> = [("Not looked at", gaps::named(&unseen)), ("Looked at and not decided", gaps::subjects(&undecided))]
        .into_iter()
        .filter(|(_, named)| !named.is_empty())
        .map(|(title, named)| format!("{title}: {}", named.join("; ")))
        .collect();
    let beyond = super::cause::decisive(outcome).and_then(|finding| beyond_reach(finding.culprits.first()?));
    let open = match (open.is_empty(), ruled_out.is_empty(), beyond) {
        (true, _, Some(beyond)) => format!("Not looked at, for want of a login: {beyond}"),
        (true, true, None) => "Everything was looked at".to_owned(),
        (true, false, None) => "everything was looked at".to_owned(),
        (false, ..) => open.join(" · "),
    };
    format!("{ruled_out}{open}")
}

/// What a finding blames and nobody can log in to: it is known by what came of it alone.
fn beyond_reach(culprit: &Subject) -> Option<String> {
    match culprit {
        Subject::Network { from, to } => Some(format!("what lies between {from} and {to}")),
        Subject::Router(name) => Some(format!("router {name}")),
        Subject::Mac(name) => Some(format!("the host of {name}")),
        _ => None,
    }
}

/// How many pods a place's answered tries were followed to.
fn pods_of(outcome: &Outcome, from: &str) -> usize {
    let own = outcome.observed.paths.iter().map(|seen| &seen.path).filter(|path| path.answered && short(&path.from) == from);
    own.filter_map(|path| path.pod.as_deref()).collect::<std::collections::BTreeSet<_>>().len()
}

/// What answered tries and sources that agree leave out. Nothing that a finding blames is among it.
pub(in crate::report) fn ruled_out(outcome: &Outcome) -> Vec<String> {
    let seen = &outcome.observed;
    let blamed = |area: &str| outcome.findings.iter().any(|finding| finding.severity != Severity::Info && finding.name.starts_with(area));
    let mut all = Vec::new();
    let good: Vec<&str> =
        seen.tries.iter().filter(|tries| tries.tried > 0 && tries.answered == tries.tried).map(|tries| short(&tries.from)).collect();
    if let Some(announcement) = &seen.announcement
        && announcement.agreement == Agreement::Agree
        && !announcement.nodes.is_empty()
        && !blamed("announce/")
        && !blamed("wire/")
        && !blamed("bgp/")
    {
        all.push(format!(
            "the announcement (every source names {})",
            listed(&announcement.nodes.iter().map(String::as_str).collect::<Vec<_>>(), 3)
        ));
    }
    if let Some(target) = &seen.target
        && !good.is_empty()
        && !["pod/", "app/", "endpoints/"].iter().any(|area| blamed(area))
    {
        let (ready, reached) = (target.ready(), target.endpoints.iter().filter(|endpoint| endpoint.ready && endpoint.answered > 0).count());
        if ready > 0 && ready == reached {
            // A place is named where its own tries were followed to every one of them.
            let alone = seen.tries.iter().filter(|tries| tries.answered > 0).count() == 1;
            let by_all: Vec<&str> = good.into_iter().filter(|from| alone || pods_of(outcome, from) >= ready).collect();
            let whom = if by_all.is_empty() { String::new() } else { format!(" {}", listed(&by_all, 3)) };
            all.push(format!("the endpoints (all {ready} answered{whom})"));
        }
    }
    all
}
