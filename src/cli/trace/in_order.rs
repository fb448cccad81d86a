//! A file's records in the order of time, as far as they are not further apart in the file than are read ahead.

use std::collections::{BTreeMap, VecDeque};

use crate::evidence::capture::file::{AheadFile, Glance};

/// Records that are read ahead.
const AHEAD: usize = 4096;

/// Records that were read ahead.
#[derive(Default)]
pub(super) struct InOrder {
    /// Those that came in order, and those that came behind later ones, by time and number.
    straight: VecDeque<Glance>,
    late: BTreeMap<(i64, u64), Glance>,
    /// Of each point of the file, how its records went.
    points: Vec<Order>,
}

/// How a point's records are ordered.
#[derive(Clone, Copy, Default)]
pub(super) struct Order {
    read: Option<i64>,
    given: Option<i64>,
    /// How far they go back, nanoseconds, and how many went back behind what had been given already.
    pub(super) went_back_ns: i64,
    pub(super) unsorted: u64,
}

impl InOrder {
    /// Reads ahead.
    pub(super) fn fill(&mut self, file: &mut AheadFile) {
        while self.straight.len() + self.late.len() < AHEAD
            && let Some(glance) = file.advance()
        {
            let order = self.order(glance.point);
            let back = order.read.map_or(0, |read| read.saturating_sub(glance.at));
            order.went_back_ns = order.went_back_ns.max(back);
            order.read = order.read.max(Some(glance.at));
            if self.straight.back().is_some_and(|last| last.at > glance.at) {
                self.late.insert((glance.at, glance.number), glance);
            } else {
                self.straight.push_back(glance);
            }
        }
    }

    /// The earliest record of those that were read.
    pub(super) fn next(&mut self) -> Option<Glance> {
        let straight = self.straight.front().map(|glance| (glance.at, glance.number));
        let late = self.late.first_key_value().map(|(key, _)| *key);
        let glance = match (straight, late) {
            (Some(straight), Some(late)) if late < straight => self.late.pop_first().map(|(_, glance)| glance),
            (None, Some(_)) => self.late.pop_first().map(|(_, glance)| glance),
            _ => self.straight.pop_front(),
        }?;
        let order = self.order(glance.point);
        order.unsorted += u64::from(order.given.is_some_and(|given| given > glance.at));
        order.given = order.given.max(Some(glance.at));
        Some(glance)
    }

    /// What was read ahead, in the order in which it was.
    pub(super) fn read(&self) -> impl Iterator<Item = &Glance> {
        self.straight.iter().chain(self.late.values())
    }

    /// How a point's records went until now.
    pub(super) fn order_of(&self, point: usize) -> Order {
        self.points.get(point).copied().unwrap_or_default()
    }

    fn order(&mut self, point: usize) -> &mut Order {
        if self.points.len() <= point {
            self.points.resize(point + 1, Order::default());
        }
        &mut self.points[point]
    }
}
