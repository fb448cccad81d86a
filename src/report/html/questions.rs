//! Questions to the world, each with what came of it and, one click away, what was answered word for word.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::model::outcome::{Outcome, Touch};
use crate::model::sections::{Section, sections};
use crate::model::text::{harmless, one_line};

/// The answers of a page. Each is written once, where it is first asked for, and so is each section of one; elsewhere a link leads to it.
pub(super) struct Answers<'a> {
    by_question: BTreeMap<(&'a str, &'a str, u64), Answer<'a>>,
    /// The ids that stand in the page.
    written: RefCell<BTreeSet<String>>,
}

struct Answer<'a> {
    /// Counts from 1.
    number: usize,
    text: &'a str,
    sections: Vec<Section<'a>>,
}

impl<'a> Answers<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        let answer = |(at, text): (usize, &'a str)| Answer { number: at + 1, text, sections: sections(text) };
        let numbered = outcome.answers.iter().enumerate();
        let by_question =
            numbered.map(|(at, one)| ((one.host.as_str(), one.what.as_str(), one.at_ms), answer((at, one.text.as_str())))).collect();
        Self { by_question, written: RefCell::default() }
    }

    fn answer<'s>(&'s self, touch: &'s Touch) -> Option<&'s Answer<'a>> {
        self.by_question.get(&(touch.host.as_str(), touch.what.as_str(), touch.at_ms))
    }

    /// Whether the question has an answer that can be shown.
    pub(super) fn has(&self, touch: &Touch) -> bool {
        self.answer(touch).is_some()
    }

    /// Whether its answer holds a section of that name.
    pub(super) fn has_section(&self, touch: &Touch, name: &str) -> bool {
        self.answer(touch).is_some_and(|answer| answer.sections.iter().any(|section| section.name == name))
    }

    /// The questions as a list.
    pub(super) fn list(&self, questions: &[&Touch]) -> Markup {
        html! { ul.questions { @for touch in questions { li { (self.one(touch)) } } } }
    }

    /// One question.
    pub(super) fn one(&self, touch: &Touch) -> Markup {
        let line = line(touch);
        let Some(answer) = self.answer(touch) else { return line };
        let id = format!("answer-{}", answer.number);
        if !self.written.borrow_mut().insert(id.clone()) {
            return html! { (line) " " a href={ "#" (id) } { "answer" } };
        }
        html! {
            details.answer id=(id) {
                summary { (line) }
                @if answer.sections.is_empty() { pre { (harmless(answer.text)) } }
                @for (at, section) in answer.sections.iter().enumerate() {
                    (self.part(&format!("{id}-{}", at + 1), &html! { code { (one_line(section.name)) } }, section))
                }
            }
        }
    }

    /// The sections of that name in the answer to a question, with when they were read.
    pub(super) fn sections(&self, touch: &Touch, name: &str) -> Markup {
        let Some(answer) = self.answer(touch) else { return html! {} };
        let title = html! { span.quiet { "+" (touch.at_ms) " ms" } " " strong { (one_line(&touch.host)) } " " code { (one_line(name)) } };
        let named = answer.sections.iter().enumerate().filter(|(_, section)| section.name == name);
        html! { @for (at, section) in named { (self.part(&format!("answer-{}-{}", answer.number, at + 1), &title, section)) } }
    }

    fn part(&self, id: &str, title: &Markup, section: &Section<'_>) -> Markup {
        if !self.written.borrow_mut().insert(id.to_owned()) {
            return html! { p { (title) " " a href={ "#" (id) } { "answer" } } };
        }
        let ended = match section.status {
            Some("0") => String::new(),
            Some("missing") => " (the tool is not there)".to_owned(),
            Some(status) => format!(" (status {})", one_line(status)),
            None => " (cut off)".to_owned(),
        };
        html! { details.answer id=(id) { summary { (title) (ended) } pre { (harmless(section.text)) } } }
    }
}

fn line(touch: &Touch) -> Markup {
    html! {
        span.quiet { "+" (touch.at_ms) " ms, " (touch.took_ms) " ms " } (one_line(&touch.kind)) " " strong { (one_line(&touch.host)) } " "
        code { (one_line(&touch.what)) } " " span.(if touch.result == "ok" { "pass" } else { "fail" }) { (one_line(&touch.result)) }
    }
}
