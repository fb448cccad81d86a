//! Reads what a place's own tools printed: links, addresses, routes, neighbours, settings, sockets, counters, packet filters.
//!
//! The tools are iproute2's, `iptables-save`, `nft` and /proc; a line that has another form is passed over, so that a
//! reader finds nothing rather than something wrong.

pub mod arp_filters;
pub mod bgp_sockets;
pub mod closer;
pub mod conntrack;
pub mod counters;
pub mod counting;
pub mod data_path;
pub mod forwarding;
pub mod ipsec;
mod ipvs;
pub mod kube_proxy;
pub mod lookup;
pub mod mechanisms;
pub mod netfilter;
pub mod network;
pub mod nftables;
pub mod place_state;
pub mod plugin_rules;
pub mod routes;
pub mod ruleset;
pub mod sections;
pub mod settings;
pub mod sockets;
pub mod traffic_control;
pub mod ways;
