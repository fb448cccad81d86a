//! The group *flow of work*: how a playbook goes on.
//!
//! Nothing here finds or judges; what is read is read for the words that follow.

pub mod again;
pub mod allowed;
pub mod around;
pub mod follow;
pub mod fragment;
pub mod get_ready;
pub mod hooks;
pub mod parallel;
pub mod question;
pub mod reads_suffice;
pub mod skip;
pub mod step;
pub mod step_alone;
pub mod step_hook;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("allowed", allowed::register),
    ("get_ready", get_ready::register),
    ("step", step::register),
    ("skip", skip::register),
    ("retry", again::register),
    ("eventually", again::register_eventually),
    ("parallel", parallel::register),
    ("follow", follow::register),
    ("reads_suffice", reads_suffice::register),
];
