//! The counterfactual of a named rule: with it the answered tries would not have been stopped, and without it the lost ones would have
//! gone on. A rule that takes both alike is no cause.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::node::frames::frames;
use super::node::packets::Packets;
use super::road::{Leg, Road};
use crate::analysis::state::netfilter::{Fields, Match};
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset::{self, Drop, Partial};

/// Source ports that a line tells.
const TOLD: usize = 4;

/// The answered tries that passed a place, as its packet filters see the packets of that direction.
pub(super) struct Answered {
    fields: Vec<Fields>,
    ports: BTreeMap<String, BTreeSet<u16>>,
    /// The addresses that each place asked from, where the packets are those of its tries.
    sources: BTreeMap<String, BTreeSet<IpAddr>>,
    passed: Passed,
}

/// What an answered try has to have done at the place, to be one that the rule could have stopped.
#[derive(Clone, Copy)]
enum Passed {
    Anyhow,
    /// It came in there from its client, as the lost ones did.
    FromClient,
    /// It came through the tunnel of the lost ones.
    Tunnel,
    /// It passed the bridge between the place and a pod there.
    Bridge,
}

impl Passed {
    fn told(self, place: &str) -> String {
        match self {
            Self::Anyhow => format!("to have passed {place}"),
            Self::FromClient => format!("to have come in on {place} from its client"),
            Self::Bridge => format!("to have passed the bridge between {place} and a pod of it"),
            Self::Tunnel => format!("to have come through that tunnel at {place}"),
        }
    }
}

impl Answered {
    /// Those that were seen at the node, beside tries that were lost there. Whose endpoint is not known tells nothing.
    pub(super) fn at(node: &str, lost: &[&Road], fields: &[Fields]) -> Self {
        let Some(case) = lost.first().map(|road| road.case) else { return Self::none() };
        let vip = case.address();
        let roads = case.roads();
        let place = node.to_owned();
        let enters = |road: &Road| road.entry().is_some_and(|(entry, _)| entry == node);
        // What came in from the clients here meets other rules than what other nodes send on.
        let entered = lost.iter().any(|road| enters(road));
        let passed = |road: &&Road| {
            let here = place.clone();
            road.connection.attempt.answered()
                && !road.late()
                && road.endpoint().is_some()
                && (!entered || enters(road))
                && road.hops(move |hop| hop.place == here).next().is_some()
        };
        let answered: Vec<&Road> = roads.iter().filter(passed).collect();
        let mut ports: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
        let mut sources: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for road in &answered {
            let (from, attempt) = (road.connection.vantage.text(), &road.connection.attempt);
            ports.entry(from.clone()).or_default().insert(attempt.source_port);
            sources.entry(from).or_default().extend(attempt.source);
        }
        let request = fields.iter().any(|field| vip.is_some() && field.destination == vip);
        let leg = match (request, fields.iter().any(|field| field.state.is_some())) {
            (true, true) => Leg::Request,
            (true, false) => Leg::RequestData,
            (false, _) => Leg::Reply,
        };
        let (state, mark) = fields.iter().find_map(|field| Some((field.state.clone()?, field.mark))).unzip();
        let input = fields.iter().find_map(|field| field.input.clone());
        let mut all = if answered.is_empty() { Vec::new() } else { Packets::of(case, &answered).fields(leg, vip, input.as_deref()) };
        // What passes with an interface of its own is asked of the answered ones with the same.
        let output = fields.iter().find_map(|field| field.output.clone());
        let same = |field: &Fields| Fields {
            input: input.clone(),
            output: output.clone(),
            state: state.clone(),
            mark: mark.flatten(),
            ..field.clone()
        };
        let through: Vec<Fields> =
            if output.is_some() { all.iter().filter(|field| field.source == vip).map(same).collect() } else { Vec::new() };
        all.extend(through);
        let passed = if entered { Passed::FromClient } else { Passed::Anyhow };
        Self { fields: all, ports, sources, passed }
    }

    /// As `at`, where it is the datagrams of a tunnel that were lost: what carried answered tries there looked the same.
    pub(super) fn in_tunnel(node: &str, lost: &[&Road], fields: &[Fields]) -> Self {
        let mut ports: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
        let same =
            |outer: &(IpAddr, IpAddr)| fields.iter().any(|field| field.source == Some(outer.0) && field.destination == Some(outer.1));
        for road in lost.first().map(|road| road.case.roads()).unwrap_or_default() {
            let place = node.to_owned();
            let mut outer = road.hops(move |hop| hop.tunnel.is_some() && hop.place == place).filter_map(|hop| hop.outer);
            if road.connection.attempt.answered() && !road.late() && outer.any(|outer| same(&outer)) {
                ports.entry(road.connection.vantage.text()).or_default().insert(road.connection.attempt.source_port);
            }
        }
        let fields = if ports.is_empty() { Vec::new() } else { fields.to_vec() };
        Self { fields, ports, sources: BTreeMap::new(), passed: Passed::Tunnel }
    }

    /// As `at`, where it is frames between the node and its pods that were lost: requests on their way to a pod, or answers out of it.
    pub(super) fn on_bridge(node: &str, pair: &StatePair, lost: &[&Road], request: bool) -> Self {
        let mut ports: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
        let mut fields = Vec::new();
        for road in lost.first().map(|road| road.case.roads()).unwrap_or_default() {
            let frames = frames(road.case, node, pair, &[&road], request);
            if road.connection.attempt.answered() && !road.late() && !frames.is_empty() {
                ports.entry(road.connection.vantage.text()).or_default().insert(road.connection.attempt.source_port);
                fields.extend(frames);
            }
        }
        Self { fields, ports, sources: BTreeMap::new(), passed: Passed::Bridge }
    }

    fn none() -> Self {
        Self { fields: Vec::new(), ports: BTreeMap::new(), sources: BTreeMap::new(), passed: Passed::Anyhow }
    }

    /// Whether the rule would surely have stopped answered tries, too.
    pub(super) fn are_stopped_by(&self, pair: &StatePair, rule: &Drop) -> bool {
        !self.fields.is_empty()
            && ruleset::drops(pair, &self.fields).iter().any(|drop| drop.path == rule.path && drop.matched == Match::Yes)
    }

    /// Whether the rule may take what is answered to one place, as far as its packets tell.
    fn may_be_stopped(&self, from: &str, pair: &StatePair, rule: &Drop) -> bool {
        let Some(sources) = self.sources.get(from) else { return true };
        let of = |ip: Option<IpAddr>| ip.is_none_or(|ip| sources.contains(&ip));
        let own: Vec<Fields> = self.fields.iter().filter(|field| of(field.source) || of(field.destination)).cloned().collect();
        ruleset::drops(pair, &own).iter().any(|drop| drop.path == rule.path)
    }

    /// What the model says of the lost packets without the rule, and of the answered ones with it.
    pub(super) fn evidence(&self, pair: &StatePair, rule: &Drop, lost: &[Fields]) -> Vec<String> {
        let place = &pair.after.place;
        let others = ruleset::drops(&ruleset::without(pair, &rule.text), lost);
        let other = others.iter().find(|drop| drop.matched == Match::Yes && drop.text != rule.text);
        let mut told = vec![match other {
            Some(other) => format!("without this rule `{}` on {place} would take them, too", other.text),
            None => format!("without this rule no other of {place}'s packet filters surely takes them"),
        }];
        if self.ports.is_empty() {
            let passed = self.passed.told(&place.to_string());
            told.push(format!("no answered try is known {passed}, so that there is none that it would stop, too"));
        }
        told.extend(self.ports.iter().map(|(from, ports)| {
            let partial = ruleset::partial(&rule.text).filter(|_| self.may_be_stopped(from, pair, rule));
            let shown: Vec<String> = ports.iter().take(TOLD).map(u16::to_string).collect();
            let more = if ports.len() > TOLD { ", …" } else { "" };
            let tries = format!("the {} answered tries from {from} (source ports {}{more})", ports.len(), shown.join(", "));
            match partial {
                Some(Partial::Chance) => format!("nothing but chance separates them from {tries}, which it let pass"),
                Some(Partial::Limit) => format!("nothing but its limit separates them from {tries}, which it let pass"),
                None => format!("it does not take {tries}, which pass {place}"),
            }
        }));
        told
    }
}
