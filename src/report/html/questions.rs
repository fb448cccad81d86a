//! Questions to the world, each with what came of it and, one click away, what was answered word for word.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::model::outcome::{Outcome, Touch};
use crate::model::text::{harmless, one_line};

/// The answers of a page. Each is written once, where it is first asked for; elsewhere a link leads to it.
pub(super) struct Answers<'a> {
    by_question: BTreeMap<(&'a str, &'a str, u64), (usize, &'a str)>,
    written: RefCell<BTreeSet<usize>>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let numbered = outcome.answers.iter().enumerate();
        let by_question =
            numbered.map(|(at, one)| ((one.host.as_str(), one.what.as_str(), one.at_ms), (at + 1, one.text.as_str()))).collect();
        Self { by_question, written: RefCell::default() }
    }

    /// The questions as a list.
    pub(super) fn list(&self, questions: &[&Touch]) -> Markup {
        html! { ul.questions { @for touch in questions { li { (self.one(touch)) } } } }
    }

    fn one(&self, touch: &Touch) -> Markup {
        let line = html! {
            span.quiet { "+" (touch.at_ms) " ms, " (touch.took_ms) " ms " } (one_line(&touch.kind)) " " strong { (one_line(&touch.host)) } " "
            code { (one_line(&touch.what)) } " " span.(if touch.result == "ok" { "pass" } else { "fail" }) { (one_line(&touch.result)) }
        };
        let Some((number, text)) = self.by_question.get(&(touch.host.as_str(), touch.what.as_str(), touch.at_ms)) else { return line };
        if self.written.borrow_mut().insert(*number) {
            html! { details.answer id={ "answer-" (number) } { summary { (line) } pre { (harmless(text)) } } }
        } else {
            html! { (line) " " a href={ "#answer-" (number) } { "answer" } }
        }
    }
}
