//! Rules as `nft list ruleset` prints them, for the walk: base chains, jumps, sets, verdict maps, marks and translation.

use super::super::netfilter::{self, Fields, Match};
use super::super::nftables::{expression, line_has_xt, value};
use super::iptables::translated;
use super::sets::{elements, holds, members};
use super::{Action, Chain, Hook, Line, Ruleset, WORDS_A_STEP, beside};

/// Elements of a set that are looked through in one step.
const ELEMENTS_A_STEP: usize = 4;
/// Expressions of one rule that are read, each of which may go over all that is left of it. Rules have a dozen.
const MOST_EXPRESSIONS: usize = 64;

/// A rule, cut into words.
pub struct NftLine {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) packets: Option<u64>,
    pub(super) words: Vec<String>,
}

/// Whose rules are met.
#[derive(Clone, Copy)]
pub(super) enum Meets {
    /// Those of packets of IPv4, or of IPv6.
    Packets { six: bool },
    /// Those of frames that pass a bridge.
    Bridge,
}

impl Meets {
    fn family(self, name: &str) -> bool {
        match self {
            Self::Packets { six } => ["inet", "netdev", "bridge"].contains(&name) || name == if six { "ip6" } else { "ip" },
            Self::Bridge => ["netdev", "bridge"].contains(&name),
        }
    }
}

/// What a block of the dump is.
enum Block {
    Table,
    Chain(String),
    /// With its name, what stands in it, and how many braces are open in that.
    Set(String, String, usize),
    Other,
}

/// Adds the chains and sets of a ruleset that packets of the family meet. Tables of iptables-nft are left out where
/// `iptables-save` told of them.
pub(super) fn read(ruleset: &mut Ruleset, dump: &str, meets: Meets, skip_managed: bool) {
    let marks = line_has_xt(dump);
    let (mut table, mut wanted, mut managed) = (String::new(), false, false);
    let mut open: Vec<Block> = Vec::new();
    for line in dump.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.contains("is managed by iptables-nft") {
            managed = true;
        } else if let Some(name) = line.strip_prefix("table ").filter(|_| open.is_empty()) {
            name.trim_end_matches('{').trim().clone_into(&mut table);
            let family = table.split_whitespace().next().unwrap_or_default();
            let usual = ["raw", "mangle", "nat", "filter", "security"].iter().any(|own| table.ends_with(&format!(" {own}")));
            // What ebtables wrote no `iptables-save` tells.
            let foreign = skip_managed && family != "bridge" && (managed || usual && family != "inet" && marks);
            wanted = !foreign && meets.family(family);
            managed = false;
            open.push(Block::Table);
        } else if let Some(Block::Set(name, text, braces)) = open.last_mut() {
            // Elements go on over lines; the block ends with a brace on a line of its own.
            if line == "}" && *braces == 0 {
                let (name, text) = (std::mem::take(name), std::mem::take(text));
                if wanted {
                    ruleset.sets.insert(format!("nft {table} {name}"), elements(&text));
                }
                open.pop();
            } else {
                *braces = (*braces + line.matches('{').count()).saturating_sub(line.matches('}').count());
                text.push_str(line);
                text.push(' ');
            }
        } else if line == "}" {
            open.pop();
        } else if matches!(open.last(), Some(Block::Table)) && line.ends_with('{') {
            let mut words = line.trim_end_matches('{').split_whitespace();
            let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            open.push(match kind {
                "chain" => {
                    if wanted {
                        let doubtful = table.starts_with("bridge ") && !matches!(meets, Meets::Bridge);
                        let chain = Chain { hook: None, translates: false, device: None, doubtful, refuses: None, rules: Vec::new() };
                        ruleset.chains.insert(format!("nft {table} {name}"), chain);
                    }
                    Block::Chain(name.to_owned())
                }
                "set" | "map" => Block::Set(name.to_owned(), String::new(), 0),
                _ => Block::Other,
            });
        } else if let Some(Block::Chain(name)) = open.last()
            && let Some(chain) = ruleset.chains.get_mut(&format!("nft {table} {name}")).filter(|_| wanted)
        {
            rule(chain, &table, name, line);
        }
    }
}

fn rule(chain: &mut Chain, table: &str, name: &str, line: &str) {
    let place = format!("{}/{name}", table.replace(' ', "-"));
    if line.starts_with("type ") && line.contains(" hook ") {
        let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        let after = |key: &str| words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied();
        chain.translates = after("type") == Some("nat");
        chain.device = after("device").map(|name| name.trim_matches('"').to_owned());
        chain.hook = after("hook").and_then(Hook::named).map(|hook| (hook, priority(&words)));
        if after("policy") == Some("drop") {
            chain.refuses = Some((format!("{place}/policy"), "policy drop".to_owned(), None));
        }
        return;
    }
    if line.starts_with("comment ") {
        return;
    }
    let packets = line.split_once("counter packets ").and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    let number = chain.rules.len() + 1;
    chain.rules.push(Line::Nft(NftLine {
        path: format!("{place}/{number}"),
        text: without_count(line),
        packets,
        words: netfilter::words(line),
    }));
}

/// The rule without what it counted: `counter packets 5 bytes 300` is `counter`.
pub(super) fn without_count(line: &str) -> String {
    let whole = || line.to_owned();
    let Some((before, rest)) = line.split_once("counter packets ") else { return whole() };
    let mut words = rest.splitn(4, ' ');
    let (packets, unit, bytes, after) = (words.next(), words.next(), words.next(), words.next().unwrap_or_default());
    let number = |word: Option<&str>| word.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if !number(packets) || unit != Some("bytes") || !number(bytes) {
        return whole();
    }
    format!("{before}counter {after}").trim_end().to_owned()
}

/// `priority filter - 10`, `priority dstnat`, `priority -300`.
fn priority(words: &[&str]) -> i32 {
    let Some(at) = words.iter().position(|word| *word == "priority") else { return 0 };
    let base = match words.get(at + 1).copied().unwrap_or_default() {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "security" => 50,
        "srcnat" => 100,
        number => number.parse().unwrap_or_default(),
    };
    let by: i32 = words.get(at + 3).and_then(|by| by.parse().ok()).unwrap_or_default();
    match words.get(at + 2).copied() {
        Some("+") => base + by,
        Some("-") => base - by,
        _ => base,
    }
}

impl NftLine {
    /// The hop limit (TTL) that a rule leaves on a packet.
    pub(super) fn hop_limit(&self) -> Option<u8> {
        self.words.windows(4).find_map(|words| match [words[0].as_str(), words[1].as_str(), words[2].as_str()] {
            ["ip", "ttl", "set"] | ["ip6", "hoplimit", "set"] => words[3].parse().ok(),
            _ => None,
        })
    }

    /// What it costs to ask the rule, with the elements of the sets that it names.
    pub(super) fn weight(&self, chain: &str, ruleset: &Ruleset) -> usize {
        let named = self.words.iter().filter_map(|word| word.strip_prefix('@'));
        let elements: usize = named.filter_map(|name| ruleset.sets.get(&beside(chain, name))).map(Vec::len).sum();
        1 + self.words.len() / WORDS_A_STEP + elements / ELEMENTS_A_STEP
    }

    pub(super) fn decide(&self, way: &Fields, chain: &str, ruleset: &Ruleset) -> (Match, Vec<Action>) {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let mut matched = Match::Yes;
        let mut changed = way.clone();
        let (mut at, mut expressions) = (0, 0);
        while at < words.len() && matched != Match::No {
            expressions += 1;
            if expressions > MOST_EXPRESSIONS {
                return (Match::Maybe, vec![Action::Unclear]);
            }
            let rest = &words[at..];
            if let Some(action) = verdict(rest, &changed, chain, ruleset) {
                return (matched, vec![action]);
            }
            if let Some((keys, took)) = keys(rest) {
                if rest.get(took) == Some(&"vmap") {
                    let (answer, actions) = mapped(&keys, &rest[took + 1..], &changed, chain, ruleset);
                    return (matched.min(answer), actions);
                }
                let (negated, from) = if rest.get(took) == Some(&"!=") { (true, took + 1) } else { (false, took) };
                if keys.len() > 1 || rest.get(from).is_some_and(|word| word.starts_with('@')) {
                    let (all, more) = members(&rest[from.min(rest.len())..], chain, ruleset);
                    let answer =
                        all.map_or(Match::Maybe, |all| all.iter().map(|(key, _)| holds(&keys, key, &changed)).max().unwrap_or(Match::No));
                    matched = matched.min(if negated { answer.inverted() } else { answer });
                    at += from + more;
                    continue;
                }
            }
            let (answer, took) = step(rest, &mut changed);
            matched = matched.min(answer);
            at += took.max(1);
        }
        (matched, vec![Action::Next(changed)])
    }
}

/// A word that ends the rule.
fn verdict(words: &[&str], way: &Fields, chain: &str, ruleset: &Ruleset) -> Option<Action> {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let changed = |change: &dyn Fn(&mut Fields)| {
        let mut changed = way.clone();
        change(&mut changed);
        Action::Accept(changed)
    };
    let to = |name: &str| Some(beside(chain, name)).filter(|name| ruleset.chains.contains_key(name));
    Some(match word(0) {
        "accept" => Action::Accept(way.clone()),
        "drop" | "reject" => Action::Take,
        "return" => Action::Return,
        "jump" => to(word(1)).map_or(Action::Unclear, Action::Jump),
        "goto" => to(word(1)).map_or(Action::Unclear, Action::Goto),
        "dnat" => {
            let target = words.iter().position(|word| *word == "to").and_then(|at| words.get(at + 1)).copied();
            changed(&|way| {
                (way.destination, way.destination_port) = translated(target, way.destination_port);
                way.translated = true;
            })
        }
        "redirect" => changed(&|way| {
            // Without a port of its own it keeps the packet's; of several the kernel chooses.
            let port = words.iter().position(|word| *word == "to").and_then(|at| words.get(at + 1));
            way.destination_port = port.map_or(way.destination_port, |port| port.trim_start_matches(':').parse().ok());
            (way.destination, way.translated) = (None, true);
        }),
        "snat" | "masquerade" => changed(&|way| (way.source, way.source_port) = (None, None)),
        "queue" | "tproxy" | "synproxy" => Action::Unclear,
        _ => return None,
    })
}

/// One expression or statement that lets the rule go on.
fn step(words: &[&str], way: &mut Fields) -> (Match, usize) {
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    match (word(0), word(1)) {
        ("ct", "state") => {
            let negated = word(2) == "!=";
            let (list, took) = value(&words[if negated { 3 } else { 2 }.min(words.len())..]);
            let answer = netfilter::connection_state(way, &list.join(","));
            (if negated { answer.inverted() } else { answer }, took + if negated { 3 } else { 2 })
        }
        ("meta", "mark") | ("mark", _) => mark(words, way),
        // `fib saddr . iif oif missing`: the kernel's routes decide.
        ("fib", _) => {
            let asked = words.iter().position(|word| ["oif", "oifname", "type"].contains(word)).unwrap_or(words.len());
            let negated = usize::from(words.get(asked + 1) == Some(&"!="));
            let (_, took) = value(&words[(asked + 1 + negated).min(words.len())..]);
            (Match::Maybe, asked + 1 + negated + took)
        }
        // Its values, such as `dnat`, are no verdicts.
        ("ct", "status") => {
            let negated = word(2) == "!=";
            let (list, took) = value(&words[if negated { 3 } else { 2 }.min(words.len())..]);
            let answer = netfilter::connection_status(way, &list.join(","));
            (if negated { answer.inverted() } else { answer }, took + if negated { 3 } else { 2 })
        }
        ("ct", "zone") if word(2) == "set" => {
            way.zone = word(3).parse().ok();
            (Match::Yes, 4)
        }
        ("ct", _) if word(2) == "set" => (Match::Yes, words.len()),
        ("counter", "packets") => (Match::Yes, 5),
        ("comment", _) => (Match::Yes, 2),
        ("notrack", _) => {
            way.state = Some("UNTRACKED".to_owned());
            (Match::Yes, 1)
        }
        ("log", _) => {
            let more = words[1..]
                .chunks(2)
                .take_while(|pair| ["prefix", "level", "group", "snaplen", "queue-threshold", "flags"].contains(&pair[0]));
            (Match::Yes, 1 + 2 * more.count())
        }
        ("meta", "nfproto") => {
            let six = way.destination.or(way.source).is_some_and(|address| address.is_ipv6());
            (if word(2) == if six { "ipv6" } else { "ipv4" } { Match::Yes } else { Match::No }, 3)
        }
        ("meta", "iifname" | "oifname") => {
            let (answer, took) = expression(&words[1..], way);
            (answer, took + 1)
        }
        _ => expression(words, way),
    }
}

/// `meta mark …`: a match, or a change of the mark.
fn mark(words: &[&str], way: &mut Fields) -> (Match, usize) {
    let from = if words[0] == "meta" { 2 } else { 1 };
    let word = |at: usize| words.get(from + at).copied().unwrap_or_default();
    let number = |at: usize| netfilter::number(word(at));
    let compare = |negated: bool, mask: Option<u32>, wanted: Option<u32>| match (way.mark, mask, wanted) {
        (Some(mark), Some(mask), Some(wanted)) => {
            if (mark & mask == wanted) == negated {
                Match::No
            } else {
                Match::Yes
            }
        }
        _ => Match::Maybe,
    };
    match word(0) {
        "set" => {
            // `set meta mark | 0x4000`, `^`, `&`, `or`, `xor`, `and`, or a plain value.
            let (mark, took) = if word(1) == "meta" && word(2) == "mark" || word(1) == "mark" {
                let at = if word(1) == "meta" { 3 } else { 2 };
                let bits = number(at + 1);
                let both = way.mark.zip(bits);
                let mark = match word(at) {
                    "|" | "or" => both.map(|(mark, bits)| mark | bits),
                    "^" | "xor" => both.map(|(mark, bits)| mark ^ bits),
                    "&" | "and" => both.map(|(mark, bits)| mark & bits),
                    _ => None,
                };
                (mark, at + 2)
            } else {
                (number(1), 2)
            };
            way.mark = mark;
            (Match::Yes, from + took)
        }
        "&" | "and" => (compare(word(2) == "!=", number(1), number(3)), from + 4),
        "!=" => (compare(true, Some(u32::MAX), number(1)), from + 2),
        _ => (compare(false, Some(u32::MAX), number(0)), from + 1),
    }
}

/// Selectors joined by `.`, each as its words, and how many words that took; `None` when none begins here.
fn keys<'a>(words: &[&'a str]) -> Option<(Vec<Vec<&'a str>>, usize)> {
    let (mut all, mut at) = (Vec::new(), 0);
    loop {
        let length = match (words.get(at)?, words.get(at + 1).copied().unwrap_or_default()) {
            (&("ip" | "ip6"), "saddr" | "daddr" | "protocol" | "nexthdr")
            | (&("tcp" | "udp" | "th"), "sport" | "dport")
            | (&"meta", "l4proto" | "iifname" | "oifname" | "nfproto")
            | (&"ct", "state") => 2,
            (&("iifname" | "oifname" | "iif" | "oif"), _) => 1,
            (&"numgen", _) => 4,
            (&"jhash", _) => words[at..].iter().position(|word| *word == "vmap")?,
            _ => return None,
        };
        all.push(words.get(at..at + length)?.to_vec());
        at += length;
        if words.get(at) != Some(&".") {
            return Some((all, at));
        }
        at += 1;
    }
}

/// What a verdict map leads to: the element that surely matches, or all that may.
fn mapped(keys: &[Vec<&str>], words: &[&str], way: &Fields, chain: &str, ruleset: &Ruleset) -> (Match, Vec<Action>) {
    let (Some(all), _) = members(words, chain, ruleset) else { return (Match::Maybe, vec![Action::Unclear]) };
    let found: Vec<(Match, &str)> =
        all.iter().map(|(key, to)| (holds(keys, key, way), to.as_str())).filter(|(answer, _)| *answer != Match::No).collect();
    // Chance and hashes choose one of all, so that something is always chosen.
    let always = keys.iter().any(|key| matches!(key[0], "numgen" | "jhash"));
    let answer = if always { Match::Yes } else { found.iter().map(|(answer, _)| *answer).max().unwrap_or(Match::No) };
    let sure: Vec<&(Match, &str)> = found.iter().filter(|(answer, _)| *answer == Match::Yes).collect();
    let chosen: Vec<&(Match, &str)> = if sure.is_empty() { found.iter().collect() } else { sure };
    let actions = chosen.into_iter().map(|(_, to)| {
        let words: Vec<&str> = to.split_whitespace().collect();
        match words.first() {
            Some(&"continue") => Action::Next(way.clone()),
            _ => verdict(&words, way, chain, ruleset).unwrap_or(Action::Unclear),
        }
    });
    (answer, actions.collect())
}
