//! How the parts of the text name things: places, nodes, sources and times, and the column of their labels.

use super::super::page::Page;
use crate::model::announcement::{Agreement, Side};
use crate::model::capture::CaptureSeen;
use crate::model::observed::{AnnouncementSeen, Observed};
use crate::report::style::Style;

/// `announced by n2 (log, status agree)`
pub(in crate::report) fn announced(seen: &AnnouncementSeen) -> String {
    let by = |node: &String| {
        let sources =
            seen.sides.iter().find(|side| side.node == *node).map(|side| side.sources.iter().map(|kind| source(kind)).collect::<Vec<_>>());
        (node.clone(), sources.unwrap_or_default().join(", "))
    };
    let named: Vec<(String, String)> = seen.nodes.iter().map(by).collect();
    let told = |(node, sources): &(String, String)| if sources.is_empty() { node.clone() } else { format!("{node} ({sources})") };
    let nodes = named.iter().map(told).collect::<Vec<_>>().join(", ");
    // What was said of others before is history; what was said since contradicts.
    let newest = |node: &String| seen.sources.iter().filter(|one| one.node.as_ref() == Some(node)).filter_map(|one| one.at.as_ref()).max();
    let since = seen.nodes.iter().filter_map(newest).max();
    let others: Vec<&Side> =
        seen.sides.iter().filter(|side| !seen.nodes.contains(&side.node) && since.is_some() && newest(&side.node) > since).collect();
    match (seen.agreement, named.as_slice()) {
        (Agreement::Agree, [(node, sources)]) if !others.is_empty() => {
            let also = others
                .iter()
                .map(|side| format!("{} ({})", side.node, side.sources.iter().map(|kind| source(kind)).collect::<Vec<_>>().join(", ")));
            format!("announced by {node} ({sources}); also named: {}", also.collect::<Vec<_>>().join(", "))
        }
        (Agreement::Agree, [(node, sources)]) if sources.contains(',') => format!("announced by {node} ({sources} agree)"),
        (Agreement::None, _) => "announced by nobody".to_owned(),
        (_, []) => "who announces is not known".to_owned(),
        (Agreement::Conflict, _) => format!("sources name different announcers, the newest first: {}", sides(seen)),
        (Agreement::Unknown, _) => format!("announced by {nodes}, as far as could be read"),
        (Agreement::Agree | Agreement::Several, _) => format!("announced by {nodes}"),
    }
}

fn sides(seen: &AnnouncementSeen) -> String {
    let age = |side: &Side, kind: &str| {
        seen.sources.iter().filter(|one| one.kind == kind && one.node.as_ref() == Some(&side.node)).filter_map(|one| one.age_s).min()
    };
    let newest = |side: &&Side| side.sources.iter().filter_map(|kind| age(side, kind)).min().unwrap_or(u64::MAX);
    let told = |side: &Side| {
        let each = side.sources.iter().map(|kind| match age(side, kind) {
            Some(seconds) => format!("{} {}", source(kind), ago(seconds)),
            None => source(kind).to_owned(),
        });
        format!("{} ({})", side.node, each.collect::<Vec<_>>().join(", "))
    };
    let mut sides: Vec<&Side> = seen.sides.iter().collect();
    sides.sort_by_key(newest);
    sides.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

/// `40 s ago`, before the run began.
fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A source's kind for people.
fn source(kind: &str) -> &str {
    match kind {
        "l2status" | "bgpstatus" => "status",
        "wire" => "ARP",
        other => other,
    }
}

/// Whether every packet that passed a filter is here, by tcpdump's own count.
pub(in crate::report) fn captures(captures: &[CaptureSeen]) -> Option<String> {
    if captures.is_empty() {
        return None;
    }
    let complete = captures.iter().filter(|capture| capture.complete).count();
    let packets: u64 = captures.iter().fold(0, |all, capture| all.saturating_add(capture.counters.arrived));
    let all = if complete == captures.len() { "all".to_owned() } else { format!("{complete} of {}", captures.len()) };
    Some(format!("captures: {packets} packets in {}, {all} complete", captures.len()))
}

/// Seconds with one digit behind the point.
pub(in crate::report) fn tenths(milliseconds: u64) -> String {
    format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// A place's name without how it is reached.
pub(in crate::report) fn short(from: &str) -> &str {
    from.split_once(':').map_or(from, |(_, name)| name)
}

/// Names as a part of a sentence: `c1, c2 and 3 more`.
pub(super) fn listed(names: &[&str], most: usize) -> String {
    let (shown, rest) = names.split_at(names.len().min(most));
    match (rest.len(), shown.split_last()) {
        (0, Some((last, before))) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        (0, _) => shown.concat(),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Whether anything is known of the tries.
pub(super) fn is_asked(seen: &Observed) -> bool {
    seen.tries.iter().any(|tries| tries.tried > 0)
}

/// A part's label, in a column of its own.
pub(super) fn labelled(page: &mut Page, style: Style, label: &str, lines: &[String]) {
    let mut lead = style.bold(label);
    lead.extend(std::iter::repeat_n(' ', LABELS.saturating_sub(label.len() + 1)));
    let hang = if lines.len() > 1 { 2 } else { 0 };
    for line in lines {
        page.item_hanging(&lead, LABELS, 0, hang, line);
        lead = " ".repeat(LABELS - 1);
    }
}

/// Columns of the labels.
pub(super) const LABELS: usize = 7;
