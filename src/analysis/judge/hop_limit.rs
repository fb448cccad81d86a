//! Packets that may pass no more routers: whoever would have to forward one that comes in with a TTL (hop limit) of 1 drops it instead, and
//! no filter, route or counter of his shows that.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::case::{Case, found};
use super::road::Road;
use super::scope;
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// More than the routers between two places that were watched take of it on any usual way.
const ROUTERS: u8 = 8;

/// Where the packets lost what they needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spent {
    /// They left their sender with too little.
    Sent { by: String, with: u8 },
    /// They came in at the place with much, and left it with little.
    At { place: String, from: u8, to: u8 },
    /// They left one place with much, and came in at the next with little.
    Between { from: String, to: String, left: Option<u8>, came: u8 },
}

/// The requests, or the answers, come in on the node with so little left that it may not forward them.
pub(super) fn spent_at(case: &Case, roads: &[&Road], node: &str, request: bool) -> Option<Finding> {
    let spent: BTreeSet<Spent> = roads.iter().map(|road| of(road, node, request)).collect::<Option<_>>()?;
    // What comes in on the node for the node itself is not forwarded.
    let local = case.target.is_some_and(|target| target.endpoints.iter().any(|endpoint| case.is_node_address(endpoint.ip)));
    let passes = |road: &Road| road.connection.attempt.answered() && came(road, node, request).is_some_and(|hop| hop.ttl <= Some(1));
    if local || case.roads().iter().any(passes) {
        return None;
    }
    let clients = scope::clients(roads);
    let what = if request { format!("what {clients} sends") } else { format!("the answers to {clients}") };
    let mut evidence = vec![format!(
        "in {} tries the packets come in on {node} with a TTL of 1, and what would have to be forwarded then is dropped",
        roads.len()
    )];
    evidence.extend(spent.iter().map(Spent::told));
    let first = spent.first()?;
    let culprits = spent.iter().map(|spent| spent.culprit(case, roads)).collect::<BTreeSet<_>>().into_iter().collect();
    let mut finding =
        found(names::WIRE_TTL_EXPIRED, culprits, format!("{what} may pass no router behind {node}: {}", first.told()), evidence);
    finding.next = first.advice(case);
    Some(finding)
}

/// A router on the way says by ICMP that the requests may pass no more routers.
pub(super) fn expired_on_the_way(case: &Case, roads: &[&Road]) -> Option<Finding> {
    let mut routers: BTreeSet<IpAddr> = BTreeSet::new();
    let clients: BTreeSet<String> = roads.iter().map(|road| road.client()).collect();
    for client in &clients {
        // A router answers few of many packets by ICMP: its word for one try from a place is its word for all from there.
        let of_client = roads.iter().filter(|road| road.client() == *client);
        let said: BTreeSet<IpAddr> =
            of_client.flat_map(|road| road.hops(|hop| exceeded(hop, &road.client()))).map(|hop| hop.source.0).collect();
        if said.is_empty() {
            return None;
        }
        routers.extend(said);
    }
    let left: BTreeSet<u8> = roads.iter().flat_map(|road| road.sent()).filter_map(|hop| hop.ttl).collect();
    let named = routers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let clients = scope::clients(roads);
    let mut evidence = vec![format!("{named} answers what {clients} sends by ICMP: time exceeded in transit")];
    let most = *left.last()?;
    evidence.push(format!("it leaves {clients} with a TTL of {most}"));
    if most <= ROUTERS {
        let spent = Spent::Sent { by: clients.clone(), with: most };
        let culprits = super::client::culprits(roads);
        let mut finding = found(
            names::WIRE_TTL_EXPIRED,
            culprits,
            format!("what {clients} sends gets no further than {named}: {}", spent.told()),
            evidence,
        );
        finding.next = spent.advice(case);
        return Some(finding);
    }
    // What a node says of it, or says in the Service's name, was used up before it came there: no loop is known of.
    if routers.iter().any(|router| Some(*router) == case.address() || case.is_node_address(*router)) {
        return None;
    }
    let culprits: Vec<Subject> = routers.iter().map(|router| Subject::router(*router)).collect();
    let mut finding =
        found(names::WIRE_TTL_EXPIRED, culprits, format!("what {clients} sends goes round until it is used up: {named} says so"), evidence);
    finding.next = format!(
        "Look for a loop of routes: traceroute -n to the address from {clients}, and ip route get ADDRESS on {named} and on the router that it names."
    );
    Some(finding)
}

/// Whether it is a router's word to the client that a packet was used up.
fn exceeded(hop: &Hop, client: &str) -> bool {
    let kind = if hop.source.0.is_ipv6() { 3 } else { 11 };
    hop.what == Sighting::IcmpError && hop.passage == Passage::In && hop.place == client && (hop.source.1, hop.destination.1) == (kind, 0)
}

/// The first packet of one direction as it came in at a place, out of any tunnel.
fn came<'a>(road: &Road<'a>, node: &str, request: bool) -> Option<&'a Hop> {
    along(road, request).find(|hop| hop.place == node && hop.passage == Passage::In)
}

/// Sightings of the packets of one direction, out of any tunnel.
fn along<'a>(road: &Road<'a>, request: bool) -> impl Iterator<Item = &'a Hop> {
    road.hops(move |hop| hop.request == request && hop.what != Sighting::IcmpError && hop.tunnel.is_none())
}

/// The pod that answers a try, as its captures name it.
fn sender_of(road: &Road) -> String {
    let pod = road.endpoint().and_then(|(address, _)| road.case.pod_at(address));
    pod.map_or_else(|| "the endpoint".to_owned(), |pod| format!("{}/{pod}", road.case.service.namespace))
}

/// Where a try's packets were spent, if they came in on the node with too little.
fn of(road: &Road, node: &str, request: bool) -> Option<Spent> {
    let here = came(road, node, request)?;
    let came = here.ttl.filter(|ttl| *ttl <= 1)?;
    // One packet is followed, not those that were sent again: each place is asked for its first sighting of that sequence number.
    let mut seen: Vec<&Hop> = along(road, request).filter(|hop| hop.ttl >= Some(came) && hop.sequence == here.sequence).collect();
    seen.sort_by_key(|hop| std::cmp::Reverse(hop.ttl));
    let fell = |pair: &[&Hop]| pair[0].ttl.unwrap_or_default() - pair[1].ttl.unwrap_or_default();
    let steepest = seen.windows(2).max_by_key(|pair| fell(pair)).filter(|pair| fell(pair) > ROUTERS);
    let Some([before, after]) = steepest else {
        let first = seen.first()?;
        let sender = if request { road.client() } else { sender_of(road) };
        // Where the sender was not watched, what came to the first place that was says nothing of it.
        let own = first.place == sender && first.passage == Passage::Out;
        let with = first.ttl.unwrap_or_default();
        return Some(if own {
            Spent::Sent { by: sender, with }
        } else {
            Spent::Between { from: sender, to: node.to_owned(), left: None, came }
        });
    };
    let (from, to) = (before.ttl.unwrap_or_default(), after.ttl.unwrap_or_default());
    Some(if before.place == after.place {
        Spent::At { place: before.place.clone(), from, to }
    } else {
        Spent::Between { from: before.place.clone(), to: after.place.clone(), left: Some(from), came: to }
    })
}

/// What gives a place's packets their TTL, where what was read of it says that.
fn set_by(case: &Case, place: &str, with: u8) -> Option<String> {
    let pod = place.split_once('/').map(|(_, name)| name);
    let pair = pod.map_or_else(|| case.states().find(|pair| pair.after.place.to_string() == place), |name| case.pod_state(name))?;
    let state = &pair.after;
    let usual = state.settings()?.number("net/ipv4/ip_default_ttl")?;
    if usual == i64::from(with) {
        let how = if pod.is_some() {
            "in its network namespace (nsenter -n), and in what starts the pod (securityContext.sysctls, an init container)"
        } else {
            "there, and in /etc/sysctl.d"
        };
        return Some(format!("net.ipv4.ip_default_ttl is {usual} on {place}: sysctl -w net.ipv4.ip_default_ttl=64 {how}."));
    }
    let routes = state.routes()?;
    if let Some(route) = routes.all().iter().find(|route| route.text.contains(&format!(" hoplimit {with}"))) {
        return Some(format!("A route of {place} sets it: ip route change {} without its hoplimit.", route.text.trim()));
    }
    if let Some((tool, line)) = state.sets_hop_limit() {
        return Some(format!("A rule of {tool} on {place} sets it: {line}; take it away there, and where it is managed."));
    }
    (state.is_read("iptables") && state.is_read("nft")).then(|| {
        format!("Neither net.ipv4.ip_default_ttl ({usual}), a route nor a packet filter of {place} sets it: the program does itself (IP_TTL); look into its settings.")
    })
}

impl Spent {
    fn told(&self) -> String {
        match self {
            Self::Sent { by, with } => format!("{by} sends with a TTL of {with}"),
            Self::At { place, from, to } => format!("{place} lowers the TTL from {from} to {to}"),
            Self::Between { from, to, left: None, came } => format!("from {from} to {to} packets come with a TTL of {came}"),
            Self::Between { from, to, left: Some(left), came } => {
                format!("something between {from} and {to} lowers the TTL from {left} to {came}")
            }
        }
    }

    fn culprit(&self, case: &Case, roads: &[&Road]) -> Subject {
        let of_place = |place: &str| match place.split_once('/') {
            Some((namespace, pod)) => Subject::pod(namespace, pod),
            None if case.node(place).is_some() => Subject::node(place),
            None => super::client::culprits(roads).into_iter().next().unwrap_or_else(|| Subject::client(place)),
        };
        match self {
            Self::Sent { by: place, .. } | Self::At { place, .. } => of_place(place),
            Self::Between { from, to, .. } => Subject::network(from, to),
        }
    }

    fn advice(&self, case: &Case) -> String {
        const RULES: &str = "packet filters that set it (iptables -t mangle -S | grep TTL, nft list ruleset | grep -E 'ttl|hoplimit')";
        match self {
            Self::Sent { by, with } if let Some(known) = set_by(case, by, *with) => known,
            Self::Sent { by, .. } => format!(
                "Raise it on {by}: sysctl net.ipv4.ip_default_ttl (64 is usual; net.ipv6.conf.*.hop_limit), the route's hoplimit, or what the program sets itself (IP_TTL)."
            ),
            Self::At { place, .. } => format!("Look on {place} for {RULES}, and change or remove what sets it."),
            Self::Between { from, to, .. } => {
                format!("Look at what lies between {from} and {to}: {RULES}, and router policies that do.")
            }
        }
    }
}

#[cfg(test)]
mod tests;
