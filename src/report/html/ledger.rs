//! How the run went: its time, its steps with their facts, what was captured and read, and every question with what came of it.

use maud::{Markup, html};

use super::questions::Answers;
use crate::model::observed::{Stage, StageName};
use crate::model::outcome::{Outcome, Step, StepState, Touch};
use crate::model::text::one_line;
use crate::report::text::told;

/// The section.
pub(super) fn section(outcome: &Outcome, answers: &Answers<'_>) -> Markup {
    let all: Vec<&Touch> = outcome.touched.iter().collect();
    html! {
        section #run {
            h2 { "The run" }
            (stages(&outcome.observed.stages, outcome.took_ms))
            @if !outcome.steps.is_empty() { h3 { "Steps" } @for step in &outcome.steps { (one_step(step)) } }
            (captures(outcome))
            (states(outcome))
            @if outcome.params.values().any(|value| !value.is_null()) {
                h3 { "Parameters" }
                dl { @for (name, value) in outcome.params.iter().filter(|(_, value)| !value.is_null()) { dt { (one_line(name)) } dd { (one_line(&value.to_string())) } } }
            }
            @if !all.is_empty() { details { summary { "Every question, " (all.len()) " in all" } (answers.list(&all)) } }
            @if !outcome.considered.is_empty() {
                details {
                    summary { "Rules that were tried, " (outcome.considered.len()) " in all" }
                    ul { @for one in &outcome.considered {
                        li {
                            (one_line(&one.rule)) @if !one.point.is_empty() { " (" (one_line(&one.point)) ")" } ": "
                            @match &one.said { Some(name) => { "said " (one_line(name)) } None => "not proven" } "; needs " (one_line(&one.needs))
                        }
                    } }
                }
            }
            footer {
                p { (one_line(&outcome.playbook)) " " (one_line(&outcome.playbook_version)) " with lbdiag " (one_line(&outcome.lbdiag)) ". Cleanup: " (one_line(&outcome.cleanup)) "." }
                ul { @for one in &outcome.ran { li { (one_line(&told::ran(one))) } } }
            }
        }
    }
}

/// Measures of the bar of stages.
const WIDE: u64 = 860;
const TALL: u64 = 22;

fn stages(all: &[Stage], took_ms: u64) -> Markup {
    let x = |ms: u64| ms.saturating_mul(WIDE) / took_ms.max(1);
    let class = |name: StageName| match name {
        StageName::Read => "node0",
        StageName::Connect => "node1",
        StageName::Ask => "node2",
        StageName::Look => "node3",
        StageName::Clean => "node4",
    };
    html! {
        @if !all.is_empty() {
            figure {
                figcaption { @for stage in all { span.stage { span.key.(class(stage.name)) { "■" } " " (stage.name.word()) " " (told::tenths(stage.took_ms)) " s" } " " } }
                div.wide { svg role="img" aria-label="The stages of the run" width=(WIDE) height=(TALL) viewBox={ "0 0 " (WIDE) " " (TALL) } {
                    @for stage in all {
                        rect.(class(stage.name)) x=(x(stage.started_ms)) y="2" width=(x(stage.took_ms).max(1)) height=(TALL - 4) {
                            title { (stage.name.word()) " " (stage.took_ms) " ms" }
                        }
                    }
                } }
            }
        }
    }
}

fn one_step(step: &Step) -> Markup {
    let (word, class) = match step.state {
        StepState::Done => ("done", "pass"),
        StepState::Failed => ("failed", "fail"),
        StepState::Skipped => ("skipped", "open"),
    };
    html! {
        details.step open[step.state == StepState::Failed] {
            summary { (one_line(&step.title)) " " span.(class) { (word) } " " (told::tenths(step.took_ms)) " s" }
            ul { @for fact in &step.facts { li { @if fact.trim_end().contains('\n') { pre { (lines(fact)) } } @else { (one_line(fact)) } } } }
        }
    }
}

/// A fact may bring several lines, such as a table; each keeps its own.
fn lines(fact: &str) -> String {
    fact.lines().map(one_line).collect::<Vec<_>>().join("\n")
}

fn captures(outcome: &Outcome) -> Markup {
    let number = |count: Option<u64>| count.map_or_else(|| "–".to_owned(), |count| count.to_string());
    html! {
        @if !outcome.captures.is_empty() {
            details {
                summary { (told::captures(&outcome.captures).unwrap_or_default()) }
                div.wide { table {
                    thead { tr { @for title in ["place", "interface", "filter", "captured", "received by filter", "dropped", "arrived", "end"] { th { (title) } } } }
                    tbody { @for one in &outcome.captures {
                        tr {
                            th scope="row" { (one_line(&one.place)) }
                            td { (one_line(&one.interface)) }
                            td { code { (one_line(&one.filter)) } }
                            td { (number(one.counters.captured)) }
                            td { (number(one.counters.received_by_filter)) }
                            td { (number(one.counters.dropped_by_kernel)) }
                            td.(if one.complete { "pass" } else { "warn" }) { (one.counters.arrived) }
                            td { (one_line(&one.end)) }
                        }
                    } }
                } }
            }
        }
        @if !outcome.clocks.is_empty() {
            p { "Clocks against this machine: " (outcome.clocks.iter().map(|one| one_line(&one.to_string())).collect::<Vec<_>>().join(", ")) }
        }
    }
}

fn states(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.observed.states.is_empty() {
            details {
                summary { "Network state that was read, of " (outcome.observed.states.len()) " places" }
                @for state in &outcome.observed.states {
                    p { strong { (one_line(&state.place)) } ": " (one_line(&state.read.join(", "))) }
                    @if !state.missing.is_empty() {
                        ul { @for (section, why) in &state.missing { li { (one_line(section)) " could not be read: " (one_line(why)) } } }
                    }
                }
            }
        }
    }
}
