//! Address ranges as MetalLB's pools write them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::metallb::Pool;

/// The two families, each counted on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// From the first address to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: IpAddr,
    pub last: IpAddr,
}

impl Range {
    /// Whether it holds the address. A range of two families holds nothing.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let family = Family::of(address);
        Family::of(self.first) == family && Family::of(self.last) == family && self.first <= address && address <= self.last
    }

    /// Whether any address lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.holds(other.first) || other.holds(self.first)
    }

    /// How many addresses of the family it has, without those ending in .0 and .255 when they are avoided.
    fn count(&self, family: Family, without_last_octets: bool) -> u128 {
        match (family, self.first, self.last) {
            (Family::V4, IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
                let (first, last) = (u64::from(u32::from(first)), u64::from(u32::from(last)));
                let avoided = if without_last_octets { odd_octets(last + 1) - odd_octets(first) } else { 0 };
                u128::from(last + 1 - first - avoided)
            }
            (Family::V6, IpAddr::V6(first), IpAddr::V6(last)) if first <= last => (u128::from(last) - u128::from(first)).saturating_add(1),
            _ => 0,
        }
    }
}

/// How many of the addresses from 0 up to, not including, `end` have the last octet 0 or 255.
const fn odd_octets(end: u64) -> u64 {
    let begun = !end.is_multiple_of(256);
    end / 256 * 2 + begun as u64
}

/// A range as it is written, `A-B` or CIDR.
///
/// # Errors
/// What MetalLB refuses, in its own words (`config.ParseCIDR`).
pub fn range(text: &str) -> Result<Range, String> {
    let Some((first, last)) = text.split_once('-') else {
        let net = text.parse::<IpNet>().map_err(|_| format!("invalid CIDR \"{text}\""))?;
        return Ok(Range { first: net.network(), last: end_of(&net) });
    };
    let begin = first.trim().parse::<IpAddr>().map_err(|_| format!("invalid IP range \"{text}\": invalid start IP \"{first}\""))?;
    let end = last.trim().parse::<IpAddr>().map_err(|_| format!("invalid IP range \"{text}\": invalid end IP \"{last}\""))?;
    if begin > end {
        return Err(format!("invalid IP range \"{text}\": start IP \"{begin}\" is after the end IP \"{end}\""));
    }
    Ok(Range { first: begin, last: end })
}

/// The last address of a network; `IpNet::broadcast` is that for IPv6 too.
fn end_of(net: &IpNet) -> IpAddr {
    net.broadcast()
}

/// The pool whose ranges hold the address.
#[must_use]
pub fn pool_of(pools: &[Pool], address: IpAddr) -> Option<&Pool> {
    pools.iter().find(|pool| holds(pool, address))
}

/// Whether the pool's ranges hold the address. A range that does not parse holds nothing.
#[must_use]
pub fn holds(pool: &Pool, address: IpAddr) -> bool {
    pool.addresses.iter().filter_map(|text| range(text).ok()).any(|range| range.holds(address))
}

/// Whether the pool may give the address: it holds it, and does not avoid it for its last octet.
#[must_use]
pub fn gives(pool: &Pool, address: IpAddr) -> bool {
    holds(pool, address) && !(pool.avoid_buggy_ips && odd_last_octet(address).is_some())
}

/// A pool's ranges, read once for many questions.
pub struct Ranges {
    /// In the order of their beginnings, and none within another.
    ranges: Vec<Range>,
    avoids_odd: bool,
}

impl Ranges {
    /// The ranges of the pool that parse.
    #[must_use]
    pub fn of(pool: &Pool) -> Self {
        let mut all: Vec<Range> = pool.addresses.iter().filter_map(|text| range(text).ok()).collect();
        all.retain(|range| Family::of(range.first) == Family::of(range.last));
        all.sort_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
        let mut ranges: Vec<Range> = Vec::new();
        for range in all {
            if ranges.last().is_none_or(|last| last.last < range.last) {
                ranges.push(range);
            }
        }
        Self { ranges, avoids_odd: pool.avoid_buggy_ips }
    }

    /// Whether the pool may give the address, as [`gives`] says it.
    #[must_use]
    pub fn give(&self, address: IpAddr) -> bool {
        let behind = self.ranges.partition_point(|range| range.first <= address);
        let held = behind.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|range| range.holds(address));
        held && !(self.avoids_odd && odd_last_octet(address).is_some())
    }
}

/// The last octet, when it is 0 or 255.
#[must_use]
pub fn odd_last_octet(address: IpAddr) -> Option<u8> {
    let IpAddr::V4(v4) = address else { return None };
    let [.., last] = v4.octets();
    (last == 0 || last == 255).then_some(last)
}

/// How many addresses of the family the pool can give in all.
#[must_use]
pub fn capacity(pool: &Pool, family: Family) -> u128 {
    pool.addresses
        .iter()
        .filter_map(|text| range(text).ok())
        .map(|range| range.count(family, pool.avoid_buggy_ips))
        .fold(0, u128::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::{Family, capacity, gives, pool_of, range};
    use crate::analysis::read::metallb::pool;
    use crate::model::metallb::Pool;
    use serde_json::json;

    fn check(text: &str, address: &str, expected: bool) {
        assert_eq!(range(text).is_ok_and(|range| range.holds(address.parse().unwrap())), expected, "{text} {address}");
    }

    fn sized(addresses: &[&str], avoid: bool) -> Pool {
        pool(&json!({"metadata": {"name": "p"}, "spec": {"addresses": addresses, "avoidBuggyIPs": avoid}}))
    }

    #[test]
    fn ranges_hold_what_lies_between() {
        check("10.88.64.100-10.88.64.120", "10.88.64.100", true);
        check("10.88.64.100 - 10.88.64.120", "10.88.64.120", true);
        check("10.88.64.100-10.88.64.120", "10.88.64.121", false);
        check("10.88.64.100/32", "10.88.64.100", true);
        check("10.88.64.77/24", "10.88.64.1", true);
        check("fd10::/64", "10.88.64.100", false);
        check("fd10::1-fd10::9", "fd10::5", true);
        check("10.0.0.1-fd10::9", "10.0.0.5", false);
        check("nonsense", "10.0.0.1", false);
    }

    /// The texts that MetalLB's webhook gave (0.13.12 to 0.16.1 alike).
    #[test]
    fn a_refused_range_is_refused_in_metallbs_words() {
        assert_eq!(
            range("10.88.64.300-10.88.64.310").unwrap_err(),
            "invalid IP range \"10.88.64.300-10.88.64.310\": invalid start IP \"10.88.64.300\""
        );
        assert_eq!(range("10.0.0.0/33").unwrap_err(), "invalid CIDR \"10.0.0.0/33\"");
        assert_eq!(
            range("10.0.0.9-10.0.0.1").unwrap_err(),
            "invalid IP range \"10.0.0.9-10.0.0.1\": start IP \"10.0.0.9\" is after the end IP \"10.0.0.1\""
        );
    }

    #[test]
    fn addresses_are_counted_by_family() {
        assert_eq!(capacity(&sized(&["10.0.0.1-10.0.0.4", "fd10::/120"], false), Family::V4), 4);
        assert_eq!(capacity(&sized(&["10.0.0.1-10.0.0.4", "fd10::/120"], false), Family::V6), 256);
        assert_eq!(capacity(&sized(&["10.0.0.4-10.0.0.1", "nonsense"], false), Family::V4), 0);
        assert_eq!(capacity(&sized(&["::/0", "fd10::/64"], false), Family::V6), u128::MAX);
    }

    #[test]
    fn avoided_octets_make_a_pool_smaller() {
        assert_eq!(capacity(&sized(&["10.0.0.0/24"], true), Family::V4), 254);
        assert_eq!(capacity(&sized(&["10.0.0.254-10.0.1.1"], true), Family::V4), 2);
        assert_eq!(capacity(&sized(&["10.0.0.0/31"], true), Family::V4), 1);
        assert_eq!(capacity(&sized(&["10.0.0.255/32"], true), Family::V4), 0);
        let avoiding = sized(&["10.0.0.0/24"], true);
        assert!(!gives(&avoiding, "10.0.0.255".parse().unwrap()));
        assert!(pool_of(&[avoiding], "10.0.0.255".parse().unwrap()).is_some());
    }

    #[test]
    fn overlapping_is_sharing_an_address() {
        let overlaps = |a: &str, b: &str| range(a).unwrap().overlaps(&range(b).unwrap());
        assert!(overlaps("10.88.64.100-10.88.64.120", "10.88.64.110-10.88.64.111"));
        assert!(overlaps("10.88.64.110-10.88.64.130", "10.88.64.100-10.88.64.120"));
        assert!(!overlaps("10.88.64.100-10.88.64.109", "10.88.64.110/31"));
        assert!(!overlaps("fd10::/64", "10.0.0.0/8"));
    }

    #[test]
    fn ranges_that_were_read_once_give_what_the_pool_gives() {
        let texts =
            ["10.0.0.0/24", "10.0.0.5-10.0.0.9", "10.0.2.3-10.0.2.3", "fd10::/120", "10.0.3.0-fd00::1", "no range", "10.0.0.200-10.0.1.7"];
        for avoid_buggy_ips in [false, true] {
            let pool = sized(&texts, avoid_buggy_ips);
            let ranges = super::Ranges::of(&pool);
            for number in 0..1_024_u32 {
                let address = std::net::IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + number));
                assert_eq!(ranges.give(address), super::gives(&pool, address), "{address}");
            }
            for text in ["fd10::", "fd10::ff", "fd10::100", "9.9.9.9", "fd00::"] {
                let address = text.parse().unwrap();
                assert_eq!(ranges.give(address), super::gives(&pool, address), "{address}");
            }
        }
    }
}
