//! Inside a node: what takes a packet between where it came in and where it should leave.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::road::{Leg, Road};
use super::{Case, client, conntrack, found, ipsec, policy, translation};
use crate::analysis::state::netfilter::{self, Fields, Match};
use crate::analysis::state::{counters, network, ruleset, traffic_control};
use crate::model::catalogue::names;
use crate::model::error_kind::ErrorKind;
use crate::model::finding::{Finding, Gap};
use crate::model::packet::Passage;
use crate::model::service::{Protocol, TrafficPolicy};
use crate::model::state::StatePair;
use crate::model::subject::Subject;

/// What a group of connections has in common for the rules of a node or pod.
pub(super) struct Packets {
    pub clients: BTreeSet<IpAddr>,
    pub endpoints: BTreeSet<(IpAddr, u16)>,
    /// Sources that the pods see, after source translation.
    pub seen_sources: BTreeSet<IpAddr>,
    pub protocol: &'static str,
    pub port: u16,
}

impl Packets {
    pub(super) fn of(case: &Case, roads: &[&Road]) -> Self {
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
            clients: roads.iter().filter_map(|road| road.connection.attempt.source).collect(),
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

    pub(super) fn fields(&self, leg: Leg, vip: Option<IpAddr>, input: Option<&str>) -> Vec<Fields> {
        match leg {
            Leg::Request => self.request(vip, input, true),
            Leg::RequestData => self.request(vip, input, false),
            Leg::Reply | Leg::ReplyData => self.reply(vip),
        }
    }
}

/// A rule that drops these packets at a place: its path, its text and how it was seen.
pub(super) struct Dropping {
    pub path: String,
    pub text: String,
    pub proof: String,
}

/// The surest rule that dropped one of these packets between the two reads.
pub(super) fn dropping(pair: &StatePair, fields: &[Fields]) -> Option<Dropping> {
    dropping_as_many(pair, fields, 0)
}

/// As `dropping`; a rule that only may have taken them has to have counted as many as were lost.
fn dropping_as_many(pair: &StatePair, fields: &[Fields], lost: usize) -> Option<Dropping> {
    let enough = |drop: &ruleset::Drop| {
        drop.matched == Match::Yes || drop.grown.is_some_and(|grown| usize::try_from(grown).is_ok_and(|grown| grown >= lost))
    };
    let drop = ruleset::drops(pair, fields).into_iter().find(enough)?;
    let place = &pair.after.place;
    let proof = took(&place.to_string(), drop.tool, &drop.path, &drop.text, drop.grown);
    Some(Dropping { path: drop.path, text: drop.text, proof })
}

/// That a rule of a place took packets, by its counter where it has one.
pub(super) fn took(place: &str, tool: &str, path: &str, text: &str, grown: Option<u64>) -> String {
    let (table, rest) = path.split_once('/').unwrap_or((path, ""));
    let (chain, position) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let stands = if position == "policy" { format!(", chain {chain}") } else { format!(", rule {position} of {chain}") };
    match (tool, grown) {
        ("nft", Some(grown)) => {
            format!("nft table {table} on {place}{stands}: `{text}` took {grown} packets while the probe was repeated")
        }
        ("nft", None) => format!("nft table {table} on {place}{stands}: `{text}` takes this packet"),
        (tool, grown) => {
            let grown = grown.unwrap_or_default();
            format!("{tool} {table} on {place}{stands}: `{text}` took {grown} packets while the probe was repeated")
        }
    }
}

/// The finding for a packet filter on a node.
pub(super) fn firewall(pair: &StatePair, node: &str, fields: &[Fields]) -> Option<Finding> {
    dropping(pair, fields).map(|drop| filtered(node, drop))
}

/// As `firewall`, for these connections: of a rule that takes a part of the packets it is known only by how many it took.
pub(super) fn firewall_of(pair: &StatePair, node: &str, fields: &[Fields], roads: &[&Road]) -> Option<Finding> {
    let lost = roads.iter().filter(|road| road.repeated()).count();
    dropping_as_many(pair, fields, lost).map(|drop| filtered(node, drop))
}

fn filtered(node: &str, drop: Dropping) -> Finding {
    found(
        names::NODE_FIREWALL_DROP,
        vec![Subject::rule(node, &drop.path, &drop.text)],
        format!("a packet filter on {node} drops it: {}", drop.text),
        vec![drop.proof],
    )
}

/// The kernel drops as many packets as were lost, and more, where no rule of a filter counts them.
pub(super) fn dropped_beside_filters(pair: &StatePair, node: &str, interface: Option<&str>, lost: usize) -> Option<Finding> {
    // Both rounds are among the lost ones, and the counters were read around the second one alone.
    let enough = u64::try_from(lost.div_ceil(2)).unwrap_or(u64::MAX).max(2);
    queue_drops(pair, node, interface, enough).or_else(|| ipsec::drops(pair, node, enough))
}

/// The traffic control of an interface drops that many packets.
fn queue_drops(pair: &StatePair, node: &str, interface: Option<&str>, enough: u64) -> Option<Finding> {
    let interface = interface?;
    let here = traffic_control::dropping(pair).into_iter().find(|dropping| dropping.interface == interface)?;
    (here.grown >= enough).then(|| {
        found(
            names::NODE_FIREWALL_DROP,
            vec![Subject::interface(node, interface)],
            format!("the traffic control of {node}/{interface} drops it"),
            vec![format!(
                "tc on {node}: the {} qdisc of {interface} dropped {} packets while the probe was repeated",
                here.kind, here.grown
            )],
        )
    })
}

/// The request came in on the announcing node and no translated packet left it.
pub(super) fn request_inside(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    let input = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    if packets.clients.iter().all(|client| client::source_range(case, *client)) && !packets.clients.is_empty() {
        return Ok(client::outside_ranges(case, roads));
    }
    let came_in = roads.iter().filter(|road| road.entry().is_some()).count();
    // That none left is known only where the capture lost nothing.
    let watched = roads.iter().all(|road| road.watched(node));
    let seen = format!(
        "{came_in} requests came in on {node}{}{}",
        input.as_ref().map(|name| format!("/{name}")).unwrap_or_default(),
        if watched { ", none left it towards a pod" } else { "" }
    );
    let fields = packets.fields(Leg::Request, case.address(), input.as_deref());
    let finding = translation::diverted(case, pair, node, roads)
        .or_else(|| firewall_of(pair, node, &fields, roads).map(|finding| policy::behind(case, node, &packets, finding)))
        .or_else(|| dropped_beside_filters(pair, node, input.as_deref(), roads.len()))
        .or_else(|| forwarding_off(case, pair, node, input.as_deref()))
        .or_else(|| reverse_path(pair, node, input.as_deref(), &packets.clients))
        .or_else(|| refused_to_forward(pair, node, input.as_deref(), &packets.clients, &packets.endpoints))
        .or_else(|| not_programmed(case, pair, node))
        .or_else(|| proxy_stale(case, pair, node))
        .or_else(|| no_local_endpoint(case, node))
        .or_else(|| conntrack::stale(case, pair, node, roads))
        .or_else(|| conntrack::full(pair, node))
        .or_else(|| pod_route(pair, node, &packets.endpoints))
        .or_else(|| super::pod_link::of(case, pair, node, &packets.endpoints))
        .or_else(|| policy::unseen(case, pair, node, &packets));
    if let Some(mut finding) = finding {
        finding.evidence.insert(0, seen);
        return Ok(finding);
    }
    let grown = translation::refusals(pair, &fields);
    Err(unseen(node, &format!("{seen}, and neither its packet filter, settings, routes nor kube-proxy's rules explain it{grown}")))
}

/// Forwarding of the address's family is off on a node that has to forward, or off for what comes in by one interface, which only IPv4
/// has.
pub(super) fn forwarding_off(case: &Case, pair: &StatePair, node: &str, input: Option<&str>) -> Option<Finding> {
    let four = case.address()?.is_ipv4();
    let (setting, family) = if four { ("net/ipv4/ip_forward", "") } else { ("net/ipv6/conf/all/forwarding", " of IPv6") };
    let off = |name: String, what: String| {
        Some(found(
            names::NODE_FORWARDING_OFF,
            vec![Subject::sysctl(node, &name)],
            format!("{node} does not forward {what}"),
            vec![format!("{name} is 0 on {node}")],
        ))
    };
    if network::setting(&pair.after, setting) == Some(0) {
        return off(setting.replace('/', "."), format!("packets{family}"));
    }
    let input = input.filter(|input| four && network::interface_setting(&pair.after, "ipv4", input, "forwarding") == Some(0))?;
    off(format!("net.ipv4.conf.{}.forwarding", input.replace('.', "/")), format!("packets that come in by {input}"))
}

/// The reverse path filter drops what came in by an interface that does not lead back.
pub(super) fn reverse_path(pair: &StatePair, node: &str, input: Option<&str>, sources: &BTreeSet<IpAddr>) -> Option<Finding> {
    let input = input?;
    let mode = network::reverse_path_filter(&pair.after, input);
    if mode == 0 {
        return None;
    }
    for source in sources {
        let way = network::way(&pair.after, &format!("{source},,"))?;
        let elsewhere = way.device.as_deref() != Some(input);
        let refuses = if mode == 1 { elsewhere } else { way.refused.is_some() };
        if refuses {
            let grown = counters::grown(pair, "TcpExt", "IPReversePathFilter");
            return Some(found(
                names::NODE_REVERSE_PATH_FILTER,
                vec![Subject::interface(node, input)],
                format!("the reverse path filter of {node} drops packets from {source} that come in on {input}"),
                vec![
                    format!("rp_filter in force on {input} is {mode}"),
                    format!(
                        "the way from {node} to {source} is {}",
                        way.device.map_or_else(|| way.refused.unwrap_or_default(), |device| format!("by {device}"))
                    ),
                    format!("TcpExtIPReversePathFilter grew by {grown} while the probe was repeated"),
                ],
            ));
        }
    }
    None
}

/// Where kube-proxy's programme for an address's family stands: each has one of its own.
struct Programme {
    /// The section with the dump of its rules.
    section: &'static str,
    /// What names its table of nftables.
    table: &'static str,
    /// The length of the prefix that is one address.
    length: u8,
}

fn programme(address: IpAddr) -> Programme {
    if address.is_ipv4() {
        Programme { section: "iptables", table: "table ip kube-proxy", length: 32 }
    } else {
        Programme { section: "ip6tables", table: "table ip6 kube-proxy", length: 128 }
    }
}

/// kube-proxy's programme on the node: is the address in it, and is it reached?
pub(super) fn not_programmed(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let address = case.address()?;
    let vip = address.to_string();
    let Programme { section, table, length } = programme(address);
    let (iptables, nft) = (pair.after.section(section), pair.after.section("nft"));
    let by_iptables = iptables.contains("-N KUBE-SERVICES") || iptables.contains(":KUBE-SERVICES");
    let by_nft = nft.contains(table);
    let (complete, why) = if by_iptables {
        let rules = netfilter::rules(iptables);
        let reached = rules.iter().any(|rule| rule.table == "nat" && rule.chain == "PREROUTING" && rule.target == "KUBE-SERVICES");
        let named =
            rules.iter().any(|rule| rule.table == "nat" && rule.chain == "KUBE-SERVICES" && rule.text.contains(&format!("{vip}/{length}")));
        (
            reached && named,
            if named { "nat PREROUTING does not lead to KUBE-SERVICES" } else { "KUBE-SERVICES has no rule for the address" },
        )
    } else if by_nft {
        let jumps =
            nft.contains("chain nat-prerouting") && nft.lines().any(|line| line.contains("hook prerouting") && line.contains("nat"));
        let named = nft.contains(&vip);
        (
            jumps && named,
            if named { "the hook of the nat-prerouting chain is gone" } else { "the table kube-proxy does not know the address" },
        )
    } else if pair.after.sections.contains_key(section)
        && case.closer.is_some_and(|closer| {
            closer
                .states
                .iter()
                .any(|other| other.after.section(section).contains(":KUBE-SERVICES") || other.after.section("nft").contains(table))
        })
    {
        (false, "it has none of kube-proxy's chains, which other nodes have")
    } else {
        return None;
    };
    // What the node translated a moment before shows that its rules come and go.
    let translated =
        |road: &Road| road.repeated() && road.connection.attempt.answered() && road.entry().is_some_and(|(entry, _)| entry == node);
    if complete || case.roads().iter().any(translated) {
        return None;
    }
    if let Some(finding) = super::endpoints::left_alone(case, node, why) {
        return Some(finding);
    }
    let states = network::processes(&pair.after, "kube-proxy");
    let down = states.as_ref().is_some_and(|states| states.is_empty() || states.contains(&'T'));
    let mut evidence = vec![format!("on {node} {why}")];
    if let Some(states) = states {
        evidence.push(if states.is_empty() {
            format!("no process kube-proxy runs on {node}")
        } else {
            format!("the kernel shows kube-proxy on {node} in state {}", states.iter().collect::<String>())
        });
    }
    Some(if down {
        found(
            names::NODE_PROXY_DOWN,
            vec![Subject::kube_proxy(node)],
            format!("kube-proxy does not work on {node}, and {node} does not translate the address"),
            evidence,
        )
    } else {
        found(
            names::NODE_NOT_PROGRAMMED,
            vec![Subject::kube_proxy(node)],
            format!("{node} does not translate the address: {why}"),
            evidence,
        )
    })
}

/// kube-proxy's rules for the address lead to an endpoint that is gone.
pub(super) fn proxy_stale(case: &Case, pair: &StatePair, node: &str) -> Option<Finding> {
    let target = case.target.filter(|target| target.slices_read)?;
    let programmed = programmed(case, pair);
    let gone: Vec<String> = programmed
        .iter()
        .filter(|(ip, port)| !target.endpoints.iter().any(|endpoint| endpoint.ip == *ip && endpoint.port == Some(*port)))
        .map(|(ip, port)| format!("{ip}:{port}"))
        .collect();
    (!gone.is_empty()).then(|| {
        found(
            names::NODE_PROXY_STALE,
            vec![Subject::kube_proxy(node)],
            format!("kube-proxy's rules on {node} lead to {}, which is no endpoint of the Service", gone.join(" and ")),
            vec![
                format!(
                    "the rules on {node} lead to {}",
                    programmed.iter().map(|(ip, port)| format!("{ip}:{port}")).collect::<Vec<_>>().join(", ")
                ),
                format!(
                    "the EndpointSlices hold {}",
                    target
                        .endpoints
                        .iter()
                        .map(|endpoint| {
                            endpoint.port.map_or_else(|| endpoint.ip.to_string(), |port| SocketAddr::new(endpoint.ip, port).to_string())
                        })
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ],
        )
    })
}

/// The endpoints that kube-proxy's rules on a node hold for the address and port.
pub(super) fn programmed(case: &Case, pair: &StatePair) -> BTreeSet<(IpAddr, u16)> {
    let (Some(vip), Some(target)) = (case.address(), case.target) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let Programme { section, length, .. } = programme(vip);
    let rules = netfilter::rules(pair.after.section(section));
    let mut open: Vec<&str> = rules
        .iter()
        .filter(|rule| {
            rule.chain == "KUBE-SERVICES"
                && rule.text.contains(&format!("{vip}/{length}"))
                && rule.text.contains(&format!("--dport {} ", target.port.port))
        })
        .map(|rule| rule.target.as_str())
        .collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(chain) = open.pop() {
        if !seen.insert(chain) {
            continue;
        }
        for rule in rules.iter().filter(|rule| rule.table == "nat" && rule.chain == chain) {
            if let Some((_, to)) = rule.text.split_once("--to-destination ") {
                found.extend(to.split_whitespace().next().and_then(|to| to.parse::<SocketAddr>().ok()).map(|to| (to.ip(), to.port())));
            }
            if rule.target.starts_with("KUBE-") && !rule.target.starts_with("KUBE-MARK") {
                open.push(&rule.target);
            }
        }
    }
    // nftables: kube-proxy names an endpoint's chain after the Service's port and the endpoint.
    let name = format!(
        "-{}/{}/{}/{}__",
        case.service.namespace,
        case.service.name,
        if target.port.protocol == Protocol::Udp { "udp" } else { "tcp" },
        target.port.name
    );
    for line in pair.after.section("nft").lines().filter_map(|line| line.trim().strip_prefix("chain endpoint-")) {
        if let Some((_, endpoint)) = line.split_once(&name)
            && let Some((ip, port)) = endpoint.trim_end_matches('{').trim().rsplit_once('/')
            && let (Ok(ip), Ok(port)) = (ip.parse(), port.parse())
        {
            found.insert((ip, port));
        }
    }
    found
}

fn no_local_endpoint(case: &Case, node: &str) -> Option<Finding> {
    let target = case.target?;
    let local = target.serving().iter().any(|endpoint| endpoint.node.as_deref() == Some(node));
    (case.service.external_policy == TrafficPolicy::Local && !local).then(|| {
        found(
            names::ANNOUNCE_NO_LOCAL_ENDPOINT,
            vec![Subject::from(case.service)],
            format!("the external traffic policy is Local, {node} takes the requests and holds no ready pod"),
            vec![format!("no ready endpoint on {node}")],
        )
    })
}

/// The kernel refuses the way to an endpoint.
pub(super) fn pod_route(pair: &StatePair, node: &str, endpoints: &BTreeSet<(IpAddr, u16)>) -> Option<Finding> {
    endpoints.iter().find_map(|(ip, _)| {
        let refused = network::way(&pair.after, &format!("{ip},,"))?.refused?;
        Some(found(
            names::ROUTE_POD_NETWORK_MISSING,
            vec![Subject::route(node, ip)],
            format!("{node} has no way to the pod address {ip}"),
            vec![format!("`ip route get {ip}` on {node}: {refused}")],
        ))
    })
}

/// Why the kernel does not forward to an address what comes in by an interface from a source. That it mistrusts the source is another
/// matter: the reverse path filter's, or an address of its own.
pub(super) fn forwarding_refused(pair: &StatePair, to: IpAddr, source: IpAddr, input: &str) -> Option<String> {
    let refused = network::way(&pair.after, &format!("{to},{source},{input}"))?.refused?;
    let own = network::addresses(&pair.after).iter().any(|(_, net)| net.addr() == source);
    (!own && !refused.contains("cross-device")).then_some(refused)
}

/// The kernel refuses the way to an endpoint for what comes in by one interface, as a policy rule for it makes it.
pub(super) fn refused_to_forward(
    pair: &StatePair,
    node: &str,
    input: Option<&str>,
    sources: &BTreeSet<IpAddr>,
    endpoints: &BTreeSet<(IpAddr, u16)>,
) -> Option<Finding> {
    let input = input?;
    let asked = sources.iter().flat_map(|source| endpoints.iter().map(move |(ip, _)| (source, ip)));
    asked.into_iter().find_map(|(source, ip)| {
        let refused = forwarding_refused(pair, *ip, *source, input)?;
        Some(found(
            names::ROUTE_POD_NETWORK_MISSING,
            vec![Subject::route(node, ip)],
            format!("{node} has no way to the pod address {ip} for what comes in by {input}"),
            vec![format!("`ip route get {ip} from {source} iif {input}` on {node}: {refused}")],
        ))
    })
}

/// The kernel refuses the way back to a client for what comes in by the interface towards the pods.
fn refused_back(pair: &StatePair, node: &str, input: Option<&str>, clients: &BTreeSet<IpAddr>, pods: &BTreeSet<IpAddr>) -> Option<Finding> {
    let input = input?;
    clients.iter().flat_map(|client| pods.iter().map(move |pod| (client, pod))).find_map(|(client, pod)| {
        let refused = forwarding_refused(pair, *client, *pod, input)?;
        let mut finding = no_way_back(node, *client, &refused);
        finding.evidence = vec![format!("`ip route get {client} from {pod} iif {input}` on {node}: {refused}")];
        Some(finding)
    })
}

/// The answer came back to the announcing node and did not leave it for the client, or left by another interface.
pub(super) fn reply_inside(case: &Case, roads: &[&Road], node: &str) -> Result<Finding, Gap> {
    let packets = Packets::of(case, roads);
    let Some(pair) = case.node_state(node) else { return Err(unseen(node, "the state of the node could not be read")) };
    for client in &packets.clients {
        if let Some(refused) = network::way(&pair.after, &format!("{client},,")).and_then(|way| way.refused) {
            return Ok(no_way_back(node, *client, &refused));
        }
    }
    let fields = packets.fields(Leg::Reply, case.address(), None);
    if let Some(finding) = translation::untracked_answers(case, pair, node, roads).or_else(|| firewall_of(pair, node, &fields, roads)) {
        return Ok(finding);
    }
    let outward = roads.iter().find_map(|road| road.entry()).map(|(_, interface)| interface);
    if let Some(finding) = dropped_beside_filters(pair, node, outward.as_deref(), roads.len()) {
        return Ok(finding);
    }
    let inward = roads
        .iter()
        .flat_map(|road| road.hops(|hop| !hop.request && hop.passage == Passage::In && hop.place == node && hop.tunnel.is_none()))
        .map(|hop| hop.interface.clone())
        .next();
    if let Some(finding) = forwarding_off(case, pair, node, inward.as_deref()) {
        return Ok(finding);
    }
    let pods: BTreeSet<IpAddr> = packets.endpoints.iter().map(|(ip, _)| *ip).collect();
    let refused = || refused_back(pair, node, inward.as_deref(), &packets.clients, &pods);
    if let Some(finding) = reverse_path(pair, node, inward.as_deref(), &pods).or_else(refused) {
        return Ok(finding);
    }
    if let Some(finding) = client::overlaps::on_link(case, roads, node) {
        return Ok(finding);
    }
    Err(unseen(
        node,
        &format!(
            "the answer came back to {node} and did not leave it, and neither its packet filter, settings nor routes explain it{}",
            translation::refusals(pair, &fields)
        ),
    ))
}

/// The kernel of a node refuses the way to a client.
pub(super) fn no_way_back(node: &str, client: IpAddr, refused: &str) -> Finding {
    found(
        names::ROUTE_RETURN_MISSING,
        vec![Subject::route(node, client)],
        format!("{node} has no way back to the client {client}"),
        vec![format!("`ip route get {client}` on {node}: {refused}")],
    )
}

/// The interface by which answers leave the announcing node, when it is not the one of arrival.
pub(super) fn asymmetric(case: &Case, roads: &[&Road], node: &str) -> Option<Finding> {
    let vip = case.address()?;
    let (_, arrived) = roads.iter().find_map(|road| road.entry())?;
    let out = roads
        .iter()
        .flat_map(|road| {
            road.hops(|hop| !hop.request && hop.passage == Passage::Out && hop.place == node && hop.source.0 == vip && hop.tunnel.is_none())
        })
        .map(|hop| (hop.interface.clone(), hop.destination.0))
        .find(|(interface, _)| *interface != arrived)?;
    let mut evidence = vec![format!("requests come in on {node}/{arrived}, answers leave by {node}/{}", out.0)];
    if let Some(way) = case.node_state(node).and_then(|pair| network::way(&pair.after, &format!("{},,", out.1))) {
        evidence.push(format!(
            "`ip route get {}` on {node}: by {}{}",
            out.1,
            way.device.unwrap_or_default(),
            way.via.map(|via| format!(" via {via}")).unwrap_or_default()
        ));
    }
    Some(found(
        names::ROUTE_RETURN_ASYMMETRIC,
        vec![Subject::route(node, out.1)],
        format!("answers to {} leave {node} by {} although the request came in by {arrived}", out.1, out.0),
        evidence,
    ))
}

/// Why a node counts as lost: it does not answer by SSH, and the API has it as not ready or gets nothing from its kubelet either.
pub(super) fn lost(case: &Case, node: &str) -> Option<Vec<String>> {
    let mut evidence = vec![refuses(case, node)?];
    if mute(case, node) {
        evidence.push(format!("the API server cannot read the log of the speaker on {node}"));
    }
    if case.node(node).is_some_and(|node| !node.ready) {
        evidence.push(format!("the API has {node} as not ready"));
    }
    (evidence.len() > 1).then_some(evidence)
}

/// That the node does not answer by SSH, when it does not.
fn refuses(case: &Case, node: &str) -> Option<String> {
    let refused = case.gaps.iter().any(|gap| gap.kind == Some(ErrorKind::HostUnreachable) && *gap.subject == Subject::node(node));
    refused.then(|| format!("{node} does not answer by SSH"))
}

/// The API server gets nothing from the node's kubelet. A log that nobody may read is another matter.
fn mute(case: &Case, node: &str) -> bool {
    let of_node = |gap: &Gap| gap.name == names::EVIDENCE_LOG_UNREADABLE && *gap.subject == Subject::speaker(node);
    let unanswered = |gap: &Gap| matches!(gap.kind, Some(ErrorKind::TimedOut | ErrorKind::HostUnreachable));
    case.gaps.iter().any(|gap| of_node(gap) && unanswered(gap))
}

/// It passed every point that was watched, and nothing came back: what lies beyond could not be looked at.
pub(super) fn beyond(case: &Case, roads: &[&Road], last: &super::road::Point) -> Result<Finding, Gap> {
    let far = roads
        .iter()
        .find_map(|road| road.endpoint())
        .and_then(|(ip, _)| case.target?.endpoints.iter().find(|endpoint| endpoint.ip == ip)?.node.clone());
    if let Some(far) = far.filter(|far| far != last.place()) {
        let addresses = case.node(&far).map(|node| node.internal_ips.clone()).unwrap_or_default();
        let unresolved = case.node_state(last.place()).is_some_and(|pair| {
            network::neighbours(&pair.after)
                .iter()
                .any(|entry| addresses.contains(&entry.address) && matches!(entry.state.as_str(), "FAILED" | "INCOMPLETE"))
        });
        // A node that does not answer by SSH wants a second witness.
        let witnesses = lost(case, &far).or_else(|| refuses(case, &far).filter(|_| unresolved).map(|refused| vec![refused]));
        if let Some(witnesses) = witnesses {
            let mut evidence = vec![format!("requests for its pods leave {} and nothing comes back", last.place())];
            evidence.extend(witnesses);
            if unresolved {
                evidence.push(format!("{} cannot resolve the address of {far} by ARP", last.place()));
            }
            return Ok(found(
                names::NODE_UNREACHABLE,
                vec![Subject::node(&far)],
                format!("{far} cannot be reached, and its pods still count as endpoints"),
                evidence,
            ));
        }
    }
    if let Some(pair) = case.node_state(last.place())
        && let Some(finding) = proxy_stale(case, pair, last.place()).or_else(|| conntrack::stale(case, pair, last.place(), roads))
    {
        return Ok(finding);
    }
    Err(unseen(last.place(), &format!("the request passes {} and nothing comes back; what lies beyond could not be watched", last.place())))
}

/// A node's inside that explains nothing: what would decide is said.
pub(super) fn unseen(node: &str, reason: &str) -> Gap {
    Gap::new(names::EVIDENCE_UNDECIDED, Subject::node(node), reason, format!("what takes the packet inside {node}")).decisive()
}
