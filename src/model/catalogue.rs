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
    pub properties: &'static [Property],
}

/// What the judgement and the reports have to know of a finding or gap beside its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// When a fault that hurts nobody yet will: the end of its scope.
    LatentUntil(&'static str),
    /// The address may still be answered for: by the others of several, or by somebody else.
    OthersAnswer,
    /// It says where packets are lost, and not what takes them.
    WhereAlone,
    /// It goes by a packet's source, so that it may hold for one client and not for another that fails at the same point.
    BySource,
    /// It tells why somebody who asks for the address anew gets no answer, or one of somebody else.
    OfTheAddressOnTheWire,
    /// A word says it by itself, and not the judgement.
    SaidBy(&'static str),
    /// Of a gap: a place was not seen that a pass needs.
    PlaceUnseen,
    /// Of a gap: it comes of what the API answers, which a plan asks too.
    OfTheApi,
}

/// Whether a finding or gap has a property, by its name; a playbook's own has none.
#[must_use]
pub fn has(name: &str, property: Property) -> bool {
    entry(name).is_some_and(|entry| entry.properties.contains(&property))
}

/// When a fault that hurts nobody yet will, as its scope ends; empty where that is not known.
#[must_use]
pub fn latent_until(name: &str) -> &'static str {
    let when = |property: &Property| if let Property::LatentUntil(when) = property { Some(*when) } else { None };
    entry(name).and_then(|entry| entry.properties.iter().find_map(when)).unwrap_or_default()
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

pub use entries::{ENTRIES, names};

/// The entry of that name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}
