//! Sets and maps of nftables: their elements, and which of them hold a packet.

use std::borrow::Cow;

use super::super::netfilter::{self, Fields, Match};
use super::super::nftables::expression;
use super::{Ruleset, beside};

/// An element of a set or map: its key, and for a map what it leads to.
pub(super) type Element = (String, String);

/// The elements of a set or map: key and, for a map, what it leads to.
pub(super) fn elements(text: &str) -> Vec<Element> {
    let Some((_, list)) = text.split_once("elements = {") else { return Vec::new() };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let mut all = Vec::new();
    // A comma within a comment parts nothing.
    let mut quoted = false;
    let apart = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    for element in list.split(apart).map(str::trim).filter(|element| !element.is_empty()) {
        let (key, to) = element.split_once(" : ").unwrap_or((element, ""));
        // What stands behind the key (a counter, a time, a comment) says nothing of whether it matches.
        let key = ["counter", "timeout", "expires", "comment"]
            .iter()
            .fold(key, |key, word| key.split(&format!(" {word} ")).next().unwrap_or(key));
        all.push((key.trim().to_owned(), to.trim().to_owned()));
    }
    all
}

/// The members of `@NAME` or of a set in braces, and how many words it took; `None` for a set that is not known.
pub(super) fn members<'a>(words: &[&str], chain: &str, ruleset: &'a Ruleset) -> (Option<Cow<'a, [Element]>>, usize) {
    match words.first() {
        Some(name) if name.starts_with('@') => (ruleset.sets.get(&beside(chain, &name[1..])).map(|set| set.as_slice().into()), 1),
        Some(&"{") => {
            let end = words.iter().position(|word| *word == "}").unwrap_or(words.len() - 1);
            (Some(elements(&format!("elements = {} }}", words[..end].join(" "))).into()), end + 1)
        }
        _ => (None, 1),
    }
}

/// Whether an element's key holds the packet.
pub(super) fn holds(keys: &[Vec<&str>], element: &str, way: &Fields) -> Match {
    let parts: Vec<&str> = element.split(" . ").map(str::trim).collect();
    if parts.len() != keys.len() {
        return Match::Maybe;
    }
    keys.iter()
        .zip(parts)
        .map(|(key, part)| match key[0] {
            "numgen" | "jhash" => Match::Maybe,
            "ct" => netfilter::connection_state(way, part),
            "meta" if key[1] == "l4proto" => same(&way.protocol, part),
            "meta" => expression(&[key[1], part], way).0,
            "ip" | "ip6" if key[1] == "protocol" || key[1] == "nexthdr" => same(&way.protocol, part),
            // The port of whatever protocol another part of the key names.
            "tcp" | "udp" if key[0] != way.protocol => Match::No,
            "tcp" | "udp" => expression(&["th", key[1], part], way).0,
            _ => expression(&[key.as_slice(), &[part]].concat(), way).0,
        })
        .min()
        .unwrap_or(Match::Maybe)
}

fn same(protocol: &str, part: &str) -> Match {
    let by_number = matches!((protocol, part), ("tcp", "6") | ("udp", "17") | ("icmp", "1") | ("ipv6-icmp", "58") | ("sctp", "132"));
    if protocol == part || by_number { Match::Yes } else { Match::No }
}
