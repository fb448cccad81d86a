//! Who would announce an address if some nodes were gone, or empty: the same election with another electorate.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{bgp_advertisements, layer2_advertisements, lost_members, pool};
use crate::analysis::election::{self, Electorate};
use crate::model::announcement::{Excluded, SpeakerLog};
use crate::model::endpoint::Target;
use crate::model::kubernetes::Node;
use crate::model::metallb::Metallb;
use crate::model::service::Service;

/// What is supposed of some nodes, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supposed {
    /// They are down: neither their speaker nor their pods run.
    pub without: BTreeSet<String>,
    /// They are drained: cordoned and without pods of the Service; their speaker runs, since a DaemonSet's pods stay.
    pub drained: BTreeSet<String>,
}

/// What an election comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elected {
    /// `layer2` or `bgp`.
    pub protocol: &'static str,
    /// Who would announce; at layer 2 one at most.
    pub nodes: Vec<String>,
    pub candidates: Vec<String>,
    pub excluded: Vec<Excluded>,
    /// Whether the winner is sure: where MetalLB's version is not known, its versions may differ.
    pub certain: bool,
}

/// The election under what is supposed. `None` when there is no address, or when a list that decides it was not read.
#[must_use]
pub fn elect(
    service: &Service,
    target: Option<&Target>,
    nodes: &[Node],
    metallb: &Metallb,
    logs: &[SpeakerLog],
    supposed: &Supposed,
) -> Option<Elected> {
    let address = *service.addresses.first()?;
    metallb.pools.as_ref()?;
    let (l2, bgp) = (metallb.l2_advertisements.as_ref()?, metallb.bgp_advertisements.as_ref()?);
    if nodes.is_empty() || !metallb.speakers_read || target.is_some_and(|target| !target.slices_read) {
        return None;
    }
    let gone = |node: Option<&str>| node.is_some_and(|node| supposed.without.contains(node) || supposed.drained.contains(node));
    let nodes: Vec<Node> = nodes
        .iter()
        .filter(|node| !supposed.without.contains(&node.name))
        .map(|node| Node { unschedulable: node.unschedulable || supposed.drained.contains(&node.name), ..node.clone() })
        .collect();
    let target = target.cloned().map(|mut target| {
        target.endpoints.retain(|endpoint| !gone(endpoint.node.as_deref()));
        target
    });
    let mut metallb = metallb.clone();
    Arc::make_mut(&mut metallb.speakers).retain(|pod| pod.node.as_ref().is_none_or(|node| !supposed.without.contains(node)));
    let lost = lost_members(logs);
    let electorate = Electorate {
        service,
        target: target.as_ref(),
        nodes: &nodes,
        metallb: &metallb,
        lost: &lost,
        memberlist: logs.iter().find_map(|log| log.memberlist),
    };
    let pool = pool(service, &metallb);
    let layer2 = layer2_advertisements(service, &metallb, pool);
    let by_bgp = bgp_advertisements(service, &metallb, pool);
    debug_assert!(layer2.len() <= l2.len() && by_bgp.len() <= bgp.len());
    if layer2.is_empty() && !by_bgp.is_empty() {
        metallb.peers.as_ref()?;
        let found = election::bgp(&electorate, &by_bgp);
        let nodes = found.nodes.clone();
        return Some(Elected { protocol: "bgp", nodes, candidates: found.nodes, excluded: found.excluded, certain: true });
    }
    let found = election::layer2(&electorate, &layer2);
    // Nobody announces what no advertisement selects.
    let candidates = if layer2.is_empty() { Vec::new() } else { found.nodes };
    let winner = if candidates.is_empty() { None } else { election::expected(&electorate, &layer2, address) };
    Some(Elected {
        protocol: "layer2",
        certain: candidates.is_empty() || winner.is_some(),
        nodes: winner.into_iter().collect(),
        candidates,
        excluded: found.excluded,
    })
}
