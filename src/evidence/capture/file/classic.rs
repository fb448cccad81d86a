//! pcap, as `tcpdump -w` writes it: a head, and packets.

use std::io;

use super::super::decode::bytes_at;
use super::window::Window;
use super::{FilePoint, Found, Unit, damaged};

const HEAD: usize = 24;
const RECORD: usize = 16;
/// Packets of the form that Alexey Kuznetsov's patched libpcap wrote have eight bytes more.
const PATCHED: usize = 8;

/// A pcap file.
pub(super) struct Classic {
    pub(super) point: FilePoint,
    little: bool,
    nanoseconds: bool,
    record: usize,
}

impl Classic {
    /// Reads the head; `None` when it is none.
    pub(super) fn begin(window: &mut Window) -> io::Result<Option<Self>> {
        if !window.need(HEAD)? {
            return Ok(None);
        }
        let magic: [u8; 4] = bytes_at(window.here(), 0).unwrap_or_default();
        let (little, nanoseconds, record) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (true, false, RECORD),
            [0xa1, 0xb2, 0xc3, 0xd4] => (false, false, RECORD),
            [0x4d, 0x3c, 0xb2, 0xa1] => (true, true, RECORD),
            [0xa1, 0xb2, 0x3c, 0x4d] => (false, true, RECORD),
            [0x34, 0xcd, 0xb2, 0xa1] => (true, false, RECORD + PATCHED),
            [0xa1, 0xb2, 0xcd, 0x34] => (false, false, RECORD + PATCHED),
            _ => return Ok(None),
        };
        // The upper bits say how long the frame's check sequence is.
        // The other half tells of a frame's check sequence, which stands behind what is read.
        let link_type = number(window.here(), 20, little) & 0xffff;
        window.pass(HEAD);
        Ok(Some(Self { point: FilePoint { link_type, ..FilePoint::default() }, little, nanoseconds, record }))
    }

    pub(super) fn advance(&mut self, window: &mut Window) -> io::Result<Option<Found>> {
        if !window.need(self.record)? {
            return if window.here().is_empty() { Ok(None) } else { Err(damaged("the file ends within a packet")) };
        }
        let [seconds, fraction, kept, original_len] = [0, 4, 8, 12].map(|at| number(window.here(), at, self.little));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let whole = kept.saturating_add(self.record);
        if !window.need(whole)? {
            return Err(damaged("the file ends within a packet"));
        }
        let at = window.pass(whole) + self.record;
        let fraction = if self.nanoseconds { i64::from(fraction) } else { Unit::Decimal(6).nanoseconds(u64::from(fraction)) };
        let at_ns = i64::from(seconds) * 1_000_000_000 + fraction;
        Ok(Some(Found { point: 0, at: at_ns, timed: true, original_len, link_type: self.point.link_type, data: (at, kept) }))
    }
}

fn number(bytes: &[u8], at: usize, little: bool) -> u32 {
    let bytes = bytes_at(bytes, at).unwrap_or_default();
    if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
}
