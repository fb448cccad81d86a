//! The time, as a question like any other: a replay answers with the recorded time.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::interrupt::Interrupt;

/// How often a wait looks whether it is to end early.
const GLANCE: Duration = Duration::from_millis(50);

/// Tells the time, and lets some pass.
pub trait Clock: Send + Sync {
    /// Milliseconds since the run began. `label` names the question, so that a replay finds its answer.
    fn elapsed_ms(&self, label: &str) -> u64;
    /// When the run began, RFC 3339 in UTC with seconds.
    fn started(&self) -> String;
    /// Waits, unless the run is interrupted; a replay does not wait.
    fn wait(&self, time: Duration, interrupt: &Interrupt);
}

/// This machine's clock, counting from the moment when it was made.
pub struct LiveClock {
    began: Instant,
    started: Timestamp,
}

impl LiveClock {
    /// A run that begins at `began`, now by the wall clock.
    #[must_use]
    pub fn since(began: Instant) -> Self {
        // The wall clock is read once: whatever sets it later moves nothing within the run.
        Self { began, started: Timestamp::now() }
    }
}

impl Clock for LiveClock {
    fn elapsed_ms(&self, _label: &str) -> u64 {
        milliseconds_since(self.began)
    }

    fn started(&self) -> String {
        self.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn wait(&self, time: Duration, interrupt: &Interrupt) {
        let end = Instant::now() + time;
        while interrupt.reason().is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }
}

/// Whole milliseconds since `began`.
pub(in crate::evidence) fn milliseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_told_in_utc_with_seconds() {
        let clock = LiveClock { began: Instant::now(), started: "2026-11-23T17:20:01.987+01:00".parse().unwrap() };
        assert_eq!(clock.started(), "2026-11-23T16:20:01Z");
    }

    #[test]
    fn time_passes() {
        let clock = LiveClock::since(Instant::now());
        let before = clock.elapsed_ms("before");
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(clock.elapsed_ms("after") >= before + 5);
    }

    #[test]
    fn a_wait_ends_with_its_time_or_with_an_interrupt() {
        let clock = LiveClock::since(Instant::now());
        let interrupt = Interrupt::default();
        clock.wait(Duration::from_millis(20), &interrupt);
        assert!(clock.elapsed_ms("after") >= 20);
        interrupt.set(crate::evidence::interrupt::Reason::Signal);
        let begin = Instant::now();
        clock.wait(Duration::from_mins(1), &interrupt);
        assert!(begin.elapsed() < Duration::from_secs(30));
    }
}
