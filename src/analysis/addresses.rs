//! Address ranges as MetalLB's pools write them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::metallb::Pool;

/// Whether a range, `A-B` or CIDR, holds the address. A range that does not parse holds nothing.
#[must_use]
pub fn range_holds(range: &str, address: IpAddr) -> bool {
    if let Some((first, last)) = range.split_once('-') {
        let (Ok(first), Ok(last)) = (first.trim().parse::<IpAddr>(), last.trim().parse::<IpAddr>()) else { return false };
        return first.is_ipv4() == address.is_ipv4() && last.is_ipv4() == address.is_ipv4() && first <= address && address <= last;
    }
    range.trim().parse::<IpNet>().is_ok_and(|net| net.contains(&address))
}

/// How many IPv4 addresses a range has; 0 when it does not parse or is IPv6.
#[must_use]
pub fn range_size_v4(range: &str) -> u64 {
    if let Some((first, last)) = range.split_once('-') {
        return match (first.trim().parse(), last.trim().parse()) {
            (Ok(IpAddr::V4(first)), Ok(IpAddr::V4(last))) => (u64::from(u32::from(last)) + 1).saturating_sub(u64::from(u32::from(first))),
            _ => 0,
        };
    }
    match range.trim().parse::<IpNet>() {
        Ok(IpNet::V4(net)) => 1_u64 << (32 - net.prefix_len()),
        _ => 0,
    }
}

/// The pool that holds the address.
#[must_use]
pub fn pool_of(pools: &[Pool], address: IpAddr) -> Option<&Pool> {
    pools.iter().find(|pool| pool.addresses.iter().any(|range| range_holds(range, address)))
}

#[cfg(test)]
mod tests {
    use super::{range_holds, range_size_v4};

    fn check(range: &str, address: &str, expected: bool) {
        assert_eq!(range_holds(range, address.parse().unwrap()), expected, "{range} {address}");
    }

    #[test]
    fn ranges_hold_what_lies_between() {
        check("10.88.64.100-10.88.64.120", "10.88.64.100", true);
        check("10.88.64.100-10.88.64.120", "10.88.64.121", false);
        check("10.88.64.100/32", "10.88.64.100", true);
        check("fd10::/64", "10.88.64.100", false);
        check("fd10::1-fd10::9", "fd10::5", true);
        check("nonsense", "10.0.0.1", false);
    }

    #[test]
    fn ranges_are_counted() {
        assert_eq!(range_size_v4("10.0.0.1-10.0.0.4"), 4);
        assert_eq!(range_size_v4("10.0.0.0/30"), 4);
        assert_eq!(range_size_v4("10.0.0.4-10.0.0.1"), 0);
    }
}
