//! Everything inside a host that may take a packet without a rule that is walked: hooks, programmes, tables and queues, each with what a dump tells of
//! it. A conclusion that rests on there being nothing has to ask every one of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::netfilter::Fields;
use super::place_state::{PlaceState, StatePair};
use super::ruleset;

/// What is known of a mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It was read, and takes none of these packets.
    Read,
    /// It is not on this host, or not on the path of a packet that is forwarded.
    NotThere,
    /// It could not be read: why.
    NotRead(String),
    /// It is there, and what it does with these packets is not known: what it is.
    MayTake(String),
    /// A programme stands in their way, and no dump tells what a programme does: what it is.
    Opaque(String),
}

/// A hook or mechanism.
pub struct Mechanism {
    pub title: &'static str,
    pub look: fn(&Host) -> Look,
}

/// A host around the tries that it lost.
pub struct Host<'a> {
    pub pair: &'a StatePair,
    /// The lost packets as packet filters see them.
    pub packets: &'a [Fields],
    pub six: bool,
    /// To whom it may hand them next, by its own lookups; `None` where it was not asked for each of them.
    pub next_hops: Option<BTreeSet<IpAddr>>,
    /// Tries that were lost while it was watched.
    pub lost: u64,
}

/// Every one that is known, in the order in which a packet meets them.
pub const ALL: &[Mechanism] = &[
    Mechanism { title: "programmes at interfaces (XDP)", look: programmes },
    Mechanism { title: "filters of traffic control", look: filters },
    Mechanism { title: "queues of interfaces", look: queues },
    Mechanism { title: "interfaces with rules of their own", look: interfaces },
    Mechanism { title: "bridges", look: bridges },
    Mechanism { title: "nftables (ip, ip6, inet, netdev, bridge, arp)", look: nftables },
    Mechanism { title: "iptables", look: iptables },
    Mechanism { title: "iptables-legacy", look: iptables_legacy },
    Mechanism { title: "ebtables", look: ebtables },
    Mechanism { title: "the rules that these packets meet", look: rules },
    Mechanism { title: "hooks of kernel modules and of eBPF in netfilter", look: hooks },
    Mechanism { title: "zones of the connection table", look: zones },
    Mechanism { title: "the connection table", look: connections },
    Mechanism { title: "flow tables", look: flow_tables },
    Mechanism { title: "IPVS", look: ipvs },
    Mechanism { title: "policy routing", look: policy_routing },
    Mechanism { title: "routes", look: routes },
    Mechanism { title: "forwarding and the reverse path filter", look: settings },
    Mechanism { title: "neighbours", look: neighbours },
    Mechanism { title: "IPsec", look: ipsec },
    Mechanism { title: "the kernel's own counters of drops", look: counters },
];

/// The mechanisms of which it is not known that they take none of these packets, each with why.
#[must_use]
pub fn open(host: &Host) -> Vec<String> {
    let told = |mechanism: &Mechanism| match (mechanism.look)(host) {
        Look::Read | Look::NotThere | Look::Opaque(_) => None,
        Look::NotRead(why) => Some(format!("{} ({why})", mechanism.title)),
        Look::MayTake(what) => Some(format!("{} ({what})", mechanism.title)),
    };
    ALL.iter().filter_map(told).collect()
}

/// The programmes that stand in the way of these packets: when nothing else takes them, one of these does.
#[must_use]
pub fn opaque(host: &Host) -> Vec<String> {
    let told = |mechanism: &Mechanism| match (mechanism.look)(host) {
        Look::Opaque(what) => Some(format!("{} ({what})", mechanism.title)),
        _ => None,
    };
    ALL.iter().filter_map(told).collect()
}

/// Both reads of a section; otherwise why it is not there.
fn both(host: &Host, section: &str) -> Result<(), Look> {
    for state in [&host.pair.before, &host.pair.after] {
        if !state.is_read(section) {
            return Err(not_read(state, section));
        }
    }
    Ok(())
}

fn not_read(state: &PlaceState, section: &str) -> Look {
    Look::NotRead(state.why_missing(section).unwrap_or("not read").to_owned())
}

/// The text of a section after the tries.
fn after<'a>(host: &Host<'a>, section: &str) -> Result<&'a str, Look> {
    both(host, section)?;
    Ok(host.pair.after.section(section))
}

fn settled(look: Result<Look, Look>) -> Look {
    look.unwrap_or_else(|look| look)
}

/// What names lines of a text that hold one of some words; nothing where none does.
fn named(text: &str, words: &[&str]) -> Look {
    let found = text.lines().find(|line| words.iter().any(|word| line.contains(word)));
    found.map_or(Look::Read, |line| Look::MayTake(short(line)))
}

fn short(line: &str) -> String {
    const SHOWN: usize = 80;
    let line = line.trim();
    let cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

fn programmes(host: &Host) -> Look {
    settled(after(host, "links").map(|links| {
        let words = |line: &str| line.split_whitespace().any(|word| word.starts_with("xdp") || word == "prog/xdp");
        links.lines().find(|line| words(line)).map_or(Look::Read, |line| Look::MayTake(short(line)))
    }))
}

/// What the programmes of Cilium and Calico at interfaces have in their names.
const PLUGINS: [&str; 4] = ["cil_", "bpf_lxc", "bpf_netdev", "cali_"];

/// A filter stands at an interface only where its queue has a place for one.
fn filters(host: &Host) -> Look {
    const PLAIN: [&str; 9] = ["noqueue", "pfifo_fast", "pfifo", "bfifo", "fq_codel", "fq", "codel", "mq", "cake"];
    settled(after(host, "traffic-control").and_then(|queues| {
        let kinds = || queues.lines().filter_map(|line| Some((line.strip_prefix("qdisc ")?.split_whitespace().next()?, line)));
        let hook = |kind: &str| matches!(kind, "clsact" | "ingress");
        if let Some((_, line)) = kinds().find(|(kind, _)| !PLAIN.contains(kind) && !hook(kind)) {
            return Ok(Look::MayTake(short(line)));
        }
        if !kinds().any(|(kind, _)| hook(kind)) {
            return Ok(Look::NotThere);
        }
        let filters = after(host, "tc-filters")?;
        let Some(first) = filters.lines().find(|line| line.contains("filter ")) else { return Ok(Look::Read) };
        // A network plugin's programmes are its whole data path: that they lead packets on is what they are for.
        let of_a_plugin = PLUGINS.iter().any(|name| filters.contains(name));
        Ok(if of_a_plugin { Look::MayTake(short(first)) } else { Look::Opaque(short(first)) })
    }))
}

fn queues(host: &Host) -> Look {
    settled(both(host, "traffic-control").map(|()| {
        let worked = host.pair.queues_worked().unwrap_or_default();
        let grown = worked.into_iter().find(|queue| queue.dropped >= host.lost.max(1));
        grown.map_or(Look::Read, |queue| Look::MayTake(format!("{} of {} dropped {}", queue.now.kind, queue.now.interface, queue.dropped)))
    }))
}

/// What `ip -d link` calls a kind of interface that passes on or drops by rules which are nowhere read.
fn interfaces(host: &Host) -> Look {
    const WITH_RULES: [&str; 14] = [
        " vrf ",
        " macvlan ",
        " macvtap ",
        " ipvlan ",
        " ipvtap ",
        " macsec ",
        " openvswitch ",
        " team ",
        " wireguard ",
        " batadv ",
        " hsr ",
        " netkit ",
        " ifb ",
        " amt ",
    ];
    settled(after(host, "links").map(|links| {
        let of_kind = |line: &&str| WITH_RULES.iter().any(|kind| format!("{line} ").contains(kind));
        links.lines().find(of_kind).map_or(Look::Read, |line| Look::MayTake(short(line)))
    }))
}

fn bridges(host: &Host) -> Look {
    settled(after(host, "links").map(|links| {
        named(
            links,
            &["vlan_filtering 1", "state disabled", "state blocking", "state listening", "isolated on", "locked on", "learning off"],
        )
    }))
}

fn nftables(host: &Host) -> Look {
    settled(both(host, "nft").map(|()| Look::Read))
}

fn iptables(host: &Host) -> Look {
    settled(both(host, if host.six { "ip6tables" } else { "iptables" }).map(|()| Look::Read))
}

fn legacy_is_absent(host: &Host) -> bool {
    host.pair.after.why_missing("iptables-legacy").is_some_and(|why| why.ends_with("not installed there"))
}

fn iptables_legacy(host: &Host) -> Look {
    if legacy_is_absent(host) { Look::NotThere } else { settled(both(host, "iptables-legacy").map(|()| Look::Read)) }
}

/// The rules of the old ebtables are in no table of nftables: they matter where a bridge has ports.
fn ebtables(host: &Host) -> Look {
    settled(after(host, "links").map(|links| {
        let bridged = links.lines().any(|line| line.contains(" master ") && line.contains("bridge_slave"));
        if !bridged {
            return Look::NotThere;
        }
        settled(
            both(host, "ebtables").map(|()| named(host.pair.after.section("ebtables"), &["-j DROP", "-j drop", "policy: DROP", " DROP"])),
        )
    }))
}

fn rules(host: &Host) -> Look {
    let undecided = ruleset::undecided(host.pair, host.packets);
    match undecided.rules.first() {
        Some(rule) => Look::MayTake(short(&rule.text)),
        None => undecided.open.first().map_or(Look::Read, |why| Look::NotRead(why.clone())),
    }
}

/// Functions that `nft list hooks` names and that are no chains: those of the kernel itself take nothing by rules of their own.
fn hooks(host: &Host) -> Look {
    const OWN: [&str; 8] =
        ["chain ", "nf_nat", "nf_conntrack", "ipv4_conntrack", "ipv6_conntrack", "nf_defrag", "ipv4_confirm", "nf_confirm"];
    settled(after(host, "hooks").map(|hooks| {
        let functions = hooks.lines().map(str::trim).filter(|line| line.starts_with(['+', '-']) || line.starts_with(char::is_numeric));
        let strange = functions.into_iter().find(|line| !OWN.iter().any(|own| line.contains(own)));
        strange.map_or(Look::Read, |line| Look::MayTake(short(line)))
    }))
}

/// All dumps of rules that packets of the family may meet; one that was not read may hold anything.
fn dumps(host: &Host) -> Result<String, Look> {
    let mut all = after(host, "nft")?.to_owned();
    let mut add = |text: &str| {
        all.push('\n');
        all.push_str(text);
    };
    add(after(host, if host.six { "ip6tables" } else { "iptables" })?);
    if !legacy_is_absent(host) {
        add(after(host, "iptables-legacy")?);
    }
    Ok(all)
}

fn zones(host: &Host) -> Look {
    const WORDS: [&str; 6] = ["-j CT --zone", "--zone-orig", "--zone-reply", "ct zone set", "ct original zone set", "ct reply zone set"];
    settled(dumps(host).map(|dumps| named(&dumps, &WORDS)))
}

fn connections(host: &Host) -> Look {
    settled(both(host, "conntrack").map(|()| Look::Read))
}

fn flow_tables(host: &Host) -> Look {
    settled(dumps(host).map(|dumps| named(&dumps, &["flowtable ", "flow add @", "-j FLOWOFFLOAD"])))
}

fn ipvs(host: &Host) -> Look {
    settled(after(host, "links").and_then(|links| {
        let dumps = dumps(host)?;
        let there = links.contains(" kube-ipvs0") || dumps.contains("-m ipvs") || dumps.contains("KUBE-LOAD-BALANCER");
        let read = || settled(both(host, "ipvs-table").map(|()| Look::Read));
        Ok(if there { read() } else { Look::NotThere })
    }))
}

/// Rules that go by what a question to the kernel's routing does not hold.
fn policy_routing(host: &Host) -> Look {
    const UNASKED: [&str; 9] = [" fwmark ", " ipproto ", " sport ", " dport ", " tos ", " dsfield ", " uidrange ", " l3mdev", " tun_id "];
    settled(after(host, if host.six { "rules6" } else { "rules" }).map(|rules| named(rules, &UNASKED)))
}

/// Of several next hops the kernel tells one for each question.
fn routes(host: &Host) -> Look {
    let all = if host.six { "routes6" } else { "routes" };
    settled(both(host, "route-get").and_then(|()| after(host, all)).map(|routes| named(routes, &["nexthop ", " nhid "])))
}

fn settings(host: &Host) -> Look {
    settled(both(host, "settings").map(|()| Look::Read))
}

/// An entry that failed of a next hop of these packets; of anybody, where their next hops are not known. Whoever they are sent to before they are
/// translated is none: the host was asked for that address, and did not ask for it.
fn neighbours(host: &Host) -> Look {
    settled(after(host, "neighbours").map(|neighbours| {
        let used = |line: &&str| {
            let Some(address) = line.split_whitespace().next().and_then(|address| address.parse::<IpAddr>().ok()) else { return true };
            match &host.next_hops {
                Some(hops) => hops.contains(&address),
                None => !host.packets.iter().any(|packet| !packet.translated && packet.destination == Some(address)),
            }
        };
        let failed = |line: &&str| ["FAILED", "INCOMPLETE"].iter().any(|state| line.contains(state));
        neighbours.lines().find(|line| failed(line) && used(line)).map_or(Look::Read, |line| Look::MayTake(short(line)))
    }))
}

fn ipsec(host: &Host) -> Look {
    settled(after(host, "ipsec").map(|ipsec| named(ipsec, &[" dir fwd ", " dir in ", " dir out ", "action block"])))
}

fn counters(host: &Host) -> Look {
    settled(both(host, "counters").map(|()| Look::Read))
}

/// The titles of all.
#[must_use]
pub fn titles() -> BTreeSet<&'static str> {
    ALL.iter().map(|mechanism| mechanism.title).collect()
}

#[cfg(test)]
mod tests;
