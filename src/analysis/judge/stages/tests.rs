//! The tables hold together: a name is one rule's, a title one proof's.

use std::collections::{BTreeMap, BTreeSet};

use super::rows;
use crate::analysis::judge::rules;
use crate::model::catalogue::{self, ENTRIES, Property};

#[test]
fn a_name_is_one_rules_own_and_stands_in_the_catalogue() {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for rule in rules::ALL {
        assert!(!rule.names.is_empty(), "{} says nothing", rule.title);
        for name in rule.names {
            assert!(catalogue::entry(name).is_some_and(|entry| !entry.is_gap()), "{name} is no finding");
            assert_eq!(owners.insert(name, rule.title), None, "{name} is said by two rules");
        }
    }
}

#[test]
fn every_rule_is_proven_somewhere_and_a_title_is_one_proofs() {
    let rows = rows();
    let proven: BTreeSet<&str> = rows.iter().map(|row| row.rule).collect();
    let never: Vec<&str> = rules::ALL.iter().map(|rule| rule.title).filter(|title| !proven.contains(title)).collect();
    assert!(never.is_empty(), "no proof says {never:?}");
    let mut titles: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for row in rows {
        let known = *titles.entry(row.proof).or_insert((row.rule, row.needs));
        assert_eq!(known, (row.rule, row.needs), "two proofs are called `{}`", row.proof);
    }
}

#[test]
fn a_stage_tries_a_proof_once() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(seen.insert((row.stage, row.proof)), "{} tries `{}` twice", row.stage, row.proof);
    }
}

#[test]
fn every_finding_of_the_catalogue_is_said_by_a_rule_or_a_word() {
    let said: BTreeSet<&str> = rules::ALL.iter().flat_map(|rule| rule.names).copied().collect();
    for entry in ENTRIES.iter().filter(|entry| !entry.is_gap()) {
        let by_word = entry.properties.iter().any(|property| matches!(property, Property::SaidBy(_)));
        assert_ne!(said.contains(entry.name), by_word, "{} is to be said by a rule, or the catalogue says by which word", entry.name);
    }
}
