//! Who asked by ARP for the address (or by neighbour discovery, of IPv6) and who was answered, as both sides saw it.

use crate::analysis::judge::case::Case;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::router_word;
use crate::analysis::judge::road::Road;
use crate::model::capture::Capture;
use crate::model::packet::{self, Passage};
use crate::model::place::{HostKind, Place};
use crate::model::probe::Probe;

/// The ARP packets of both sides about the address. Where the clients ask for it themselves it is their requests that count, and the answers
/// to these; where they have sent something it is those of whoever else asks, a router among them.
pub(super) struct Arp {
    pub(super) asked_at_node: usize,
    /// On nodes that do not announce the address: broadcasts reach them too.
    pub(super) asked_elsewhere: usize,
    pub(super) answered_by_node: usize,
    /// Answers that left the node for anybody.
    pub(super) answered_anybody: usize,
    pub(super) client_asked: usize,
    pub(super) client_answered: usize,
    /// The addresses from which the clients ask.
    pub(super) askers: BTreeSet<IpAddr>,
    pub(super) router_asks: bool,
    /// Somebody asked more than once: the answer to the first time did not reach him.
    pub(super) router_asks_again: bool,
    /// Who says by ICMP that nobody tells it the address's MAC.
    pub(super) router_unreachable: BTreeSet<IpAddr>,
}

impl Arp {
    pub(super) fn seen(case: &Case, roads: &[&Road], node: &str, quiet: bool) -> Self {
        let vip = case.address();
        let clients: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
        // The captures of these connections' own rounds, each once: what another round lost must not count as absent here.
        let mut rounds: Vec<&Capture> = Vec::new();
        for capture in roads.iter().flat_map(|road| road.captures()) {
            if !rounds.iter().any(|known| std::ptr::eq(*known, *capture)) {
                rounds.push(capture);
            }
        }
        let packets = |captures: &dyn Fn(&Capture) -> bool, wanted: &dyn Fn(&packet::Arp, Passage) -> bool| -> Vec<packet::Arp> {
            rounds
                .iter()
                .filter(|capture| captures(capture))
                .flat_map(|capture| &capture.packets)
                .filter_map(|packet| Some((packet.resolution()?, packet.passage)))
                .filter(|(arp, passage)| wanted(arp, *passage))
                .map(|(arp, _)| arp)
                .collect()
        };
        let at_node = |capture: &Capture| is_place(capture, node);
        let at_client = |capture: &Capture| clients.iter().any(|client| is_place(capture, client));
        let asks = |arp: &packet::Arp| !arp.reply && Some(arp.target) == vip && Some(arp.sender) != vip;
        let answers = |arp: &packet::Arp| arp.reply && Some(arp.sender) == vip;
        let asked_by_clients = packets(&at_client, &|arp, passage| asks(arp) && passage == Passage::Out);
        // A probe of ours that asks who has the address gives no address of its own.
        let addresses: BTreeSet<IpAddr> = asked_by_clients
            .iter()
            .map(|arp| arp.sender)
            .filter(|sender| !sender.is_unspecified())
            .chain(sources(case, quiet.then_some(roads)))
            .collect();
        let macs: BTreeSet<_> = asked_by_clients.iter().map(|arp| arp.sender_mac).collect();
        let by_clients = |arp: &packet::Arp| addresses.contains(&arp.sender) || macs.contains(&arp.sender_mac);
        let counts = |arp: &packet::Arp| asks(arp) && !arp.sender.is_unspecified() && by_clients(arp) == quiet;
        let asked_at_node = packets(&at_node, &|arp, passage| counts(arp) && passage == Passage::In);
        let answered = packets(&at_node, &|arp, passage| answers(arp) && passage == Passage::Out);
        let mut routers: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for arp in asked_at_node.iter().filter(|_| !quiet) {
            *routers.entry(arp.sender).or_default() += 1;
        }
        let elsewhere = |capture: &Capture| !at_node(capture) && is_a_node(capture);
        Self {
            asked_elsewhere: packets(&elsewhere, &|arp, passage| counts(arp) && passage == Passage::In).len(),
            asked_at_node: asked_at_node.len(),
            answered_by_node: answered
                .iter()
                .filter(|arp| !arp.target.is_unspecified() && addresses.contains(&arp.target) == quiet)
                .count(),
            answered_anybody: answered.len(),
            // The probe of ours is no request whose answer its programs wait for, and is not counted on the nodes.
            client_asked: asked_by_clients.iter().filter(|arp| !arp.sender.is_unspecified()).count(),
            client_answered: packets(&at_client, &|arp, passage| answers(arp) && passage == Passage::In && !arp.target.is_unspecified())
                .len(),
            askers: asked_by_clients.iter().map(|arp| arp.sender).filter(|sender| !sender.is_unspecified()).collect(),
            router_asks: !routers.is_empty(),
            router_asks_again: routers.values().any(|times| *times > 1),
            router_unreachable: router_word::no_neighbour(case, roads),
        }
    }
}

/// The addresses that tries were made from: those of some connections, or every one.
fn sources(case: &Case, roads: Option<&[&Road]>) -> BTreeSet<IpAddr> {
    match roads {
        Some(roads) => roads.iter().filter_map(|road| road.connection.attempt.source).collect(),
        None => case.probes().flat_map(Probe::made).filter_map(|attempt| attempt.source).collect(),
    }
}

/// A capture of everything on a node.
fn is_a_node(capture: &Capture) -> bool {
    capture.request.interface == "any" && matches!(&capture.request.place, Place::Host(host) if host.kind == HostKind::Node)
}

fn is_place(capture: &Capture, name: &str) -> bool {
    capture.request.interface == "any" && matches!(&capture.request.place, Place::Host(host) if host.name == name)
}
