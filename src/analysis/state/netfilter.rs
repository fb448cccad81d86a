//! Packet filter rules as `iptables-save -c` prints them: which of them could take a packet, and which counters moved.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::walk::{self, Chains, Step, Verdict};
use crate::model::state::StatePair;

/// The fields of a packet that rules ask for. `None` is "not known here", which is neither a match nor a mismatch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub source: Option<IpAddr>,
    pub destination: Option<IpAddr>,
    /// `tcp`, `udp`, `icmp`, …
    pub protocol: String,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
    pub input: Option<String>,
    pub output: Option<String>,
    /// Bytes of the IP packet: the smallest and the largest that are meant.
    pub length: Option<(u32, u32)>,
    /// The connection's state, such as `NEW`, where one packet is followed through the rules.
    pub state: Option<String>,
    /// Whether its destination was translated.
    pub translated: bool,
    /// The kernel's mark on the packet.
    pub mark: Option<u32>,
    /// A request as it is before the node translates it: behind the translation such a packet is met only when that fails.
    pub untranslated: bool,
}

impl Fields {
    /// Whether the packet is of IPv6; `None` where no address is known.
    #[must_use]
    pub fn is_v6(&self) -> Option<bool> {
        self.destination.or(self.source).map(|address| address.is_ipv6())
    }
}

/// Whether a rule takes a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    No,
    /// It asks for something that is not known here.
    Maybe,
    Yes,
}

impl Match {
    /// The answer to the opposite question.
    #[must_use]
    pub fn inverted(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// A rule, or a chain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub table: String,
    pub chain: String,
    /// Counted from 1 in its chain, as `iptables -L --line-numbers` does; 0 for a policy.
    pub number: usize,
    /// As written, without counters.
    pub text: String,
    pub packets: u64,
    pub target: String,
    pub(super) words: Vec<String>,
}

/// A rule that takes packets away, and by how many packets its counter grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    pub rule: Rule,
    pub grown: u64,
    pub matched: Match,
}

impl Rule {
    /// `raw/PREROUTING/1`, as culprits name it.
    #[must_use]
    pub fn path(&self) -> String {
        if self.number == 0 {
            format!("{}/{}/policy", self.table, self.chain)
        } else {
            format!("{}/{}/{}", self.table, self.chain, self.number)
        }
    }

    pub(super) fn takes_away(&self) -> bool {
        matches!(self.target.as_str(), "DROP" | "REJECT" | "TARPIT" | "STEAL")
    }

    /// kube-proxy's own refusals have reasons that the API tells better. kube-router's chains, which enforce policies, begin alike.
    fn is_kube_proxys(&self) -> bool {
        let routers = ["KUBE-NWPLCY-", "KUBE-POD-FW-", "KUBE-ROUTER-"].iter().any(|start| self.chain.starts_with(start));
        !routers && (self.chain.starts_with("KUBE-") || self.text.contains("kubernetes "))
    }

    /// Whether the rule takes a packet with these fields.
    #[must_use]
    pub fn matches(&self, fields: &Fields) -> Match {
        let mut result = Match::Yes;
        let mut at = 0;
        let mut negated = false;
        while let Some(word) = self.words.get(at) {
            let value = self.words.get(at + 1).map_or("", String::as_str);
            let (answer, took) = match word.as_str() {
                "!" => {
                    negated = true;
                    at += 1;
                    continue;
                }
                "-j" | "-g" => break,
                "-s" | "--source" => (in_net(fields.source, value), 2),
                "-d" | "--destination" => (in_net(fields.destination, value), 2),
                "-i" => (named(fields.input.as_deref(), value), 2),
                "-o" => (named(fields.output.as_deref(), value), 2),
                "-p" => (if value == fields.protocol || value == "all" { Match::Yes } else { Match::No }, 2),
                "--dport" | "--dports" | "--destination-ports" => (port(fields.destination_port, value), 2),
                "--sport" | "--sports" | "--source-ports" => (port(fields.source_port, value), 2),
                "--ports" => (port(fields.destination_port, value).max(port(fields.source_port, value)), 2),
                "--length" => (length(fields.length, value), 2),
                "--comment" | "-m" | "--reject-with" => (Match::Yes, 2),
                "--ctstate" | "--state" => (connection_state(fields, value), 2),
                "--mark" if !self.words[..at].iter().any(|word| word == "connmark") => (marked(fields.mark, value), 2),
                "--tcp-flags" if fields.state.is_some() => {
                    (first_flags(fields, value, self.words.get(at + 2).map_or("", String::as_str)), 3)
                }
                _ if word.starts_with('-') => {
                    let values = self.words[at + 1..].iter().take_while(|next| !next.starts_with('-') && *next != "!").count();
                    (Match::Maybe, 1 + values)
                }
                _ => (Match::Yes, 1),
            };
            let answer = if negated && took >= 2 && word != "-m" { answer.inverted() } else { answer };
            negated = false;
            result = result.min(answer);
            at += took;
        }
        result
    }
}

/// Without a known state, a match of states alone proves nothing about this packet.
pub(super) fn connection_state(fields: &Fields, list: &str) -> Match {
    let upper = list.to_ascii_uppercase();
    let Some(state) = &fields.state else { return if upper.contains("NEW") { Match::Yes } else { Match::Maybe } };
    let holds = upper.split(',').any(|one| one == state || one == "DNAT" && fields.translated);
    // That the source will be translated is decided later.
    if holds {
        Match::Yes
    } else if upper.split(',').any(|one| one == "SNAT") {
        Match::Maybe
    } else {
        Match::No
    }
}

/// `VALUE` or `VALUE/MASK`, hexadecimal or not.
pub(super) fn mark_and_mask(text: &str) -> Option<(u32, u32)> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
    Some((number(value)?, mask.map_or(Some(u32::MAX), number)?))
}

/// A number of 32 bits as these tools print it.
#[must_use]
pub fn number(text: &str) -> Option<u32> {
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |digits| u32::from_str_radix(digits, 16).ok())
}

fn marked(mark: Option<u32>, text: &str) -> Match {
    match (mark, mark_and_mask(text)) {
        (Some(mark), Some((value, mask))) => {
            if mark & mask == value {
                Match::Yes
            } else {
                Match::No
            }
        }
        _ => Match::Maybe,
    }
}

/// A connection that is new to TCP begins with SYN alone; of any other packet the flags are not known.
fn first_flags(fields: &Fields, mask: &str, set: &str) -> Match {
    if fields.state.as_deref() != Some("NEW") || fields.protocol != "tcp" {
        return Match::Maybe;
    }
    let looked_at = |flag: &str| mask == "ALL" || mask.split(',').any(|one| one == flag);
    let syn_wanted = set == "ALL" || set.split(',').any(|one| one == "SYN");
    let others_wanted = set.split(',').any(|one| one != "SYN" && one != "NONE");
    if !others_wanted && looked_at("SYN") == syn_wanted { Match::Yes } else { Match::No }
}

fn in_net(address: Option<IpAddr>, text: &str) -> Match {
    let Some(address) = address else { return Match::Maybe };
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    net.map_or(Match::Maybe, |net| if net.contains(&address) { Match::Yes } else { Match::No })
}

fn named(name: Option<&str>, pattern: &str) -> Match {
    let Some(name) = name else { return Match::Maybe };
    let same = pattern.strip_suffix('+').map_or(name == pattern, |start| name.starts_with(start));
    if same { Match::Yes } else { Match::No }
}

fn port(number: Option<u16>, list: &str) -> Match {
    let Some(number) = number else { return Match::Maybe };
    let holds = |part: &str| match part.split_once(':') {
        Some((first, last)) => {
            let first = first.parse().unwrap_or(0);
            let last = last.parse().unwrap_or(u16::MAX);
            (first..=last).contains(&number)
        }
        None => part.parse() == Ok(number),
    };
    if list.split(',').any(holds) { Match::Yes } else { Match::No }
}

fn length(packet: Option<(u32, u32)>, range: &str) -> Match {
    let Some((smallest, largest)) = packet else { return Match::Maybe };
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let (first, last) = (first.parse().unwrap_or(0), last.parse().unwrap_or(u32::MAX));
    if last < smallest || largest < first {
        Match::No
    } else if first <= smallest && largest <= last {
        Match::Yes
    } else {
        Match::Maybe
    }
}

/// All rules and policies of a dump, in order.
#[must_use]
pub fn rules(dump: &str) -> Vec<Rule> {
    let mut table = String::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    for line in dump.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
            numbers.clear();
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let (Some(name), Some(policy)) = (words.next(), words.next()) else { continue };
            if policy != "-" {
                all.push(Rule {
                    table: table.clone(),
                    chain: name.to_owned(),
                    number: 0,
                    text: format!("policy {policy}"),
                    packets: packets(words.next().unwrap_or_default()),
                    target: policy.to_owned(),
                    words: Vec::new(),
                });
            }
        } else if line.starts_with('[') || line.starts_with("-A ") {
            all.extend(rule(&table, line, &mut numbers));
        }
    }
    all
}

fn packets(counter: &str) -> u64 {
    counter.trim_matches(['[', ']']).split(':').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn rule(table: &str, line: &str, numbers: &mut BTreeMap<String, usize>) -> Option<Rule> {
    let (counter, text) = if line.starts_with('[') { line.split_once(' ')? } else { ("", line) };
    let words = words(text.strip_prefix("-A ")?);
    let chain = words.first()?.clone();
    let number = numbers.entry(chain.clone()).or_default();
    *number += 1;
    let target = words.iter().position(|word| word == "-j" || word == "-g").and_then(|at| words.get(at + 1)).cloned().unwrap_or_default();
    Some(Rule {
        table: table.to_owned(),
        chain,
        number: *number,
        text: text.to_owned(),
        packets: packets(counter),
        target,
        words: words[1..].to_vec(),
    })
}

/// Words as the dumps quote them: double quotes with backslashes.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut escaped, mut any) = (false, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        all.push(word);
    }
    all
}

impl Step for Rule {
    fn takes(&self, packet: &Fields) -> Match {
        self.matches(packet)
    }

    fn verdict(&self) -> Verdict {
        match self.target.as_str() {
            "ACCEPT" => Verdict::Accept,
            "RETURN" => Verdict::Return,
            "QUEUE" | "NFQUEUE" => Verdict::Unknown,
            _ if self.takes_away() => Verdict::Drop,
            // Whatever else is no chain changes the packet or tells of it, and lets it go on.
            to if self.words.iter().any(|word| word == "-g") => Verdict::Goto(to.to_owned()),
            to => Verdict::Jump(to.to_owned()),
        }
    }
}

/// The rules (not kube-proxy's) that take packets away, whose counter grew between the two reads, and that one of these packets could
/// come to; the surest and most grown first.
#[must_use]
pub fn drops(pair: &StatePair, packets: &[Fields]) -> Vec<Drop> {
    let mut found = Vec::new();
    for (section, v6) in [("iptables", false), ("iptables-legacy", false), ("ip6tables", true)] {
        let before: BTreeMap<(String, String), u64> =
            rules(pair.before.section(section)).into_iter().map(|rule| ((rule.path(), rule.text), rule.packets)).collect();
        let after = rules(pair.after.section(section));
        let grown = |rule: &Rule| rule.packets.saturating_sub(before.get(&(rule.path(), rule.text.clone())).copied().unwrap_or_default());
        let suspects: Vec<&Rule> = after.iter().filter(|rule| rule.takes_away() && !rule.is_kube_proxys() && grown(rule) > 0).collect();
        let mut tables: Vec<&str> = suspects.iter().map(|rule| rule.table.as_str()).collect();
        tables.dedup();
        let mut sure: BTreeMap<String, Match> = BTreeMap::new();
        let here: Vec<&Fields> = packets.iter().filter(|packet| packet.is_v6().is_none_or(|six| six == v6)).collect();
        for table in tables {
            reached(pair, &after, table, &here, &mut sure);
        }
        for rule in suspects {
            let matched = sure.get(&rule.path()).copied().unwrap_or(Match::No);
            if matched != Match::No {
                found.push(Drop { rule: rule.clone(), grown: grown(rule), matched });
            }
        }
    }
    found.sort_by_key(|drop| (std::cmp::Reverse(drop.matched), std::cmp::Reverse(drop.grown)));
    found
}

/// How surely the packets come to each dropping rule of a table, by the rule's path.
fn reached(pair: &StatePair, all: &[Rule], table: &str, packets: &[&Fields], sure: &mut BTreeMap<String, Match>) {
    let mut chains: Chains<Rule> = BTreeMap::new();
    let mut policies: BTreeMap<&str, &Rule> = BTreeMap::new();
    for rule in all.iter().filter(|rule| rule.table == table) {
        if rule.number == 0 {
            policies.insert(&rule.chain, rule);
        } else {
            chains.entry(&rule.chain).or_default().push(rule);
        }
    }
    let mut note = |rule: &Rule, how: Match| {
        let entry = sure.entry(rule.path()).or_insert(Match::No);
        *entry = how.max(*entry);
    };
    for packet in packets {
        for hook in walk::hooks(pair, packet) {
            let base = hook.to_uppercase();
            let end = walk::walk(&chains, &base, packet, &mut note);
            if let Some(policy) = policies.get(base.as_str()).filter(|policy| policy.takes_away()) {
                note(policy, end);
            }
        }
    }
}

/// By how much the counters of kube-proxy's rules that mention a text grew.
#[must_use]
pub fn kube_rules_grown(pair: &StatePair, mention: &str) -> u64 {
    let sum = |dump: &str| rules(dump).iter().filter(|rule| rule.text.contains(mention)).map(|rule| rule.packets).sum::<u64>();
    sum(pair.after.section("iptables")).saturating_sub(sum(pair.before.section("iptables")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            source: Some("10.88.192.50".parse().unwrap()),
            destination: Some("10.88.64.100".parse().unwrap()),
            protocol: "tcp".into(),
            source_port: Some(20001),
            destination_port: Some(443),
            input: Some("mlb".into()),
            output: None,
            length: Some((40, 600)),
            ..Fields::default()
        }
    }

    fn check(rule_text: &str, expected: Match) {
        let dump = format!("*raw\n:PREROUTING ACCEPT [1:2]\n[3:180] -A PREROUTING {rule_text}\nCOMMIT\n");
        let all = rules(&dump);
        assert_eq!(all[1].matches(&fields()), expected, "{rule_text}");
    }

    #[test]
    fn rules_take_what_they_name() {
        check("-s 10.88.192.0/24 -i mlb -j DROP", Match::Yes);
        check("-s 10.88.191.0/24 -j DROP", Match::No);
        check("! -s 10.88.64.0/24 -p tcp -m tcp --dport 443 -j DROP", Match::Yes);
        check("! -i mlb -j DROP", Match::No);
        check("-p udp -m udp --dport 443 -j DROP", Match::No);
        check("-p tcp -m multiport --dports 80,443 -j REJECT --reject-with tcp-reset", Match::Yes);
        check("-p tcp -m tcp --dport 400:500 -j DROP", Match::Yes);
        check("-m length --length 1400:65535 -j DROP", Match::No);
        check("-m statistic --mode random --probability 0.5 -j DROP", Match::Maybe);
        check("-m set --match-set blocked src -j DROP", Match::Maybe);
        check("-m conntrack --ctstate INVALID -j DROP", Match::Maybe);
        check("-m comment --comment \"keep \\\"out\\\" -d 1.2.3.4\" -j DROP", Match::Yes);
    }

    #[test]
    fn numbers_and_policies_make_paths() {
        let all = rules("*filter\n:FORWARD DROP [7:9]\n-A FORWARD -j ACCEPT\n[2:3] -A FORWARD -j DROP\n");
        assert_eq!(all[0].path(), "filter/FORWARD/policy");
        assert_eq!((all[2].path().as_str(), all[2].packets), ("filter/FORWARD/2", 2));
    }

    fn pair(before: &str, after: &str) -> StatePair {
        let state = |dump: &str| {
            let host =
                crate::model::place::Host { name: "n1".into(), address: "10.0.0.1".into(), kind: crate::model::place::HostKind::Node };
            let addresses = "2: mlb    inet 10.88.64.11/24 brd 10.88.64.255 scope global mlb";
            let sections = [("iptables", dump), ("addresses", addresses)].map(|(name, text)| (name.to_owned(), text.to_owned()));
            crate::model::state::PlaceState {
                place: crate::model::place::Place::Host(host),
                sections: sections.into(),
                missing: BTreeMap::new(),
            }
        };
        StatePair { before: state(before), after: state(after) }
    }

    fn check_drops(rules: &str, expected: &[(&str, Match)]) {
        let dump = |count: u64| {
            let rules = rules.lines().map(|rule| format!("[{count}:0] -A {rule}")).collect::<Vec<_>>().join("\n");
            format!("*filter\n:INPUT DROP [{count}:0]\n:FORWARD ACCEPT [{count}:0]\n:BLOCKED - [0:0]\n{rules}\nCOMMIT\n")
        };
        let found = drops(&pair(&dump(1), &dump(9)), &[fields()]);
        let found: Vec<(String, Match)> = found.iter().map(|drop| (drop.rule.path(), drop.matched)).collect();
        let expected: Vec<(String, Match)> = expected.iter().map(|(path, how)| ((*path).to_owned(), *how)).collect();
        assert_eq!(found, expected, "{rules}");
    }

    #[test]
    fn a_rule_counts_only_where_the_packet_comes_to_it() {
        check_drops("FORWARD -i mlb -j DROP", &[("filter/FORWARD/1", Match::Yes)]);
        // What is for the host itself is no matter of a forwarded packet, be it a rule or a policy.
        check_drops("INPUT -j DROP", &[]);
        check_drops("FORWARD -s 10.88.192.0/24 -j ACCEPT\nFORWARD -j REJECT", &[]);
        check_drops("FORWARD -s 10.1.0.0/16 -j BLOCKED\nBLOCKED -j DROP", &[]);
        check_drops("FORWARD -s 10.88.0.0/16 -j BLOCKED\nBLOCKED -j DROP", &[("filter/BLOCKED/1", Match::Yes)]);
        check_drops("FORWARD -m mark --mark 0x1/0x1 -j ACCEPT\nFORWARD -j DROP", &[("filter/FORWARD/2", Match::Maybe)]);
    }

    #[test]
    fn policies_enforced_by_kube_router_are_not_kube_proxys() {
        check_drops("FORWARD -j KUBE-POD-FW-X\nKUBE-POD-FW-X -j REJECT", &[("filter/KUBE-POD-FW-X/1", Match::Yes)]);
        check_drops("FORWARD -j KUBE-FORWARD\nKUBE-FORWARD -j DROP", &[]);
    }
}
