//! Where the clocks of two nodes are so far apart that the order of what their speakers' logs say cannot be told.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::model::announcement::SpeakerLog;
use crate::model::catalogue::names;
use crate::model::clock::Offsets;
use crate::model::finding::Gap;
use crate::model::subject::Subject;

/// Clocks that are closer are as good as time synchronisation makes them, microseconds.
const SLIGHT_US: u64 = 50_000;

/// One gap for each pair of nodes whose logs tell of the address within less time than their clocks are apart.
#[must_use]
pub fn gaps(address: IpAddr, logs: &[SpeakerLog], clocks: &Offsets) -> Vec<Gap> {
    let others = |at: usize| logs.iter().skip(at + 1);
    logs.iter().enumerate().flat_map(|(at, one)| others(at).filter_map(move |other| between(address, one, other, clocks))).collect()
}

fn between(address: IpAddr, one: &SpeakerLog, other: &SpeakerLog, clocks: &Offsets) -> Option<Gap> {
    let (first, second) = (clocks.0.get(&one.node)?, clocks.0.get(&other.node)?);
    let difference = first.ahead_us.abs_diff(second.ahead_us);
    if one.node == other.node || difference <= SLIGHT_US.max(first.error_us.saturating_add(second.error_us)) {
        return None;
    }
    let apart = clocks.apart_us(&one.node, &other.node)?;
    let others = moves(address, other);
    let nearest = moves(address, one).iter().flat_map(|at| others.iter().map(|then| at.abs_diff(*then))).min()?;
    (nearest < apart).then(|| {
        // The one that is further from our clock is the one to look at.
        let (wrong, right) = if first.ahead_us.unsigned_abs() > second.ahead_us.unsigned_abs() { (first, second) } else { (second, first) };
        Gap::new(
            names::EVIDENCE_CLOCK_SKEW,
            Subject::node(&wrong.host),
            format!(
                "against this machine's clock: {wrong}, {right}; their speakers' logs tell of the address within {} ms",
                nearest / 1000
            ),
            format!("in which order {} and {} announced and withdrew the address", wrong.host, right.host),
        )
    })
}

/// When a log says that the announcement came or went, microseconds since the epoch by the node's clock.
fn moves(address: IpAddr, log: &SpeakerLog) -> Vec<i64> {
    let times = log.address(address).into_iter().flat_map(|words| &words.moves).filter_map(|change| change.at.as_deref());
    times.filter_map(|at| at.parse::<Timestamp>().ok()).map(Timestamp::as_microsecond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::announcement::{AddressLog, Move};
    use crate::model::clock::ClockOffset;

    fn log(node: &str, at: &str) -> SpeakerLog {
        let moves = vec![Move { at: Some(at.to_owned()), gained: true, protocol: "layer2".to_owned(), reason: String::new() }];
        let addresses = vec![AddressLog { moves, ..AddressLog::silent("10.88.64.100".parse().unwrap()) }];
        SpeakerLog { node: node.to_owned(), addresses, ..SpeakerLog::default() }
    }

    fn check(ahead_us: i64, error_us: u64, second: &str) -> Vec<Gap> {
        let logs = [log("n1", "2026-11-23T16:00:00.000Z"), log("n2", second)];
        let offset = |host: &str, ahead_us| (host.to_owned(), ClockOffset { host: host.to_owned(), ahead_us, error_us, took_ms: 9 });
        gaps("10.88.64.100".parse().unwrap(), &logs, &Offsets([offset("n1", 0), offset("n2", ahead_us)].into()))
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_what_is_compared_is_a_gap() {
        let found = check(3_000_000, 2_000, "2026-11-23T16:00:01.500Z");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].subject.to_string().as_str()), ("evidence/clock-skew", "node/n2"));
        assert!(found[0].reason.contains("n2 +3.000 s") && found[0].reason.contains("within 1500 ms"), "{found:?}");
        assert!(!found[0].decisive);
    }

    #[test]
    fn a_clock_that_changes_no_order_is_none() {
        assert_eq!(check(3_000_000, 2_000, "2026-11-23T16:10:00Z"), []);
        assert_eq!(check(20_000, 1_000, "2026-11-23T16:00:00.005Z"), [], "as close as synchronised clocks are");
        assert_eq!(check(400_000, 900_000, "2026-11-23T16:00:00.005Z"), [], "nothing shows that it differs at all");
    }
}
