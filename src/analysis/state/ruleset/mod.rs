//! Follows one packet through a host's packet filters: which rule takes it away, and where it is translated to.
//!
//! What a rule asks for may not be known here (the members of an ipset, chance, a limit). Then both ways are followed, so
//! that "taken" and "not taken" are said only where every way agrees.

mod drops;
pub mod iptables;
pub mod nft;
pub mod proxy;
mod trail;

pub use drops::{Drop, drops, refused_by_kube_proxy, undecided};
pub use trail::{Kind, Trail, Turn, trail};

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::netfilter::{Fields, Match};
use super::{network, nftables};
use crate::model::state::PlaceState;

/// Where in the kernel a chain is called, in the order in which packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
    /// What could not be read, and what that leaves open.
    pub unread: Vec<String>,
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

/// All chains of a host, under names that hold their table.
#[derive(Default)]
pub struct Ruleset {
    chains: BTreeMap<String, Chain>,
    sets: BTreeMap<String, Vec<(String, String)>>,
}

/// Ways that are followed at the same time; with more the answer is "maybe".
const MOST_WAYS: usize = 64;
/// Chains within chains, as deep as the kernel allows for a little more.
const DEEPEST: usize = 20;

struct Walk<'a> {
    ruleset: &'a Ruleset,
    hook: Hook,
    /// Whether the base chain translates.
    translates: bool,
    takers: Vec<Taker>,
    turns: Vec<Turn>,
    accepted: Vec<Fields>,
    unclear: bool,
}

impl Walk<'_> {
    fn add(&mut self, ways: &mut Vec<Fields>, way: Fields) {
        if ways.contains(&way) {
            return;
        }
        if ways.len() == MOST_WAYS {
            self.unclear = true;
        } else {
            ways.push(way);
        }
    }

    fn accept(&mut self, way: Fields) {
        let mut ways = std::mem::take(&mut self.accepted);
        self.add(&mut ways, way);
        self.accepted = ways;
    }

    /// `chain` is the chain's whole name, which begins with the tool.
    fn take(&mut self, chain: &str, path: String, text: String, packets: Option<u64>, sure: bool) {
        let tool = tool(chain);
        match self.takers.iter_mut().find(|known| (&known.path, known.tool, known.hook) == (&path, tool, self.hook)) {
            Some(known) => known.sure |= sure,
            None => self.takers.push(Taker { path, tool, text, packets, hook: self.hook, sure }),
        }
    }

    /// The ways that come out at the chain's end, back to the one that called it. `alone` when there is no other way than these.
    fn chain(&mut self, name: &str, ways: Vec<Fields>, depth: usize, alone: bool) -> Vec<Fields> {
        let ruleset = self.ruleset;
        let Some(chain) = ruleset.chains.get(name).filter(|_| depth <= DEEPEST) else {
            self.unclear = true;
            return ways;
        };
        let (mut here, mut back) = (ways, Vec::new());
        for line in &chain.rules {
            if here.is_empty() {
                break;
            }
            let mut next = Vec::new();
            let alone = alone && back.is_empty() && self.accepted.is_empty();
            let decided: Vec<(Fields, Match, Vec<Action>)> = here
                .into_iter()
                .map(|way| {
                    let (matched, actions) = line.decide(&way, name, ruleset);
                    (way, matched, actions)
                })
                .collect();
            self.turn(line, &decided, depth, alone, name);
            let only = alone && decided.len() == 1;
            for (way, matched, actions) in decided {
                if matched != Match::Yes {
                    self.add(&mut next, way.clone());
                }
                if matched == Match::No {
                    continue;
                }
                let sure = matched == Match::Yes && actions.len() == 1;
                for action in actions {
                    match action {
                        Action::Next(way) => self.add(&mut next, way),
                        Action::Accept(way) => self.accept(way),
                        Action::Take => self.take(name, line.path(), line.text(), line.packets(), sure),
                        Action::Return => self.add(&mut back, way.clone()),
                        Action::Jump(to) => {
                            for out in self.chain(&to, vec![way.clone()], depth + 1, only && sure) {
                                self.add(&mut next, out);
                            }
                        }
                        Action::Goto(to) => {
                            for out in self.chain(&to, vec![way.clone()], depth + 1, only && sure) {
                                self.add(&mut back, out);
                            }
                        }
                        Action::Unclear => {
                            self.take(name, line.path(), line.text(), line.packets(), false);
                            self.accept(way.clone());
                            self.add(&mut next, way.clone());
                        }
                    }
                }
            }
            here = next;
        }
        for way in back {
            self.add(&mut here, way);
        }
        here
    }
}

impl Chain {
    /// Whether a packet that passes the hook comes by the chain.
    fn sees(&self, hook: Hook, way: &Fields) -> Match {
        let by = match hook {
            Hook::Ingress => way.input.as_deref(),
            _ => way.output.as_deref(),
        };
        match (&self.device, by) {
            _ if self.translates && way.state.as_deref().is_some_and(|state| state != "NEW") => Match::No,
            (Some(device), Some(by)) if device != by => Match::No,
            (Some(_), None) => Match::Maybe,
            _ if self.doubtful => Match::Maybe,
            _ => Match::Yes,
        }
    }
}

impl Ruleset {
    fn has(&self, hook: Hook) -> bool {
        self.chains.values().any(|chain| chain.hook.is_some_and(|(at, _)| at == hook))
    }

    /// Takes the ways through all chains of a hook, in the order of their priorities; gives those that come out.
    fn pass(&self, hook: Hook, ways: Vec<Fields>, met: &mut Met) -> Vec<Fields> {
        let mut called: Vec<(i32, &String, &Chain)> = self
            .chains
            .iter()
            .filter_map(|(name, chain)| chain.hook.filter(|(at, _)| *at == hook).map(|(_, when)| (when, name, chain)))
            .collect();
        called.sort_by_key(|(when, name, _)| (*when, (*name).clone()));
        let mut ways = ways;
        for (_, name, chain) in called {
            let (mut through, mut beside) = (Vec::new(), Vec::new());
            for way in ways {
                let seen = chain.sees(hook, &way);
                if seen != Match::Yes {
                    beside.push(way.clone());
                }
                if seen != Match::No {
                    through.push(way);
                }
            }
            let Met { takers, turns, unclear } = std::mem::take(met);
            let alone = beside.is_empty();
            let mut walk = Walk { ruleset: self, hook, translates: chain.translates, takers, turns, accepted: beside, unclear };
            let ends = if through.is_empty() { Vec::new() } else { walk.chain(name, through, 0, alone) };
            match &chain.refuses {
                Some((path, text, packets)) if !ends.is_empty() => walk.take(name, path.clone(), text.clone(), *packets, true),
                _ => ends.into_iter().for_each(|way| walk.accept(way)),
            }
            *met = Met { takers: walk.takers, turns: walk.turns, unclear: walk.unclear };
            ways = walk.accepted;
        }
        ways
    }
}

/// What ways met on their walk.
#[derive(Default)]
struct Met {
    takers: Vec<Taker>,
    turns: Vec<Turn>,
    unclear: bool,
}

/// Where the ways of a packet ended, and what they met.
struct Travelled {
    /// As they came out of the last hook.
    ends: Vec<Fields>,
    /// As they came out of the hooks before the host's routing, and at the end.
    routed: Vec<Fields>,
    met: Met,
    hooks: Vec<Hook>,
}

/// What becomes of a packet, by the dumps that the `state` script reads for `firewall`. With a hook only that one is
/// walked; otherwise the packet goes where its interfaces and the host's own addresses lead it.
#[must_use]
pub fn walk(state: &PlaceState, packet: &Fields, only: Option<Hook>) -> Walked {
    follow(state, &ruleset(state, packet.is_v6().unwrap_or(false)), packet, only)
}

/// As `walk`, by a ruleset that was read before.
fn follow(state: &PlaceState, ruleset: &Ruleset, packet: &Fields, only: Option<Hook>) -> Walked {
    let Travelled { ends, routed, met: Met { takers, unclear, .. }, hooks } = travel(state, ruleset, packet, only, None);
    let unread = unread(state);
    let taken = match (ends.is_empty(), takers.is_empty()) {
        _ if unclear => Taken::Maybe,
        (true, _) => Taken::Yes,
        (false, true) if unread.is_empty() => Taken::No,
        (false, _) => Taken::Maybe,
    };
    let rule = takers.iter().find(|taker| taken == Taken::Yes && taker.sure).or(takers.first()).cloned();
    Walked { taken, rule, rules: takers, translated: translated(&routed), hooks, unread }
}

/// Takes a packet through the hooks. With `towards` only the ways that are translated to that endpoint are followed on.
fn travel(state: &PlaceState, ruleset: &Ruleset, packet: &Fields, only: Option<Hook>, towards: Option<(IpAddr, u16)>) -> Travelled {
    let own: BTreeSet<IpAddr> = network::addresses(state).into_iter().map(|(_, net)| net.addr()).collect();

    let (mut met, mut hooks) = (Met::default(), Vec::new());
    let mut pass = |hook: Hook, ways: Vec<Fields>| {
        if ways.is_empty() || matches!(hook, Hook::Ingress | Hook::Egress) && !ruleset.has(hook) {
            return ways;
        }
        hooks.push(hook);
        ruleset.pass(hook, ways, &mut met)
    };
    let start = vec![packet.clone()];
    let mut ends: Vec<Fields>;
    let mut all = Vec::new();
    let sent_here = packet.input.is_none() && (packet.output.is_some() || packet.source.is_some_and(|from| own.contains(&from)));
    if let Some(hook) = only {
        ends = pass(hook, start);
    } else if sent_here {
        ends = pass(Hook::Output, start);
        all.extend(ends.iter().cloned());
        ends = pass(Hook::Postrouting, ends);
        ends = pass(Hook::Egress, ends);
    } else {
        let came = pass(Hook::Ingress, start);
        let mut routed = pass(Hook::Prerouting, came);
        if let Some((address, port)) = towards {
            routed.retain(|way| (way.destination, way.destination_port) == (Some(address), Some(port)));
        }
        all.extend(routed.iter().cloned());
        let here = |way: &Fields| packet.output.is_none() && way.destination.is_some_and(|to| own.contains(&to));
        let (taken_in, onward): (Vec<Fields>, Vec<Fields>) = routed.into_iter().partition(here);
        ends = pass(Hook::Input, taken_in);
        let onward = pass(Hook::Forward, onward);
        let onward = pass(Hook::Postrouting, onward);
        ends.extend(pass(Hook::Egress, onward));
    }
    all.extend(ends.iter().cloned());
    Travelled { ends, routed: all, met, hooks }
}

/// Every chain of a host that packets of the family meet.
fn ruleset(state: &PlaceState, six: bool) -> Ruleset {
    let mut ruleset = Ruleset::default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    // `inspect` reads both families, `state` the one that is asked for.
    let both = ["ip6tables"].iter().any(|name| state.sections.contains_key(*name) || state.missing.contains_key(*name));
    let sections =
        if six && both { [("ip6tables", "iptables"), ("", "")] } else { [("iptables", "iptables"), ("iptables-legacy", "legacy")] };
    for (section, tool) in sections {
        // Where both names mean the same program, the rules are the same.
        if let Some(dump) = state.sections.get(section).filter(|dump| seen.insert(from_first_table(dump))) {
            iptables::read(&mut ruleset, tool, dump);
        }
    }
    nft::read(&mut ruleset, state.section("nft"), six, state.sections.contains_key("iptables"));
    ruleset
}

/// The dump from its first table on: its head tells the program and the time.
fn from_first_table(dump: &str) -> &str {
    dump.find("\n*").map_or(dump, |at| &dump[at..])
}

fn translated(ways: &[Fields]) -> Vec<String> {
    let all: BTreeSet<String> = ways
        .iter()
        .filter(|way| way.translated)
        .map(|way| match (way.destination, way.destination_port) {
            (Some(address), Some(port)) => SocketAddr::new(address, port).to_string(),
            (Some(address), None) => address.to_string(),
            (None, _) => "unknown".to_owned(),
        })
        .collect();
    all.into_iter().collect()
}

/// What was not read: a tool that is not installed hides its rules only where no other shows them.
fn unread(state: &PlaceState) -> Vec<String> {
    let said = |section: &str| state.missing.get(section).map(|why| format!("{section}: {why}"));
    let absent = |why: &String| why.ends_with("not installed there");
    let mut all: Vec<String> = said("nft").into_iter().collect();
    for section in ["iptables", "iptables-legacy"] {
        let hides = state.missing.get(section).is_some_and(|why| !absent(why));
        all.extend(said(section).filter(|_| hides));
    }
    // The rules of iptables-nft that nft cannot print in its own words.
    if !state.sections.contains_key("iptables") && nftables::line_has_xt(state.section("nft")) {
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
            Self::Iptables(rule) => Some(rule.packets),
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
