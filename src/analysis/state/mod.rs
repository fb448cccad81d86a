//! Reads what a place's own tools printed: links, addresses, routes, neighbours, settings, sockets, counters, packet filters.
//!
//! The tools are iproute2's, `iptables-save`, `nft` and /proc; a line that has another form is passed over, so that a
//! reader finds nothing rather than something wrong.

pub mod bgp_sockets;
pub mod conntrack;
pub mod counters;
pub mod counting;
pub mod ipsec;
pub mod netfilter;
pub mod network;
pub mod nftables;
pub mod routes;
pub mod ruleset;
pub mod sections;
pub mod sockets;
pub mod traffic_control;
