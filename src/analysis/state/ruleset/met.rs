//! What a walk keeps: the packets that its ways carry, what they met, and how much it may still ask.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::{Hook, Taker, Turn};
use crate::analysis::state::netfilter::Fields;

/// Different packets that one may become; with more the answer is "maybe".
pub(super) const MOST_PACKETS: usize = 4096;
/// Questions to a rule that one walk may ask. The 40,000 Services of a large cluster take a tenth of that.
pub(super) const MOST_STEPS: usize = 1_000_000;
/// Reasons for a "maybe" that are told.
const MOST_REASONS: usize = 5;

/// A packet as it is on one of its ways, by its number.
pub(super) type Way = u32;

/// What ways met on their walk, through all hooks.
pub(super) struct Met<'a> {
    pub(super) takers: Vec<Taker>,
    pub(super) turns: Vec<Turn>,
    /// Why not every way was followed to its end.
    pub(super) open: BTreeSet<String>,
    /// Steps that may still be taken.
    pub(super) left: usize,
    /// Where takers and turns of a rule are, by hook, chain and place in the chain.
    pub(super) taker_of: HashMap<(Hook, &'a str, usize), usize>,
    pub(super) turn_of: HashMap<(Hook, &'a str, usize), usize>,
}

impl Met<'_> {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            takers: Vec::new(),
            turns: Vec::new(),
            open: BTreeSet::new(),
            left: steps,
            taker_of: HashMap::new(),
            turn_of: HashMap::new(),
        }
    }

    pub(super) fn leave_open(&mut self, why: impl FnOnce() -> String) {
        if self.open.len() < MOST_REASONS {
            self.open.insert(why());
        }
    }

    /// Whether so many steps may be taken; otherwise nothing is followed any further.
    pub(super) fn may(&mut self, steps: usize) -> bool {
        if self.left >= steps {
            self.left -= steps;
            return true;
        }
        self.left = 0;
        self.leave_open(|| "not every rule was asked: a packet comes to too many of them".to_owned());
        false
    }
}

/// The packets that the ways carry, each once.
#[derive(Default)]
pub(super) struct Packets {
    all: Vec<Rc<Fields>>,
    numbers: HashMap<Rc<Fields>, Way>,
}

impl Packets {
    /// `None` when there are too many.
    pub(super) fn number(&mut self, packet: Fields) -> Option<Way> {
        if let Some(known) = self.numbers.get(&packet) {
            return Some(*known);
        }
        if self.all.len() == MOST_PACKETS {
            return None;
        }
        let (number, packet) = (Way::try_from(self.all.len()).ok()?, Rc::new(packet));
        self.all.push(Rc::clone(&packet));
        self.numbers.insert(packet, number);
        Some(number)
    }

    pub(super) fn get(&self, way: Way) -> Rc<Fields> {
        self.all.get(way as usize).cloned().unwrap_or_default()
    }
}
