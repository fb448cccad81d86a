//! The group *probe*: questions that are asked as a client asks them, and the places from which they are.
//!
//! What the answers mean is none of its business.

pub mod arping;
mod asked;
pub mod await_client;
#[expect(clippy::module_inception, reason = "the word has the name of its group")]
pub mod probe;
pub mod probe_request;
pub mod speech;
pub mod vantage;

use super::session::Code;

/// What gives each word of the group to an engine.
pub const CODE: &[Code] = &[
    ("probe_request", probe_request::register),
    ("probe", probe::register),
    ("arping", arping::register),
    ("await_client", await_client::register),
];
