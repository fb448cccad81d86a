//! Plain data: what was asked, what was seen, what it means. No input, no output, no knowledge of Rhai.

pub mod announcement;
pub mod bgp;
pub mod capture;
pub mod catalogue;
pub mod check;
pub mod clock;
pub mod connection;
pub mod endpoint;
pub mod error_kind;
pub mod finding;
pub mod flow;
pub mod headers;
pub mod kubernetes;
pub mod metallb;
pub mod outcome;
pub mod packet;
pub mod packets;
pub mod place;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod service;
pub mod state;
pub mod subject;
pub mod text;
pub mod trace;
