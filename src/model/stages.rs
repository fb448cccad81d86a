//! Where a run's time went: its parts from the beginning to the end, without a hole, as what it touched tells them.

use super::observed::{Stage, StageName};
use super::outcome::Touch;

/// What a sweep of a host is called among what was touched.
const SWEEP: &str = "sweep";

/// The parts of a run that took so long and touched these things. One that took no time is left out.
#[must_use]
pub fn stages(touched: &[Touch], took_ms: u64) -> Vec<Stage> {
    let first = |wanted: &dyn Fn(&Touch) -> bool| touched.iter().filter(|touch| wanted(touch)).map(|touch| touch.at_ms).min();
    let end = first(&|touch| touch.what == SWEEP).unwrap_or(took_ms).min(took_ms);
    let connects = first(&|touch| matches!(touch.kind.as_str(), "capture" | "probe")).unwrap_or(end).min(end);
    let asks = first(&|touch| touch.kind == "probe").unwrap_or(end).clamp(connects, end);
    let reads_state = first(&|touch| touch.kind == "command" && touch.what != SWEEP && touch.at_ms > asks).unwrap_or(end);
    let asked = touched.iter().filter(|touch| touch.kind == "probe" && touch.at_ms < reads_state);
    let looks = asked.map(|touch| touch.at_ms.saturating_add(touch.took_ms)).max().unwrap_or(end).clamp(asks, end);
    let parts = [
        (StageName::Read, 0, connects),
        (StageName::Connect, connects, asks),
        (StageName::Ask, asks, looks),
        (StageName::Look, looks, end),
        (StageName::Clean, end, took_ms),
    ];
    let taken = parts.into_iter().filter(|(_, from, to)| to > from);
    taken.map(|(name, from, to)| Stage { name, started_ms: from, took_ms: to - from }).collect()
}

#[cfg(test)]
mod tests {
    use StageName::{Ask, Clean, Connect, Look, Read};

    use super::*;

    fn touch(kind: &str, what: &str, at_ms: u64, took_ms: u64) -> Touch {
        Touch { kind: kind.to_owned(), host: "h".to_owned(), what: what.to_owned(), at_ms, took_ms, result: "ok".to_owned() }
    }

    fn shown(touched: &[Touch], took_ms: u64) -> Vec<(StageName, u64)> {
        let all = stages(touched, took_ms);
        assert_eq!(all.iter().map(|stage| stage.took_ms).sum::<u64>(), took_ms);
        all.into_iter().map(|stage| (stage.name, stage.took_ms)).collect()
    }

    #[test]
    fn every_moment_of_a_run_belongs_to_a_stage() {
        let touched = [
            touch("api", "get service", 10, 20),
            touch("capture", "capture any", 100, 900),
            touch("probe", "probe 10.0.0.1", 150, 400),
            touch("command", "inspect host", 700, 50),
            touch("probe", "probe 10.0.0.1", 800, 100),
            touch("command", "sweep", 1_000, 20),
        ];
        assert_eq!(shown(&touched, 1_030), [(Read, 100), (Connect, 50), (Ask, 400), (Look, 450), (Clean, 30)]);
        assert_eq!(shown(&touched[..1], 40), [(Read, 40)]);
        assert_eq!(shown(&touched[..3], 600), [(Read, 100), (Connect, 50), (Ask, 400), (Look, 50)]);
        assert_eq!(shown(&[], 0), []);
    }

    #[test]
    fn times_that_cannot_be_leave_no_hole_either() {
        let odd = [touch("probe", "probe", 900, u64::MAX), touch("capture", "capture", 5_000, 1), touch("command", "sweep", 400, 1)];
        shown(&odd, 600);
        shown(&[touch("command", "sweep", 9_000, 1)], 600);
    }
}
