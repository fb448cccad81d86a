//! Who announces: what each source says, who should, and whether they agree.

use std::net::IpAddr;

use super::addresses::pool_of;
use super::election;
use crate::model::announcement::{Agreement, Announcement, LogState, Source, SpeakerLog};
use crate::model::endpoint::Target;
use crate::model::kubernetes::Node;
use crate::model::metallb::{Advertisement, Metallb};
use crate::model::service::Service;

/// Puts the sources together. `unread` names the nodes whose speaker's log could not be read.
#[must_use]
pub fn announcement(
    service: &Service,
    target: Option<&Target>,
    nodes: Vec<Node>,
    metallb: Metallb,
    logs: Vec<SpeakerLog>,
    unread: Vec<String>,
) -> Announcement {
    let address = service.addresses.first().copied();
    let pool = address.and_then(|address| metallb.pools.as_deref().and_then(|pools| pool_of(pools, address)));
    let advertisements = advertisements_of(service, &metallb, pool);
    let bgp = metallb.bgp_advertisements.iter().flatten().any(|ad| pool.is_some_and(|pool| ad.selects_pool(pool)));
    let elected = election::candidates(service, target, &nodes, &metallb, &advertisements);
    let usable = target.is_none_or(|target| !target.slices_read || target.endpoints.iter().any(|e| e.ready || e.serving));
    let layer2 = !advertisements.is_empty() || metallb.l2_advertisements.is_none();
    let expected = address.filter(|_| layer2 && usable).and_then(|address| election::winner(&elected.nodes, address)).cloned();
    let sources = address.map(|address| sources(address, &metallb, &logs)).unwrap_or_default();
    let mut announcing: Vec<String> = Vec::new();
    for log in logs.iter().filter(|log| log.state == LogState::Announced) {
        announcing.push(log.node.clone());
    }
    let agreement = agree(&announcing, &sources, &unread, &logs, bgp);
    if announcing.is_empty() && agreement != Agreement::None {
        announcing.extend(sources.iter().filter(|source| source.trusted).find_map(|source| source.node.clone()));
    }
    // The node that the election gives stands first: when several announce, it is the one that should.
    announcing.sort_by_key(|node| (Some(node) != expected.as_ref(), node.clone()));
    Announcement {
        address,
        protocol: logs.iter().find(|log| log.state == LogState::Announced).map(|log| log.protocol.clone()).unwrap_or_default(),
        nodes: announcing,
        expected,
        candidates: elected.nodes,
        excluded: elected.excluded,
        sources,
        agreement,
        interfaces: interfaces(&advertisements),
        pool: pool.map(|pool| pool.name.clone()),
        advertisements: advertisements.iter().map(|advertisement| advertisement.name.clone()).collect(),
        logs,
        metallb,
        nodes_seen: nodes,
        unread,
    }
}

/// The layer 2 advertisements that select the pool and, from 0.16, the Service.
fn advertisements_of<'a>(service: &Service, metallb: &'a Metallb, pool: Option<&crate::model::metallb::Pool>) -> Vec<&'a Advertisement> {
    let by_service = metallb.version.as_deref().is_some_and(|text| election::version(text) >= (0, 16, 0));
    let Some(pool) = pool else { return Vec::new() };
    metallb
        .l2_advertisements
        .iter()
        .flatten()
        .filter(|advertisement| advertisement.selects_pool(pool))
        .filter(|advertisement| {
            !by_service
                || advertisement.service_selectors.is_empty()
                || advertisement.service_selectors.iter().any(|selector| selector.selects(&service.labels))
        })
        .collect()
}

/// The interfaces that the advertisements allow together: any advertisement without a list allows all.
fn interfaces(advertisements: &[&Advertisement]) -> Vec<String> {
    if advertisements.iter().any(|advertisement| advertisement.interfaces.is_empty()) {
        return Vec::new();
    }
    let mut all: Vec<String> = advertisements.iter().flat_map(|advertisement| advertisement.interfaces.clone()).collect();
    all.sort();
    all.dedup();
    all
}

fn sources(address: IpAddr, metallb: &Metallb, logs: &[SpeakerLog]) -> Vec<Source> {
    let mut sources: Vec<Source> = logs
        .iter()
        .filter(|log| log.state != LogState::Silent)
        .map(|log| Source {
            kind: "log".to_owned(),
            node: (log.state == LogState::Announced).then(|| log.node.clone()),
            at: log.at.clone(),
            detail: match log.state {
                LogState::Announced => format!("{} announces {address} ({})", log.pod, log.protocol),
                _ => format!("{} withdrew {address}: {}", log.pod, log.reason),
            },
            trusted: true,
        })
        .collect();
    for status in metallb.l2_statuses.iter().flatten() {
        let owner = metallb.speakers.iter().find(|pod| pod.name == status.owner_pod);
        let lives = owner.is_some_and(|pod| pod.node.as_deref() == Some(status.status_node.as_str()) && pod.phase == "Running");
        let consistent = status.label_node.is_empty() || status.label_node == status.status_node;
        sources.push(Source {
            kind: "l2status".to_owned(),
            node: Some(status.status_node.clone()).filter(|node| !node.is_empty()),
            at: None,
            detail: format!("ServiceL2Status {} says {}", status.name, status.status_node),
            trusted: lives && consistent,
        });
    }
    let newest = metallb.events.iter().flatten().filter(|event| event.reason == "nodeAssigned").max_by(|a, b| a.at.cmp(&b.at));
    if let Some(event) = newest {
        sources.push(Source {
            kind: "event".to_owned(),
            node: event.message.split('"').nth(1).map(str::to_owned),
            at: Some(event.at.clone()),
            detail: event.message.clone(),
            // Events are never withdrawn, so that the newest may name a node that stopped since.
            trusted: false,
        });
    }
    sources
}

fn agree(announcing: &[String], sources: &[Source], unread: &[String], logs: &[SpeakerLog], bgp: bool) -> Agreement {
    let unsure = !unread.is_empty() || logs.iter().any(|log| log.state == LogState::Silent && !log.complete);
    let status: Vec<&String> =
        sources.iter().filter(|source| source.kind == "l2status" && source.trusted).filter_map(|source| source.node.as_ref()).collect();
    match announcing {
        [] if unsure => Agreement::Unknown,
        [] if !status.is_empty() => Agreement::Conflict,
        [] => Agreement::None,
        [_] if bgp => Agreement::Agree,
        [node] if status.iter().any(|other| *other != node) => Agreement::Conflict,
        [_] => {
            if unread.is_empty() {
                Agreement::Agree
            } else {
                Agreement::Unknown
            }
        }
        _ => Agreement::Several,
    }
}
