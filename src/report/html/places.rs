//! How each place was answered, and where the port ends.

use maud::{Markup, html};

use crate::model::answers::{Spread, listed};
use crate::model::observed::{EndpointSeen, TargetSeen, Tries};
use crate::model::outcome::Outcome;
use crate::model::probe::Certificate;
use crate::model::text::one_line;

/// What stands for nothing.
const NONE: &str = "–";

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let seen = &outcome.observed;
    html! {
        section #places {
            h2 { "Places" }
            @if seen.tries.is_empty() { p.quiet { "The Service was asked from nowhere." } } @else { (tries(&seen.tries)) }
            @if let Some(target) = &seen.target { (endpoints(target)) }
        }
    }
}

fn tries(all: &[Tries]) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                @for title in ["from", "asked with", "answered", "repeated", "first failure", "failures", "HTTP", "connected, ms", "answered, ms", "notes"] {
                    th { (title) }
                }
            } }
            tbody { @for one in all { (row(one)) } }
        } }
        p.quiet { "Times are the least, the median and the most of the answered tries." }
    }
}

fn row(tries: &Tries) -> Markup {
    let class = match tries.answered {
        _ if tries.error.is_some() || tries.tried == 0 => "open",
        0 => "fail",
        answered if answered < tries.tried => "warn",
        _ => "pass",
    };
    let failures: Vec<String> = tries.errors.iter().map(|(ending, count)| format!("{} ({count})", ending.text())).collect();
    html! {
        tr data-place=(one_line(&tries.from)) data-answered=(tries.answered) data-tried=(tries.tried) {
            th scope="row" { (one_line(&tries.from)) }
            td { (tries.speech.word()) @if !tries.tool.is_empty() { ", " (one_line(&tries.tool)) } }
            td.count.(class) { (tries.answered) "/" (tries.tried) }
            td { @match tries.again { Some(again) => { (again.answered) "/" (again.tried) } None => (NONE) } }
            td { (tries.first_failure.map_or(NONE, |ending| ending.text())) }
            td { @if failures.is_empty() { (NONE) } @else { (failures.join(", ")) } }
            td { @if tries.statuses.is_empty() { (NONE) } @else { (listed(&tries.statuses)) } }
            td { (spread(tries.connect_ms)) }
            td { (spread(tries.total_ms)) }
            td { (notes(tries)) }
        }
    }
}

fn spread(spread: Option<Spread>) -> Markup {
    html! { @match spread { Some(Spread { least, median, most }) => { (least) " · " strong { (median) } " · " (most) } None => (NONE) } }
}

fn notes(tries: &Tries) -> Markup {
    html! {
        @if let Some(error) = &tries.error { div { (one_line(error)) } }
        @if tries.sent_again > 0 { div { (tries.sent_again) " answered only when the first packet was sent again" } }
        @if let Some(bytes) = tries.largest_answer { div { "answers of up to " (bytes) " bytes" } }
        @if !tries.sizes.is_empty() {
            @let sizes: Vec<String> = tries.sizes.iter().map(|(size, share)| format!("{} {}/{}", one_line(size), share.answered, share.tried)).collect();
            div { "by size: " (sizes.join(", ")) }
        }
        @for one in &tries.certificates { (certificate(one)) }
    }
}

fn certificate(shown: &Certificate) -> Markup {
    let day = |seconds: u64| {
        let at = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    html! {
        details {
            summary { "certificate " (one_line(&shown.subject)) }
            "by " (one_line(&shown.issuer)) ", from " (day(shown.valid_from)) " until " (day(shown.valid_until))
            @if !shown.names.is_empty() { ", for " (one_line(&shown.names.join(", "))) }
        }
    }
}

fn endpoints(target: &TargetSeen) -> Markup {
    let state = |one: &EndpointSeen| match (one.terminating, one.ready) {
        (true, _) => "terminating",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    html! {
        h3 { "Endpoints of target port " (one_line(&target.target_port)) }
        @if !target.slices_read { p.quiet { "The EndpointSlices could not be read: these are what the pods' specs give." } }
        @if target.endpoints.is_empty() { p.quiet { "There is none." } } @else {
            div.wide { table {
                thead { tr { @for title in ["pod", "address", "node", "state", "answered tries"] { th { (title) } } } }
                tbody { @for one in &target.endpoints {
                    tr {
                        th scope="row" { (one_line(one.pod.as_deref().unwrap_or(NONE))) }
                        td { (one.address) @if let Some(port) = one.port { " port " (port) } }
                        td { (one_line(one.node.as_deref().unwrap_or(NONE))) }
                        td.(if one.ready { "pass" } else { "fail" }) { (state(one)) }
                        td { (one.answered) }
                    }
                } }
            } }
        }
    }
}
