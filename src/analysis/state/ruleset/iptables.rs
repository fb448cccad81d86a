//! Rules as `iptables-save -c` prints them, for the walk.

use std::net::IpAddr;

use super::super::netfilter::{self, Fields, Match, Rule};
use super::{Action, Chain, Hook, Line, Ruleset, beside};

/// Targets after which the next rule is asked, as if the packet had not been touched.
const ON: [&str; 22] = [
    "",
    "LOG",
    "NFLOG",
    "ULOG",
    "TRACE",
    "SET",
    "TCPMSS",
    "TCPOPTSTRIP",
    "CHECKSUM",
    "CLASSIFY",
    "DSCP",
    "TOS",
    "TTL",
    "HL",
    "TEE",
    "AUDIT",
    "SECMARK",
    "CONNSECMARK",
    "IDLETIMER",
    "LED",
    "RATEEST",
    "ECN",
];

/// Adds the chains of a dump.
pub(super) fn read(ruleset: &mut Ruleset, tool: &str, dump: &str) {
    let mut table = String::new();
    for line in dump.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(name) = line.strip_prefix(':').and_then(|line| line.split_whitespace().next()) {
            let hook = Hook::named(name).filter(|_| name.chars().all(char::is_uppercase)).map(|hook| (hook, priority(&table, hook)));
            let chain = Chain { hook, translates: table == "nat", device: None, doubtful: false, refuses: None, rules: Vec::new() };
            ruleset.chains.insert(format!("{tool} {table} {name}"), chain);
        }
    }
    for rule in netfilter::rules(dump) {
        let Some(chain) = ruleset.chains.get_mut(&format!("{tool} {} {}", rule.table, rule.chain)) else { continue };
        if rule.number > 0 {
            chain.rules.push(Line::Iptables(rule));
        } else if rule.takes_away() {
            chain.refuses = Some((rule.path(), rule.text.clone(), Some(rule.packets)));
        }
    }
}

/// The kernel's order of the tables at one hook.
fn priority(table: &str, hook: Hook) -> i32 {
    match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" if matches!(hook, Hook::Prerouting | Hook::Output) => -100,
        "nat" => 100,
        "security" => 50,
        _ => 0,
    }
}

pub(super) fn decide(rule: &Rule, way: &Fields, chain: &str, ruleset: &Ruleset) -> (Match, Vec<Action>) {
    let matched = rule.matches(way);
    if matched == Match::No {
        return (matched, Vec::new());
    }
    let option = |name: &str| rule.words.iter().position(|word| word == name).and_then(|at| rule.words.get(at + 1)).map(String::as_str);
    let has = |name: &str| rule.words.iter().any(|word| word == name);
    let mut changed = way.clone();
    let action = match rule.target.as_str() {
        "ACCEPT" => Action::Accept(changed),
        "RETURN" => Action::Return,
        _ if rule.takes_away() => Action::Take,
        "DNAT" => {
            (changed.destination, changed.destination_port) = translated(option("--to-destination"), way.destination_port);
            changed.translated = true;
            Action::Accept(changed)
        }
        "REDIRECT" => {
            changed.destination = None;
            changed.destination_port = option("--to-ports").map_or(way.destination_port, |port| port.parse().ok());
            changed.translated = true;
            Action::Accept(changed)
        }
        "SNAT" => {
            (changed.source, changed.source_port) = (translated(option("--to-source"), None).0, None);
            Action::Accept(changed)
        }
        "MASQUERADE" => {
            (changed.source, changed.source_port) = (None, None);
            Action::Accept(changed)
        }
        "MARK" => {
            changed.mark = mark(way.mark, &option);
            Action::Next(changed)
        }
        "CONNMARK" => {
            if has("--restore-mark") {
                changed.mark = None;
            }
            Action::Next(changed)
        }
        "CT" | "NOTRACK" => {
            if has("--notrack") || rule.target == "NOTRACK" {
                changed.state = Some("UNTRACKED".to_owned());
            }
            if let Some(zone) = option("--zone").and_then(|zone| zone.parse().ok()) {
                changed.zone = Some(zone);
            }
            Action::Next(changed)
        }
        target if ON.contains(&target) => Action::Next(changed),
        target => {
            let to = beside(chain, target);
            match ruleset.chains.contains_key(&to) {
                true if has("-g") => Action::Goto(to),
                true => Action::Jump(to),
                false => Action::Unclear,
            }
        }
    };
    (matched, vec![action])
}

/// The hop limit (TTL) that a rule leaves on a packet.
pub(super) fn hop_limit(rule: &Rule) -> Option<u8> {
    let at = rule.words.iter().position(|word| word == "--ttl-set" || word == "--hl-set")?;
    rule.words.get(at + 1)?.parse().ok()
}

/// The mark that a rule leaves on a packet.
fn mark<'a>(now: Option<u32>, option: &impl Fn(&str) -> Option<&'a str>) -> Option<u32> {
    if let Some((value, mask)) = option("--set-xmark").and_then(netfilter::mark_and_mask) {
        return if mask == u32::MAX { Some(value) } else { now.map(|mark| (mark & !mask) ^ value) };
    }
    if let Some((value, mask)) = option("--set-mark").and_then(netfilter::mark_and_mask) {
        return if mask == u32::MAX { Some(value) } else { now.map(|mark| (mark & !mask) | value) };
    }
    let number = |name| option(name).and_then(netfilter::number);
    match (number("--or-mark"), number("--and-mark"), number("--xor-mark")) {
        (Some(bits), _, _) => now.map(|mark| mark | bits),
        (_, Some(bits), _) => now.map(|mark| mark & bits),
        (_, _, Some(bits)) => now.map(|mark| mark ^ bits),
        _ => None,
    }
}

/// `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT` or `:PORT`; of a range nothing is known.
pub(super) fn translated(to: Option<&str>, port: Option<u16>) -> (Option<IpAddr>, Option<u16>) {
    let Some(to) = to else { return (None, port) };
    if let Ok(both) = to.parse::<std::net::SocketAddr>() {
        return (Some(both.ip()), Some(both.port()));
    }
    match to.trim_matches(['[', ']']).parse() {
        Ok(address) => (Some(address), port),
        Err(_) => (None, None),
    }
}
