//! pcapng, as Wireshark and `--pcap` write it: sections of blocks, in the byte order that each section says.

use std::collections::BTreeMap;
use std::io;

use super::super::decode::bytes_at;
use super::window::{LARGEST, Window};
use super::{FilePoint, Found, Unit, damaged};

/// The first bytes of a section, the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;
/// What stands around a block's body: its kind and its length before it, its length behind it.
const AROUND: usize = 12;
/// More interfaces than any capture has: a file that tells of more is broken.
const MOST_INTERFACES: usize = 4096;

/// A pcapng file.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) points: Vec<FilePoint>,
    /// Where the interfaces of this section begin among all points.
    first: usize,
    little: bool,
    /// A packet without a time of its own takes that of the one before.
    last_at: i64,
    /// What was counted as lost on interfaces that no block has told of, by their place.
    unplaced: BTreeMap<usize, u64>,
}

impl Blocks {
    pub(super) fn advance(&mut self, window: &mut Window) -> io::Result<Option<Found>> {
        loop {
            if !window.need(AROUND)? {
                self.spread();
                return if window.here().is_empty() { Ok(None) } else { Err(damaged("the file ends within a block")) };
            }
            if window.here().starts_with(&SECTION) {
                self.section(window)?;
            }
            let kind = self.number(window.here(), 0);
            let size = usize::try_from(self.number(window.here(), 4)).unwrap_or(usize::MAX);
            if !(AROUND..=LARGEST).contains(&size) || !size.is_multiple_of(4) {
                return Err(damaged(format!("a block of {size} bytes")));
            }
            if !window.need(size)? {
                return Err(damaged("the file ends within a block"));
            }
            let at = window.pass(size) + 8;
            let body = window.passed((at, size - AROUND)).unwrap_or_default();
            match kind {
                INTERFACE => self.interface(body)?,
                STATISTICS => self.statistics(body),
                PACKET | OLD_PACKET | SIMPLE_PACKET => {
                    let found = self.packet(kind, body).ok_or_else(|| damaged("a packet that says nothing true of itself"))?;
                    self.last_at = found.at;
                    self.lost_before(kind, body, &found);
                    return Ok(Some(Found { data: (at + found.data.0, found.data.1), ..found }));
                }
                _ => {}
            }
        }
    }

    /// A new section has interfaces of its own, and perhaps another byte order.
    fn section(&mut self, window: &Window) -> io::Result<()> {
        self.little = match bytes_at(window.here(), 8) {
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => true,
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => false,
            _ => return Err(damaged("a section without a byte order")),
        };
        self.spread();
        self.first = self.points.len();
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> io::Result<()> {
        if self.points.len() >= MOST_INTERFACES {
            return Err(damaged(format!("more than {MOST_INTERFACES} interfaces")));
        }
        let mut point = FilePoint { link_type: u32::from(self.short(body, 0)), ..FilePoint::default() };
        let mut seconds = 0;
        self.options(body, 8, |code, value| match (code, value) {
            (2, name) => point.name = Some(crate::model::text::one_line(&String::from_utf8_lossy(name))),
            (9, [power, ..]) if power & 0x80 == 0 => point.unit = Unit::Decimal(*power),
            (9, [power, ..]) => point.unit = Unit::Binary(power & 0x7f),
            (14, value) => seconds = i64::from_be_bytes(self.ordered(value)),
            _ => {}
        });
        point.offset = seconds.saturating_mul(1_000_000_000);
        point.dropped = self.unplaced.remove(&self.points.len());
        self.points.push(point);
        Ok(())
    }

    /// What the capture counted: packets that the interface and the system lost. Where that is told more than once, the worst is true.
    fn statistics(&mut self, body: &[u8]) {
        let mut dropped: Option<u64> = None;
        self.options(body, 12, |code, value| {
            if matches!(code, 5 | 7) && value.len() == 8 {
                dropped = Some(dropped.unwrap_or(0).saturating_add(u64::from_be_bytes(self.ordered(value))));
            }
        });
        let place = self.first.saturating_add(usize::try_from(self.number(body, 0)).unwrap_or(usize::MAX));
        let Some(dropped) = dropped else { return };
        if let Some(point) = self.points.get_mut(place) {
            point.dropped = point.dropped.max(Some(dropped));
        } else if self.unplaced.len() < MOST_INTERFACES {
            let known = self.unplaced.entry(place).or_default();
            *known = dropped.max(*known);
        }
    }

    /// Whose packets were lost on an interface that is never told of, nobody knows: any of the section's may be the one.
    fn spread(&mut self) {
        let worst = self.unplaced.values().copied().max();
        self.unplaced.clear();
        if let Some(worst) = worst.filter(|worst| *worst > 0) {
            for point in self.points.iter_mut().skip(self.first) {
                point.dropped = point.dropped.max(Some(worst));
            }
        }
    }

    /// What a packet says of those that were lost before it on its interface.
    fn lost_before(&mut self, kind: u32, body: &[u8], found: &Found) {
        let mut lost = 0_u64;
        match kind {
            // All bits say that nobody counted.
            OLD_PACKET => lost = Some(self.short(body, 2)).filter(|count| *count != u16::MAX).map_or(0, u64::from),
            PACKET => self.options(body, found.data.0 + found.data.1.next_multiple_of(4), |code, value| {
                if code == 4 && value.len() == 8 {
                    lost = lost.saturating_add(u64::from_be_bytes(self.ordered(value)));
                }
            }),
            _ => {}
        }
        if lost > 0
            && let Some(point) = self.points.get_mut(found.point)
        {
            point.lost_between = point.lost_between.saturating_add(lost);
            point.dropped = point.dropped.max(Some(point.lost_between));
        }
    }

    /// A packet of any of the three kinds; its data's place counts from the body's begin.
    fn packet(&self, kind: u32, body: &[u8]) -> Option<Found> {
        let (interface, kept, original_len, from): (u32, u32, u32, usize) = match kind {
            SIMPLE_PACKET => {
                let original = self.number(body, 0);
                (0, u32::try_from(body.len().saturating_sub(4)).ok()?.min(original), original, 4)
            }
            OLD_PACKET => (u32::from(self.short(body, 0)), self.number(body, 12), self.number(body, 16), 20),
            _ => (self.number(body, 0), self.number(body, 12), self.number(body, 16), 20),
        };
        let place = self.first.checked_add(usize::try_from(interface).ok()?)?;
        let point = self.points.get(place)?;
        let at = if kind == SIMPLE_PACKET {
            self.last_at
        } else {
            let count = u64::from(self.number(body, 4)) << 32 | u64::from(self.number(body, 8));
            point.unit.nanoseconds(count).saturating_add(point.offset)
        };
        let kept = usize::try_from(kept).ok()?;
        body.get(from..from.checked_add(kept)?)?;
        Some(Found { point: place, at, timed: kind != SIMPLE_PACKET, original_len, link_type: point.link_type, data: (from, kept) })
    }

    /// Gives every option behind a block's fixed part.
    fn options(&self, body: &[u8], from: usize, mut take: impl FnMut(u16, &[u8])) {
        let mut rest = body.get(from..).unwrap_or_default();
        while rest.len() >= 4 {
            let (code, size) = (self.short(rest, 0), usize::from(self.short(rest, 2)));
            let Some(value) = rest.get(4..4 + size).filter(|_| code != 0) else { break };
            take(code, value);
            rest = rest.get(4 + size.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn number(&self, bytes: &[u8], at: usize) -> u32 {
        let bytes = bytes_at(bytes, at).unwrap_or_default();
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn short(&self, bytes: &[u8], at: usize) -> u16 {
        let bytes = bytes_at(bytes, at).unwrap_or_default();
        if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    /// Eight bytes in the order of the network.
    fn ordered(&self, bytes: &[u8]) -> [u8; 8] {
        let mut bytes: [u8; 8] = bytes_at(bytes, 0).unwrap_or_default();
        if self.little {
            bytes.reverse();
        }
        bytes
    }
}
