//! What a finding rests on: the rule that said it, and each answer that its proof looked at, one click away.

use maud::{Markup, html};

use super::questions::Answers;
use crate::model::asked_by::asks_for;
use crate::model::basis::{Basis, BasisKind};
use crate::model::considered::Considered;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Touch};
use crate::model::text::one_line;

/// The part of a finding's article. What a playbook says by itself has neither rule nor basis, and gets none.
pub(super) fn part(finding: &Finding, outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    let rules: Vec<&Considered> = outcome.considered.iter().filter(|one| one.said.as_ref() == Some(&finding.name)).collect();
    html! {
        @if !rules.is_empty() || !finding.rests_on.is_empty() {
            details.basis {
                summary { "What it rests on" }
                @for rule in &rules {
                    p { "Rule: " (one_line(&rule.rule)) @if !rule.point.is_empty() { ", at " (one_line(&rule.point)) } ". It needs " (one_line(&rule.needs)) "." }
                }
                @if !finding.rests_on.is_empty() {
                    p { "What its proof looked at; each line with an answer unfolds:" }
                    ul.questions {
                        @for basis in &finding.rests_on { li data-basis=(one_line(&basis.to_string())) { (one(basis, outcome, answers)) } }
                    }
                }
            }
        }
    }
}

fn one(basis: &Basis, outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    let named = html! { strong { (one_line(&basis.to_string())) } };
    let questions = questions(basis, outcome, answers);
    let shown = |touch: &Touch| {
        if basis.kind == BasisKind::State && answers.has(touch) { answers.sections(touch, &basis.part) } else { answers.one(touch) }
    };
    html! {
        (named)
        @if questions.is_empty() { span.quiet { " (its question is not among those of this report)" } }
        @for touch in questions { div { (shown(touch)) } }
    }
}

/// The questions that asked for it, in order. Of a state that was read several times, the last one, and the one before where both were compared.
fn questions<'a>(basis: &Basis, outcome: &'a Outcome, answers: &Answers<'_>) -> Vec<&'a Touch> {
    let mut all: Vec<&Touch> = outcome.touched.iter().filter(|touch| asks_for(touch, basis)).collect();
    if all.iter().any(|touch| touch.result == "ok") {
        all.retain(|touch| touch.result == "ok");
    }
    if basis.kind != BasisKind::State {
        return all;
    }
    if all.iter().any(|touch| answers.has_section(touch, &basis.part)) {
        all.retain(|touch| answers.has_section(touch, &basis.part));
    }
    // What the kernel was asked besides, once packets had been seen, stands beside the reading that it belongs to.
    let whole = |touch: &Touch| touch.what.starts_with("inspect ");
    let readings: Vec<u64> = all.iter().filter(|touch| whole(touch)).map(|touch| touch.at_ms).collect();
    let first = readings.iter().rev().nth(usize::from(basis.compared)).or(readings.first());
    all.retain(|touch| first.is_none_or(|first| touch.at_ms >= *first));
    all
}
