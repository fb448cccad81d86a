//! Follows one packet through a host's packet filters: which rule takes it away, and where it is translated to.
//!
//! What a rule asks for may not be known here (the members of an ipset, chance, a limit). Then both ways are followed, so
//! that "taken" and "not taken" are said only where every way agrees.

mod drops;
mod ebtables;
pub mod iptables;
mod met;
pub mod nft;
mod partial;
pub mod proxy;
mod sets;
mod trail;
mod travel;
mod walk;

pub use drops::{Drop, drops, refused_by_kube_proxy, undecided};
pub use partial::{Partial, partial};
pub use trail::{Kind, Trail, Turn, trail};
pub use travel::walk;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::netfilter::{Fields, Match};
use super::nftables;
use super::place_state::{PlaceState, StatePair};

/// Where in the kernel a chain is called, in the order in which packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    Ingress,
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Egress,
}

impl Hook {
    /// The hook of that name, in whatever case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            "prerouting" => Self::Prerouting,
            "input" => Self::Input,
            "forward" => Self::Forward,
            "output" => Self::Output,
            "postrouting" => Self::Postrouting,
            _ => return None,
        })
    }
}

/// A rule that takes the packet, or may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taker {
    /// `raw/PREROUTING/1`, or for nftables `inet-guard/in/1`.
    pub path: String,
    /// `iptables` (or its sister for IPv6), `iptables-legacy` or `nft`.
    pub tool: &'static str,
    /// As the tool prints it.
    pub text: String,
    /// What its counter says; none where it has no counter.
    pub packets: Option<u64>,
    pub hook: Hook,
    /// Whether a packet that comes to it is surely taken.
    pub sure: bool,
}

/// What becomes of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Taken {
    Yes,
    No,
    /// It depends on something that is not known here.
    Maybe,
}

/// The end of a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Walked {
    pub taken: Taken,
    /// The rule that takes it, or the first that may.
    pub rule: Option<Taker>,
    /// All rules that take it or may, in the order in which they are met.
    pub rules: Vec<Taker>,
    /// Where it may be translated to, as `ADDRESS:PORT`.
    pub translated: Vec<String>,
    /// The hooks that it passes, as far as it gets.
    pub hooks: Vec<Hook>,
    /// What could not be read or followed, and what that leaves open.
    pub unread: Vec<String>,
    /// Why not every way was followed to its end; empty where all were.
    #[serde(skip)]
    pub open: Vec<String>,
}

/// What a rule does with a packet that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// The next rule, with the packet as it is then.
    Next(Fields),
    /// Out of this base chain, with the packet as it is then.
    Accept(Fields),
    Take,
    Return,
    Jump(String),
    Goto(String),
    /// Something that this reader does not know.
    Unclear,
}

/// A rule of either tool.
enum Line {
    Iptables(super::netfilter::Rule),
    Nft(nft::NftLine),
}

struct Chain {
    hook: Option<(Hook, i32)>,
    /// Whether it is one of the chains that translate: only a connection's first packet meets them.
    translates: bool,
    /// The interface of a chain that sees the packets of one only.
    device: Option<String>,
    /// Whether only some of the packets that pass the hook come by here: frames between the ports of a bridge.
    doubtful: bool,
    /// The policy, when it takes packets: its path and text.
    refuses: Option<(String, String, Option<u64>)>,
    rules: Vec<Line>,
}

/// Sections in which rules of packet filters stand.
const FILTERS: [&str; 5] = ["iptables", "iptables-legacy", "ip6tables", "nft", "ebtables"];

/// Words of a rule that are as good as one rule, for what it costs to ask it.
const WORDS_A_STEP: usize = 32;

/// All chains of a host, under names that hold their table.
#[derive(Default)]
pub struct Ruleset {
    chains: BTreeMap<String, Chain>,
    sets: BTreeMap<String, Vec<sets::Element>>,
}

/// Every chain of a host that packets of the family meet.
fn ruleset(state: &PlaceState, six: bool) -> Ruleset {
    let mut ruleset = Ruleset::default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    // `inspect` reads both families, `state` the one that is asked for.
    let both = state.was_asked("ip6tables");
    let sections =
        if six && both { [("ip6tables", "iptables"), ("", "")] } else { [("iptables", "iptables"), ("iptables-legacy", "legacy")] };
    for (section, tool) in sections {
        // Where both names mean the same program, the rules are the same.
        if let Some(dump) = state.text_of(section).filter(|dump| seen.insert(from_first_table(dump))) {
            iptables::read(&mut ruleset, tool, dump);
        }
    }
    nft::read(&mut ruleset, state.section("nft"), nft::Meets::Packets { six }, state.is_read("iptables"));
    ruleset
}

/// Every chain of a host that frames meet which pass a bridge.
fn of_bridges(state: &PlaceState) -> Ruleset {
    let mut ruleset = Ruleset::default();
    nft::read(&mut ruleset, state.section("nft"), nft::Meets::Bridge, state.is_read("iptables"));
    ebtables::read(&mut ruleset, state.section("ebtables"));
    ruleset
}

/// Every chain that the packet may meet.
fn met_by(state: &PlaceState, packet: &Fields) -> Ruleset {
    if packet.bridge.is_some() { of_bridges(state) } else { ruleset(state, packet.is_v6().unwrap_or(false)) }
}

/// The state without the rules of that text.
#[must_use]
pub fn without(pair: &StatePair, text: &str) -> StatePair {
    let mut pair = pair.clone();
    for state in [&mut pair.before, &mut pair.after] {
        for section in FILTERS {
            let is = |line: &&str| !nft::without_count(ebtables::without_counts(line).trim_end()).ends_with(text);
            state.change(section, |dump| dump.lines().filter(is).collect::<Vec<_>>().join("\n"));
        }
    }
    pair
}

/// The dump from its first table on: its head tells the program and the time.
fn from_first_table(dump: &str) -> &str {
    dump.find("\n*").map_or(dump, |at| &dump[at..])
}

/// What was not read: a tool that is not installed hides its rules only where no other shows them.
fn unread(state: &PlaceState) -> Vec<String> {
    let said = |section: &str| state.why_missing(section).map(|why| format!("{section}: {why}"));
    let absent = |why: &str| why.ends_with("not installed there");
    let mut all: Vec<String> = said("nft").into_iter().collect();
    for section in ["iptables", "iptables-legacy"] {
        let hides = state.why_missing(section).is_some_and(|why| !absent(why));
        all.extend(said(section).filter(|_| hides));
    }
    // The rules of iptables-nft that nft cannot print in its own words.
    if !state.is_read("iptables") && nftables::line_has_xt(state.section("nft")) {
        all.extend(said("iptables"));
    }
    all
}

impl Line {
    fn decide(&self, way: &Fields, chain: &str, ruleset: &Ruleset) -> (Match, Vec<Action>) {
        match self {
            Self::Iptables(rule) => iptables::decide(rule, way, chain, ruleset),
            Self::Nft(line) => line.decide(way, chain, ruleset),
        }
    }

    /// What it costs to ask the rule: a rule of usual length costs one step, and so do a few elements of a set that it looks into.
    fn weight(&self, chain: &str, ruleset: &Ruleset) -> usize {
        match self {
            Self::Iptables(rule) => 1 + rule.words.len() / WORDS_A_STEP,
            Self::Nft(line) => line.weight(chain, ruleset),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Iptables(rule) => rule.path(),
            Self::Nft(line) => line.path.clone(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Iptables(rule) => format!("-A {}", rule.text.trim_start_matches("-A ")),
            Self::Nft(line) => line.text.clone(),
        }
    }

    fn packets(&self) -> Option<u64> {
        match self {
            Self::Iptables(rule) => rule.counted.then_some(rule.packets),
            Self::Nft(line) => line.packets,
        }
    }

    /// How many more forwarders a packet passes of which the rule sets the hop limit.
    fn hop_limit(&self) -> Option<u8> {
        match self {
            Self::Iptables(rule) => iptables::hop_limit(rule),
            Self::Nft(line) => line.hop_limit(),
        }
    }
}

/// The tool whose chain it is, by the chain's whole name.
fn tool(chain: &str) -> &'static str {
    match chain.split(' ').next() {
        Some("nft") => "nft",
        Some("ebtables") => "ebtables",
        Some("legacy") => "iptables-legacy",
        _ => "iptables",
    }
}

/// The chain of that name beside another, whose own name is `TABLE CHAIN`.
fn beside(chain: &str, name: &str) -> String {
    let table = chain.rsplit_once(' ').map_or(chain, |(table, _)| table);
    format!("{table} {name}")
}

#[cfg(test)]
mod tests;
