//! Tries of several clients that fail at one point need not fail for one reason: where a cause goes by what is in the packets, each client's tries are
//! explained by themselves.

use std::collections::BTreeMap;

use super::road::Road;
use crate::model::catalogue::{Property, has};
use crate::model::finding::{Finding, Gap};
use crate::model::subject::Subject;

/// Some tries, what explains them, and what stays open of them.
pub(super) struct Part<'r, 'a> {
    pub roads: Vec<&'r Road<'a>>,
    pub causes: Vec<Finding>,
    pub open: Vec<Gap>,
    /// Whether they are those of some of the clients alone.
    pub apart: bool,
}

/// The causes of some tries: of all together, or, where those of one client have another than the others, of each client's.
pub(super) fn parts<'r, 'a>(roads: &[&'r Road<'a>], cause: impl Fn(&[&Road]) -> (Vec<Finding>, Vec<Gap>)) -> Vec<Part<'r, 'a>> {
    let (causes, open) = cause(roads);
    let mut clients: BTreeMap<String, Vec<&'r Road<'a>>> = BTreeMap::new();
    for road in roads {
        clients.entry(road.client()).or_default().push(road);
    }
    let together = Part { roads: roads.to_vec(), causes, open, apart: false };
    if clients.len() < 2 || !together.causes.iter().any(|finding| has(&finding.name, Property::BySource)) {
        return vec![together];
    }
    let mut parts: Vec<Part> = Vec::new();
    for roads in clients.into_values() {
        let (causes, open) = cause(&roads);
        match parts.iter_mut().find(|known| said(&known.causes) == said(&causes)) {
            Some(known) => {
                known.roads.extend(roads);
                known.open.extend(open);
            }
            None => parts.push(Part { roads, causes, open, apart: true }),
        }
    }
    if parts.len() < 2 { vec![together] } else { parts }
}

fn said(causes: &[Finding]) -> Vec<(&str, &[Subject])> {
    causes.iter().map(|finding| (finding.name.as_str(), finding.culprits.as_slice())).collect()
}

#[cfg(test)]
mod tests;
