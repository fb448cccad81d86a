//! The group *values*: addresses, times and sizes, and what can be reckoned with them.
//!
//! Nothing here looks at anything: the time is the one at which the run began, so that a replay reckons with the same.

pub mod addresses;
pub mod amounts;
pub mod times;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("in_cidr", addresses::register),
    ("overlaps", addresses::register_overlaps),
    ("now", times::register),
    ("age", times::register_age),
    ("time_text", times::register_text),
    ("duration", amounts::register),
    ("duration_text", amounts::register_text),
    ("size", amounts::register_size),
];
