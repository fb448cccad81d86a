//! The catalogue itself, one entry a name.

use super::Entry;

/// Every finding and gap, in the order of a packet's road.
pub const ENTRIES: &[Entry] = &[];
