//! The values that words give, with their fields: plain data. A test compares them with what recordings really hold.

pub mod announcement;
pub mod cluster;
pub mod flow;
pub mod outcome;
pub mod place;
pub mod service;
