//! Addresses that stand for others: two that share the first bits still do, and which of two is the lower stays.
//!
//! A bit is turned where all addresses of the recording that share what stands before it have the same one: nothing is told apart by it. Within
//! a network that is written with its length no bit is turned, so that its first and last address stay what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

/// The bits of each family that stay: what kind of address it is, and the host within the smallest usual network.
const KEPT_4: (u8, u8) = (8, 24);
const KEPT_6: (u8, u8) = (16, 64);

/// What an address says of itself, in bits: 32 or 128 of them, the first one highest.
type Bits = u128;

/// The addresses of a recording.
pub(super) struct Addresses {
    key: [u8; 32],
    seen: BTreeSet<IpAddr>,
    /// Networks with their lengths.
    networks: BTreeSet<(IpAddr, u8)>,
    /// For each begin of an address, by family and length, the bits that follow it: 1 for 0, 2 for 1.
    next: BTreeMap<(bool, u8, Bits), u8>,
    words: BTreeMap<u32, u32>,
}

impl Addresses {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, seen: BTreeSet::new(), networks: BTreeSet::new(), next: BTreeMap::new(), words: BTreeMap::new() }
    }

    /// Takes notice of one, and of the network that it stands for.
    pub(super) fn seen(&mut self, address: IpAddr, length: Option<u8>) {
        let (wide, (least, _)) = (width(address), kept(address));
        if let Some(length) = length.filter(|length| *length > least && *length < wide) {
            self.networks.insert((begin(address, length), length));
        }
        if !self.seen.insert(address) {
            return;
        }
        for length in 0..wide {
            let bit = u8::from(bits(begin(address, length + 1)) != bits(begin(address, length)));
            *self.next.entry((wide == 32, length, bits(begin(address, length)))).or_default() |= 1 << bit;
        }
    }

    /// All are known.
    pub(super) fn closed(mut self) -> Self {
        let words = |address: IpAddr| match address {
            IpAddr::V4(four) => vec![four.to_bits()],
            IpAddr::V6(six) => (0..4).map(|at| u32::try_from(six.to_bits() >> (96 - 32 * at) & 0xffff_ffff).unwrap_or_default()).collect(),
        };
        let pairs = self.seen.iter().flat_map(|address| words(*address).into_iter().zip(words(self.of(*address, None))));
        self.words = pairs.filter(|(word, other)| word != other).collect();
        self
    }

    /// What stands for a word of an address, as filters have it.
    pub(super) fn word(&self, word: u32) -> Option<u32> {
        self.words.get(&word).copied()
    }

    /// Every address with what stands for it.
    pub(super) fn map(&self) -> impl Iterator<Item = (String, String)> {
        let pairs = self.seen.iter().map(|address| (address.to_string(), self.of(*address, None).to_string()));
        pairs.filter(|(address, other)| address != other)
    }

    /// What stands for an address. Of a network that holds nearly everything, itself.
    pub(super) fn of(&self, address: IpAddr, length: Option<u8>) -> IpAddr {
        let (least, most) = kept(address);
        if is_special(address) || length.is_some_and(|length| length <= least) {
            return address;
        }
        let wide = width(address);
        let mut turned: Bits = 0;
        for at in least..most {
            let before = bits(begin(address, at));
            let within = |length: u8| self.networks.contains(&(begin(address, length), length));
            if (least + 1..=at).any(within) {
                break;
            }
            let alone = self.next.get(&(wide == 32, at, before)).is_none_or(|next| next.count_ones() < 2);
            if alone && self.turns(wide, at, before) {
                turned |= 1 << (wide - 1 - at);
            }
        }
        match address {
            IpAddr::V4(four) => Ipv4Addr::from_bits(four.to_bits() ^ u32::try_from(turned).unwrap_or_default()).into(),
            IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() ^ turned).into(),
        }
    }

    /// A coin that always falls the same way for the same begin of an address.
    fn turns(&self, wide: u8, at: u8, before: Bits) -> bool {
        Sha256::new().chain_update(self.key).chain_update([wide, at]).chain_update(before.to_be_bytes()).finalize()[0] & 1 == 1
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn kept(address: IpAddr) -> (u8, u8) {
    if address.is_ipv4() { KEPT_4 } else { KEPT_6 }
}

fn bits(address: IpAddr) -> Bits {
    match address {
        IpAddr::V4(four) => four.to_bits().into(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// The address with nothing behind its first bits.
fn begin(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => Ipv4Addr::from_bits(four.to_bits() & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)).into(),
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)).into(),
    }
}

/// Addresses that mean the same everywhere.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_loopback() || four.is_link_local() || four.is_multicast() || matches!(four.octets()[0], 0 | 240..=255),
        IpAddr::V6(six) => {
            six.is_loopback() || six.is_unspecified() || six.is_multicast() || six.is_unicast_link_local() || six.segments()[0] == 0
        }
    }
}
