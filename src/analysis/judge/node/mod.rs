//! Inside a node: what takes a packet between where it came in and where it should leave.

mod connection_rules;
mod dead_gateway;
mod filter_rules;
pub(super) mod filters;
pub(super) mod forwarding;
pub(super) mod frames;
pub(super) mod gone;
pub(super) mod hairpin;
pub(super) mod inside;
pub(super) mod kube_proxy;
mod over_bridge;
pub(super) mod packets;
pub(super) mod queues;
mod routing_rules;
pub(super) mod rules;
pub(super) mod scene;
pub(super) mod taking;
