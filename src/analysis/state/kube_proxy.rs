//! What kube-proxy wrote into a host's packet filters: whether it is there, and where it leads.

mod refusals;
#[cfg(test)]
mod tests;

pub use refusals::{Refused, refused_by_table, refused_for};

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::ipvs;
use super::netfilter::Rule;
use super::place_state::PlaceState;

/// A port of a Service, as kube-proxy names what it writes for it.
#[derive(Clone, Copy, Debug)]
pub struct ServicePort<'a> {
    pub namespace: &'a str,
    pub service: &'a str,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: &'a str,
    /// The port's name, which may be empty.
    pub name: &'a str,
    pub port: u16,
}

impl ServicePort<'_> {
    /// `10.88.64.100:8443/tcp`
    #[must_use]
    pub fn at(&self, address: IpAddr) -> String {
        format!("{}/{}", SocketAddr::new(address, self.port), self.protocol)
    }
}

/// Whether the host's `iptables`, of either family, hold kube-proxy's chains.
#[must_use]
pub fn by_iptables(state: &PlaceState) -> bool {
    chains(state).is_some()
}

/// Whether kube-proxy's rules are there at all.
#[must_use]
pub fn translates(state: &PlaceState) -> bool {
    by_iptables(state) || state.section("nft").contains(" kube-proxy {")
}

/// The first dump that holds kube-proxy's chains, as its rules.
fn chains(state: &PlaceState) -> Option<&[Rule]> {
    let holds = |section: &str| state.section(section).contains(":KUBE-SERVICES");
    if holds("iptables") {
        state.iptables()
    } else if holds("ip6tables") {
        state.ip6tables()
    } else if holds("iptables-legacy") {
        state.iptables_legacy()
    } else {
        None
    }
}

/// Where kube-proxy's programme for an address's family stands: each has one of its own.
struct Family {
    /// The section with the dump of its rules.
    section: &'static str,
    /// What names its table of nftables.
    table: &'static str,
    /// The length of the prefix that is one address.
    length: u8,
}

impl Family {
    fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self { section: "iptables", table: "table ip kube-proxy", length: 32 }
        } else {
            Self { section: "ip6tables", table: "table ip6 kube-proxy", length: 128 }
        }
    }

    fn rules<'a>(&self, state: &'a PlaceState) -> &'a [Rule] {
        let rules = if self.length == 32 { state.iptables() } else { state.ip6tables() };
        rules.unwrap_or_default()
    }

    /// kube-proxy's rules that are for one address.
    fn of_address<'a>(&self, state: &'a PlaceState, address: IpAddr) -> impl Iterator<Item = &'a Rule> {
        let host = format!("-d {address}/{} ", self.length);
        self.rules(state).iter().filter(move |rule| rule.chain.starts_with("KUBE-") && rule.text.contains(&host))
    }

    /// Whether kube-proxy's chains name sets of addresses alone: IPVS translates then.
    fn leaves_it_to_ipvs(&self, state: &PlaceState) -> bool {
        let by_set = |rule: &Rule| rule.chain == "KUBE-SERVICES" && rule.text.contains("--match-set KUBE-");
        self.rules(state).iter().any(by_set)
    }
}

/// Whether the programme for an address's family is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Programme {
    /// It knows the address, and the port where one was asked for, and packets come to it.
    Complete,
    /// What it lacks.
    Lacks(String),
    /// None of it is there.
    Missing,
    /// The packet filters of the family were not read, so that it is not known whether it is there.
    Unread,
}

impl Programme {
    fn of(lacks: Option<String>) -> Self {
        lacks.map_or(Self::Complete, Self::Lacks)
    }
}

/// The programme for an address and one of its ports; for the address alone, where it is not known which port is meant.
#[must_use]
pub fn programme(state: &PlaceState, address: IpAddr, port: Option<ServicePort>) -> Programme {
    let family = Family::of(address);
    let all = [by_rules(state, address, port, &family), by_table(state, address, port, &family), by_ipvs(state, address, port)];
    // What another mode left behind beside a complete one lacks what it likes.
    let complete = all.iter().flatten().any(|one| *one == Programme::Complete);
    match all.into_iter().flatten().next() {
        _ if complete => Programme::Complete,
        Some(lacks) => lacks,
        None if family.leaves_it_to_ipvs(state) || !state.is_read(family.section) => Programme::Unread,
        None => Programme::Missing,
    }
}

/// The other ports of the address that the programme knows, where it knows none of that number and protocol: as `443/tcp`, in order.
#[must_use]
pub fn other_ports(state: &PlaceState, address: IpAddr) -> BTreeSet<String> {
    let family = Family::of(address);
    let of_rules = family.of_address(state, address).filter_map(|rule| {
        let after = |key: &str| rule.text.split_whitespace().skip_while(move |word| *word != key).nth(1);
        Some(format!("{}/{}", after("--dport")?, after("-p")?))
    });
    let table = table(state.section("nft"), family.table).unwrap_or_default();
    let start = format!("{address} . ");
    let of_table = keys(table, &start).filter_map(|key| {
        let (protocol, port) = key.split_once(" . ")?;
        Some(format!("{}/{protocol}", port.split_whitespace().next()?))
    });
    let of_ipvs = ipvs::servers(state.section("ipvs-table")).into_iter().filter(|server| server.at.ip() == address);
    of_rules.chain(of_table).chain(of_ipvs.map(|server| format!("{}/{}", server.at.port(), server.protocol))).collect()
}

/// The text of one table of a dump of nftables, which ends where a line begins with its brace.
fn table<'a>(nft: &'a str, name: &str) -> Option<&'a str> {
    let text = &nft[nft.find(name)?..];
    Some(text.find("\n}").map_or(text, |end| &text[..end]))
}

/// What stands behind each occurrence of the beginning of an element's key.
fn keys<'a>(table: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    let whole = |at: &usize| !table[..*at].ends_with(|before: char| before.is_ascii_alphanumeric() || matches!(before, '.' | ':'));
    table.match_indices(start).map(|(at, _)| at).filter(whole).map(|at| &table[at + start.len()..])
}

/// Whether kube-proxy's chains of iptables are complete, or what they lack; `None` without them, and where they leave the Services to IPVS.
fn by_rules(state: &PlaceState, address: IpAddr, port: Option<ServicePort>, family: &Family) -> Option<Programme> {
    let iptables = state.section(family.section);
    let there = iptables.contains("-N KUBE-SERVICES") || iptables.contains(":KUBE-SERVICES");
    if !there || family.leaves_it_to_ipvs(state) {
        return None;
    }
    let nat = |rule: &&Rule| rule.table == "nat";
    let named = family.of_address(state, address).any(|rule| nat(&rule));
    let reached = family.rules(state).iter().any(|rule| nat(&rule) && rule.chain == "PREROUTING" && rule.target == "KUBE-SERVICES");
    let of_port = |port: ServicePort| {
        // A rule that refuses knows the port too: kube-proxy has found no endpoint for it.
        let (number, protocol) = (format!("--dport {} ", port.port), format!("-p {} ", port.protocol));
        family.of_address(state, address).any(|rule| rule.text.contains(&number) && rule.text.contains(&protocol))
    };
    let lacks = match port {
        _ if !named => Some("KUBE-SERVICES has no rule for the address".to_owned()),
        Some(port) if !of_port(port) => Some(format!("KUBE-SERVICES has no rule for {}", port.at(address))),
        _ if !reached => Some("nat PREROUTING does not lead to KUBE-SERVICES".to_owned()),
        _ => None,
    };
    Some(Programme::of(lacks))
}

/// The same of its table of nftables.
fn by_table(state: &PlaceState, address: IpAddr, port: Option<ServicePort>, family: &Family) -> Option<Programme> {
    let table = table(state.section("nft"), family.table)?;
    let jumps =
        table.contains("chain nat-prerouting") && table.lines().any(|line| line.contains("hook prerouting") && line.contains("nat"));
    let known = |start: String| keys(table, &start).next().is_some();
    let lacks = match port {
        _ if !known(format!("{address} ")) && !known(format!("{address},")) => {
            Some("the table kube-proxy does not know the address".to_owned())
        }
        Some(port) if !known(format!("{address} . {} . {} ", port.protocol, port.port)) => {
            Some(format!("the table kube-proxy has no element for {}", port.at(address)))
        }
        _ if !jumps => Some("the hook of the nat-prerouting chain is gone".to_owned()),
        _ => None,
    };
    Some(Programme::of(lacks))
}

/// The same of the kernel's table of IPVS; `None` where it has no server at all.
fn by_ipvs(state: &PlaceState, address: IpAddr, port: Option<ServicePort>) -> Option<Programme> {
    let servers = ipvs::servers(state.section("ipvs-table"));
    servers.first()?;
    let here: Vec<_> = servers.iter().filter(|server| server.at.ip() == address).collect();
    let is = |port: ServicePort| here.iter().any(|server| server.at.port() == port.port && server.protocol == port.protocol);
    let lacks = match port {
        _ if here.is_empty() => Some("the table of IPVS has no server of the address".to_owned()),
        Some(port) if !is(port) => Some(format!("the table of IPVS has no server for {}", port.at(address))),
        _ => None,
    };
    Some(Programme::of(lacks))
}

/// Whether the programme for an address's family is there, complete or not.
#[must_use]
pub fn is_there(state: &PlaceState, address: IpAddr) -> bool {
    let family = Family::of(address);
    state.section(family.section).contains(":KUBE-SERVICES") || state.section("nft").contains(family.table)
}

/// The modes of kube-proxy that write rules of their own kind, as its configuration names them.
const MODES: [&str; 3] = ["iptables", "nftables", "ipvs"];

/// The endpoints that the rules hold for a Service's address and port, apart by the mode of kube-proxy that writes such rules; a node that changed its mode may hold what the former one left.
#[must_use]
pub fn by_mode(state: &PlaceState, address: IpAddr, port: ServicePort) -> [(&'static str, BTreeSet<(IpAddr, u16)>); 3] {
    let of_ipvs = ipvs::servers(state.section("ipvs-table"))
        .into_iter()
        .filter(|server| server.at == SocketAddr::new(address, port.port) && server.protocol == port.protocol)
        .flat_map(|server| server.real)
        .map(|to| (to.ip(), to.port()));
    [(MODES[0], of_chains(state, address, port)), (MODES[1], of_table(state, port)), (MODES[2], of_ipvs.collect())]
}

fn of_chains(state: &PlaceState, address: IpAddr, port: ServicePort) -> BTreeSet<(IpAddr, u16)> {
    let mut found = BTreeSet::new();
    let family = Family::of(address);
    let (rules, number, protocol) = (family.rules(state), format!("--dport {} ", port.port), format!("-p {} ", port.protocol));
    let of_port = |rule: &&Rule| rule.chain == "KUBE-SERVICES" && rule.text.contains(&number) && rule.text.contains(&protocol);
    let mut open: Vec<&str> = family.of_address(state, address).filter(of_port).map(|rule| rule.target.as_str()).collect();
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
    found
}

/// In its table kube-proxy names an endpoint's chain after the Service's port and the endpoint.
fn of_table(state: &PlaceState, port: ServicePort) -> BTreeSet<(IpAddr, u16)> {
    let mut found = BTreeSet::new();
    let ServicePort { namespace, service, protocol, name, .. } = port;
    let name = format!("-{namespace}/{service}/{protocol}/{name}__");
    for line in state.section("nft").lines().filter_map(|line| line.trim().strip_prefix("chain endpoint-")) {
        if let Some((_, endpoint)) = line.split_once(&name)
            && let Some((ip, port)) = endpoint.trim_end_matches('{').trim().rsplit_once('/')
            && let (Ok(ip), Ok(port)) = (ip.parse(), port.parse())
        {
            found.insert((ip, port));
        }
    }
    found
}

/// What kube-proxy's masquerade lacks. `marked`: whether the packets carry its mark when they come there.
#[must_use]
pub fn masquerade_lacks(state: &PlaceState, marked: bool) -> Option<&'static str> {
    let Some(rules) = chains(state) else {
        let nft = state.section("nft");
        return if nft.contains("chain nat-postrouting") && nft.contains("hook postrouting") {
            Some("kube-proxy's table does not masquerade it")
        } else {
            Some("kube-proxy's table has no chain nat-postrouting any more")
        };
    };
    let nat = |chain: &str, target: &str| rules.iter().any(|rule| rule.table == "nat" && rule.chain == chain && rule.target == target);
    if !nat("POSTROUTING", "KUBE-POSTROUTING") {
        Some("nat POSTROUTING does not lead to KUBE-POSTROUTING")
    } else if !nat("KUBE-POSTROUTING", "MASQUERADE") {
        Some("KUBE-POSTROUTING has no rule that masquerades")
    } else if !marked {
        Some("no rule of kube-proxy's marks the packet to be masqueraded")
    } else {
        None
    }
}
