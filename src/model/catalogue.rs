//! The names of findings and gaps that people cite. A name never changes meaning once released.

use super::finding::Severity;

/// What `lbdiag explain NAME` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    /// The usual severity; a fault that hurts nobody yet is a warning. Gaps have `Info`.
    pub severity: Severity,
    /// What has to be changed or looked at.
    pub culprit: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Which observations decide it.
    pub decided_by: &'static str,
    /// What to do.
    pub next: &'static str,
}

mod entries;

pub use entries::ENTRIES;

/// The entry of that name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}
