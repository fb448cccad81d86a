//! The road of one connection, point by point, and where it vanished.
//!
//! A point is a place where we could look and how a packet passes it. Walking the points in order, the first one that was
//! not passed, after one that was, is where the packet vanished. Points without a capture that can be trusted are left
//! out, so that "not seen" never means "not looked".

mod overtaken;
mod under_way;

use crate::analysis::judge::case::Case;
use crate::model::flow::Flow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

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

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        match self {
            Self::Client(_) | Self::Pod(_) => f.write_str(place),
            Self::NodeClientSide(_) => write!(f, "{place} towards the client"),
            Self::NodePodSide(_) => write!(f, "{place} towards the pods"),
            Self::NodeUnderlay(_) | Self::FarUnderlay(_) => write!(f, "{place}'s network beneath the tunnel"),
            Self::FarNetworkSide(_) => write!(f, "{place} out of the tunnel"),
            Self::FarPodSide(_) => write!(f, "{place} on the pod's link"),
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

impl<'a> Case<'a> {
    /// The connections that were followed, each with the captures of its round.
    #[must_use]
    pub fn roads(&'a self) -> Vec<Road<'a>> {
        self.note_tries();
        self.flows()
            .flat_map(|flow| {
                let captures: Vec<&Capture> = flow.captures.iter().collect();
                flow.connections.iter().chain(self.resent(flow)).map(move |connection| (connection, captures.clone()))
            })
            .map(|(connection, captures)| Road::new(self, connection, captures))
            .collect()
    }

    /// The tries of one round that were answered late. A single one in both rounds is no pattern.
    fn resent(&self, flow: &'a Flow) -> &'a [Connection] {
        if self.flows().map(|flow| flow.resent.len()).sum::<usize>() < 2 { &[] } else { &flow.resent }
    }
}

impl<'a> Road<'a> {
    #[must_use]
    pub fn new(case: &'a Case<'a>, connection: &'a Connection, captures: Vec<&'a Capture>) -> Self {
        Self { case, connection, captures }
    }

    /// The captures of the connection's round.
    #[must_use]
    pub fn captures(&self) -> &[&'a Capture] {
        &self.captures
    }

    /// Whether it is one of the second round, around which the states were read.
    #[must_use]
    pub fn repeated(&self) -> bool {
        self.case.closer.is_some_and(|closer| {
            closer.again.connections.iter().chain(&closer.again.resent).any(|connection| std::ptr::eq(connection, self.connection))
        })
    }

    /// Whether the try was answered after all, by a packet that was sent again.
    #[must_use]
    pub fn late(&self) -> bool {
        self.case.flows().any(|flow| flow.resent.iter().any(|connection| std::ptr::eq(connection, self.connection)))
    }

    /// Whether the place was captured and the capture lost nothing, in the connection's own round.
    #[must_use]
    pub fn watched(&self, place: &str) -> bool {
        self.captures.iter().any(|capture| capture.request.place.to_string() == place && capture.tells_absence())
    }

    /// The client's place, as its captures name it.
    #[must_use]
    pub fn client(&self) -> String {
        self.connection.vantage.place().to_owned()
    }

    fn is_node(&self, place: &str) -> bool {
        self.captures
            .iter()
            .any(|capture| matches!(&capture.request.place, Place::Host(host) if host.kind == HostKind::Node && host.name == place))
    }

    /// The node that took the request: where it came in, addressed to that node, with the Service's address. What a pod sends comes in
    /// at a port of its node's bridge first, addressed to the bridge, and the node's filters may take it before the bridge shows it.
    #[must_use]
    pub fn entry(&self) -> Option<(String, String)> {
        let vip = self.case.address()?;
        let came_by = |passage: Passage| {
            self.hops(move |hop| hop.request && hop.passage == passage && hop.tunnel.is_none() && hop.destination.0 == vip)
                .find(|hop| self.is_node(&hop.place) && hop.place != self.client())
        };
        let hop = came_by(Passage::In).or_else(|| came_by(Passage::Other).filter(|_| self.connection.vantage.is_inside()))?;
        Some((hop.place.clone(), hop.interface.clone()))
    }

    /// The endpoint that it was translated to: its address, port and pod.
    #[must_use]
    pub fn endpoint(&self) -> Option<(IpAddr, u16)> {
        let vip = self.case.address()?;
        self.hops(|hop| hop.request && hop.destination.0 != vip && hop.what != Sighting::IcmpError).map(|hop| hop.destination).next()
    }

    /// Whether a reset or an ICMP refusal of the connection began in the pod.
    #[must_use]
    pub fn refused_by_pod(&self) -> bool {
        let refusal = |hop: &Hop| matches!(hop.what, Sighting::Reset | Sighting::IcmpError);
        self.hops(move |hop| !hop.request && hop.passage == Passage::Out && hop.place.contains('/') && refusal(hop)).next().is_some()
    }

    /// Sightings that a condition takes.
    pub fn hops(&self, which: impl Fn(&Hop) -> bool + 'a) -> impl Iterator<Item = &'a Hop> {
        self.connection.hops.iter().filter(move |hop| which(hop))
    }

    /// Packets of the request as they left the client.
    pub fn sent(&self) -> impl Iterator<Item = &'a Hop> {
        let client = self.connection.vantage.place();
        self.hops(move |hop| hop.request && hop.passage == Passage::Out && hop.place == client)
    }

    /// The points of the road from the client to the pod, as far as they are known, those without a capture left out.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut points = vec![Point::Client(self.client())];
        // Where a router chooses among several nodes, one that was not seen to take the request was not passed by it.
        // Inside the cluster a node's own kube-proxy takes a request, and none comes to the announcing node.
        let announcer = || self.case.announcer().filter(|_| !self.case.routed() && !self.connection.vantage.is_inside());
        let entry = self.entry().map(|(node, _)| node).or_else(announcer);
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

    /// Places of the road between two points that were not watched: what is lost there may be lost in them.
    #[must_use]
    pub fn unwatched_between(&self, gone: &Vanished) -> Vec<String> {
        let mut places = vec![self.client()];
        let announcer = || self.case.announcer().filter(|_| !self.case.routed() && !self.connection.vantage.is_inside());
        places.extend(self.entry().map(|(node, _)| node).or_else(announcer));
        let ends = || self.case.target.iter().flat_map(|target| &target.endpoints);
        let endpoint = self.endpoint().and_then(|(address, _)| ends().find(|endpoint| endpoint.ip == address));
        places.extend(endpoint.and_then(|endpoint| endpoint.node.clone()));
        places.extend(endpoint.and_then(|endpoint| Some(format!("{}/{}", self.case.service.namespace, endpoint.pod.as_ref()?))));
        places.dedup();
        let at = |point: &Point| places.iter().position(|place| place == point.place());
        let (Some(one), Some(other)) = (at(&gone.last), at(&gone.next)) else { return Vec::new() };
        let (from, to) = (one.min(other), one.max(other));
        places.get(from + 1..to).unwrap_or_default().iter().filter(|place| !self.watched(place)).cloned().collect()
    }

    fn known(&self, points: Vec<Point>) -> Vec<Point> {
        points.into_iter().filter(|point| self.watched(point.place())).collect()
    }

    /// Where it vanished, or `None` when it was seen at every point (or could not be followed at all).
    #[must_use]
    pub fn vanished(&self) -> Option<Vanished> {
        // What could not be followed is lost nowhere that is known.
        if self.connection.not_joined.is_some() && !self.connection.hops.is_empty() {
            return None;
        }
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
        let covered: Vec<u64> = points.iter().map(|point| self.covered(leg, point, None)).collect();
        let on_time = |at: usize| {
            let until = self.too_late_after(leg, &points[at - 1], &points[at]);
            until.is_none() || self.covered(leg, &points[at - 1], until) > covered[at]
        };
        let sent = *covered.first()?;
        if sent == 0 {
            return None;
        }
        // Later points may have seen more than an earlier one (a retransmission), but never less without a loss between.
        let lost = |at: &usize| covered[*at] < sent && covered[*at..].iter().all(|bytes| *bytes < sent) && on_time(*at);
        (1..points.len()).find(lost).map(|at| Vanished { leg, last: points[at - 1].clone(), next: points[at].clone() })
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
            Point::NodeClientSide(_) => {
                let at_a_port = hop.request && hop.passage == Passage::Other && self.connection.vantage.is_inside();
                hop.tunnel.is_none() && (hop.passage == inward || at_a_port) && !translated
            }
            Point::NodeUnderlay(_) => hop.tunnel.is_some() && hop.passage == outward,
            Point::FarUnderlay(_) => hop.tunnel.is_some() && hop.passage == inward,
            Point::FarNetworkSide(_) => hop.tunnel.is_none() && hop.passage == inward && translated,
            Point::NodePodSide(_) | Point::FarPodSide(_) => hop.tunnel.is_none() && hop.passage == outward && translated,
            Point::Pod(_) => hop.passage == inward,
        }
    }

    /// The most payload that one packet of that leg had at the point, bytes.
    #[must_use]
    pub fn largest(&self, leg: Leg, point: &Point) -> u32 {
        let request = matches!(leg, Leg::Request | Leg::RequestData);
        self.connection
            .hops
            .iter()
            .filter(|hop| hop.request == request && self.at(hop, point))
            .map(|hop| hop.length)
            .max()
            .unwrap_or_default()
    }

    /// Bytes of payload that were seen at the point until some time, counted once each.
    fn covered(&self, leg: Leg, point: &Point, until: Option<i64>) -> u64 {
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
        let seen = |hop: &&Hop| hop.request == request && hop.what == Sighting::Data && until.is_none_or(|until| hop.at <= until);
        for hop in self.connection.hops.iter().filter(|hop| seen(hop) && self.at(hop, point)) {
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

#[cfg(test)]
mod tests;
