//! Who announces: what each source says, who should, and whether they agree.

mod agreement;
mod bgp;
pub mod elect;
pub mod instead;
mod sources;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::addresses::pool_of;
use super::election::{self, Electorate};
use crate::model::announcement::{Announcement, History, LogState, Source, Spared, SpeakerLog, SpeakerMetrics, Wire};
use crate::model::bgp::Router;
use crate::model::endpoint::Target;
use crate::model::kubernetes::Node;
use crate::model::metallb::{Advertisement, Metallb, Pool};
use crate::model::service::Service;

/// Everything that was read about one Service's announcement.
#[derive(Clone)]
pub struct Gathered<'a> {
    pub service: &'a Service,
    /// The endpoints of any of its ports.
    pub target: Option<&'a Target>,
    pub nodes: Arc<Vec<Node>>,
    pub metallb: Metallb,
    /// They may tell of other addresses too.
    pub logs: Arc<[SpeakerLog]>,
    /// Nodes whose speaker's log could not be read.
    pub unread: Vec<String>,
    /// Empty when metrics were not asked for or could not be read.
    pub metrics: Arc<[SpeakerMetrics]>,
    /// `None` when nobody asked on the wire.
    pub wire: Option<Wire>,
    pub router: Option<Router>,
    pub history: History,
    /// What was left unread on purpose.
    pub spared: Spared,
    /// When the run began, RFC 3339.
    pub now: String,
}

impl<'a> Gathered<'a> {
    /// Of MetalLB's objects alone: no log, no metric, no wire.
    #[must_use]
    pub fn of_objects(service: &'a Service, metallb: Metallb) -> Self {
        Self {
            service,
            target: None,
            nodes: Arc::default(),
            metallb,
            logs: Arc::default(),
            unread: Vec::new(),
            metrics: Arc::default(),
            wire: None,
            router: None,
            history: History::default(),
            spared: Spared::default(),
            now: String::new(),
        }
    }
}

/// Puts the sources together.
#[must_use]
pub fn announcement(gathered: Gathered) -> Announcement {
    let service = gathered.service;
    let address = service.addresses.first().copied();
    let pool = pool(service, &gathered.metallb).cloned();
    let layer2 = layer2_advertisements(service, &gathered.metallb, pool.as_ref());
    let lost = lost_members(&gathered.logs);
    let electorate = Electorate {
        service,
        target: gathered.target,
        nodes: &gathered.nodes,
        metallb: &gathered.metallb,
        lost: &lost,
        memberlist: gathered.logs.iter().find_map(|log| log.memberlist),
    };
    let elected = election::layer2(&electorate, &layer2);
    // Without an advertisement that was read nobody should announce at layer 2; where none could be read, one may exist.
    let by_layer2 = !layer2.is_empty() || gathered.metallb.l2_advertisements.is_none();
    let expected = address.filter(|_| by_layer2).and_then(|address| election::expected(&electorate, &layer2, address));
    let bgp = bgp::bgp(&electorate, pool.as_ref(), &gathered);
    let sources = sources::sources(&sources::Words {
        addresses: &service.addresses,
        wire: gathered.wire.as_ref(),
        metrics: &gathered.metrics,
        logs: &gathered.logs,
        metallb: &gathered.metallb,
        now: &gathered.now,
        layer2: by_layer2,
        bgp: bgp.is_some(),
    });
    let interfaces = interfaces(&layer2);
    let judged = agreement::agree(&gathered, &sources, by_layer2 && !layer2.is_empty(), bgp.as_ref(), &interfaces);
    let mut nodes = judged.nodes;
    // The node that the election gives stands first: when several announce, it is the one that should.
    nodes.sort_by_key(|node| (Some(node) != expected.as_ref(), node.clone()));
    let pod = nodes
        .first()
        .and_then(|node| gathered.metallb.speakers.iter().find(|pod| pod.node.as_ref() == Some(node)).map(|pod| pod.name.clone()));
    Announcement {
        address,
        addresses: service.addresses.clone(),
        service: service.path(),
        protocol: protocol(&gathered.logs, address, by_layer2 && !layer2.is_empty(), bgp.is_some()),
        nodes,
        pod,
        expected,
        candidates: elected.nodes,
        excluded: elected.excluded,
        sides: sources::sides(&sources),
        layer2: by_layer2,
        agreement: judged.agreement,
        because: judged.because,
        interfaces,
        pool: pool.map(|pool| pool.name),
        advertisements: layer2.iter().map(|advertisement| advertisement.name.clone()).collect(),
        bgp,
        history: gathered.history,
        logs: gathered.logs,
        metrics: gathered.metrics,
        wire: gathered.wire,
        metallb: gathered.metallb,
        nodes_seen: gathered.nodes,
        unread: gathered.unread,
        now: gathered.now,
        spared: gathered.spared,
    }
}

/// What each source says of it, one line a source: put together from what it keeps, since a sweep over many Services and nodes has no room
/// for the lines of all.
#[must_use]
pub fn sources_of(announcement: &Announcement) -> Vec<Source> {
    sources::sources(&sources::Words {
        addresses: &announcement.addresses,
        wire: announcement.wire.as_ref(),
        metrics: &announcement.metrics,
        logs: &announcement.logs,
        metallb: &announcement.metallb,
        now: &announcement.now,
        layer2: announcement.layer2,
        bgp: announcement.bgp.is_some(),
    })
}

/// The pool of the Service's addresses. MetalLB looks for one that holds them all.
#[must_use]
pub fn pool<'a>(service: &Service, metallb: &'a Metallb) -> Option<&'a Pool> {
    let pools = metallb.pools.as_deref()?;
    let of = |address: &IpAddr| pool_of(pools, *address);
    let first = of(service.addresses.first()?)?;
    service.addresses.iter().all(|address| of(address).is_some_and(|pool| pool.name == first.name)).then_some(first)
}

/// The L2Advertisements that select the pool and, from 0.16, the Service.
fn layer2_advertisements<'a>(service: &Service, metallb: &'a Metallb, pool: Option<&Pool>) -> Vec<&'a Advertisement> {
    selecting(service, metallb, pool, metallb.l2_advertisements.as_deref())
}

/// The BGPAdvertisements that select the pool and, from 0.16, the Service.
#[must_use]
pub fn bgp_advertisements<'a>(service: &Service, metallb: &'a Metallb, pool: Option<&Pool>) -> Vec<&'a Advertisement> {
    selecting(service, metallb, pool, metallb.bgp_advertisements.as_deref())
}

fn selecting<'a>(
    service: &Service,
    metallb: &Metallb,
    pool: Option<&Pool>,
    advertisements: Option<&'a [Advertisement]>,
) -> Vec<&'a Advertisement> {
    // A field that is set in an older version is one that the API does not know, so that it cannot be set there.
    let by_service = election::known(metallb).is_none_or(|version| version >= (0, 16, 0));
    let Some(pool) = pool else { return Vec::new() };
    advertisements
        .unwrap_or_default()
        .iter()
        .filter(|advertisement| advertisement.selects_pool(pool))
        .filter(|advertisement| !by_service || advertisement.selects_service(&service.labels))
        .collect()
}

/// Nodes that every other speaker whose log was read has lost from its memberlist.
fn lost_members(logs: &[SpeakerLog]) -> BTreeSet<String> {
    let named: BTreeSet<&String> = logs.iter().flat_map(|log| &log.failed_members).collect();
    named
        .into_iter()
        .filter(|node| logs.iter().filter(|log| log.node != **node).all(|log| log.failed_members.contains(node)))
        .cloned()
        .collect()
}

/// The interfaces that the advertisements allow together: any advertisement without a list allows all.
fn interfaces(advertisements: &[&Advertisement]) -> Vec<String> {
    if advertisements.iter().any(|advertisement| advertisement.interfaces.is_empty()) {
        return Vec::new();
    }
    let all: BTreeSet<String> = advertisements.iter().flat_map(|advertisement| advertisement.interfaces.clone()).collect();
    all.into_iter().collect()
}

/// `layer2` where an L2Advertisement or a speaker says so, otherwise `bgp` where one of those does, otherwise nothing.
fn protocol(logs: &[SpeakerLog], address: Option<IpAddr>, layer2: bool, bgp: bool) -> String {
    let said = |protocol: &str| {
        address.is_some_and(|address| logs.iter().any(|log| sources::state(log, address, protocol) == Some(LogState::Announced)))
    };
    if layer2 || said("layer2") {
        "layer2".to_owned()
    } else if bgp || said("bgp") {
        "bgp".to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests;
