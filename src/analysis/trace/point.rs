//! A point that packets come from: what was counted there, and what was not read.

use std::collections::BTreeMap;

use crate::model::headers::Hidden;
use crate::model::trace::TracePoint;

/// Kinds of what was not read that are told apart at a point.
const MOST_HIDDEN: usize = 16;

/// A point that packets come from.
pub(super) struct Point {
    pub(super) told: TracePoint,
    /// Whether the passage of its packets is known.
    pub(super) tells_passage: bool,
    /// Whether everything of it was read.
    pub(super) ended: bool,
    /// First and last packet, by the clock of the first point.
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Point {
    /// `ahead_ns`: how far its clock is ahead of the first point's.
    pub(super) fn new(name: &str, tells_passage: bool, ahead_ns: i64) -> Self {
        let told = TracePoint {
            name: name.to_owned(),
            packets: 0,
            followed: 0,
            joined: 0,
            first: None,
            last: None,
            clock_ahead_ns: ahead_ns,
            incomplete: None,
            not_read: BTreeMap::new(),
            options_cut: 0,
            options_cut_at: None,
            untimed: 0,
            clock_one_way: false,
            went_back_ns: 0,
            unsorted: 0,
        };
        Self { told, tells_passage, ended: false, first: i64::MAX, last: i64::MIN }
    }

    /// Counts a packet; gives its time on the first point's clock.
    pub(super) fn arrived(&mut self, at: i64, timed: bool) -> i64 {
        self.told.packets += 1;
        self.told.followed += 1;
        self.told.untimed += u64::from(!timed);
        self.told.first = Some(self.told.first.map_or(at, |first| first.min(at)));
        self.told.last = Some(self.told.last.map_or(at, |last| last.max(at)));
        let at = at.saturating_sub(self.told.clock_ahead_ns);
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        at
    }

    /// Counts a frame that may hold a packet, and was not read.
    pub(super) fn leave_out(&mut self, hidden: Option<Hidden>) {
        let Some(hidden) = hidden else { return };
        let mut kind = hidden.to_string();
        if self.told.not_read.len() >= MOST_HIDDEN && !self.told.not_read.contains_key(&kind) {
            "others".clone_into(&mut kind);
        }
        *self.told.not_read.entry(kind).or_default() += 1;
    }
}
