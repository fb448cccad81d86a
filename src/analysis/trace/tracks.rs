//! The tracks of packets: which connection the ends at one place belong to, and where on it a packet passes.

use super::Joiner;
use super::connections::{Delay, End, MOST_SPOTS, NO_SPOT, Open, Spot, Track, TrackKey, Usual, passage_number};
use super::packets::NONE;
use super::piece::Piece;
use crate::model::packet::Passage;

impl Joiner {
    /// The connection of a track, and whether a packet that goes upwards there is an answer.
    pub(super) fn direction(&self, track: u32, upwards: bool) -> Option<(u32, bool)> {
        let track = self.tracks.get(track)?;
        Some((track.connection, upwards != track.low_is_client))
    }

    /// A track that was not there before, in a connection of its own until it is joined.
    pub(super) fn begin(&mut self, key: TrackKey, source: End, destination: End, piece: &Piece, at: i64) -> u32 {
        self.begun += 1;
        let connection = self.connections.add(Open::new(self.begun, key.protocol, at));
        // Numbers tell generations apart as well as anything: none is used twice.
        if let Some(open) = self.connections.get_mut(connection) {
            open.generation = u32::try_from(self.begun & 0xffff_ffff).unwrap_or(0);
        }
        let from_client = if piece.flags.is_syn() {
            true
        } else if piece.flags.is_syn_ack() {
            false
        } else if key.protocol == 6 {
            // Who began was not seen: servers have the lower port nearly always.
            source.1 >= destination.1
        } else {
            source.1 >= 1024 || destination.1 < 1024
        };
        let low_is_client = (source == key.ends.low) == from_client;
        let track = self.tracks.add(Track { key, connection, low_is_client, spots: [[NO_SPOT; 3]; 2] });
        if let Some(open) = self.connections.get_mut(connection) {
            open.tracks.push(track);
        }
        self.by_key.insert(key, track);
        track
    }

    /// Whether a SYN begins another connection between the same ends: ports are used again.
    pub(super) fn begins_anew(&self, track: u32, upwards: bool, piece: &Piece) -> bool {
        if !piece.flags.is_syn() || piece.like.protocol != 6 {
            return false;
        }
        let Some(open) = self.tracks.get(track).and_then(|track| self.connections.get(track.connection)) else { return false };
        let answer = self.direction(track, upwards).is_some_and(|(_, answer)| answer);
        match open.initial[usize::from(answer)] {
            Some(initial) => initial != piece.like.start(),
            // A connection that was not seen to begin: a SYN with numbers far from what it sends now is not its own.
            None => open.reached[usize::from(answer)].is_some_and(|reached| reached != piece.like.start().wrapping_add(1)),
        }
    }

    /// Takes the track's ends away from its connection and gives them to a new one. The old one goes on to wait for what
    /// other points show of it.
    pub(super) fn renew(&mut self, track: u32, source: End, destination: End, piece: &Piece, at: i64) -> u32 {
        let Some(key) = self.tracks.get(track).map(|track| track.key) else { return track };
        self.by_key.remove(&key);
        self.begin(key, source, destination, piece, at)
    }

    /// The spot of a track by direction and passage.
    pub(super) fn spot(&mut self, track: u32, answer: bool, passage: Passage, upwards: bool, at: i64) -> u16 {
        let Some(used) = self.tracks.get_mut(track) else { return NO_SPOT };
        let known = used.spots[usize::from(answer)][passage_number(passage)];
        if known != NO_SPOT {
            return known;
        }
        let other = used.spots[usize::from(!answer)];
        let place = &mut used.spots[usize::from(answer)][passage_number(passage)];
        let key = used.key;
        let (source, destination) = if upwards { (key.ends.low, key.ends.high) } else { (key.ends.high, key.ends.low) };
        let Some(open) = self.connections.get_mut(used.connection) else { return NO_SPOT };
        if open.spots.len() >= MOST_SPOTS {
            return NO_SPOT;
        }
        *place = u16::try_from(open.spots.len()).unwrap_or(NO_SPOT);
        // Where packets went one way they come back another one: both are known of each other.
        let others: Vec<u16> = other.into_iter().filter(|spot| *spot != NO_SPOT).collect();
        for spot in &others {
            if let Some(spot) = open.spots.get_mut(usize::from(*spot)) {
                spot.both_ways = true;
            }
        }
        let both_ways = !others.is_empty();
        open.spots.push(Spot {
            point: key.point,
            interface: key.interface,
            enclosure: key.enclosure,
            passage,
            answer,
            source,
            destination,
            packets: 0,
            bytes: 0,
            first_at: at,
            again: 0,
            ttl: 0,
            both_ways,
            one_way: 0,
            missing: 0,
            not_captured: 0,
            delay: Delay::default(),
            usual: Usual::default(),
            cursor: (NONE, 0),
        });
        *place
    }
}
