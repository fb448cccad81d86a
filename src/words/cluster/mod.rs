//! The group *cluster*: what the API server's objects and logs say.
//!
//! Besides its words it has what finds MetalLB and what several of them read. Nothing here runs a command on a host, but for the asking on the wire and of a router that `find_announcer` does.

pub mod address_facts;
pub mod announcer_facts;
pub mod api_access;
pub mod client_side;
pub mod cluster_facts;
pub mod elect;
pub mod endpoint_facts;
pub mod endpoint_looks;
pub mod events;
pub mod find_announcer;
pub mod instead;
pub mod listing;
pub mod metallb;
pub mod nodes;
pub mod objects;
pub mod pods;
pub mod resolve_target_port;
pub mod router;
pub mod service;
pub mod services;
pub mod speaker_logs;
pub mod speakers;
pub mod target_of_port;
pub mod wire;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("service", service::register),
    ("service_at", service::register_at),
    ("services", services::register),
    ("find_announcer", find_announcer::register),
    ("find_announcers", find_announcer::register_all),
    ("resolve_target_port", resolve_target_port::register),
    ("elect", elect::register),
    ("client_side", client_side::register),
    ("nodes", nodes::register),
    ("pods", pods::register),
    ("events", events::register),
    ("list", objects::register),
    ("get", objects::register_get),
    ("api_access", api_access::register),
];
