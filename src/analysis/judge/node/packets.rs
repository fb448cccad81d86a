//! What a group of connections has in common, as the rules of a node or a pod ask for it.

use crate::analysis::judge::case::Case;
use crate::analysis::judge::road::Leg;
use crate::analysis::judge::road::Road;
use crate::analysis::state::netfilter::Fields;
use crate::model::packet::Passage;
use crate::model::service::Protocol;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The addresses from which a request comes to the node that takes it; the client's own, where that was not seen.
fn seen_from(road: &Road, vip: Option<IpAddr>) -> BTreeSet<IpAddr> {
    let entry = road.entry().map(|(node, _)| node);
    let arriving = road.hops(|hop| {
        hop.request && hop.passage == Passage::In && Some(hop.destination.0) == vip && entry.as_deref() == Some(hop.place.as_str())
    });
    let seen: BTreeSet<IpAddr> = arriving.map(|hop| hop.source.0).collect();
    if seen.is_empty() { road.connection.attempt.source.into_iter().collect() } else { seen }
}

/// What a group of connections has in common for the rules of a node or pod.
pub(in crate::analysis::judge) struct Packets {
    /// Whom the requests come from, as the first node sees them: routers may translate.
    pub clients: BTreeSet<IpAddr>,
    pub endpoints: BTreeSet<(IpAddr, u16)>,
    /// Sources that the pods see, after source translation.
    pub seen_sources: BTreeSet<IpAddr>,
    pub protocol: &'static str,
    pub port: u16,
}

impl Packets {
    pub(in crate::analysis::judge) fn of(case: &Case, roads: &[&Road]) -> Self {
        let udp = case.target.is_some_and(|target| target.port.protocol == Protocol::Udp);
        let vip = case.address();
        let mut endpoints: BTreeSet<(IpAddr, u16)> = roads.iter().filter_map(|road| road.endpoint()).collect();
        if endpoints.is_empty() {
            endpoints = case
                .target
                .map(|target| target.serving().iter().filter_map(|endpoint| Some((endpoint.ip, endpoint.port?))).collect())
                .unwrap_or_default();
        }
        Self {
            clients: roads.iter().flat_map(|road| seen_from(road, vip)).collect(),
            seen_sources: roads
                .iter()
                .flat_map(|road| road.hops(|hop| hop.request && Some(hop.destination.0) != vip))
                .map(|hop| hop.source.0)
                .collect(),
            endpoints,
            protocol: if udp { "udp" } else { "tcp" },
            port: case.target.map_or(0, |target| target.port.port),
        }
    }

    /// The request's fields at every stage: before and after translation, with the interfaces where they are known.
    fn request(&self, vip: Option<IpAddr>, input: Option<&str>, first: bool) -> Vec<Fields> {
        let base = Fields {
            protocol: self.protocol.to_owned(),
            input: input.map(str::to_owned),
            state: first.then(|| "NEW".to_owned()),
            mark: first.then_some(0),
            ..Fields::default()
        };
        let mut all = Vec::new();
        for source in &self.clients {
            all.push(Fields { source: Some(*source), destination: vip, destination_port: Some(self.port), ..base.clone() });
        }
        for (ip, port) in &self.endpoints {
            for source in self.clients.iter().chain(&self.seen_sources) {
                all.push(Fields { source: Some(*source), destination: Some(*ip), destination_port: Some(*port), ..base.clone() });
            }
        }
        all
    }

    fn reply(&self, vip: Option<IpAddr>) -> Vec<Fields> {
        let base = Fields { protocol: self.protocol.to_owned(), ..Fields::default() };
        let mut all = Vec::new();
        for to in self.clients.iter().chain(&self.seen_sources) {
            for (ip, port) in &self.endpoints {
                all.push(Fields { source: Some(*ip), source_port: Some(*port), destination: Some(*to), ..base.clone() });
            }
            all.push(Fields { source: vip, source_port: Some(self.port), destination: Some(*to), ..base.clone() });
        }
        all
    }

    pub(in crate::analysis::judge) fn fields(&self, leg: Leg, vip: Option<IpAddr>, input: Option<&str>) -> Vec<Fields> {
        match leg {
            Leg::Request => self.request(vip, input, true),
            Leg::RequestData => self.request(vip, input, false),
            Leg::Reply | Leg::ReplyData => self.reply(vip),
        }
    }
}
