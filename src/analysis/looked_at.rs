//! What is looked at while something is proven: whoever reads an answer notes it here, and whoever proves takes the notes.
//!
//! Notes are kept for the thread that proves and for as long as it does; outside of a proof a note costs nothing and leaves nothing. They say
//! what was read and never what was in it, so that no proof can go by them.

use std::cell::RefCell;

use crate::model::basis::Basis;
use crate::model::place::Place;

thread_local! {
    /// The notes of the proof that is under way.
    static UNDER_WAY: RefCell<Option<Vec<Noted>>> = const { RefCell::new(None) };
}

/// A section of a state is noted hundreds of times by one walk through rules: what is known already is compared and not written again.
enum Noted {
    Section { place: Place, section: String, compared: bool },
    Other(Basis),
}

/// Does something, and gives with its result what was looked at meanwhile, in order, each once.
pub(in crate::analysis) fn during<T>(look: impl FnOnce() -> T) -> (T, Vec<Basis>) {
    let outer = UNDER_WAY.replace(Some(Vec::new()));
    let result = look();
    let notes = UNDER_WAY.replace(outer).unwrap_or_default();
    (result, in_order(notes.into_iter().map(Noted::basis).collect()))
}

/// Notes that a section of a place's state was read; `earlier` where the place was read once more after that.
pub(in crate::analysis) fn section(place: &Place, name: &str, earlier: bool) {
    UNDER_WAY.with_borrow_mut(|notes| {
        let Some(notes) = notes else { return };
        for note in notes.iter_mut() {
            if let Noted::Section { place: known, section, compared } = note
                && section == name
                && known == place
            {
                *compared |= earlier;
                return;
            }
        }
        notes.push(Noted::Section { place: place.clone(), section: name.to_owned(), compared: earlier });
    });
}

/// Notes anything else that was read.
pub(in crate::analysis) fn note(basis: impl FnOnce() -> Basis) {
    UNDER_WAY.with_borrow_mut(|notes| {
        let Some(notes) = notes else { return };
        let basis = basis();
        if !notes.iter().any(|note| matches!(note, Noted::Other(known) if *known == basis)) {
            notes.push(Noted::Other(basis));
        }
    });
}

/// In their order, each once.
pub(in crate::analysis) fn in_order(mut all: Vec<Basis>) -> Vec<Basis> {
    all.sort();
    all.dedup();
    all
}

impl Noted {
    fn basis(self) -> Basis {
        match self {
            Self::Section { place, section, compared } => Basis::state(&place, &section, compared),
            Self::Other(basis) => basis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{during, note, section};
    use crate::model::basis::Basis;
    use crate::model::place::{HostKind, Place};

    #[test]
    fn what_is_looked_at_is_noted_once_and_in_order() {
        let (n1, n2) = (Place::sample("n1", HostKind::Node), Place::sample("n2", HostKind::Node));
        section(&n1, "nft", false);
        let ((), looked) = during(|| {
            note(|| Basis::probe("c1"));
            for earlier in [false, true, false] {
                section(&n2, "iptables", earlier);
            }
            section(&n1, "routes", false);
            note(|| Basis::probe("c1"));
        });
        let told: Vec<String> = looked.iter().map(|basis| format!("{basis}{}", if basis.compared { " twice" } else { "" })).collect();
        assert_eq!(told, ["n1 routes", "n2 iptables twice", "probe c1"]);
        assert!(during(|| ()).1.is_empty(), "notes of another look");
    }

    #[test]
    fn a_look_within_a_look_keeps_its_own_notes() {
        let n1 = Place::sample("n1", HostKind::Node);
        let (inner, outer) = during(|| {
            section(&n1, "links", false);
            let inner = during(|| section(&n1, "routes", false)).1;
            section(&n1, "rules", false);
            inner
        });
        assert_eq!(inner.len(), 1);
        assert_eq!(outer.iter().map(|basis| basis.part.as_str()).collect::<Vec<_>>(), ["links", "rules"]);
    }
}
