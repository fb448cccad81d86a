//! Links, addresses and neighbours, as `ip` prints them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, as the kernel tells it")]
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
    /// As a port of a bridge: whether a frame may go out by the port that it came in by.
    pub hairpin: Option<bool>,
    pub mac: String,
    pub mtu: u32,
    /// `vxlan`, `geneve`, `ipip`, `veth`, `bridge`, … as far as it is told.
    pub kind: Option<String>,
    /// By what the other end of a VXLAN or Geneve tunnel knows what is for it.
    pub marks: Option<TunnelMarks>,
    /// Whether a programme at it may take packets before anybody else sees them.
    pub xdp: bool,
    /// That programme, as far as it is told: its name, or its number.
    pub programme: Option<String>,
}

impl Link {
    /// Whether it leads into a tunnel of a known kind.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.is_seen_through() || self.kind.as_deref() == Some("wireguard")
    }

    /// Whether it leads into a tunnel in which packets can be followed: what `WireGuard` carries is encrypted, and is seen at its ends alone.
    #[must_use]
    pub fn is_seen_through(&self) -> bool {
        matches!(self.kind.as_deref(), Some("vxlan" | "geneve" | "ipip"))
    }
}

/// What both ends of a tunnel must have alike, or neither takes what the other sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TunnelMarks {
    /// The network's number: VNI.
    pub id: u32,
    /// The UDP port that it sends to and listens on.
    pub port: u16,
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

impl Neighbour {
    /// Whether the kernel asked for the MAC in vain, or still asks.
    #[must_use]
    pub fn unresolved(&self) -> bool {
        matches!(self.state.as_str(), "FAILED" | "INCOMPLETE")
    }
}

const KINDS: [&str; 9] = ["vxlan", "geneve", "ipip", "veth", "bridge", "bond", "vlan", "wireguard", "dummy"];

/// All interfaces.
pub(super) fn links(text: &str) -> Vec<Link> {
    text.lines().filter_map(link).collect()
}

/// Whether an interface is a bridge of pods or containers alone: all its ports are ends of veth pairs, or it has none.
pub(super) fn is_inner_bridge(links: &[Link], name: &str) -> bool {
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
        hairpin: after("hairpin").filter(|_| rest.contains(&"bridge_slave")).map(|mode| mode == "on"),
        mac: after("link/ether").unwrap_or_default(),
        mtu: after("mtu").and_then(|mtu| mtu.parse().ok()).unwrap_or_default(),
        kind: rest.iter().find(|word| KINDS.contains(word)).map(|word| (*word).to_owned()),
        marks: rest.iter().any(|word| ["vxlan", "geneve"].contains(word)).then(|| marks(&rest)).flatten(),
        xdp: rest.iter().any(|word| word.contains("xdp")),
        programme: programme(&rest),
    })
}

/// `vxlan id 4096 local 10.0.0.1 dev eth0 srcport 0 0 dstport 4789 …`
fn marks(words: &[&str]) -> Option<TunnelMarks> {
    let told = &words[words.iter().position(|word| *word == "vxlan" || *word == "geneve")? + 1..];
    let after = |key: &str| told.iter().position(|word| *word == key).and_then(|at| told.get(at + 1));
    Some(TunnelMarks { id: after("id")?.parse().ok()?, port: after("dstport")?.parse().ok()? })
}

/// What `ip` tells of a programme: `prog/xdp id 97 name ddos_guard`.
fn programme(words: &[&str]) -> Option<String> {
    let told = &words[words.iter().position(|word| *word == "prog/xdp")? + 1..];
    let value = |key: &str| told.iter().take(4).position(|word| *word == key).and_then(|at| told.get(at + 1));
    value("name").map(|name| (*name).to_owned()).or_else(|| value("id").map(|id| format!("number {id}")))
}

/// Interface and address with its prefix, one pair an address.
pub(super) fn addresses(text: &str) -> Vec<(String, IpNet)> {
    text.lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "inet" || *word == "inet6")?;
            Some((words.get(1)?.split('@').next()?.to_owned(), words.get(at + 1)?.parse().ok()?))
        })
        .collect()
}

/// The interfaces whose own network holds the address.
pub(super) fn on_link(own: &[(String, IpNet)], address: IpAddr) -> Vec<&str> {
    let near = own.iter().filter(|(_, net)| net.contains(&address) && net.prefix_len() < net.max_prefix_len());
    let mut names: Vec<&str> = near.map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

/// All neighbour entries.
pub(super) fn neighbours(text: &str) -> Vec<Neighbour> {
    text.lines()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_tell_state_and_master() {
        let all = links(
            "7: mlb@if8: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue master br0 state DOWN mode DEFAULT group default qlen 1000\\    link/ether 02:00:00:00:00:0a brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 0 \\    veth addrgenmode eui64",
        );
        let [link] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((link.name.as_str(), link.index, link.peer), ("mlb", 7, Some(8)));
        assert!(!link.up && !link.lower_up && !link.xdp);
        assert_eq!((link.master.as_deref(), link.mac.as_str(), link.kind.as_deref()), (Some("br0"), "02:00:00:00:00:0a", Some("veth")));
    }

    #[test]
    fn a_port_of_a_bridge_tells_its_hairpin_mode() {
        let all = links(
            "6: veth1@if2: <UP> mtu 1450 master cni0 state UP \\    veth \\    bridge_slave state forwarding priority 32 cost 2 hairpin off guard off\n\
             7: veth2@if2: <UP> mtu 1450 master cni0 state UP \\    veth \\    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off\n\
             8: cni0: <UP> mtu 1450 state UP \\    bridge forward_delay 1500\n",
        );
        assert_eq!(all.iter().map(|link| link.hairpin).collect::<Vec<_>>(), [Some(false), Some(true), None]);
    }

    #[test]
    fn a_tunnel_tells_by_what_its_other_end_knows_it() {
        let all = links(
            "9: vxlan.calico: <UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN \\    link/ether 66:26:c2:ce:28:d0 brd ff:ff:ff:ff:ff:ff \\    vxlan id 4096 local 10.88.0.11 dev eth0 srcport 0 0 dstport 4789 nolearning ttl auto ageing 300\n\
             4: gen0: <UP> mtu 1450 qdisc noqueue \\    geneve id 7 remote 10.88.0.12 dstport 6081 noudpcsum\n5: vx: <UP> mtu 1450 \\    vxlan external id 0\n",
        );
        let told: Vec<_> = all.iter().map(|link| link.marks.map(|marks| (marks.id, marks.port))).collect();
        assert_eq!(told, [Some((4096, 4789)), Some((7, 6081)), None]);
    }

    #[test]
    fn a_programme_at_an_interface_is_seen() {
        let all = links(
            "7: mlb: <UP> mtu 1500 xdpgeneric/id:12 qdisc noqueue state UP\n8: eth0: <UP> mtu 1500 qdisc noqueue state UP\\    prog/xdp id 5\n",
        );
        assert!(all.iter().all(|link| link.xdp) && all.len() == 2);
        assert_eq!(all.iter().map(|link| link.programme.as_deref()).collect::<Vec<_>>(), [None, Some("number 5")]);
        let named = links("3: mlb: <UP> mtu 1500 xdpgeneric qdisc noqueue state UP\\    prog/xdp id 97 name ddos_guard tag fd24 jited \n");
        assert_eq!(named[0].programme.as_deref(), Some("ddos_guard"));
    }
}
