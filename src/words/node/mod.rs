//! The group *node*: what the machines themselves say.
//!
//! Each word reads with the place's own tools, through `state` where it is rows. Nothing here changes a machine, and nothing captures; `look_closer` has its captures begun by the group *capture*.

pub mod compared;
pub mod conntrack;
pub mod counters;
pub mod firewall;
pub mod host_checks;
pub mod interfaces;
pub mod look_closer;
pub mod neighbours;
mod place_states;
mod policies;
pub mod proxy_rules;
pub mod route_to;
pub mod routes;
pub mod rules;
pub mod sockets;
pub mod state;
pub mod sysctl;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("host_checks", host_checks::register),
    ("interfaces", interfaces::register),
    ("routes", routes::register),
    ("route_to", route_to::register),
    ("rules", rules::register),
    ("neighbours", neighbours::register),
    ("sysctl", sysctl::register),
    ("conntrack", conntrack::register),
    ("proxy_rules", proxy_rules::register),
    ("firewall", firewall::register),
    ("sockets", sockets::register),
    ("counters", counters::register),
    ("look_closer", look_closer::register),
];
