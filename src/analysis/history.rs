//! How often an announcement moved: the words of all speakers, put in one order.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use super::timestamps::second;
use crate::model::announcement::{History, LogState, SpeakerLog};

/// The time in which moves are counted, seconds.
const WINDOW: i64 = 600;

/// Moves that are older, in seconds, are shown and not counted.
pub const LATELY: i64 = 1_800;

/// Moves within so many seconds of the first of them are one: while speakers learn of each other, the address may pass over a node.
const ONE_CHANGE: i64 = 1;

/// What has rested for so many seconds, and for twice as long as it ever rested between its moves, has come to rest.
const REST: i64 = 60;

/// A speaker's start explains moves that come so many seconds before it (its forerunner was gone) and after it (it takes its addresses back).
const BEFORE_A_START: i64 = 30;
const AFTER_A_START: i64 = 60;

/// Starts that lie so close together, in seconds, are one: the cluster and the log do not name the same moment of it.
const SAME_START: i64 = 5;

/// Moves that are shown.
const SHOWN: usize = 20;

/// What the cluster says of how a speaker's container was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    pub pod: String,
    /// The newest start, RFC 3339.
    pub newest: Option<String>,
    /// How often it was started again.
    pub restarts: u32,
}

/// The history of one address. `logs` may hold several logs of one speaker, those before its restarts among them; `now` is RFC 3339.
#[must_use]
pub fn history(address: IpAddr, logs: &[&SpeakerLog], starts: &[Starts], now: &str) -> History {
    let known: Vec<i64> = starts.iter().flat_map(|one| seen(one, logs)).chain(logs.iter().filter_map(|log| started(log))).collect();
    // In a crash loop most starts are in nobody's words any more, and any of them may be why the address moved.
    let blind_until = starts.iter().filter_map(|one| blind_until(one, logs)).max();
    // A clock that was set back within a log puts its moves into an order in which they did not happen.
    let out_of_order = |log: &&SpeakerLog| {
        let moves = log.address(address).map(|words| words.moves.as_slice()).unwrap_or_default();
        let times: Vec<Timestamp> = moves.iter().filter_map(|step| step.at.as_deref()?.parse().ok()).collect();
        !times.is_sorted()
    };
    let ordered = !logs.iter().any(out_of_order);
    let mut steps: Vec<Step> = logs
        .iter()
        .filter(|_| ordered)
        .filter_map(|log| Some((log, log.address(address)?)))
        .flat_map(|(log, words)| words.moves.iter().map(move |step| (log, step)))
        // Over BGP many nodes announce, and one more of them is no move.
        .filter(|(_, step)| step.protocol == "layer2")
        .filter_map(|(log, step)| {
            let at = step.at.as_deref()?;
            Some(Step { time: at.parse().ok()?, at, gained: step.gained, node: &log.node })
        })
        .collect();
    // Of one moment's words the gain comes first: a node that hands over is no longer the newest holder when it lets go.
    steps.sort_by(|a, b| (a.time, !a.gained, a.node).cmp(&(b.time, !b.gained, b.node)));
    let mut moves = Vec::new();
    let mut counted: Vec<i64> = Vec::new();
    for Move { at, time, from, to, beside } in walk(&steps) {
        let moved = time.as_second();
        let explained = known.iter().any(|start| (start - BEFORE_A_START..=start + AFTER_A_START).contains(&moved));
        let why = if explained { ", after a speaker's restart" } else { "" };
        // One that died said nothing any more: only a log that still says so tells that it goes on.
        let goes_on = beside && logs.iter().rfind(|log| log.node == from).is_some_and(|log| announces(log, address));
        moves.push(if goes_on {
            format!("{at}: {to} announces it, too, while {from} goes on{why}")
        } else {
            format!("{at}: from {from} to {to}{why}")
        });
        let old = second(now).is_some_and(|now| now - moved > LATELY);
        if !explained && !old && blind_until.is_none_or(|until| moved >= until) {
            counted.push(moved);
        }
    }
    let dropped = moves.len().saturating_sub(SHOWN);
    let counted = settled(&counted);
    let rests = second(now).is_some_and(|now| rests(densest(&counted), now));
    let changes = u32::try_from(densest(&counted).len()).unwrap_or(u32::MAX);
    History { since: since(address, logs), changes, rests, moves: moves.split_off(dropped) }
}

/// The address came to a node, or left it.
struct Step<'a> {
    time: Timestamp,
    at: &'a str,
    gained: bool,
    node: &'a str,
}

/// Another node became the newest that holds the address.
struct Move<'a> {
    at: &'a str,
    time: Timestamp,
    from: &'a str,
    to: &'a str,
    /// The one that had it says nowhere that it let go.
    beside: bool,
}

/// Whether the log's last word is that it announces the address.
fn announces(log: &SpeakerLog, address: IpAddr) -> bool {
    let words = log.address(address).into_iter().flat_map(|words| &words.protocols);
    words.filter(|word| word.protocol == "layer2").any(|word| word.state == LogState::Announced)
}

/// The moves that the steps make. Several nodes may hold the address at a time, so that a second one's coming is a move and its going
/// another.
fn walk<'a>(steps: &[Step<'a>]) -> Vec<Move<'a>> {
    let mut moves = Vec::new();
    // Those that hold it, the newest last, and who held it last.
    let mut holders: Vec<&str> = Vec::new();
    let mut last: Option<&str> = None;
    for (index, step) in steps.iter().enumerate() {
        // A speaker that died said nothing, so that a node may take what it already has.
        holders.retain(|node| *node != step.node);
        if step.gained {
            holders.push(step.node);
        }
        let Some(now) = holders.last().copied() else { continue };
        if let Some(from) = last.replace(now).filter(|from| *from != now) {
            let beside = step.gained && holders.contains(&from) && !steps[index..].iter().any(|later| later.node == from && !later.gained);
            moves.push(Move { at: step.at, time: step.time, from, to: now, beside });
        }
    }
    moves
}

fn started(log: &SpeakerLog) -> Option<i64> {
    log.started_at.as_deref().and_then(second)
}

/// The starts of one speaker of which anything tells, the oldest first.
fn seen(starts: &Starts, logs: &[&SpeakerLog]) -> Vec<i64> {
    let told = logs.iter().filter(|log| log.pod == starts.pod).filter_map(|log| started(log));
    let mut seen: Vec<i64> = told.chain(starts.newest.as_deref().and_then(second)).collect();
    seen.sort_unstable();
    seen.dedup_by(|later, earlier| *later - *earlier <= SAME_START);
    seen
}

/// Until when the speaker was started again without a trace of when.
fn blind_until(starts: &Starts, logs: &[&SpeakerLog]) -> Option<i64> {
    let seen = seen(starts, logs);
    let unseen = u64::from(starts.restarts) + 1 > u64::try_from(seen.len()).unwrap_or(u64::MAX);
    seen.first().copied().filter(|_| unseen)
}

/// When the newest announcement that still holds began.
fn since(address: IpAddr, logs: &[&SpeakerLog]) -> Option<String> {
    let words = logs.iter().filter_map(|log| log.address(address)).flat_map(|words| &words.protocols);
    let held: BTreeSet<&String> = words.filter(|word| word.state == LogState::Announced).filter_map(|word| word.since.as_ref()).collect();
    held.into_iter().next_back().cloned()
}

/// The first time of each change.
fn settled(times: &[i64]) -> Vec<i64> {
    let mut first: Vec<i64> = Vec::new();
    for time in times {
        if first.last().is_none_or(|last| time - last > ONE_CHANGE) {
            first.push(*time);
        }
    }
    first
}

/// The most times that lie within one window, and of as many the newest.
fn densest(times: &[i64]) -> &[i64] {
    let mut end = 0;
    let mut densest: &[i64] = &[];
    for (index, begin) in times.iter().enumerate() {
        while times.get(end).is_some_and(|time| time - begin <= WINDOW) {
            end += 1;
        }
        let window = times.get(index..end).unwrap_or_default();
        if window.len() >= densest.len() {
            densest = window;
        }
    }
    densest
}

/// Whether what changed at these times has come to rest since the last of them.
fn rests(times: &[i64], now: i64) -> bool {
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    times.last().is_none_or(|last| now - last > REST.max(2 * longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::announcement::{AddressLog, Move};

    /// A speaker's log; `-` before a time is a loss.
    fn log(node: &str, steps: &[&str]) -> SpeakerLog {
        let moves = steps.iter().map(|step| Move {
            at: Some(format!("2026-11-24T10:{}Z", step.trim_start_matches('-'))),
            gained: !step.starts_with('-'),
            protocol: "layer2".to_owned(),
            reason: String::new(),
        });
        SpeakerLog {
            pod: format!("speaker-{node}"),
            node: node.to_owned(),
            addresses: vec![AddressLog { moves: moves.collect(), ..AddressLog::silent("10.88.64.100".parse().unwrap()) }],
            ..SpeakerLog::default()
        }
    }

    fn at(logs: &[SpeakerLog], starts: &[Starts], now: &str) -> History {
        history("10.88.64.100".parse().unwrap(), &logs.iter().collect::<Vec<_>>(), starts, &format!("2026-11-24T{now}Z"))
    }

    fn started(node: &str, at: &str, restarts: u32) -> Starts {
        Starts { pod: format!("speaker-{node}"), newest: Some(format!("2026-11-24T10:{at}Z")), restarts }
    }

    fn changes(logs: &[SpeakerLog]) -> u32 {
        at(logs, &[], "10:10:00").changes
    }

    #[test]
    fn a_failover_and_back_are_two() {
        let logs = [log("n2", &["00:00", "05:00"]), log("n3", &["04:00"])];
        let moves = ["2026-11-24T10:04:00Z: from n2 to n3", "2026-11-24T10:05:00Z: from n3 to n2"];
        assert_eq!(at(&logs, &[], "10:10:00").moves, moves);
        assert_eq!(changes(&logs), 2);
        let told = [log("n2", &["00:00", "-04:01", "05:00"]), log("n3", &["04:00", "-05:00"])];
        assert_eq!(at(&told, &[], "10:10:00").moves, moves, "losses around a hand-over add nothing");
    }

    #[test]
    fn a_second_announcer_that_comes_and_goes_is_two_each_time() {
        let logs = [log("n2", &["00:00"]), log("n3", &["01:00", "-01:30", "02:00", "-02:30", "03:00", "-03:30"])];
        assert_eq!(changes(&logs), 6);
    }

    #[test]
    fn an_address_that_leaves_and_comes_back_to_the_same_node_is_no_move() {
        assert_eq!(changes(&[log("n2", &["00:00", "-01:00", "02:00", "-03:00", "04:00"])]), 0);
        assert_eq!(changes(&[log("n2", &["00:00", "01:00", "02:00"])]), 0);
    }

    #[test]
    fn what_a_restart_explains_is_not_counted() {
        let logs = [log("n2", &["00:00", "05:00"]), log("n3", &["04:00"])];
        assert_eq!(at(&logs, &[started("n2", "04:20", 0)], "10:10:00").changes, 0, "n2's speaker was gone at 04:00 and is back at 04:20");
        assert_eq!(at(&logs, &[started("n2", "50:00", 0)], "10:55:00").changes, 0, "too long ago");
    }

    #[test]
    fn starts_that_nothing_tells_of_explain_what_came_before_those_that_are_told() {
        let often = [log("n2", &["00:00", "02:00", "04:00", "06:00"]), log("n3", &["01:00", "03:00", "05:00"])];
        assert_eq!(changes(&often), 6);
        assert_eq!(at(&often, &[started("n2", "09:00", 5)], "10:10:00").changes, 0);
        assert_eq!(at(&often, &[started("n2", "09:00", 0)], "10:10:00").changes, 6);
        let mut before = log("n2", &["00:00", "02:00", "04:00", "06:00"]);
        before.started_at = Some("2026-11-24T09:59:00Z".to_owned());
        let told = [before, log("n3", &["01:00", "03:00", "05:00"])];
        assert_eq!(at(&told, &[started("n2", "09:00", 1)], "10:10:00").changes, 6, "both starts are told");
    }

    #[test]
    fn moves_are_counted_in_ten_minutes_and_for_half_an_hour() {
        let rarely = [log("n2", &["00:00", "20:00", "40:00", "59:00"]), log("n3", &["10:00", "30:00", "50:00"])];
        assert_eq!(at(&rarely, &[], "11:00:00").changes, 2);
        let often = [log("n2", &["00:00", "02:00", "04:00", "06:00"]), log("n3", &["01:00", "03:00", "05:00"])];
        assert_eq!((at(&often, &[], "10:30:00").changes, at(&often, &[], "10:40:00").changes), (6, 0));
    }

    #[test]
    fn what_passes_over_a_node_is_one_change() {
        let passing = [log("n2", &["00:00", "01:00.2", "02:00.2"]), log("n3", &["01:00", "02:00"]), log("n1", &["01:00.1", "02:00.1"])];
        let moves = at(&passing, &[], "10:03:00");
        assert_eq!((moves.moves.len(), moves.changes), (6, 2));
        let every_two_seconds = [log("n2", &["00:00", "00:04", "00:08", "00:12"]), log("n3", &["00:02", "00:06", "00:10"])];
        assert_eq!(changes(&every_two_seconds), 6);
    }

    #[test]
    fn an_announcement_that_stays_for_twice_as_long_as_it_ever_did_rests() {
        let often = [log("n2", &["00:00", "02:00", "04:00", "06:00"]), log("n3", &["01:00", "03:00", "05:00"])];
        let rests = |now: &str| at(&often, &[], now).rests;
        assert_eq!((rests("10:07:59"), rests("10:08:01")), (false, true));
        let quickly = [log("n2", &["00:00", "00:04", "00:08", "00:12"]), log("n3", &["00:02", "00:06", "00:10"])];
        let rests = |now: &str| at(&quickly, &[], now).rests;
        assert_eq!((rests("10:01:12"), rests("10:01:13")), (false, true), "a minute at least");
    }

    /// Each window counted anew would take hours.
    #[test]
    fn very_many_moves_are_counted_once() {
        let often: Vec<i64> = (0..1_000_000).map(|move_number| move_number / 2_000).collect();
        assert_eq!(densest(&often).len(), 1_000_000);
        assert_eq!(densest(&[0, 300, 1_000, 1_300]), [1_000, 1_300]);
        assert_eq!(densest(&[]), [0_i64; 0]);
    }
}
