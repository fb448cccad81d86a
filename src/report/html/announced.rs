//! Who announces the address: who says so, since when, who could and who cannot.

use maud::{Markup, html};

use super::drawing::shortened;
use crate::model::announcement::Source;
use crate::model::observed::AnnouncementSeen;
use crate::model::outcome::Outcome;
use crate::model::text::one_line;
use crate::report::text::told;

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    html! {
        section #announcement {
            h2 { "Announcement" }
            @match &outcome.observed.announcement { Some(seen) => (body(seen)) None => { p.quiet { "Nobody asked who announces." } } }
        }
    }
}

fn body(seen: &AnnouncementSeen) -> Markup {
    let named = |names: &[String]| if names.is_empty() { "nobody".to_owned() } else { one_line(&names.join(", ")) };
    html! {
        p { (one_line(&told::announced(seen))) "." @if !seen.because.is_empty() { " " (one_line(&seen.because)) } }
        dl {
            dt { "announces" } dd { (named(&seen.nodes)) }
            dt { "elected" } dd { (one_line(seen.expected.as_deref().unwrap_or("not known"))) }
            dt { "candidates" } dd { (named(&seen.candidates)) }
            @if let Some(since) = &seen.since { dt { "since" } dd { (one_line(since)) } }
            @for one in &seen.resolved { dt { "answers to " (one_line(&one.from)) } dd { (named(&one.macs)) } }
        }
        (timeline(seen))
        div.wide { table {
            thead { tr { @for title in ["source", "names", "by", "at", "before the run", "what it says"] { th { (title) } } } }
            tbody { @for source in &seen.sources {
                tr {
                    th scope="row" { (one_line(&source.kind)) @if !source.trusted { " (not believed alone)" } }
                    td { (one_line(source.node.as_deref().unwrap_or("nobody"))) }
                    td { (one_line(&source.protocol)) }
                    td.at { (one_line(source.at.as_deref().unwrap_or("–"))) }
                    td { (source.age_s.map_or_else(|| "–".to_owned(), age)) }
                    td { (one_line(&source.detail)) }
                }
            } }
        } }
        @if !seen.excluded.is_empty() {
            h3 { "Nodes that cannot announce it" }
            ul { @for one in &seen.excluded { li { strong { (one_line(&one.node)) } ": " (one_line(&one.reason)) } } }
        }
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Measures of the timeline.
const NAMES: usize = 190;
const WIDE: usize = 860;
const ROW: usize = 24;
const TOP: usize = 30;
/// Marks of the axis, seconds before the run.
const MARKS: [u64; 6] = [1, 10, 60, 3_600, 86_400, 2_592_000];

/// The sources that have an age, each at its time; the axis has the run at its right end and gets coarser to the left.
fn timeline(seen: &AnnouncementSeen) -> Markup {
    let mut dated: Vec<(&Source, u64)> = seen.sources.iter().filter_map(|source| Some((source, source.age_s?))).collect();
    dated.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
    let oldest = dated.iter().map(|(_, age)| *age).max().unwrap_or(0).max(10);
    let nodes: Vec<&str> = dated.iter().filter_map(|(source, _)| source.node.as_deref()).fold(Vec::new(), |mut all, node| {
        if !all.contains(&node) {
            all.push(node);
        }
        all
    });
    let tall = TOP + dated.len() * ROW + 8;
    html! {
        @if !dated.is_empty() {
            figure {
                figcaption { "What was said, and how long before the run" }
                div.wide { svg role="img" aria-label="The sources in time" width=(WIDE) height=(tall) viewBox={ "0 0 " (WIDE) " " (tall) } {
                    @for mark in MARKS.into_iter().filter(|mark| *mark <= oldest) {
                        line.life x1=(at(mark, oldest)) y1=(TOP - 6) x2=(at(mark, oldest)) y2=(tall - 4) {}
                        text.after x=(at(mark, oldest)) y="14" text-anchor="middle" { (age(mark)) }
                    }
                    line.now x1=(at(0, oldest)) y1=(TOP - 6) x2=(at(0, oldest)) y2=(tall - 4) {}
                    text.after x=(at(0, oldest)) y="14" text-anchor="middle" { "run" }
                    @for (row, (source, seconds)) in dated.iter().enumerate() {
                        (said(source, *seconds, at(*seconds, oldest), TOP + row * ROW + ROW / 2, &nodes))
                    }
                } }
            }
        }
    }
}

fn said(source: &Source, seconds: u64, x: usize, y: usize, nodes: &[&str]) -> Markup {
    let node = source.node.as_deref().unwrap_or("nobody");
    let colour = nodes.iter().position(|one| *one == node).map_or(7, |at| at % 6);
    html! {
        g {
            title { (one_line(&source.kind)) " names " (one_line(node)) ", " (age(seconds)) " before the run: " (one_line(&source.detail)) }
            text.spot x=(NAMES - 12) y=(y + 4) text-anchor="end" { (shortened(&format!("{} → {node}", source.kind), 25)) }
            circle class={ "node" (colour) } cx=(x) cy=(y) r="6" {}
        }
    }
}

/// Where an age stands: by its logarithm, so that seconds and months have room beside each other.
fn at(age: u64, oldest: u64) -> usize {
    // Ages of centuries have a place in common.
    let log = |age: u64| f64::from(u32::try_from(age).unwrap_or(u32::MAX)).ln_1p();
    let room = WIDE - NAMES - 40;
    let steps = (1000.0 * (1.0 - log(age) / log(oldest))).round();
    // Whole steps, so that every machine draws the same: a share is between 0 and 1.
    let left = (0..=1000_u16).find(|step| f64::from(*step) >= steps).map_or(room, |step| room * usize::from(step) / 1000);
    NAMES + left
}

#[cfg(test)]
mod tests {
    use super::{NAMES, at};

    #[test]
    fn the_oldest_stands_left_and_the_run_right() {
        assert_eq!(at(86_400, 86_400), NAMES);
        assert!(at(0, 86_400) > at(1, 86_400) && at(1, 86_400) > at(3_600, 86_400));
    }
}
