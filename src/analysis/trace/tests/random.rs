//! Many connections at once, by chance and with the truth: ports and numbers that collide, losses and repetitions, cuts, roads
//! of two to four places, both families.

use proptest::prelude::*;

use super::roads::{MS, Sent, Stop, Traffic};
use super::{ACK, FIN, SYN};
use crate::model::headers::{Enclosure, Tunnel};
use crate::model::packet::Passage;

/// A small generator of numbers, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }
}

/// One connection under way.
struct Conversation {
    road: Vec<Stop>,
    next: [u32; 2],
    at: i64,
    identification: [u16; 2],
    stamped: bool,
    numbered: bool,
}

impl Conversation {
    fn new(chance: &mut Chance, number: u32, points: u16) -> Self {
        let six = chance.one_in(3);
        let end = |net: u32, host: u32, port: u32| {
            if six { format!("[fd10:{net}::{host}]:{port}") } else { format!("10.{net}.0.{host}:{port}") }
        };
        // All clients use few ports; what is behind the masquerade has a port of its own for each, as the kernel chooses them.
        let client = end(1, 1 + number % 7, 40_000 + number / 7);
        let (front, mapped, pod) = (end(2, 1, 443), end(3, 1, 10_000 + number), end(4, 1 + number % 3, 8443));
        let mut road = Vec::new();
        for point in 0..points {
            let (from, to) = match point {
                0 => (client.clone(), front.clone()),
                1 if points > 2 => (client.clone(), pod.clone()),
                _ => (mapped.clone(), pod.clone()),
            };
            let mut stop = Stop::new(point, &from, &to);
            stop.largest = [u32::MAX, u32::MAX, 1448][usize::try_from(chance.below(3)).unwrap()];
            stop.passage = if chance.one_in(2) { Passage::In } else { Passage::Out };
            if point > 0 && chance.one_in(3) {
                stop.enclosure = Enclosure { vlan: 0, tunnel: Some(Tunnel::Vxlan), network: 7 };
            }
            road.push(stop);
        }
        let near_wrap = chance.one_in(3);
        let mut begin = || if near_wrap { u32::MAX - chance.below(20_000) } else { chance.below(u32::MAX) };
        let next = [begin(), begin()];
        let at = i64::from(chance.below(50)) * MS;
        let (first, second) = (chance.below(60_000), chance.below(60_000));
        let identification = [first, second].map(|first| u16::try_from(first + 1).unwrap());
        Self { road, next, at, identification, stamped: chance.one_in(2), numbered: !six }
    }

    fn send(&mut self, traffic: &mut Traffic, chance: &mut Chance, answer: bool, flags: u8, length: u32, passes: usize) {
        let way = usize::from(answer);
        self.at += i64::from(1 + chance.below(400)) * 1000;
        self.identification[way] = self.identification[way].wrapping_add(50).max(1);
        let stamp = u32::try_from(self.at / MS).unwrap();
        let sent = Sent {
            answer,
            flags,
            sequence: self.next[way],
            acknowledgement: if flags & ACK == 0 { 0 } else { self.next[1 - way] },
            length,
            stamps: self.stamped.then_some((stamp, 1)),
            identification: if self.numbered { self.identification[way] } else { 0 },
            passes,
        };
        traffic.send(&self.road, self.at, 100_000 + i64::from(chance.below(1000)), sent);
        self.at += 500_000;
    }

    fn talk(&mut self, traffic: &mut Traffic, chance: &mut Chance) {
        const ALL: usize = usize::MAX;
        if chance.one_in(8) {
            self.send(traffic, chance, false, SYN, 0, 1);
            self.at += 1000 * MS;
        }
        self.send(traffic, chance, false, SYN, 0, ALL);
        self.next[0] = self.next[0].wrapping_add(1);
        self.send(traffic, chance, true, SYN | ACK, 0, ALL);
        self.next[1] = self.next[1].wrapping_add(1);
        self.send(traffic, chance, false, ACK, 0, ALL);
        for _ in 0..chance.below(30) {
            let answer = chance.one_in(2);
            let length = if chance.one_in(3) { 1448 * (1 + chance.below(10)) } else { 1 + chance.below(1448) };
            match chance.below(12) {
                // Lost on the way, and repeated.
                0 => {
                    let passes = 1 + usize::try_from(chance.below(u32::try_from(self.road.len()).unwrap())).unwrap();
                    self.send(traffic, chance, answer, ACK, length, passes);
                    self.at += 200 * MS;
                }
                // The same acknowledgement again and again.
                1 => {
                    for _ in 0..3 {
                        self.send(traffic, chance, !answer, ACK, 0, ALL);
                    }
                }
                _ => {}
            }
            self.send(traffic, chance, answer, ACK | 8, length, ALL);
            let way = usize::from(answer);
            self.next[way] = self.next[way].wrapping_add(length);
            if chance.one_in(2) {
                self.send(traffic, chance, !answer, ACK, 0, ALL);
            }
        }
        for answer in [false, true] {
            self.send(traffic, chance, answer, FIN | ACK, 0, ALL);
            let way = usize::from(answer);
            self.next[way] = self.next[way].wrapping_add(1);
        }
        self.send(traffic, chance, false, ACK, 0, ALL);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn everything_that_several_points_have_seen_is_paired_and_nothing_else(seed in any::<u64>(), count in 1_u32..30, points in 2_u16..=4) {
        let mut chance = Chance(seed);
        let mut traffic = Traffic::default();
        for number in 0..count {
            let mut conversation = Conversation::new(&mut chance, number, points);
            conversation.talk(&mut traffic, &mut chance);
            // The same ends a second time.
            if chance.one_in(4) {
                conversation.next = [chance.below(u32::MAX), chance.below(u32::MAX)];
                conversation.at += 100 * MS;
                conversation.talk(&mut traffic, &mut chance);
            }
        }
        let names = ["a", "b", "c", "d"];
        let joined = traffic.join(&names[..usize::from(points)], &[]);
        joined.assert_true();
        for traced in &joined.traced {
            prop_assert!(traced.not_joined.is_empty(), "{:?}", traced.not_joined);
        }
    }
}
