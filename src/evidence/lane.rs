//! Lines of work that go on beside each other in one run: which of them a thread works for.
//!
//! What they ask is told apart by who asks and not by when, so that a replay gives to each what it was given, however the threads ran.

use std::cell::Cell;

/// One line of work. The run itself is the first one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Which of all that the run began: the same in every run of the same playbook on the same answers.
    pub number: u16,
    /// Which of those that go on at the same time.
    pub slot: usize,
}

thread_local! {
    static LANE: Cell<Lane> = const { Cell::new(Lane { number: 0, slot: 0 }) };
}

/// That of this thread.
#[must_use]
pub fn current() -> Lane {
    LANE.get()
}

/// Does something on this thread for another line of work.
pub fn within<T>(lane: Lane, work: impl FnOnce() -> T) -> T {
    let outer = LANE.replace(lane);
    let done = work();
    LANE.set(outer);
    done
}

/// The number of an asking: of each line of work its own askings are counted.
#[must_use]
pub fn numbered(lane: Lane, count: u32) -> u32 {
    (u32::from(lane.number) << 16) | count.min(u32::from(u16::MAX))
}
