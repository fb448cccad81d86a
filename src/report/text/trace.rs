//! What following capture files gave, connection by connection as each is done with.

use std::fmt::Write;

use jiff::Timestamp;

use super::layout::{columns, padded};
use super::page::Style;
use crate::model::text::one_line;
use crate::model::trace::{MissingPacket, TraceEnd, TraceHop, TraceSummary, Traced, shown};

/// Records that go back in time by less are in order as far as anybody's clock is.
const TOLD_BACK: i64 = 100_000_000;

/// One connection: its hops in order, and what is to be said of it.
#[must_use]
pub(super) fn connection(traced: &Traced, _first: bool, style: Style) -> String {
    let mut text = String::new();
    let end = match traced.end {
        TraceEnd::Closed => ", closed",
        TraceEnd::Reset => ", reset",
        TraceEnd::Open => ", open",
        TraceEnd::Datagrams => "",
    };
    let repeated = if traced.retransmitted > 0 { format!(", {} repeated", traced.retransmitted) } else { String::new() };
    let title = style.bold(&format!("Connection {}", traced.number));
    let lasted = milliseconds(traced.last.saturating_sub(traced.began));
    line(&mut text, &format!("{title}  {}, {}, {lasted} ms{end}{repeated}", one_line(&traced.protocol), moment(traced.began)));
    for (name, hops) in [("request", &traced.request), ("answer", &traced.answer)] {
        if hops.is_empty() {
            line(&mut text, &format!("  {name}: nothing was seen"));
        } else {
            line(&mut text, &format!("  {name}"));
        }
        let places: Vec<String> = hops.iter().map(place).collect();
        let width = places.iter().map(|place| columns(place)).max().unwrap_or(0);
        let ends: Vec<String> = hops.iter().map(|hop| format!("{} → {}", shown(hop.source), shown(hop.destination))).collect();
        let ends_width = ends.iter().map(|ends| columns(ends)).max().unwrap_or(0);
        for ((hop, place), ends) in hops.iter().zip(&places).zip(&ends) {
            let after = if hop.packets == 0 { Some("not seen".to_owned()) } else { None };
            let after = after
                .or_else(|| hop.after_ns.map(|(mean, _, _)| format!("{} ms", signed(mean))))
                .unwrap_or_else(|| "at some time".to_owned());
            line(&mut text, &format!("    {after:>12}  {}  {}  {}", padded(place, width), padded(ends, ends_width), counts(hop)));
        }
    }
    for missing in &traced.missing {
        line(&mut text, &format!("  {}", missed(missing, traced.began)));
    }
    let untold = traced.request.iter().chain(&traced.answer).map(|hop| hop.missing + hop.not_captured).sum::<u64>();
    if untold > traced.missing.len() as u64 {
        line(&mut text, &format!("  … and {} more", untold - traced.missing.len() as u64));
    }
    for error in &traced.errors {
        let (from, at) = (error.from, milliseconds(error.at.saturating_sub(traced.began)));
        line(&mut text, &format!("  ICMP error {}/{} from {from} at {}, +{at} ms", error.kind, error.code, one_line(&error.point)));
    }
    if let Some(last) = &traced.last_seen {
        let way = if last.answer { "answer" } else { "request" };
        line(
            &mut text,
            &format!(
                "  last seen: {} ({way}) at {}, {} → {}, +{} ms",
                last.what,
                at_point(&last.point, last.interface),
                shown(last.source),
                shown(last.destination),
                milliseconds(last.at.saturating_sub(traced.began))
            ),
        );
    }
    for note in &traced.noted {
        line(&mut text, &format!("  beside it: {}", one_line(note)));
    }
    for reason in &traced.not_joined {
        line(&mut text, &format!("  not joined: {}", one_line(reason)));
    }
    text.push('\n');
    style.spelled(&text)
}

/// The end of the report: the points, and how much of each was joined.
#[must_use]
pub(super) fn summary(summary: &TraceSummary) -> String {
    let mut text = String::new();
    for point in &summary.points {
        let name = one_line(&point.name);
        line(
            &mut text,
            &format!("{name}: {} packets, {} followed, {} of them seen elsewhere too", point.packets, point.followed, point.joined),
        );
        if let (Some(first), Some(last)) = (point.first, point.last) {
            line(&mut text, &format!("  from {} for {} ms", moment(first), milliseconds(last.saturating_sub(first))));
        }
        if point.clock_ahead_ns != 0 {
            let first = summary.points.first().map_or_else(String::new, |first| one_line(&first.name));
            let apart = signed(point.clock_ahead_ns);
            let said = if point.clock_one_way {
                format!(
                    "  its times are {apart} ms ahead of those of {first}, by packets of one direction alone: how much of that is its clock and how much the road cannot be told; times above are corrected by it"
                )
            } else {
                format!("  its clock is {apart} ms ahead of that of {first}, as its packets show; times above are corrected by it")
            };
            line(&mut text, &said);
        }
        if let Some(left_out) = point.left_out() {
            line(&mut text, &format!("  {}", one_line(&left_out)));
        }
        if let Some(kept) = point.options_cut_at {
            let frames = counted(point.options_cut, "TCP frame ends", "TCP frames end");
            line(&mut text, &format!("  {frames} within the options, cut at {kept} bytes: options were not compared"));
        }
        if point.untimed > 0 {
            let frames = match point.untimed {
                1 => "1 frame has no time in the file: it stands".to_owned(),
                count => format!("{count} frames have no time in the file: they stand"),
            };
            line(&mut text, &format!("  {frames} at that of the frame before, and no latency is taken of it"));
        }
        if point.went_back_ns >= TOLD_BACK {
            let back = milliseconds(point.went_back_ns);
            let unsorted = match point.unsorted {
                0 => "they were put in order".to_owned(),
                count => format!("{} too far behind to be put in order", counted(count, "stands", "stand")),
            };
            line(&mut text, &format!("  its records go back in time, by up to {back} ms: {unsorted}"));
        }
        if point.packets == 0 {
            line(&mut text, "  nothing was captured there, so that nothing is known of that place");
        }
        if let Some(incomplete) = &point.incomplete {
            line(&mut text, &format!("  incomplete: {}", one_line(incomplete)));
        }
    }
    let seen = if summary.points.iter().any(|point| !point.not_read.is_empty()) {
        "none of them is called seen everywhere, because frames were not read".to_owned()
    } else {
        format!("{} of them seen everywhere and with every packet that was watched for", summary.whole)
    };
    line(&mut text, &format!("{} connections, {seen}", summary.connections));
    if summary.let_go_early > 0 {
        line(
            &mut text,
            &format!(
                "{} packets were let go before their time, because too many waited at once: what is missing of them may be there all the same",
                summary.let_go_early
            ),
        );
    }
    text
}

fn place(hop: &TraceHop) -> String {
    let mut text = at_point(&hop.point, hop.interface);
    let vlan = hop.vlan.map(|vlan| format!("vlan {vlan}"));
    for word in [hop.passage.map(str::to_owned), vlan, hop.tunnel.clone()].into_iter().flatten() {
        text.push(' ');
        text.push_str(&one_line(&word));
    }
    text
}

fn at_point(point: &str, interface: Option<u32>) -> String {
    interface.map_or_else(|| one_line(point), |interface| format!("{} if{interface}", one_line(point)))
}

fn at_place(point: &str, interface: Option<u32>, within: Option<&String>) -> String {
    within.map_or_else(|| at_point(point, interface), |within| format!("{} {}", at_point(point, interface), one_line(within)))
}

fn counts(hop: &TraceHop) -> String {
    let mut text = format!("{} packets, {} bytes", hop.packets, hop.bytes);
    if let Some((_, least, most)) = hop.after_ns
        && least != most
    {
        let _ = write!(text, ", {} to {} ms", signed(least), signed(most));
    }
    for (count, what) in [(hop.missing, "missing"), (hop.not_captured, "not captured, though seen behind it"), (hop.again, "seen twice")] {
        if count > 0 {
            let _ = write!(text, "; {count} {what}");
        }
    }
    text
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn missed(missing: &MissingPacket, began: i64) -> String {
    let way = if missing.answer { "answer" } else { "request" };
    let numbers = match (missing.sequence, missing.length) {
        (0, length) => format!(" of {length} bytes"),
        (sequence, 0) => format!(" with sequence {sequence}"),
        (sequence, length) => format!(" of {length} bytes with sequence {sequence}"),
    };
    let part = missing.part.map_or_else(String::new, |(from, to)| format!(", its bytes {from} to {to}"));
    let last = match missing.frame {
        0 => ", nowhere whole".to_owned(),
        frame => {
            format!(", last at {} in packet {frame}", at_place(&missing.last_at, missing.last_interface, missing.last_within.as_ref()))
        }
    };
    format!(
        "{} at {}: {} ({way}){numbers}{part}, +{} ms{last}",
        if missing.seen_later { "not captured" } else { "missing" },
        at_place(&missing.point, missing.interface, missing.within.as_ref()),
        missing.what,
        milliseconds(missing.at.saturating_sub(began)),
    )
}

fn moment(at: i64) -> String {
    Timestamp::from_nanosecond(i128::from(at)).map_or_else(|_| at.to_string(), |at| format!("{at:.6}"))
}

fn signed(nanoseconds: i64) -> String {
    format!("{}{}", if nanoseconds < 0 { "-" } else { "+" }, milliseconds(nanoseconds))
}

/// Milliseconds without a sign, to the microsecond.
fn milliseconds(nanoseconds: i64) -> String {
    let micro = nanoseconds.unsigned_abs() / 1000;
    format!("{}.{:03}", micro / 1000, micro % 1000)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string has no way to fail.
    let _ = writeln!(text, "{}", line.trim_end());
}
