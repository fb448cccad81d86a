//! What was found, each with its proof and the questions that it rests on, and what is ruled out or was not looked at.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::drawing::ticked;
use super::questions::Answers;
use crate::model::catalogue::entry;
use crate::model::considered::Considered;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Touch};
use crate::model::subject::Subject;
use crate::model::text::one_line;
use crate::report::text::told;

/// Questions that are shown of one finding.
const MOST_QUESTIONS: usize = 60;

/// Letters of a name that is looked for in questions: a shorter one stands in many.
const LEAST_NAME: usize = 3;

/// The same of a word in a proof, which need not be a name.
const LEAST_NAME_IN_TEXT: usize = 8;

/// The section.
pub(super) fn section(outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    html! {
        section #findings {
            h2 { "Findings" }
            @if !outcome.set_aside.is_empty() { ul.aside { @for one in &outcome.set_aside { li { "Set aside: " (one_line(&one.told())) } } } }
            @if outcome.findings.is_empty() { p.quiet { "Nothing was found." } }
            @for (index, finding) in outcome.findings.iter().enumerate() { (one(index, finding, outcome, answers)) }
        }
    }
}

fn one(index: usize, finding: &Finding, outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    let cause = finding.because.as_ref().map(|name| (name, outcome.findings.iter().position(|other| other.name == *name)));
    let meaning = entry(&finding.name).map(|entry| entry.meaning);
    html! {
        article.finding.(finding.severity.word()) id={ "finding-" (index + 1) } data-finding=(one_line(&finding.name)) data-severity=(finding.severity.word()) {
            h3 { span.word.(finding.severity.word()) { (finding.severity.word()) } " " (one_line(&finding.name)) }
            p.summary { (ticked(&finding.summary)) }
            @if let Some((name, at)) = cause {
                p { "Because of " @match at { Some(at) => { a href={ "#finding-" (at + 1) } { (one_line(name)) } } None => (one_line(name)) } }
            }
            @if let Some(scope) = &finding.scope { p { "Scope: " (one_line(scope)) } }
            p.culprits { "About " @for culprit in &finding.culprits { code { (one_line(&culprit.to_string())) } " " } }
            @if !finding.evidence.is_empty() { ul.evidence { @for line in &finding.evidence { li { (ticked(line)) } } } }
            @for remedy in outcome.remedies.iter().filter(|remedy| remedy.finding == finding.name) {
                p { "On " (one_line(&remedy.on)) ": " code { (one_line(&remedy.command)) } }
            }
            @if !finding.next.trim().is_empty() { p.next { "Next: " (ticked(&finding.next)) } }
            @if let Some(meaning) = meaning { details { summary { "What it means" } p { (one_line(meaning)) } } }
            (rests_on(finding, outcome, answers))
        }
    }
}

/// The rule that said it, and every question to or about what it blames, each with what came of it.
fn rests_on(finding: &Finding, outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    let rules: Vec<&Considered> = outcome.considered.iter().filter(|one| one.said.as_ref() == Some(&finding.name)).collect();
    let names = names(finding);
    let questions: Vec<&Touch> = outcome
        .touched
        .iter()
        .filter(|touch| {
            finding.culprits.iter().any(|culprit| is_about(touch, culprit)) || names.iter().any(|name| touch.what.contains(name))
        })
        .collect();
    html! {
        @if !rules.is_empty() || !questions.is_empty() {
            details {
                summary { "What it rests on" }
                @for rule in &rules {
                    p { "Rule: " (one_line(&rule.rule)) @if !rule.point.is_empty() { ", at " (one_line(&rule.point)) } ". It needs " (one_line(&rule.needs)) "." }
                }
                @if !questions.is_empty() {
                    p { "What was asked of what it blames, or about it; each line with an answer unfolds:" }
                    (answers.list(&questions[..questions.len().min(MOST_QUESTIONS)]))
                }
                @if questions.len() > MOST_QUESTIONS { p.quiet { "and " (questions.len() - MOST_QUESTIONS) " more, under The run" } }
            }
        }
    }
}

/// What the proof names as things are named by Kubernetes, such as a speaker's pod.
fn names(finding: &Finding) -> BTreeSet<&str> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let words = finding.evidence.iter().flat_map(|line| line.split(|c| !inner(c)));
    let named =
        |word: &&str| word.len() >= LEAST_NAME_IN_TEXT && word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.contains('-');
    words.filter(named).collect()
}

/// Whether a question went to what is blamed, or names it.
fn is_about(touch: &Touch, culprit: &Subject) -> bool {
    let host = match culprit {
        Subject::Client(name) => Some(name.as_str()),
        Subject::Network { from, to } => Some(if touch.host == *to { to.as_str() } else { from.as_str() }),
        other => other.on_node(),
    };
    let path = culprit.to_string();
    let name = path.rsplit('/').next().unwrap_or_default();
    host == Some(touch.host.as_str()) || (host.is_none() && name.len() >= LEAST_NAME && touch.what.contains(name))
}

/// What is ruled out, and what was not looked at.
pub(super) fn open(outcome: &Outcome) -> Markup {
    let ruled_out = told::ruled_out(outcome);
    html! {
        section #open {
            h2 { "What is open" }
            h3 { "Not the cause" }
            @if ruled_out.is_empty() { p.quiet { "Nothing is ruled out by what was seen." } } @else {
                ul { @for one in &ruled_out { li { (one_line(one)) } } }
            }
            h3 { "Not looked at" }
            @if outcome.gaps.is_empty() { p.quiet { "Everything was looked at." } }
            @for group in told::grouped(&outcome.gaps) {
                @let gap = group.gaps[0];
                article.gap data-gap=(one_line(&gap.name)) {
                    h4 { (one_line(&gap.name)) @if gap.decisive { " (the verdict rests on it)" } }
                    p { @for subject in group.subjects() { code { (subject) } " " } }
                    p { (one_line(&gap.reason)) }
                    @if !gap.undecided.trim().is_empty() { p { "Undecided: " (one_line(&gap.undecided)) } }
                    @if let Some(next) = &gap.next { p.next { "Next: " (ticked(next)) } }
                }
            }
        }
    }
}
