//! Which connection a track belongs to: the first packet that is known again elsewhere tells it.

use super::connections::{Delay, MOST_TRACKS, NO_SPOT, Open, TrackKey, Usual};
use super::packets::{Held, NONE, Sighting};
use super::piece::Piece;
use super::{Joiner, Seen};
use crate::model::packet::{Flags, Passage};

/// What makes two sightings one packet's, beside the numbers that are the same: so much of it is wanted at least.
const ENOUGH: i32 = 3;
/// Numbers further apart than this are not of one stream's present.
const FAR: u32 = 1 << 24;

/// A connection that has so many times the packets of one that comes to it, and more than a few, is not gone through again.
const REPLAYED: u32 = 16;
const FEW: u32 = 256;

/// What is the same for all packets that look the same: asked for once.
#[derive(Default)]
struct Similar {
    /// How much of the ends the connection that was asked for last shares.
    ends: Option<(u32, u8)>,
    /// Whether all of them are of one connection.
    alone: Option<bool>,
}

/// A packet of another connection that is this one too.
struct Elsewhere {
    connection: u32,
    /// Whether it is an answer there.
    answer: bool,
}

impl Joiner {
    /// Joins the track's connection with the one that this packet is known from, if there is one. Gives the track that the
    /// packet belongs to, which is a new one when its ends have begun another connection.
    pub(super) fn join(&mut self, track: u32, upwards: bool, piece: &Piece, at: i64) -> u32 {
        let Some((place, answer)) = self.direction(track, upwards) else { return track };
        let Some(known) = self.elsewhere(track, place, answer, piece, at) else { return track };
        let turned = known.answer != answer;
        let (Some(own), Some(other)) = (self.connections.get(place), self.connections.get(known.connection)) else { return track };
        if !own.contradicts(other, turned) {
            if own.tracks.len() + other.tracks.len() > MOST_TRACKS {
                self.leave_apart(place);
                return track;
            }
            // The smaller one moves.
            if own.held > other.held {
                self.merge(known.connection, place, turned);
            } else {
                self.merge(place, known.connection, turned);
            }
            return track;
        }
        // The ends were used again, and the SYN that told it was not seen here.
        let reached = own.reached[usize::from(answer)];
        let far =
            reached.is_some_and(|reached| FAR < reached.wrapping_sub(piece.like.start()).min(piece.like.start().wrapping_sub(reached)));
        if !(own.ended() || far) || other.contradicts(&Open::new(0, piece.like.protocol, at), false) {
            return track;
        }
        let Some(key) = self.tracks.get(track).map(|track| track.key) else { return track };
        let (source, destination) = if upwards { (key.ends.low, key.ends.high) } else { (key.ends.high, key.ends.low) };
        let renewed = self.renew(track, source, destination, piece, at);
        if let Some((fresh, answer)) = self.direction(renewed, upwards) {
            if self.connections.get(known.connection).is_some_and(|known| known.tracks.len() >= MOST_TRACKS) {
                self.leave_apart(fresh);
                return renewed;
            }
            self.merge(fresh, known.connection, answer != known.answer);
        }
        renewed
    }

    /// Notes at a connection that a packet of it is known from another that has too many tracks already.
    fn leave_apart(&mut self, place: u32) {
        if let Some(open) = self.connections.get_mut(place) {
            open.apart += 1;
        }
    }

    /// The connection at another place that this packet is known from. None, when it is known within its own already, when
    /// nothing but the numbers speaks for it, and when several are as likely.
    fn elsewhere(&mut self, track: u32, place: u32, answer: bool, piece: &Piece, at: i64) -> Option<Elsewhere> {
        let key = self.tracks.get(track)?.key;
        let mut best: Option<(i32, Elsewhere)> = None;
        let mut tied = false;
        let mut similar = Similar::default();
        for (_, held) in self.packets.alike(&piece.like) {
            if held.connection == place {
                if held.answer == answer {
                    return None;
                }
                continue;
            }
            if self.is_beside(&key, piece, held) {
                continue;
            }
            let score = self.affinity(&key, piece, held, &mut similar);
            if score < ENOUGH || self.come_after_each_other(&key, place, answer, piece, held, at) {
                continue;
            }
            match &best {
                Some((most, known)) if known.connection == held.connection => {
                    best = Some((score.max(*most), Elsewhere { connection: held.connection, answer: held.answer }));
                }
                Some((most, _)) if score < *most => {}
                Some((most, _)) if score == *most => tied = true,
                _ => {
                    tied = false;
                    best = Some((score, Elsewhere { connection: held.connection, answer: held.answer }));
                }
            }
        }
        if tied {
            if let Some(open) = self.connections.get_mut(place) {
                open.ambiguous += 1;
            }
            return None;
        }
        if best.is_none() && self.packets.too_many_alike(&piece.like) {
            self.leave_apart(place);
        }
        best.map(|(_, known)| known)
    }

    /// Whether both came the same way through the same interface with other ends: then they are two packets, unless they have
    /// the same identification, as what a router sends back by the interface that it came in by.
    fn is_beside(&self, key: &TrackKey, piece: &Piece, held: &Held) -> bool {
        if piece.identification != 0 && piece.identification == held.identification {
            return false;
        }
        let Some(other) = self.connections.get(held.connection) else { return false };
        held.sightings.iter().filter_map(|seen| other.spots.get(usize::from(seen.spot))).any(|spot| {
            (spot.point, spot.interface, spot.enclosure) == (key.point, key.interface, key.enclosure) && spot.passage == piece.passage
        })
    }

    /// Whether one of both connections began where the other had been answered already: then the packets are two, whatever numbers they have.
    fn come_after_each_other(&self, key: &TrackKey, place: u32, answer: bool, piece: &Piece, held: &Held, at: i64) -> bool {
        let (Some(own), Some(other)) = (self.connections.get(place), self.connections.get(held.connection)) else { return false };
        let turned = held.answer != answer;
        let syn = (piece.flags.is_syn() && !answer).then_some((key.point, at));
        own.follows(other, turned, syn) || other.follows(own, turned, None)
    }

    /// What speaks for a packet of another connection being this one, beside the numbers that are the same.
    fn affinity(&self, key: &TrackKey, piece: &Piece, held: &Held, similar: &mut Similar) -> i32 {
        let Some(other) = self.connections.get(held.connection) else { return 0 };
        let ends = match similar.ends {
            Some((connection, ends)) if connection == held.connection => ends,
            _ => {
                let tracks = other.tracks.iter().filter_map(|track| self.tracks.get(*track));
                tracks.map(|track| track.key.ends.shared(&key.ends)).max().unwrap_or(0)
            }
        };
        similar.ends = Some((held.connection, ends));
        let mut score = [0, 3, 6][usize::from(ends.min(2))];
        // The numbers of a SYN alone are 32 bits: one other thing must be the same.
        score += 1;
        if piece.like.protocol != 6 {
            return score + self.speaks_of_datagram(ends, piece, held, key, similar);
        }
        if piece.length == held.length && piece.identification != 0 && held.identification != 0 {
            score += if piece.identification == held.identification { 4 } else { -6 };
        }
        // Also where neither is known: nothing that was kept speaks against it.
        if piece.print == held.print {
            score += 2;
        }
        score += i32::from(piece.like.is_stamped()) * 2;
        // The numbers of both ends are 64 bits that agree by chance hardly ever; those of a SYN are 32.
        if piece.like.acknowledges() {
            score += if piece.flags.0 & (Flags::SYN | Flags::RST) == 0 { 3 } else { 2 };
        }
        score
    }

    /// A datagram is known again by its identification and its payload. Without an identification the ends must be the same,
    /// or, where IP has none at all, one of them, with payload that tells something.
    fn speaks_of_datagram(&self, ends: u8, piece: &Piece, held: &Held, key: &TrackKey, similar: &mut Similar) -> i32 {
        const NEVER: i32 = -100;
        if piece.contents != 0 && held.contents != 0 && piece.contents != held.contents {
            return NEVER;
        }
        let mut alone = || {
            *similar.alone.get_or_insert_with(|| {
                let mut connections = self.packets.alike(&piece.like).map(|(_, held)| held.connection);
                let first = connections.next();
                !self.packets.too_many_alike(&piece.like) && connections.all(|connection| Some(connection) == first)
            })
        };
        match (piece.identification, key.ends.low.0.is_ipv6()) {
            (0, _) if ends == 2 => 0,
            // The tag of an association and the number of its chunk stand in what was hashed.
            (0, _) if piece.like.protocol == 132 && piece.hashed >= 8 && alone() => ENOUGH,
            (0, true) if piece.hashed >= 8 && ends == 1 => 1,
            (0, true) if piece.hashed >= 12 && alone() => ENOUGH,
            (0, _) => NEVER,
            _ => ENOUGH,
        }
    }

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
                    seen: Seen { frame: seen.frame, at: seen.at, begins: seen.begins },
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
        open.went_on[place] = open.went_on[place].into_iter().chain(gone.went_on[way(place)]).min();
    }
    open.number = open.number.min(gone.number);
    open.first_at = open.first_at.min(gone.first_at);
    open.last_at = open.last_at.max(gone.last_at);
    open.reset |= gone.reset;
    open.answers_differ |= gone.answers_differ;
    // Another packet has told which one it is.
    open.ambiguous = 0;
    open.unnumbered += gone.unnumbered;
    open.crowded += gone.crowded;
    open.not_placed += gone.not_placed;
    open.apart += gone.apart;
    open.missing.extend(gone.missing.iter().cloned());
    open.missing.truncate(super::connections::MOST_TOLD);
    open.errors.extend(gone.errors.iter().cloned());
    open.errors.truncate(super::connections::MOST_TOLD);
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
        };
        if self.like.is_stretch() {
            let piece = if seen.from == 0 { piece } else { piece.behind(seen.from) };
            Piece { length: seen.to - seen.from, ..piece }
        } else {
            Piece { offset: seen.from, length: seen.to - seen.from, whole: Some(self.length), ..piece }
        }
    }
}
