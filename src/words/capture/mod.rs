//! The group *capture*: what packets pass, and where.
//!
//! No packet is judged here, and none is asked for: who asks is the group *probe*.

pub mod capture_options;
pub mod during;
pub mod listening;
pub mod local_capture;
pub mod node_capture;
pub mod pod_netns_capture;
pub mod trace;
pub mod vantage_capture;
pub mod watch_points;
pub mod watched_pods;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("watch_points", watch_points::register),
    ("node_capture", node_capture::register),
    ("pod_netns_capture", pod_netns_capture::register),
    ("vantage_capture", vantage_capture::register),
    ("local_capture", local_capture::register),
    ("during", during::register),
    ("trace", trace::register),
];
