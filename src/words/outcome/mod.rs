//! The group *outcome*: what a run says in the end.
//!
//! Nothing here looks at the world: it takes what other words found.

pub mod attach;
pub mod compare;
pub mod expect;
pub mod finding;
pub mod judge;
pub mod note;
pub mod table;
pub mod weight;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("note", note::register),
    ("table", table::register),
    ("attach", attach::register),
    ("finding", finding::register),
    ("expect", expect::register),
    ("judge", judge::register),
    ("compare", compare::register),
];
