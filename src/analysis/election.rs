//! Who may announce an address and who wins, computed as MetalLB's speakers compute it, by version.
//!
//! Source: `speaker/layer2_controller.go` and `speaker/bgp_controller.go` of MetalLB 0.7 to 0.16 (`sortL2Candidates`, `ShouldAnnounce`).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::analysis::speaker;
use crate::model::announcement::{Excluded, Exclusion};
use crate::model::endpoint::{Endpoint, Target};
use crate::model::kubernetes::{Node, Pod};
use crate::model::metallb::{Advertisement, Metallb};
use crate::model::service::{Service, TrafficPolicy};
use crate::model::version::{Version, version};

/// The label that keeps a node out of load balancing, by its key alone.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Versions whose rules differ; where the running one is not known, only what all of them say is said.
const RULES_DIFFER: [Version; 4] = [(0, 13, 12), (0, 14, 9), (0, 15, 2), (0, 16, 1)];

/// What an election depends on.
#[derive(Clone, Copy)]
pub struct Electorate<'a> {
    pub service: &'a Service,
    /// The endpoints of any of its ports; `None` when they could not be read.
    pub target: Option<&'a Target>,
    pub nodes: &'a [Node],
    pub metallb: &'a Metallb,
    /// Nodes that every speaker that can be asked has lost from its memberlist.
    pub lost: &'a BTreeSet<String>,
    /// `Some(false)` when the speakers' logs say that memberlist is off.
    pub memberlist: Option<bool>,
}

/// Who takes part and who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    pub nodes: Vec<String>,
    pub excluded: Vec<Excluded>,
}

/// The node that wins: the smallest SHA-256 of `node#key`, where the key is the Service's first address.
#[must_use]
pub fn winner(candidates: &[String], key: &str) -> Option<String> {
    candidates.iter().min_by_key(|node| <[u8; 32]>::from(Sha256::digest(format!("{node}#{key}")))).cloned()
}

/// The node that should announce at layer 2. `None` when nobody should, or when it cannot be known: the version is not known and the
/// versions differ, or an advertisement prefers nodes by weight.
#[must_use]
pub fn expected(electorate: &Electorate, advertisements: &[&Advertisement], address: IpAddr) -> Option<String> {
    if advertisements.iter().any(|advertisement| advertisement.prefers_nodes) {
        return None;
    }
    let of = |version: Version| {
        let candidates = layer2_at(electorate, advertisements, version).nodes;
        // Until 0.10 the Service's name was drawn lots with, not its address.
        let key = if version < (0, 11, 0) { electorate.service.path() } else { address.to_string() };
        winner(&candidates, &key)
    };
    if let Some(version) = known(electorate.metallb) {
        return of(version);
    }
    let all: BTreeSet<Option<String>> = RULES_DIFFER.into_iter().map(of).collect();
    if all.len() == 1 { all.into_iter().next().flatten() } else { None }
}

/// Every node with the reason that keeps it out of the layer 2 election, if one does. `advertisements` are the L2Advertisements that
/// select the address's pool.
#[must_use]
pub fn layer2(electorate: &Electorate, advertisements: &[&Advertisement]) -> Candidates {
    layer2_at(electorate, advertisements, known(electorate.metallb).unwrap_or((0, 15, 0)))
}

fn layer2_at(electorate: &Electorate, advertisements: &[&Advertisement], version: Version) -> Candidates {
    let known = Known::new(electorate, version);
    divide(electorate, |node| {
        why_out_anyhow(&known, node, advertisements)
            .or_else(|| match known.memberlist {
                // 0.15 takes every node of the cluster, whether a speaker runs there or not.
                false if version >= (0, 15, 0) => None,
                false
                    if version >= (0, 13, 0) || (version >= (0, 11, 0) && electorate.service.external_policy == TrafficPolicy::Cluster) =>
                {
                    Some((
                        Exclusion::Memberlist,
                        "cannot win: memberlist is off, and this version of MetalLB then has no candidates".to_owned(),
                    ))
                }
                _ => why_no_speaker(&known, node),
            })
            .or_else(|| why_no_endpoint(&known, node, version < (0, 11, 0)))
    })
}

/// Every node with the reason that keeps it from announcing over BGP, if one does. `advertisements` are the BGPAdvertisements that select
/// the address's pool.
#[must_use]
pub fn bgp(electorate: &Electorate, advertisements: &[&Advertisement]) -> Candidates {
    let known = Known::new(electorate, known(electorate.metallb).unwrap_or((0, 15, 0)));
    divide(electorate, |node| {
        why_out_anyhow(&known, node, advertisements)
            .or_else(|| why_no_speaker(&known, node))
            .or_else(|| why_no_endpoint(&known, node, false))
            .or_else(|| why_no_peer(electorate, node, advertisements))
    })
}

/// Whether an endpoint keeps an address announced, by version.
#[must_use]
pub fn active(endpoint: &Endpoint, version: Version) -> bool {
    if version < (0, 14, 0) {
        endpoint.ready
    } else if version < (0, 14, 5) {
        endpoint.serving
    } else {
        endpoint.ready || endpoint.serving
    }
}

/// The classes that MetalLB was started for; without one it serves the Services that name none.
#[must_use]
pub fn served_class(metallb: &Metallb) -> Option<String> {
    argument(metallb, "lb-class").filter(|class| !class.is_empty())
}

/// Whether MetalLB looks at the Service at all.
#[must_use]
pub fn serves(metallb: &Metallb, service: &Service) -> bool {
    service.class.as_deref().filter(|class| !class.is_empty()) == served_class(metallb).as_deref()
}

/// The value of a speaker's or controller's argument.
#[must_use]
pub fn argument(metallb: &Metallb, name: &str) -> Option<String> {
    let containers = metallb.speakers.iter().chain(&metallb.controllers).flat_map(|pod| &pod.containers);
    containers.flat_map(|container| &container.args).find_map(|arg| {
        let (key, value) = arg.trim_start_matches('-').split_once('=').unwrap_or((arg.trim_start_matches('-'), ""));
        (key == name).then(|| value.to_owned())
    })
}

/// The running version, when it is known.
#[must_use]
pub fn known(metallb: &Metallb) -> Option<Version> {
    metallb.version.as_deref().map(version)
}

/// What is the same for every node, found out once: clusters have thousands of nodes, speakers and endpoints.
struct Known<'a> {
    metallb: &'a Metallb,
    electorate: &'a Electorate<'a>,
    version: Version,
    /// The first speaker of each node that does not end.
    speakers: HashMap<&'a str, &'a Pod>,
    /// The class that MetalLB serves instead of the Service's.
    other_class: Option<String>,
    looks_at_label: bool,
    memberlist: bool,
    /// The nodes of endpoints that keep an address announced; `None` when that could not be read.
    active: Option<HashSet<Option<&'a str>>>,
}

impl<'a> Known<'a> {
    fn new(electorate: &'a Electorate<'a>, version: Version) -> Self {
        let metallb = electorate.metallb;
        let mut speakers = HashMap::new();
        for pod in metallb.speakers.iter().filter(|pod| !pod.terminating) {
            if let Some(node) = pod.node.as_deref() {
                speakers.entry(node).or_insert(pod);
            }
        }
        let other = !serves(metallb, electorate.service) && metallb.speakers_read && !metallb.speakers.is_empty();
        let class = || served_class(metallb).map_or_else(|| "Services without a class".to_owned(), |class| format!("the class {class}"));
        let endpoints = |target: &'a Target| target.endpoints.iter().filter(|endpoint| active(endpoint, version));
        Self {
            metallb,
            electorate,
            version,
            speakers,
            other_class: other.then(class),
            looks_at_label: version >= (0, 14, 0) && argument(metallb, "ignore-exclude-lb").is_none_or(|value| value == "false"),
            memberlist: memberlist(electorate),
            active: electorate
                .target
                .filter(|target| target.slices_read)
                .map(|target| endpoints(target).map(|endpoint| endpoint.node.as_deref()).collect()),
        }
    }
}

fn divide(electorate: &Electorate, why_out: impl Fn(&Node) -> Option<(Exclusion, String)>) -> Candidates {
    let mut result = Candidates::default();
    for node in electorate.nodes {
        match why_out(node) {
            None => result.nodes.push(node.name.clone()),
            Some((why, reason)) => result.excluded.push(Excluded { node: node.name.clone(), reason, why }),
        }
    }
    result
}

/// What keeps a node out over both protocols: class, label, conditions, advertisements.
fn why_out_anyhow(known: &Known, node: &Node, advertisements: &[&Advertisement]) -> Option<(Exclusion, String)> {
    let version = known.version;
    if let Some(served) = &known.other_class {
        return Some((Exclusion::Class, format!("ignores the Service, because this MetalLB serves {served} only")));
    }
    if known.looks_at_label && node.labels.contains_key(EXCLUDE_LABEL) {
        return Some((Exclusion::Label, format!("carries the label {EXCLUDE_LABEL}")));
    }
    if node.network_unavailable && version >= (0, 13, 10) {
        return Some((Exclusion::NetworkUnavailable, "has the condition NetworkUnavailable".to_owned()));
    }
    // Only 0.14.9 looked at cordons.
    if node.unschedulable && version == (0, 14, 9) {
        return Some((Exclusion::Unschedulable, "is cordoned, which MetalLB 0.14.9 takes as a reason".to_owned()));
    }
    // Before 0.13 there were no advertisements to select nodes by.
    if version >= (0, 13, 0) && !advertisements.is_empty() && !advertisements.iter().any(|advertisement| advertisement.selects_node(node)) {
        return Some((Exclusion::Advertisement, "is selected by no advertisement of the address's pool".to_owned()));
    }
    None
}

fn why_no_speaker(known: &Known, node: &Node) -> Option<(Exclusion, String)> {
    match known.speakers.get(node.name.as_str()) {
        None if known.metallb.speakers_read => return Some((Exclusion::NoSpeaker, "runs no speaker".to_owned())),
        Some(pod) if !speaker::runs(pod) => {
            return Some((Exclusion::SpeakerNotReady, format!("its speaker {} does not run: {}", pod.name, pod.not_ready_because)));
        }
        _ => {}
    }
    if known.electorate.lost.contains(&node.name) {
        return Some((Exclusion::Lost, "has left the memberlist of every other speaker".to_owned()));
    }
    None
}

/// Policy Local wants an endpoint on the node; policy Cluster wants one anywhere. `anywhere` is false before 0.11, when the node itself
/// had to hold one whatever the policy.
fn why_no_endpoint(known: &Known, node: &Node, always_local: bool) -> Option<(Exclusion, String)> {
    let active = known.active.as_ref()?;
    let local = always_local || known.electorate.service.external_policy == TrafficPolicy::Local;
    if !local {
        return active
            .is_empty()
            .then(|| (Exclusion::NoEndpoint, "has nothing to announce for: the Service has no ready endpoint".to_owned()));
    }
    if active.contains(&Some(node.name.as_str())) {
        return None;
    }
    let why = if always_local {
        "holds no ready pod of the Service"
    } else {
        "holds no ready pod of the Service, whose external traffic policy is Local"
    };
    Some((Exclusion::NoEndpoint, why.to_owned()))
}

fn why_no_peer(electorate: &Electorate, node: &Node, advertisements: &[&Advertisement]) -> Option<(Exclusion, String)> {
    let peers = electorate.metallb.peers.as_deref()?;
    let reaching: Vec<&str> = peers.iter().filter(|peer| peer.reaches(node)).map(|peer| peer.name.as_str()).collect();
    if reaching.is_empty() {
        return Some((Exclusion::NoPeer, "is reached by no BGPPeer".to_owned()));
    }
    let told = advertisements.iter().filter(|advertisement| advertisement.selects_node(node)).any(|advertisement| {
        advertisement.peers.is_empty() || reaching.iter().any(|peer| advertisement.peers.iter().any(|name| name == peer))
    });
    (!told).then(|| (Exclusion::NoPeer, "has no BGPPeer that the advertisement lets it announce to".to_owned()))
}

/// Whether speakers watch each other. The log knows best; otherwise the speakers' own variables tell.
fn memberlist(electorate: &Electorate) -> bool {
    if let Some(told) = electorate.memberlist {
        return told;
    }
    let mut containers = electorate
        .metallb
        .speakers
        .iter()
        .flat_map(|pod| &pod.containers)
        .filter(|container| container.env.contains_key("METALLB_NODE_NAME"))
        .peekable();
    // Without a look at the variables nothing is said against it.
    containers.peek().is_none()
        || containers.any(|container| {
            container.env.keys().any(|name| name.starts_with("METALLB_ML_")) || container.args.iter().any(|arg| arg.contains("ml-bindaddr"))
        })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod watched;
