//! A path in time: a line for each place, a row for each spot, and the addresses there before and after translation.

use maud::{Markup, html};

use super::drawing::{LETTER, shortened};
use crate::model::connection::{Path, PathHop};
use crate::model::packet::Passage;
use crate::model::text::one_line;
use crate::report::text::told;

/// Measures of the drawing.
const TIMES: usize = 80;
const COLUMN: usize = 164;
const ROW: usize = 30;
const TOP: usize = 48;
/// Letters of a place's title.
const ROOM: usize = (COLUMN - 12) / LETTER;

/// The drawing of both directions.
pub(super) fn draw(path: &Path) -> Markup {
    let hops: Vec<&PathHop> = path.request.iter().chain(&path.answer).collect();
    let mut places: Vec<&str> = Vec::new();
    for hop in &hops {
        if !places.contains(&hop.place.as_str()) {
            places.push(&hop.place);
        }
    }
    let x = |place: &str| TIMES + places.iter().position(|one| *one == place).unwrap_or(0) * COLUMN + COLUMN / 2;
    let y = |row: usize| TOP + row * ROW + ROW / 2;
    let right = TIMES + places.len() * COLUMN;
    let longest = hops.iter().map(|hop| ends(hop).chars().count()).max().unwrap_or(0);
    let vanishes = !path.answered && path.answer.last().is_none_or(|last| last.place != told::short(&path.from));
    let rows = hops.len() + usize::from(vanishes);
    let (wide, tall) = (right + longest * LETTER + 16, TOP + rows * ROW + 8);
    html! {
        div.wide {
            svg.ladder role="img" aria-label={ "The packets of a try from " (one_line(told::short(&path.from))) ", in time" }
                width=(wide) height=(tall) viewBox={ "0 0 " (wide) " " (tall) } {
                @for place in &places {
                    g { title { (one_line(place)) }
                        text.name x=(x(place)) y="16" text-anchor="middle" { (shortened(place, ROOM)) }
                        line.life x1=(x(place)) y1="26" x2=(x(place)) y2=(tall - 4) {}
                    }
                }
                text.after x=(right + 8) y="16" { "source → destination" }
                // The lines lie under the names of the spots.
                @for (row, pair) in hops.windows(2).enumerate() {
                    line class=(if row + 1 < path.request.len() { "request" } else { "answer" })
                        x1=(x(&pair[0].place)) y1=(y(row)) x2=(x(&pair[1].place)) y2=(y(row + 1)) {}
                }
                @for (row, hop) in hops.iter().enumerate() { (spot(&hops, row, hop, path.request.len(), &x, &y, right)) }
                @if vanishes && let Some(last) = hops.last() {
                    text.cross x=(x(&last.place)) y=(y(hops.len()) + 6) text-anchor="middle" { "✗" }
                }
            }
        }
    }
}

/// One row: its time, its spot on the line of its place, the way there, and the addresses.
fn spot(
    hops: &[&PathHop],
    row: usize,
    hop: &PathHop,
    requests: usize,
    x: &dyn Fn(&str) -> usize,
    y: &dyn Fn(usize) -> usize,
    right: usize,
) -> Markup {
    let before = row.checked_sub(1).map(|row| hops[row]);
    let class = if row < requests { "request" } else { "answer" };
    // Between the request and its answer addresses change places: that is no translation.
    let same = before.is_some_and(|before| (&before.source, &before.destination) == (&hop.source, &hop.destination));
    let translated = row != 0 && row != requests && !same;
    let passage = match hop.passage {
        Passage::In => "in",
        Passage::Out => "out",
        Passage::Other => "seen",
    };
    let error = hop.error_us.map(|us| format!("± {us} µs")).unwrap_or_default();
    html! {
        g {
            title { (one_line(&hop.at)) " " (error) }
            text.after x=(TIMES - 8) y=(y(row) + 4) text-anchor="end" { (told::offset(hop)) }
            circle.(class) cx=(x(&hop.place)) cy=(y(row)) r="4" {}
            text.spot x=(x(&hop.place) + 9) y=(y(row) + 4) { (shortened(&format!("{} {passage}", hop.interface), 11)) }
            text.(if translated { "translated" } else { "ends" }) x=(right + 8) y=(y(row) + 4) { (ends(hop)) }
        }
    }
}

fn ends(hop: &PathHop) -> String {
    let tunnel = hop.tunnel.as_ref().map(|tunnel| format!(" in {tunnel}")).unwrap_or_default();
    one_line(&format!("{} → {}{tunnel}", hop.source, hop.destination))
}
