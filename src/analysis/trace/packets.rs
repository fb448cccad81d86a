//! The packets that are held until nothing more can be seen of them, found again by what translation leaves alone.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

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
}

impl Held {
    /// Whether this spot has shown any of these bytes already; of a packet without payload, whether it has shown it.
    pub(super) fn shown(&self, spot: u16, from: u32, to: u32) -> bool {
        self.sightings.iter().any(|seen| seen.spot == spot && (seen.from == seen.to || (seen.from < to && from < seen.to)))
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
        let signature = piece.like.signature(&self.keys);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => u32::try_from(self.held.len()).unwrap_or(NONE),
        };
        let row = self.by_signature.entry(signature).or_insert(Row { newest: NONE, count: 0, crowded: false });
        let next_alike = std::mem::replace(&mut row.newest, slot);
        row.count += 1;
        row.crowded |= row.count > MOST_ALIKE;
        if let Some(older) = self.held.get_mut(next_alike as usize).filter(|_| next_alike != NONE) {
            older.newer_alike = slot;
        }
        let (sightings, generation) = match self.held.get_mut(slot as usize) {
            Some(old) => (std::mem::take(&mut old.sightings), old.generation.wrapping_add(1)),
            None => (Vec::with_capacity(2), 0),
        };
        let held = Held {
            like: piece.like,
            signature,
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
            crowded: false,
            next_alike,
            newer_alike: NONE,
            older: NONE,
            newer: NONE,
        };
        match self.held.get_mut(slot as usize) {
            Some(place) => *place = held,
            None => self.held.push(held),
        }
        self.young.push_back((slot, generation));
        self.count += 1;
        slot
    }

    /// Takes a packet out of the store, so that its place can be used again; its neighbours are untied before.
    pub(super) fn let_go(&mut self, slot: u32) {
        let Some(held) = self.held.get_mut(slot as usize) else { return };
        let (signature, older, newer) = (held.signature, held.next_alike, held.newer_alike);
        held.connection = NONE;
        held.sightings.clear();
        // A packet that was shown in many pieces leaves no large list behind.
        held.sightings.shrink_to(8);
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

/// A hash of plain numbers with a secret, so that nobody can make ends that all have one hash.
#[derive(Clone)]
pub(super) struct Secret(u64);

impl Secret {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(3))
    }
}

impl BuildHasher for Secret {
    type Hasher = Quick;

    fn build_hasher(&self) -> Quick {
        Quick(self.0)
    }
}

/// Multiplies and turns, a word at a time.
pub(super) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed ^ mixed >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            self.write_u64(part.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 31;
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

/// Takes a number for its own hash: signatures are hashes already.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
