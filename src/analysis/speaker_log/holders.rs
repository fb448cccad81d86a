//! Which Services announce one address over one protocol, as far as the log tells them apart.
//!
//! Services may share an address (metallb's `allow-shared-ip`), and it is announced until the last of them withdrew. From 0.13.0 a line
//! names no Service: in a Service's own reconciliation it is known, in that of all Services only how many there are is told.

use std::collections::BTreeSet;

/// Services that are remembered: beyond them they are only counted.
const MOST_NAMED: usize = 64;

/// At least and at most so many Services announce the address; some of them are known by name.
#[derive(Default)]
pub(super) struct Holders {
    named: BTreeSet<String>,
    least: usize,
    most: usize,
}

/// Whether anybody announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announces {
    Yes,
    No,
    /// One Service withdrew, and the log does not tell whether it was the last.
    Unsure,
}

impl Holders {
    /// A Service announces, by its name. `known` are Services that hold the address by what else is known; empty when nothing is.
    pub(super) fn announced(&mut self, service: &str, known: &[String]) {
        if self.named.contains(service) {
            return;
        }
        if self.named.len() == MOST_NAMED {
            // It cannot be told from one that was announced before.
            self.most = usize::MAX;
            return;
        }
        if self.has_unnamed() {
            if !self.is_unnamed_one(service, known) {
                self.most = self.most.saturating_add(1);
            }
        } else {
            self.least += 1;
            self.most += 1;
        }
        self.named.insert(service.to_owned());
        self.least = self.least.max(1);
    }

    /// A Service that announced withdrew the address, or with an empty name one of them did.
    pub(super) fn withdrew(&mut self, service: &str) {
        if self.named.remove(service) || service.is_empty() || self.has_unnamed() {
            self.one_less();
        }
    }

    /// A Service withdrew something; it announced this address only if it is one of these.
    pub(super) fn may_have_withdrawn(&mut self, service: &str, known: &[String]) {
        if self.named.remove(service) || (self.has_unnamed() && self.is_unnamed_one(service, known)) {
            self.one_less();
        } else if self.has_unnamed() {
            self.least = self.least.saturating_sub(1);
        }
    }

    /// Somebody announces, outside of any reconciliation: the log lost its beginning.
    pub(super) fn somebody(&mut self) {
        self.least = self.least.max(1);
        self.most = self.most.max(1);
    }

    /// All Services were looked at, and so many announced. `withdrawn` of them had withdrawn meanwhile, without a name.
    pub(super) fn counted(&mut self, announced: usize, withdrawn: usize) {
        self.least = announced;
        if withdrawn > 0 {
            self.named.clear();
        }
        // One that was named and is not counted any more may be about to be deleted.
        self.most = announced.max(self.named.len());
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether it may be one of these.
    pub(super) fn may_hold(&self, service: &str) -> bool {
        !service.is_empty() && (self.named.contains(service) || self.has_unnamed())
    }

    pub(super) fn announces(&self) -> Announces {
        match (self.least, self.most) {
            (_, 0) => Announces::No,
            (0, _) => Announces::Unsure,
            _ => Announces::Yes,
        }
    }

    fn has_unnamed(&self) -> bool {
        self.most > self.named.len()
    }

    /// Whether a Service is certainly the one that was counted without its name: no other one holds the address.
    fn is_unnamed_one(&self, service: &str, known: &[String]) -> bool {
        let other = |name: &String| name != service && !self.named.contains(name);
        known.is_empty() || (known.iter().any(|name| name == service) && !known.iter().any(other))
    }

    fn one_less(&mut self) {
        self.least = self.least.saturating_sub(1);
        if self.most != usize::MAX {
            self.most = self.most.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_last_one_named_ends_it() {
        let mut holders = Holders::default();
        holders.announced("a/one", &[]);
        holders.announced("a/two", &[]);
        holders.announced("a/two", &[]);
        holders.withdrew("a/one");
        assert_eq!(holders.announces(), Announces::Yes);
        holders.withdrew("a/two");
        assert_eq!(holders.announces(), Announces::No);
    }

    /// After a start every Service is announced in one go; later it is named.
    #[test]
    fn one_that_was_counted_and_is_named_later_is_the_same() {
        let mut holders = Holders::default();
        holders.counted(1, 0);
        holders.announced("a/one", &known(&["a/one"]));
        holders.withdrew("a/one");
        assert_eq!(holders.announces(), Announces::No);
    }

    #[test]
    fn two_that_were_counted_are_two() {
        let mut holders = Holders::default();
        holders.counted(2, 0);
        holders.withdrew("a/one");
        assert_eq!(holders.announces(), Announces::Yes);
        holders.withdrew("a/two");
        assert_eq!(holders.announces(), Announces::No);
    }

    /// Another Service comes to an address that an older one, which the user asks for, had since the start; then it goes.
    #[test]
    fn one_that_came_later_does_not_end_the_older_one_for_certain() {
        let mut holders = Holders::default();
        holders.counted(1, 0);
        holders.announced("a/new", &known(&["a/old"]));
        assert_eq!(holders.announces(), Announces::Yes);
        holders.withdrew("a/new");
        assert_eq!(holders.announces(), Announces::Unsure);
        holders.counted(1, 0);
        assert_eq!(holders.announces(), Announces::Yes);
    }

    #[test]
    fn there_may_be_more_than_are_remembered() {
        let mut holders = Holders::default();
        for number in 0..100 {
            holders.announced(&format!("a/s{number}"), &[]);
        }
        for number in 0..100 {
            holders.withdrew(&format!("a/s{number}"));
        }
        assert_eq!(holders.announces(), Announces::Unsure, "the last 36 may be one or many");
        holders.counted(0, 1);
        assert_eq!(holders.announces(), Announces::No);
    }
}
