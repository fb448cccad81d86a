//! Which connection a track belongs to: the first packet that is known again elsewhere tells it.

use super::Joiner;
use super::connections::{MOST_TRACKS, Open, TrackKey};
use super::packets::Held;
use super::piece::Piece;
use crate::model::packet::Flags;

/// What makes two sightings one packet's, beside the numbers that are the same: so much of it is wanted at least.
const ENOUGH: i32 = 3;
/// Numbers further apart than this are not of one stream's present.
const FAR: u32 = 1 << 24;

/// Packets with the same numbers that were not joined, of which it is noted where they are.
const MOST_RESEMBLED: usize = 8;

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
        let mut resembled = Vec::new();
        let exact = self.packets.alike(&piece.like).map(|(slot, _)| slot);
        // Where none has the same timestamps, one that does not show any.
        for slot in exact.chain(std::iter::once_with(|| self.packets.alike_but_for_stamps(&piece.like)).flatten()) {
            let Some(held) = self.packets.get(slot) else { continue };
            if held.connection == place {
                if held.answer == answer {
                    return None;
                }
                continue;
            }
            let score = if self.is_beside(&key, piece, held) { 0 } else { self.affinity(&key, piece, held, &mut similar) };
            if score < ENOUGH || self.come_after_each_other(&key, place, answer, piece, held, at) {
                if resembled.len() < MOST_RESEMBLED {
                    resembled.push(slot);
                }
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
        if best.is_none() {
            self.resemble(place, key.point, &resembled);
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

    /// Notes with both connections where packets with the same numbers are that were not joined.
    fn resemble(&mut self, place: u32, point: u16, resembled: &[u32]) {
        let bit = |point: u16| 1_u128.checked_shl(u32::from(point)).unwrap_or(0);
        for slot in resembled {
            let Some(held) = self.packets.get(*slot) else { continue };
            let Some(other) = self.connections.get_mut(held.connection) else { continue };
            other.resembled |= bit(point);
            let seen = held.sightings.iter().filter_map(|seen| other.spots.get(usize::from(seen.spot)));
            let theirs = seen.fold(0, |points, spot| points | bit(spot.point));
            if let Some(own) = self.connections.get_mut(place) {
                own.resembled |= theirs;
            }
        }
    }

    /// Whether both came the same way through the same interface with other ends: then they are two packets, unless a router sent it back by
    /// the interface that it came in by. That one has the same identification and a lower time to live, another family, or the numbers of
    /// both ends and of both clocks.
    fn is_beside(&self, key: &TrackKey, piece: &Piece, held: &Held) -> bool {
        let Some(other) = self.connections.get(held.connection) else { return false };
        let identified = piece.identification != 0 && piece.identification == held.identification;
        let numbered = piece.like.acknowledges() && piece.like.is_stamped() && piece.like == held.like;
        held.sightings.iter().any(|seen| {
            let Some(spot) = other.spots.get(usize::from(seen.spot)) else { return false };
            let same_way =
                (spot.point, spot.interface, spot.enclosure) == (key.point, key.interface, key.enclosure) && spot.passage == piece.passage;
            let routed = seen.ttl == 0 || piece.ttl == 0 || piece.ttl < seen.ttl;
            let family = spot.source.0.is_ipv4() != key.ends.low.0.is_ipv4();
            same_way && !family && !(routed && (identified || numbered))
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
            // Some firewalls give every packet a new one: the numbers of both ends outweigh that, those of a SYN do not.
            let of_both = piece.like.acknowledges() && piece.flags.0 & (Flags::SYN | Flags::RST) == 0;
            score += if piece.identification == held.identification { 4 } else { [-6, -3][usize::from(of_both)] };
        }
        // Also where neither is known: nothing that was kept speaks against it.
        if piece.print == held.print {
            score += 2;
        }
        score += i32::from(piece.like.is_stamped() && held.like == piece.like) * 2;
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
}
