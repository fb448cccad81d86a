//! How often an announcement moved: the words of all speakers, put in one order.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::model::announcement::{History, LogState, SpeakerLog};

/// The time in which moves are counted, seconds.
const WINDOW: i64 = 600;

/// A speaker's start explains moves that come so many seconds before it (its forerunner was gone) and after it (it takes its addresses back).
const BEFORE_A_START: i64 = 30;
const AFTER_A_START: i64 = 60;

/// Moves that are shown.
const SHOWN: usize = 20;

/// The history of one address. `logs` may hold several logs of one speaker, those before its restarts among them; `starts` are the times at
/// which speakers' containers started, RFC 3339.
#[must_use]
pub fn history(address: IpAddr, logs: &[SpeakerLog], starts: &[String]) -> History {
    let starts: Vec<i64> =
        starts.iter().map(String::as_str).chain(logs.iter().filter_map(|log| log.started_at.as_deref())).filter_map(second).collect();
    let mut gains: Vec<Gain> = logs
        .iter()
        .filter_map(|log| Some((log, log.address(address)?)))
        .flat_map(|(log, words)| words.moves.iter().map(move |step| (log, step)))
        // Over BGP many nodes announce, and one more of them is no move.
        .filter(|(_, step)| step.gained && step.protocol == "layer2")
        .filter_map(|(log, step)| Some(Gain { second: second(step.at.as_deref()?)?, at: step.at.clone()?, node: log.node.clone() }))
        .collect();
    gains.sort_by(|a, b| (a.second, &a.at, &a.node).cmp(&(b.second, &b.at, &b.node)));
    let mut moves = Vec::new();
    let mut counted: Vec<i64> = Vec::new();
    let mut holder: Option<&str> = None;
    for gain in &gains {
        let from = holder.replace(&gain.node);
        let Some(from) = from.filter(|from| *from != gain.node) else { continue };
        let explained = starts.iter().any(|start| (start - BEFORE_A_START..=start + AFTER_A_START).contains(&gain.second));
        let why = if explained { ", after a speaker's restart" } else { "" };
        moves.push(format!("{}: from {from} to {}{why}", gain.at, gain.node));
        if !explained {
            counted.push(gain.second);
        }
    }
    let dropped = moves.len().saturating_sub(SHOWN);
    History { since: since(address, logs), changes: densest(&counted), moves: moves.split_off(dropped) }
}

/// The address came to a node.
struct Gain {
    second: i64,
    at: String,
    node: String,
}

/// When the newest announcement that still holds began.
fn since(address: IpAddr, logs: &[SpeakerLog]) -> Option<String> {
    let words = logs.iter().filter_map(|log| log.address(address)).flat_map(|words| &words.protocols);
    let held: BTreeSet<&String> = words.filter(|word| word.state == LogState::Announced).filter_map(|word| word.since.as_ref()).collect();
    held.into_iter().next_back().cloned()
}

/// The most times that lie within one window.
fn densest(times: &[i64]) -> u32 {
    let within = |index: usize| times[index..].iter().take_while(|time| **time - times[index] <= WINDOW).count();
    (0..times.len()).map(within).max().map_or(0, |most| u32::try_from(most).unwrap_or(u32::MAX))
}

fn second(at: &str) -> Option<i64> {
    at.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::announcement::{AddressLog, Move};

    fn log(node: &str, gains: &[&str]) -> SpeakerLog {
        let moves = gains.iter().map(|at| Move {
            at: Some(format!("2026-11-24T10:{at}Z")),
            gained: true,
            protocol: "layer2".to_owned(),
            reason: String::new(),
        });
        SpeakerLog {
            pod: format!("speaker-{node}"),
            node: node.to_owned(),
            addresses: vec![AddressLog {
                address: "10.88.64.100".parse().unwrap(),
                protocols: Vec::new(),
                moves: moves.collect(),
                moves_dropped: 0,
                interface_warning: None,
            }],
            ..SpeakerLog::default()
        }
    }

    fn changes(logs: &[SpeakerLog], starts: &[&str]) -> u32 {
        let starts: Vec<String> = starts.iter().map(|at| format!("2026-11-24T10:{at}Z")).collect();
        history("10.88.64.100".parse().unwrap(), logs, &starts).changes
    }

    #[test]
    fn a_failover_and_back_are_two() {
        let logs = [log("n2", &["00:00", "05:00"]), log("n3", &["04:00"])];
        assert_eq!(changes(&logs, &[]), 2);
        let history = history("10.88.64.100".parse().unwrap(), &logs, &[]);
        assert_eq!(history.moves, ["2026-11-24T10:04:00Z: from n2 to n3", "2026-11-24T10:05:00Z: from n3 to n2"]);
    }

    #[test]
    fn what_a_restart_explains_is_not_counted() {
        let logs = [log("n2", &["00:00", "05:00"]), log("n3", &["04:00"])];
        assert_eq!(changes(&logs, &["04:20"]), 0, "n2's speaker was gone at 04:00 and is back at 04:20");
        assert_eq!(changes(&logs, &["50:00"]), 2);
    }

    #[test]
    fn six_within_ten_minutes_and_six_within_an_hour() {
        let often = [log("n2", &["00:00", "02:00", "04:00", "06:00"]), log("n3", &["01:00", "03:00", "05:00"])];
        assert_eq!(changes(&often, &[]), 6);
        let rarely = [log("n2", &["00:00", "20:00", "40:00", "59:00"]), log("n3", &["10:00", "30:00", "50:00"])];
        assert_eq!(changes(&rarely, &[]), 2);
    }

    #[test]
    fn the_same_node_again_is_no_move() {
        assert_eq!(changes(&[log("n2", &["00:00", "01:00", "02:00"])], &[]), 0);
    }
}
