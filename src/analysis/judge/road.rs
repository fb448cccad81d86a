//! The road of one connection, point by point, and where it vanished.
//!
//! A point is a place where we could look and how a packet passes it. Walking the points in order, the first one that was
//! not passed, after one that was, is where the packet vanished. Points without a capture that can be trusted are left
//! out, so that "not seen" never means "not looked".

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Case;
use crate::model::capture::Capture;
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};

/// A point of the road.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Leaves or enters the client.
    Client(String),
    /// The announcing node's side towards the client.
    NodeClientSide(String),
    /// The announcing node's side towards the pods, before a tunnel or after it.
    NodePodSide(String),
    /// The announcing node's underlay: encapsulated.
    NodeUnderlay(String),
    /// The pod's node's underlay: encapsulated.
    FarUnderlay(String),
    /// The pod's node, out of the tunnel (or off the wire, without one).
    FarNetworkSide(String),
    /// The pod's node, on the pod's link.
    FarPodSide(String),
    /// Inside the pod's namespace.
    Pod(String),
}

impl Point {
    /// The place's name.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::Client(name)
            | Self::NodeClientSide(name)
            | Self::NodePodSide(name)
            | Self::NodeUnderlay(name)
            | Self::FarUnderlay(name)
            | Self::FarNetworkSide(name)
            | Self::FarPodSide(name)
            | Self::Pod(name) => name,
        }
    }
}

/// Which packets of the connection are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leg {
    /// The first packet, from the client.
    Request,
    /// The answer to the first packet.
    Reply,
    /// The request's payload.
    RequestData,
    /// The answer's payload.
    ReplyData,
}

/// Where a connection vanished: it passed `last`, it did not pass `next`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vanished {
    pub leg: Leg,
    pub last: Point,
    pub next: Point,
}

/// A connection with what is needed to walk it.
pub struct Road<'a> {
    pub case: &'a Case<'a>,
    pub connection: &'a Connection,
    captures: Vec<&'a Capture>,
}

impl<'a> Road<'a> {
    #[must_use]
    pub fn new(case: &'a Case<'a>, connection: &'a Connection, captures: Vec<&'a Capture>) -> Self {
        Self { case, connection, captures }
    }

    /// Whether the place was captured and the capture lost nothing.
    #[must_use]
    pub fn watched(&self, place: &str) -> bool {
        self.captures
            .iter()
            .any(|capture| capture.request.place.to_string() == place && capture.request.interface == "any" && capture.trustworthy())
    }

    /// The client's place, as its captures name it.
    #[must_use]
    pub fn client(&self) -> String {
        match &self.connection.vantage {
            crate::model::probe::Vantage::Local => "local".to_owned(),
            crate::model::probe::Vantage::Ssh(name) | crate::model::probe::Vantage::Node(name) => name.clone(),
        }
    }

    fn is_node(&self, place: &str) -> bool {
        self.captures
            .iter()
            .any(|capture| matches!(&capture.request.place, Place::Host(host) if host.kind == HostKind::Node && host.name == place))
    }

    /// The node that took the request: where it came in, addressed to that node, with the Service's address.
    #[must_use]
    pub fn entry(&self) -> Option<(String, String)> {
        let vip = self.case.address()?;
        self.hops(|hop| hop.request && hop.passage == Passage::In && hop.tunnel.is_none() && hop.destination.0 == vip)
            .find(|hop| self.is_node(&hop.place) && hop.place != self.client())
            .map(|hop| (hop.place.clone(), hop.interface.clone()))
    }

    /// The endpoint that it was translated to: its address, port and pod.
    #[must_use]
    pub fn endpoint(&self) -> Option<(IpAddr, u16)> {
        let vip = self.case.address()?;
        self.hops(|hop| hop.request && hop.destination.0 != vip && hop.what != Sighting::IcmpError).map(|hop| hop.destination).next()
    }

    /// Sightings that a condition takes.
    pub fn hops(&self, which: impl Fn(&Hop) -> bool + 'a) -> impl Iterator<Item = &'a Hop> {
        self.connection.hops.iter().filter(move |hop| which(hop))
    }

    /// The points of the road from the client to the pod, as far as they are known, those without a capture left out.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut points = vec![Point::Client(self.client())];
        let entry = self.entry().map(|(node, _)| node).or_else(|| self.case.announcer());
        let Some(node) = entry else { return self.known(points) };
        points.push(Point::NodeClientSide(node.clone()));
        let Some((address, _)) = self.endpoint() else { return self.known(points) };
        points.push(Point::NodePodSide(node.clone()));
        let endpoint = self.case.target.and_then(|target| target.endpoints.iter().find(|endpoint| endpoint.ip == address));
        if let Some(far) = endpoint.and_then(|endpoint| endpoint.node.clone())
            && far != node
        {
            if self.case.tunnelled() {
                points.push(Point::NodeUnderlay(node));
                points.push(Point::FarUnderlay(far.clone()));
            }
            points.push(Point::FarNetworkSide(far.clone()));
            points.push(Point::FarPodSide(far));
        }
        if let Some(pod) = endpoint.and_then(|endpoint| endpoint.pod.clone()) {
            let namespace = &self.case.service.namespace;
            points.push(Point::Pod(format!("{namespace}/{pod}")));
        }
        self.known(points)
    }

    fn known(&self, points: Vec<Point>) -> Vec<Point> {
        points.into_iter().filter(|point| self.watched(point.place())).collect()
    }

    /// Where it vanished, or `None` when it was seen at every point (or could not be followed at all).
    #[must_use]
    pub fn vanished(&self) -> Option<Vanished> {
        let points = self.points();
        if let Some(gone) = self.walk(Leg::Request, &points) {
            return Some(gone);
        }
        let back: Vec<Point> = points.iter().rev().cloned().collect();
        if !self.passed(Leg::Request, points.last()?) {
            return None;
        }
        let answered = self.passed(Leg::Reply, back.first()?);
        if !answered {
            // The last point took it and said nothing: the pod, or the last place where we could look.
            let pod = back.first()?.clone();
            return Some(Vanished { leg: Leg::Reply, last: pod.clone(), next: pod });
        }
        self.walk(Leg::Reply, &back).or_else(|| self.walk_data(Leg::RequestData, &points)).or_else(|| self.walk_data(Leg::ReplyData, &back))
    }

    fn walk(&self, leg: Leg, points: &[Point]) -> Option<Vanished> {
        let first = points.iter().position(|point| self.passed(leg, point))?;
        points[first..]
            .windows(2)
            .find(|pair| {
                self.passed(leg, &pair[0])
                    && !self.passed(leg, &pair[1])
                    && !points[first..].iter().skip_while(|point| *point != &pair[1]).any(|later| self.passed(leg, later))
            })
            .map(|pair| Vanished { leg, last: pair[0].clone(), next: pair[1].clone() })
    }

    fn walk_data(&self, leg: Leg, points: &[Point]) -> Option<Vanished> {
        let covered: Vec<u64> = points.iter().map(|point| self.covered(leg, point)).collect();
        let sent = *covered.first()?;
        if sent == 0 {
            return None;
        }
        // Later points may have seen more than an earlier one (a retransmission), but never less without a loss between.
        (1..points.len()).find(|at| covered[*at] < sent && covered[*at..].iter().all(|bytes| *bytes < sent)).map(|at| Vanished {
            leg,
            last: points[at - 1].clone(),
            next: points[at].clone(),
        })
    }

    /// Whether a packet of that leg passed the point.
    #[must_use]
    pub fn passed(&self, leg: Leg, point: &Point) -> bool {
        let wanted = |hop: &Hop| match leg {
            Leg::Request => hop.request && matches!(hop.what, Sighting::Syn | Sighting::Data),
            Leg::Reply => !hop.request && matches!(hop.what, Sighting::SynAck | Sighting::Data | Sighting::Reset),
            Leg::RequestData => hop.request && hop.what == Sighting::Data,
            Leg::ReplyData => !hop.request && hop.what == Sighting::Data,
        };
        self.connection.hops.iter().any(|hop| wanted(hop) && self.at(hop, point))
    }

    /// Whether a sighting is at the point, in the direction in which it travels.
    fn at(&self, hop: &Hop, point: &Point) -> bool {
        if hop.place != point.place() || hop.what == Sighting::IcmpError {
            return false;
        }
        let vip = self.case.address();
        let translated = Some(if hop.request { hop.destination.0 } else { hop.source.0 }) != vip;
        let inward = if hop.request { Passage::In } else { Passage::Out };
        let outward = if hop.request { Passage::Out } else { Passage::In };
        match point {
            Point::Client(_) => hop.passage == outward && !translated,
            Point::NodeClientSide(_) => hop.tunnel.is_none() && hop.passage == inward && !translated,
            Point::NodeUnderlay(_) => hop.tunnel.is_some() && hop.passage == outward,
            Point::FarUnderlay(_) => hop.tunnel.is_some() && hop.passage == inward,
            Point::FarNetworkSide(_) => hop.tunnel.is_none() && hop.passage == inward && translated,
            Point::NodePodSide(_) | Point::FarPodSide(_) => hop.tunnel.is_none() && hop.passage == outward && translated,
            Point::Pod(_) => hop.passage == inward,
        }
    }

    /// Bytes of payload that were seen at the point, counted once each.
    fn covered(&self, leg: Leg, point: &Point) -> u64 {
        let request = leg == Leg::RequestData;
        let mut ranges: BTreeSet<(u32, u32)> = BTreeSet::new();
        let base = self
            .connection
            .hops
            .iter()
            .filter(|hop| hop.request == request && hop.length > 0)
            .map(|hop| hop.sequence)
            .next()
            .unwrap_or_default();
        for hop in self.connection.hops.iter().filter(|hop| hop.request == request && hop.what == Sighting::Data && self.at(hop, point)) {
            // Relative to the first, so that wrapped numbers stay in order.
            let start = hop.sequence.wrapping_sub(base).wrapping_add(1 << 30);
            ranges.insert((start, start.wrapping_add(hop.length)));
        }
        let (mut total, mut end) = (0_u64, 0_u32);
        for (from, to) in ranges {
            let from = from.max(end);
            if to > from {
                total += u64::from(to - from);
                end = to;
            }
        }
        total
    }
}
