//! IP's own headers as plain numbers, with what stands between them and the transport header.

use std::net::IpAddr;

use super::super::bytes_at;
use crate::model::headers::{Rest, fragments_of};

/// IPv6 extension headers before the transport header.
const MOST_EXTENSIONS: u8 = 8;

/// An IP header, and what lies behind it.
pub(super) struct Ip<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) identification: u32,
    pub(super) ttl: u8,
    pub(super) fragment: u32,
    pub(super) more: bool,
    /// Bytes up to the payload, and of these those that are cut as payload is.
    pub(super) header: u32,
    pub(super) behind: u32,
    /// Bytes behind the IP headers on the wire.
    pub(super) carried: u32,
    pub(super) payload: &'a [u8],
}

pub(super) fn v4(data: &[u8], wire: u32) -> Option<Ip<'_>> {
    let header: [u8; 20] = bytes_at(data, 0)?;
    let size = usize::from(header[0] & 0x0f) * 4;
    let total = u32::from(u16::from_be_bytes([header[2], header[3]]));
    let total = if total == 0 { wire } else { total };
    let fragment = u16::from_be_bytes([header[6], header[7]]);
    let carried = total.checked_sub(u32::from(header[0] & 0x0f) * 4)?;
    let mut ip = Ip {
        source: IpAddr::from(bytes_at::<4>(&header, 12)?),
        destination: IpAddr::from(bytes_at::<4>(&header, 16)?),
        protocol: header[9],
        identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
        ttl: header[8],
        fragment: u32::from(fragment & 0x1fff) * 8,
        more: fragment & 0x2000 != 0,
        header: u32::from(header[0] & 0x0f) * 4,
        behind: 0,
        carried,
        payload: within(data.get(size.max(20)..)?, carried),
    };
    ip.authentication();
    Some(ip)
}

pub(super) fn v6(data: &[u8], wire: u32) -> Option<Ip<'_>> {
    let header: [u8; 40] = bytes_at(data, 0)?;
    let said = u32::from(u16::from_be_bytes([header[4], header[5]]));
    let carried = if said == 0 { wire.saturating_sub(40) } else { said };
    let mut ip = Ip {
        source: IpAddr::from(bytes_at::<16>(&header, 8)?),
        destination: IpAddr::from(bytes_at::<16>(&header, 24)?),
        protocol: header[6],
        identification: 0,
        ttl: header[7],
        fragment: 0,
        more: false,
        header: 40,
        behind: 0,
        carried,
        payload: within(data.get(40..)?, carried),
    };
    for _ in 0..MOST_EXTENSIONS {
        match ip.protocol {
            // Hop by hop, routing, destination options, mobility.
            0 | 43 | 60 | 135 => {
                let [next, words] = bytes_at(ip.payload, 0)?;
                ip.skip(next, usize::from(words) * 8 + 8)?;
            }
            44 => {
                let part: [u8; 8] = bytes_at(ip.payload, 0)?;
                let place = u16::from_be_bytes([part[2], part[3]]);
                ip.identification = u32::from_be_bytes([part[4], part[5], part[6], part[7]]);
                ip.fragment = u32::from(place & 0xfff8);
                ip.more = place & 1 != 0;
                ip.skip(part[0], 8)?;
                ip.behind = 0;
                // Behind another than the first fragment's header stands payload, whatever it may look like.
                if ip.fragment != 0 {
                    break;
                }
            }
            51 => ip.authentication(),
            _ => break,
        }
    }
    Some(ip)
}

impl Ip<'_> {
    /// Passes over an extension header.
    fn skip(&mut self, next: u8, size: usize) -> Option<()> {
        let bytes = u32::try_from(size).ok()?;
        self.protocol = next;
        self.payload = self.payload.get(size..)?;
        self.carried = self.carried.checked_sub(bytes)?;
        self.header += bytes;
        self.behind += bytes;
        Some(())
    }

    /// What its further fragments are known by, when it is the first of several. `inside`: bytes of its payload ahead of the transport header.
    pub(super) fn rest(&self, inside: u32, outer: bool) -> Option<Rest> {
        let of = || fragments_of(self.source, self.destination, self.identification);
        (self.more && self.fragment == 0).then(|| Rest { of: of(), before: self.behind + inside, outer })
    }

    /// Passes over an authentication header, which counts in words of four bytes, less two.
    fn authentication(&mut self) {
        if self.protocol == 51
            && self.fragment == 0
            && let Some([next, words]) = bytes_at(self.payload, 0)
        {
            self.skip(next, usize::from(words) * 4 + 8);
        }
    }
}

/// What was captured of so many bytes: Ethernet pads short frames.
pub(super) fn within(data: &[u8], carried: u32) -> &[u8] {
    &data[..data.len().min(usize::try_from(carried).unwrap_or(usize::MAX))]
}

pub(super) fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap_or(u32::MAX)
}
