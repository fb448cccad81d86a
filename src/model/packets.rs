//! The packets of a capture, in the order in which they came.
//!
//! They lie in pieces that never move: a vector that grows would need room for all of them twice, just while they come
//! fastest.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::packet::{InterfaceName, Packet};

/// Packets in one piece.
const PIECE: usize = 1024;

/// Names of interfaces that are shared when packets are read from a recording. A node with a hundred pods has more; its packets
/// take a little more room then.
const MOST_NAMES: usize = 64;

/// Packets that can only become more.
#[derive(Clone, Default)]
pub struct Packets {
    /// All full but the last one.
    pieces: Vec<Vec<Packet>>,
}

impl Packets {
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn push(&mut self, packet: Packet) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(packet),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(packet);
                self.pieces.push(piece);
            }
            // Most captures see a few packets.
            None => self.pieces.push(vec![packet]),
        }
    }

    /// The packet that came as the one of that number, counted from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&Packet> {
        self.pieces.get(number / PIECE)?.get(number % PIECE)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Packet> {
        self.into_iter()
    }
}

impl<'a> IntoIterator for &'a Packets {
    type Item = &'a Packet;
    type IntoIter = std::iter::Flatten<std::slice::Iter<'a, Vec<Packet>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.iter().flatten()
    }
}

impl FromIterator<Packet> for Packets {
    fn from_iter<I: IntoIterator<Item = Packet>>(packets: I) -> Self {
        let mut all = Self::default();
        packets.into_iter().for_each(|packet| all.push(packet));
        all
    }
}

impl PartialEq for Packets {
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces
    }
}

impl Eq for Packets {}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Serialize for Packets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for Packets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Reader)
    }
}

/// Takes packets one by one, so that a recording's are never there twice.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Packets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of packets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Packets, A::Error> {
        let mut packets = Packets::default();
        let mut names: Vec<InterfaceName> = Vec::new();
        while let Some(mut packet) = array.next_element::<Packet>()? {
            // As in a live capture: a name is there once, and not with every packet.
            match names.iter().find(|name| **name == packet.interface) {
                Some(known) => packet.interface = known.clone(),
                None if names.len() < MOST_NAMES => names.push(packet.interface.clone()),
                None => {}
            }
            packets.push(packet);
        }
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::{Body, Passage};

    fn packets(count: usize) -> Packets {
        let one = |at: i64| Packet {
            at,
            interface: "mlb".into(),
            passage: Passage::In,
            source_mac: None,
            body: Body::Other,
            tunnel: None,
            outer: None,
            ttl: None,
        };
        (0..).take(count).map(one).collect()
    }

    #[test]
    fn packets_are_found_by_their_number_across_pieces() {
        for count in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let packets = packets(count);
            assert_eq!((packets.len(), packets.iter().count(), packets.is_empty()), (count, count, count == 0));
            for number in [0, 1, PIECE - 1, PIECE, 3 * PIECE] {
                let at = packets.get(number).map(|packet| packet.at);
                assert_eq!(at, (number < count).then(|| i64::try_from(number).unwrap()), "{number} of {count}");
            }
            assert_eq!(packets.get(count), None);
        }
    }

    #[test]
    fn no_piece_ever_moves() {
        let mut packets = packets(PIECE + 1);
        let second = std::ptr::from_ref(packets.get(PIECE).unwrap());
        for packet in &self::packets(2 * PIECE) {
            packets.push(packet.clone());
        }
        assert_eq!(std::ptr::from_ref(packets.get(PIECE).unwrap()), second);
        assert!(packets.pieces[1..].iter().all(|piece| piece.capacity() == PIECE));
    }

    #[test]
    fn they_are_an_array_in_a_recording() {
        let two = packets(2);
        let text = serde_json::to_string(&two).unwrap();
        assert_eq!(text, serde_json::to_string(&two.iter().collect::<Vec<_>>()).unwrap());
        let read: Packets = serde_json::from_str(&text).unwrap();
        assert_eq!(read, two);
        assert!(read.iter().all(|packet| packet.interface.is_shared()));
        assert_ne!(two, packets(3));
    }
}
