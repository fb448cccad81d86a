//! Drops in nftables' own rules, as `nft list ruleset` prints them.
//!
//! Only what can be decided from a rule's text is decided: a rule with an expression that is not understood is a
//! `Maybe`. Tables that iptables-nft manages are left to `netfilter`, kube-proxy's own to the API.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::netfilter::{Fields, Match};
use super::walk::{self, Chains, Step, Verdict};
use crate::model::state::StatePair;

/// The priority at which destinations are translated.
const TRANSLATION: i32 = -100;

/// A rule, or a base chain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftRule {
    /// `FAMILY TABLE`
    pub table: String,
    pub chain: String,
    /// Counted from 1; 0 for a policy.
    pub number: usize,
    pub text: String,
    /// `None` when the rule has no counter.
    pub packets: Option<u64>,
    /// The words that are matched: without the comment, with the elements of named sets in place of their names.
    words: Vec<String>,
    does: Verdict,
}

impl NftRule {
    /// `inet-filter/input/3`, as culprits name it.
    #[must_use]
    pub fn path(&self) -> String {
        let number = if self.number == 0 { "policy".to_owned() } else { self.number.to_string() };
        format!("{}/{}/{number}", self.table.replace(' ', "-"), self.chain)
    }

    /// Whether the rule takes a packet with these fields.
    #[must_use]
    pub fn matches(&self, fields: &Fields) -> Match {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let mut result = Match::Yes;
        let mut at = 0;
        while at < words.len() {
            let (answer, took) = expression(&words[at..], fields);
            result = result.min(answer);
            at += took;
        }
        result
    }
}

impl Step for NftRule {
    fn takes(&self, packet: &Fields) -> Match {
        self.matches(packet)
    }

    fn verdict(&self) -> Verdict {
        self.does.clone()
    }
}

/// A base chain: where it hangs in the packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Base {
    /// `FAMILY TABLE`
    table: String,
    chain: String,
    hook: String,
    priority: i32,
    /// The interface of an ingress or egress chain.
    device: Option<String>,
}

impl Base {
    /// How surely a packet that passes the hook is one that this chain sees.
    fn sees(&self, packet: &Fields) -> Match {
        let family = self.table.split(' ').next().unwrap_or_default();
        let device = match (&self.device, self.hook.as_str()) {
            (Some(device), "ingress") => packet.input.as_ref().map_or(Match::Maybe, |input| same(input == device)),
            (Some(device), "egress") => packet.output.as_ref().map_or(Match::Maybe, |output| same(output == device)),
            _ => Match::Yes,
        };
        // Behind the translation an untranslated packet is met only when that failed.
        let early = self.hook == "ingress" || (self.hook == "prerouting" && self.priority <= TRANSLATION);
        let stage = if packet.untranslated && !early { Match::Maybe } else { Match::Yes };
        let family = match (family, packet.is_v6()) {
            ("arp", _) => Match::No,
            // Only frames between two ports of one bridge, and those with bridge-nf-call, come by here.
            ("bridge", _) => Match::Maybe,
            ("ip", Some(six)) => same(!six),
            ("ip6", Some(six)) => same(six),
            _ => Match::Yes,
        };
        device.min(stage).min(family)
    }
}

fn same(holds: bool) -> Match {
    if holds { Match::Yes } else { Match::No }
}

/// One expression at the head of the words: its answer and how many words it took.
pub(super) fn expression(words: &[&str], fields: &Fields) -> (Match, usize) {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let (negated, value_at) = if word(2) == "!=" { (true, 3) } else { (false, 2) };
    let (value, value_words) = value(&words[value_at.min(words.len())..]);
    let both = |answer: Match| if negated { answer.inverted() } else { answer };
    match (word(0), word(1)) {
        ("ip" | "ip6", "saddr") => (both(net(fields.source, &value)), value_at + value_words),
        ("ip" | "ip6", "daddr") => (both(net(fields.destination, &value)), value_at + value_words),
        ("tcp" | "udp" | "th", "dport") => {
            let same = word(0) == "th" || word(0) == fields.protocol;
            (if same { both(ports(fields.destination_port, &value)) } else { Match::No }, value_at + value_words)
        }
        ("tcp" | "udp" | "th", "sport") => {
            let same = word(0) == "th" || word(0) == fields.protocol;
            (if same { both(ports(fields.source_port, &value)) } else { Match::No }, value_at + value_words)
        }
        ("iifname" | "iif", _) => single(words, fields.input.as_deref()),
        ("oifname" | "oif", _) => single(words, fields.output.as_deref()),
        ("meta", "l4proto") | ("ip", "protocol") => {
            (both(if value.iter().any(|one| *one == fields.protocol) { Match::Yes } else { Match::No }), value_at + value_words)
        }
        ("ip6", "nexthdr") => (both(same(value.contains(&fields.protocol.as_str()))), value_at + value_words),
        ("meta", "nfproto" | "protocol") => {
            let holds =
                |six: bool| same(value.contains(&if word(1) == "protocol" { ["ip", "ip6"] } else { ["ipv4", "ipv6"] }[usize::from(six)]));
            (fields.is_v6().map_or(Match::Maybe, |six| both(holds(six))), value_at + value_words)
        }
        // What is new is what is asked for; of any other state nothing is known here.
        ("ct", "state") => {
            let new = value.iter().any(|states| states.split(',').any(|state| state == "new"));
            (if new && !negated { Match::Yes } else { Match::Maybe }, value_at + value_words)
        }
        (_, _) if word(2) == "set" => (Match::Yes, 4),
        ("counter", "packets") => (Match::Yes, 5),
        ("counter", "name") | ("jump" | "goto", _) => (Match::Yes, 2 + usize::from(word(1) == "name")),
        ("log", _) => {
            let more = words[1..]
                .chunks(2)
                .take_while(|pair| ["prefix", "level", "group", "snaplen", "flags", "queue-threshold"].contains(&pair[0]));
            (Match::Yes, 1 + 2 * more.count())
        }
        ("drop" | "accept" | "return" | "continue" | "counter" | "notrack", _) => (Match::Yes, 1),
        ("reject" | "queue" | "masquerade" | "snat" | "dnat" | "redirect", _) => (Match::Yes, words.len()),
        _ => (Match::Maybe, 1),
    }
}

fn single(words: &[&str], name: Option<&str>) -> (Match, usize) {
    let negated = words.get(1) == Some(&"!=");
    let start = if negated { 2 } else { 1 };
    let (wanted, took) = value(&words[start.min(words.len())..]);
    let answer = match name {
        None => Match::Maybe,
        Some(name) => {
            let same = wanted.iter().any(|one| {
                let one = one.trim_matches('"');
                one.strip_suffix('*').map_or(one == name, |head| name.starts_with(head))
            });
            if same { Match::Yes } else { Match::No }
        }
    };
    (if negated { answer.inverted() } else { answer }, start + took)
}

/// A value or a set in braces, and how many words it took.
pub(super) fn value<'a>(words: &[&'a str]) -> (Vec<&'a str>, usize) {
    if words.first() == Some(&"{") {
        let end = words.iter().position(|word| *word == "}").unwrap_or(words.len());
        (words[1..end].iter().map(|word| word.trim_end_matches(',')).collect(), (end + 1).min(words.len()))
    } else {
        (words.first().copied().into_iter().collect(), 1)
    }
}

fn net(address: Option<IpAddr>, values: &[&str]) -> Match {
    let Some(address) = address else { return Match::Maybe };
    let mut known = Match::No;
    for value in values {
        let range = || {
            let (first, last) = value.split_once('-')?;
            Some((first.parse::<IpAddr>().ok()?..=last.parse().ok()?).contains(&address))
        };
        let one = value.parse::<IpNet>().map(|net| net.contains(&address)).or_else(|_| value.parse::<IpAddr>().map(|one| one == address));
        match one.ok().or_else(range) {
            Some(true) => return Match::Yes,
            Some(false) => {}
            None => known = Match::Maybe,
        }
    }
    known
}

fn ports(port: Option<u16>, values: &[&str]) -> Match {
    let Some(port) = port else { return Match::Maybe };
    let mut known = Match::No;
    for value in values {
        let holds = match value.split_once('-') {
            Some((first, last)) => first.parse().and_then(|first: u16| last.parse().map(|last: u16| (first..=last).contains(&port))),
            None => value.parse().map(|one: u16| one == port),
        };
        match holds {
            Ok(true) => return Match::Yes,
            Ok(false) => {}
            // A service name such as `https`: nft prints numbers unless asked otherwise.
            Err(_) => known = Match::Maybe,
        }
    }
    known
}

/// The rules of a ruleset, except kube-proxy's and those of iptables-nft, and the base chains with their policies.
struct Ruleset {
    rules: Vec<NftRule>,
    bases: Vec<(Base, Option<NftRule>)>,
}

fn ruleset(dump: &str) -> Ruleset {
    let sets = sets(dump);
    let (mut table, mut chain, mut number, mut foreign) = (String::new(), String::new(), 0, false);
    let (mut managed_next, mut in_set) = (false, false);
    let mut all = Ruleset { rules: Vec::new(), bases: Vec::new() };
    for line in dump.lines() {
        let line = line.trim();
        if line.contains("is managed by iptables-nft") {
            managed_next = true;
        } else if let Some(name) = line.strip_prefix("table ") {
            name.trim_end_matches('{').trim().clone_into(&mut table);
            foreign = managed_next
                || table.contains("kube-proxy")
                || ["raw", "mangle", "nat", "filter"].iter().any(|own| table == format!("ip {own}") || table == format!("ip6 {own}"))
                    && line_has_xt(dump);
            managed_next = false;
            chain.clear();
        } else if let Some(name) = line.strip_prefix("chain ") {
            name.trim_end_matches('{').trim().clone_into(&mut chain);
            number = 0;
        } else if line == "}" {
            in_set = false;
            chain.clear();
        } else if ["set ", "map ", "flowtable ", "counter ", "quota ", "limit ", "ct helper "].iter().any(|start| line.starts_with(start))
            && line.ends_with('{')
        {
            in_set = true;
        } else if !line.is_empty() && !foreign && !in_set && !chain.is_empty() {
            if line.starts_with("type ") && line.contains(" hook ") {
                all.bases.push(base(line, &table, &chain));
                continue;
            }
            number += 1;
            all.rules.push(rule(line, &table, &chain, number, &sets));
        }
    }
    all
}

/// `type filter hook forward device "eth0" priority filter - 5; policy drop;`
fn base(line: &str, table: &str, chain: &str) -> (Base, Option<NftRule>) {
    let after = |key: &str| line.split_once(key).map(|(_, rest)| rest.split([';', ' ']).next().unwrap_or_default().to_owned());
    let priority = line.split_once("priority ").and_then(|(_, rest)| rest.split(';').next()).map_or(0, priority);
    let base = Base {
        table: table.to_owned(),
        chain: chain.to_owned(),
        hook: after("hook ").unwrap_or_default(),
        priority,
        device: after("device ").map(|name| name.trim_matches('"').to_owned()),
    };
    let policy = line.contains("policy drop").then(|| NftRule {
        table: table.to_owned(),
        chain: chain.to_owned(),
        number: 0,
        text: "policy drop".to_owned(),
        packets: None,
        words: Vec::new(),
        does: Verdict::Drop,
    });
    (base, policy)
}

/// A priority as nft prints it: a number, a name, or a name with a distance such as `filter - 5`.
fn priority(text: &str) -> i32 {
    let words: Vec<&str> = text.split_whitespace().collect();
    let named = |word: &str| match word {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "security" => 50,
        "srcnat" => 100,
        other => other.parse().unwrap_or_default(),
    };
    let distance: i32 = words.get(2).and_then(|distance| distance.parse().ok()).unwrap_or_default();
    let first = words.first().map_or(0, |word| named(word));
    match words.get(1) {
        Some(&"-") => first - distance,
        Some(&"+") => first + distance,
        _ => first,
    }
}

fn rule(line: &str, table: &str, chain: &str, number: usize, sets: &BTreeMap<(String, String), Vec<String>>) -> NftRule {
    let text = line.split(" comment \"").next().unwrap_or_default();
    let mut words = Vec::new();
    for word in quoted_words(text) {
        match word.strip_prefix('@').and_then(|name| sets.get(&(table.to_owned(), name.to_owned()))) {
            Some(elements) => {
                words.push("{".to_owned());
                words.extend(elements.iter().cloned());
                words.push("}".to_owned());
            }
            None => words.push(word),
        }
    }
    NftRule {
        table: table.to_owned(),
        chain: chain.to_owned(),
        number,
        text: line.to_owned(),
        packets: packets(line),
        does: verdict(&words),
        words,
    }
}

/// Words apart from what stands in double quotes, which is one word.
fn quoted_words(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut quoted = false;
    let mut word = String::new();
    // A last space ends the last word.
    for c in text.chars().chain([' ']) {
        quoted ^= c == '"';
        if !c.is_whitespace() || quoted {
            word.push(c);
        } else if !word.is_empty() {
            all.push(std::mem::take(&mut word));
        }
    }
    all
}

fn verdict(words: &[String]) -> Verdict {
    if words.iter().any(|word| word == "vmap" || word == "queue") {
        return Verdict::Unknown;
    }
    for (at, word) in words.iter().enumerate() {
        let to = || words.get(at + 1).cloned().unwrap_or_default();
        match word.as_str() {
            "drop" | "reject" => return Verdict::Drop,
            "accept" => return Verdict::Accept,
            "return" => return Verdict::Return,
            "jump" => return Verdict::Jump(to()),
            "goto" => return Verdict::Goto(to()),
            _ => {}
        }
    }
    Verdict::Pass
}

/// The elements of the named sets, by table and name; what follows an element (a timeout, a counter) is left out.
fn sets(dump: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let (mut table, mut name, mut listing) = (String::new(), None::<String>, false);
    for line in dump.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("table ") {
            rest.trim_end_matches('{').trim().clone_into(&mut table);
            name = None;
        } else if let Some(rest) = line.strip_prefix("set ").filter(|rest| rest.ends_with('{')) {
            let own = rest.trim_end_matches('{').trim().to_owned();
            all.insert((table.clone(), own.clone()), Vec::new());
            name = Some(own);
        } else if line.starts_with("chain ") || line.starts_with("map ") {
            name = None;
        }
        let Some(set) = &name else { continue };
        let elements = line.strip_prefix("elements = {");
        if elements.is_none() && !listing {
            continue;
        }
        let elements = elements.unwrap_or(line);
        let (elements, ends) = elements.split_once('}').map_or((elements, false), |(inside, _)| (inside, true));
        let values = elements.split(',').filter_map(|element| element.split_whitespace().next());
        all.entry((table.clone(), set.clone())).or_default().extend(values.map(str::to_owned));
        listing = !ends;
    }
    all
}

/// Whether the dump holds marks of iptables-nft's compatibility layer.
pub(super) fn line_has_xt(ruleset: &str) -> bool {
    ruleset.contains("xt match") || ruleset.contains("# xt_")
}

fn packets(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("counter packets ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A rule that takes packets away, and what is known of it and some packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftDrop {
    pub rule: NftRule,
    /// By how much its counter grew between the two reads; `None` when it has none.
    pub grown: Option<u64>,
    /// How surely one of the packets comes to it and is taken.
    pub matched: Match,
}

/// The rules that could have taken one of these packets: by a counter that grew, or, without a counter, by one that the packet surely
/// comes to and that surely takes it. The surest first.
#[must_use]
pub fn drops(pair: &StatePair, wanted: &[Fields]) -> Vec<NftDrop> {
    let counts = |drop: &NftDrop| match drop.grown {
        Some(grown) => grown > 0,
        None => drop.matched == Match::Yes,
    };
    let mut found: Vec<NftDrop> = met(pair, wanted).into_iter().filter(counts).collect();
    found.sort_by_key(|drop| (std::cmp::Reverse(drop.matched), std::cmp::Reverse(drop.grown)));
    found
}

/// The rules without a counter that may take one of these packets, and of which nothing surer can be said.
#[must_use]
pub fn undecided(pair: &StatePair, wanted: &[Fields]) -> Vec<NftRule> {
    met(pair, wanted).into_iter().filter(|drop| drop.grown.is_none() && drop.matched == Match::Maybe).map(|drop| drop.rule).collect()
}

/// Every rule that takes packets away and that one of these packets may come to.
fn met(pair: &StatePair, wanted: &[Fields]) -> Vec<NftDrop> {
    let before = ruleset(pair.before.section("nft")).rules;
    let now = ruleset(pair.after.section("nft"));
    let mut met: BTreeMap<String, (&NftRule, Match)> = BTreeMap::new();
    let mut chains: BTreeMap<&str, Chains<NftRule>> = BTreeMap::new();
    for rule in &now.rules {
        chains.entry(&rule.table).or_default().entry(&rule.chain).or_default().push(rule);
    }
    let none = Chains::new();
    for packet in wanted {
        let hooks = walk::hooks(pair, packet);
        for (base, policy) in now.bases.iter().filter(|(base, _)| hooks.contains(&base.hook.as_str())) {
            let sees = base.sees(packet);
            let mut note = |rule, how: Match| {
                let entry = met.entry(NftRule::path(rule)).or_insert((rule, Match::No));
                entry.1 = entry.1.max(how.min(sees));
            };
            let end = walk::walk(chains.get(base.table.as_str()).unwrap_or(&none), &base.chain, packet, &mut note);
            if let Some(policy) = policy {
                note(policy, end);
            }
        }
    }
    let grown = |path: &str, now: u64| {
        let old = before.iter().find(|old| old.path() == path).and_then(|old| old.packets);
        now.saturating_sub(old.unwrap_or_default())
    };
    met.into_iter()
        .filter(|(_, (_, matched))| *matched != Match::No)
        .map(|(path, (rule, matched))| NftDrop { rule: rule.clone(), grown: rule.packets.map(|now| grown(&path, now)), matched })
        .collect()
}

#[cfg(test)]
mod tests;
