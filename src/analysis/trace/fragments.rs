//! Fragments that are not the first have no ports: they are known by the identification that they share with the first.

use std::collections::{HashMap, VecDeque};

use super::piece::Piece;
use crate::model::headers::{Headers, Transport, fragments_of};
use crate::model::packet::Passage;

/// Packets whose fragments are looked for at the same time.
const MOST: usize = 4096;
/// Fragments of one packet that wait for its first one.
const MOST_WAITING: usize = 64;

/// What the fragments of one packet have in common at one place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    point: u16,
    interface: u32,
    passage: Passage,
    vlan: u16,
    network: u32,
    of: u64,
}

impl Key {
    /// The key of a fragment. A tunnel's packet that was cut has its first fragment's network in that one alone.
    pub(super) fn of(point: u16, headers: &Headers) -> Self {
        let (network, of) = match headers.rest {
            Some(rest) if rest.outer => (0, rest.of),
            Some(rest) => (headers.enclosure.network, rest.of),
            None => (headers.enclosure.network, fragments_of(headers.source, headers.destination, headers.identification)),
        };
        Self { point, interface: headers.interface, passage: headers.passage, vlan: headers.enclosure.vlan, network, of }
    }
}

/// The first fragment of a packet.
#[derive(Clone, Copy)]
pub(super) struct First {
    pub(super) piece: Piece,
    /// Bytes of TCP's header, which later fragments count from as well.
    pub(super) header: u32,
    pub(super) headers: Headers,
    pub(super) point: u16,
}

impl First {
    pub(super) fn ports(&self) -> (u16, u16) {
        match &self.headers.transport {
            Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
            Transport::Datagram(datagram) => (datagram.source_port, datagram.destination_port),
            _ => (0, 0),
        }
    }

    /// What a later fragment shows of the packet. Of TCP it is a further stretch; of a datagram a further part.
    pub(super) fn later(&self, waiting: &Waiting) -> Piece {
        let offset = waiting.offset.saturating_sub(self.headers.rest.map_or(0, |rest| rest.before));
        if self.piece.like.protocol == 6 {
            let mut piece = self.piece.behind(offset.saturating_sub(self.header));
            piece.length = waiting.length;
            return piece;
        }
        let whole = self.piece.whole.or_else(|| waiting.last.then(|| offset.saturating_add(waiting.length)));
        Piece { offset, length: waiting.length, whole, ..self.piece }
    }
}

/// A fragment that is not the first.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) last: bool,
    pub(super) passage: Passage,
    pub(super) frame: u64,
    pub(super) at: i64,
}

/// Packets of which fragments came, the latest few thousand.
#[derive(Default)]
pub(super) struct Fragments {
    by_key: HashMap<Key, Entry>,
    order: VecDeque<Key>,
    left_out: u64,
}

#[derive(Default)]
struct Entry {
    first: Option<First>,
    waiting: Vec<Waiting>,
}

impl Fragments {
    /// Remembers a first fragment; gives those that came before it.
    pub(super) fn first(&mut self, key: Key, first: First, at: i64) -> Vec<Waiting> {
        let entry = self.entry(key);
        // An identification is used again after a while: what waited for long was of an earlier packet.
        let waiting = std::mem::take(&mut entry.waiting).into_iter().filter(|waiting| at.saturating_sub(waiting.at) < LONGEST).collect();
        entry.first = Some(first);
        waiting
    }

    /// The first fragment that belongs to a later one, which waits when there is none yet.
    pub(super) fn of(&mut self, key: &Key, waiting: Waiting) -> Option<First> {
        let entry = self.entry(*key);
        if let Some(first) = entry.first
            && waiting.at.saturating_sub(first.headers.at) < LONGEST
        {
            return Some(first);
        }
        if entry.waiting.len() < MOST_WAITING {
            entry.waiting.push(waiting);
        } else {
            self.left_out += 1;
        }
        None
    }

    /// Fragments that waited for their first one and had to make room.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    fn entry(&mut self, key: Key) -> &mut Entry {
        if !self.by_key.contains_key(&key) {
            self.order.push_back(key);
            if self.order.len() > MOST
                && let Some(oldest) = self.order.pop_front()
            {
                let gone = self.by_key.remove(&oldest).map_or(0, |gone| gone.waiting.len());
                self.left_out += u64::try_from(gone).unwrap_or(u64::MAX);
            }
        }
        self.by_key.entry(key).or_default()
    }
}

/// How long fragments of one packet are apart at most: what systems wait to put them together. Nanoseconds.
const LONGEST: i64 = 30_000_000_000;
