//! What kube-proxy's own rules refused.

use std::net::IpAddr;

use super::repeated;
use crate::analysis::judge::address::claimed;
use crate::analysis::judge::case::Case;
use crate::analysis::judge::node::filters;
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::{Fields, words};
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{Drop, refused_by_kube_proxy, undecided};
use crate::model::finding::Finding;

/// Whether kube-proxy's own rules counted as many of these packets as were lost in the round around which they were read.
pub(in crate::analysis::judge) fn refused(pair: &StatePair, fields: &[Fields], roads: &[&Road]) -> bool {
    by_kube_proxy(pair, fields, roads).next().is_some()
}

/// kube-proxy's own rules that counted as many, each with by how much.
pub(in crate::analysis::judge) fn by_kube_proxy(pair: &StatePair, fields: &[Fields], roads: &[&Road]) -> impl Iterator<Item = (Drop, u64)> {
    let lost = match repeated(roads) {
        0 => roads.len(),
        repeated => repeated,
    };
    let enough = move |drop: &Drop| drop.grown.filter(|grown| usize::try_from(*grown).is_ok_and(|grown| grown >= lost));
    refused_by_kube_proxy(pair, fields).into_iter().filter_map(move |drop| enough(&drop).map(|grown| (drop, grown)))
}

/// A rule by which kube-proxy refuses what is for an address of another Service, which has no endpoints, took as many as failed. By its own
/// comment, `NAMESPACE/NAME:PORT has no endpoints`, it is known whose it is.
pub(in crate::analysis::judge) fn for_another_service(
    case: &Case,
    pair: &StatePair,
    node: &str,
    fields: &[Fields],
    roads: &[&Road],
) -> Option<Finding> {
    by_kube_proxy(pair, fields, roads).find_map(|(drop, grown)| {
        let words = words(&drop.text);
        let after = |key: &str| words.windows(2).find(|pair| pair[0] == key).map(|pair| pair[1].as_str());
        let owner = after("--comment")?.strip_suffix(" has no endpoints")?.split(':').next()?;
        let address: IpAddr = after("-d")?.split('/').next()?.parse().ok()?;
        let (namespace, name) = owner.split_once('/')?;
        let plain = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        (owner != case.service.path() && plain(namespace) && plain(name)).then(|| {
            let evidence = vec![filters::took(node, drop.tool, &drop.path, &drop.text, Some(grown))];
            let summary = format!("kube-proxy on {node} refuses what is for {address} in the name of another Service, {owner}, which lists that address and has no endpoints");
            claimed::told(owner, address, summary, evidence)
        })
    })
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
