//! The announcement.
