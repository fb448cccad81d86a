//! What kube-proxy wrote into a host's packet filters: whether it is there, and where it leads.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::netfilter::Rule;
use super::place_state::PlaceState;

/// A port of a Service, as kube-proxy names what it writes for it.
#[derive(Clone, Copy, Debug)]
pub struct ServicePort<'a> {
    pub namespace: &'a str,
    pub service: &'a str,
    /// `tcp` or `udp`.
    pub protocol: &'a str,
    /// The port's name, which may be empty.
    pub name: &'a str,
    pub port: u16,
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
}

/// Whether the programme for an address's family is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Programme {
    /// It knows the address, and packets come to it.
    Complete,
    /// What it lacks.
    Lacks(&'static str),
    /// None of it is there.
    Missing,
    /// The packet filters of the family were not read, so that it is not known whether it is there.
    Unread,
}

/// The programme for an address.
#[must_use]
pub fn programme(state: &PlaceState, address: IpAddr) -> Programme {
    let family = Family::of(address);
    let both = [by_rules(state, address, &family), by_table(state, address, &family)];
    // What another mode left behind beside a complete one lacks what it likes.
    let complete = both.iter().flatten().any(|(complete, _)| *complete);
    match both.into_iter().flatten().next() {
        Some(_) if complete => Programme::Complete,
        Some((_, why)) => Programme::Lacks(why),
        None if state.is_read(family.section) => Programme::Missing,
        None => Programme::Unread,
    }
}

/// Whether kube-proxy's chains of iptables are complete, and otherwise what they lack; `None` without them.
fn by_rules(state: &PlaceState, address: IpAddr, family: &Family) -> Option<(bool, &'static str)> {
    let iptables = state.section(family.section);
    if !iptables.contains("-N KUBE-SERVICES") && !iptables.contains(":KUBE-SERVICES") {
        return None;
    }
    let (rules, host) = (family.rules(state), format!("{address}/{}", family.length));
    let reached = rules.iter().any(|rule| rule.table == "nat" && rule.chain == "PREROUTING" && rule.target == "KUBE-SERVICES");
    let named = rules.iter().any(|rule| rule.table == "nat" && rule.chain == "KUBE-SERVICES" && rule.text.contains(&host));
    let why = if named { "nat PREROUTING does not lead to KUBE-SERVICES" } else { "KUBE-SERVICES has no rule for the address" };
    Some((reached && named, why))
}

/// The same of its table of nftables.
fn by_table(state: &PlaceState, address: IpAddr, family: &Family) -> Option<(bool, &'static str)> {
    let nft = state.section("nft");
    if !nft.contains(family.table) {
        return None;
    }
    let jumps = nft.contains("chain nat-prerouting") && nft.lines().any(|line| line.contains("hook prerouting") && line.contains("nat"));
    let named = nft.contains(&address.to_string());
    let why = if named { "the hook of the nat-prerouting chain is gone" } else { "the table kube-proxy does not know the address" };
    Some((jumps && named, why))
}

/// Whether the programme for an address's family is there, complete or not.
#[must_use]
pub fn is_there(state: &PlaceState, address: IpAddr) -> bool {
    let family = Family::of(address);
    state.section(family.section).contains(":KUBE-SERVICES") || state.section("nft").contains(family.table)
}

/// The modes of kube-proxy that write rules of their own kind, as its configuration names them.
const MODES: [&str; 2] = ["iptables", "nftables"];

/// The endpoints that the rules hold for a Service's address and port, apart by the mode of kube-proxy that writes such rules; a node that changed its mode may hold what the former one left.
#[must_use]
pub fn by_mode(state: &PlaceState, address: IpAddr, port: ServicePort) -> [(&'static str, BTreeSet<(IpAddr, u16)>); 2] {
    [(MODES[0], of_chains(state, address, port)), (MODES[1], of_table(state, port))]
}

fn of_chains(state: &PlaceState, address: IpAddr, port: ServicePort) -> BTreeSet<(IpAddr, u16)> {
    let mut found = BTreeSet::new();
    let family = Family::of(address);
    let (rules, host, asked) = (family.rules(state), format!("{address}/{}", family.length), format!("--dport {} ", port.port));
    let of_port = |rule: &&Rule| rule.chain == "KUBE-SERVICES" && rule.text.contains(&host) && rule.text.contains(&asked);
    let mut open: Vec<&str> = rules.iter().filter(of_port).map(|rule| rule.target.as_str()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, Place};

    fn state(text: &str) -> PlaceState {
        place_state(Place::Host(Host::local()), text)
    }

    const RULES: &str = "=== iptables\n*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n\
        -A KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A\n-A KUBE-SVC-A -j KUBE-SEP-1\n\
        -A KUBE-SEP-1 -p tcp -m tcp -j DNAT --to-destination 10.88.130.19:4180\nCOMMIT\n=== end 0\n";

    #[test]
    fn a_programme_is_complete_lacks_something_is_missing_or_was_not_read() {
        let (known, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert_eq!(programme(&state(RULES), known), Programme::Complete);
        assert_eq!(programme(&state(RULES), other), Programme::Lacks("KUBE-SERVICES has no rule for the address"));
        let cut = RULES.replace("-A PREROUTING -j KUBE-SERVICES\n", "");
        assert_eq!(programme(&state(&cut), known), Programme::Lacks("nat PREROUTING does not lead to KUBE-SERVICES"));
        assert_eq!(programme(&state("=== iptables\n*nat\nCOMMIT\n=== end 0\n"), known), Programme::Missing);
        assert_eq!(programme(&state("=== iptables\n=== end missing\n"), known), Programme::Unread);
        assert_eq!(programme(&state(RULES), "fd00::1".parse().unwrap()), Programme::Unread);
    }

    #[test]
    fn endpoints_of_either_programme() {
        let endpoints = |state: &PlaceState, address, port| -> BTreeSet<(IpAddr, u16)> {
            by_mode(state, address, port).into_iter().flat_map(|(_, found)| found).collect()
        };
        let port = ServicePort { namespace: "a", service: "web", protocol: "tcp", name: "https", port: 443 };
        let address = "10.0.0.1".parse().unwrap();
        let expected = BTreeSet::from([("10.88.130.19".parse().unwrap(), 4180)]);
        assert_eq!(endpoints(&state(RULES), address, port), expected);
        let nft = "=== nft\ntable ip kube-proxy {\n chain endpoint-X-a/web/tcp/https__10.88.130.19/4180 {\n }\n}\n=== end 0\n";
        assert_eq!(endpoints(&state(nft), address, port), expected);
        assert!(endpoints(&state(RULES), address, ServicePort { port: 80, ..port }).is_empty());
        let both = state(&format!("{RULES}{}", nft.replace(".19/", ".77/")));
        let apart =
            by_mode(&both, address, port).map(|(mode, found)| (mode, found.into_iter().map(|(ip, _)| ip.to_string()).collect::<Vec<_>>()));
        assert_eq!(apart, [("iptables", vec!["10.88.130.19".to_owned()]), ("nftables", vec!["10.88.130.77".to_owned()])]);
    }

    #[test]
    fn what_another_mode_left_behind_lacks_what_it_likes() {
        let address = "10.0.0.2".parse().unwrap();
        let nft = "=== nft\ntable ip kube-proxy {\n chain nat-prerouting {\n type nat hook prerouting priority dstnat; policy accept;\n }\n \
            map service-ips {\n elements = { 10.0.0.2 . tcp . 443 : goto service-X }\n }\n}\n=== end 0\n";
        assert_eq!(programme(&state(RULES), address), Programme::Lacks("KUBE-SERVICES has no rule for the address"));
        assert_eq!(programme(&state(&format!("{RULES}{nft}")), address), Programme::Complete);
    }
}
