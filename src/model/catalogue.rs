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
    /// Which observations decide it, as the rules of `analysis::judge` do.
    pub decided_by: &'static str,
    /// What it looks like in the wild: what users report, what kubectl, logs and tcpdump show.
    pub seen: &'static str,
    /// What to do.
    pub next: &'static str,
    /// The findings and gaps that look like it from outside, each with what tells them apart.
    pub alike: &'static [(&'static str, &'static str)],
    /// Pages by address, issues as `owner/repository#number`, RFCs as `RFC 826 §1`, manual pages as `ip-route(8)`.
    pub references: &'static [&'static str],
}

impl Entry {
    /// Whether it names something that could not be looked at.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.name.starts_with("evidence/")
    }

    /// The part of its name that says where the fault is.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The entries that call this one alike, while it does not name them itself.
    pub fn called_alike_by(&self) -> impl Iterator<Item = &'static str> {
        let own = *self;
        let names = move |entry: &&Entry| entry.alike.iter().any(|(name, _)| *name == own.name);
        let named = move |entry: &&Entry| own.alike.iter().any(|(name, _)| *name == entry.name);
        ENTRIES.iter().filter(names).filter(move |entry| !named(entry)).map(|entry| entry.name)
    }
}

mod entries;

pub use entries::ENTRIES;

/// The entry of that name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}
