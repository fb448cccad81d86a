//! The network state of a place, as its own tools print it: text in, typed parts out. Each part is read when it is first asked for, and kept.
//!
//! A part of a section that was not read is `None`: nothing that was not looked at reads as if nothing were there.

mod causes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::OnceLock;

use ipnet::IpNet;
use serde::Serialize;

use super::arp_filters::{self, ArpDrop, ArpPacket};
use super::bgp_sockets::{self, BgpSocket};
use super::conntrack::{self, Tracked, Wanted};
use super::counters::{self, Counters, Traffic};
use super::forwarding::{self, Forwarding};
use super::ipsec::Ipsec;
use super::netfilter::{self, Rule};
use super::network::{self, Link, Neighbour};
use super::routes::{self, PolicyRule, Routes};
use super::settings::{self, Settings};
use super::sockets::{self, Listener};
use super::traffic_control::{self, Queues, Worked};
use super::ways::{self, RouteQuestion, Way, Ways};
use crate::analysis::looked_at;
use crate::model::place::Place;
use crate::model::service::Protocol;

/// What was read at one place at one time.
#[derive(Clone, Debug, Serialize)]
pub struct PlaceState {
    pub place: Place,
    /// Section name (`links`, `addresses`, `routes`, `iptables`, …) to its text.
    sections: BTreeMap<String, String>,
    /// Section name to why it is missing.
    missing: BTreeMap<String, String>,
    /// Whether it was read once more afterwards.
    #[serde(skip)]
    earlier: bool,
    #[serde(skip)]
    parts: Parts,
}

/// The state of one place before and after a probe was repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatePair {
    pub before: PlaceState,
    pub after: PlaceState,
}

/// A part of a section, once it was asked for: `None` inside where the section was not read.
type Part<T> = OnceLock<Option<T>>;

/// The parts that were asked for.
#[derive(Clone, Debug, Default)]
struct Parts {
    links: Part<Vec<Link>>,
    addresses: Part<Vec<(String, IpNet)>>,
    neighbours: Part<Vec<Neighbour>>,
    forwarding: Part<Vec<Forwarding>>,
    routes: Part<Routes>,
    ways: Part<Ways>,
    settings: Part<Settings>,
    processes: Part<Vec<settings::Process>>,
    listeners: Part<Vec<Listener>>,
    datagram_listeners: Part<Vec<Listener>>,
    bgp_sockets: Part<Vec<BgpSocket>>,
    tracked: Part<Vec<Tracked>>,
    counters: Part<Counters>,
    ipsec: Part<Ipsec>,
    queues: Part<Queues>,
    iptables: Part<Vec<Rule>>,
    ip6tables: Part<Vec<Rule>>,
    iptables_legacy: Part<Vec<Rule>>,
}

impl PartialEq for PlaceState {
    /// By what was read; what of it was asked for is no difference.
    fn eq(&self, other: &Self) -> bool {
        (&self.place, &self.sections, &self.missing) == (&other.place, &other.sections, &other.missing)
    }
}

impl Eq for PlaceState {}

impl PlaceState {
    /// The sections of a place, and why each of the others is missing.
    #[must_use]
    pub fn new(place: Place, sections: BTreeMap<String, String>, missing: BTreeMap<String, String>) -> Self {
        Self { place, sections, missing, earlier: false, parts: Parts::default() }
    }

    /// The same, as what is compared with a later reading.
    #[must_use]
    pub fn read_again_later(self) -> Self {
        Self { earlier: true, ..self }
    }

    /// Whether a section was read.
    #[must_use]
    pub fn is_read(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// The names of the sections that were read.
    pub fn read(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// The sections that were not read, each with why.
    #[must_use]
    pub fn unread_sections(&self) -> &BTreeMap<String, String> {
        &self.missing
    }

    /// Why a section is missing, where a tool said that.
    #[must_use]
    pub fn why_missing(&self, section: &str) -> Option<&str> {
        self.missing.get(section).map(String::as_str)
    }

    /// A kernel that was built without a family of addresses has nothing of it: that is an answer.
    #[must_use]
    pub fn without_missing_families(mut self) -> Self {
        let (none, missing) = std::mem::take(&mut self.missing).into_iter().partition(|(_, why)| why.contains("not supported"));
        let _: &BTreeMap<String, String> = &none;
        Self::new(self.place, self.sections.into_iter().chain(none.into_keys().map(|name| (name, String::new()))).collect(), missing)
    }

    /// The section's text; empty when it could not be read, which only readers that know that may take for nothing.
    #[must_use]
    pub(super) fn section(&self, name: &str) -> &str {
        self.text_of(name).unwrap_or_default()
    }

    /// The section's text, when it was read: for readers beside this one, and never for a judgement.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        let text = self.sections.get(name)?;
        looked_at::section(&self.place, name, self.earlier);
        Some(text)
    }

    /// Whether anything is known of a section, be it why it is missing.
    pub(super) fn was_asked(&self, name: &str) -> bool {
        self.sections.contains_key(name) || self.missing.contains_key(name)
    }

    /// The same without a section.
    #[cfg(test)]
    pub(in crate::analysis) fn unread(&mut self, section: &str) {
        self.sections.remove(section);
        self.parts = Parts::default();
    }

    /// Changes the text of a section that was read.
    pub(in crate::analysis) fn change(&mut self, section: &str, change: impl FnOnce(&str) -> String) {
        if let Some(text) = self.sections.get_mut(section) {
            *text = change(text);
            self.parts = Parts::default();
        }
    }

    /// What was read before is a look at the section as well.
    fn part<'a, T>(&'a self, part: &'a Part<T>, section: &str, read: impl FnOnce(&str) -> T) -> Option<&'a T> {
        let text = self.text_of(section);
        part.get_or_init(|| text.map(read)).as_ref()
    }

    /// All interfaces.
    #[must_use]
    pub fn links(&self) -> Option<&[Link]> {
        self.part(&self.parts.links, "links", network::links).map(Vec::as_slice)
    }

    /// The interface of that name, when it is known to be there.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links()?.iter().find(|link| link.name == name)
    }

    /// Whether an interface is known to be a bridge of pods or containers alone: all its ports are ends of veth pairs, or it has none.
    #[must_use]
    pub fn is_inner_bridge(&self, name: &str) -> bool {
        self.links().is_some_and(|links| network::is_inner_bridge(links, name))
    }

    /// Whether an interface is known to have that MAC, in whatever case it is written.
    #[must_use]
    pub fn has_mac(&self, mac: &str) -> bool {
        self.links().is_some_and(|links| links.iter().any(|link| link.mac.eq_ignore_ascii_case(mac)))
    }

    /// Interface and address with its prefix, one pair an address.
    #[must_use]
    pub fn addresses(&self) -> Option<&[(String, IpNet)]> {
        self.part(&self.parts.addresses, "addresses", network::addresses).map(Vec::as_slice)
    }

    /// Whether it is known to have the address.
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses().is_some_and(|own| own.iter().any(|(_, net)| net.addr() == address))
    }

    /// The interfaces whose own network holds the address.
    #[must_use]
    pub fn on_link(&self, address: IpAddr) -> Option<Vec<&str>> {
        self.addresses().map(|own| network::on_link(own, address))
    }

    /// All neighbour entries.
    #[must_use]
    pub fn neighbours(&self) -> Option<&[Neighbour]> {
        self.part(&self.parts.neighbours, "neighbours", network::neighbours).map(Vec::as_slice)
    }

    /// Where bridges and tunnels send what is for a MAC.
    #[must_use]
    pub fn forwarding(&self) -> Option<&[Forwarding]> {
        self.part(&self.parts.forwarding, "fdb", forwarding::entries).map(Vec::as_slice)
    }

    /// Its routes, IPv4 first; those of IPv6 where they were read.
    #[must_use]
    pub fn routes(&self) -> Option<&Routes> {
        let six = self.text_of("routes6").unwrap_or_default();
        self.part(&self.parts.routes, "routes", |four| Routes::read(four, six))
    }

    /// All policy rules, IPv4 first, each family in the order in which the kernel asks them.
    #[must_use]
    pub fn policy_rules(&self) -> Option<Vec<PolicyRule>> {
        self.text_of("rules").map(|four| routes::rules(four, self.text_of("rules6").unwrap_or_default()))
    }

    /// The rule of nftables' arp family that surely drops an ARP packet, where the rules were read.
    #[must_use]
    pub fn drops_arp(&self, packet: &ArpPacket) -> Option<ArpDrop> {
        arp_filters::dropping(self.text_of("nft")?, packet)
    }

    /// The kernel's answer to a question to its routing; `None` where it was not asked.
    #[must_use]
    pub fn way(&self, question: &RouteQuestion) -> Option<&Way> {
        self.part(&self.parts.ways, "route-get", Ways::read)?.answer(question)
    }

    /// To whom it hands packets for an address next, by every answer about that address; `None` where none was asked.
    #[must_use]
    pub fn next_hops(&self, to: IpAddr) -> Option<BTreeSet<IpAddr>> {
        self.part(&self.parts.ways, "route-get", Ways::read)?.next_hops(to)
    }

    /// Why the kernel refuses that way, where it was asked and does.
    #[must_use]
    pub fn refusal(&self, question: &RouteQuestion) -> Option<&str> {
        self.way(question)?.refused.as_deref()
    }

    /// The kernel's answer to the one question that was asked.
    #[must_use]
    pub fn only_way(&self) -> Option<Way> {
        self.text_of("route-get").map(ways::only)
    }

    /// The kernel's way from the place to the Service's address; `None` where it was not asked, or said nothing.
    #[must_use]
    pub fn way_to_address(&self) -> Option<Way> {
        self.text_of("route-to-address").map(str::trim).filter(|text| !text.is_empty()).map(ways::way_of)
    }

    /// Adds answers to further questions, which were asked later.
    pub fn add_ways(&mut self, later: &Self) {
        self.sections.entry("route-get".to_owned()).or_default().push_str(later.section("route-get"));
        self.parts = Parts::default();
    }

    /// Kernel settings.
    #[must_use]
    pub fn settings(&self) -> Option<&Settings> {
        self.part(&self.parts.settings, "settings", Settings::read)
    }

    /// The kernel's letter for each process of that name (`T` is stopped).
    #[must_use]
    pub fn processes(&self, name: &str) -> Option<Vec<char>> {
        let all = self.part(&self.parts.processes, "processes", settings::processes)?;
        Some(all.iter().filter(|process| process.name == name).map(|process| process.letter).collect())
    }

    /// The listening sockets of a protocol.
    #[must_use]
    pub fn listeners(&self, protocol: Protocol) -> Option<&[Listener]> {
        let (part, section) = if protocol == Protocol::Udp {
            (&self.parts.datagram_listeners, "datagram-sockets")
        } else {
            (&self.parts.listeners, "sockets")
        };
        self.part(part, section, sockets::listeners).map(Vec::as_slice)
    }

    /// TCP connections of BGP.
    #[must_use]
    pub fn bgp_sockets(&self) -> Option<&[BgpSocket]> {
        self.part(&self.parts.bgp_sockets, "bgp-sockets", bgp_sockets::bgp_sockets).map(Vec::as_slice)
    }

    /// The tracked connections that are wanted.
    #[must_use]
    pub fn tracked(&self, wanted: &Wanted) -> Option<Vec<&Tracked>> {
        let all = self.part(&self.parts.tracked, "conntrack", conntrack::entries)?;
        Some(all.iter().filter(|entry| wanted.takes(entry)).collect())
    }

    /// The kernel's counters of IPv4 and its transports.
    #[must_use]
    pub fn counters(&self) -> Option<&Counters> {
        self.part(&self.parts.counters, "counters", Counters::read)
    }

    /// Every counter under the name that `nstat` gives it, such as `TcpExtListenDrops` or `Ip6InDiscards`.
    #[must_use]
    pub fn nstat(&self) -> Option<BTreeMap<String, u64>> {
        Some(self.counters()?.nstat(self.text_of("counters6").unwrap_or_default()))
    }

    /// What each interface counted.
    #[must_use]
    pub fn traffic(&self) -> Option<BTreeMap<String, Traffic>> {
        self.text_of("devices").map(counters::interfaces)
    }

    /// What the kernel's IPsec dropped, and the policies that block.
    #[must_use]
    pub fn ipsec(&self) -> Option<&Ipsec> {
        self.part(&self.parts.ipsec, "ipsec", Ipsec::read)
    }

    /// Its queueing disciplines, and their classes where those were read.
    #[must_use]
    pub fn queues(&self) -> Option<&Queues> {
        let classes = self.text_of("tc-classes").unwrap_or_default();
        self.part(&self.parts.queues, "traffic-control", |text| [traffic_control::queues(text), traffic_control::classes(classes)].concat())
    }

    /// The rules of `iptables`.
    #[must_use]
    pub fn iptables(&self) -> Option<&[Rule]> {
        self.part(&self.parts.iptables, "iptables", netfilter::rules).map(Vec::as_slice)
    }

    /// The rules of `ip6tables`.
    #[must_use]
    pub fn ip6tables(&self) -> Option<&[Rule]> {
        self.part(&self.parts.ip6tables, "ip6tables", netfilter::rules).map(Vec::as_slice)
    }

    /// The rules of the older `iptables`, beside which the other may have its own.
    #[must_use]
    pub fn iptables_legacy(&self) -> Option<&[Rule]> {
        self.part(&self.parts.iptables_legacy, "iptables-legacy", netfilter::rules).map(Vec::as_slice)
    }
}

impl StatePair {
    /// A place that was read once, so that nothing is known of what changed.
    #[must_use]
    pub fn unchanged(state: PlaceState) -> Self {
        Self { before: state.clone(), after: state }
    }

    /// By how much a kernel's counter such as (`TcpExt`, `IPReversePathFilter`) grew; `None` where one of the two was not read.
    #[must_use]
    pub fn grown(&self, group: &str, name: &str) -> Option<u64> {
        Some(self.after.counters()?.grown_since(self.before.counters()?, group, name))
    }

    /// The reasons for which IPsec dropped packets meanwhile, with how many, the most first.
    #[must_use]
    pub fn ipsec_dropped(&self) -> Option<Vec<(String, u64)>> {
        Some(self.after.ipsec()?.dropped_since(self.before.ipsec()?))
    }

    /// What each queueing discipline did meanwhile, those that dropped most first.
    #[must_use]
    pub fn queues_worked(&self) -> Option<Vec<Worked>> {
        Some(traffic_control::worked(self.before.queues()?, self.after.queues()?.clone()))
    }
}

#[cfg(test)]
mod tests;
