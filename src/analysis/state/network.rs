//! Links, addresses, routes, neighbours and kernel settings.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::model::state::PlaceState;

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub index: u32,
    /// The index of the interface that it is a part of or leads to, a veth's other end among them: it may lie in another namespace.
    pub peer: Option<u32>,
    /// Administratively up.
    pub up: bool,
    /// Carrier.
    pub lower_up: bool,
    pub no_arp: bool,
    pub master: Option<String>,
    pub mac: String,
    pub mtu: u32,
    /// `vxlan`, `geneve`, `ipip`, `veth`, `bridge`, … as far as it is told.
    pub kind: Option<String>,
}

impl Link {
    /// Whether it leads into a tunnel of a known kind.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.kind.as_deref(), Some("vxlan" | "geneve" | "ipip" | "wireguard"))
    }
}

/// What the kernel says about the way to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    #[serde(rename = "dev")]
    pub device: Option<String>,
    pub via: Option<IpAddr>,
    /// The address that the kernel would send from.
    #[serde(rename = "src")]
    pub source: Option<IpAddr>,
    /// The table, when it is not `main`.
    pub table: Option<String>,
    /// The kernel's refusal, such as `Network is unreachable`.
    pub refused: Option<String>,
    /// `local`, `blackhole`, `unreachable`, … when it is not an ordinary route.
    pub kind: Option<String>,
}

/// A neighbour entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    pub address: IpAddr,
    #[serde(rename = "dev")]
    pub device: String,
    pub mac: Option<String>,
    pub state: String,
}

const KINDS: [&str; 9] = ["vxlan", "geneve", "ipip", "veth", "bridge", "bond", "vlan", "wireguard", "dummy"];

/// All interfaces.
#[must_use]
pub fn links(state: &PlaceState) -> Vec<Link> {
    state.section("links").lines().filter_map(link).collect()
}

/// The interface of that name.
#[must_use]
pub fn link_named(state: &PlaceState, name: &str) -> Option<Link> {
    links(state).into_iter().find(|link| link.name == name)
}

/// Whether an interface is a bridge of pods or containers alone: all its ports are ends of veth pairs, or it has none.
#[must_use]
pub fn is_inner_bridge(state: &PlaceState, name: &str) -> bool {
    let links = links(state);
    let mut ports = links.iter().filter(|link| link.master.as_deref() == Some(name));
    let bridge = links.iter().any(|link| link.name == name && link.kind.as_deref() == Some("bridge"));
    bridge && ports.all(|link| link.kind.as_deref() == Some("veth"))
}

fn link(line: &str) -> Option<Link> {
    let mut words = line.split_whitespace();
    let index = words.next()?.strip_suffix(':')?.parse::<u32>().ok()?;
    let full = words.next()?.trim_end_matches(':');
    let (name, peer) = full.split_once('@').unwrap_or((full, ""));
    let flags: Vec<&str> = words.next()?.trim_matches(['<', '>']).split(',').collect();
    let rest: Vec<&str> = words.collect();
    let after = |key: &str| rest.iter().position(|word| *word == key).and_then(|at| rest.get(at + 1)).map(|word| (*word).to_owned());
    Some(Link {
        name: name.to_owned(),
        index,
        // Within one namespace the other end is told by its name.
        peer: peer.strip_prefix("if").and_then(|index| index.parse().ok()),
        up: flags.contains(&"UP"),
        lower_up: flags.contains(&"LOWER_UP"),
        no_arp: flags.contains(&"NOARP"),
        master: after("master"),
        mac: after("link/ether").unwrap_or_default(),
        mtu: after("mtu").and_then(|mtu| mtu.parse().ok()).unwrap_or_default(),
        kind: rest.iter().find(|word| KINDS.contains(word)).map(|word| (*word).to_owned()),
    })
}

/// Interface and address with its prefix, one pair an address.
#[must_use]
pub fn addresses(state: &PlaceState) -> Vec<(String, IpNet)> {
    state
        .section("addresses")
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "inet" || *word == "inet6")?;
            Some((words.get(1)?.split('@').next()?.to_owned(), words.get(at + 1)?.parse().ok()?))
        })
        .collect()
}

/// The interfaces whose own network holds the address.
#[must_use]
pub fn on_link(state: &PlaceState, address: IpAddr) -> Vec<String> {
    let mut names: Vec<String> = addresses(state)
        .into_iter()
        .filter(|(_, net)| net.contains(&address) && net.prefix_len() < net.max_prefix_len())
        .map(|(name, _)| name)
        .collect();
    names.dedup();
    names
}

/// The kernel's answer to a question that was asked by `inspect`: `DESTINATION,SOURCE,INTERFACE`.
#[must_use]
pub fn way(state: &PlaceState, question: &str) -> Option<Way> {
    let line = state.section("route-get").lines().find_map(|line| line.strip_prefix(question)?.strip_prefix(" => "))?;
    Some(way_of(line))
}

/// The kernel's way from the place to the Service's address, as `inspect` asked for it; `None` where it was not asked, or said nothing.
#[must_use]
pub fn way_to_address(state: &PlaceState) -> Option<Way> {
    Some(state.section("route-to-address").trim()).filter(|text| !text.is_empty()).map(way_of)
}

/// One answer of `ip route get`, its lines joined.
#[must_use]
pub fn way_of(line: &str) -> Way {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
    let address = |text: &str| text.parse().ok();
    let refused = line.starts_with("RTNETLINK").then(|| line.trim_start_matches("RTNETLINK answers:").trim().to_owned());
    let kind = words.first().filter(|word| ["local", "blackhole", "unreachable", "prohibit", "throw", "broadcast"].contains(word));
    Way {
        device: after("dev").map(str::to_owned),
        via: after("via").and_then(address),
        source: after("src").and_then(address),
        table: after("table").map(str::to_owned),
        refused: refused
            .or_else(|| kind.filter(|kind| ["blackhole", "unreachable", "prohibit"].contains(*kind)).map(|kind| (*kind).to_owned())),
        kind: kind.map(|kind| (*kind).to_owned()),
    }
}

/// The gateway of the default route of the main table, with its interface.
#[must_use]
pub fn default_route(state: &PlaceState) -> Option<(Option<IpAddr>, String)> {
    state.section("routes").lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() != Some(&"default") || words.contains(&"table") {
            return None;
        }
        let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
        Some((after("via").and_then(|via| via.parse().ok()), after("dev")?.to_owned()))
    })
}

/// The most specific route of the main table (not the default) that holds the address, as its line reads.
#[must_use]
pub fn specific_route(state: &PlaceState, address: IpAddr) -> Option<String> {
    state
        .section("routes")
        .lines()
        .filter(|line| !line.contains(" table "))
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let first = words.iter().find(|word| word.contains('.') || word.contains(':'))?;
            let net = first.parse::<IpNet>().ok().or_else(|| first.parse::<IpAddr>().ok().map(IpNet::from))?;
            (!line.starts_with("default") && net.contains(&address)).then(|| (net.prefix_len(), line.trim().to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, line)| line)
}

/// All neighbour entries.
#[must_use]
pub fn neighbours(state: &PlaceState) -> Vec<Neighbour> {
    state
        .section("neighbours")
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
            Some(Neighbour {
                address: words.first()?.parse().ok()?,
                device: after("dev")?.to_owned(),
                mac: after("lladdr").map(str::to_lowercase),
                state: words.last()?.to_string(),
            })
        })
        .collect()
}

/// A kernel setting by its path below /proc/sys, such as `net/ipv4/ip_forward`.
#[must_use]
pub fn setting(state: &PlaceState, key: &str) -> Option<i64> {
    state.section("settings").lines().find_map(|line| {
        let (name, value) = line.split_once(" = ")?;
        (name == key).then(|| value.trim().parse().ok())?
    })
}

/// A setting of one interface, by the name of its file; a dot in the interface's name may be written as a slash.
#[must_use]
pub fn interface_setting(state: &PlaceState, family: &str, interface: &str, name: &str) -> Option<i64> {
    let key = |interface: &str| setting(state, &format!("net/{family}/conf/{interface}/{name}"));
    key(&interface.replace('.', "/")).or_else(|| key(interface))
}

/// The reverse path filter in force on an interface: the larger of its own and `all`'s.
#[must_use]
pub fn reverse_path_filter(state: &PlaceState, interface: &str) -> i64 {
    let all = setting(state, "net/ipv4/conf/all/rp_filter").unwrap_or_default();
    all.max(interface_setting(state, "ipv4", interface, "rp_filter").unwrap_or_default())
}

/// The kernel's letter for each process of that name (`T` is stopped), or `None` when the list could not be read.
#[must_use]
pub fn processes(state: &PlaceState, name: &str) -> Option<Vec<char>> {
    state.sections.get("processes").map(|text| {
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(who, _)| *who == name)
            .filter_map(|(_, letter)| letter.chars().next())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::state::sections::place_state;
    use crate::model::place::{Host, HostKind, Place};

    fn state(section: &str, text: &str) -> PlaceState {
        let place = Place::Host(Host { name: "n1".into(), address: "10.0.0.1".into(), kind: HostKind::Node });
        place_state(place, &format!("=== {section}\n{text}\n=== end 0\n"))
    }

    #[test]
    fn links_tell_state_and_master() {
        let state = state(
            "links",
            "7: mlb@if8: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue master br0 state DOWN mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:0a brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0 \\    veth addrgenmode eui64",
        );
        let link = link_named(&state, "mlb").unwrap();
        assert_eq!((link.index, link.peer), (7, Some(8)));
        assert!(!link.up && !link.lower_up);
        assert_eq!((link.master.as_deref(), link.mac.as_str(), link.kind.as_deref()), (Some("br0"), "02:00:00:00:00:0a", Some("veth")));
    }

    #[test]
    fn the_kernels_way_is_read() {
        let state = state(
            "route-get",
            "10.88.192.50,, => 10.88.192.50 via 10.88.0.200 dev eth0 src 10.88.0.12 uid 0 \n10.9.9.9,, => RTNETLINK answers: Network is unreachable ",
        );
        let found = way(&state, "10.88.192.50,,").unwrap();
        assert_eq!((found.device.as_deref(), found.refused), (Some("eth0"), None));
        assert_eq!(way(&state, "10.9.9.9,,").unwrap().refused.as_deref(), Some("Network is unreachable"));
        assert_eq!(way(&state, "1.1.1.1,,"), None);
    }

    #[test]
    fn a_specific_route_is_not_the_default() {
        let state = state(
            "routes",
            "default via 10.88.64.1 dev mlb\n10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink\nlocal 10.88.131.7 dev lo table local",
        );
        assert!(specific_route(&state, "10.88.131.7".parse().unwrap()).unwrap().contains("vxlan.calico"));
        assert_eq!(specific_route(&state, "10.88.132.7".parse().unwrap()), None);
        assert_eq!(default_route(&state).unwrap().1, "mlb");
    }
}
