//! What was found, each with its proof and the questions that it rests on, and what is ruled out or was not looked at.

use maud::{Markup, html};

use super::drawing::ticked;
use super::questions::Answers;
use super::rests_on;
use crate::model::catalogue::entry;
use crate::model::finding::Finding;
use crate::model::outcome::Outcome;
use crate::model::text::one_line;
use crate::report::text::told;

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
            (rests_on::part(finding, outcome, answers))
        }
    }
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
