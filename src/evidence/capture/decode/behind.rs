//! What may stand between a link header and IP: VLAN tags, MPLS labels, `PPPoE` sessions, and LLC where a length stands for the kind.

use super::bytes_at;
use crate::model::headers::Hidden;

/// Tags, labels and sessions one behind the other: two are usual with providers.
const MOST: u8 = 8;

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const ARP: u16 = 0x0806;
/// `LINUX_SLL_P_802_2`: what cooked captures write for a frame with LLC.
const COOKED_LLC: u16 = 4;
/// Below it the number is a length: IEEE 802.3, section 3.2.6.
const FIRST_KIND: u16 = 0x0600;

/// What is left once all that is known was taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behind<'a> {
    /// The kind of what is left; `None` for bare IP.
    pub(super) kind: Option<u16>,
    /// The innermost VLAN tag, 0 for none.
    pub(super) vlan: u16,
    pub(super) rest: &'a [u8],
}

impl Behind<'_> {
    /// Whether it is IP.
    ///
    /// # Errors
    /// What a packet may be hidden in; nothing, when it is none of any connection.
    pub(super) fn ip(&self) -> Result<(), Option<Hidden>> {
        match self.kind {
            None | Some(IPV4 | IPV6) => Ok(()),
            Some(kind) if kind < FIRST_KIND || housekeeping(kind) => Err(None),
            Some(kind) => Err(Some(Hidden::EtherType(kind))),
        }
    }
}

/// Takes off what is known.
pub(super) fn behind(kind: Option<u16>, data: &[u8]) -> Behind<'_> {
    let mut behind = Behind { kind, vlan: 0, rest: data };
    for _ in 0..MOST {
        let Some((kind, taken)) = behind.kind.and_then(|kind| next(kind, behind.rest)) else { break };
        if matches!(behind.kind, Some(0x8100 | 0x88a8 | 0x9100)) {
            behind.vlan = u16::from_be_bytes(bytes_at(behind.rest, 0).unwrap_or_default()) & 0x0fff;
        }
        behind = Behind { kind: Some(kind), rest: behind.rest.get(taken..).unwrap_or_default(), ..behind };
    }
    behind
}

/// The kind of what stands behind one layer, and the bytes of that layer.
fn next(kind: u16, data: &[u8]) -> Option<(u16, usize)> {
    match kind {
        0x8100 | 0x88a8 | 0x9100 => Some((u16::from_be_bytes(bytes_at(data, 2)?), 4)),
        0x8847 | 0x8848 => labels(data),
        // Version 1, type 1, a session's data: RFC 2516, section 4. The numbers of PPP: RFC 1661.
        0x8864 if data.starts_with(&[0x11, 0]) => match u16::from_be_bytes(bytes_at(data, 6)?) {
            0x0021 => Some((IPV4, 8)),
            0x0057 => Some((IPV6, 8)),
            _ => None,
        },
        COOKED_LLC => llc(data),
        length if length < FIRST_KIND => llc(data),
        _ => None,
    }
}

/// MPLS says nothing of what it carries: the first four bits behind the last label do, as RFC 4928 keeps them for it.
fn labels(data: &[u8]) -> Option<(u16, usize)> {
    let count = data.chunks_exact(4).take(usize::from(MOST)).position(|label| label[2] & 1 == 1)? + 1;
    match data.get(count * 4)? >> 4 {
        4 => Some((IPV4, count * 4)),
        6 => Some((IPV6, count * 4)),
        _ => None,
    }
}

/// LLC with SNAP, whose organisation 0 says an ether type (RFC 1042), or LLC's own number for IP.
fn llc(data: &[u8]) -> Option<(u16, usize)> {
    match data {
        [0xaa, 0xaa, 3, 0, 0, 0, high, low, ..] => Some((u16::from_be_bytes([*high, *low]), 8)),
        [6, 6, 3, ..] => Some((IPV4, 3)),
        _ => None,
    }
}

/// What no connection passes in: ARP, discovery of `PPPoE` and of neighbours, keys of a port, clocks, flow control, bonds.
fn housekeeping(kind: u16) -> bool {
    matches!(kind, ARP | 0x8035 | 0x0842 | 0x8863 | 0x8808 | 0x8809 | 0x888e | 0x8899 | 0x88cc | 0x88f7 | 0x8902 | 0x9000)
}
