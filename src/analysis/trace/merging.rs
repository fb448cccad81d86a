//! Two connections that turned out to be one: what was known of both, and their packets gone through again.

use super::connections::{Delay, NO_SPOT, Open, Usual};
use super::packets::{Held, NONE, Sighting};
use super::piece::{Piece, before};
use super::{Joiner, Seen};
use crate::model::packet::Passage;

/// A connection that has so many times the packets of one that comes to it, and more than a few, is not gone through again.
const REPLAYED: u32 = 16;
const FEW: u32 = 256;

impl Joiner {
    /// Makes one connection of two.
    pub(super) fn merge(&mut self, from: u32, into: u32, turned: bool) {
        if from == into || self.connections.get(into).is_none() {
            return;
        }
        let Some(gone) = self.connections.take(from) else { return };
        let Some(open) = self.connections.get_mut(into) else { return };
        let base = u16::try_from(open.spots.len()).unwrap_or(NO_SPOT);
        let moved =
            |spot: u16| spot.checked_add(base).filter(|spot| usize::from(*spot) < super::connections::MOST_SPOTS).unwrap_or(NO_SPOT);
        for number in &gone.tracks {
            let Some(track) = self.tracks.get_mut(*number) else { continue };
            track.connection = into;
            if turned {
                track.low_is_client = !track.low_is_client;
                track.spots.swap(0, 1);
            }
            for spot in track.spots.iter_mut().flatten().filter(|spot| **spot != NO_SPOT) {
                *spot = moved(*spot);
            }
        }
        let many = open.held / REPLAYED > gone.held && open.held > FEW;
        take_over(open, &gone, turned);
        if gone.held == 0 {
            return;
        }
        // All over again in the order of time: of packets that look the same the first ones are not always the nearest.
        // Where few come to many, these stay as they are: otherwise each that comes would cost as much as all that is there.
        let own_retransmitted = open.retransmitted;
        let own = if many {
            Vec::new()
        } else {
            let rows = open_row(open);
            self.release(rows)
        };
        let moved =
            self.release(gone.oldest).into_iter().map(|shown| Shown { spot: moved(shown.spot), answer: shown.answer != turned, ..shown });
        let mut all: Vec<Shown> = own.into_iter().chain(moved).collect();
        all.sort_by_key(|shown| shown.seen.at);
        let retransmitted = gone.retransmitted;
        for shown in all {
            self.place(into, shown.answer, shown.spot, shown.piece, shown.seen);
        }
        if let Some(open) = self.connections.get_mut(into) {
            open.retransmitted = if many { own_retransmitted } else { open.retransmitted }.max(retransmitted);
        }
    }

    /// Takes a connection's packets out of the store; gives what each frame showed.
    fn release(&mut self, oldest: [u32; 2]) -> Vec<Shown> {
        let mut all = Vec::new();
        for mut slot in oldest {
            while let Some(held) = self.packets.get(slot).filter(|_| slot != NONE) {
                let next = held.newer;
                all.extend(held.sightings.iter().map(|seen| Shown {
                    answer: held.answer,
                    spot: seen.spot,
                    piece: held.piece(seen),
                    seen: Seen { frame: seen.frame, at: seen.at, begins: seen.begins, timed: seen.timed, ttl: seen.ttl },
                }));
                self.packets.let_go(slot);
                slot = next;
            }
        }
        all
    }
}

/// What a frame showed, and where.
struct Shown {
    answer: bool,
    spot: u16,
    piece: Piece,
    seen: Seen,
}

/// The begin of a connection's rows of packets, which are empty from now on.
fn open_row(open: &mut Open) -> [u32; 2] {
    open.held = 0;
    open.packets = 0;
    open.retransmitted = 0;
    open.identified = [0; 2];
    open.noted.begin_again();
    open.reached = [None; 2];
    open.latest = [None; 2];
    open.newest = [NONE; 2];
    for spot in &mut open.spots {
        spot.usual = Usual::default();
        spot.cursor = (NONE, 0);
    }
    std::mem::replace(&mut open.oldest, [NONE; 2])
}

/// What one connection knew goes over to another.
fn take_over(open: &mut Open, gone: &Open, turned: bool) {
    let way = |way: usize| if turned { 1 - way } else { way };
    open.tracks.extend(&gone.tracks);
    let room = super::connections::MOST_SPOTS.saturating_sub(open.spots.len());
    for spot in gone.spots.iter().take(room) {
        let mut spot = spot.clone();
        spot.answer = spot.answer != turned;
        // Its times were after another spot than they are now.
        spot.delay = Delay::default();
        spot.usual = Usual::default();
        spot.cursor = (NONE, 0);
        open.spots.push(spot);
    }
    for place in [0, 1] {
        open.initial[place] = open.initial[place].or(gone.initial[way(place)]);
        open.fins[place] |= gone.fins[way(place)];
        open.acknowledged[place] = later(open.acknowledged[place], gone.acknowledged[way(place)]);
        open.beginning[place] = earlier(open.beginning[place], gone.beginning[way(place)]);
        open.went_on[place] = open.went_on[place].into_iter().chain(gone.went_on[way(place)]).min();
    }
    open.number = open.number.min(gone.number);
    open.first_at = open.first_at.min(gone.first_at);
    open.last_at = open.last_at.max(gone.last_at);
    open.reset |= gone.reset;
    open.answers_differ |= gone.answers_differ;
    // Another packet has told which one it is.
    open.ambiguous = 0;
    open.resembled |= gone.resembled;
    open.noted.take_over(&gone.noted, turned);
    open.one_way.extend(gone.one_way.iter().cloned());
    open.one_way.truncate(super::connections::MOST_TOLD);
    open.unnumbered += gone.unnumbered;
    open.crowded += gone.crowded;
    open.not_placed += gone.not_placed;
    open.apart += gone.apart;
    open.missing.extend(gone.missing.iter().cloned());
    open.missing.truncate(super::connections::MOST_TOLD);
    open.errors.extend(gone.errors.iter().cloned());
    open.errors.truncate(super::connections::MOST_TOLD);
}

/// The earlier and the later of two of TCP's numbers.
fn earlier(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).reduce(|one, other| if before(other, one) { other } else { one })
}

fn later(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).reduce(|one, other| if before(one, other) { other } else { one })
}

impl Held {
    /// The piece that a sighting showed.
    fn piece(&self, seen: &Sighting) -> Piece {
        let piece = Piece {
            like: self.like,
            offset: 0,
            length: self.length,
            whole: None,
            identification: self.identification,
            print: self.print,
            contents: self.contents,
            flags: self.flags,
            // Joining is over where this is used.
            passage: Passage::In,
            hashed: 0,
            ttl: seen.ttl,
            cut: self.cut,
        };
        if self.like.is_stretch() {
            let piece = if seen.from == 0 { piece } else { piece.behind(seen.from) };
            Piece { length: seen.to - seen.from, ..piece }
        } else {
            Piece { offset: seen.from, length: seen.to - seen.from, whole: Some(self.length), ..piece }
        }
    }
}
