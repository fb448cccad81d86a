//! Expressions in rules as `nft list ruleset` prints them: whether they hold for a packet. One that is not understood is a `Maybe`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::netfilter::{Fields, Match};

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
        ("ether", "type") => {
            let own: &[&str] = if fields.is_v6() == Some(true) { &["ip6", "0x86dd"] } else { &["ip", "0x0800"] };
            (both(same(value.iter().any(|one| own.contains(one)))), value_at + value_words)
        }
        ("ether", "saddr") => (both(mac(fields.source_mac.as_deref(), &value)), value_at + value_words),
        ("ether", "daddr") => (both(mac(fields.destination_mac.as_deref(), &value)), value_at + value_words),
        ("ibrname", _) => single(words, fields.bridge.as_deref().filter(|_| fields.input.is_some())),
        ("obrname", _) => single(words, fields.bridge.as_deref().filter(|_| fields.output.is_some())),
        ("meta", "ibrname" | "obrname") => {
            let (answer, took) = expression(&words[1..], fields);
            (answer, took + 1)
        }
        ("iifname" | "iif", _) => single(words, fields.input.as_deref()),
        ("oifname" | "oif", _) => single(words, fields.output.as_deref()),
        ("meta", "l4proto") | ("ip", "protocol") => {
            (both(if value.iter().any(|one| *one == fields.protocol) { Match::Yes } else { Match::No }), value_at + value_words)
        }
        ("ip6", "nexthdr") => (both(same(value.contains(&fields.protocol.as_str()))), value_at + value_words),
        ("meta", "protocol") => {
            let holds = |six: bool| same(value.contains(&if six { "ip6" } else { "ip" }));
            (fields.is_v6().map_or(Match::Maybe, |six| both(holds(six))), value_at + value_words)
        }
        (_, _) if word(2) == "set" => (Match::Yes, 4),
        ("counter", "name") => (Match::Yes, 3),
        ("continue" | "counter", _) => (Match::Yes, 1),
        _ => (Match::Maybe, 1),
    }
}

fn mac(address: Option<&str>, values: &[&str]) -> Match {
    // What is masked or named otherwise is not known.
    let plain = values.iter().all(|value| value.len() == 17 && !value.contains('/'));
    address.filter(|_| plain).map_or(Match::Maybe, |address| same(values.iter().any(|value| value.eq_ignore_ascii_case(address))))
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

pub(super) fn net(address: Option<IpAddr>, values: &[&str]) -> Match {
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

/// Whether the dump holds marks of iptables-nft's compatibility layer.
pub(super) fn line_has_xt(ruleset: &str) -> bool {
    ruleset.contains("xt match") || ruleset.contains("# xt_")
}

fn same(holds: bool) -> Match {
    if holds { Match::Yes } else { Match::No }
}
