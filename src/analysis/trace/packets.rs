//! The packets that are held until nothing more can be seen of them, found again by what translation leaves alone.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use super::hashing::AsItIs;
use super::piece::{Keys, Likeness, Piece};
use crate::model::packet::Flags;

/// No packet, where a number stands for one.
pub(super) const NONE: u32 = u32::MAX;
/// Packets with one signature that are looked at: more is a flood of repetitions.
pub(super) const MOST_ALIKE: usize = 64;
/// Frames that show one packet or a part of it. A segment of 64 KiB is cut into 180 of the smallest that links have.
pub(super) const MOST_SIGHTINGS: usize = 512;

/// One packet with everything that was seen of it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) like: Likeness,
    signature: u64,
    pub(super) length: u32,
    pub(super) identification: u32,
    pub(super) print: u32,
    pub(super) contents: u32,
    pub(super) flags: Flags,
    pub(super) connection: u32,
    pub(super) answer: bool,
    pub(super) first_at: i64,
    pub(super) sightings: Vec<Sighting>,
    /// Whether every frame that showed it ended within TCP's options.
    pub(super) cut: bool,
    /// Tells this packet from an earlier one in the same place of the store.
    pub(super) generation: u32,
    /// Whether not everything was looked at that it may have been joined with: where it was not seen it may have passed all the same.
    pub(super) crowded: bool,
    /// Its neighbours among those that look the same.
    next_alike: u32,
    newer_alike: u32,
    /// Its neighbours among the packets of its connection and direction.
    pub(super) older: u32,
    pub(super) newer: u32,
}

/// A frame that showed the packet, or a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) spot: u16,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) frame: u64,
    pub(super) at: i64,
    /// Whether the frame begins with this: one that shows several packets counts once.
    pub(super) begins: bool,
    pub(super) ttl: u8,
    /// Whether its time is its own.
    pub(super) timed: bool,
}

impl Held {
    /// Whether this spot has shown any of these bytes already; of a packet without payload, whether it has shown it.
    pub(super) fn shown(&self, spot: u16, from: u32, to: u32) -> bool {
        self.sightings.iter().any(|seen| seen.spot == spot && (seen.from == seen.to || (seen.from < to && from < seen.to)))
    }

    /// The first bytes that this spot has not shown, all when it has not shown the packet; `None` when it has shown everything.
    pub(super) fn gap(&self, spot: u16) -> Option<(u32, u32)> {
        let mut any = false;
        for seen in self.sightings.iter().filter(|seen| seen.spot == spot) {
            if seen.from == 0 && seen.to >= self.length {
                return None;
            }
            any = true;
        }
        if !any {
            return Some((0, self.length));
        }
        let mut parts: Vec<(u32, u32)> = self.sightings.iter().filter(|seen| seen.spot == spot).map(|seen| (seen.from, seen.to)).collect();
        parts.sort_unstable();
        let mut reached = 0;
        for (from, to) in parts {
            if from > reached {
                return Some((reached, from));
            }
            reached = reached.max(to);
        }
        (reached < self.length).then_some((reached, self.length))
    }

    /// Whether this spot has shown all of these bytes.
    pub(super) fn shows(&self, spot: u16, (from, to): (u32, u32)) -> bool {
        self.sightings.iter().any(|seen| seen.spot == spot)
            && self.gap(spot).is_none_or(|gap| to <= gap.0 || (gap.1 <= from && self.shown(spot, from, to)))
    }

    /// Bytes that this spot has shown; `None` when it has not shown the packet at all.
    pub(super) fn covered(&self, spot: u16) -> Option<u32> {
        let mut parts = self.sightings.iter().filter(|seen| seen.spot == spot).peekable();
        parts.peek()?;
        Some(parts.map(|seen| seen.to - seen.from).sum())
    }
}

/// Packets with one signature: the newest, and how many.
#[derive(Clone, Copy)]
struct Row {
    newest: u32,
    count: usize,
    /// Whether there were ever more than are looked at.
    crowded: bool,
}

/// All packets that are held.
pub(super) struct Packets {
    held: Vec<Held>,
    free: Vec<u32>,
    by_signature: HashMap<u64, Row, BuildHasherDefault<AsItIs>>,
    keys: Keys,
    /// TCP packets with timestamps by what they are without these, once any came without.
    unstamped: Option<HashMap<u64, Vec<u32>, BuildHasherDefault<AsItIs>>>,
    /// Those that came lately and those that wait on, in the order in which they were first seen, with their generation.
    young: VecDeque<(u32, u32)>,
    old: VecDeque<(u32, u32)>,
    count: usize,
}

impl Packets {
    pub(super) fn new() -> Self {
        Self {
            held: Vec::new(),
            free: Vec::new(),
            by_signature: HashMap::default(),
            keys: Keys::new(),
            unstamped: None,
            young: VecDeque::new(),
            old: VecDeque::new(),
            count: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, slot: u32) -> Option<&Held> {
        self.held.get(slot as usize)
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Held> {
        self.held.get_mut(slot as usize)
    }

    /// The packet in a place of the store, as long as it is still the same.
    pub(super) fn same(&self, slot: u32, generation: u32) -> Option<&Held> {
        self.get(slot).filter(|held| held.generation == generation && held.connection != NONE)
    }

    /// Packets that look so, the newest first.
    pub(super) fn alike<'a>(&'a self, like: &'a Likeness) -> impl Iterator<Item = (u32, &'a Held)> {
        let first = self.by_signature.get(&like.signature(&self.keys)).map_or(NONE, |row| row.newest);
        let known = |slot: u32| self.get(slot).map(|held| (slot, held));
        std::iter::successors(known(first), move |(_, held)| known(held.next_alike))
            .take(MOST_ALIKE)
            .filter(move |(_, held)| held.like == *like)
    }

    /// Packets that look so but for timestamps that one of both does not show, the newest first.
    pub(super) fn alike_but_for_stamps(&self, like: &Likeness) -> Vec<u32> {
        let (Some(rows), Some(loose)) = (&self.unstamped, like.unstamped()) else { return Vec::new() };
        let signature = loose.signature(&self.keys);
        if like.is_stamped() {
            return self.alike(&loose).map(|(slot, _)| slot).collect();
        }
        let of = |slot: &u32| self.get(*slot).and_then(|held| held.like.unstamped()) == Some(loose);
        rows.get(&signature).into_iter().flatten().rev().copied().filter(of).collect()
    }

    /// From now on timestamps may be there in one frame of a packet and not in another.
    pub(super) fn expect_unstamped(&mut self) {
        if self.unstamped.is_some() {
            return;
        }
        self.unstamped = Some(HashMap::default());
        let held = (0_u32..).zip(&self.held).filter(|(_, held)| held.connection != NONE);
        for slot in held.map(|(slot, _)| slot).collect::<Vec<u32>>() {
            self.enter_unstamped(slot);
        }
    }

    fn enter_unstamped(&mut self, slot: u32) {
        let Some(held) = self.held.get_mut(slot as usize) else { return };
        let (Some(rows), Some(loose)) = (&mut self.unstamped, held.like.unstamped().filter(|_| held.like.is_stamped())) else { return };
        let row = rows.entry(loose.signature(&self.keys)).or_default();
        if row.len() < MOST_ALIKE {
            row.push(slot);
        } else {
            held.crowded = true;
        }
    }

    fn leave_unstamped(&mut self, slot: u32) {
        let Some(held) = self.held.get(slot as usize) else { return };
        let (Some(rows), Some(loose)) = (&mut self.unstamped, held.like.unstamped().filter(|_| held.like.is_stamped())) else { return };
        if let Entry::Occupied(mut row) = rows.entry(loose.signature(&self.keys)) {
            row.get_mut().retain(|other| *other != slot);
            if row.get().is_empty() {
                row.remove();
            }
        }
    }

    /// A packet that was known without timestamps turns out to have them.
    pub(super) fn stamp(&mut self, slot: u32, like: Likeness) {
        self.leave_row(slot);
        if let Some(held) = self.held.get_mut(slot as usize) {
            held.like = like;
        }
        self.enter_row(slot);
        self.enter_unstamped(slot);
    }

    /// Whether more packets look so than are looked at.
    pub(super) fn too_many_alike(&self, like: &Likeness) -> bool {
        self.by_signature.get(&like.signature(&self.keys)).is_some_and(|row| row.count > MOST_ALIKE)
    }

    /// Whether the packet may not have been joined because too many look the same, or were cut too often.
    pub(super) fn is_crowded(&self, slot: u32) -> bool {
        let Some(held) = self.get(slot) else { return false };
        held.crowded || self.by_signature.get(&held.signature).is_some_and(|row| row.crowded)
    }

    /// Holds a packet that was not seen before; its sightings and neighbours are still to be written.
    pub(super) fn hold(&mut self, piece: &Piece, length: u32, connection: u32, answer: bool, at: i64) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => u32::try_from(self.held.len()).unwrap_or(NONE),
        };
        let (sightings, generation) = match self.held.get_mut(slot as usize) {
            Some(old) => (std::mem::take(&mut old.sightings), old.generation.wrapping_add(1)),
            None => (Vec::with_capacity(2), 0),
        };
        let held = Held {
            like: piece.like,
            signature: 0,
            length,
            identification: piece.identification,
            print: piece.print,
            contents: piece.contents,
            flags: piece.flags,
            connection,
            answer,
            first_at: at,
            sightings,
            generation,
            cut: piece.cut,
            crowded: false,
            next_alike: NONE,
            newer_alike: NONE,
            older: NONE,
            newer: NONE,
        };
        match self.held.get_mut(slot as usize) {
            Some(place) => *place = held,
            None => self.held.push(held),
        }
        self.enter_row(slot);
        self.enter_unstamped(slot);
        self.young.push_back((slot, generation));
        self.count += 1;
        slot
    }

    /// Puts a packet at the head of those that look the same.
    fn enter_row(&mut self, slot: u32) {
        let Some(held) = self.held.get_mut(slot as usize) else { return };
        held.signature = held.like.signature(&self.keys);
        let row = self.by_signature.entry(held.signature).or_insert(Row { newest: NONE, count: 0, crowded: false });
        let older = std::mem::replace(&mut row.newest, slot);
        row.count += 1;
        row.crowded |= row.count > MOST_ALIKE;
        (held.next_alike, held.newer_alike) = (older, NONE);
        if let Some(older) = self.held.get_mut(older as usize).filter(|_| older != NONE) {
            older.newer_alike = slot;
        }
    }

    /// Unties a packet from those that look the same.
    fn leave_row(&mut self, slot: u32) {
        let Some(held) = self.held.get(slot as usize) else { return };
        let (signature, older, newer) = (held.signature, held.next_alike, held.newer_alike);
        if let Some(neighbour) = self.held.get_mut(older as usize).filter(|_| older != NONE) {
            neighbour.newer_alike = newer;
        }
        if let Some(neighbour) = self.held.get_mut(newer as usize).filter(|_| newer != NONE) {
            neighbour.next_alike = older;
        }
        if let Entry::Occupied(mut row) = self.by_signature.entry(signature) {
            row.get_mut().count -= 1;
            if row.get().count == 0 {
                row.remove();
            } else if newer == NONE {
                row.get_mut().newest = older;
            }
        }
    }

    /// Takes a packet out of the store, so that its place can be used again; its neighbours are untied before.
    pub(super) fn let_go(&mut self, slot: u32) {
        self.leave_unstamped(slot);
        self.leave_row(slot);
        let Some(held) = self.held.get_mut(slot as usize) else { return };
        held.connection = NONE;
        held.sightings.clear();
        // A packet that was shown in many pieces leaves no large list behind.
        held.sightings.shrink_to(8);
        self.free.push(slot);
        self.count -= 1;
    }

    /// The packet that is held longest.
    pub(super) fn oldest(&mut self) -> Option<(u32, i64)> {
        first(&self.held, &mut self.old).or_else(|| first(&self.held, &mut self.young))
    }

    /// The packet that is held longest of those that came lately.
    pub(super) fn oldest_young(&mut self) -> Option<(u32, i64)> {
        first(&self.held, &mut self.young)
    }

    /// The packet that `oldest_young` gave waits on.
    pub(super) fn keep_oldest_young(&mut self) {
        self.old.extend(self.young.pop_front());
    }
}

/// The first of a row that is still held.
fn first(held: &[Held], row: &mut VecDeque<(u32, u32)>) -> Option<(u32, i64)> {
    while let Some((slot, generation)) = row.front() {
        match held.get(*slot as usize) {
            Some(held) if held.generation == *generation && held.connection != NONE => return Some((*slot, held.first_at)),
            _ => row.pop_front(),
        };
    }
    None
}
