//! What kube-proxy's own rules refused.

use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{refused_by_kube_proxy, undecided};

/// Whether kube-proxy's own rules counted as many of these packets as were lost in the round around which they were read.
pub(in crate::analysis::judge) fn refused(pair: &StatePair, fields: &[Fields], roads: &[&Road]) -> bool {
    let repeated = roads.iter().filter(|road| road.repeated()).count();
    let lost = if repeated == 0 { roads.len() } else { repeated };
    refused_by_kube_proxy(pair, fields)
        .iter()
        .any(|drop| drop.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost)))
}

/// What kube-proxy's own rules counted, and why not every rule was asked, as the end of a sentence; empty when there is neither.
pub(in crate::analysis::judge) fn refusals(pair: &StatePair, fields: &[Fields]) -> String {
    let counted: Vec<String> = refused_by_kube_proxy(pair, fields)
        .into_iter()
        .filter_map(|drop| Some(format!("kube-proxy's rule {} (`{}`) took {} packets", drop.path, drop.text, drop.grown?)))
        .collect();
    let counted = if counted.is_empty() { String::new() } else { format!("; while the probe was repeated, {}", counted.join(", and ")) };
    let open: Vec<String> = undecided(pair, fields).open.into_iter().collect();
    if open.is_empty() { counted } else { format!("{counted}; in its packet filter, {}", open.join(", and ")) }
}
